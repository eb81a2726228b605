"""Attention for decoding gives what torch's gives, in the kernel and in a model's words."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")

from harness.backends.attention import grouped_attention, use_grouped_decoding  # noqa: E402

pytestmark = pytest.mark.model


@pytest.mark.parametrize("queries", [1, 5])
@pytest.mark.parametrize("masked", [True, False])
def test_it_is_torchs_attention(queries: int, masked: bool) -> None:
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    torch.manual_seed(0)
    query, key, value = (torch.randn(3, heads, n, 8) for heads, n in ((6, queries), (2, 11), (2, 11)))
    mask = None
    if masked:
        mask = torch.ones(3, 1, queries, 11, dtype=torch.bool)
        mask[1, ..., :4] = False
    module = SimpleNamespace(num_key_value_groups=3, is_causal=False)
    theirs, _ = sdpa_attention_forward(module, query, key, value, mask, scaling=0.3)
    ours, _ = grouped_attention(module, query, key, value, mask, scaling=0.3)
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)


def test_a_model_writes_the_same_tokens(tiny_model: Path) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32, attn_implementation="sdpa")
    ids = torch.tensor([[0, 0, 5, 9, 11], [7, 8, 5, 9, 12]])
    mask = (ids > 0).long()

    def written() -> list[list[int]]:
        out = model.generate(
            input_ids=ids, attention_mask=mask, max_new_tokens=20, do_sample=False, pad_token_id=0
        )
        return out.tolist()

    before = written()
    use_grouped_decoding(model)
    assert model.config._attn_implementation != "sdpa"
    assert written() == before

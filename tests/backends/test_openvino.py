"""The openvino engine on a random model: what the contract cannot say for every engine."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from harness.errors import BackendError
from harness.types.answers import Generation, Request
from harness.types.settings import BackendSpec

from .test_contract import QUESTIONS, answers, ask

pytestmark = pytest.mark.model
torch = pytest.importorskip("torch")

from harness.backends.openvino import OpenVinoBackend  # noqa: E402


def backend(folder: Path, size: int = 8, seed: int = 0, **settings: Any) -> OpenVinoBackend:
    given = {"name": "openvino", "dtype": "float32", "batch_size": size, "threads": 1, "kv_cache_gb": 0.05}
    return OpenVinoBackend(BackendSpec(**(given | settings)), folder, "w", seed)


def torch_backend(folder: Path) -> Any:
    from harness.backends.transformers import TransformersBackend

    return TransformersBackend(BackendSpec(dtype="float32", threads=1), folder, "w", 0)


def make_adapter(model: Path, folder: Path, targets: list[str], **settings: Any) -> Path:
    """A LoRA adapter whose weights are far from zero."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    config = LoraConfig(r=4, lora_alpha=6, target_modules=targets, task_type="CAUSAL_LM", **settings)
    tuned = get_peft_model(base, config)
    for name, p in tuned.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(p, std=0.3)
    tuned.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def adapter(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("adapter")
    return make_adapter(tiny_model, folder, ["q_proj", "down_proj"], alpha_pattern={"down_proj": 3})


REQUESTS = [ask(q, tokens=24) for q in QUESTIONS] + [ask(f"question number {i}", tokens=40) for i in range(6)]


def tuned(adapter: Path) -> list[Request]:
    return [r.model_copy(update={"adapter": str(adapter)}) for r in REQUESTS]


def told(generations: list[Generation]) -> list[tuple[str, str, int, str]]:
    return [(g.text, g.prompt_hash, g.output_tokens, g.finish) for g in generations]


def test_the_base_answers_as_with_transformers(tiny_model: Path, tiny_openvino: Path) -> None:
    expected = told(answers(torch_backend(tiny_model), REQUESTS))
    assert told(answers(backend(tiny_openvino), REQUESTS)) == expected
    assert {finish for *_, finish in expected} == {"stop", "length"}


@pytest.mark.parametrize("how", ["merged", "beside"])
def test_an_adapter_answers_as_with_transformers(
    tiny_model: Path, tiny_openvino: Path, adapter: Path, how: str
) -> None:
    """Merged, the sum is rounded to float16, as the weights are: a near tie of a random model may turn."""
    expected = told(answers(torch_backend(tiny_model), tuned(adapter)))
    found = told(answers(backend(tiny_openvino, adapters=how), tuned(adapter)))
    same = sum(one == two for one, two in zip(found, expected, strict=True))
    assert same >= len(REQUESTS) - (2 if how == "merged" else 0)


@pytest.mark.parametrize("how", ["merged", "beside"])
def test_base_and_adapter_do_not_mix(tiny_openvino: Path, adapter: Path, how: str) -> None:
    """Both read the same prompts, whose keys and values the engine keeps."""
    b = backend(tiny_openvino, adapters=how)
    base = told(answers(b, REQUESTS))
    assert told(answers(b, tuned(adapter))) != base
    assert told(answers(b, REQUESTS)) == base
    mixed = [r for pair in zip(REQUESTS, tuned(adapter), strict=True) for r in pair]
    with ThreadPoolExecutor(8) as pool:
        streamed = list(pool.map(lambda r: list(b.stream(r))[-1], mixed))
    assert told(streamed[::2]) == base
    assert told(streamed[1::2]) == told(answers(b, tuned(adapter)))


def test_greedy_text_does_not_depend_on_the_batch(tiny_openvino: Path) -> None:
    together = told(answers(backend(tiny_openvino, 8), REQUESTS))
    one = backend(tiny_openvino, 1)
    assert told(answers(one, REQUESTS)) == together
    assert told([one.time(r) for r in REQUESTS]) == together


def test_a_batch_gives_the_same_whatever_ran_before(tiny_openvino: Path) -> None:
    """What a resumed run rests on: nothing kept from an earlier batch reaches a later one."""
    fresh = [g.text for g in answers(backend(tiny_openvino, 4), REQUESTS[4:8])]
    used = backend(tiny_openvino, 4)
    answers(used, REQUESTS)
    list(used.stream(REQUESTS[4]))
    assert [g.text for g in answers(used, REQUESTS[4:8])] == fresh


def test_a_dropped_stream_makes_room_and_hurts_no_other(tiny_openvino: Path) -> None:
    b = backend(tiny_openvino, 2)
    expected = [b.time(r).text for r in REQUESTS]
    for request in REQUESTS:
        stream = b.stream(request)
        next(stream)
        stream.close()  # type: ignore[attr-defined]
    assert [list(b.stream(r))[-1].text for r in REQUESTS] == expected  # type: ignore[union-attr]


def test_sampling_repeats_with_the_seed_and_changes_with_it(tiny_openvino: Path) -> None:
    requests = [ask(q, temperature=1.0, tokens=16) for q in QUESTIONS]
    texts = [[g.text for g in answers(backend(tiny_openvino, seed=s), requests)] for s in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_a_prompt_beyond_the_cache_is_an_error_that_says_what_to_do(tiny_openvino: Path) -> None:
    b = backend(tiny_openvino, kv_cache_gb=0.00005)
    with pytest.raises(BackendError, match=r"raise backend\.kv_cache_gb"):
        b.time(ask("word " * 60))


def test_a_batch_larger_than_the_cache_is_still_answered(tiny_openvino: Path) -> None:
    """Requests then wait or are computed again; the text is the same."""
    small = backend(tiny_openvino, kv_cache_gb=0.0002)
    assert told(answers(small, REQUESTS)) == told(answers(backend(tiny_openvino), REQUESTS))


def test_machine_time_of_a_batch_is_its_wall_time(tiny_openvino: Path) -> None:
    import time

    b = backend(tiny_openvino)
    b.warm_up(REQUESTS[0])
    done: dict[int, Generation] = {}
    start = time.perf_counter()
    b.generate(REQUESTS[:8], done.__setitem__)
    wall = time.perf_counter() - start
    assert sum(g.compute_s for g in done.values()) == pytest.approx(wall, rel=0.15, abs=0.02)


@pytest.mark.parametrize(
    ("change", "why"),
    [({"use_dora": True}, "use_dora"), ({"bias": "all"}, "bias all"), ({"peft_type": "IA3"}, "type IA3")],
)
def test_an_adapter_of_another_kind_is_refused(
    tiny_openvino: Path, adapter: Path, tmp_path: Path, change: dict[str, Any], why: str
) -> None:
    folder = tmp_path / "other"
    shutil.copytree(adapter, folder)
    file = folder / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(BackendError, match=f"{why}.*--backend transformers"):
        backend(tiny_openvino).time(tuned(folder)[0])


def test_an_adapter_of_other_layers_is_refused(tiny_model: Path, tiny_openvino: Path, tmp_path: Path) -> None:
    folder = make_adapter(tiny_model, tmp_path / "embedding", ["lm_head"])
    with pytest.raises(BackendError, match=r"cannot adapt .*lm_head.*--backend transformers"):
        backend(tiny_openvino).time(tuned(folder)[0])


def test_nothing_is_reported_home(tmp_path: Path) -> None:
    """OpenVINO tells its maker of each import where it finds openvino_telemetry."""
    (tmp_path / "openvino_telemetry.py").write_text("raise SystemExit('it was imported')")
    code = "import harness.backends.openvino, harness.models.openvino_ir, sys; print(sys.modules['openvino_telemetry'])"
    environment = {"PYTHONPATH": f"{Path.cwd()}:{tmp_path}", "PATH": "/usr/bin"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "None", done.stderr

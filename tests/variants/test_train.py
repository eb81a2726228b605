"""Training on a random model: the loss, resuming after a kill to the very same weights, and what is kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.errors import TrainingError
from harness.protocols import TrainingJob
from harness.types.answers import TrainingRecord
from harness.types.data import Message
from harness.types.settings import Training

torch = pytest.importorskip("torch")

from safetensors.torch import load_file  # noqa: E402

from harness.variants.finetune import frozen, loss, train  # noqa: E402
from harness.variants.finetune.frozen import FrozenStart  # noqa: E402
from harness.variants.finetune.loss import Encoded, backpropagate, encode_all, pieces  # noqa: E402
from harness.variants.finetune.train import train_adapter  # noqa: E402

pytestmark = pytest.mark.model

TRAINING = Training(rank=4, alpha=8, epochs=3, patience=3, learning_rate=1e-2, batch_size=4)
THINGS = ("lamp", "chair", "table", "shelf", "mirror", "carpet", "clock", "stool", "bench", "vase")


def chat(question: str, answer: str) -> tuple[Message, ...]:
    turns = (("system", "Be brief."), ("user", question), ("assistant", answer))
    return tuple(Message(role=role, content=text) for role, text in turns)  # type: ignore[arg-type]


def make_job(base: Path, folder: Path, **training: Any) -> TrainingJob:
    chats = [chat(f"what does a {t} cost", f"A {t} costs {10 + i} euros.") for i, t in enumerate(THINGS)]
    return TrainingJob(
        name="tuned",
        training=TRAINING.model_copy(update=training),
        base=base,
        examples=chats,
        dev=[chat("price of a lamp?", "A lamp costs 10 euros."), chat("chair?", "A chair costs 11 euros.")],
        folder=folder,
        key="key",
        seed=5,
        dtype="float32",
    )


@pytest.fixture
def job(tiny_model: Path, tmp_path: Path) -> TrainingJob:
    return make_job(tiny_model, tmp_path / "adapter")


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "threads", lambda: 1)


def ignore(step: int, steps: int, loss: float) -> None:
    pass


def weights(job: TrainingJob) -> bytes:
    return (job.folder / "best" / "adapter_model.safetensors").read_bytes()


def learned(record: TrainingRecord) -> dict[str, Any]:
    """The record without what is measured."""
    return record.model_dump(exclude={"seconds", "peak_memory_bytes"})


class StopError(Exception):
    pass


def stop_at(step: int) -> Callable[[int, int, float], None]:
    def on_step(at: int, steps: int, loss: float) -> None:
        if at == step:
            raise StopError

    return on_step


def train_with_stops(job: TrainingJob, *steps: int) -> TrainingRecord:
    for step in steps:
        with pytest.raises(StopError):
            train_adapter(job, stop_at(step))
    return train_adapter(job, ignore)


def test_the_loss_falls_and_the_record_tells_how(job: TrainingJob) -> None:
    told: list[tuple[int, int, float]] = []
    record = train_adapter(job, lambda *step: told.append(step))
    losses = [loss for _, loss in record.steps]
    assert [s for s, _ in record.steps] == list(range(1, 10))
    assert [(s, n) for s, n, _ in told] == [(s, 9) for s in range(1, 10)]
    assert [round(loss, 5) for *_, loss in told] == losses
    assert losses[-1] < losses[0] * 0.8
    assert record.epochs[-1].dev_loss < record.epochs[0].dev_loss
    assert record.epochs[0].train_loss == pytest.approx(sum(losses[:3]) / 3, abs=1e-5)
    assert 0 < record.trainable_parameters < record.total_parameters
    assert record.seconds > 0
    assert (record.examples, record.fingerprint, record.adapter) == (10, "key", "tuned")


def test_tokens_are_counted_without_padding(job: TrainingJob) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(job.base)
    encoded = encode_all(tokenizer, job.examples, None)
    assert train_adapter(job, ignore).tokens == 3 * sum(len(e.ids) for e in encoded)


def test_the_target_is_the_answer_up_to_its_end_token(job: TrainingJob) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(job.base)
    [encoded] = encode_all(tokenizer, job.examples[:1], None)
    assert tokenizer.decode(encoded.ids[encoded.start :]) == "A lamp costs 10 euros.<|im_end|>"
    assert tokenizer.decode(encoded.ids[: encoded.start]).endswith("<|im_start|>assistant\n")


@pytest.mark.parametrize("piece_tokens", [1024, 1])
def test_loss_and_gradients_are_those_of_transformers_on_the_whole_batch(
    job: TrainingJob, monkeypatch: pytest.MonkeyPatch, piece_tokens: int
) -> None:
    from transformers import AutoTokenizer

    monkeypatch.setattr(loss, "_PIECE_TOKENS", piece_tokens)
    encoded = encode_all(AutoTokenizer.from_pretrained(job.base), job.examples[:5], None)
    model = train._adapted(job)
    width = max(len(e.ids) for e in encoded)
    ids = torch.zeros((5, width), dtype=torch.long)
    labels = torch.full((5, width), -100)
    mask = torch.zeros((5, width), dtype=torch.long)
    for row, e in enumerate(encoded):
        ids[row, : len(e.ids)] = torch.tensor(e.ids)
        labels[row, e.start : len(e.ids)] = torch.tensor(e.ids[e.start :])
        mask[row, : len(e.ids)] = 1
    full = model(input_ids=ids, attention_mask=mask, labels=labels).loss
    full.backward()
    gradients = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    assert backpropagate(model.get_base_model(), encoded, None) == pytest.approx(
        float(full.detach()), abs=1e-5
    )
    assert any(g.abs().max() > 1e-3 for g in gradients.values())
    for name, parameter in model.named_parameters():
        if name in gradients:
            torch.testing.assert_close(parameter.grad, gradients[name], atol=1e-5, rtol=1e-3)


def test_pieces_hold_the_whole_batch_within_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loss, "_PIECE_TOKENS", 20)
    batch = [Encoded(list(range(n)), 1) for n in (3, 12, 7, 5, 30)]
    cut = pieces(batch)
    assert [[len(e.ids) for e in piece] for piece in cut] == [[30], [12], [7, 5], [3]]


def test_what_stands_before_the_target_does_not_count(job: TrainingJob) -> None:
    """The loss of a two-token target is the mean of its log-probabilities, whatever padding is beside."""
    model = train._adapted(job)
    causal = model.get_base_model()
    short, long = Encoded([5, 6, 7, 8], 2), Encoded(list(range(5, 25)), 18)
    with torch.no_grad():
        logs = model(input_ids=torch.tensor([short.ids])).logits[0].log_softmax(-1)
        by_hand = -(logs[1, 7] + logs[2, 8]) / 2
    alone, other = (backpropagate(causal, [e], None) for e in (short, long))
    assert alone == pytest.approx(float(by_hand), abs=1e-5)
    assert backpropagate(causal, [short, long], None) == pytest.approx((alone + other) / 2, abs=1e-5)


@pytest.mark.parametrize(("dropout", "layers"), [(0.0, None), (0.3, None), (0.3, 1)])
@pytest.mark.parametrize("stops", [(2,), (3,), (5, 8), (9,)])
def test_a_stopped_training_resumes_to_the_very_same_weights(
    job: TrainingJob,
    monkeypatch: pytest.MonkeyPatch,
    dropout: float,
    layers: int | None,
    stops: tuple[int, ...],
) -> None:
    job = replace(job, training=job.training.model_copy(update={"dropout": dropout, "layers": layers}))
    whole = replace(job, folder=job.folder.with_name("whole"))
    expected = train_adapter(whole, ignore)
    monkeypatch.setattr(train, "_CHECKPOINT_SECONDS", 0.0)
    assert learned(train_with_stops(job, *stops)) == learned(expected)
    assert weights(job) == weights(whole)


def test_without_a_checkpoint_in_time_it_resumes_from_the_last_epoch(job: TrainingJob) -> None:
    seen: list[int] = []
    with pytest.raises(StopError):
        train_adapter(job, stop_at(5))
    train_adapter(job, lambda step, *_: seen.append(step))
    assert seen == list(range(4, 10))


def test_a_kill_between_the_end_and_the_record_costs_no_step(job: TrainingJob) -> None:
    first = train_adapter(job, ignore)
    again = train_adapter(job, stop_at(1))
    assert learned(again) == learned(first)


def test_checkpoints_hold_no_pickle_and_only_the_newest_stays(
    job: TrainingJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "_CHECKPOINT_SECONDS", 0.0)
    with pytest.raises(StopError):
        train_adapter(job, stop_at(6))
    kept = {p.name for p in (job.folder / "checkpoint").iterdir()}
    assert kept == {"position.json", "step-5.safetensors"}
    assert {p.suffix for p in job.folder.rglob("*") if p.is_file()} <= {".json", ".safetensors", ".md"}


def test_a_checkpoint_cut_off_while_being_written_is_not_used(
    job: TrainingJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tensors come first and the JSON last: a kill between them leaves the older checkpoint in force."""
    whole = replace(job, folder=job.folder.with_name("whole"))
    train_adapter(whole, ignore)
    monkeypatch.setattr(train, "_CHECKPOINT_SECONDS", 0.0)
    with pytest.raises(StopError):
        train_adapter(job, stop_at(6))
    (job.folder / "checkpoint" / "step-6.safetensors.part").write_bytes(b"half")
    train_adapter(job, ignore)
    assert weights(job) == weights(whole)


_CHILD = """
import sys
from pathlib import Path
sys.path[:0] = [{tests!r}]
from variants.test_train import make_job
from harness.variants.finetune import train
train._CHECKPOINT_SECONDS = 0.0
train.threads = lambda: 1
def on_step(step, steps, loss):
    print(step, flush=True)
    if step >= 5:
        import time; time.sleep(60)
train.train_adapter(make_job(Path({base!r}), Path({folder!r})), on_step)
"""


def test_a_real_kill_resumes_to_the_very_same_weights(job: TrainingJob) -> None:
    whole = replace(job, folder=job.folder.with_name("whole"))
    expected = train_adapter(whole, ignore)
    script = _CHILD.format(tests=str(Path(__file__).parents[1]), base=str(job.base), folder=str(job.folder))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert any(line.strip() == "5" for line in child.stdout)
        os.kill(child.pid, signal.SIGKILL)
    assert (job.folder / "checkpoint" / "step-4.safetensors").exists()
    seen: list[int] = []
    record = train_adapter(job, lambda step, *_: seen.append(step))
    assert seen == [5, 6, 7, 8, 9]
    assert learned(record) == learned(expected)
    assert weights(job) == weights(whole)


def with_dev_losses(monkeypatch: pytest.MonkeyPatch, losses: list[float]) -> None:
    given = iter(losses)
    monkeypatch.setattr(train._Run, "_on_dev", lambda self: (next(given), None))


def snapshots(job: TrainingJob, monkeypatch: pytest.MonkeyPatch) -> dict[int, dict[str, Any]]:
    """Adapter weights after each epoch, as the training goes on."""
    taken: dict[int, dict[str, Any]] = {}
    close = train._Run._close_epoch

    def and_take(self: Any, epoch: int) -> None:
        taken[epoch] = {n: p.detach().clone() for n, p in self._named.items()}
        close(self, epoch)

    monkeypatch.setattr(train._Run, "_close_epoch", and_take)
    return taken


@pytest.mark.parametrize(
    ("losses", "best"),
    [
        ([3.0, 2.0, 2.5], 2),
        ([2.000001, 3.0, 3.0], 1),
        ([2.0000049, 2.0000041, 3.0], 1),
        ([3.0, 2.9999951, 2.999996], 1),
        ([3.0, 2.0, 1.0], 3),
    ],
)
def test_the_epoch_that_the_record_calls_best_is_the_one_kept(
    job: TrainingJob, monkeypatch: pytest.MonkeyPatch, losses: list[float], best: int
) -> None:
    """Also where rounding for the record lowers a loss or makes two of them equal."""
    with_dev_losses(monkeypatch, losses)
    taken = snapshots(job, monkeypatch)
    record = train_adapter(job, ignore)
    assert record.best_epoch == best
    kept = load_file(job.folder / "best" / "adapter_model.safetensors")
    for name, tensor in taken[best].items():
        assert torch.equal(kept[name.replace(".default.", ".")], tensor)


@pytest.mark.parametrize(
    ("patience", "losses", "epochs"),
    [(1, [2.0, 3.0, 1.0, 1.0, 1.0], 2), (2, [2.0, 3.0, 1.0, 4.0, 4.0], 5), (2, [2.0, 3.0, 3.0, 1.0, 1.0], 3)],
)
def test_it_stops_after_so_many_epochs_without_a_better_one(
    job: TrainingJob, monkeypatch: pytest.MonkeyPatch, patience: int, losses: list[float], epochs: int
) -> None:
    job = replace(job, training=job.training.model_copy(update={"patience": patience, "epochs": 5}))
    with_dev_losses(monkeypatch, losses)
    record = train_adapter(job, ignore)
    assert [e.epoch for e in record.epochs] == list(range(1, epochs + 1))
    assert len(record.steps) == 3 * epochs
    assert train_adapter(job, stop_at(1)).best_epoch == record.best_epoch


def test_dev_loss_is_measured_without_dropout(job: TrainingJob) -> None:
    from transformers import AutoTokenizer

    job = replace(job, training=job.training.model_copy(update={"dropout": 0.5}))
    tokenizer = AutoTokenizer.from_pretrained(job.base)
    model = train._adapted(job)
    for name, p in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(p, std=0.3)
    dev = encode_all(tokenizer, job.dev, None)
    run = train._Run(model, job, dev, dev, ignore)
    assert len({run._on_dev() for _ in range(3)}) == 1
    assert model.training


def test_without_dev_items_the_training_loss_decides(job: TrainingJob) -> None:
    record = train_adapter(replace(job, dev=[]), ignore)
    assert (job.folder / "best").is_dir()
    assert record.best_epoch == min(record.epochs, key=lambda e: e.dev_loss).epoch


def test_the_adapter_loads_and_gives_the_dev_loss_of_its_epoch(job: TrainingJob) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    record = train_adapter(job, ignore)
    base = AutoModelForCausalLM.from_pretrained(job.base, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, job.folder / "best", is_trainable=True).eval()
    dev = encode_all(AutoTokenizer.from_pretrained(job.base), job.dev, None)
    loss = backpropagate(model.get_base_model(), dev, None)
    assert loss == pytest.approx(record.epochs[record.best_epoch - 1].dev_loss, abs=1e-4)


def test_last_layers_only(job: TrainingJob) -> None:
    train_adapter(replace(job, training=job.training.model_copy(update={"layers": 1, "epochs": 1})), ignore)
    names = load_file(job.folder / "best" / "adapter_model.safetensors").keys()
    assert {n.split(".layers.")[1][0] for n in names} == {"1"}


def test_frozen_layers_passed_once_give_the_gradients_of_passing_them_each_time(job: TrainingJob) -> None:
    from transformers import AutoTokenizer

    job = replace(job, training=job.training.model_copy(update={"layers": 1}))
    encoded = encode_all(AutoTokenizer.from_pretrained(job.base), job.examples, None)
    model = train._adapted(job)
    causal = model.get_base_model()
    names = list(dict(model.named_parameters()))

    def gradients(start: FrozenStart | None) -> tuple[float, dict[str, torch.Tensor]]:
        model.zero_grad()
        value = backpropagate(causal, encoded[:5], start)
        return value, {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}

    value, expected = gradients(None)
    start = FrozenStart.of(causal, 1, encoded)
    assert start is not None
    found_value, found = gradients(start)
    assert found_value == pytest.approx(value, abs=1e-6)
    assert found.keys() == expected.keys()
    for name in found:
        torch.testing.assert_close(found[name], expected[name], atol=1e-6, rtol=1e-4)
    assert list(dict(model.named_parameters())) == names


def test_frozen_layers_are_passed_once_beside_a_resumed_adapter_with_dropout(job: TrainingJob) -> None:
    from transformers import AutoTokenizer

    job = replace(job, training=job.training.model_copy(update={"layers": 1, "dropout": 0.5}))
    encoded = encode_all(AutoTokenizer.from_pretrained(job.base), job.examples, None)
    model = train._adapted(job)
    with torch.no_grad():
        for p in (p for p in model.parameters() if p.requires_grad):
            p.add_(0.1)
    assert FrozenStart.of(model.get_base_model(), 1, encoded) is not None
    assert all(module.training for module in model.modules())


def test_a_model_whose_layers_cannot_be_parted_passes_all_each_time(
    job: TrainingJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoTokenizer

    encoded = encode_all(AutoTokenizer.from_pretrained(job.base), job.examples, None)
    causal = train._adapted(job).get_base_model()
    assert FrozenStart.of(causal, 0, encoded) is None
    plain = causal.model.forward

    def scaled(*, inputs_embeds: torch.Tensor | None = None, **rest: Any) -> Any:
        """As models do that multiply what they are given as embeddings."""
        return plain(inputs_embeds=None if inputs_embeds is None else 2 * inputs_embeds, **rest)

    monkeypatch.setattr(causal.model, "forward", scaled)
    assert FrozenStart.of(causal, 1, encoded) is None
    monkeypatch.undo()
    monkeypatch.setattr(frozen, "_KEPT_BYTES", 100)
    assert FrozenStart.of(causal, 1, encoded) is None


def test_another_seed_gives_other_weights(job: TrainingJob) -> None:
    train_adapter(job, ignore)
    other = replace(job, seed=6, folder=job.folder.with_name("other"))
    train_adapter(other, ignore)
    assert weights(other) != weights(job)


def test_a_too_long_example_is_an_error_that_shows_it(job: TrainingJob) -> None:
    job = replace(job, training=job.training.model_copy(update={"max_length": 16}))
    with pytest.raises(TrainingError, match=r"has \d+ tokens, max_length is 16: 'what does a lamp cost'"):
        train_adapter(job, ignore)


def test_a_loss_that_is_no_number_is_an_error_that_says_what_to_do(
    job: TrainingJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "backpropagate", lambda *_: float("nan"))
    with pytest.raises(TrainingError, match=r"the loss is nan at step 1; lower learning_rate"):
        train_adapter(job, ignore)


def test_a_template_without_an_end_token_is_an_error(job: TrainingJob) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(job.base)
    tokenizer.chat_template = "{% for m in messages %}{{ m['role'] }}:\n{{ m['content'] }}\n{% endfor %}"
    tokenizer.chat_template += "{% if add_generation_prompt %}assistant:\n{% endif %}"
    with pytest.raises(TrainingError, match="does not end an answer"):
        encode_all(tokenizer, job.examples, None)


def test_a_template_that_changes_the_prompt_once_answered_is_an_error(job: TrainingJob) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(job.base)
    tokenizer.chat_template = "{{ messages | length }}{% for m in messages %}{{ m['content'] }}{% endfor %}"
    with pytest.raises(TrainingError, match="renders a prompt differently"):
        encode_all(tokenizer, job.examples, None)


def test_the_rate_rises_and_then_falls(job: TrainingJob) -> None:
    training = job.training.model_copy(update={"warmup": 0.25, "epochs": 4, "batch_size": 10})
    model = train._adapted(job)
    run = train._Run(model, replace(job, training=training), [Encoded([1, 2], 1)] * 30, [], ignore)
    rates = [run._schedule(s) for s in range(1, 13)]
    assert rates[:3] == pytest.approx([1 / 3, 2 / 3, 1.0])
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert rates[-1] == pytest.approx(0.05)


def test_an_epoch_uses_each_example_once_in_an_order_of_its_own(job: TrainingJob) -> None:
    data = [Encoded(list(range(n + 2)), 1) for n in range(23)]
    run = train._Run(train._adapted(job), job, data, [], ignore)
    first, second = run._plan(0), run._plan(1)
    for plan in (first, second):
        assert sorted(len(e.ids) for batch in plan for e in batch) == list(range(2, 25))
        assert all(len(batch) <= 4 for batch in plan)
    assert first == run._plan(0) != second


def test_the_seconds_of_both_parts_are_summed(job: TrainingJob, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "_CHECKPOINT_SECONDS", 0.0)

    def slow_then_stop(step: int, steps: int, loss: float) -> None:
        time.sleep(0.1)
        if step == 4:
            raise StopError

    with pytest.raises(StopError):
        train_adapter(job, slow_then_stop)
    assert train_adapter(job, ignore).seconds > 0.3

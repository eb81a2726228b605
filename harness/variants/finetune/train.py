"""Train a LoRA adapter (Hu et al. 2021, arXiv:2106.09685) with PEFT.

A plain torch loop instead of a trainer class, for three things that a comparison needs: the loss and the large
vocabulary projection are computed on the target's tokens alone, a kill resumes to the very same weights, and no
pickle is written (checkpoints are safetensors and JSON). ``docs/decisions`` has the reasoning and the figures.
"""

from __future__ import annotations

import json
import math
import random
import time
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from harness.errors import TrainingError
from harness.machine import cpu_name, peak_memory, release_freed_memory, threads
from harness.protocols import OnStep, TrainingJob
from harness.store import write_atomic
from harness.types.answers import EpochLoss, TrainingRecord
from harness.types.settings import Training
from harness.variants.finetune.frozen import FrozenStart
from harness.variants.finetune.loss import Encoded, backpropagate, encode_all, pieces, predictions

logging.set_verbosity_error()
logging.disable_progress_bar()

_PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
_CHECKPOINT_SECONDS = 30.0


Epoch = tuple[int, float, float, float | None]
"""Number, training loss, dev loss, dev accuracy."""


@dataclass
class Position:
    """How far training has come; with the checkpoint's tensors all that is needed to go on."""

    step: int = 0
    seconds: float = 0.0
    tokens: int = 0
    peak: int = 0
    losses: list[tuple[int, float]] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)


def train_adapter(job: TrainingJob, on_step: OnStep) -> TrainingRecord:
    """Train on the job's examples; the epoch that is best on dev is left in ``folder/best``.

    A checkpoint in ``folder/checkpoint`` is picked up after a kill; the caller removes it once the record is on
    disk. Raises TrainingError where the data does not fit or the loss is no longer finite.
    """
    torch.set_num_threads(threads())
    tokenizer = AutoTokenizer.from_pretrained(job.base)
    data = encode_all(tokenizer, job.examples, job.training.max_length)
    held_back = encode_all(tokenizer, job.dev, None)
    model = _adapted(job)
    run = _Run(model, job, data, held_back, on_step)
    run.resume()
    run.train()
    parameters = [p.numel() for p in model.parameters()]
    return TrainingRecord(
        adapter=job.name,
        fingerprint=job.key,
        examples=len(data),
        epochs=tuple(
            EpochLoss(epoch=e, train_loss=t, dev_loss=d, dev_accuracy=a) for e, t, d, a in run.at.epochs
        ),
        best_epoch=run.best()[0],
        steps=tuple(run.at.losses),
        seconds=round(run.at.seconds, 3),
        tokens=run.at.tokens,
        peak_memory_bytes=run.at.peak,
        trainable_parameters=sum(p.numel() for p in model.parameters() if p.requires_grad),
        total_parameters=sum(parameters),
        hardware=_hardware(job.dtype),
    )


class _Run:
    """The loop and what it needs to be stopped and taken up again."""

    def __init__(
        self, model: Any, job: TrainingJob, data: list[Encoded], dev: list[Encoded], on_step: OnStep
    ):
        training = job.training
        self._model, self._training, self._data, self._dev = model, training, data, dev
        self._folder, self._seed, self._on_step = job.folder, job.seed, on_step
        self._causal = model.get_base_model()
        self._named = {n: p for n, p in model.named_parameters() if p.requires_grad}
        self._optimizer = torch.optim.AdamW(self._named.values(), lr=training.learning_rate, weight_decay=0.0)
        self._per_epoch = math.ceil(len(data) / training.batch_size)
        self._steps = self._per_epoch * training.epochs
        self._start: FrozenStart | None = None
        self.at = Position()

    def train(self) -> None:
        clock = saved = time.perf_counter()
        self._start = FrozenStart.of(
            self._causal, _first_adapted(self._causal, self._training), [*self._data, *self._dev]
        )
        while self.at.step < self._steps and not self._stale():
            epoch, place = divmod(self.at.step, self._per_epoch)
            self._step(self._plan(epoch)[place])
            ends_epoch = place == self._per_epoch - 1
            if ends_epoch:
                self._close_epoch(epoch + 1)
            now = time.perf_counter()
            self.at.seconds += now - clock
            clock = now
            if ends_epoch or now - saved > _CHECKPOINT_SECONDS:
                self._save()
                release_freed_memory()
                saved = time.perf_counter()

    def _step(self, batch: list[Encoded]) -> None:
        self.at.step += 1
        torch.manual_seed(self._seed * 1_000_003 + self.at.step)  # dropout repeats after a resume
        for group in self._optimizer.param_groups:
            group["lr"] = self._training.learning_rate * self._schedule(self.at.step)
        value = backpropagate(self._causal, batch, self._start)
        if not math.isfinite(value):
            raise TrainingError(
                f"the loss is {value} at step {self.at.step}; lower learning_rate in scenario.yaml"
            )
        torch.nn.utils.clip_grad_norm_(list(self._named.values()), 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self.at.tokens += sum(len(e.ids) for e in batch)
        self.at.losses.append((self.at.step, round(value, 5)))
        self.at.peak = max(self.at.peak, _peak_memory())
        self._on_step(self.at.step, self._steps, value)

    def _schedule(self, step: int) -> float:
        """Linear warm-up, then half a cosine down to a twentieth."""
        rising = max(1, round(self._steps * self._training.warmup))
        if step <= rising:
            return step / rising
        done = (step - rising) / max(1, self._steps - rising)
        return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * done))

    def _plan(self, epoch: int) -> list[list[Encoded]]:
        """Batches of one epoch: similar lengths together to save padding, in an order drawn from seed and epoch."""
        rng = random.Random(f"{self._seed}/{epoch}")
        size = self._training.batch_size
        order = sorted(range(len(self._data)), key=lambda i: (len(self._data[i].ids) + rng.random() * 12, i))
        batches = [[self._data[i] for i in order[a : a + size]] for a in range(0, len(order), size)]
        rng.shuffle(batches)
        return batches

    def _close_epoch(self, epoch: int) -> None:
        recent = [loss for _, loss in self.at.losses[-self._per_epoch :]]
        dev_loss, accuracy = self._on_dev() if self._dev else (recent[-1], None)
        train_loss = round(sum(recent) / len(recent), 5)
        self.at.epochs.append((epoch, train_loss, round(dev_loss, 5), accuracy))
        if self.best()[0] == epoch:
            self._model.save_pretrained(self._folder / "best")

    def best(self) -> Epoch:
        """The epoch that is best on dev by the chosen measure; of equals the first."""
        if self._training.select == "accuracy":
            return max(self.at.epochs, key=lambda e: e[3] or 0.0)
        return min(self.at.epochs, key=lambda e: e[2])

    def _on_dev(self) -> tuple[float, float]:
        """Mean loss of the dev targets' tokens and the share of them that the model ranks first."""
        total = right = tokens = 0.0
        self._model.eval()  # without dropout, so that epochs compare
        with torch.no_grad():
            for piece in pieces(self._dev):
                logits, targets = predictions(self._causal, piece, self._start)
                total += float(torch.nn.functional.cross_entropy(logits, targets, reduction="sum"))
                right += float((logits.argmax(-1) == targets).sum())
                tokens += len(targets)
        self._model.train()
        return total / tokens, round(right / tokens, 5)

    def _stale(self) -> bool:
        """Nothing better on dev for ``patience`` epochs."""
        done = len(self.at.epochs)
        return done > 0 and done - self.best()[0] >= self._training.patience

    def _save(self) -> None:
        """Adapter, optimizer moments and position; the JSON comes last and makes the checkpoint valid."""
        at = self._folder / "checkpoint"
        at.mkdir(parents=True, exist_ok=True)
        tensors = {f"weight/{n}": p.detach() for n, p in self._named.items()}
        for n, p in self._named.items():
            state = self._optimizer.state[p]
            tensors |= {f"{moment}/{n}": state[moment] for moment in ("exp_avg", "exp_avg_sq")}
        name = f"step-{self.at.step}.safetensors"
        save_file({n: t.contiguous().cpu() for n, t in tensors.items()}, at / f"{name}.part")
        (at / f"{name}.part").replace(at / name)
        write_atomic(at / "position.json", json.dumps({"tensors": name, **asdict(self.at)}))
        for old in at.glob("step-*.safetensors"):
            if old.name != name:
                old.unlink()

    def resume(self) -> None:
        file = self._folder / "checkpoint" / "position.json"
        if not file.exists():
            return
        saved = json.loads(file.read_text())
        tensors = load_file(
            self._folder / "checkpoint" / saved.pop("tensors"), device=str(self._causal.device)
        )
        saved["losses"] = [tuple(e) for e in saved["losses"]]
        saved["epochs"] = [tuple(e) for e in saved["epochs"]]
        self.at = Position(**saved)
        with torch.no_grad():
            for n, p in self._named.items():
                p.copy_(tensors[f"weight/{n}"])
                moments = {m: tensors[f"{m}/{n}"] for m in ("exp_avg", "exp_avg_sq")}
                self._optimizer.state[p] = {"step": torch.tensor(float(self.at.step)), **moments}


def _adapted(job: TrainingJob) -> Any:
    training = job.training
    model = AutoModelForCausalLM.from_pretrained(
        job.base, dtype=getattr(torch, job.dtype), attn_implementation="sdpa"
    )
    last = list(range(_first_adapted(model, training), model.config.num_hidden_layers))
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=training.rank,
        lora_alpha=training.alpha,
        lora_dropout=training.dropout,
        target_modules=list(_PROJECTIONS),
        layers_to_transform=last if training.layers else None,
    )
    torch.manual_seed(job.seed)
    if torch.cuda.is_available():
        model = model.to("cuda")
    return get_peft_model(model, config).train()


def _first_adapted(model: Any, training: Training) -> int:
    return max(0, model.config.num_hidden_layers - training.layers) if training.layers else 0


def _peak_memory() -> int:
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return peak_memory()


def _hardware(dtype: str) -> str:
    if torch.cuda.is_available():
        return f"{torch.cuda.get_device_name()}, {dtype}"
    return f"{cpu_name()}, {torch.get_num_threads()} threads, {dtype}"

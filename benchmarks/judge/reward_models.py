"""Which reward is the embedded judge: a linear one on hand-made features, or the default model trained as a reward.

Both learn from the scenario's train pairs and are compared on dev; held-out pairs choose nothing here. The second is
what TRL's RewardTrainer does (a scalar head on the last token, loss -log sigmoid(r(preferred) - r(other))), written
out because TRL is not among the locked packages. Features with the embedder's likenesses and without are shown too,
by cross-validation over clusters of train and dev, since dev alone is small.

    python -m benchmarks.judge.reward_models scenarios/support-bot --epochs 3
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from harness.comparison.raters import mean_of
from harness.engine import make_engine
from harness.figures import figure
from harness.judge.prompt import NO_REFERENCE, conversation
from harness.judge.reward import PENALTIES, LearntReward, fit, loss
from harness.judging import Court
from harness.progress import PlainProgress
from harness.scenario.inputs import Inputs, Options, load_inputs
from harness.store import RunFolder, cache_folder
from harness.types.judge_settings import RewardJudge
from harness.types.judging import PreferencePair
from harness.types.settings import Scenario

LIKENESS = frozenset(
    ("cos_question", "cos_reference", "closest_sentence", "least_supported", "covers_reference")
)
"""Features that need the embedder."""
FOLDS, LENGTH, LAYERS, RANK, RATE, BATCH = 10, 256, 8, 16, 2e-4, 4
"""Of the trained model: the last so many layers get LoRA of this rank, at this learning rate, in pairs a step."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("scenario", type=Path)
    parser.add_argument("--epochs", type=int, default=3, help="of the trained model; 0 leaves it out")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    inputs = load_inputs(options.scenario, Options(offline=True))
    for reference in (True, False):
        seen = "with" if reference else "without"
        judge = linear(inputs, reference)
        start = time.perf_counter()
        fitted = judge.fit
        show(f"linear, {seen} reference", fitted.dev_accuracy, time.perf_counter() - start)
        if reference:
            cross_validated(judge, inputs)
        if options.epochs:
            name = f"default model, {seen} reference"
            trained(inputs, reference, options.epochs, options.seed, name)


def show(name: str, accuracy: object, seconds: float) -> None:
    print(f"{name:45} {figure(accuracy, 'rate', '', 0.95).full:22} of dev, {seconds:,.1f} s", flush=True)  # type: ignore[arg-type]


def linear(inputs: Inputs, reference: bool) -> LearntReward:
    """The judge that ships, learning anew."""
    settings = RewardJudge(kind="reward", reference=reference)
    scenario: Scenario = inputs.scenario.model_copy(update={"judges": {"reward": settings}})
    progress = PlainProgress()
    engine = make_engine(scenario, cache_folder(), True, progress)
    place = RunFolder(cache_folder() / "benchmarks" / "judge")
    made = Court(Inputs(**{**vars(inputs), "scenario": scenario}), engine, place, progress).judge("reward")
    assert isinstance(made, LearntReward)
    return made


def cross_validated(judge: LearntReward, inputs: Inputs) -> None:
    """Features with and without the embedder, over clusters of train and dev."""
    pairs = [p for p in (*inputs.judging.train, *inputs.judging.dev) if p.label in ("a", "b")]
    features = judge.features()
    rows = judge.differences(features, pairs)
    clusters = [p.slices.get("cluster", p.id) for p in pairs]
    for name, left_out in (("all features", frozenset[str]()), ("without likeness", LIKENESS)):
        kept = [i for i, f in enumerate(features.names) if f not in left_out]
        tried = [(*_folds(rows[:, kept], clusters, penalty), penalty) for penalty in PENALTIES]
        found, right, penalty = min(tried)
        print(
            f"  {name:30} {right:.1%} of {len(pairs)} pairs, loss {found:.3f} at L2 {penalty:g} ({FOLDS} folds)"
        )


def _folds(rows: np.ndarray, clusters: Sequence[str], penalty: float) -> tuple[float, float]:
    names = sorted(set(clusters))
    random.Random(0).shuffle(names)
    fold = np.array([names.index(c) % FOLDS for c in clusters])
    margins = np.zeros(len(rows))
    for f in range(FOLDS):
        train = rows[fold != f]
        scale = np.sqrt((train**2).mean(axis=0))
        scale[scale < 1e-9] = np.inf
        margins[fold == f] = rows[fold == f] / scale @ fit(train / scale, penalty)
    return loss(margins), float((margins > 0).mean())


def trained(inputs: Inputs, reference: bool, epochs: int, seed: int, name: str) -> None:
    """LoRA on the last layers of the default model and a scalar head; dev after every epoch."""
    import torch
    from peft import LoraConfig, TaskType, get_peft_model
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from harness.models.source import fetch

    torch.manual_seed(seed)
    folder = fetch(inputs.scenario.model, True)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=1, dtype=torch.float32)
    model.config.pad_token_id = tokenizer.pad_token_id
    depth = model.config.num_hidden_layers
    adapter = LoraConfig(
        task_type=TaskType.SEQ_CLS,
        r=RANK,
        lora_alpha=2 * RANK,
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
        layers_to_transform=list(range(depth - LAYERS, depth)),
    )
    model = get_peft_model(model, adapter)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=RATE)

    def rewards(texts: list[str]) -> torch.Tensor:
        made = tokenizer(texts, return_tensors="pt", padding=True, truncation=True, max_length=LENGTH)
        return model(**made).logits[:, 0]

    def margin(pairs: Sequence[PreferencePair]) -> torch.Tensor:
        found = rewards([_written(p, side, reference) for p in pairs for side in _sides(p)]).view(-1, 2)
        return found[:, 0] - found[:, 1]

    train, dev = (
        [p for p in pairs if p.label in ("a", "b")] for pairs in (inputs.judging.train, inputs.judging.dev)
    )
    order, start = random.Random(seed), time.perf_counter()
    for epoch in range(1, epochs + 1):
        model.train()
        order.shuffle(train)
        for batch in _batches(train):
            step = -torch.nn.functional.logsigmoid(margin(batch)).mean()
            step.backward()
            optimizer.step()
            optimizer.zero_grad()
        model.eval()
        with torch.inference_mode():
            right = [float(m > 0) for batch in _batches(dev) for m in margin(batch)]
        found = mean_of(right, [p.slices.get("cluster", p.id) for p in dev], "no pairs")
        show(f"{name}, epoch {epoch}", found, time.perf_counter() - start)


def _batches(pairs: Sequence[PreferencePair]) -> list[Sequence[PreferencePair]]:
    return [pairs[i : i + BATCH] for i in range(0, len(pairs), BATCH)]


def _sides(pair: PreferencePair) -> tuple[str, str]:
    """The preferred side first."""
    return ("a", "b") if pair.label == "a" else ("b", "a")


def _written(pair: PreferencePair, side: str, reference: bool) -> str:
    known = f"Reference: {pair.reference or NO_REFERENCE}\n" if reference else ""
    return f"Question: {conversation(pair.input)}\n{known}Answer: {getattr(pair, side)}"


if __name__ == "__main__":
    main()

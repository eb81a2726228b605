"""Word overlap: worked examples, and that each shipped module gives the same through ``evaluate.load``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import harness

from .factories import item, value

pytestmark = pytest.mark.slow
CAT = "the cat sat on the mat"
LAY = "the cat lay on the mat"
METRICS = ("exact_match", "token_f1", "rouge_l", "bleu")

EXAMPLES: list[tuple[str, str, list[str], float]] = [
    ("exact_match", "It costs £1,000!", ["it costs 1000"], 1.0),
    ("exact_match", "It costs 1001", ["it costs 1000", "It costs 1001."], 1.0),
    ("exact_match", "It costs 1000 euros", ["it costs 1000"], 0.0),
    ("exact_match", "", ["it costs 1000"], 0.0),
    # 3 of 5 words on either side
    ("token_f1", "the lamp costs ten euros", ["a lamp costs 10 euros"], 0.6),
    # a word counts as often as the reference has it: 1 of 3, and 1 of 1
    ("token_f1", "lamp lamp lamp", ["lamp"], 0.5),
    ("token_f1", "ten", ["no", "ten"], 1.0),
    ("token_f1", "", ["no"], 0.0),
    # 5 of 6 words in order on either side
    ("rouge_l", CAT, [LAY], 5 / 6),
    # "the on" in order: 2 of 3 and 2 of 6
    ("rouge_l", "mat the on", [CAT], 4 / 9),
    ("rouge_l", "he is jumping", ["he was jumped"], 2 / 3),
    ("rouge_l", "", [CAT], 0.0),
    ("bleu", CAT, [CAT], 1.0),
    # precisions 5/6, 3/5, 1/4 and, smoothed, 1/(2*3); no brevity penalty
    ("bleu", CAT, [LAY], (5 / 6 * 3 / 5 * 1 / 4 * 1 / 6) ** 0.25),
    # effective order: of one word only the unigram counts
    ("bleu", "yes", ["yes"], 1.0),
    ("bleu", "", [CAT], 0.0),
]


@pytest.mark.parametrize(("metric", "text", "references", "expected"), EXAMPLES)
def test_worked_examples(metric: str, text: str, references: list[str], expected: float) -> None:
    assert value(metric, item(references), text) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("metric", METRICS)
def test_citations_are_not_wording(metric: str) -> None:
    assert value(metric, item([CAT]), f"{CAT} [1]") == 1.0


_LOAD = """
import json, sys
import evaluate
folder, examples = sys.argv[1], json.loads(sys.argv[2])
found = []
for metric, text, references, _ in examples:
    module = evaluate.load(f"{folder}/{metric}")
    result = module.compute(predictions=[text, text], references=[references, references])
    found.append([result[metric], *result["scores"]])
print(json.dumps(found))
"""


def test_each_module_loads_by_path_without_a_hub_and_equals_the_scorer(tmp_path: Path) -> None:
    folder = Path(harness.__file__).parent / "scores" / "modules"
    assert {p.name for p in folder.iterdir() if (p / f"{p.name}.py").exists()} == set(METRICS)
    environment = os.environ | {
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(tmp_path),
        "PYTHONPATH": str(folder.parents[2]),
    }
    command = [sys.executable, "-c", _LOAD, str(folder), json.dumps(EXAMPLES)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=tmp_path)
    found: list[Any] = json.loads(done.stdout.splitlines()[-1])
    for (metric, text, references, expected), loaded in zip(EXAMPLES, found, strict=True):
        assert loaded == pytest.approx([expected] * 3, abs=1e-6)
        assert loaded[1] == pytest.approx(value(metric, item(references), text), abs=1e-6)


def test_no_predictions_have_no_mean(tmp_path: Path) -> None:
    from harness.scores.modules.token_f1.token_f1 import TokenF1

    assert TokenF1(cache_dir=str(tmp_path))._compute([], []) == {"token_f1": None, "scores": []}

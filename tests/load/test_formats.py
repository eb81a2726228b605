"""Result files of other load generators, in their shape at the time of writing."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from harness.errors import InputError
from harness.flows.load import import_results
from harness.load.formats import read_results
from harness.types.load import Limits

RESULTS = Path(__file__).parents[1] / "fixtures" / "load_results"


def test_vllm_bench() -> None:
    found = read_results(RESULTS / "vllm.json")
    [run] = found.runs
    assert (found.source, found.model, run.offered_rate, run.arrivals) == (
        "vllm",
        "org/model-7b",
        2.0,
        "poisson",
    )
    assert run.timed_from == "send"
    first, second, third, broken = run.records
    assert (first.ttft, first.e2e, first.tpot) == pytest.approx((0.2, 0.4, 0.1))
    assert first.gaps == pytest.approx((0.05, 0.15))
    assert second.intended_s == pytest.approx(0.4)
    assert (third.output_tokens, third.tpot) == (1, None)
    assert broken.error == "ConnectionResetError: reset"


def test_vllm_without_single_requests_says_how_to_get_them(tmp_path: Path) -> None:
    file = tmp_path / "short.json"
    data = json.loads((RESULTS / "vllm.json").read_text())
    file.write_text(json.dumps({k: v for k, v in data.items() if k not in ("ttfts", "itls")}))
    with pytest.raises(InputError, match="--save-detailed"):
        read_results(file)


def test_vllm_before_it_kept_start_times(tmp_path: Path) -> None:
    file = tmp_path / "old.json"
    data = json.loads((RESULTS / "vllm.json").read_text())
    del data["start_times"]
    file.write_text(json.dumps(data))
    [run] = read_results(file).runs
    assert [r.intended_s for r in run.records] == pytest.approx([i / 1.2 for i in range(4)])
    assert run.records[0].e2e == pytest.approx(0.4)


def test_guidellm() -> None:
    found = read_results(RESULTS / "guidellm.json")
    [run] = found.runs
    assert (found.source, found.model, run.offered_rate, run.arrivals) == (
        "guidellm",
        "org/model-7b",
        2,
        "constant",
    )
    assert run.timed_from == "intended"
    one, three, broken = run.records
    assert (one.intended_s, one.output_tokens) == (0, 1)
    assert (three.ttft, three.e2e, three.tpot) == pytest.approx((0.4, 0.8, 0.2))
    assert three.sent_s - three.intended_s == pytest.approx(0.1)
    assert broken.error == "ReadTimeout"


def test_aiperf() -> None:
    found = read_results(RESULTS / "profile_export.jsonl")
    [run] = found.runs
    whole, broken = run.records
    assert (whole.ttft, whole.e2e, whole.tpot) == pytest.approx((0.2, 0.3, 0.05))
    assert whole.gaps == pytest.approx((0.04, 0.06))
    assert whole.prompt_tokens == 550
    assert (broken.error, broken.intended_s) == ("RequestCancellationError", 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no requests"),
        ("[]", "neither a result"),
        ('{"a": 1}', "neither a result"),
        ('{"request_throughput": {"avg": 1, "unit": "requests/sec"}}', "profile_export.jsonl"),
        ('{"benchmarks": []}', "holds no single requests"),
        ('{"benchmarks": 3}', "not of the expected kind"),
        ('{"ttfts": [], "itls": []}', "holds no requests"),
        ('{"ttfts": ["x"], "itls": [[1]], "request_throughput": 1}', "not of the expected kind"),
        ('{"ttfts": [1, 2], "itls": [[1]], "request_throughput": 1}', "not of the expected kind"),
        ('{"metadata": {}, "metrics": {}}\n{', "line 2 is not JSON"),
        ('{"metadata": 3}\n{}', "not of the expected kind"),
    ],
)
def test_any_other_file_is_refused_with_a_reason(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "x.json"
    file.write_text(text)
    with pytest.raises(InputError, match=said):
        read_results(file)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read as text"):
        read_results(tmp_path / "x")
    with pytest.raises(InputError, match="cannot be read as text"):
        read_results(tmp_path / "none")


def _mutations(data: Any) -> list[Any]:
    """The value with one leaf at a time replaced by something else."""
    if isinstance(data, dict):
        return [data | {k: m} for k, v in data.items() for m in (*_mutations(v), None)]
    if isinstance(data, list):
        return [[*data[:i], m, *data[i + 1 :]] for i, v in enumerate(data) for m in _mutations(v)]
    return ["x", -1, 1e308, [], {}]


@pytest.mark.parametrize("name", ["vllm.json", "guidellm.json", "profile_export.jsonl"])
@pytest.mark.slow
def test_a_damaged_file_is_read_or_refused_but_never_a_crash(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    for line in (RESULTS / name).read_text().splitlines():
        for damaged in _mutations(json.loads(line)):
            file.write_text(json.dumps(damaged))
            with suppress(InputError):
                import_results(file, Limits(e2e=1.0))

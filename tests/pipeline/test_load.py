"""``compare --load`` from end to end: the fake engine behind a real server, swept, priced and reported."""

from __future__ import annotations

from pathlib import Path

import pytest
from fixtures.small_scenario import write_small_scenario

import harness
from harness.errors import InputError
from harness.flows.verify import verify_report
from harness.types.capacity import VariantLoad

from .runs import change, run

pytestmark = pytest.mark.slow
TERMS = {"limits": {"e2e": 20.0}, "seconds": 4, "start_rate": 5, "max_rate": 10}


@pytest.fixture
def folder(tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", str(Path(harness.__file__).parents[1]))
    return write_small_scenario(tmp_path / "small", ["prompt", "rag", "elsewhere"], load=TERMS)


def test_the_measured_rate_decides_what_serving_costs(folder: Path) -> None:
    plain = run(folder)
    assert plain.comparison.load == ()
    loaded = run(folder, load=True)
    assert [one.variant for one in loaded.comparison.load] == ["prompt", "rag"]
    measured = [loaded.folder.read(f"load/{name}.json", VariantLoad) for name in ("prompt", "rag")]
    if not all(level.valid for one in measured if one for level in one.levels):
        pytest.skip("the machine is too busy to send on time, and the result says so")
    stored = measured[1]
    assert stored is not None
    assert [level.offered_rate for level in stored.levels] == [5, 10]
    assert stored.levels[0].quality_goodput.value is not None
    for name in ("prompt", "rag"):
        cost = next(c for c in loaded.comparison.costs if c.variant == name)
        [serving] = [line for line in cost.ledger if line.what == "Serving"]
        assert (serving.paid, serving.quantity) == ("each month", 730.5)
        assert "measured under load" in serving.source
        outcome = next(o for o in loaded.comparison.evaluation.outcomes if o.variant == name)
        assert outcome.per_month == pytest.approx(sum(line.per_month for line in cost.ledger), rel=1e-4)
        assert cost.per_1000.value == pytest.approx(outcome.per_1000, rel=1e-4)
    report = loaded.folder.path / "report.html"
    assert 'id="load"' in report.read_text(encoding="utf-8")
    assert verify_report(report).agrees

    before = report.stat().st_mtime_ns
    again = run(folder)
    assert again.comparison.load == loaded.comparison.load, "what is measured stays without --load"
    assert report.stat().st_mtime_ns == before

    change(folder, lambda s: s["load"].update(attainment=0.5))
    assert run(folder).comparison.load == (), "measured at other terms"


@pytest.mark.parametrize("options", [{"quick": True}, {"a_a": True}, {"seed": 3}], ids=str)
def test_what_would_serve_other_variants_is_refused(folder: Path, options: dict[str, object]) -> None:
    with pytest.raises(InputError, match="leave out --"):
        run(folder, load=True, **options)

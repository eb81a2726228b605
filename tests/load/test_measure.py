"""The command from end to end on a stub in another process: results, resumption after a kill, a sweep to the end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fixtures.small_scenario import write_small_scenario
from pipeline.runs import Quiet, environment

from benchmarks.load_generator import stub
from benchmarks.stub_server import Shape
from harness.errors import HarnessError, InputError
from harness.flows.load import LoadOptions, load_test
from harness.load.server import serving
from harness.store import Journal
from harness.types.load import Limits, LoadResult, RequestRecord

pytestmark = pytest.mark.slow
FAST = Shape(first=0.005, spread=0.002, tokens=2, gap=0.002)


@pytest.fixture(scope="module")
def fast() -> Iterator[str]:
    with stub(FAST) as url:
        yield url


def _options(url: str, out: Path, **more: object) -> LoadOptions:
    known: dict[str, object] = {"rate": 40.0, "seconds": 2.0, "out": out, "limits": Limits(e2e=1.0)}
    return LoadOptions(url, **known | more)  # type: ignore[arg-type]


def test_a_level_is_written_as_records_and_read_again(fast: str, tmp_path: Path) -> None:
    result, file = load_test(_options(fast, tmp_path / "out"), Quiet())
    assert LoadResult.model_validate_json(file.read_bytes()) == result
    [level] = result.levels
    rows = list(Journal(tmp_path / "out" / "requests" / "cold-40.jsonl", RequestRecord))
    assert len(rows) == level.completed == level.request_goodput.n
    assert (result.model, level.failed, level.sessions) == ("stub", 0, 1)
    quiet = Quiet()
    again, _ = load_test(_options(fast, tmp_path / "out"), quiet)
    assert again == result
    assert quiet.notes == ["measured before; --fresh measures again"]
    with pytest.raises(InputError, match="another load test"):
        load_test(_options(fast, tmp_path / "out", seed=1), Quiet())


def test_cold_and_warm_are_apart(fast: str, tmp_path: Path) -> None:
    result, _ = load_test(_options(fast, tmp_path / "out", caches=("cold", "warm"), seconds=1.0), Quiet())
    assert [level.cache for level in result.levels] == ["cold", "warm"]


def test_a_killed_run_goes_on_and_loses_what_was_in_flight(fast: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "harness", "load", fast, "--rate", "30", "--seconds", "4", "--json"]
    command += ["--arrivals", "constant", "--out", str(tmp_path / "out")]
    where = environment(tmp_path / "cache")
    journal = tmp_path / "out" / "requests" / "cold-30.jsonl"
    with subprocess.Popen(command, env=where, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as first:
        end = time.monotonic() + 60
        while not (journal.exists() and journal.stat().st_size > 3000) and time.monotonic() < end:
            time.sleep(0.05)
        os.kill(first.pid, signal.SIGKILL)
    kept = len(list(Journal(journal, RequestRecord)))
    assert 0 < kept < 120
    done = subprocess.run(command, env=where, capture_output=True, text=True, check=True)
    result = LoadResult.model_validate_json(done.stdout)
    [level] = result.levels
    rows = list(Journal(journal, RequestRecord))
    assert sorted(r.arrival for r in rows) == list(range(120)), "each request once"
    assert (level.sessions, level.completed) == (2, 120)
    assert sum(r.session == 0 for r in rows) == kept


def test_a_sweep_finds_the_end_of_a_queue(tmp_path: Path) -> None:
    """Two servers that take 50 ms a request: 40 requests/s, and waiting grows before that."""
    with stub(Shape(servers=2, service=0.05, constant=True, tokens=2)) as url:
        options = _options(
            url,
            tmp_path / "out",
            rate=8.0,
            seconds=2.0,
            sweep=True,
            arrivals="constant",
            limits=Limits(e2e=0.3),
        )
        result, _ = load_test(options, Quiet())
    if not all(level.valid for level in result.levels):
        pytest.skip("the machine is too busy to send on time, and the result says so")
    end = result.saturation["cold"]
    assert end.sustained_rate is not None
    assert end.saturated_rate is not None
    assert end.sustained_rate <= 42, "what two servers can do; a busy machine finds less"
    assert end.sustained_rate < end.saturated_rate
    assert [j.sustained for j in end.judgements] == sorted(
        (j.sustained for j in end.judgements), reverse=True
    )


def test_replies_to_a_scenarios_items_are_scored(tmp_path: Path) -> None:
    scenario = write_small_scenario(tmp_path / "small")
    with stub(Shape(first=0.002, spread=0.001, tokens=1, text="It costs 10 euros.")) as url:
        options = _options(url, tmp_path / "out", items=str(scenario), rate=20.0)
        result, _ = load_test(options, Quiet())
    [level] = result.levels
    assert level.success.n == 12, "twelve items; those asked again were changed and are not scored"
    assert level.success.share == pytest.approx(1 / 12)
    assert level.one_token == level.completed > 12


def test_what_cannot_be_is_said_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = str(write_small_scenario(tmp_path / "small", ["prompt", "rag"]))
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    for options, said in (
        (LoadOptions("http://x/v1"), "--rate"),
        (LoadOptions(scenario, rate=1), "--variant: prompt, rag"),
        (LoadOptions(scenario, variant="rga", rate=1), "did you mean 'rag'"),
        (LoadOptions(scenario, variant="rag", items="x", rate=1), "--items goes with a URL"),
        (LoadOptions("http://x/v1", variant="rag", rate=1), "--variant goes with a scenario"),
        (LoadOptions("http://x/v1", rate=1, key="NO_SUCH_KEY"), "NO_SUCH_KEY is not set"),
    ):
        with pytest.raises(InputError, match=re.escape(said)):
            load_test(options, Quiet())


def test_a_server_that_answers_nothing_is_one_clear_error(fast: str, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="answers no request before the load starts: status 404"):
        load_test(_options(fast + "/v2", tmp_path / "out", model="x"), Quiet())


def test_a_server_that_does_not_start_is_told_with_its_own_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no such model')"]
    with (
        pytest.raises(HarnessError, match="did not start: no such model"),
        serving(command, tmp_path / "log"),
    ):
        pass


def test_a_server_ends_with_the_block(tmp_path: Path) -> None:
    code = "import time; print('loading'); print('serving v on http://127.0.0.1:1/v1', flush=True); time.sleep(60)"
    start = time.monotonic()
    with serving([sys.executable, "-c", code], tmp_path / "log") as url:
        assert url == "http://127.0.0.1:1/v1"
    assert time.monotonic() - start < 30


def test_the_command_imports_and_prints(tmp_path: Path) -> None:
    file = Path(__file__).parents[1] / "fixtures" / "load_results" / "vllm.json"
    command = [sys.executable, "-m", "harness", "load", "import", str(file), "--slo", "ttft=0.25"]
    where = environment(tmp_path / "cache")
    shown = subprocess.run(command, env=where, capture_output=True, text=True, check=True).stdout
    assert "timed from the send" in shown
    assert "25.0% of 4" in shown
    data = json.loads(subprocess.run([*command, "--json"], env=where, capture_output=True, check=True).stdout)
    assert data["source"] == "vllm"
    wrong = subprocess.run([*command[:-1], "fast"], env=where, capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "write ttft=0.5,e2e=5" in wrong.stderr

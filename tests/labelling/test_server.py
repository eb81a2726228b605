"""The server of the page: raters apart, marks on disk before they are confirmed, strangers kept out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.labelling.saves import read_sample
from harness.types.labelling import Sample

from .runs import write_run
from .served import Labelled, labelling

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    write_run(folder)
    return folder


@pytest.fixture(scope="module")
def served(root: Path) -> Iterator[Labelled]:
    with labelling(root) as found:
        yield found


@pytest.fixture(scope="module")
def sample(root: Path, served: Labelled) -> Sample:
    return read_sample(root / "small" / "data" / "labelling", served.sample)


def marks(sample: Sample, n: int, label: object = 1, at: int = 1000) -> list[dict[str, Any]]:
    return [
        {"entry": e.id, "label": label, "at": at + i, "order": at + i}
        for i, e in enumerate(sample.entries[:n])
    ]


def saving(sample: Sample, rater: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    return {"sample": sample.id, "rater": rater, "marks": found}


def test_raters_are_kept_apart(served: Labelled, sample: Sample, root: Path) -> None:
    assert served.ask("/marks", saving(sample, "Ann", marks(sample, 3)))[0] == 200
    assert served.ask("/marks", saving(sample, "Änn", marks(sample, 2, 0)))[0] == 200
    kept = {name: served.ask(f"/marks?rater={name}")[1]["marks"] for name in ("Ann", "%C3%84nn", "Cy")}
    assert [len(k) for k in kept.values()] == [3, 2, 0]
    assert {m["label"] for m in kept["Ann"]} == {1}
    assert len(list((root / "small/data/labelling" / sample.id).glob("*.jsonl"))) == 2


def test_the_later_mark_holds_whatever_comes_last(served: Labelled, sample: Sample) -> None:
    for label, at in ((1, 2000), (0, 3000), (1, 1000)):
        assert served.ask("/marks", saving(sample, "Late", marks(sample, 1, label, at)))[0] == 200
    (mark,) = served.ask("/marks?rater=Late")[1]["marks"]
    assert (mark["label"], mark["at"]) == (0, 3000)


def test_other_sites_can_neither_read_nor_save(served: Labelled, sample: Sample) -> None:
    body, evil = saving(sample, "Eve", marks(sample, 1)), {"Origin": "http://evil.example"}
    assert served.ask("/marks", body, evil)[0] == 403
    assert served.ask("/marks?rater=Ann", None, evil)[0] == 403
    assert served.ask("/marks", body, {"Origin": "null"})[0] == 403
    assert (
        served.ask("/marks", body, {"Content-Type": "text/plain"})[0] == 415
    )  # what a form may send unasked
    rebound = {"Host": f"evil.example:{served.port}", "Origin": f"http://evil.example:{served.port}"}
    assert served.ask("/", None, rebound)[0] == 421
    assert served.ask("/marks", body, rebound)[0] == 421
    assert served.ask("/marks?rater=Eve")[1]["marks"] == []


def test_nonsense_is_refused_and_nothing_of_it_kept(served: Labelled, sample: Sample) -> None:
    good = marks(sample, 2)
    for body in (
        {**saving(sample, "Eve", good), "sample": "0" * 16},
        saving(sample, "Eve", [*good, {**good[0], "entry": "nowhere"}]),
        saving(sample, "Eve", [*good, {**good[0], "label": "a"}]),
        saving(sample, " ", good),
        saving(sample, "x" * 41, good),
        saving(sample, "Eve", []),
        b"{",
        b"\xff" * 10,
        b"[" * 100_000,
    ):
        status, answer = served.ask("/marks", body)
        assert status in (409, 422)
        assert answer["error"]
    assert served.ask("/marks", b" " * (3 * 2**20))[0] == 413
    assert served.ask("/marks?rater=Eve")[1]["marks"] == []


def test_what_was_confirmed_survives_a_kill(root: Path, sample: Sample) -> None:
    with labelling(root) as first:
        assert first.ask("/marks", saving(sample, "Kay", marks(sample, 5)))[0] == 200
        first.process.kill()
    (file,) = (root / "small/data/labelling" / sample.id).glob("kay-*.jsonl")
    with file.open("a", encoding="utf-8") as f:
        f.write('{"entry": "cut o')  # a kill in the middle of a line
    with labelling(root) as second:
        assert len(second.ask("/marks?rater=Kay")[1]["marks"]) == 5
        assert second.ask("/marks", saving(sample, "Kay", marks(sample, 6)))[0] == 200
        assert len(second.ask("/marks?rater=Kay")[1]["marks"]) == 6


def test_open_to_others_it_asks_for_its_key(root: Path, sample: Sample) -> None:
    with labelling(root, "--host", "0.0.0.0") as found:
        key = found.url.partition("?key=")[2]
        assert len(key) > 20
        assert found.ask("/")[0] == 403
        assert found.ask("/", None, {"X-Label-Key": "wrong"})[0] == 403
        assert "<!doctype html>" in found.ask(f"/?key={key}")[1]
        body = saving(sample, "Far", marks(sample, 1))
        assert found.ask("/marks", body)[0] == 403
        assert found.ask("/marks", body, {"X-Label-Key": key})[0] == 200

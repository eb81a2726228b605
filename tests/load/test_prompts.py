"""Cold and warm prompts."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import InputError
from harness.load.prompts import WARM, dealt, made_up, read_prompts, warmed


def test_cold_prompts_never_come_twice() -> None:
    asked = dealt(made_up(10, 5, 1), 35, "cold", 2)
    assert len({p.messages for p in asked}) == 35
    assert [p.altered for p in asked] == [False] * 10 + [True] * 25
    assert asked == dealt(made_up(10, 5, 1), 35, "cold", 2)


def test_warm_prompts_are_few_and_are_those_that_were_warmed() -> None:
    prompts = made_up(50, 5, 1)
    asked = dealt(prompts, 100, "warm", 2)
    assert {p.messages for p in asked} == {p.messages for p in warmed(prompts, 2)}
    assert len(warmed(prompts, 2)) == WARM
    assert not any(p.altered for p in asked)


def test_made_up_prompts_have_so_many_words_and_differ() -> None:
    prompts = made_up(100, 7, 1)
    assert len({p.messages for p in prompts}) == 100
    assert {len(p.messages[0].content.split()) for p in prompts} == {7}


def test_prompts_are_read_in_both_shapes(tmp_path: Path) -> None:
    file = tmp_path / "p.jsonl"
    file.write_text('{"prompt": "a"}\n{"messages": [{"role": "user", "content": "b"}]}\n')
    assert [p.messages[0].content for p in read_prompts(file)] == ["a", "b"]


@pytest.mark.parametrize(
    "line", ["1", "{}", '{"prompt": 1}', '{"messages": [{"role": "x", "content": ""}]}', "{"]
)
def test_a_bad_prompt_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "p.jsonl"
    file.write_text(f"\n{line}\n")
    with pytest.raises(InputError, match=r"p.jsonl:2: give an object"):
        read_prompts(file)

"""Articles are cut along their headings, tables keep their head, and nothing is lost."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.types.data import Article, Passage
from harness.variants.rag.chunk import chunk_articles


def cut(body: str, words: int = 20, title: str = "Orders") -> list[Passage]:
    return chunk_articles([Article(id="orders/returns", title=title, body=body)], words)


def shown(passages: list[Passage]) -> list[tuple[str, str]]:
    return [(p.title, p.text) for p in passages]


def test_a_section_is_a_passage_under_the_path_of_its_headings() -> None:
    body = "# Orders\nIntro.\n## Returns\nA month.\n### Large items\nWe fetch them.\n## Prices\nSee the list."
    assert shown(cut(body)) == [
        ("Orders", "Intro."),
        ("Orders: Returns", "A month."),
        ("Orders: Returns: Large items", "We fetch them."),
        ("Orders: Prices", "See the list."),
    ]


def test_ids_count_through_the_article() -> None:
    assert [p.id for p in cut("a\n## B\nb\n## C\nc")] == [f"orders/returns#{i}" for i in (1, 2, 3)]
    assert {p.article for p in cut("a\n## B\nb")} == {"orders/returns"}


def test_a_heading_without_text_stays_in_the_path_of_what_follows() -> None:
    assert shown(cut("## Returns\n### Large items\nWe fetch them.")) == [
        ("Orders: Returns: Large items", "We fetch them.")
    ]


def test_a_top_heading_is_kept_unless_it_repeats_the_title() -> None:
    body = "# Orders\nOne.\n# Second part\nTwo.\n## Deeper\nThree."
    assert shown(cut(body)) == [
        ("Orders", "One."),
        ("Orders: Second part", "Two."),
        ("Orders: Second part: Deeper", "Three."),
    ]


def test_text_before_any_heading_and_levels_left_out() -> None:
    assert shown(cut("Before.\n#### Deep\nText.\n## Up\nMore.")) == [
        ("Orders", "Before."),
        ("Orders: Deep", "Text."),
        ("Orders: Up", "More."),
    ]


def test_an_article_without_text_gives_no_passage() -> None:
    assert cut("# Orders\n\n## Returns\n") == []


@pytest.mark.parametrize("fence", ["```", "~~~"])
def test_a_number_sign_within_a_code_fence_is_no_heading(fence: str) -> None:
    body = f"## Reset\n{fence}bash\n# press the button\nreset --all\n{fence}\nThen wait.\n## Next\nDone."
    assert shown(cut(body)) == [
        ("Orders: Reset", f"{fence}bash\n# press the button\nreset --all\n{fence}\nThen wait."),
        ("Orders: Next", "Done."),
    ]


def test_a_long_section_is_cut_between_sentences() -> None:
    sentences = [f"Sentence number {i} has exactly seven words." for i in range(6)]
    assert [p.text for p in cut(" ".join(sentences), 20)] == [
        " ".join(sentences[i : i + 2]) for i in (0, 2, 4)
    ]


def test_a_number_with_a_point_does_not_end_a_sentence() -> None:
    text = "It costs 4.50 euros and weighs 1.5 kg in all. " + "It is red and of wood and stands well. " * 3
    assert cut(text, 20)[0].text.startswith("It costs 4.50 euros and weighs 1.5 kg in all.")


def test_a_cut_table_repeats_its_head() -> None:
    rows = [f"| item {i} | {i} euros |" for i in range(8)]
    head = "| Item | Price |\n|---|---|"
    parts = [p.text for p in cut("\n".join([head, *rows]), 20)]
    assert len(parts) > 2
    assert all(p.startswith(head + "\n| item") for p in parts)
    assert [r for p in parts for r in p.splitlines()[2:]] == rows


def test_what_follows_a_table_does_not_get_its_head() -> None:
    table = "| Item | Price |\n|---|---|\n| lamp | 10 |"
    parts = cut(f"{table}\n\n{'All prices hold until the end of the year in every country. ' * 2}", 20)
    assert "| Item" not in parts[-1].text


def test_a_long_list_is_cut_between_its_entries() -> None:
    entries = [f"{i}. press button number {i} and wait for the light" for i in range(1, 7)]
    parts = [p.text.splitlines() for p in cut("\n".join(entries), 24)]
    assert len(parts) > 1
    assert [e for part in parts for e in part] == entries


def test_a_sentence_longer_than_a_passage_stays_whole() -> None:
    long = "word " * 40 + "end."
    assert [p.text for p in cut(f"Short one. {long} Short two.", 20)] == ["Short one.", long, "Short two."]


WORDS = st.text("abcäß0123456789", min_size=1, max_size=6)
SENTENCE = st.lists(WORDS, min_size=1, max_size=9).map(lambda w: f"So {' '.join(w)}.")
PARAGRAPH = st.lists(SENTENCE, min_size=1, max_size=6).map(" ".join)
LIST = st.lists(SENTENCE, min_size=1, max_size=6).map(lambda s: "\n".join(f"- {x}" for x in s))
TABLE = st.lists(WORDS, min_size=1, max_size=8).map(
    lambda w: "| name | value |\n|---|---|\n" + "\n".join(f"| {x} | {x} |" for x in w)
)
HEADING = st.tuples(st.integers(1, 6), WORDS).map(lambda h: "#" * h[0] + " " + h[1])
CODE = PARAGRAPH.map(lambda p: f"```\n# {p}\n```")
BODY = st.lists(PARAGRAPH | LIST | TABLE | CODE, min_size=1, max_size=4)
ARTICLE = st.lists(st.tuples(HEADING, BODY), min_size=1, max_size=4).map(
    lambda sections: "\n\n".join(part for heading, body in sections for part in (heading, *body))
)


@settings(max_examples=150, deadline=None)
@given(ARTICLE, st.integers(20, 60))
@pytest.mark.slow
def test_no_word_is_lost_and_the_size_is_kept(body: str, most: int) -> None:
    parts = cut(body, most)
    have = {w for p in parts for w in re.split(r"[:\s]+", f"{p.title} {p.text}")}
    assert set(re.sub(r"^#+ ", "", body, flags=re.MULTILINE).split()) - {"#"} <= have | {"#"}
    assert all(len(p.text.split()) <= most for p in parts)
    assert len({p.id for p in parts}) == len(parts)


@settings(max_examples=50, deadline=None)
@given(ARTICLE)
def test_the_text_comes_in_order_and_no_part_of_it_twice(body: str) -> None:
    """Table heads aside, which are repeated on purpose."""
    if "|---" in body:
        return
    lines = [line for line in body.splitlines() if not re.match(r"#+ ", line) or "." in line]
    assert " ".join(p.text for p in cut(body, 25)).split() == " ".join(lines).split()

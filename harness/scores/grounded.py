"""Does the answer rest on what was retrieved?"""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.protocols import ScoringContext
from harness.scores.facts import Scored, abstains
from harness.scores.text import normalise, without_citations
from harness.types.answers import Answer
from harness.types.data import Item
from harness.types.results import MetricInfo

_STOPWORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "been",
        "but",
        "by",
        "can",
        "could",
        "do",
        "does",
        "for",
        "from",
        "had",
        "has",
        "have",
        "he",
        "her",
        "his",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "may",
        "me",
        "more",
        "my",
        "no",
        "not",
        "of",
        "on",
        "or",
        "our",
        "shall",
        "she",
        "should",
        "so",
        "than",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "to",
        "us",
        "was",
        "we",
        "were",
        "what",
        "when",
        "which",
        "who",
        "will",
        "with",
        "would",
        "you",
        "your",
    ]
)


def content_words(text: str) -> list[str]:
    return [w for w in normalise(text).split() if w not in _STOPWORDS]


class LexicalGroundedness:
    info = MetricInfo(
        name="grounded",
        label="Groundedness",
        description="Share of the answer's content words (closing line aside) that occur in the retrieved passages "
        "or the question. Lexical overlap is a hard baseline to beat for detecting invention.",
        unit="rate",
        higher_is_better=True,
    )

    def score(self, pairs: Sequence[tuple[Item, Answer]], context: ScoringContext) -> list[Scored]:
        return [self._one(item, answer, context) for item, answer in pairs]

    def _one(self, item: Item, answer: Answer, context: ScoringContext) -> Scored:
        if not answer.retrieved:
            return None, "not applicable: nothing was retrieved"
        text = answer.text or ""
        if abstains(text, context):
            return None, "not applicable: the answer abstains"
        closing = context.scenario.style.closing or ""
        words = content_words(without_citations(text).strip().removesuffix(closing))
        if not words:
            return None, "the answer has no content words"
        seen = [m.content for m in item.messages]
        for hit in answer.retrieved:
            passage = context.passages[hit.passage]
            seen += [passage.title, passage.text]
        known = set(content_words("\n".join(seen)))
        return sum(w in known for w in words) / len(words), None


class Citation:
    info = MetricInfo(
        name="citation",
        label="Citation",
        description="Share of answers whose [n] marks name retrieved passages only, at least one of them from an "
        "article that holds the answer.",
        unit="rate",
        higher_is_better=True,
    )

    def score(self, pairs: Sequence[tuple[Item, Answer]], context: ScoringContext) -> list[Scored]:
        return [self._one(item, answer, context) for item, answer in pairs]

    def _one(self, item: Item, answer: Answer, context: ScoringContext) -> Scored:
        text = answer.text or ""
        if not answer.retrieved or not item.sources or abstains(text, context):
            return None, "not applicable: nothing to cite"
        cited = {int(n) for n in re.findall(r"\[(\d{1,2})\]", text)}
        if not cited or max(cited) > len(answer.retrieved) or min(cited) < 1:
            return 0.0, None
        return float(any(answer.retrieved[n - 1].article in item.sources for n in cited)), None

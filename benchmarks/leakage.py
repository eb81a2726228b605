"""Planted leaks: how many are found, how much is found beside them, and how long 100,000 x 5,000 items take.

    .venv/bin/python -m benchmarks.leakage [--train 100000] [--test 5000] [--scenario scenarios/support-bot] [--no-model]

Seeded; prints Markdown tables, as kept in ``docs/calibration-leakage.md``.
"""

from __future__ import annotations

import argparse
import random
import re
import resource
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import machine
from harness.scenario.inputs import Inputs, Options, load_inputs
from harness.scenario.leakage import Corpus, find_leaks, question
from harness.types.data import Item, Message, Split

SEED = 20261124
Edit = Callable[[str, random.Random], str | None]
OPENERS = ("Hi, ", "Hello there, ", "quick question: ", "Hey. ", "Please, ")
CLOSERS = (" Thanks!", " please", " thank you", " ??", " cheers")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--scenario", type=Path, default=Path("scenarios/support-bot"))
    arguments.add_argument("--train", type=int, default=100_000)
    arguments.add_argument("--test", type=int, default=5_000)
    arguments.add_argument("--no-model", action="store_true", help="leave the rephrasings out")
    given = arguments.parse_args()
    inputs = load_inputs(given.scenario, Options())
    print(f"{machine.cpu_name()}, {machine.threads()} cores\n")
    show(planted(inputs, given.train, given.test), given.train, given.test)
    if not given.no_model:
        from benchmarks.rephrased import report_rephrasings

        report_rephrasings(inputs)


# --- planted leaks ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Planted:
    """What was planted and what was told, by number of the test item."""

    kinds: dict[int, str]
    stages: dict[int, str]
    seconds: float
    peak_gib: float

    def recall(self, group: str) -> float:
        places = [p for p, k in self.kinds.items() if k.startswith(group)]
        return sum(p in self.stages for p in places) / len(places)

    def true(self) -> int:
        return sum(self.kinds.get(place, NO_LEAK[0]) not in NO_LEAK for place in self.stages)


def planted(inputs: Inputs, n_train: int, n_test: int) -> Planted:
    """Leaks of each kind among bulk text, looked for by the stages that need no model."""
    rng = random.Random(SEED)
    chunks = real_chunks(inputs)
    tests = [question(i) for i in inputs.heldout]
    tests += [made_up(chunks, rng) for _ in range(n_test - len(tests))]
    order = list(range(len(tests)))
    rng.shuffle(order)
    kinds: dict[int, str] = {}
    copies: list[str] = []
    each = min(200, len(tests) // (2 * len(KINDS)))
    for k, (kind, edit) in enumerate(KINDS.items()):
        for place in order[k * each : (k + 1) * each]:
            if (copy := edit(tests[place], rng)) is not None:
                kinds[place] = kind
                copies.append(copy)
    bulk = [question(i) for i in inputs.train]
    bulk += [made_up(chunks, rng) for _ in range(n_train - len(bulk) - len(copies))]
    corpus = Corpus(items(copies + bulk, "train"), [], items(tests, "heldout"))
    start = time.perf_counter()
    leaks = find_leaks(corpus)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return Planted(kinds, {int(k.item.removeprefix("heldout-")): k.stage for k in leaks}, seconds, peak)


def show(found: Planted, n_train: int, n_test: int) -> None:
    print("| planted | items | found | recall | by stage |\n|---|---|---|---|---|")
    for kind in KINDS:
        places = [p for p, k in found.kinds.items() if k == kind]
        by = Counter(found.stages[p] for p in places if p in found.stages)
        told = ", ".join(f"{s} {n}" for s, n in by.most_common())
        print(f"| {kind} | {len(places)} | {by.total()} | {by.total() / len(places):.1%} | {told} |")
    for group in ("verbatim", "near"):
        places = [p for p, k in found.kinds.items() if k.startswith(group)]
        hits = sum(p in found.stages for p in places)
        print(f"| **{group}, all** | {len(places)} | {hits} | **{found.recall(group):.1%}** | |")
    told = len(found.stages)
    print(f"\nPrecision: {found.true()} of {told} items told are planted ({found.true() / told:.1%}).")
    speed = f"{found.seconds:.1f} s, peak memory of the whole process {found.peak_gib:.2f} GiB"
    print(f"{n_train:,} training x {n_test:,} test items: {speed}.\n")


def items(texts: Sequence[str], split: Split) -> list[Item]:
    return [
        Item(
            id=f"{split}-{i}", split=split, messages=(Message(role="user", content=t),), references=("",),
            cluster=f"{split}-{i}",
        )
        for i, t in enumerate(texts)
    ]  # fmt: skip


def real_chunks(inputs: Inputs) -> list[list[str]]:
    """Runs of three to five words of the scenario's own sentences, to be shuffled into new ones."""
    rng = random.Random(SEED)
    texts = [a.body for a in inputs.articles] + [question(i) for i in inputs.train]
    chunks = []
    for sentence in (s for t in texts for s in re.split(r"[.?!\n|]+", t)):
        spoken = sentence.split()
        if spoken and spoken[0][1:].islower():
            spoken[0] = spoken[0].lower()  # it will stand in the middle of a sentence
        while len(spoken) >= 3:
            n = rng.randint(3, 5)
            chunks.append(spoken[:n])
            spoken = spoken[n:]
    return chunks


def made_up(chunks: list[list[str]], rng: random.Random) -> str:
    """A text with the words and the length of a real question, and no run of eight words of any other."""
    text = " ".join(w for _ in range(rng.randint(2, 6)) for w in rng.choice(chunks))
    return text[0].upper() + text[1:] + rng.choice("?.")


# --- ways to copy a question --------------------------------------------------------------------


def dressed(text: str, rng: random.Random) -> str:
    """Other capitals, punctuation and spaces; the same words."""
    text = rng.choice([str.upper, str.lower, str.title])(re.sub(r"[?.!,](?!\w)", "", text))
    return "  " + text.replace(" ", rng.choice([" ", "  ", "\n"])) + rng.choice(["", "?!", "..."])


def in_words(change: Callable[[list[str], int, random.Random], None]) -> Edit:
    """An edit of one word in eight; numbers are left alone. None for a text of fewer words."""

    def edit(text: str, rng: random.Random) -> str | None:
        found = text.split()
        plain = [i for i, w in enumerate(found) if w.isalpha() and len(w) > 3]
        wanted = min(len(plain), len(found) // 8)
        for place in sorted(rng.sample(plain, wanted), reverse=True):
            change(found, place, rng)
        return " ".join(found) if wanted else None

    return edit


def misspell(found: list[str], place: int, rng: random.Random) -> None:
    w, k = found[place], rng.randrange(len(found[place]) - 1)
    found[place] = rng.choice([w[:k] + w[k + 1] + w[k] + w[k + 2 :], w[:k] + w[k + 1 :], w[: k + 1] + w[k:]])


def drop(found: list[str], place: int, rng: random.Random) -> None:
    del found[place]


def insert(found: list[str], place: int, rng: random.Random) -> None:
    found.insert(place, rng.choice(["really", "just", "actually", "maybe", "still"]))


def swap(found: list[str], place: int, rng: random.Random) -> None:
    other = place - 1 if place else min(1, len(found) - 1)
    found[place], found[other] = found[other], found[place]


def replace(found: list[str], place: int, rng: random.Random) -> None:
    found[place] = rng.choice(["thing", "device", "getting", "about", "right", "work", "needs", "about"])


def framed(text: str, rng: random.Random) -> str:
    return rng.choice([rng.choice(OPENERS) + text, text + rng.choice(CLOSERS)])


def embedded(text: str, rng: random.Random) -> str:
    return f"My neighbour told me to write to you about it. {text} I would be glad of an answer soon."


def other_number(text: str, rng: random.Random) -> str | None:
    """The same question about another number: another question. None where there is no number."""
    return (
        re.sub(r"\d+", lambda m: str(int(m[0]) + rng.randint(1, 9)), text, count=1)
        if re.search(r"\d", text)
        else None
    )


def other_name(text: str, rng: random.Random) -> str | None:
    """The same question about another product: another question. None where none is named."""
    named = [n for n in NAMES if re.search(rf"\b{n}\b", text)]
    other = [n for n in NAMES if n not in text]
    return re.sub(rf"\b{named[0]}\b", rng.choice(other), text) if named else None


NAMES = (
    "Holm",
    "Fenna",
    "Skarn",
    "Tern",
    "Pip",
    "Flex",
    "Sweden",
    "Norway",
    "Germany",
    "Android",
    "Alexa",
    "Vipps",
)
KINDS: dict[str, Edit] = {
    "verbatim": lambda text, rng: text,
    "verbatim, other capitals and punctuation": dressed,
    "near: misspelt": in_words(misspell),
    "near: words dropped": in_words(drop),
    "near: words inserted": in_words(insert),
    "near: neighbours swapped": in_words(swap),
    "near: words replaced": in_words(replace),
    "near: greeting or thanks added": framed,
    "near: put between two sentences": embedded,
    "other number": other_number,
    "other name": other_name,
}
NO_LEAK = ("other number", "other name")
"""Kinds that ask another question and must not be told."""


if __name__ == "__main__":
    main()

"""What is asked: a scenario's items, a file, or made-up text; cold (all distinct) or warm (a few, seen before)."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from harness.errors import InputError
from harness.load.lines import numbered_lines
from harness.types.data import Item, Message
from harness.types.load import Cache, Prompt

WARM = 8
"""Distinct prompts of a warm run."""
_TEXT = (
    "the order of a lamp that came late and was blue inside its box while rain fell on our small town where people "
    "ask how to set up heating before winter and why each meter shows another number than last year"
)


def of_items(items: Sequence[Item]) -> list[Prompt]:
    return [Prompt(messages=i.messages, item=i.id) for i in items]


def made_up(n: int, words: int, seed: int) -> list[Prompt]:
    """``n`` distinct prompts of so many words."""
    draw, known = random.Random(seed), _TEXT.split()
    texts = (" ".join([str(i), *(draw.choice(known) for _ in range(words - 1))]) for i in range(n))
    return [Prompt(messages=(Message(role="user", content=text),)) for text in texts]


def read_prompts(path: Path) -> list[Prompt]:
    """A JSONL file with ``prompt`` or ``messages`` a line; raises InputError with the line."""
    found = []
    for number, line in numbered_lines(path):
        try:
            data = json.loads(line)
            messages = data.get("messages") or [{"role": "user", "content": data["prompt"]}]
            found.append(Prompt(messages=tuple(Message.model_validate(m) for m in messages)))
        except (ValueError, ValidationError, LookupError, AttributeError, TypeError, RecursionError):
            raise InputError(f"{path}:{number}: give an object with `prompt` or `messages`") from None
    if not found:
        raise InputError(f"{path}: holds no prompts")
    return found


def dealt(prompts: Sequence[Prompt], n: int, cache: Cache, seed: int) -> list[Prompt]:
    """``n`` prompts in the order of asking.

    Cold: none comes twice; where there are fewer than ``n``, those asked again get a number in front, so that no
    cache of prefixes or answers knows them. Warm: drawn from the first ``WARM`` of a seeded order.
    """
    draw = random.Random(seed)
    order = draw.sample(list(prompts), len(prompts))
    if cache == "warm":
        return [draw.choice(order[:WARM]) for _ in range(n)]
    rounds = [order if k == 0 else draw.sample(order, len(order)) for k in range(-(-n // len(order)))]
    return [_numbered(p, seed, k) if k else p for k, some in enumerate(rounds) for p in some][:n]


def warmed(prompts: Sequence[Prompt], seed: int) -> list[Prompt]:
    """Those that a warm run draws from."""
    return random.Random(seed).sample(list(prompts), len(prompts))[:WARM]


def _numbered(prompt: Prompt, seed: int, k: int) -> Prompt:
    first, *rest = prompt.messages
    changed = first.model_copy(update={"content": f"[{seed}.{k}] {first.content}"})
    return prompt.model_copy(update={"messages": (changed, *rest), "altered": True})

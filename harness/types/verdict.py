"""Whether a run may be released, by which checks, and at which look."""

from __future__ import annotations

from typing import Literal

from harness.types.record import Record
from harness.types.results import Estimate, Unit

Status = Literal["pass", "fail", "inconclusive"]

EXIT_CODES: dict[Status, int] = {"pass": 0, "fail": 100, "inconclusive": 101}
"""As promptfoo has it for a failed gate; a pipeline may treat 101 as it likes."""


class Check(Record):
    """One rule of the gate against what was observed."""

    rule: str
    """Short and stable, such as ``success[all] not_worse_by 0.05``."""
    words: str
    """The rule as a sentence."""
    metric: str
    slice: str
    unit: Unit
    relative: bool
    """Whether ``observed`` is a difference from the baseline."""
    observed: Estimate
    """The tested quantity; ``low`` and ``high`` are the two one-sided bounds at this look's alpha."""
    bound: float | None
    """The bound that decides: the lower one where more is required, else the upper one."""
    threshold: float
    """What ``bound`` must reach, in the same units and sign as ``observed``."""
    status: Status
    items_needed: int | None
    """More items for an 80% chance to decide if what was observed is true; None where nothing is needed or known."""
    reason: str
    """Why it passed, failed or is open; and why ``items_needed`` is not known."""


class Flips(Record):
    """Items whose yes-or-no score turned against the baseline's."""

    metric: str
    right_to_wrong: tuple[str, ...]
    wrong_to_right: tuple[str, ...]


class BaselineIdentity(Record):
    """Which run the verdict compares with."""

    source: str
    """The file or run folder that was read."""
    variant: str
    run: str
    finished: str
    harness: str
    n_items: int


class Look(Record):
    """A decision that was taken on a candidate: a line of ``reports/<scenario>/looks.jsonl``."""

    candidate: str
    data: str
    """Fingerprint of the scores of candidate and baseline: the same data again is the same look."""
    look: int
    """1 for the first decision on the candidate."""
    alpha: float
    """One-sided error that this look may spend."""
    status: Status
    time: str
    """UTC, ISO 8601."""


class Verdict(Record):
    """Passes only if every check passes; fails as soon as one fails; else open."""

    status: Status
    reason: str
    scenario: str
    variant: str
    candidate: str
    """Fingerprint of the variant."""
    run: str
    finished: str
    currency: str
    baseline: BaselineIdentity | None
    look: int
    """How many sets of data this candidate has been judged on, this one included."""
    alpha: float
    """One-sided error spent at this look, for each check."""
    total_alpha: float
    """One-sided error over all looks together."""
    n_items: int
    n_left_out: int
    """Held-out items that the run did not ask or the baseline has beyond it; a pass needs 0."""
    checks: tuple[Check, ...]
    flips: Flips | None
    errors: tuple[str, ...]
    """Items whose answer failed; their scores count as the worst possible."""
    accepted: tuple[str, ...]
    """Changes since the baseline that a person has accepted."""
    notes: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.status]

"""A scenario with everything that its files hold, and what the command line changes in it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import InputError, Problem, ScenarioError
from harness.machine import resolve_backend
from harness.registry import BACKENDS, nearest
from harness.scenario.data import read_articles, read_items
from harness.scenario.document import in_order
from harness.scenario.judging import Judging, read_judging
from harness.scenario.load import load_scenario, prompt_files, read_text
from harness.store import fingerprint
from harness.types.data import Article, Item, Split
from harness.types.judge_settings import endpoint_of
from harness.types.settings import BackendSpec, Scenario, VariantSpec


@dataclass(frozen=True)
class Options:
    """What the command line asks for beyond the scenario."""

    variants: tuple[str, ...] = ()
    """Only these (and the baseline); empty is all."""
    limit: int | None = None
    """Held-out items, a seeded sample."""
    quick: bool = False
    seed: int | None = None
    a_a: bool = False
    """One variant against itself in other batches."""
    fresh: bool = False
    """Ignore all stored answers and adapters."""
    offline: bool = False
    load: bool = False
    """Put the variants under load."""
    run_dir: Path | None = None
    backend: str | None = None
    """Engine instead of the scenario's."""
    command: str = "harness compare"


@dataclass(frozen=True)
class Inputs:
    """A scenario with everything that its files hold."""

    scenario: Scenario
    train: list[Item]
    dev: list[Item]
    heldout: list[Item]
    articles: list[Article]
    prompts: dict[str, str]
    quick: bool
    left_out: int
    """Held-out items that the options leave out."""
    again: str | None = None
    """In an A/A run, the name of the second pass."""
    judging: Judging = field(default_factory=Judging)

    @property
    def preview(self) -> bool:
        return self.quick or self.left_out > 0

    def hashes(self) -> dict[str, str]:
        s = self.scenario
        return {
            "settings": fingerprint(
                s.model_copy(update={"gate": None, "load": None, "labelling": None, "judges": {}})
            ),  # these change no answer
            "train": fingerprint(*self.train),
            "dev": fingerprint(*self.dev),
            "heldout": fingerprint(*self.heldout),
            "knowledge base": fingerprint(*self.articles),
            "prompts": fingerprint(self.prompts),
        } | {f"system prompt {v.name}": self._system(v) for v in s.variants}

    def judges_hash(self) -> str:
        """Of the judges, what they learn from and what they are held against."""
        return fingerprint(self.scenario.judges, self.judging.hash())

    def _system(self, variant: VariantSpec) -> str:
        name = variant.system or self.scenario.system
        return fingerprint(self.prompts[name] if name else None)


def load_inputs(folder: Path, options: Options) -> Inputs:
    """Scenario and data with the options applied; raises ScenarioError with everything that is wrong."""
    scenario = _with_options(load_scenario(folder), options)
    files = _Files(folder)
    data = scenario.data
    heldout = files.items(data.heldout, "heldout")
    train, dev = files.items(data.train, "train"), files.items(data.dev, "dev")
    articles = files.articles(data.kb) if data.kb else []
    prompts = {name: files.prompt(name) for name in prompt_files(scenario)}
    judging, found = read_judging(folder, scenario)
    files.problems += found
    if files.problems:
        raise in_order(files.problems)
    limit = options.limit or (scenario.quick.limit if options.quick else None)
    left_out = max(0, len(heldout) - limit) if limit is not None else 0
    if limit is not None and left_out:
        chosen = set(random.Random(scenario.seed).sample([i.id for i in heldout], limit))
        heldout = [i for i in heldout if i.id in chosen]
    return Inputs(
        scenario,
        train,
        dev,
        heldout,
        articles,
        prompts,
        options.quick,
        left_out,
        _again(scenario, options),
        judging,
    )


class _Files:
    """Reads all files of a scenario before it complains."""

    def __init__(self, folder: Path):
        self.problems: list[Problem] = []
        self._folder = folder

    def items(self, name: str, split: Split) -> list[Item]:
        placed, problems = read_items(self._folder / name, split)
        self.problems += problems
        return [p.item for p in placed]

    def articles(self, name: str) -> list[Article]:
        articles, problems = read_articles(self._folder / name)
        self.problems += problems
        return articles

    def prompt(self, name: str) -> str:
        try:
            return read_text(self._folder / name)
        except ScenarioError as e:
            self.problems += e.problems
            return ""


def _with_options(scenario: Scenario, options: Options) -> Scenario:
    change: dict[str, object] = {}
    if options.seed is not None:
        if not 0 <= options.seed < 2**32:
            raise InputError(f"--seed must be from 0 to {2**32 - 1}, not {options.seed}")
        change["seed"] = options.seed
    if options.a_a:
        change |= _against_itself(scenario, options)
    elif options.variants:
        for name in options.variants:
            _known(name, scenario)
        wanted = {*options.variants, scenario.baseline}
        kept = tuple(v for v in scenario.variants if v.name in wanted)
        change |= {"variants": kept} | _used(scenario, kept)
    change["backend"] = _engine(scenario, options.backend)
    scenario = scenario.model_copy(update=change)
    if not options.quick:
        return scenario
    q = scenario.quick
    less = {
        n: t.model_copy(
            update={
                "epochs": min(t.epochs, q.epochs),
                "examples": min(t.examples or q.examples, q.examples),
                "seeds": 1,
            }
        )
        for n, t in scenario.adapters.items()
    }
    return scenario.model_copy(
        update={"adapters": less, "timing_items": min(q.timing_items, scenario.timing_items)}
    )


def _engine(scenario: Scenario, wanted: str | None) -> BackendSpec:
    """The engine of this run by its own name, so that settings and report tell which it was."""
    if wanted is not None and wanted not in BACKENDS:
        raise InputError(f"--backend: no engine {wanted!r}; {nearest(wanted, list(BACKENDS))}")
    asked, quantized = wanted or scenario.backend.name, scenario.backend.quantization != "none"
    name = "transformers" if quantized and asked == "auto" else resolve_backend(asked)
    if quantized and name != "transformers":
        raise InputError(f"the engine {name} does not know `backend: quantization:`; transformers does")
    if name != "fake" and scenario.model.source.startswith("fake:"):
        raise InputError(
            f"the engine {name} needs a model, and scenario.yaml names {scenario.model.source!r}"
        )
    return scenario.backend.model_copy(update={"name": name})


def _known(name: str, scenario: Scenario) -> VariantSpec:
    names = [v.name for v in scenario.variants]
    if name not in names:
        raise InputError(f"--variants: no variant {name!r}; {nearest(name, names)}")
    return scenario.variants[names.index(name)]


def _against_itself(scenario: Scenario, options: Options) -> dict[str, object]:
    """The settings of an A/A run: one variant twice, under two names."""
    if len(options.variants) > 1:
        raise InputError("--a-a runs one variant against itself; name one with --variants")
    first = _known(next(iter(options.variants), scenario.baseline), scenario)
    if first.weights.startswith("precomputed:"):
        raise InputError(f"--a-a: the answers of {first.name!r} come from a file and cannot be asked again")
    first = first.model_copy(update={"repeats": 1})
    second = first.model_copy(update={"name": f"{first.name[:34]}-again"})
    once = {n: t.model_copy(update={"seeds": 1}) for n, t in scenario.adapters.items()}
    used = _used(scenario.model_copy(update={"adapters": once}), [first])
    return {"variants": (first, second), "baseline": first.name} | used


def _used(scenario: Scenario, variants: Sequence[VariantSpec]) -> dict[str, object]:
    """The adapters that ``variants`` need, and the endpoints that they and the judges ask."""
    weights = {v.weights for v in variants}
    weights |= {f"endpoint:{e}" for j in scenario.judges.values() if (e := endpoint_of(j))}
    return {
        "adapters": {n: t for n, t in scenario.adapters.items() if f"adapter:{n}" in weights},
        "endpoints": {n: e for n, e in scenario.endpoints.items() if f"endpoint:{n}" in weights},
    }


def _again(scenario: Scenario, options: Options) -> str | None:
    return scenario.variants[1].name if options.a_a else None

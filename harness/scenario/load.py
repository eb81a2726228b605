"""Read ``scenario.yaml`` into a ``Scenario``, with every problem at once, each with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

from harness.errors import InputError, Problem, ScenarioError
from harness.prices import pricer
from harness.registry import BACKENDS, SCORERS, SOURCES, nearest
from harness.scenario.document import Document, Loc, in_order
from harness.types.judge_settings import RewardJudge, endpoint_of, metrics_of, prompt_of
from harness.types.settings import Scenario

_Found = tuple[Loc, str]
"""Where in the settings, and what is wrong there."""


def find_scenario(name_or_path: str, root: Path) -> Path:
    """The folder of a scenario given by name (below ``root/scenarios``) or by path."""
    for folder in (Path(name_or_path), root / "scenarios" / name_or_path):
        with suppress(OSError):  # a name too long for a file
            if (folder / "scenario.yaml").is_file():
                return folder
    known = sorted(p.parent.name for p in (root / "scenarios").glob("*/scenario.yaml"))
    hint = (
        nearest(name_or_path, known)
        if known
        else "there is no scenarios/ folder here; `harness init` makes one"
    )
    raise InputError(
        f"no scenario {name_or_path!r} (looked for {name_or_path}/scenario.yaml and in scenarios/): {hint}"
    )


def read_text(file: Path) -> str:
    """A UTF-8 text file of the user's; anything else is a ScenarioError that names the place.

    A byte order mark is dropped and line ends become ``\n``: editors on Windows write both.
    """
    try:
        if file.exists() and not file.is_file():  # a folder, or a pipe, which would be waited on for ever
            raise ScenarioError([Problem(file, None, "is not a file")])
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ScenarioError([Problem(file, None, "file not found")]) from None
    except UnicodeDecodeError as e:
        line = file.read_bytes()[: e.start].count(b"\n") + 1
        raise ScenarioError([Problem(file, line, "not UTF-8 text; save the file as UTF-8")]) from None
    except OSError as e:
        raise ScenarioError([Problem(file, None, f"cannot be read: {e.strerror}")]) from None


def load_scenario(folder: Path) -> Scenario:
    """The settings in ``folder/scenario.yaml``; raises ScenarioError with all problems found."""
    file = folder / "scenario.yaml"
    document = Document(read_text(file), file)
    scenario = document.record(Scenario)
    found = [
        *_references(scenario),
        *_economics(scenario),
        *_sources(scenario),
        *_files(scenario, folder),
        *_patterns(scenario),
        *_judges(scenario),
    ]
    if found:
        raise in_order(document.problem(loc, message) for loc, message in found)
    return scenario


def prompt_files(scenario: Scenario) -> list[str]:
    """Every file with a system prompt that the settings name."""
    named = [scenario.system, *(v.system for v in scenario.variants)]
    named += [t.system for t in scenario.adapters.values()]
    return sorted({name for name in named if name})


def _references(s: Scenario) -> list[_Found]:
    """Settings that name other settings: each must exist."""
    problems: list[_Found] = []
    names = [v.name for v in s.variants]
    for i, name in enumerate(names):
        if name in names[:i]:
            problems.append((("variants", i, "name"), f"two variants are called {name!r}"))
    if not names:
        problems.append((("variants",), "at least one variant is needed"))
    if s.baseline not in names:
        problems.append((("baseline",), f"no variant {s.baseline!r}; {nearest(s.baseline, names)}"))
    for i, metric in enumerate(s.metrics):
        if metric not in SCORERS:
            problems.append((("metrics", i), f"unknown metric {metric!r}; {nearest(metric, list(SCORERS))}"))
    for key, listed in (("metrics", s.metrics), ("slices", s.slices)):
        doubled = [i for i, name in enumerate(listed) if name in listed[:i]]
        problems += [((key, i), f"{listed[i]!r} is listed twice") for i in doubled]
    if s.choice.metric not in s.metrics:
        message = f"the metric of the choice, {s.choice.metric!r}, is not among the metrics"
        problems.append((("choice", "metric"), message))
    for name in s.margins if "margins" in s.model_fields_set else ():
        if name not in s.metrics:
            message = f"no metric {name!r} among the metrics; {nearest(name, list(s.metrics))}"
            problems.append((("margins", name), message))
    if s.backend.name not in ("auto", *BACKENDS):
        message = f"unknown backend {s.backend.name!r}; {nearest(s.backend.name, ['auto', *BACKENDS])}"
        problems.append((("backend", "name"), message))
    for i, variant in enumerate(s.variants):
        kind, _, name = variant.weights.partition(":")
        at = ("variants", i, "weights")
        if kind == "adapter" and name not in s.adapters:
            problems.append((at, f"no adapter {name!r} under `adapters`; {nearest(name, list(s.adapters))}"))
        elif kind == "endpoint" and name not in s.endpoints:
            known = nearest(name, list(s.endpoints)) if s.endpoints else "there are none"
            problems.append((at, f"no endpoint {name!r} under `endpoints`; {known}"))
        elif variant.weights != "base" and (kind not in ("adapter", "endpoint", "precomputed") or not name):
            kinds = "base, adapter:<name>, endpoint:<name> or precomputed:<file>"
            problems.append((at, f"{variant.weights!r} is not {kinds}"))
        if variant.repeats > 1 and (
            kind == "precomputed" or not (variant.decoding or s.decoding).temperature
        ):
            message = "repeats need answers that are sampled: set decoding.temperature above 0"
            problems.append((("variants", i, "repeats"), message))
        if kind in ("precomputed", "endpoint") and variant.cache:
            at_cache = ("variants", i, "cache")
            problems.append((at_cache, f"a variant with {kind} answers is not served, so none are kept"))
        if s.data.kb is None and variant.context is not None and variant.context.kind == "retrieval":
            problems.append((("variants", i, "context"), "retrieval needs a knowledge base: set data.kb"))
    for setting, names in (
        ("adapters", [*s.adapters]),
        ("endpoints", [*s.endpoints]),
        ("judges", [*s.judges]),
    ):
        for name in names:
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", name):  # it names files
                message = f"{name!r} is not a name: use letters, digits, dots and hyphens, at most 40"
                problems.append(((setting, name), message))
    for name, training in s.adapters.items():
        if training.passages and not training.retrieval:
            problems.append(
                (("adapters", name, "passages"), "training with passages needs `retrieval` beside it")
            )
    problems += _gate(s)
    return problems


def _gate(s: Scenario) -> Iterator[_Found]:
    """Rules about metrics, slices and variants that the scenario does not have."""
    if s.gate is None:
        return
    names = [v.name for v in s.variants]
    if s.gate.variant is not None and s.gate.variant not in names:
        yield ("gate", "variant"), f"no variant {s.gate.variant!r}; {nearest(s.gate.variant, names)}"
    metrics = [*s.metrics, *(m for name, judge in s.judges.items() for m in metrics_of(name, judge))]
    for i, rule in enumerate(s.gate.rules):
        at = ("gate", "rules", i)
        if rule.metric not in metrics:
            known = nearest(rule.metric, metrics)
            yield (*at, "metric"), f"{rule.metric!r} is not among the metrics; {known}"
        elif rule.metric not in s.metrics and rule.relative:
            yield (
                at,
                "a rule about a judge needs at_least or at_most: a baseline holds no labels to correct it",
            )
        elif rule.metric not in s.metrics and rule.slice != "all":
            yield (*at, "slice"), "a judge's figure is corrected for all items together; leave the slice out"
        key, equals, value = rule.slice.partition("=")
        if rule.slice != "all" and not (equals and value):
            yield (*at, "slice"), f"{rule.slice!r} is not a slice; write all or key=value"
        elif rule.slice != "all" and key not in s.slices:
            known = nearest(key, list(s.slices)) if s.slices else "none are listed"
            yield (*at, "slice"), f"{key!r} is not among the slices; {known}"


def _judges(s: Scenario) -> Iterator[_Found]:
    """Judges that cannot judge."""
    for name, judge in s.judges.items():
        at = ("judges", name)
        if isinstance(judge, RewardJudge):
            if s.data.preferences is None:
                yield at, f"judge {name!r} learns from preference pairs: name their files in data.preferences"
            continue
        endpoint = endpoint_of(judge)
        if endpoint is None and judge.model != "base":
            yield (*at, "model"), f"{judge.model!r} is not base or endpoint:<name>"
        elif endpoint is not None and endpoint not in s.endpoints:
            known = nearest(endpoint, list(s.endpoints)) if s.endpoints else "there are none"
            yield (*at, "model"), f"no endpoint {endpoint!r} under `endpoints`; {known}"
        if judge.replicates > 1 and judge.temperature == 0:
            yield (*at, "replicates"), "at temperature 0 replies repeat; set `temperature` too"
        if judge.tokens is not None:
            try:
                pricer(judge.tokens)
            except InputError as error:
                yield (*at, "tokens"), str(error)


def _economics(s: Scenario) -> Iterator[_Found]:
    """Money that rests on what is not measured or not there."""
    e, at = s.economics, "economics"
    if e.volume_range[0] >= e.volume_range[1]:
        yield (at, "volume_range"), "must be two growing positive numbers"
    latency = "latency" if e.weights and e.weights.latency else None
    cost = "cost" if e.weights and e.weights.cost else None
    for needed, setting in (
        ("success" if e.value_of_success is not None else None, "value_of_success"),
        ("harm" if e.cost_of_harm is not None else None, "cost_of_harm"),
        (latency or cost, "weights"),
    ):
        if needed and needed not in s.metrics:
            yield (at, setting), f"needs metric {needed!r}; add it under `metrics`"
    names = [v.name for v in s.variants]
    for setting, named in (("people_hours_per_month", e.people_hours_per_month), ("tokens", e.tokens)):
        for name in named:
            if name not in names:
                yield (at, setting, name), f"no variant {name!r}; {nearest(name, names)}"
    for name, tokens in e.tokens.items():
        if tokens.kind == "listed" and e.currency != "USD":
            yield (
                (at, "tokens", name),
                f"listed prices are in USD, the scenario counts in {e.currency}; state your own",
            )
        try:
            pricer(tokens)
        except InputError as error:
            yield (at, "tokens", name), str(error)


def _sources(s: Scenario) -> Iterator[_Found]:
    """Weights whose source is not written as one of the kinds that exist."""
    for role, source in s.weights().items():
        kind = source.source.partition(":")[0]
        if kind not in SOURCES:
            yield (role, "source"), f"unknown source {source.source!r}; {nearest(kind, list(SOURCES))}"
        elif not re.fullmatch(SOURCES[kind].pattern, source.source):
            yield (role, "source"), f"{source.source!r} is not {SOURCES[kind].shape}"
        if source.sha256 is not None and not re.fullmatch(r"[0-9a-f]{64}", source.sha256):
            yield (role, "sha256"), f"{source.sha256!r} is not a SHA-256: 64 digits of 0-9 and a-f"
        elif kind == "pypi" and source.sha256 is None:
            yield (role,), f"{role}: a pypi source needs `sha256` (of the wheel) beside it"


def outside(file: Path, folder: Path) -> str | None:
    """What is wrong with ``file`` where a link leads it out of ``folder``, whose files alone may be read."""
    with suppress(OSError, RuntimeError):  # too long, or a link to itself: reading it says so
        if not (target := file.resolve()).is_relative_to(folder.resolve()):
            return f"is a link to {target}, outside the scenario's folder"
    return None


def _files(s: Scenario, folder: Path) -> Iterator[_Found]:
    """Files that a setting names must lie in the scenario's folder: it moves and is reviewed as a whole."""
    single = s.data.model_dump(exclude={"preferences"})
    named: list[tuple[Loc, str | None]] = [(("data", split), f) for split, f in single.items()]
    if s.data.preferences is not None:
        named += [(("data", "preferences", k), f) for k, f in s.data.preferences.model_dump().items()]
    named += [(("judges", name, "prompt"), prompt_of(j)) for name, j in s.judges.items()]
    named += [(("system",), s.system)]
    named += [(("adapters", name, "system"), t.system) for name, t in s.adapters.items()]
    if s.gate is not None:
        named.append((("gate", "baseline"), s.gate.baseline))
    named += [(("labelling", key), file) for key, file in s.labelling.model_dump().items()]
    for i, variant in enumerate(s.variants):
        kind, _, file = variant.weights.partition(":")
        named.append((("variants", i, "system"), variant.system))
        named.append((("variants", i, "weights"), file if kind == "precomputed" and file else None))
    for loc, name in named:
        if name is None:
            continue
        path = PurePosixPath(name)
        if not name.strip() or not name.isprintable() or path.is_absolute() or ".." in path.parts:
            yield loc, f"{name!r} must be a file in the scenario's folder, such as data/train.jsonl"
        elif wrong := outside(folder / name, folder):
            yield loc, f"{name!r} {wrong}"


def _patterns(s: Scenario) -> Iterator[_Found]:
    """Regular expressions that do not compile."""
    lists: list[tuple[Loc, tuple[str, ...]]] = [
        (("abstention",), s.abstention),
        (("style", "forbidden"), s.style.forbidden),
        (("style", "required"), s.style.required),
    ]
    for loc, patterns in lists:
        for i, pattern in enumerate(patterns):
            try:
                re.compile(pattern)
            except (re.error, OverflowError, RecursionError) as e:
                yield (*loc, i), f"not a regular expression: {pattern!r}: {e}"

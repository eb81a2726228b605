"""Read ``scenario.yaml`` into a ``Scenario``, with every problem at once, each with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from harness.errors import InputError, Problem, ScenarioError
from harness.registry import BACKENDS, SCORERS, nearest
from harness.types import Scenario

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def find_scenario(name_or_path: str, root: Path) -> Path:
    """The folder of a scenario given by name (below ``root/scenarios``) or by path."""
    for folder in (Path(name_or_path), root / "scenarios" / name_or_path):
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
    """A UTF-8 text file of the user's; anything else is a ScenarioError that names the place."""
    try:
        return file.read_text(encoding="utf-8")
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
    text = read_text(file)
    try:
        node = yaml.compose(text, Loader=_Loader)
        data = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as e:
        line = e.problem_mark.line + 1 if e.problem_mark else None
        raise ScenarioError([Problem(file, line, f"not valid YAML: {e.problem or e.context}")]) from None
    except (yaml.YAMLError, ValueError, RecursionError) as e:
        raise ScenarioError([Problem(file, 1, f"not valid YAML: {str(e).splitlines()[0]}")]) from None
    if not isinstance(data, dict):
        raise ScenarioError([Problem(file, 1, "must be a mapping of settings such as `name: my-scenario`")])
    try:
        problems = [Problem(file, _line(node, key), "the key occurs twice") for key in _doubled(node)]
        scenario = Scenario.model_validate(data)
    except ValidationError as e:
        problems += [Problem(file, _line(node, err["loc"]), _explain(dict(err))) for err in e.errors()]
        raise ScenarioError(sorted(set(problems), key=lambda p: p.line or 0)) from None
    except RecursionError:
        raise ScenarioError([Problem(file, 1, "nested too deeply")]) from None
    problems += [Problem(file, _line(node, loc), message) for loc, message in _references(scenario)]
    if problems:
        raise ScenarioError(sorted(set(problems), key=lambda p: p.line or 0))
    return scenario


def _line(node: Any, loc: Any) -> int:
    """Line of the deepest part of ``loc`` that the document has: a key, or its parent where it is missing."""
    line = int(node.start_mark.line) + 1
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            match = [(k, v) for k, v in node.value if k.value == str(part)]
            if not match:
                continue  # pydantic puts the tag of a union into the path
            line, node = int(match[-1][0].start_mark.line) + 1, match[-1][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = int(node.start_mark.line) + 1
    return line


def _doubled(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of keys given twice in one mapping, which YAML would silently resolve to the last."""
    found: list[tuple[Any, ...]] = []
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if str(key.value) in seen:
                found.append((*path, key.value))
            seen.add(str(key.value))
            found += _doubled(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            found += _doubled(value, (*path, i))
    return found


def _explain(error: dict[str, Any]) -> str:
    """Pydantic's error in words that say what to do."""
    where = ".".join(str(p) for p in error["loc"]) or "the file"
    if error["type"] == "extra_forbidden":
        return f"{where}: unknown setting; {nearest(str(error['loc'][-1]), _fields_at(error['loc'][:-1]))}"
    if error["type"] == "missing":
        return f"{where}: this setting is required"
    given = repr(error.get("input"))
    return f"{where}: {error['msg']} (given: {given if len(given) < 60 else given[:57] + '...'})"


def _fields_at(loc: tuple[Any, ...]) -> list[str]:
    """Names of the settings allowed at ``loc``, found by walking the record types."""
    kinds: list[Any] = [Scenario]
    for part in loc:
        deeper: list[Any] = []
        for kind in kinds:
            if part in kind.model_fields:
                deeper += _records_in(kind.model_fields[part].annotation)
        kinds = deeper or kinds
    return sorted({name for kind in kinds for name in kind.model_fields})


def _records_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [r for a in getattr(annotation, "__args__", ()) for r in _records_in(a)]


def _references(s: Scenario) -> list[tuple[tuple[Any, ...], str]]:
    """Settings that name other settings: each must exist."""
    problems: list[tuple[tuple[Any, ...], str]] = []
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
    if s.choice.metric not in s.metrics:
        message = f"the metric of the choice, {s.choice.metric!r}, is not among the metrics"
        problems.append((("choice", "metric"), message))
    if s.backend.name not in BACKENDS:
        message = f"unknown backend {s.backend.name!r}; {nearest(s.backend.name, list(BACKENDS))}"
        problems.append((("backend", "name"), message))
    for i, variant in enumerate(s.variants):
        kind, _, name = variant.weights.partition(":")
        at = ("variants", i, "weights")
        if kind == "adapter" and name not in s.adapters:
            problems.append((at, f"no adapter {name!r} under `adapters`; {nearest(name, list(s.adapters))}"))
        elif kind not in ("base", "adapter", "precomputed") or (kind != "base" and not name):
            problems.append((at, f"{variant.weights!r} is not base, adapter:<name> or precomputed:<file>"))
        if s.data.kb is None and variant.context is not None and variant.context.kind == "retrieval":
            problems.append((("variants", i, "context"), "retrieval needs a knowledge base: set data.kb"))
    for name, training in s.adapters.items():
        if training.passages and not training.retrieval:
            problems.append(
                (("adapters", name, "passages"), "training with passages needs `retrieval` beside it")
            )
    low, high = s.economics.volume_range
    if not 0 < low < high:
        problems.append((("economics", "volume_range"), "must be two growing positive numbers"))
    return problems

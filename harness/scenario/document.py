"""YAML with line numbers, made safe to read from a stranger, and pydantic's errors in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from harness.errors import Problem, ScenarioError
from harness.registry import nearest

R = TypeVar("R", bound=BaseModel)
Loc = tuple[Any, ...]

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAX_DEPTH = 50  # libyaml's composer is recursive C: some thousand levels crash the interpreter
_MAX_NODES = 100_000  # with every alias written out
_MAX_BITS = 63  # a whole number of thousands of digits cannot even be printed


class _Loader(_Base):  # type: ignore[misc]
    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """PyYAML raises whatever Python's own conversion raises, without the place; here it has one."""
        try:
            value = super().construct_object(node, deep)
            if isinstance(value, int) and value.bit_length() > _MAX_BITS:
                raise ValueError("the number is too large")
            return value
        except (ValueError, LookupError, AttributeError, TypeError, OverflowError) as e:
            kind = str(node.tag).rpartition(":")[2]
            raise yaml.constructor.ConstructorError(
                None, None, f"not a valid {kind}: {e}", node.start_mark
            ) from None


class Document:
    """A YAML mapping that knows on which line of its file each part stands."""

    def __init__(self, text: str, file: Path, first_line: int = 1):
        """Raises ScenarioError where ``text`` is not one sound YAML mapping; it begins on ``first_line``."""
        self.file = file
        self._first = first_line
        self.data: dict[Any, Any] = {}
        try:
            self._refuse_depth(text)
            loader = _Loader(text)
            try:
                self._node = loader.get_single_node()
                self._refuse_bomb()
                self._doubled = set(_doubled(self._node))
                self.data = loader.construct_document(self._node) if self._node else {}
            finally:
                loader.dispose()
        except yaml.MarkedYAMLError as e:
            line = e.problem_mark.line if e.problem_mark else 0
            reason = str(e.problem or e.context)
            if reason.startswith("but "):
                reason = f"{e.context} {reason}"
            raise self._bad(line, f"not valid YAML: {reason}") from None
        except yaml.reader.ReaderError as e:
            line = text[: e.position].count("\n")
            raise self._bad(line, f"not valid YAML: character {e.character!r} is not allowed") from None
        if not isinstance(self.data, dict):
            raise self._bad(0, "must be a mapping of settings such as `name: value`")

    def record(self, kind: type[R], setting: str = "setting") -> R:
        """The mapping as a record; raises ScenarioError with everything that is wrong with it."""
        problems = [self.problem(loc, f"{loc[-1]!r}: the key occurs twice") for loc in self._doubled]
        try:
            record = kind.model_validate(self.data)
        except ValidationError as e:
            problems += [self.problem(_place(err), explain(err, kind, setting)) for err in e.errors()]
            raise in_order(problems) from None
        if problems:
            raise in_order(problems)
        return record

    def problem(self, loc: Loc, message: str) -> Problem:
        """The message with the line of the deepest part of ``loc`` that the document has."""
        node = self._node
        line = int(node.start_mark.line) if node else 0
        for part in loc:
            if isinstance(node, yaml.MappingNode):
                match = [(k, v) for k, v in node.value if k.value == str(part)]
                if not match:
                    continue  # pydantic puts the tag of a union into the path
                line, node = int(match[-1][0].start_mark.line), match[-1][1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = int(node.start_mark.line)
        return Problem(self.file, line + self._first, message)

    def _bad(self, line: int, message: str) -> ScenarioError:
        return ScenarioError([Problem(self.file, line + self._first, message)])

    def _refuse_depth(self, text: str) -> None:
        depth = 0
        for event in yaml.parse(text, Loader=_Loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _MAX_DEPTH:
                raise self._bad(event.start_mark.line if event.start_mark else 0, "nested too deeply")

    def _refuse_bomb(self) -> None:
        """Aliases of aliases can stand for billions of nodes, an alias of its own parent for endless ones."""
        sizes: dict[int, int] = {}

        def size(node: Any) -> int:
            if id(node) not in sizes:
                sizes[id(node)] = _MAX_NODES + 1  # of a node that is met again inside itself
                sizes[id(node)] = 1 + sum(map(size, _children(node)))
                if sizes[id(node)] > _MAX_NODES:
                    raise self._bad(node.start_mark.line, "anchors and aliases expand without bound")
            return sizes[id(node)]

        if self._node:
            size(self._node)


def in_order(problems: Iterable[Problem]) -> ScenarioError:
    """One error with all of them, each once, by file and line."""
    return ScenarioError(sorted(set(problems), key=lambda p: (str(p.file), p.line or 0, p.message)))


def _place(error: Mapping[str, Any]) -> Loc:
    """Where the error is; pydantic gives a union without its tag as a whole."""
    tag = (error["ctx"]["discriminator"].strip("'"),) if error["type"].startswith("union_tag_") else ()
    return (*error["loc"], *tag)


def explain(error: Mapping[str, Any], root: type[BaseModel], setting: str) -> str:
    """Pydantic's error in words that say what to do, without characters that would upset a terminal."""
    where = ".".join(str(p) for p in _place(error))
    if error["type"] == "extra_forbidden":
        known = nearest(str(error["loc"][-1]), _fields_at(error["loc"][:-1], root))
        text = f"{where}: unknown {setting}; {known}"
    elif error["type"] in ("missing", "union_tag_not_found"):
        text = f"{where}: this {setting} is required"
    elif error["type"] == "union_tag_invalid":
        text = f"{where}: {error['ctx']['tag']!r} is not one of {error['ctx']['expected_tags']}"
    elif error["type"] == "value_error":  # our own validators: the message says it all
        reason = str(error["ctx"]["error"])
        text = f"{where}: {reason}" if where else reason
    else:
        given = _shown(error.get("input"))
        text = f"{where}: {error['msg']} (given: {given if len(given) < 60 else given[:57] + '...'})"
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _shown(value: Any) -> str:
    try:
        return repr(value)
    except RecursionError:  # lists in lists, read with just enough room
        return f"a {type(value).__name__}"


def _children(node: Any) -> list[Any]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _doubled(node: Any, path: Loc = ()) -> list[Loc]:
    """Paths of keys given twice in one mapping, which YAML would silently resolve to the last."""
    found: list[Loc] = []
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                found.append((*path, name))
            seen.add(name)
            found += _doubled(value, (*path, name))
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            found += _doubled(value, (*path, i))
    return found


def _fields_at(loc: Loc, root: type[BaseModel]) -> list[str]:
    """Names of the fields allowed at ``loc``, found by walking the record types."""
    kinds: list[type[BaseModel]] = [root]
    for part in loc:
        deeper: list[type[BaseModel]] = []
        for kind in kinds:
            if part in kind.model_fields:
                deeper += _records_in(kind.model_fields[part].annotation)
        kinds = deeper or kinds
    return sorted({name for kind in kinds for name in kind.model_fields})


def _records_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [r for a in getattr(annotation, "__args__", ()) for r in _records_in(a)]

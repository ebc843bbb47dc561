"""Strict YAML parser: a subset of YAML, validated against a pydantic model, with errors at file:line:column.

Anchors and duplicate keys are errors. Only true and false are booleans. Dates and times stay text.
"""

import contextlib
import re
from collections.abc import Iterator
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from builder.records import Issue, KhabarError

M = TypeVar("M", bound=BaseModel)


Loc = tuple[str | int, ...]

Faults = list[tuple[Any, str]]  # Any: PyYAML has two types of marks, with and without libyaml

MAX_BYTES = 1_000_000

MAX_DEPTH = 20

FAST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The loader of files without errors. PyYAML's own places the errors of others, so that they are the same everywhere."""


def _scalar(value: str) -> Any:
    """Convert an unquoted scalar to a boolean, None, a number or text."""
    if value in {"true", "false"}:
        return value == "true"
    if value in {"", "~", "null"}:
        return None
    if re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", value):
        return int(value)
    if re.fullmatch(r"-?[0-9]+\.[0-9]+", value):
        return float(value)
    return value


def _build(node: yaml.Node, path: Loc, marks: dict[Loc, yaml.Mark], faults: Faults) -> Any:
    """Convert a YAML node to Python values, and record the mark of each value and the duplicate keys."""
    marks.setdefault(path, node.start_mark)
    if isinstance(node, yaml.ScalarNode):
        return node.value if node.style else _scalar(node.value)
    if isinstance(node, yaml.SequenceNode):
        return [_build(child, (*path, i), marks, faults) for i, child in enumerate(node.value)]
    seen: dict[str, yaml.Mark] = {}
    mapping: dict[str, Any] = {}
    assert isinstance(node, yaml.MappingNode)  # noqa: S101 - the three node types of PyYAML
    for key, child in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else str(key.start_mark)
        if name in seen:
            first = seen[name]
            faults.append((key.start_mark, f"duplicate key {name!r}, first defined at line {first.line + 1}"))
            continue
        seen[name] = key.start_mark
        mapping[name] = _build(child, (*path, name), marks, faults)
        if isinstance(child, yaml.ScalarNode):
            continue
        marks[(*path, name)] = key.start_mark
    for name, mark in seen.items():
        marks[(*path, name, "key")] = mark
    return mapping


def _place(path: Loc, error_type: str, marks: dict[Loc, yaml.Mark]) -> yaml.Mark:
    """Return the mark of the value at a path, or of its nearest parent that has one."""
    if error_type == "extra_forbidden" and (*path, "key") in marks:
        return marks[(*path, "key")]
    while path not in marks:
        path = path[:-1]
    return marks[path]


def _known_fields(model: type[BaseModel], path: Loc) -> str:
    """Return the names of the fields allowed beside the field at a path."""
    current: Any = model
    for step in path[:-1]:
        field = current.model_fields.get(step) if isinstance(step, str) and hasattr(current, "model_fields") else None
        if field is None:  # an item of a list, or a key of a mapping
            continue
        inner = list(_models_in(field.annotation))
        if not inner:
            return ""
        current = inner[0]
    return ", ".join(current.model_fields)


def _models_in(hint: Any) -> Iterator[type[BaseModel]]:
    """Yield the models that a type hint contains."""
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        yield hint
    for inner in getattr(hint, "__args__", ()):
        yield from _models_in(inner)


def _issue(name: str, mark: yaml.Mark | None, message: str) -> Issue:
    where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
    return Issue("error", "schema", message, where=where, fix=f"correct {name}")


def _forbidden(text: str, loader: Any) -> Iterator[tuple[Any, str]]:
    """Yield the forbidden constructs of a text, before any value is built from it."""
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            yield event.start_mark, "anchors and aliases are not allowed here; write the value out"
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            yield event.start_mark, f"nested deeper than {MAX_DEPTH} levels"
            return


def _load(text: str, name: str, loader: Any = yaml.SafeLoader) -> tuple[dict[str, Any], dict[Loc, yaml.Mark]]:
    """Parse a text into a mapping and the mark of each value; raise KhabarError if it is not strict YAML."""
    faults: Faults = []
    marks: dict[Loc, yaml.Mark] = {}
    data: Any = None
    try:
        faults.extend(_forbidden(text, loader))
        node = None if faults else yaml.compose(text, Loader=loader)
        data = _build(node, (), marks, faults) if node is not None else None
    except yaml.MarkedYAMLError as error:
        problem = " ".join(filter(None, (error.context, error.problem)))
        raise KhabarError(_issue(name, error.problem_mark, f"not YAML: {problem}")) from None
    except yaml.YAMLError as error:
        raise KhabarError(
            _issue(name, None, f"not YAML: {type(error).__name__}: {str(error).splitlines()[0]}")
        ) from None
    if faults:
        raise KhabarError(*(_issue(name, mark, message) for mark, message in faults))
    if not isinstance(data, dict):
        raise KhabarError(_issue(name, None, "the file must hold a mapping of fields"))
    return data, marks


def parse_yaml(text: str, model: type[M], name: str) -> M:
    """Parse YAML text into a model; `name` is the file name used in messages.

    Raises KhabarError (exit code 2) with every error at file:line:column.
    """
    if len(text.encode()) > MAX_BYTES:
        raise KhabarError(_issue(name, None, f"the file is larger than {MAX_BYTES:,} bytes"))
    with contextlib.suppress(KhabarError, ValidationError):
        return model.model_validate(_load(text, name, FAST)[0])
    data, marks = _load(text, name)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        issues: list[Issue] = []
        details = error.errors(include_url=False, include_input=False)
        for detail in details:
            path: Loc = tuple(detail["loc"])
            if detail["type"] == "too_short" and any(d["loc"][: len(path)] == path != d["loc"] for d in details):
                continue  # pydantic counts only valid items, so the error is in an item, not in their number
            message = f"{'.'.join(map(str, path)) or 'file'}: {detail['msg'].removeprefix('Value error, ')}"
            if detail["type"] == "extra_forbidden":
                message = f"unknown field {path[-1]!r}; known fields: {_known_fields(model, path)}"
            issues.append(_issue(name, _place(path, detail["type"], marks), message))
        raise KhabarError(*issues) from None

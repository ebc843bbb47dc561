"""YAML as khabar reads it: a strict subset, checked against a model, each fault at its place.

No anchors, no duplicate keys; only true and false are booleans; dates and times stay text.
Does not know what the files mean: that is builder.schema.
"""

import re
from collections.abc import Iterator
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from builder.records import Issue, KhabarError

M = TypeVar("M", bound=BaseModel)


Loc = tuple[str | int, ...]

Faults = list[tuple[Any, str]]  # marks come in two flavours, with and without libyaml

MAX_BYTES = 1_000_000

MAX_DEPTH = 20


def _scalar(value: str) -> Any:
    if value in {"true", "false"}:
        return value == "true"
    if value in {"", "~", "null"}:
        return None
    if re.fullmatch(r"-?(0|[1-9]\d{0,17})", value):
        return int(value)
    if re.fullmatch(r"-?\d+\.\d+", value):
        return float(value)
    return value


def _build(node: yaml.Node, path: Loc, marks: dict[Loc, yaml.Mark], faults: Faults) -> Any:
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
            faults.append((key.start_mark, f"key {name!r} given twice, first at line {first.line + 1}"))
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
    if error_type == "extra_forbidden" and (*path, "key") in marks:
        return marks[(*path, "key")]
    while path not in marks:
        path = path[:-1]
    return marks[path]


def _known_fields(model: type[BaseModel], path: Loc) -> str:
    current: Any = model
    for step in path[:-1]:
        if isinstance(step, int):
            continue
        found = current.model_fields.get(step) if hasattr(current, "model_fields") else None
        inner = list(_models_in(found.annotation)) if found else []
        if not inner:
            return ""
        current = inner[0]
    return ", ".join(current.model_fields)


def _models_in(hint: Any) -> Iterator[type[BaseModel]]:
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        yield hint
    for inner in getattr(hint, "__args__", ()):
        yield from _models_in(inner)


def _issue(name: str, mark: yaml.Mark | None, message: str) -> Issue:
    where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
    return Issue("error", "schema", message, where=where, fix=f"mend {name}")


def _forbidden(text: str) -> Iterator[tuple[Any, str]]:
    """What a schema file must not hold, found before anything is built of it."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            yield event.start_mark, "anchors and aliases are not allowed here; write the value out"
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            yield event.start_mark, f"nested deeper than {MAX_DEPTH} levels"
            return


def _load(text: str, name: str) -> tuple[dict[str, Any], dict[Loc, yaml.Mark]]:
    faults: Faults = []
    marks: dict[Loc, yaml.Mark] = {}
    data: Any = None
    try:
        faults.extend(_forbidden(text))
        node = None if faults else yaml.compose(text, Loader=yaml.SafeLoader)
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
    """Parse YAML text into a model; `name` stands in messages.

    Raises Refused (exit code 2) with every fault at file:line:column.
    """
    if len(text.encode()) > MAX_BYTES:
        raise KhabarError(_issue(name, None, f"the file is larger than {MAX_BYTES:,} bytes"))
    data, marks = _load(text, name)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        found: list[Issue] = []
        details = error.errors(include_url=False, include_input=False)
        for detail in details:
            path: Loc = tuple(detail["loc"])
            if detail["type"] == "too_short" and any(d["loc"][: len(path)] == path != d["loc"] for d in details):
                continue  # pydantic counts only valid items: the fault is in the item, not in their number
            message = f"{'.'.join(map(str, path)) or 'file'}: {detail['msg'].removeprefix('Value error, ')}"
            if detail["type"] == "extra_forbidden":
                message = f"unknown field {path[-1]!r}; known here: {_known_fields(model, path)}"
            found.append(_issue(name, _place(path, detail["type"], marks), message))
        raise KhabarError(*found) from None

"""Flat exports of Label Studio: JSON-MIN, CSV and TSV, which have one record for each annotation.

A record holds the fields of the task, and the answers of one annotation under the names of their controls. It becomes a
task with that annotation. Relations, skipped tasks and drafts are in no flat export. The module is pure.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

from builder.records import user_error

OWN = ("id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time")
"""Fields of a record that Label Studio adds."""

STANCE = ("stance_", "stance-")
"""Beginnings of the names of controls that ask for a stance."""

REMARK = "remark"
"""The control for remarks. Any other text is a field of the task, as no record says what it is."""

FIX = "in Label Studio choose Export, then JSON; JSON-MIN and CSV are read too, and hold less"

MAX_CELL = 100_000_000


def is_flat(record: object) -> bool:
    """Return whether a value is a record of a flat export: it names an annotator or an annotation, or holds spans.

    >>> is_flat({"id": 1, "text": "خبر", "annotator": 2})
    True
    """
    if not isinstance(record, dict) or "data" in record or "annotations" in record:
        return False
    return "annotator" in record or "annotation_id" in record or any(map(_is_spans, record.values()))


def flat_task(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record of a flat export as a task with one annotation.

    Where the export names no annotation, the number of the task is that of the annotation.
    """
    data = {name: value for name, value in record.items() if name not in OWN[1:] and not _is_answer(name, value)}
    annotation = {
        "id": _number(record.get("annotation_id") or record.get("id")),
        "completed_by": _person(record.get("annotator")),
        "lead_time": _seconds(record.get("lead_time")),
        "created_at": str(record.get("created_at") or ""),
        "updated_at": str(record.get("updated_at") or ""),
        "result": [result for name, value in record.items() if name not in OWN for result in _results(name, value)],
    }
    return {"id": _number(record.get("id")), "data": data, "annotations": [annotation]}


def read_table(name: str, text: str) -> Iterator[dict[str, Any]]:
    """Yield the records of a CSV or TSV export; raises KhabarError (exit code 2) where the text is not such a table."""
    header = text[: text.find("\n") + 1]
    csv.field_size_limit(MAX_CELL)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter="\t" if "\t" in header else ",", strict=True)
    try:
        if not {"annotator", "annotation_id"} & {*(rows.fieldnames or ())}:
            raise user_error("export", "neither JSON nor a table with the column `annotator`", where=name, fix=FIX)
        for row in rows:
            if None in row or None in row.values():
                message = f"the row has not the {len(rows.fieldnames or ())} cells of the header"
                raise user_error("export", message, where=f"{name}:{rows.line_num}", fix=FIX)
            yield {column: _cell(value) for column, value in row.items()}
    except csv.Error as error:
        raise user_error("export", f"not a table: {error}", where=f"{name}:{rows.line_num}", fix=FIX) from None


def _cell(value: str) -> object:
    """Return the answers that a cell holds as JSON, else the cell."""
    if value[:1] not in ("[", "{"):
        return value
    try:
        plain = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return plain if _is_spans(plain) or _is_choices(plain) else value


def _is_spans(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) and "start" in one for one in value)


def _is_choices(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("choices"), list)


def _is_answer(name: str, value: object) -> bool:
    return (
        _is_spans(value)
        or _is_choices(value)
        or ((name.startswith(STANCE) or name == REMARK) and isinstance(value, str))
    )


def _results(name: str, value: Any) -> Iterator[dict[str, Any]]:
    """Yield the answers of one control as Label Studio's JSON has them."""
    if _is_spans(value):
        for span in value:
            kind = "hypertextlabels" if "hypertextlabels" in span else "labels"
            if kind in span:  # others are regions of another kind, such as choices for a part of the text
                yield {"type": kind, "from_name": name, "value": span}
    elif _is_choices(value):
        yield {"type": "choices", "from_name": name, "value": value}
    elif name == REMARK and value:
        yield {"type": "textarea", "from_name": name, "value": {"text": value}}
    elif _is_answer(name, value) and value:
        yield {"type": "choices", "from_name": name, "value": {"choices": [value]}}


def _number(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19 else value


def _person(value: object) -> object:
    """Return an annotator as `completed_by` has it: a number, or an object with an e-mail."""
    number = _number(value)
    return {"email": number} if isinstance(number, str) else number


def _seconds(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, str | int | float) else None
    except (ValueError, OverflowError):
        return None

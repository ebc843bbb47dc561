"""Annotations that no annotator can have given: answers that labels.yaml does not allow, and times that are none."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.io.parquet import whole
from builder.release.verification.content import Content
from builder.release.verification.result import Mismatch
from builder.release.verification.spans import numbers, owners, rows_of
from builder.schema.labels import Labels


def annotation_values(content: Content) -> Iterator[Mismatch]:
    """Yield the annotations that were not submitted, took no time that there is, or answer what nobody asked."""
    labels = content.basis.labels if content.basis else None
    for split, table in content.tables["annotations"].items():
        yield _wrong(
            split, "status", "`submitted`", np.asarray(pc.not_equal(table["status"], "submitted")).astype(bool)
        )
        seconds = np.asarray(pc.fill_null(whole(table["seconds"]), 0.0))
        yield _wrong(split, "seconds", "a number of seconds", ~(np.isfinite(seconds) & (seconds >= 0)))
        if "stances" in table.column_names:
            yield from _stances(split, whole(table["stances"]), len(content.names.values or ()), labels)
        if "answers" in table.column_names and labels:
            yield from _answers(split, whole(table["answers"]), labels)


def _stances(split: str, lists: pa.Array, values: int, labels: Labels | None) -> Iterator[Mismatch]:
    """Yield the annotations with a value, a target or two values of one target that no page offers."""
    given = lists.flatten()
    value, target = numbers(pc.struct_field(given, "value")), pc.struct_field(given, "target")
    yield _wrong(split, "stances.value", "a stance", rows_of(lists, (value < 0) | (value >= values)))
    if labels:
        known = np.asarray(pc.is_in(target, pa.array(labels.target_ids, pa.string()))).astype(bool)
        yield _wrong(split, "stances.target", "a target of labels.yaml", rows_of(lists, ~known))
    yield _wrong(split, "stances.target", "named once", _repeated(lists, target))


def _answers(split: str, lists: pa.Array, labels: Labels) -> Iterator[Mismatch]:
    """Yield the annotations with an answer that no question allows, or with two where one is allowed."""
    given = lists.flatten()
    question, value = pc.struct_field(given, "question"), pc.struct_field(given, "value")
    allowed = pa.array([f"{one.id}\t{name}" for one in labels.questions for name in one.value_names], pa.string())
    pairs = pc.binary_join_element_wise(question, value, "\t")
    unasked = ~np.asarray(pc.is_in(pairs, allowed)).astype(bool)
    yield _wrong(split, "answers.value", "an answer of labels.yaml", rows_of(lists, unasked))
    several = pa.array([one.id for one in labels.questions if one.answers == "several"], pa.string())
    keys = pc.if_else(pc.is_in(question, several), pairs, question)
    yield _wrong(split, "answers.question", "answered once", _repeated(lists, keys))


def _repeated(lists: pa.Array, keys: pa.Array) -> NDArray[np.bool_]:
    """Return the rows in which a key of the items stands twice."""
    names = keys.dictionary_encode()
    width = len(names.dictionary) + 1
    _, counts = np.unique(owners(lists) * width + np.asarray(names.indices.fill_null(width - 1)), return_inverse=True)
    return rows_of(lists, np.bincount(counts, minlength=1)[counts] > 1)


def _wrong(split: str, column: str, wanted: str, rows: NDArray[np.bool_]) -> Mismatch:
    return Mismatch("annotations", split, column, wanted, np.flatnonzero(rows))

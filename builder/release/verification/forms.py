"""Values that no annotator and no build can have given, whatever they say.

Nothing else in a release confirms these values, but their form keeps paths, persons and commands out of them. Each
function yields the rows in which a column has another form.
"""

from collections.abc import Collection, Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.io.lists import numbers, owners
from builder.io.parquet import whole
from builder.release.redaction.pii import Kind, find_pii
from builder.release.tables.configs.annotations import PERSONAL
from builder.release.verification.columns import batches, tables
from builder.release.verification.content import Content
from builder.release.verification.result import Mismatch, Rows
from builder.release.verification.spans import rows_of
from builder.schema.labels import Labels

FORMS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "annotations": {
        "annotator": (r"a-[0-9a-f]{1,10}", "a pseudonym"),
        "batch": (r"[a-z0-9][a-z0-9_-]{0,30}", "the name of a batch"),
        "guideline": (r"\PC*", "a version"),
        "schema": (r"\PC*", "a version"),
    },
    "articles": {
        "document_id": (r"[0-9a-f]{16}", "16 hexadecimal digits"),
        "profile": (r"as-published|[a-z][a-z0-9-]{0,29}@[1-9][0-9]{0,3}\+[0-9a-f]{8}", "the name of a profile"),
        "published_zone": (r"[+-](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?", "an offset from UTC"),
    },
}  # fmt: skip
"""The pattern of each column of text by config, and its name in messages."""

TEXTS: Mapping[str, tuple[str, ...]] = {"articles": ("text", "title", "author"), "annotations": ("remark",)}
"""The columns that redaction reaches, by config; those of other configs are copies."""


def forms(content: Content) -> Iterator[Mismatch]:
    """Yield the rows in which a column has another form than every build gives it.

    Releases of other versions of khabar may have other forms.
    """
    yield from annotation_values(content)
    if not content.is_current:
        return
    for one in tables(content):
        for name, (pattern, wanted) in FORMS.get(one.config, {}).items():
            fits = pc.match_substring_regex(one.table[name], rf"\A(?:{pattern})\z")
            yield _unfit(one.config, one.split, name, wanted, fits)
    yield from _raw_places(content)
    yield from _group_names(content)
    yield from _persons(content)


def _unfit(config: str, split: str, name: str, wanted: str, fits: pa.ChunkedArray) -> Mismatch:
    """Return the rows of a column that is false; null is a matter of `nulls`."""
    rows = np.flatnonzero(~np.asarray(pc.fill_null(fits, fill_value=True)).astype(bool))
    return Mismatch(config, split, name, wanted, rows)


def _raw_places(content: Content) -> Iterator[Mismatch]:
    """Yield the spans whose place in the raw page is none."""
    for split, table in content.tables["entities"].items():
        lists = whole(table["spans"])
        start, end = (numbers(pc.struct_field(lists.flatten(), name)) for name in ("raw_start", "raw_end"))
        wrong = (start < 0) | (start >= end)
        yield Mismatch(
            "entities", split, "spans.raw_start", "a place before `raw_end`", np.flatnonzero(rows_of(lists, wrong))
        )


def _group_names(content: Content) -> Iterator[Mismatch]:
    """Yield the articles whose split group is not named after the first article that is in it."""
    articles = content.articles()
    named = articles.filter(pc.equal(articles["split_group"], articles["id"]))["id"]
    for split, table in content.tables["articles"].items():
        first = pc.and_(pc.is_in(table["split_group"], whole(named)), pc.less_equal(table["split_group"], table["id"]))
        yield _unfit("articles", split, "split_group", "the first article of its group", first)


def _persons(content: Content) -> Iterator[Mismatch]:
    """Yield the rows that hold what was to be redacted: in remarks always e-mails and telephone numbers."""
    asked = set(content.basis.dataset.redact) if content.basis else set()
    for config, names in TEXTS.items():
        for split, table in content.tables[config].items():
            for name in names:
                kinds = asked | {*PERSONAL} if name == "remark" else asked
                if kinds and name in table.column_names:
                    yield Mismatch(config, split, name, "without what is redacted", _found(table.select([name]), kinds))


def _found(table: pa.Table, kinds: Collection[Kind]) -> Rows:
    """Return the rows of a table of one column that hold personal data of these kinds."""
    rows = [
        low + number
        for low, batch in batches(table)
        for number, value in enumerate(batch.column(0).to_pylist())
        if value and find_pii(value, kinds)
    ]
    return np.array(rows, np.int64)


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

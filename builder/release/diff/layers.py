"""Changed texts, fields, spans, stances and annotations in one config of two releases.

Only differing rows become Python values; the others are counted as Arrow arrays.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields
from datetime import datetime
from operator import attrgetter
from typing import Any, Literal, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.io.hashing import sha16
from builder.release.diff.records import (
    FieldChange,
    JudgementChange,
    Kind,
    LabelTally,
    SpanChange,
    StanceChange,
    TextChange,
)
from builder.release.diff.rows import Joined, Mask, taken
from builder.release.diff.spans import AlignedMention, Mention, Pair, pair_spans
from builder.release.tables.features import Json, RowIndices, class_names

FIELDS = ("title", "source", "source_name", "author", "url", "published_at", "published_zone")

EDGES = ("spans.start", "spans.end", "spans.label")

WORDS = 40
"""Length in code points of the excerpt of a changed text."""

BEFORE = 12
"""Code points of the excerpt before the first difference."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Access to one config of a release: a function that reads a column (None if it is missing), and the features."""

    column: Callable[[str], pa.ChunkedArray | None]
    features: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class ConfigPair:
    """One config of both releases: the joined rows, and for each column the mask of those that differ."""

    config: str
    joined: Joined
    masks: Mapping[str, Mask]
    old: Reader
    new: Reader


@dataclass(slots=True)
class Changes:
    """The changes collected so far; `shared` holds the articles of both releases."""

    shared: AbstractSet[str]
    texts: dict[str, TextChange] = field(default_factory=dict)
    fields: dict[tuple[str, str], FieldChange] = field(default_factory=dict)
    spans: list[SpanChange] = field(default_factory=list)
    stances: list[StanceChange] = field(default_factory=list)
    judgements: list[JudgementChange] = field(default_factory=list)
    labels: list[LabelTally] = field(default_factory=list)

    def named(self) -> set[str]:
        """Return the ids of the articles with a change."""
        changes: list[SpanChange | StanceChange | JudgementChange]
        changes = [*self.spans, *self.stances, *self.judgements]
        return {*self.texts, *(article for article, _ in self.fields), *(change.article_id for change in changes)}


def collect_changes(part: ConfigPair, changes: Changes) -> None:
    """Add the changes of one config to `changes`."""
    _texts(part, changes)
    _fields(part, changes)
    if part.config == "entities":
        _spans(part, changes)
    elif part.config == "stance":
        _stances(part, changes)
    elif part.config == "annotations":
        _judgements(part, changes)


def _values(reader: Reader, name: str, rows: RowIndices) -> list[Any]:
    """Return the values of a column in these rows, all None if the column is missing."""
    column = reader.column(name) if len(rows) else None
    return [None] * len(rows) if column is None else taken(column, rows).to_pylist()


def _articles(reader: Reader, rows: RowIndices) -> list[str]:
    name = "article_id" if "article_id" in reader.features else "id"
    return [str(article) for article in _values(reader, name, rows)]


@dataclass(frozen=True, slots=True)
class _ValuePair:
    """The old and the new value of a column in a row of an article."""

    article: str
    old: Any
    new: Any


def _both(part: ConfigPair, name: str, mask: Mask) -> list[_ValuePair]:
    """Return the values of a column for each row in a mask."""
    old, new = part.joined.old[mask], part.joined.new[mask]
    values = _values(part.old, name, old), _values(part.new, name, new)
    return [_ValuePair(*row) for row in zip(_articles(part.new, new), *values, strict=True)]


def _texts(part: ConfigPair, changes: Changes) -> None:
    name = "text" if "text" in part.masks else "text_sha"
    if name in part.masks and part.masks[name].any():
        for row in _both(part, name, part.masks[name]):
            if row.article not in changes.texts:
                changed = _text_change if name == "text" else TextChange
                changes.texts[row.article] = changed(row.article, row.old or "", row.new or "")


def _text_change(article: str, old: str, new: str) -> TextChange:
    at = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    start = max(0, at - BEFORE)
    return TextChange(article, sha16(old), sha16(new), at, len(old), len(new),
                      old[start : start + WORDS], new[start : start + WORDS])  # fmt: skip


def _fields(part: ConfigPair, changes: Changes) -> None:
    for name in FIELDS:
        if part.config != "annotations" and name in part.masks and part.masks[name].any():
            for row in _both(part, name, part.masks[name]):
                change = FieldChange(row.article, name, _plain(row.old), _plain(row.new))
                changes.fields.setdefault((row.article, name), change)


def _plain(value: object) -> str | None:
    return value.isoformat() if isinstance(value, datetime) else None if value is None else str(value)


def _comparable(part: ConfigPair, names: Sequence[str]) -> bool:
    """Return whether both releases have these columns with the same type, or one of them lacks this config."""
    return not (part.old.features and part.new.features) or all(name in part.masks for name in names)


def _spans(part: ConfigPair, changes: Changes) -> None:
    if not _comparable(part, EDGES):
        return
    touched = np.zeros(len(part.joined.old), dtype=bool)
    for name in EDGES:
        touched |= part.masks.get(name, touched)
    pairs: list[Pair] = []
    names = _span_names(part.old), _span_names(part.new)
    for row in sorted(_both(part, "spans", touched), key=lambda row: row.article):
        are_raw = all(span.get("raw_start") is not None for span in (*row.old, *row.new))
        by_raw = are_raw and row.article in changes.texts
        paired = pair_spans(_placed(row.old, names[0], by_raw=by_raw), _placed(row.new, names[1], by_raw=by_raw))
        changes.spans += [SpanChange(row.article, p.kind, p.old, p.new) for p in paired if p.kind != "kept"]
        pairs += paired
    unchanged = part.joined.old[~touched]
    kept = _span_labels(part.old, unchanged) + Counter(p.old.label for p in pairs if p.kind == "kept" and p.old)
    changes.labels += _tally("spans", {
        "before": _span_labels(part.old), "after": _span_labels(part.new), "kept": kept,
        "moved": _of(pairs, "moved", 0), "relabelled_from": _of(pairs, "relabelled", 0),
        "relabelled_to": _of(pairs, "relabelled", 1), "removed": _of(pairs, "removed", 0),
        "added": _of(pairs, "added", 1), "went": _span_labels(part.old, part.joined.removed),
        "came": _span_labels(part.new, part.joined.added),
    })  # fmt: skip


def _of(pairs: Sequence[Pair], kind: str, side: int) -> Counter[str]:
    mentions = ((pair.old, pair.new)[side] for pair in pairs if pair.kind == kind)
    return Counter(mention.label for mention in mentions if mention)


def _span_names(reader: Reader) -> list[str]:
    spans = reader.features.get("spans")
    span = spans[0] if isinstance(spans, list) else None
    return class_names(span.get("label")) if isinstance(span, dict) else []


def _placed(spans: Sequence[Mapping[str, Any]], names: Sequence[str], *, by_raw: bool) -> list[AlignedMention]:
    start, end = ("raw_start", "raw_end") if by_raw else ("start", "end")
    return [
        AlignedMention(span[start], span[end],
               Mention(span["start"], span["end"], _name(span["label"], names), span.get("text") or ""))
        for span in spans
    ]  # fmt: skip


def _name(number: object, names: Sequence[str]) -> str:
    known = isinstance(number, int) and 0 <= number < len(names)
    return names[cast(int, number)] if known else "" if number is None else str(number)


def _span_labels(reader: Reader, rows: RowIndices | None = None) -> Counter[str]:
    """Count the labels of all spans, or of the spans in some rows, as Arrow arrays."""
    column = reader.column("spans")
    if column is None:
        return Counter()
    chosen = column if rows is None else taken(column, rows)
    counts: Counter[str] = Counter()
    names = _span_names(reader)
    for chunk in chosen.chunks:
        for entry in pc.value_counts(pc.struct_field(chunk.flatten(), "label")).to_pylist():
            counts[_name(entry["values"], names)] += entry["counts"]
    return counts


def _stances(part: ConfigPair, changes: Changes) -> None:
    if not _comparable(part, ("article_id", "target", "stance")):
        return
    old, new, joined = _answers(part.old), _answers(part.new), part.joined
    changed = [
        (old[i], new[j]) for i, j in zip(joined.old, joined.new, strict=True) if _answer(old[i]) != _answer(new[j])
    ]
    removed, added = [old[i] for i in joined.removed], [new[j] for j in joined.added]
    changes.stances += sorted(
        [
            *(StanceChange(b.article, b.target, "changed", a.stance, b.stance) for a, b in changed),
            *(
                StanceChange(a.article, a.target, "removed", a.stance, "")
                for a in removed
                if a.article in changes.shared
            ),
            *(StanceChange(b.article, b.target, "added", "", b.stance) for b in added if b.article in changes.shared),
        ],
        key=attrgetter("article_id", "target", "kind", "old", "new"),
    )
    before, changed_from = Counter(map(_answer, old)), Counter(_answer(a) for a, _ in changed)
    # True collects the answers of articles that both releases hold, False those of whole removed or added articles.
    removed_answers = defaultdict[bool, list[str]](list)
    added_answers = defaultdict[bool, list[str]](list)
    for row in removed:
        removed_answers[row.article in changes.shared].append(_answer(row))
    for row in added:
        added_answers[row.article in changes.shared].append(_answer(row))
    changes.labels += _tally("stance", {
        "before": before, "after": Counter(map(_answer, new)),
        "kept": before - changed_from - Counter(removed_answers[True]) - Counter(removed_answers[False]),
        "relabelled_from": changed_from, "relabelled_to": Counter(_answer(b) for _, b in changed),
        "removed": Counter(removed_answers[True]), "added": Counter(added_answers[True]),
        "went": Counter(removed_answers[False]), "came": Counter(added_answers[False]),
    })  # fmt: skip


@dataclass(frozen=True, slots=True)
class _StanceRow:
    """The article, the target and the answer of a row."""

    article: str
    target: str
    stance: str


def _answer(row: _StanceRow) -> str:
    return f"{row.target} {row.stance}"


def _answers(reader: Reader) -> list[_StanceRow]:
    """Return the answer of every row."""
    names = class_names(reader.features.get("stance"))
    columns = [reader.column(name) for name in ("article_id", "target", "stance")]
    articles, targets, numbers = (column.to_pylist() if column is not None else [] for column in columns)
    return [_StanceRow(str(a), str(t), _name(n, names)) for a, t, n in zip(articles, targets, numbers, strict=True)]


def _tally(layer: Literal["spans", "stance"], counts: Mapping[str, Counter[str]]) -> list[LabelTally]:
    numbers = [field.name for field in fields(LabelTally) if field.name not in ("layer", "label")]
    labels = sorted({*counts["before"], *counts["after"]})
    return [
        LabelTally(layer, label, *(counts[name][label] if name in counts else 0 for name in numbers))
        for label in labels
    ]


def _judgements(part: ConfigPair, changes: Changes) -> None:
    changed = np.zeros(len(part.joined.old), dtype=bool)
    for mask in part.masks.values():
        changed |= mask
    columns = [tuple(name for name, mask in part.masks.items() if mask[row]) for row in np.flatnonzero(changed)]
    sides: list[tuple[Kind, Reader, RowIndices]] = [
        ("changed", part.new, part.joined.new[changed]),
        ("removed", part.old, part.joined.removed),
        ("added", part.new, part.joined.added),
    ]
    for kind, reader, indices in sides:
        rows = zip(*(_values(reader, name, indices) for name in ("article_id", "annotator", "batch")), strict=True)
        for number, (article, annotator, batch) in enumerate(rows):
            if article in changes.shared:
                names = columns[number] if kind == "changed" else ()
                changes.judgements.append(JudgementChange(str(article), str(annotator), str(batch), kind, names))
    changes.judgements.sort(key=attrgetter("article_id", "annotator", "batch", "kind", "columns"))

"""Of one config of two releases: which texts, fields, spans, stances and judgements changed.

Looks at the rows that differ only, and counts the others without making Python values of them.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
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
from builder.release.diff.spans import Mention, Pair, Placed, pair_spans
from builder.release.tables.features import Json, Places, class_names

FIELDS = ("title", "source", "source_name", "author", "url", "published_at", "published_zone")

EDGES = ("spans.start", "spans.end", "spans.label")

WORDS = 40
"""Code points of a text that are shown from where it differs."""

BEFORE = 12
"""Of these, how many stand before that place."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads a column of one config of one release, or None where there is none; and the features of its columns."""

    column: Callable[[str], pa.ChunkedArray | None]
    features: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Part:
    """One config of both releases: the joined rows, and where they differ by column."""

    config: str
    joined: Joined
    masks: Mapping[str, Mask]
    old: Reader
    new: Reader


@dataclass(slots=True)
class Found:
    """What was found so far; `shared` are the articles that both releases hold."""

    shared: AbstractSet[str]
    texts: dict[str, TextChange] = field(default_factory=dict)
    fields: dict[tuple[str, str], FieldChange] = field(default_factory=dict)
    spans: list[SpanChange] = field(default_factory=list)
    stances: list[StanceChange] = field(default_factory=list)
    judgements: list[JudgementChange] = field(default_factory=list)
    labels: list[LabelTally] = field(default_factory=list)

    def named(self) -> set[str]:
        """The articles that something was found of."""
        changes: list[SpanChange | StanceChange | JudgementChange]
        changes = [*self.spans, *self.stances, *self.judgements]
        return {*self.texts, *(article for article, _ in self.fields), *(one.article_id for one in changes)}


def look(part: Part, found: Found) -> None:
    """Add to `found` what changed in one config."""
    _texts(part, found)
    _fields(part, found)
    if part.config == "entities":
        _spans(part, found)
    elif part.config == "stance":
        _stances(part, found)
    elif part.config == "annotations":
        _judgements(part, found)


def _values(reader: Reader, name: str, places: Places) -> list[Any]:
    """The values of a column at these rows; None where there is no such column."""
    column = reader.column(name) if len(places) else None
    return [None] * len(places) if column is None else taken(column, places).to_pylist()


def _articles(reader: Reader, places: Places) -> list[str]:
    name = "article_id" if "article_id" in reader.features else "id"
    return [str(one) for one in _values(reader, name, places)]


def _both(part: Part, name: str, mask: Mask) -> list[tuple[str, Any, Any]]:
    """Article, old and new value of a column, of the rows that a mask chooses."""
    old, new = part.joined.old[mask], part.joined.new[mask]
    values = _values(part.old, name, old), _values(part.new, name, new)
    return list(zip(_articles(part.new, new), *values, strict=True))


def _texts(part: Part, found: Found) -> None:
    name = "text" if "text" in part.masks else "text_sha"
    if name in part.masks and part.masks[name].any():
        for article, old, new in _both(part, name, part.masks[name]):
            if article not in found.texts:
                changed = _text_change if name == "text" else TextChange
                found.texts[article] = changed(article, old or "", new or "")


def _text_change(article: str, old: str, new: str) -> TextChange:
    at = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    start = max(0, at - BEFORE)
    return TextChange(article, sha16(old), sha16(new), at, len(old), len(new),
                      old[start : start + WORDS], new[start : start + WORDS])  # fmt: skip


def _fields(part: Part, found: Found) -> None:
    for name in FIELDS:
        if part.config != "annotations" and name in part.masks and part.masks[name].any():
            for article, old, new in _both(part, name, part.masks[name]):
                found.fields.setdefault((article, name), FieldChange(article, name, _plain(old), _plain(new)))


def _plain(value: object) -> str | None:
    return value.isoformat() if isinstance(value, datetime) else None if value is None else str(value)


def _comparable(part: Part, names: Sequence[str]) -> bool:
    """Whether both releases have these columns, or one has nothing of this config."""
    return not (part.old.features and part.new.features) or all(name in part.masks for name in names)


def _spans(part: Part, found: Found) -> None:
    if not _comparable(part, EDGES):
        return
    touched = np.zeros(len(part.joined.old), dtype=bool)
    for name in EDGES:
        touched |= part.masks.get(name, touched)
    pairs: list[Pair] = []
    names = _span_names(part.old), _span_names(part.new)
    for article, old, new in sorted(_both(part, "spans", touched), key=lambda row: row[0]):
        by_raw = article in found.texts and all(span.get("raw_start") is not None for span in (*old, *new))
        paired = pair_spans(_placed(old, names[0], by_raw=by_raw), _placed(new, names[1], by_raw=by_raw))
        found.spans += [SpanChange(article, p.kind, p.old, p.new) for p in paired if p.kind != "kept"]
        pairs += paired
    unchanged = part.joined.old[~touched]
    kept = _span_labels(part.old, unchanged) + Counter(p.old.label for p in pairs if p.kind == "kept" and p.old)
    found.labels += _tally("spans", {
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


def _placed(spans: Sequence[Mapping[str, Any]], names: Sequence[str], *, by_raw: bool) -> list[Placed]:
    places = ("raw_start", "raw_end") if by_raw else ("start", "end")
    return [
        Placed(span[places[0]], span[places[1]],
               Mention(span["start"], span["end"], _name(span["label"], names), span.get("text") or ""))
        for span in spans
    ]  # fmt: skip


def _name(number: object, names: Sequence[str]) -> str:
    known = isinstance(number, int) and 0 <= number < len(names)
    return names[cast(int, number)] if known else "" if number is None else str(number)


def _span_labels(reader: Reader, places: Places | None = None) -> Counter[str]:
    """The labels of all spans, or of those of some rows, counted without making values of them."""
    column = reader.column("spans")
    if column is None:
        return Counter()
    chosen = column if places is None else taken(column, places)
    counts: Counter[str] = Counter()
    names = _span_names(reader)
    for chunk in chosen.chunks:
        for one in pc.value_counts(pc.struct_field(chunk.flatten(), "label")).to_pylist():
            counts[_name(one["values"], names)] += one["counts"]
    return counts


def _stances(part: Part, found: Found) -> None:
    if not _comparable(part, ("article_id", "target", "stance")):
        return
    old, new = _answers(part.old), _answers(part.new)
    places = part.joined
    changed = [(old[i], new[j]) for i, j in zip(places.old, places.new, strict=True) if old[i][1:] != new[j][1:]]
    removed, added = [old[i] for i in places.removed], [new[j] for j in places.added]
    found.stances += sorted(
        [
            *(StanceChange(b[0], b[1], "changed", a[2], b[2]) for a, b in changed),
            *(StanceChange(a[0], a[1], "removed", a[2], "") for a in removed if a[0] in found.shared),
            *(StanceChange(b[0], b[1], "added", "", b[2]) for b in added if b[0] in found.shared),
        ],
        key=lambda one: (one.article_id, one.target, one.kind, one.old, one.new),
    )
    before, came_before = Counter(map(_answer, old)), Counter(_answer(a) for a, _ in changed)
    gone = defaultdict[bool, list[str]](list)
    come = defaultdict[bool, list[str]](list)
    for one in removed:
        gone[one[0] in found.shared].append(_answer(one))
    for one in added:
        come[one[0] in found.shared].append(_answer(one))
    found.labels += _tally("stance", {
        "before": before, "after": Counter(map(_answer, new)),
        "kept": before - came_before - Counter(gone[True]) - Counter(gone[False]),
        "relabelled_from": came_before, "relabelled_to": Counter(_answer(b) for _, b in changed),
        "removed": Counter(gone[True]), "added": Counter(come[True]),
        "went": Counter(gone[False]), "came": Counter(come[False]),
    })  # fmt: skip


def _answer(row: tuple[str, str, str]) -> str:
    return f"{row[1]} {row[2]}"


def _answers(reader: Reader) -> list[tuple[str, str, str]]:
    """Article, target and answer of every row."""
    names = class_names(reader.features.get("stance"))
    columns = [reader.column(name) for name in ("article_id", "target", "stance")]
    articles, targets, numbers = (column.to_pylist() if column is not None else [] for column in columns)
    return [(str(a), str(t), _name(n, names)) for a, t, n in zip(articles, targets, numbers, strict=True)]


def _tally(layer: Literal["spans", "stance"], counts: Mapping[str, Counter[str]]) -> list[LabelTally]:
    numbers = (
        "before",
        "after",
        "kept",
        "moved",
        "relabelled_from",
        "relabelled_to",
        "removed",
        "added",
        "went",
        "came",
    )
    labels = sorted({*counts["before"], *counts["after"]})
    return [
        LabelTally(layer, label, *(counts[name][label] if name in counts else 0 for name in numbers))
        for label in labels
    ]


def _judgements(part: Part, found: Found) -> None:
    changed = np.zeros(len(part.joined.old), dtype=bool)
    for mask in part.masks.values():
        changed |= mask
    columns = [tuple(name for name, mask in part.masks.items() if mask[place]) for place in np.flatnonzero(changed)]
    sides: list[tuple[Kind, Reader, Places]] = [
        ("changed", part.new, part.joined.new[changed]),
        ("removed", part.old, part.joined.removed),
        ("added", part.new, part.joined.added),
    ]
    for kind, reader, places in sides:
        rows = zip(*(_values(reader, name, places) for name in ("article_id", "annotator", "batch")), strict=True)
        for number, (article, annotator, batch) in enumerate(rows):
            if article in found.shared:
                where = columns[number] if kind == "changed" else ()
                found.judgements.append(JudgementChange(str(article), str(annotator), str(batch), kind, where))
    found.judgements.sort(key=lambda one: (one.article_id, one.annotator, one.batch, one.kind, one.columns))

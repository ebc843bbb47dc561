"""What changed between two releases, row by row and label by label.

Rows are joined by their ids and compared as Arrow; only those that differ become Python values. One column
of both releases is held at a time. Pure: `Side.read` gives a column, from wherever it is.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from builder.release.diff import layers
from builder.release.diff.layers import Found, Part
from builder.release.diff.records import About, CardChange, ColumnCount, Diff, FeatureChange, Place, Resplit, RowTally
from builder.release.diff.rows import Joined, Mask, differing, join, unique_keys
from builder.release.splits.strategies import SPLIT_NAMES
from builder.release.tables.build import Tables
from builder.release.tables.features import features_of, narrowed

FIRST = ("articles", "entities", "stance", "annotations")
"""The order of the configs: an article's text is looked at before its spans."""

JUDGED = ("article_id", "annotator", "batch")


@dataclass(frozen=True, slots=True)
class Side:
    """One release to compare: the rows of each config and split, and how to read a column, split after split."""

    about: About
    rows: Mapping[str, Mapping[str, int]]
    schemas: Mapping[str, pa.Schema]
    read: Callable[[str, str], pa.ChunkedArray]
    card: str = field(repr=False)


def side_of(about: About, tables: Tables, card: str) -> Side:
    """A release that is in memory."""

    def read(config: str, column: str) -> pa.ChunkedArray:
        return pa.chunked_array([chunk for table in tables[config].values() for chunk in table[column].chunks],
                                next(iter(tables[config].values())).schema.field(column).type)  # fmt: skip

    rows = {config: {split: table.num_rows for split, table in splits.items()} for config, splits in tables.items()}
    schemas = {config: next(iter(splits.values())).schema for config, splits in tables.items() if splits}
    return Side(about, rows, schemas, read, card)


def compare(old: Side, new: Side) -> Diff:
    """What changed from one release to the other; `compare(new, old)` says the same the other way round."""
    homes = _homes(old), _homes(new)
    found = Found(homes[0].keys() & homes[1].keys())
    rows: list[RowTally] = []
    features: list[FeatureChange] = []
    columns: list[ColumnCount] = []
    for config in sorted(old.rows.keys() | new.rows.keys(), key=lambda name: (name not in FIRST, _place(name), name)):
        features += _features(old, new, config)
        joined = join(_keys(old, config), _keys(new, config))
        masks = _masks(old, new, config, joined)
        columns += [ColumnCount(config, name, int(mask.sum())) for name, mask in masks.items() if mask.any()]
        rows += _tallies(old, new, config, joined, masks)
        layers.look(Part(config, joined, masks, _reader(old, config), _reader(new, config)), found)
    shared = sorted(found.shared)
    return Diff(
        old.about, new.about, tuple(rows), tuple(found.labels), tuple(features), tuple(columns),
        _card(old, new),
        tuple(Place(one, homes[1][one]) for one in sorted(homes[1].keys() - homes[0].keys())),
        tuple(Place(one, homes[0][one]) for one in sorted(homes[0].keys() - homes[1].keys())),
        tuple(Resplit(one, homes[0][one], homes[1][one]) for one in shared if homes[0][one] != homes[1][one]),
        tuple(found.texts[one] for one in sorted(found.texts)),
        tuple(found.fields[one] for one in sorted(found.fields)),
        tuple(found.spans), tuple(found.stances), tuple(found.judgements),
        _titles(new, found, homes),
    )  # fmt: skip


def _place(config: str) -> int:
    return FIRST.index(config) if config in FIRST else 0


def _reader(side: Side, config: str) -> layers.Reader:
    def read(column: str) -> pa.ChunkedArray | None:
        return side.read(config, column) if _has(side, config, column) else None

    return layers.Reader(read, features_of(side.schemas[config]) if config in side.schemas else {})


def _has(side: Side, config: str, column: str) -> bool:
    return config in side.schemas and column in side.schemas[config].names


def _keys(side: Side, config: str) -> pa.Array:
    """What a row is known by on both sides: its id, or who judged what; else its place."""
    for names in (("id",), JUDGED):
        if all(_has(side, config, name) for name in names):
            return unique_keys([side.read(config, name) for name in names])
    count = sum(side.rows.get(config, {}).values())
    return pa.array([str(number) for number in range(count)], pa.string())


def _homes(side: Side) -> dict[str, str]:
    """The split of each article of a release."""
    found: dict[str, str] = {}
    for config in sorted(side.rows, key=_place):
        column = next((name for name in ("article_id", "id") if _has(side, config, name)), None)
        if column:
            splits = (split for split, count in side.rows[config].items() for _ in range(count))
            for article, split in zip(side.read(config, column).to_pylist(), splits, strict=True):
                found.setdefault(str(article), split)
    return found


def _features(old: Side, new: Side, config: str) -> list[FeatureChange]:
    """Columns that are not the same on both sides; a config that only one side has is told by its rows."""
    if config not in old.schemas or config not in new.schemas:
        return []
    before, after = features_of(old.schemas[config]), features_of(new.schemas[config])
    return [
        FeatureChange(config, *change)
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name) or _kinds(old, new, config, name)
        for change in narrowed(name, before.get(name), after.get(name))
    ]


def _kinds(old: Side, new: Side, config: str, name: str) -> bool:
    return bool(old.schemas[config].field(name).type != new.schemas[config].field(name).type)


def _masks(old: Side, new: Side, config: str, joined: Joined) -> dict[str, Mask]:
    """Where the rows of both sides differ, by column, of those columns that can be compared."""
    found: dict[str, Mask] = {}
    if config in old.schemas and config in new.schemas:
        before, after = features_of(old.schemas[config]), features_of(new.schemas[config])
        for name in old.schemas[config].names:
            if name in after and not _kinds(old, new, config, name):
                # Not bound to names: the columns before these would be held while these are read.
                masks = differing(old.read(config, name), new.read(config, name), joined, (before[name], after[name]))
                found |= {name + leaf: mask for leaf, mask in masks.items()}
    return found


def _tallies(old: Side, new: Side, config: str, joined: Joined, masks: Mapping[str, Mask]) -> list[RowTally]:
    splits = sorted({*old.rows.get(config, {}), *new.rows.get(config, {})}, key=lambda name: (name not in SPLIT_NAMES, _split(name), name))  # fmt: skip
    homes = [
        np.repeat(
            [splits.index(split) for split in side.rows.get(config, {})], list(side.rows.get(config, {}).values())
        )
        for side in (old, new)
    ]
    before, after = homes[0][joined.old], homes[1][joined.new]
    changed = np.zeros(len(joined.old), dtype=bool)
    for mask in masks.values():
        changed |= mask
    stayed = before == after
    return [
        RowTally(
            config, split, int((homes[0] == number).sum()), int((homes[1] == number).sum()),
            int((stayed & ~changed & (before == number)).sum()), int((stayed & changed & (before == number)).sum()),
            int((~stayed & (before == number)).sum()), int((~stayed & (after == number)).sum()),
            int((homes[0][joined.removed] == number).sum()), int((homes[1][joined.added] == number).sum()),
        )
        for number, split in enumerate(splits)
    ]  # fmt: skip


def _split(name: str) -> int:
    return SPLIT_NAMES.index(name) if name in SPLIT_NAMES else 0


def _card(old: Side, new: Side) -> CardChange:
    before, after = (
        Counter(re.sub(rf"(?<![\d.]){re.escape(side.about.version)}(?![\d.])", "", side.card).splitlines())
        for side in (old, new)
    )
    return CardChange((before - after).total(), (after - before).total())


def _titles(new: Side, found: Found, homes: tuple[Mapping[str, str], Mapping[str, str]]) -> dict[str, str]:
    named = found.named() | (homes[1].keys() - homes[0].keys())
    named |= {one for one in found.shared if homes[0][one] != homes[1][one]}
    if not (named and _has(new, "articles", "id") and _has(new, "articles", "title")):
        return {}
    ids, titles = new.read("articles", "id").to_pylist(), new.read("articles", "title").to_pylist()
    known = {one: title for one, title in zip(ids, titles, strict=True) if one in named and title}
    return {one: str(known[one]) for one in sorted(known)}

"""Comparison of two releases by row and by label.

Rows are joined by id and compared as Arrow arrays, and only differing rows become Python values. At any time, memory
holds one column of both releases. `Side.read` reads a column from wherever the release is.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from builder.release.diff import layers
from builder.release.diff.layers import Changes, ConfigPair
from builder.release.diff.records import (
    ArticleSplit,
    CardChange,
    ColumnCount,
    Diff,
    FeatureChange,
    ReleaseId,
    RowTally,
    SplitChange,
)
from builder.release.diff.rows import Joined, Mask, differing, join, unique_keys
from builder.release.splits.strategies import SPLIT_NAMES
from builder.release.tables.build import Tables
from builder.release.tables.features import feature_changes, features_of

FIRST = ("articles", "entities", "stance", "annotations")
"""The order in which configs are compared: the texts of articles before their spans."""

JUDGED = ("article_id", "annotator", "batch")


@dataclass(frozen=True, slots=True)
class ReleaseView:
    """One release of a comparison: the rows of each config and split, the card, and a function that reads a column.

    A column is read in the order of the splits.
    """

    about: ReleaseId
    rows: Mapping[str, Mapping[str, int]]
    schemas: Mapping[str, pa.Schema]
    read: Callable[[str, str], pa.ChunkedArray]
    card: str = field(repr=False)


def side_of(about: ReleaseId, tables: Tables, card: str) -> ReleaseView:
    """Make a side of a comparison from a release in memory."""

    def read(config: str, column: str) -> pa.ChunkedArray:
        return pa.chunked_array([chunk for table in tables[config].values() for chunk in table[column].chunks],
                                next(iter(tables[config].values())).schema.field(column).type)  # fmt: skip

    rows = {config: {split: table.num_rows for split, table in splits.items()} for config, splits in tables.items()}
    schemas = {config: next(iter(splits.values())).schema for config, splits in tables.items() if splits}
    return ReleaseView(about, rows, schemas, read, card)


def compare(old: ReleaseView, new: ReleaseView) -> Diff:
    """Compare two releases; `compare(new, old)` gives the same changes in the opposite direction."""
    homes = _homes(old), _homes(new)
    changes = Changes(homes[0].keys() & homes[1].keys())
    rows: list[RowTally] = []
    features: list[FeatureChange] = []
    columns: list[ColumnCount] = []
    for config in sorted(old.rows.keys() | new.rows.keys(), key=lambda name: (name not in FIRST, _place(name), name)):
        features += _features(old, new, config)
        joined = join(_keys(old, config), _keys(new, config))
        masks = _masks(old, new, config, joined)
        columns += [ColumnCount(config, name, int(mask.sum())) for name, mask in masks.items() if mask.any()]
        rows += _tallies(old, new, config, joined, masks)
        layers.collect_changes(ConfigPair(config, joined, masks, _reader(old, config), _reader(new, config)), changes)
    shared = sorted(changes.shared)
    return Diff(
        old.about, new.about, tuple(rows), tuple(changes.labels), tuple(features), tuple(columns),
        _card(old, new),
        tuple(ArticleSplit(article, homes[1][article]) for article in sorted(homes[1].keys() - homes[0].keys())),
        tuple(ArticleSplit(article, homes[0][article]) for article in sorted(homes[0].keys() - homes[1].keys())),
        tuple(SplitChange(article, homes[0][article], homes[1][article])
              for article in shared if homes[0][article] != homes[1][article]),
        tuple(changes.texts[article] for article in sorted(changes.texts)),
        tuple(changes.fields[key] for key in sorted(changes.fields)),
        tuple(changes.spans), tuple(changes.stances), tuple(changes.judgements),
        _titles(new, changes, homes),
    )  # fmt: skip


def _place(config: str) -> int:
    return FIRST.index(config) if config in FIRST else 0


def _reader(side: ReleaseView, config: str) -> layers.Reader:
    def read(column: str) -> pa.ChunkedArray | None:
        return side.read(config, column) if _has(side, config, column) else None

    return layers.Reader(read, features_of(side.schemas[config]) if config in side.schemas else {})


def _has(side: ReleaseView, config: str, column: str) -> bool:
    return config in side.schemas and column in side.schemas[config].names


def _keys(side: ReleaseView, config: str) -> pa.Array:
    """Return the join key of each row: its id, else article, annotator and batch, else its row number."""
    for names in (("id",), JUDGED):
        if all(_has(side, config, name) for name in names):
            return unique_keys([side.read(config, name) for name in names])
    count = sum(side.rows.get(config, {}).values())
    return pa.array([str(number) for number in range(count)], pa.string())


def _homes(side: ReleaseView) -> dict[str, str]:
    """Map each article of a release to its split."""
    homes: dict[str, str] = {}
    for config in sorted(side.rows, key=_place):
        column = next((name for name in ("article_id", "id") if _has(side, config, name)), None)
        if column:
            splits = (split for split, count in side.rows[config].items() for _ in range(count))
            for article, split in zip(side.read(config, column).to_pylist(), splits, strict=True):
                homes.setdefault(str(article), split)
    return homes


def _features(old: ReleaseView, new: ReleaseView, config: str) -> list[FeatureChange]:
    """List the columns whose features differ; a config of only one release shows in the row counts instead."""
    if config not in old.schemas or config not in new.schemas:
        return []
    before, after = features_of(old.schemas[config]), features_of(new.schemas[config])
    return [
        FeatureChange(config, change.name, change.old, change.new)
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name) or _kinds(old, new, config, name)
        for change in feature_changes(name, before.get(name), after.get(name))
    ]


def _kinds(old: ReleaseView, new: ReleaseView, config: str, name: str) -> bool:
    return bool(old.schemas[config].field(name).type != new.schemas[config].field(name).type)


def _masks(old: ReleaseView, new: ReleaseView, config: str, joined: Joined) -> dict[str, Mask]:
    """Mark the differing joined rows for each column with the same type in both releases."""
    masks: dict[str, Mask] = {}
    if config in old.schemas and config in new.schemas:
        before, after = features_of(old.schemas[config]), features_of(new.schemas[config])
        for name in old.schemas[config].names:
            if name in after and not _kinds(old, new, config, name):
                # The columns are not bound to names, which would keep the previous ones in memory during the next read.
                leaves = differing(old.read(config, name), new.read(config, name), joined, (before[name], after[name]))
                masks |= {name + leaf: mask for leaf, mask in leaves.items()}
    return masks


def _tallies(
    old: ReleaseView, new: ReleaseView, config: str, joined: Joined, masks: Mapping[str, Mask]
) -> list[RowTally]:
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


def _card(old: ReleaseView, new: ReleaseView) -> CardChange:
    before, after = (
        Counter(re.sub(rf"(?<![\d.]){re.escape(side.about.version)}(?![\d.])", "", side.card).splitlines())
        for side in (old, new)
    )
    return CardChange((before - after).total(), (after - before).total())


def _titles(new: ReleaseView, changes: Changes, homes: tuple[Mapping[str, str], Mapping[str, str]]) -> dict[str, str]:
    named = changes.named() | (homes[1].keys() - homes[0].keys())
    named |= {article for article in changes.shared if homes[0][article] != homes[1][article]}
    if not (named and _has(new, "articles", "id") and _has(new, "articles", "title")):
        return {}
    ids, titles = new.read("articles", "id").to_pylist(), new.read("articles", "title").to_pylist()
    known = {article: title for article, title in zip(ids, titles, strict=True) if article in named and title}
    return {article: str(known[article]) for article in sorted(known)}

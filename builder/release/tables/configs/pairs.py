"""Pairs of an article and a target or question that are settled or disputed, with the votes of their gold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.io.lists import Ints, cuts, distinct, owners
from builder.io.parquet import whole
from builder.records import Dropped
from builder.release.tables.arrow import Bools, places_in
from builder.release.tables.batches import Batches
from builder.release.tables.inputs import TableInputs
from builder.release.tables.lookup import ConfigRows, Lookup, config_rows, exclusions


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A kind of subjects: what their names begin with in votes, and the columns of gold and of its items."""

    prefix: str
    column: str
    field: str


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """Items of a column of lists: the row of each, its subject and the item."""

    row: Ints
    subject: pa.Array
    values: pa.Array


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """The pairs of a kind, sorted. `golds` holds the row of the gold of each pair, -1 for a pair without gold."""

    article_ids: pa.Array
    numbers: Ints
    names: Sequence[str]
    subjects: Ints
    """The place of the subject of each pair in `names`."""
    golds: Ints
    excluded: Ints
    disputed: Bools
    given: Entries
    """The answers of all gold."""


def pairs_of(material: TableInputs, known: Lookup, kind: Kind) -> Pairs:
    """Return each pair of an article and a subject that gold answers or that is disputed, sorted."""
    given = items(known.golds.rows, kind.column, kind.field)
    disputes = material.disputes.filter(pc.starts_with(material.disputes["what"], kind.prefix))
    disputed = pc.utf8_slice_codeunits(whole(disputes["what"]), len(kind.prefix))
    ids = distinct(pa.concat_arrays([known.golds.ids, whole(disputes["article_id"])]))
    subjects = distinct(pa.concat_arrays([given.subject, disputed]))
    of_gold, of_dispute = ids.codes[: len(known.golds.ids)], ids.codes[len(known.golds.ids) :]
    articles, width = np.append(of_gold[given.row], of_dispute), max(len(subjects.names), 1)
    keys, found = np.unique(articles * width + subjects.codes, return_inverse=True)
    golds, is_open = np.full(len(ids.names), -1), np.zeros(len(keys), bool)
    golds[of_gold] = np.arange(len(of_gold))
    is_open[found[len(given.row) :]] = True
    article_ids = ids.names.take(pa.array(keys // width))
    numbers, rows = places_in(article_ids, known.ids), golds[keys // width]
    return Pairs(
        article_ids,
        numbers,
        subjects.names.to_pylist(),
        keys % width,
        rows,
        np.where(rows < 0, exclusions(numbers, known.splits), np.append(known.golds.excluded, 0)[rows]),
        is_open,
        given,
    )


def items(records: Batches, column: str, field: str) -> Entries:
    """Return the items of a column of lists, whose subject is one of their fields."""
    kind = records.schema.field(column).type.value_type
    rows, values = _nothing(kind)
    for first, batch in records.numbered():
        rows.append(owners(batch[column]) + first)
        values.append(batch[column].flatten())
    every = pa.concat_arrays(values)
    return Entries(np.concatenate(rows), every.field(field), every)


def _nothing(kind: pa.DataType) -> tuple[list[Ints], list[pa.Array]]:
    """Return the rows and the items of no batch, which those of the batches are added to."""
    return [np.zeros(0, np.int64)], [pa.array([], kind)]


def about(records: Batches, column: str, prefix: str) -> Entries:
    """Return the items of a column of lists that are about a kind of subjects; strings are their own subjects."""
    kind = records.schema.field(column).type.value_type
    rows, values = _nothing(kind)
    for first, batch in records.numbered():
        every = batch[column].flatten()
        mine = pc.starts_with(every.field("what") if pa.types.is_struct(kind) else every, prefix)
        rows.append(owners(batch[column])[np.asarray(mine, bool)] + first)
        values.append(every.filter(mine))
    chosen = pa.concat_arrays(values)
    what = chosen.field("what") if pa.types.is_struct(kind) else chosen
    return Entries(np.concatenate(rows), pc.utf8_slice_codeunits(what, len(prefix)), chosen)


def pair_rows(unit: str, pairs: Pairs, known: Lookup, unpublished: Bools, whys: tuple[str, str]) -> ConfigRows:
    """Choose the pairs that become rows; `whys` are the reasons of the disputed and of the unpublished ones."""
    kept = (pairs.excluded == 0) & ~pairs.disputed & ~unpublished
    rows = np.flatnonzero(~kept)
    aside = [
        Dropped("build", f"article {article_id} on {pairs.names[subject]}",
                known.why(article_id, excluded) if excluded else whys[0 if is_open else 1])
        for article_id, subject, excluded, is_open in zip(
            pairs.article_ids.take(pa.array(rows)).to_pylist(), pairs.subjects[rows].tolist(),
            pairs.excluded[rows].tolist(), pairs.disputed[rows].tolist(), strict=True,
        )
    ]  # fmt: skip
    chosen = np.flatnonzero(kept)
    return config_rows(unit, len(kept), chosen, known.splits[pairs.numbers[chosen]], aside)


def pair_places(pairs: Pairs, entries: Entries) -> Ints:
    """Return the place of the pair of each entry of gold, -1 if it is of none."""
    width = len(pairs.names) + 1
    subjects = places_in(entries.subject, pa.array(pairs.names, pa.string()))
    return places_among(entries.row * width + subjects, np.where(pairs.golds < 0, -1, pairs.golds * width + pairs.subjects),
                        subjects >= 0)  # fmt: skip


def places_among(keys: Ints, among: Ints, known: Bools) -> Ints:
    """Return the place of each known key among different keys, -1 where it is not among them."""
    order = np.argsort(among, kind="stable")
    near = np.searchsorted(among[order], keys)
    places = np.append(order, -1)[near]
    return np.where(known & (np.append(among, -1)[places] == keys), places, -1)


@dataclass(frozen=True, slots=True, eq=False)
class Slots:
    """A place for each value of each pair, in order; `begins` is the first place of each pair."""

    begins: Ints
    values: Sequence[pa.Array]
    """The values of each subject."""
    counts: Ints
    """The votes for each value."""


def slots_of(pairs: Pairs, known: Lookup, kind: Kind, options: Mapping[str, Sequence[str]]) -> Slots:
    """Return the votes for each value of each pair; of two votes for one value the last counts."""
    values = [pa.array(options.get(name, ()), pa.string()) for name in pairs.names]
    sizes = np.fromiter(map(len, values), np.int64, len(values))
    begins = cuts(sizes[pairs.subjects])
    votes = about(known.golds.rows, "votes", kind.prefix)
    counts = np.zeros(int(begins[-1]), np.int64)
    slots = slot_places(pairs, begins, values, votes, votes.values.field("answer"))
    counts[slots[slots >= 0]] = np.asarray(votes.values.field("count"))[slots >= 0]
    return Slots(begins, values, counts)


def slot_places(pairs: Pairs, begins: Ints, values: Sequence[pa.Array], entries: Entries, answers: pa.Array) -> Ints:
    """Return the place of the value that each entry of gold names, -1 if it has none."""
    places, slots = pair_places(pairs, entries), np.full(len(answers), -1)
    subjects = np.append(pairs.subjects, -1)[places]
    for subject, names in enumerate(values):
        rows = np.flatnonzero(subjects == subject)
        at = places_in(answers.take(pa.array(rows)), names)
        slots[rows] = np.where(at < 0, -1, begins[places[rows]] + at)
    return slots


def decided(pairs: Pairs, known: Lookup, kind: Kind) -> Bools:
    """Return which pairs adjudicators decided."""
    places = pair_places(pairs, about(known.golds.rows, "decided", kind.prefix))
    return np.bincount(places[places >= 0], minlength=len(pairs.golds)) > 0

"""Gold and judgements as Arrow tables, one for each config and split.

Offsets are code points of `text`, end exclusive. Rows are sorted and hold neither clock times nor server ids, so that
the same annotations give the same rows. builder.release.tables.configs chooses rows and computes columns.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from builder.io.lists import Ints
from builder.records import Dropped, KhabarError, StageCounts, user_error
from builder.release.tables.arrow import Columns
from builder.release.tables.configs.annotations import annotations, annotations_rows
from builder.release.tables.configs.articles import articles, articles_rows, authors_rows, dates_rows
from builder.release.tables.configs.entities import entities, entities_rows
from builder.release.tables.configs.questions import question_inputs, questions, questions_rows
from builder.release.tables.configs.stance import stance, stance_inputs, stance_rows
from builder.release.tables.encoded import EncodedArticles
from builder.release.tables.faults import edit_faults, faults, refuse_faults
from builder.release.tables.features import arrow_schema, features, label_names
from builder.release.tables.inputs import TableInputs
from builder.release.tables.iob2 import NESTED, TokenTags
from builder.release.tables.lookup import ConfigRows, index_inputs
from builder.release.tables.mentions import InvalidSpan
from builder.release.tables.spill import TableSpill

Tables = dict[str, dict[str, pa.Table]]

ROWS = 250
"""Rows whose columns are computed at once; their texts fit the processor's cache.

Another number gives other bytes, because Parquet cuts pages where a batch ends.
"""

ACCOUNTED = ("entities", "annotations", "articles", "stance", "questions")
"""The configs in the order of their accounts."""

TAGGED = ("spans in ner_tags", "spans in ner_tags_inner")
"""Units of the accounts of the two tag layers; the spans nested in the first are the input of the second."""


@dataclass(frozen=True, slots=True)
class BuiltTables:
    """Tables by config and split, with the accounts of the rows and spans that they leave out.

    `set_aside` includes the spans that neither tag layer holds. `cut_spans` and `cut_inner` count, for the outer and
    the inner layer, mentions that begin or end inside a token, which is tagged whole.
    """

    tables: Tables
    accounts: tuple[StageCounts, ...]
    set_aside: tuple[Dropped, ...]
    cut_spans: int
    cut_inner: int = 0


def build_tables(material: TableInputs, scratch: TableSpill | None = None, *, early: bool = False) -> BuiltTables:
    """Build the tables of every config; each has all splits, even if empty.

    The tables are in memory, or in the scratch folder if there is one, with the same rows. With `early`,
    threads write the Parquet files of each table there as soon as it is made. Raises KhabarError (exit code 1)
    with every span that its article does not allow and every stance that the labels do not allow.
    """
    known, labels = index_inputs(material), material.labels
    refuse_faults(material, known)
    losses, names = _Losses(), label_names(labels, asked=bool(material.asked))

    def tagged(rows: Ints) -> Columns:
        columns, tags = entities(rows, labels, known, encoded)
        losses.add(columns["id"], columns["spans"], tags)
        return columns

    # One config after the other, so that the rows of one are freed before those of the next are chosen.
    made: Tables = {}
    counts: dict[str, StageCounts] = {}
    left_out: dict[str, Sequence[Dropped]] = {}

    def make(config: str, part: ConfigRows, columns: Callable[[Ints], Columns]) -> None:
        made[config] = _build_config(part, columns, arrow_schema(features(names)[config]), scratch, config)
        if scratch and early:
            scratch.write_early(made[config], config)
        counts[config], left_out[config] = part.account, part.aside

    own = articles_rows(known)
    make("articles", own, lambda rows: articles(rows, known))
    encoded = EncodedArticles.of(made["articles"], own.rows, len(known.ids))
    try:
        make("entities", entities_rows(material, known), tagged)
        make("annotations", annotations_rows(material, known), lambda rows: annotations(rows, labels, known, encoded))
    except InvalidSpan:
        raise KhabarError(*faults(material, known), exit_code=1) from None
    except ValueError:
        if unfit := list(edit_faults(known)):
            raise KhabarError(*unfit, exit_code=1) from None
        raise
    if labels.stances is not None:
        said = stance_inputs(material, known)
        make("stance", stance_rows(said, known), lambda rows: stance(rows, said, labels, encoded))
    if labels.questions:
        told = question_inputs(material, known)
        make("questions", questions_rows(told, known), lambda rows: questions(rows, told, labels, encoded))
    authors, dates = authors_rows(known), dates_rows(known)
    listed = [config for config in ACCOUNTED if config in counts]
    accounts = [*(counts[config] for config in listed), *losses.accounts, authors.account, dates.account]
    aside = [*chain.from_iterable(left_out[config] for config in listed), *losses.aside, *authors.aside, *dates.aside]
    tables = {config: made[config] for config in features(names)}
    return BuiltTables(tables, (*accounts, *_relations(material)), tuple(aside), *losses.cut)


def non_empty(tables: Tables) -> Tables:
    """Return the tables that have rows, because no version of `datasets` can load an empty split.

    Raises KhabarError (exit code 1) if there are neither entities nor stances nor answers to questions.
    """
    filled = {c: {s: table for s, table in splits.items() if table.num_rows} for c, splits in tables.items()}
    if not any(filled.get(config) for config in ("entities", "stance", "questions")):
        raise user_error(
            "nothing-settled",
            "no article has settled spans, stances or answers, so there is nothing to release",
            fix="run `khabar adjudicate`; `khabar status` shows what is open",
            exit_code=1,
        )
    return {config: splits for config, splits in filled.items() if splits}


@dataclass(slots=True)
class _Losses:
    """Counts of the spans that the tags of all articles hold and lose."""

    spans: int = 0
    nested: int = 0
    lost: Counter[tuple[bool, str]] = field(default_factory=Counter)
    aside: list[Dropped] = field(default_factory=list)
    cut: tuple[int, int] = (0, 0)

    def add(self, ids: pa.Array, spans: pa.Array, tags: TokenTags) -> None:
        self.spans += len(spans.flatten())
        self.nested += tags.nested
        self.cut = (self.cut[0] + tags.cut[0], self.cut[1] + tags.cut[1])
        for number, span, reason, deep in tags.lost:
            self.lost[deep, reason] += 1
            what = f"{ids[number]} {span.start}-{span.end} {span.label}"
            self.aside.append(Dropped("build", what, f"{reason}, in a span" if deep else reason))

    @property
    def accounts(self) -> tuple[StageCounts, StageCounts]:
        """Return the accounts of the outer and the inner layer."""
        outer = {reason: count for (deep, reason), count in self.lost.items() if not deep}
        outer |= {NESTED: self.nested} if self.nested else {}
        inner = {f"{reason}, in a span": count for (deep, reason), count in self.lost.items() if deep}
        taken = (self.spans, self.nested)
        outer_account, inner_account = (
            StageCounts("build", unit, n, n - sum(lost.values()), dict(sorted(lost.items())))
            for unit, n, lost in zip(TAGGED, taken, (outer, inner), strict=True)
        )
        return outer_account, inner_account


def _build_config(
    part: ConfigRows, columns: Callable[[Ints], Columns], schema: pa.Schema, scratch: TableSpill | None, config: str
) -> dict[str, pa.Table]:
    """Build the table of each split of a config, ROWS rows at a time."""

    def parts(rows: Ints) -> Iterator[pa.RecordBatch]:
        for start in range(0, len(rows), ROWS):
            made = columns(rows[start : start + ROWS])
            yield pa.RecordBatch.from_arrays([made[name] for name in schema.names], schema=schema)

    if scratch is None:
        return {split: pa.Table.from_batches(parts(rows), schema) for split, rows in part.rows.items()}
    return {split: scratch.table(f"{config}-{split}", schema, parts(rows)) for split, rows in part.rows.items()}


def _relations(material: TableInputs) -> Iterator[StageCounts]:
    """Yield the account of the relations between spans, which no config holds, if annotators drew any."""
    drawn = pc.sum(pc.list_value_length(material.judgements["relations"])).as_py()
    if drawn:
        yield StageCounts("build", "relations", drawn, 0, {"relations are not published": drawn})

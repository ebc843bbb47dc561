"""Gold and judgements as Arrow tables, one for each config and split.

Offsets are code points of `text`, end exclusive. Rows are sorted and hold no clock time and no
server id, so that the same annotation work gives the same rows. Columns are made of many rows at
once: builder.release.tables.columns. Writes files in a scratch folder only.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Generic, TypeVar

import pyarrow as pa

from builder.records import Article, Dropped, KhabarError, StageCounts, count_by_reason, user_error
from builder.release.splits.strategies import NAMES
from builder.release.tables.columns import (
    Columns,
    Judged,
    Opinion,
    Settled,
    annotations,
    articles,
    entities,
    record_batch,
    stance,
)
from builder.release.tables.features import arrow_schema, features
from builder.release.tables.inputs import Known, Material, faults, instant, know, unfitting
from builder.release.tables.iob2 import NESTED, Tagged
from builder.release.tables.mentions import Misplaced
from builder.release.tables.spill import Scratch

R = TypeVar("R")


Tables = dict[str, dict[str, pa.Table]]

ROWS = 250
"""Rows whose columns are made at once: their texts fit the processor's cache."""

ORDER = attrgetter("article_id", "annotator", "batch", "status", "spans", "stances", "remark")
"""Of judgements that are equal in all these, the quicker one comes first."""

TAGGED = ("spans in ner_tags", "spans in ner_tags_inner")
"""The units of the accounts of both layers of tags; what is nested in the first is what the second takes."""


@dataclass(frozen=True, slots=True)
class Built:
    """Tables by config and split, and the account of what they do not hold.

    Of spans, `set_aside` has those that neither layer of tags holds. `cut_spans` and `cut_inner` count mentions that
    begin or end inside a token, which is tagged whole, in each layer.
    """

    tables: Tables
    accounts: tuple[StageCounts, ...]
    set_aside: tuple[Dropped, ...]
    cut_spans: int
    cut_inner: int = 0


def build_tables(material: Material, scratch: Scratch | None = None) -> Built:
    """The tables of every config; each has all splits, if need be empty.

    They are in memory, or else in the scratch folder, with the same rows. Raises Refused (exit code 1) with every
    span and stance that its article or the labels do not allow.
    """
    known, labels = know(material), material.labels
    losses = _Losses()

    def tagged(rows: Sequence[Settled]) -> Columns:
        columns, found = entities(rows, labels, known)
        losses.add(rows, found)
        return columns

    # One after the other, so that the rows of one config are gone when those of the next are chosen.
    made: Tables = {}
    accounts: list[StageCounts] = []
    aside: list[Dropped] = []

    def make(config: str, part: _Part[R], columns: Callable[[Sequence[R]], Columns]) -> None:
        made[config] = _made(part, columns, arrow_schema(features(labels)[config]), scratch, config)
        accounts.append(part.account)
        aside.extend(part.aside)

    try:
        make("entities", _entities(material, known), tagged)
        make("annotations", _annotations(material, known), lambda rows: annotations(rows, labels))
    except (Misplaced, OverflowError):  # no text is so long as an offset that overflows
        raise KhabarError(*faults(material, known), exit_code=1) from None
    except ValueError:
        if unfit := list(unfitting(known)):
            raise KhabarError(*unfit, exit_code=1) from None
        raise
    make("articles", _articles(known), lambda rows: articles(rows, known))
    if labels.stances is not None:
        make("stance", _stance(material, known), lambda rows: stance(rows, labels, known))
    dates = _dates(known)
    accounts += [*losses.accounts, dates.account]
    aside += [*losses.aside, *dates.aside]
    tables = {config: made[config] for config in features(labels)}
    return Built(tables, tuple(accounts), tuple(aside), *losses.cut)


def loadable(tables: Tables) -> Tables:
    """The tables that have rows: `datasets`, any version, cannot load an empty split.

    Raises Refused (exit code 1) where the default config has no row at all.
    """
    found = {c: {s: table for s, table in splits.items() if table.num_rows} for c, splits in tables.items()}
    if not found["entities"]:
        raise user_error(
            "nothing-settled",
            "no article has settled spans, so there is nothing to release",
            fix="run `khabar adjudicate`; `khabar status` shows what is open",
            exit_code=1,
        )
    return {config: splits for config, splits in found.items() if splits}


@dataclass(slots=True)
class _Part(Generic[R]):
    """The rows that a config has in each split, in order, and what it does not have."""

    unit: str
    taken: int
    rows: dict[str, list[R]] = field(default_factory=lambda: {split: [] for split in NAMES})
    aside: list[Dropped] = field(default_factory=list)

    def put_aside(self, what: str, reason: str, detail: str = "") -> None:
        self.aside.append(Dropped("build", what, reason, detail))

    @property
    def account(self) -> StageCounts:
        return count_by_reason("build", self.unit, self.taken, self.taken - len(self.aside), self.aside)


@dataclass(slots=True)
class _Losses:
    """What the tags of all articles hold, and what they lost."""

    spans: int = 0
    nested: int = 0
    lost: Counter[tuple[bool, str]] = field(default_factory=Counter)
    aside: list[Dropped] = field(default_factory=list)
    cut: tuple[int, int] = (0, 0)

    def add(self, rows: Sequence[Settled], found: Tagged) -> None:
        self.spans += sum(len(row.gold.spans) for row in rows)
        self.nested += found.nested
        self.cut = (self.cut[0] + found.cut[0], self.cut[1] + found.cut[1])
        for number, span, reason, deep in found.lost:
            self.lost[deep, reason] += 1
            what = f"{rows[number].article.id} {span.start}-{span.end} {span.label}"
            self.aside.append(Dropped("build", what, f"{reason}, in a span" if deep else reason))

    @property
    def accounts(self) -> tuple[StageCounts, StageCounts]:
        """Of both layers."""
        outer = {reason: count for (deep, reason), count in self.lost.items() if not deep}
        outer |= {NESTED: self.nested} if self.nested else {}
        inner = {f"{reason}, in a span": count for (deep, reason), count in self.lost.items() if deep}
        taken = (self.spans, self.nested)
        one, other = (
            StageCounts("build", unit, n, n - sum(lost.values()), dict(sorted(lost.items())))
            for unit, n, lost in zip(TAGGED, taken, (outer, inner), strict=True)
        )
        return one, other


def _made(
    part: _Part[R], columns: Callable[[Sequence[R]], Columns], schema: pa.Schema, scratch: Scratch | None, config: str
) -> dict[str, pa.Table]:
    """The tables of a config: of each split, rows by rows."""

    def parts(rows: Sequence[R]) -> Iterator[pa.RecordBatch]:
        for start in range(0, len(rows), ROWS):
            yield record_batch(columns(rows[start : start + ROWS]), schema)

    if scratch is None:
        return {split: pa.Table.from_batches(parts(rows), schema) for split, rows in part.rows.items()}
    return {split: scratch.table(f"{config}-{split}", schema, parts(rows)) for split, rows in part.rows.items()}


def _dates(known: Known) -> _Part[str]:
    used = {article.document_id for article in known.articles.values() if known.obstacle(article.id) is None}
    part: _Part[str] = _Part("dates", 0)
    for document in (known.documents[document_id] for document_id in sorted(used)):
        if document.published_at:
            part.taken += 1
            if instant(document.published_at) is None:
                part.put_aside(f"document {document.id}", "not an ISO 8601 date", document.published_at)
    return part


def _entities(material: Material, known: Known) -> _Part[Settled]:
    golds = {gold.article_id: gold for gold in material.golds}
    disputed = {d.article_id for d in material.disputes if d.what.startswith("span:")}
    ids = sorted({*known.articles, *golds})
    part: _Part[Settled] = _Part("articles in entities", len(ids))
    for article_id in ids:
        gold = golds.get(article_id)
        why = known.obstacle(article_id, gold.text_sha if gold else None)
        why = why or ("open dispute over its spans" if article_id in disputed else None)
        if why or gold is None:
            part.put_aside(f"article {article_id} in entities", why or "no gold")
            continue
        part.rows[known.splits[article_id]].append(Settled(known.articles[article_id], gold))
    return part


def _stance(material: Material, known: Known) -> _Part[Opinion]:
    golds = {gold.article_id: gold for gold in material.golds}
    answers = {(g.article_id, s.target): s.value for g in material.golds for s in g.stances}
    disputed = {(d.article_id, d.what[len("stance:") :]) for d in material.disputes if d.what.startswith("stance:")}
    pairs = sorted({*answers, *disputed})
    part: _Part[Opinion] = _Part("pairs of article and target in stance", len(pairs))
    published = set(material.labels.published_values)
    for article_id, target in pairs:
        gold = golds.get(article_id)
        why = known.obstacle(article_id, gold.text_sha if gold else None)
        if why is None and (article_id, target) in disputed:
            why = "open dispute over its stance"
        elif why is None and answers[article_id, target] not in published:
            why = "its answer is not one that is published"
        if why or gold is None:
            part.put_aside(f"article {article_id} on {target}", why or "no gold")
            continue
        row = Opinion(known.articles[article_id], gold, target, answers[article_id, target])
        part.rows[known.splits[article_id]].append(row)
    return part


def _annotations(material: Material, known: Known) -> _Part[Judged]:
    part: _Part[Judged] = _Part("judgements in annotations", len(material.judgements))
    for judgement in sorted(material.judgements, key=lambda one: (ORDER(one), one.seconds or 0)):
        article_id = judgement.article_id
        why = known.obstacle(article_id, judgement.text_sha)
        if why:
            part.put_aside(f"judgement of {judgement.annotator} on {article_id}", why)
            continue
        part.rows[known.splits[article_id]].append(Judged(known.articles[article_id], judgement))
    return part


def _articles(known: Known) -> _Part[Article]:
    part: _Part[Article] = _Part("articles in articles", len(known.articles))
    for article_id, article in sorted(known.articles.items()):
        why = known.obstacle(article_id)
        if why:
            part.put_aside(f"article {article_id} in articles", why)
            continue
        part.rows[known.splits[article_id]].append(article)
    return part

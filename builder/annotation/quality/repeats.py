"""Merging of an annotator's repeated judgements of an article across batches. The latest one wins.

Identical repeats are dropped, so a reopened release that every annotator confirms builds to the same release.
Pure: reads and writes no files.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
import pyarrow as pa

from builder.annotation.columns import Ints, coded, same_as_above
from builder.annotation.quality.canonical import answer_keys, read_answers
from builder.annotation.quality.standing import names_of, places_of, time_order
from builder.records import Article, Decision, Dropped, Passage, Relation, mark_set
from builder.records.arrow import records_of
from builder.schema.labels import Labels

ALL_SPANS = "spans"
"""What a decision is about that lists all spans of its article."""

REPEAT_REASON = "says again what counts already"


@dataclass(frozen=True, slots=True, eq=False)
class Separated:
    """Judgements that count, in their order, and the repeats that were set aside."""

    table: pa.Table
    set_aside: tuple[Dropped, ...]


@dataclass(frozen=True, slots=True)
class _Submission:
    """What a repeat has in common with an earlier judgement, beside its answers."""

    batch: str
    status: str
    guideline: str
    schema: str
    remark: str
    relations: tuple[Relation, ...]

    def repeats(self, earlier: Self) -> bool:
        """Return whether this later judgement of the same answers adds nothing to an earlier one."""
        return (
            earlier.batch != self.batch
            and (self.guideline, self.schema) == (earlier.guideline, earlier.schema)
            and self.remark in ("", earlier.remark)
            and self.relations in ((), earlier.relations)
        )


def separate_repeats(table: pa.Table, articles: Sequence[Article], labels: Labels) -> Separated:
    """Separate judgements into those that count and repeats.

    A judgement is a repeat if the same annotator's previous judgement of the article is in another batch, has the
    same spans and stances in canonical form, and was made under the same guidelines and labels. A judgement with a
    new remark or relation is not a repeat. Skipping an article that was skipped before is one.
    """
    rows = _in_several_batches(table, articles)
    rows = rows[time_order(table.take(rows))]
    chosen = table.take(rows)
    submitted = records_of(chosen.select([field.name for field in fields(_Submission)]), _Submission)
    counting: dict[tuple[str, str, str], tuple[_Submission, bytes]] = {}
    repeated: list[int] = []
    columns = rows.tolist(), chosen["article_id"].to_pylist(), chosen["annotator"].to_pylist()
    for row, article, who, one, key in zip(*columns, submitted, _keys(chosen, articles, labels), strict=True):
        before = counting.get((article, who, one.status))
        if before and one.repeats(before[0]) and (one.status == "skipped" or before[1] == key):
            repeated.append(row)
        else:
            counting[article, who, one.status] = one, key
    aside = np.array(sorted(repeated), np.int64)
    kept = np.ones(table.num_rows, bool)
    kept[aside] = False
    names = zip(names_of(table, aside), table["batch"].take(aside).to_pylist(), strict=True)
    dropped = tuple(Dropped("check", f"{name} in batch {batch}", REPEAT_REASON) for name, batch in names)
    return Separated(table.filter(kept) if len(aside) else table, dropped)


def _in_several_batches(table: pa.Table, articles: Sequence[Article]) -> Ints:
    """Return the rows of judgements on present texts whose annotator judged the article in several batches."""
    people, batch = coded(table["annotator"]), coded(table["batch"])
    if len(batch.names) < 2:
        return np.zeros(0, np.int64)
    person = coded(table["article_id"]).codes * len(people.names) + people.codes
    own = np.unique(np.stack([person, batch.codes], 1), axis=0)[:, 0]
    several = np.unique(own[same_as_above(own)])
    present = {(article.id, article.text_sha) for article in articles}
    rows = np.flatnonzero(np.isin(person, several))
    texts = zip(*(table[name].take(rows).to_pylist() for name in ("article_id", "text_sha")), strict=True)
    return np.asarray(rows[np.array([text in present for text in texts], bool)])


def _keys(table: pa.Table, articles: Sequence[Article], labels: Labels) -> list[bytes]:
    """Return what is equal where two judgements have the same answers; all are on present texts."""
    place = places_of(table, {article.id: number for number, article in enumerate(articles)})
    return answer_keys(read_answers(table, place, articles, labels))


def merge_decisions(batches: Iterable[Sequence[Decision]]) -> list[Decision]:
    """Merge the decisions of several batches, oldest batch first; an adjudicator's newer decisions replace older ones.

    All spans of an article are replaced as a whole, passages, stances and questions one by one. A decision is dropped if
    nothing is left of it, or if it only repeats earlier ones.
    """
    kept: list[Decision | None] = []
    for batch in batches:
        numbers_by_key: dict[_Subject, list[int]] = defaultdict(list)
        for number, old in enumerate(kept):
            if old:
                numbers_by_key[_subject(old)].append(number)
        for decision in batch:
            numbers = numbers_by_key[_subject(decision)]
            fresh = _news(decision, [old for number in numbers if (old := kept[number])])
            for number in numbers if fresh else ():
                kept[number] = _without(kept[number], fresh)
            kept.append(fresh)
    return [decision for decision in kept if decision]


@dataclass(frozen=True, slots=True)
class _Subject:
    """What decisions that replace each other have in common."""

    article_id: str
    adjudicator: str
    text_sha: str


def _subject(decision: Decision) -> _Subject:
    return _Subject(decision.article_id, decision.adjudicator, decision.text_sha)


def _news(decision: Decision, before: Sequence[Decision]) -> Decision | None:
    """Return the part of a decision that the adjudicator's earlier ones lack, or None if there is no such part."""
    if not before:
        return decision
    known = {item for old in before for item in _items(old)}
    return _part(decision, {what for what, answer in _items(decision) if (what, answer) not in known})


def _without(old: Decision | None, fresh: Decision | None) -> Decision | None:
    """Return the part of a decision that a newer one does not replace, or None if nothing is left.

    All spans of the article replace any passage; a passage replaces itself only.
    """
    if old is None or fresh is None:
        return old
    anew = {what for what, _ in _items(fresh)}
    every = ALL_SPANS in anew
    return _part(
        old, {what for what, _ in _items(old) if what not in anew and not (every and isinstance(what, Passage))}
    )


def _items(decision: Decision) -> Iterator[tuple[Hashable, Hashable]]:
    """Yield what a decision is about, item by item, and its answer: all spans, or each passage; each stance; each question."""
    spans = decision.spans or ()
    if decision.spans is not None and not decision.scope:
        yield ALL_SPANS, mark_set(spans)
    for place in decision.scope:
        yield place, frozenset(span.label for span in spans if Passage(span.start, span.end) == place)
    for stance in decision.stances:
        yield f"stance:{stance.target}", stance.value
    for what in {answer.what for answer in decision.answers}:
        yield what, frozenset(answer.value for answer in decision.answers if answer.what == what)


def _part(decision: Decision, wanted: Collection[Hashable]) -> Decision | None:
    """Return the wanted items of a decision, or None if it has none of them."""
    scope = tuple(place for place in decision.scope if place in wanted)
    spans = decision.spans if ALL_SPANS in wanted else None
    if scope:
        spans = tuple(span for span in decision.spans or () if Passage(span.start, span.end) in scope)
    stances = tuple(stance for stance in decision.stances if f"stance:{stance.target}" in wanted)
    answers = tuple(answer for answer in decision.answers if answer.what in wanted)
    part = replace(decision, spans=spans, scope=scope, stances=stances, answers=answers)
    return None if part.is_empty else part

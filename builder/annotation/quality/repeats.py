"""Merging of an annotator's repeated judgements of an article across batches. The latest one wins.

Identical repeats are dropped, so a reopened release that every annotator confirms builds to the same release.
Pure: reads and writes no files.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from builder.annotation.quality.check import answers_of, name_of, order
from builder.records import Article, Decision, Dropped, Judgement, Passage, mark_set
from builder.schema.labels import Labels

ALL_SPANS = "spans"
"""What a decision is about that lists all spans of its article."""

REPEAT_REASON = "says again what counts already"


def separate_repeats(
    judgements: Sequence[Judgement], articles: Mapping[str, Article], labels: Labels
) -> tuple[list[Judgement], list[Dropped]]:
    """Separate judgements into those that count, in their order, and repeats, returned as set aside.

    A judgement is a repeat if the same annotator's previous judgement of the article is in another batch, has the
    same spans and stances in canonical form, and was made under the same guidelines and labels. A judgement with a
    new remark or relation is not a repeat. Skipping an article that was skipped before is one.
    """
    batches: dict[tuple[str, str], set[str]] = defaultdict(set)
    for judgement in judgements:
        batches[judgement.article_id, judgement.annotator].add(judgement.batch)
    several = [j for j in judgements if len(batches[j.article_id, j.annotator]) > 1 and _is_of(j, articles)]
    counting: dict[tuple[str, str, str], Judgement] = {}
    repeated: set[int] = set()
    for judgement in sorted(several, key=order):
        key = judgement.article_id, judgement.annotator, judgement.status
        before, article = counting.get(key), articles[judgement.article_id]
        if before and before.batch != judgement.batch and _repeats(judgement, before, article, labels):
            repeated.add(id(judgement))
        else:
            counting[key] = judgement
    aside = [
        Dropped("check", f"{name_of(j)} in batch {j.batch}", REPEAT_REASON) for j in judgements if id(j) in repeated
    ]
    return [judgement for judgement in judgements if id(judgement) not in repeated], aside


def _is_of(judgement: Judgement, articles: Mapping[str, Article]) -> bool:
    """Return whether a judgement was made on an article's present text."""
    article = articles.get(judgement.article_id)
    return article is not None and article.text_sha == judgement.text_sha


def _repeats(later: Judgement, earlier: Judgement, article: Article, labels: Labels) -> bool:
    """Return whether a later judgement adds nothing to an earlier one by the same annotator."""
    return (
        (later.guideline, later.schema) == (earlier.guideline, earlier.schema)
        and later.remark in ("", earlier.remark)
        and later.relations in ((), earlier.relations)
        and (later.status == "skipped" or answers_of(later, article, labels) == answers_of(earlier, article, labels))
    )


def merge_decisions(batches: Iterable[Sequence[Decision]]) -> list[Decision]:
    """Merge the decisions of several batches, oldest batch first; an adjudicator's newer decisions replace older ones.

    All spans of an article are replaced as a whole, passages and stances one by one. A decision is dropped if nothing is left of it, or if it
    only repeats earlier ones.
    """
    kept: list[Decision | None] = []
    for batch in batches:
        numbers_by_key: dict[tuple[str, str, str], list[int]] = defaultdict(list)
        for number, old in enumerate(kept):
            if old:
                numbers_by_key[_key(old)].append(number)
        for decision in batch:
            numbers = numbers_by_key[_key(decision)]
            fresh = _news(decision, [old for number in numbers if (old := kept[number])])
            for number in numbers if fresh else ():
                kept[number] = _without(kept[number], fresh)
            kept.append(fresh)
    return [decision for decision in kept if decision]


def _key(decision: Decision) -> tuple[str, str, str]:
    """Return the article, adjudicator and text that identify which decisions replace each other."""
    return decision.article_id, decision.adjudicator, decision.text_sha


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
    """Yield what a decision is about, item by item, and its answer: all spans, or each passage; each stance."""
    spans = decision.spans or ()
    if decision.spans is not None and not decision.scope:
        yield ALL_SPANS, mark_set(spans)
    for place in decision.scope:
        yield place, frozenset(span.label for span in spans if Passage(span.start, span.end) == place)
    for stance in decision.stances:
        yield f"stance:{stance.target}", stance.value


def _part(decision: Decision, wanted: Collection[Hashable]) -> Decision | None:
    """Return the wanted items of a decision, or None if it has none of them."""
    scope = tuple(place for place in decision.scope if place in wanted)
    spans = decision.spans if ALL_SPANS in wanted else None
    if scope:
        spans = tuple(span for span in decision.spans or () if Passage(span.start, span.end) in scope)
    stances = tuple(stance for stance in decision.stances if f"stance:{stance.target}" in wanted)
    return replace(decision, spans=spans, scope=scope, stances=stances) if spans is not None or stances else None

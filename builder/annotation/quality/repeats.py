"""What the same person said of the same article in several batches: the newest counts, and saying it again adds nothing.

So a reopened release that everybody confirms gives the release that it was made of. Pure; changes no file.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from builder.annotation.quality.check import answers_of, name_of, order
from builder.records import Article, Decision, Dropped, Judgement, Span
from builder.schema.labels import Labels

SAID = "says again what counts already"


def parted(
    judgements: Sequence[Judgement], articles: Mapping[str, Article], labels: Labels
) -> tuple[list[Judgement], list[Dropped]]:
    """The judgements without those that only repeat, in their order, and these as set aside.

    One repeats where the same annotator's latest judgement of the article before it is of another batch, and has the
    same spans and stances in canonical form, under the same guidelines and labels; a remark or a relation that is
    new makes it one of its own. An article that was skipped before is skipped again.
    """
    batches: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in judgements:
        batches[one.article_id, one.annotator].add(one.batch)
    several = [one for one in judgements if len(batches[one.article_id, one.annotator]) > 1 and _is_of(one, articles)]
    counting: dict[tuple[str, str, str], Judgement] = {}
    again: set[int] = set()
    for one in sorted(several, key=order):
        key = one.article_id, one.annotator, one.status
        before = counting.get(key)
        if before and before.batch != one.batch and _repeats(one, before, articles[one.article_id], labels):
            again.add(id(one))
        else:
            counting[key] = one
    aside = [Dropped("check", f"{name_of(one)} in batch {one.batch}", SAID) for one in judgements if id(one) in again]
    return [one for one in judgements if id(one) not in again], aside


def _is_of(judgement: Judgement, articles: Mapping[str, Article]) -> bool:
    article = articles.get(judgement.article_id)
    return article is not None and article.text_sha == judgement.text_sha


def _repeats(later: Judgement, earlier: Judgement, article: Article, labels: Labels) -> bool:
    rules = [(one.guideline, one.schema) for one in (later, earlier)]
    return (
        rules[0] == rules[1]
        and later.remark in ("", earlier.remark)
        and later.relations in ((), earlier.relations)
        and (later.status == "skipped" or answers_of(later, article, labels) == answers_of(earlier, article, labels))
    )


def latest(batches: Iterable[Sequence[Decision]]) -> list[Decision]:
    """The decisions of several batches, the newest batch last: what one adjudicator decided anew replaces the old.

    Spans do so as a whole, stances one by one; a decision of which nothing is left goes, and so does one that only
    decides the same again.
    """
    kept: list[Decision | None] = []
    for batch in batches:
        places: dict[tuple[str, str, str], list[int]] = defaultdict(list)
        for number, one in enumerate(kept):
            if one:
                places[_key(one)].append(number)
        for decision in batch:
            numbers = places[_key(decision)]
            fresh = _news(decision, [old for number in numbers if (old := kept[number])])
            for number in numbers if fresh else ():
                kept[number] = _without(kept[number], fresh)
            kept.append(fresh)
    return [one for one in kept if one]


def _key(decision: Decision) -> tuple[str, str, str]:
    return decision.article_id, decision.adjudicator, decision.text_sha


def _news(decision: Decision, before: Sequence[Decision]) -> Decision | None:
    """What a decision says that earlier ones of the same adjudicator do not."""
    if not before:
        return decision
    told = {_places(old.spans) for old in before if old.spans is not None}
    spans = None if decision.spans is None or _places(decision.spans) in told else decision.spans
    known = {stance for old in before for stance in old.stances}
    stances = tuple(stance for stance in decision.stances if stance not in known)
    return replace(decision, spans=spans, stances=stances) if spans is not None or stances else None


def _without(old: Decision | None, fresh: Decision | None) -> Decision | None:
    """What is left of a decision beside a newer one."""
    if old is None or fresh is None:
        return old
    anew = {stance.target for stance in fresh.stances}
    left = replace(
        old,
        spans=None if fresh.spans is not None else old.spans,
        stances=tuple(stance for stance in old.stances if stance.target not in anew),
    )
    return left if left.spans is not None or left.stances else None


def _places(spans: Iterable[Span]) -> frozenset[tuple[int, int, str]]:
    return frozenset((span.start, span.end, span.label) for span in spans)

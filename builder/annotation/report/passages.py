"""The passages and the questions that annotators answered most differently, chosen by a count. Pure.

A passage is a sentence, or a part of a long one, in code points of the article's text, end exclusive.
Expects canonical judgements, one for each annotator and article.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest

from builder.records import Article, Judgement
from builder.text.tokens import sentences

LONGEST = 200
"""Code points after which a sentence is cut, at a space."""

SHOWN = 20

Edges = tuple[int, int]

Mark = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What some annotators, who all say the same, say of a passage."""

    annotators: tuple[str, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of an article, with the answers to it, those of the most annotators first."""

    article_id: str
    start: int
    end: int
    score: int
    answers: tuple[Answer, ...]
    agreed: frozenset[Mark]
    """The marks that all of them have."""


@dataclass(frozen=True, slots=True)
class Question:
    """The stances of an article on which annotators differ; `answers` by target, then annotator."""

    article_id: str
    score: int
    answers: dict[str, dict[str, str]]


def disputed_passages(shared: Mapping[str, Sequence[Judgement]], articles: Mapping[str, Article], *,
                      number: int = SHOWN) -> tuple[list[Passage], int]:  # fmt: skip
    """The passages with the most differences, and how many passages have one.

    `shared` are the judgements of each article, by its id. The score of a passage is the number of pairs of
    annotators of whom one marked a span that begins in it (with these edges and this label) and the other did
    not, over all its spans. Ties by article id, then offset.
    """
    found: list[tuple[int, str, int, int]] = []
    for article_id, judged in shared.items():
        differences = _differences(judged)
        if not differences:
            continue
        cuts = passages(articles[article_id].text)
        scores: Counter[Edges] = Counter()
        for (start, _, _), score in differences.items():
            scores[cuts[bisect_right(cuts, (start, len(articles[article_id].text) + 1)) - 1]] += score
        found += [(-score, article_id, start, end) for (start, end), score in scores.items()]
    chosen = [_passage(*place, shared[place[1]]) for place in nsmallest(number, found)]
    return chosen, len(found)


def disputed_questions(shared: Mapping[str, Sequence[Judgement]], *, number: int = SHOWN) -> tuple[list[Question], int]:
    """The articles on whose targets annotators differ most, and how many have a difference.

    The score of an article is the number of pairs of annotators who gave different answers, over its targets.
    Ties by article id.
    """
    found: list[Question] = []
    for article_id, judged in shared.items():
        answers: dict[str, dict[str, str]] = {}
        for judgement in judged:
            for stance in judgement.stances:
                answers.setdefault(stance.target, {})[judgement.annotator] = stance.value
        scores = {target: unequal_pairs(list(given.values())) for target, given in answers.items()}
        if any(scores.values()):
            disputed = {target: answers[target] for target in sorted(answers) if scores[target]}
            found.append(Question(article_id, sum(scores.values()), disputed))
    return nsmallest(number, found, key=lambda one: (-one.score, one.article_id)), len(found)


def unequal_pairs(answers: Sequence[str]) -> int:
    """How many pairs of answers differ.

    >>> unequal_pairs(["favor", "favor", "against"])
    2
    """
    return (len(answers) ** 2 - sum(times**2 for times in Counter(answers).values())) // 2


def passages(text: str) -> list[Edges]:
    """The whole text in passages of at most 200 code points, each from the end of the one before it.

    They end after a sentence and the space that follows, or, in a long one, at a space; where there is none
    in 200 code points, between any two.

    >>> text = "وصل الوفد. غادر."
    >>> [text[start:end] for start, end in passages(text)]
    ['وصل الوفد. ', 'غادر.']
    """
    starts = [start for start, _ in sentences(text)] or [0]
    found: list[Edges] = []
    for start, end in zip([0, *starts[1:]], [*starts[1:], len(text)], strict=True):
        at = start
        while end - at > LONGEST:
            space = max(
                text.rfind(" ", at + LONGEST // 2, at + LONGEST), text.rfind("\n", at + LONGEST // 2, at + LONGEST)
            )
            cut = space + 1 if space >= 0 else at + LONGEST
            found.append((at, cut))
            at = cut
        found.append((at, end))
    return found


def lanes(marks: Sequence[Mark]) -> list[int]:
    """A lane for each mark, such that marks in one lane do not overlap: the outermost of nested ones in lane 0.

    >>> lanes([(0, 9, "ORG"), (5, 9, "GPE"), (10, 12, "GPE")])
    [0, 1, 0]
    """
    ends: list[int] = []
    chosen: dict[Mark, int] = {}
    for mark in sorted(marks, key=lambda mark: (mark[0], -mark[1], mark[2])):
        free = next((lane for lane, end in enumerate(ends) if end <= mark[0]), len(ends))
        ends[free : free + 1] = [mark[1]]
        chosen[mark] = free
    return [chosen[mark] for mark in marks]


def _differences(judged: Sequence[Judgement]) -> dict[Mark, int]:
    """The pairs of annotators who differ on a mark, for each on which some do."""
    times = Counter(mark for judgement in judged for mark in _marks(judgement))
    return {mark: having * (len(judged) - having) for mark, having in times.items() if having < len(judged)}


def _passage(minus: int, article_id: str, start: int, end: int, judged: Sequence[Judgement]) -> Passage:
    """What is shown of a passage: it grows, within bounds, by the marks that begin in it and end after it."""
    every = {judgement.annotator: _marks(judgement) for judgement in judged}
    ends = [mark[1] for marks in every.values() for mark in marks if start <= mark[0] < end]
    end = max(end, min(max(ends), start + 2 * LONGEST))
    within = {
        who: tuple(sorted(mark for mark in marks if mark[0] < end and start < mark[1])) for who, marks in every.items()
    }
    answers: dict[tuple[Mark, ...], list[str]] = {}
    for who in sorted(within):
        answers.setdefault(within[who], []).append(who)
    grouped = [Answer(tuple(people), marks) for marks, people in answers.items()]
    grouped.sort(key=lambda answer: (-len(answer.annotators), answer.annotators))
    agreed = frozenset.intersection(*(frozenset(marks) for marks in within.values()))
    return Passage(article_id, start, end, -minus, tuple(grouped), agreed)


def _marks(judgement: Judgement) -> set[Mark]:
    return {(span.start, span.end, span.label) for span in judgement.spans}

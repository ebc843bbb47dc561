"""Selection of the passages and stance questions with the most disagreement between annotators. Pure.

A passage is a sentence, or part of a long one, in code points of the article's text, end exclusive. The input is
canonical judgements, at most one for each annotator and article.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest

from builder.records import Article, Judgement, Mark, mark_set
from builder.text.tokens import sentences

LONGEST = 200
"""Code points after which a sentence is cut, at a space."""

SHOWN = 20
"""Default number of passages or articles."""

Edges = tuple[int, int]


@dataclass(frozen=True, slots=True)
class PassageAnswer:
    """The marks in a passage that a group of annotators all gave."""

    annotators: tuple[str, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """A section of an article with its answers, those of the most annotators first."""

    article_id: str
    start: int
    end: int
    score: int
    answers: tuple[PassageAnswer, ...]
    agreed: frozenset[Mark]
    """The marks that all annotators share."""


@dataclass(frozen=True, slots=True)
class Question:
    """The stances of an article on which annotators differ. `answers` is by target, then by annotator."""

    article_id: str
    score: int
    answers: dict[str, dict[str, str]]


def disputed_passages(shared: Mapping[str, Sequence[Judgement]], articles: Mapping[str, Article], *,
                      number: int = SHOWN) -> tuple[list[Passage], int]:  # fmt: skip
    """Return the `number` passages with the highest scores, and how many passages have any difference.

    `shared` holds the judgements of each article by its id. The score of a passage adds up, over all spans that
    begin in it, the pairs of annotators of whom one marked that span (same edges and label) and the other did
    not. Ties are ordered by article id, then offset.
    """
    scored: list[tuple[int, str, int, int]] = []
    for article_id, judged in shared.items():
        differences = _differences(judged)
        if not differences:
            continue
        cuts = passages(articles[article_id].text)
        scores: Counter[Edges] = Counter()
        for (start, _, _), score in differences.items():
            scores[cuts[bisect_right(cuts, (start, len(articles[article_id].text) + 1)) - 1]] += score
        scored += [(-score, article_id, start, end) for (start, end), score in scores.items()]
    chosen = [
        _passage(minus, article_id, start, end, shared[article_id])
        for minus, article_id, start, end in nsmallest(number, scored)
    ]
    return chosen, len(scored)


def disputed_questions(shared: Mapping[str, Sequence[Judgement]], *, number: int = SHOWN) -> tuple[list[Question], int]:
    """Return the `number` articles with the highest scores for stances, and how many have any difference.

    The score of an article adds up, over its targets, the pairs of annotators who gave different answers. Ties
    are ordered by article id.
    """
    questions: list[Question] = []
    for article_id, judged in shared.items():
        answers: dict[str, dict[str, str]] = {}
        for judgement in judged:
            for stance in judgement.stances:
                answers.setdefault(stance.target, {})[judgement.annotator] = stance.value
        scores = {target: unequal_pairs(list(given.values())) for target, given in answers.items()}
        if any(scores.values()):
            disputed = {target: answers[target] for target in sorted(answers) if scores[target]}
            questions.append(Question(article_id, sum(scores.values()), disputed))
    return nsmallest(number, questions, key=lambda q: (-q.score, q.article_id)), len(questions)


def unequal_pairs(answers: Sequence[str]) -> int:
    """Count the pairs of answers that differ.

    >>> unequal_pairs(["favor", "favor", "against"])
    2
    """
    return (len(answers) ** 2 - sum(times**2 for times in Counter(answers).values())) // 2


def passages(text: str) -> list[Edges]:
    """Divide the whole text into consecutive passages (start, end) of at most LONGEST code points.

    A passage ends after a sentence and the space that follows it. A longer sentence is cut at a space in the
    second half of LONGEST code points, or at LONGEST if there is none.

    >>> text = "وصل الوفد. غادر."
    >>> [text[start:end] for start, end in passages(text)]
    ['وصل الوفد. ', 'غادر.']
    """
    starts = [start for start, _ in sentences(text)] or [0]
    cuts: list[Edges] = []
    for start, end in zip([0, *starts[1:]], [*starts[1:], len(text)], strict=True):
        at = start
        while end - at > LONGEST:
            space = max(
                text.rfind(" ", at + LONGEST // 2, at + LONGEST), text.rfind("\n", at + LONGEST // 2, at + LONGEST)
            )
            cut = space + 1 if space >= 0 else at + LONGEST
            cuts.append((at, cut))
            at = cut
        cuts.append((at, end))
    return cuts


def lanes(marks: Sequence[Mark]) -> list[int]:
    """Assign each mark a lane such that marks in one lane do not overlap, the outermost of nested marks to lane 0.

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
    """Count the pairs of annotators who differ on a mark, for each mark that not all share."""
    times = Counter(mark for judgement in judged for mark in mark_set(judgement.spans))
    return {mark: having * (len(judged) - having) for mark, having in times.items() if having < len(judged)}


def _passage(minus: int, article_id: str, start: int, end: int, judged: Sequence[Judgement]) -> Passage:
    """Return a passage with its answers.

    It is extended to the end of the marks that begin in it, but not beyond 2 * LONGEST code points for their sake.
    """
    marks_of = {judgement.annotator: mark_set(judgement.spans) for judgement in judged}
    ends = [mark[1] for marks in marks_of.values() for mark in marks if start <= mark[0] < end]
    end = max(end, min(max(ends), start + 2 * LONGEST))
    within = {
        who: tuple(sorted(mark for mark in marks if mark[0] < end and start < mark[1]))
        for who, marks in marks_of.items()
    }
    answers: dict[tuple[Mark, ...], list[str]] = {}
    for who in sorted(within):
        answers.setdefault(within[who], []).append(who)
    grouped = [PassageAnswer(tuple(people), marks) for marks, people in answers.items()]
    grouped.sort(key=lambda answer: (-len(answer.annotators), answer.annotators))
    agreed = frozenset.intersection(*(frozenset(marks) for marks in within.values()))
    return Passage(article_id, start, end, -minus, tuple(grouped), agreed)

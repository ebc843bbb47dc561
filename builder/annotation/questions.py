"""What an article is asked: stance targets, questions on the whole article, and the keys of each answer."""

from collections.abc import Iterable
from itertools import islice

from builder.records import Answer, Article
from builder.schema.labels import SLOTS, Labels, StanceTarget
from builder.text.profiles import profile

UNUSED = "_unused"
"""The preselected answer of a question slot that an article does not use. It is dropped when annotations are read."""

QUESTION = "question_"
"""What the name of a control begins with that asks a question on the whole article; its id follows."""

KEY_ROWS = ("qwert", "asdfg", "zxcvb", "yiop", "hjkl", "nm", "67890", "12345")
"""Rows of neighbouring hotkeys, without `u`, which Label Studio itself uses to unselect."""


TOGETHER = 500
"""Articles that are folded at once."""


def slots_of(labels: Labels) -> int:
    """Return the number of stance questions on the page: at most SLOTS, and at most one for each target.

    A retired target keeps its question, because Label Studio removes none that has answers.
    """
    return min(SLOTS, len(labels.target_ids) + len(labels.retired_targets))


def stance_keys(labels: Labels) -> tuple[tuple[str, ...], ...]:
    """Return the hotkeys of each stance question: neighbouring keys that no entity label uses.

    A question gets fewer keys than it has answers only if no keys are left.
    """
    taken = {entity.key for entity in labels.entities}
    rows = ["".join(key for key in row if key not in taken) for row in KEY_ROWS]
    wanted = len(labels.stances.values) if labels.stances else 0
    questions: list[tuple[str, ...]] = []
    for _ in range(slots_of(labels)):
        row = next((row for row in rows if len(row) >= wanted), None)
        keys = row[:wanted] if row else "".join(rows)[:wanted]
        questions.append(tuple(keys))
        rest = ("".join(key for key in other if key not in keys) for other in rows if other != row)
        rows = [other for other in rest if other]
    return tuple(questions)


def question_keys(labels: Labels) -> tuple[tuple[str, ...], ...]:
    """Return the hotkeys of each question on the whole article, of the keys that entities and stances leave."""
    rows = _begun_last(KEY_ROWS, {entity.key for entity in labels.entities}.union(*stance_keys(labels)))
    questions: list[tuple[str, ...]] = []
    for wanted in (len(question.values) for question in labels.questions):
        row = next((row for row in rows if len(row) >= wanted), "".join(rows))
        questions.append(tuple(row[:wanted]))
        rows = _begun_last(rows, {*row[:wanted]})
    return tuple(questions)


def _begun_last(rows: Iterable[str], used: set[str]) -> list[str]:
    """Return what is left of rows of keys, those of which none is used first."""
    parts = [(row, "".join(key for key in row if key not in used)) for row in rows]
    return [row for row, left in parts if row == left] + [left for row, left in parts if left and row != left]


def targets_for(article: Article, labels: Labels) -> tuple[StanceTarget, ...]:
    """Return the stance targets that an article is asked about: those with a keyword in its folded title or text, or without keywords.

    They are in the order of labels.yaml, and at most as many as the page has questions: those without keywords come before others.
    """
    return targets_by_article([article], labels)[article.id]


def targets_by_article(articles: Iterable[Article], labels: Labels) -> dict[str, tuple[StanceTarget, ...]]:
    """Return what targets_for returns of each of many articles, by id (much faster)."""
    if labels.stances is None:
        return {article.id: () for article in articles}
    fold, most = profile("standard@1").fold_batch, slots_of(labels)
    targets = [(target, fold(target.keywords)) for target in labels.stances.targets]
    always = [target.id for target, keywords in targets if not keywords]
    asked: dict[str, tuple[StanceTarget, ...]] = {}
    rest = iter(articles)
    while part := [*islice(rest, TOGETHER)]:
        bodies = fold([f"{article.title or ''}\n{article.text}" for article in part])
        for article, body in zip(part, bodies, strict=True):
            named = (target for target, keywords in targets if any(word in body for word in keywords))
            chosen = {*always, *(target.id for target in islice(named, most - len(always)))}
            asked[article.id] = tuple(target for target, _ in targets if target.id in chosen)
    return asked


def known_answers(answers: Iterable[Answer], labels: Labels) -> tuple[Answer, ...]:
    """Return the answers whose question and value labels.yaml defines."""
    known = {Answer(question.id, value) for question in labels.questions for value in question.value_names}
    return tuple(answer for answer in answers if answer in known)

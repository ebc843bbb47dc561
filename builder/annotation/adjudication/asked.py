"""What adjudicators are asked: pages of questions about one article, each with its choices, beside settled mentions.

A question is asked once. Offsets are code points of the article's text, end exclusive. Pure.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from builder.annotation.adjudication.decisions import NONE
from builder.annotation.questions import KEY_ROWS
from builder.records import Article, AskedPage, Dispute, Gold, Passage, Span, passage_of, question_of
from builder.schema.labels import Labels

QUESTIONS = 10
"""Maximum number of questions on a page."""

OTHER = "(other)"
"""The choice that says that another mark than those given is right, and is made in the text."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice of a question, and the annotators who gave it."""

    answer: str
    names: tuple[str, ...] = ()


def choices_of(question: Dispute, labels: Labels) -> tuple[Choice, ...]:
    """Return the choices of a question: about a passage, the answers given, most frequent first, none and another.

    About a stance or a question on the whole article, they are all values of labels.yaml, in its order.

    >>> labels = Labels(version=1, entities=[dict(name="PERS", ar="شخص", en="person", colour="#b3261e", key="1", definition="t")])
    >>> [(c.answer, c.names) for c in choices_of(Dispute("x-0", "span:0:3", {"a-1": "PERS", "a-2": "(none)"}), labels)]
    [('PERS', ('a-1',)), ('(none)', ('a-2',)), ('(other)', ())]
    """
    given: dict[str, list[str]] = defaultdict(list)
    for name, answer in sorted(question.answers.items()):
        for one in [answer] if passage_of(question.what) or answer == NONE else answer.split("+"):
            given[one].append(name)
    if passage_of(question.what):
        marked = sorted(given.keys() - {NONE}, key=lambda answer: (-len(given[answer]), answer))
        answers = [*marked, NONE, OTHER]
    elif asked := question_of(question.what):
        answers = [name for one in labels.questions if one.id == asked for name in one.value_names]
    else:
        answers = [value.name for value in labels.stances.values] if labels.stances else []
    return tuple(Choice(answer, tuple(given.get(answer, ()))) for answer in answers)


def keys_of(labels: Labels) -> str:
    """Return the keys that choices may have, in order: those of the keyboard's rows that no entity label uses."""
    taken = {entity.key for entity in labels.entities}
    return "".join(key for row in KEY_ROWS for key in row if key not in taken)


def new_pages(
    golds: Iterable[Gold], disputes: Iterable[Dispute], before: Iterable[AskedPage], labels: Labels
) -> list[AskedPage]:
    """Return the pages that ask the open disputes that no page of the same text has asked, by article.

    The mentions of an open dispute are not shown as settled.
    """
    numbers: Counter[tuple[str, str]] = Counter()
    known: dict[tuple[str, str], set[str]] = defaultdict(set)
    for page in before:
        text = page.article_id, page.text_sha
        numbers[text] = max(numbers[text], page.page)
        known[text] |= {question.what for question in page.questions}
    still_open: dict[str, list[Dispute]] = defaultdict(list)
    for dispute in disputes:
        still_open[dispute.article_id].append(dispute)
    pages: list[AskedPage] = []
    for gold in golds:
        text, asked = (gold.article_id, gold.text_sha), still_open.get(gold.article_id, [])
        passages = {passage_of(dispute.what) for dispute in asked}
        settled = tuple(Span(s.start, s.end, s.label) for s in gold.spans if Passage(s.start, s.end) not in passages)
        fresh = sorted((dispute for dispute in asked if dispute.what not in known[text]), key=_order)
        for number, part in enumerate(_parts(fresh, labels), numbers[text] + 1):
            pages.append(AskedPage(*text, number, settled, tuple(part)))
    return pages


def open_pages(
    pages: Iterable[AskedPage], disputes: Iterable[Dispute], articles: Mapping[str, Article]
) -> list[AskedPage]:
    """Return the pages on the present texts that have a question that is still open."""
    still = {(dispute.article_id, dispute.what) for dispute in disputes}
    return [
        page
        for page in pages
        if (article := articles.get(page.article_id)) is not None
        and article.text_sha == page.text_sha
        and any((page.article_id, question.what) in still for question in page.questions)
    ]


def _order(question: Dispute) -> tuple[object, ...]:
    """Return the sort key of a question: passages in text order, then questions on the whole article and stances."""
    passage = passage_of(question.what)
    return passage is None, passage or Passage(0, 0), question.what


def _parts(questions: Sequence[Dispute], labels: Labels) -> Iterator[list[Dispute]]:
    """Yield the questions of each page: at most QUESTIONS, and while there is a key for each of their choices."""
    keys = len(keys_of(labels))
    part: list[Dispute] = []
    needed = 0
    for question in questions:
        wanted = len(choices_of(question, labels))
        if part and (len(part) == QUESTIONS or needed + wanted > keys):
            yield part
            part, needed = [], 0
        part.append(question)
        needed += wanted
    if part:
        yield part

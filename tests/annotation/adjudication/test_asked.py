"""Disputes become pages of questions: each asked once, with a key for every choice."""

from dataclasses import replace

import pytest

from builder.annotation.adjudication.asked import OTHER, QUESTIONS, choices_of, keys_of, new_pages, open_pages
from builder.annotation.adjudication.decisions import NONE
from builder.io.hashing import sha16
from builder.records import AskedPage, Dispute, Gold, Span
from builder.schema.dataset import Adjudication
from builder.schema.labels import Labels
from tests.annotation.adjudication.examples import ARTICLE, BOSS, LABELS, PORT, TEXT, TOWN, judgement
from tests.tables import adjudicate

GOLD = Gold("d-0", sha16(TEXT), (Span(*PORT, "FAC", "s0"), Span(*TOWN, "GPE", "s1")), (), "majority", (), 2)


def over(start, end, **answers):
    return Dispute("d-0", f"span:{start}:{end}", answers or {"a": "FAC", "b": NONE})


def test_choices_are_the_answers_given_none_and_another():
    passage = over(0, 3, a="GPE", b="LOC", c="LOC", d="FAC+LOC")
    stance = Dispute("d-0", "stance:port", {"a": "against", "b": NONE})

    assert [(c.answer, c.names) for c in choices_of(passage, LABELS)] == [
        ("LOC", ("b", "c")), ("FAC+LOC", ("d",)), ("GPE", ("a",)), (NONE, ()), (OTHER, ()),
    ]  # fmt: skip
    assert [(c.answer, c.names) for c in choices_of(stance, LABELS)] == [("favor", ()), ("against", ("a",))]


@pytest.mark.parametrize("taken", ["1234", "qwertasdfgzxcv"])
@pytest.mark.parametrize("labels_each", [1, 2, 4])
def test_every_choice_of_a_page_has_a_key(taken, labels_each):
    entities = [replace_key(LABELS.entities[0], f"E{n}", key) for n, key in enumerate(taken)]
    labels = Labels(version=1, entities=tuple(entities))
    disputes = [over(n, n + 1, **{f"a-{m}": f"L{m}" for m in range(labels_each)}) for n in range(40)]

    pages = new_pages([GOLD], disputes, (), labels)

    assert [q for page in pages for q in page.questions] == disputes
    assert [page.page for page in pages] == [*range(1, len(pages) + 1)]
    for page in pages:
        wanted = sum(len(choices_of(question, labels)) for question in page.questions)
        assert wanted <= len(keys_of(labels))
        assert len(page.questions) <= QUESTIONS
    assert not {*keys_of(labels)} & {*taken, "u"}


def replace_key(entity, name, key):
    return entity.model_copy(update={"name": name, "ar": f"نوع {name}", "key": key})


def test_question_is_asked_once_and_its_mention_is_not_settled():
    first = new_pages([GOLD], [over(*PORT)], (), LABELS)
    second = new_pages([GOLD], [over(*PORT), over(*BOSS)], first, LABELS)
    other_text = new_pages([replace(GOLD, text_sha="t")], [over(*PORT)], first, LABELS)

    assert first == [AskedPage("d-0", sha16(TEXT), 1, (Span(*TOWN, "GPE"),), (over(*PORT),))]
    assert second == [AskedPage("d-0", sha16(TEXT), 2, (Span(*TOWN, "GPE"),), (over(*BOSS),))]
    assert [(page.text_sha, page.page) for page in other_text] == [("t", 1)]
    assert new_pages([GOLD], [over(*PORT), over(*BOSS)], [*first, *second], LABELS) == []


def test_pages_with_an_open_question_on_the_present_text_are_sent():
    (page,) = new_pages([GOLD], [over(*PORT), over(*BOSS)], (), LABELS)
    older = replace(page, text_sha="t")

    assert open_pages([page, older], [over(*BOSS)], {"d-0": ARTICLE}) == [page]
    assert open_pages([page], [over(*TOWN)], {"d-0": ARTICLE}) == []
    assert open_pages([page], [over(*BOSS)], {}) == []


def test_passage_that_partly_won_is_asked_as_a_whole():
    both = judgement("a-1", Span(*PORT, "FAC"), Span(*PORT, "LOC"))
    result = adjudicate(
        [both, judgement("a-2", Span(*PORT, "FAC"))], (), {"d-0": ARTICLE}, LABELS, Adjudication(min_annotators=2)
    )

    (page,) = new_pages(result.golds, result.disputes, (), LABELS)

    assert (page.settled, page.questions[0].answers) == ((), {"a-1": "FAC+LOC", "a-2": "FAC"})

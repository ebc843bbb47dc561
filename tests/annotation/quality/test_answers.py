"""Answers to questions on whole articles: which count, and what check says of the others."""

from hypothesis import given
from hypothesis import strategies as st

from builder.annotation.quality.answers import SEVERAL, TWICE, UNKNOWN_QUESTION, UNKNOWN_VALUE
from builder.records import Answer
from builder.schema.labels import AnswerValue, Question
from tests.annotation.quality.examples import ARTICLES, LABELS, judgement
from tests.tables import canonicalise, check

VALUES = tuple(AnswerValue(name=name, ar=name, en=name) for name in ("low", "middle", "high"))
ASKING = LABELS.model_copy(update={"questions": (
    Question(id="bias", ar="الانحياز", en="bias", values=VALUES),
    Question(id="topic", ar="الموضوع", en="topic", answers="several", values=VALUES),
)})  # fmt: skip
GIVEN = st.lists(
    st.builds(Answer, st.sampled_from(["bias", "topic", "tone"]), st.sampled_from(["low", "high", "odd"])), max_size=5
).map(tuple)


def faults(*answers):
    found = check([judgement(answers=tuple(answers))], ARTICLES, ASKING, lambda *_: "")
    return [(one.severity, one.code, one.where, one.message) for one in found]


def test_sound_answers_have_no_fault():
    assert faults(Answer("bias", "low"), Answer("topic", "high"), Answer("topic", "low")) == []


def test_missing_answers_are_named():
    assert faults(Answer("topic", "low")) == [
        ("error", "question-missing", "question bias", "the question was not answered")
    ]


def test_every_fault_is_named_in_one_run():
    said = faults(
        Answer("bias", "high"), Answer("bias", "low"), Answer("tone", "x"), Answer("topic", "odd"), Answer("topic", "low"),
        Answer("topic", "low"),
    )  # fmt: skip

    assert said == [
        ("error", "too-many-answers", "question bias", "one answer was asked for, and several given: high, low"),
        ("error", "unknown-question", "question tone", "unknown question 'tone'; known: bias, topic"),
        ("error", "answer-twice", "question topic", "answered low twice"),
        ("error", "unknown-answer", "question topic", "unknown answer 'odd'; known: low, middle, high"),
    ]


def reference(answers):
    """The answers that count, and why others do not, one answer after another."""
    kept, aside = [], []
    for place, answer in enumerate(sorted(answers)):
        others = {one.value for one in answers if one.question == answer.question}
        if answer.question == "tone":
            aside.append(UNKNOWN_QUESTION)
        elif answer.value == "odd":
            aside.append(UNKNOWN_VALUE)
        elif answer.question == "bias" and len(others) > 1:
            aside.append(SEVERAL)
        elif answer in sorted(answers)[:place]:
            aside.append(TWICE)
        else:
            kept.append(answer)
    return tuple(kept), sorted(aside)


@given(GIVEN)
def test_canonical_answers_equal_the_reference(answers):
    (found,), accounts, dropped = canonicalise([judgement(answers=answers)], ARTICLES, ASKING)
    kept, aside = reference(answers)

    assert found.answers == kept
    assert sorted(one.reason for one in dropped) == aside
    (account,) = (one for one in accounts if one.unit == "answers")
    assert (account.taken, account.kept, account.balanced) == (len(answers), len(kept), True)


def test_without_questions_there_is_no_account_of_answers():
    _, accounts, _ = canonicalise([judgement()], ARTICLES, LABELS)

    assert [one.unit for one in accounts] == ["judgements", "spans", "stances"]

"""Questions on whole articles in Label Studio's config and JSON: controls, hotkeys, results, rulings, exports."""

import itertools
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.annotation.adjudication.asked import QUESTIONS
from builder.annotation.adjudication.rulings import Rulebook, read_rulings
from builder.annotation.adjudication.whole_rulings import read_whole_rulings
from builder.annotation.questions import question_keys, stance_keys
from builder.labelstudio.adjudication import page_task
from builder.labelstudio.config import render_config, render_ruling_config
from builder.labelstudio.exports.read import read as read_export
from builder.labelstudio.parse import parse_tasks
from builder.labelstudio.preview import preview_page
from builder.labelstudio.tasks import result_of
from builder.records import Answer, AskedPage, Dispute, KhabarError
from builder.schema.labels import AnswerValue, EntityType, Question
from tests.annotation.quality.examples import ARTICLE, ARTICLES, LABELS, TEXT, judgement

DATA = {"article_id": "d-0", "text_sha": ARTICLE.text_sha, "batch": "b1", "text": TEXT, "guideline": "g", "schema": "s",
        "targets": []}  # fmt: skip


def question(name_, answers, *values):
    return Question(id=name_, ar=f"سؤال {name_}", en=name_, answers=answers,
                    values=tuple(AnswerValue(name=value, ar=f"قيمة {value}", en=value) for value in values))  # fmt: skip


TONE, TOPIC = question("tone", "one", "good", "bad"), question("topic", "several", "politics", "sport", "culture")


def annotation_of(result):
    return {"id": 3, "completed_by": 1, "result": result, "created_at": "t", "updated_at": "t"}


def parsed(config):
    return ET.fromstring(config)  # noqa: S314 - we rendered it ourselves


def with_entities(number):
    keys = itertools.islice("123456789abcdefghijklmnopqrstuvwxyz0", number)
    entities = (EntityType(name=f"E{key}", ar=key, en=key, colour="#1f7a3d", key=key, definition="x") for key in keys)
    return LABELS.model_copy(update={"entities": tuple(entities)})


def asking(labels, *questions):
    return labels.model_copy(update={"questions": questions})


def test_each_question_is_a_control_with_its_values():
    page = parsed(render_config(asking(LABELS, TONE, TOPIC)))
    tone, topic = (page.find(f".//Choices[@name='question_{one}']") for one in ("tone", "topic"))

    assert (tone.get("choice"), topic.get("choice"), tone.get("required")) == ("single-radio", "multiple", "true")
    assert [(c.get("alias"), c.get("value"), c.get("hotkey")) for c in tone] == [
        ("good", "قيمة good", "y"), ("bad", "قيمة bad", "i"),
    ]  # fmt: skip
    assert [h.get("value") for h in page.findall(".//Header")][-2:] == ["سؤال tone", "سؤال topic"]


def test_questions_take_the_keys_that_stances_leave():
    labels = asking(LABELS, TONE, question("long", "several", *(f"v{n}" for n in range(20))))
    pressed = [key for keys in (*stance_keys(labels), *question_keys(labels)) for key in keys]

    assert stance_keys(labels) == stance_keys(LABELS)
    assert len(pressed) == len({*pressed}) == 3 * 3 + 2 + 20
    assert not {entity.key for entity in labels.entities} & {*pressed}


def test_without_free_keys_values_have_none():
    labels = asking(with_entities(36), question("long", "several", "a", "b"))
    page = parsed(render_config(labels))

    assert question_keys(labels) == ((),)
    assert [c.get("hotkey") for c in page.find(".//Choices[@name='question_long']")] == [None, None]


def test_without_questions_the_config_does_not_mention_them():
    assert "question" not in render_config(LABELS)
    assert ET.tostring(parsed(render_config(LABELS))).count(b"<Choices") == 3


def test_a_name_that_the_page_cannot_show_is_refused():
    odd = TONE.model_copy(update={"values": (*TONE.values, AnswerValue(name="paid", ar="$مدفوع", en="paid"))})
    with pytest.raises(KhabarError) as caught:
        render_config(asking(LABELS, odd))

    (issue,) = caught.value.issues
    assert issue.message == "the Arabic name of tone paid contains $, which Label Studio reads as a task field"


@given(st.sets(st.builds(Answer, st.sampled_from(["tone", "topic-2", "Z_"]), st.sampled_from(["a", "b", "c"]))))
def test_answers_round_trip(answers):
    plain = {"id": 1, "data": DATA, "annotations": [annotation_of(result_of((), (), DATA, answers=sorted(answers)))]}
    (found,) = parse_tasks([plain], str).judgements

    assert found.answers == tuple(sorted(answers))


def test_rulings_on_whole_articles_decide_only_the_questions_that_were_disputed():
    ruling = judgement(annotator="judge", answers=(Answer("tone", "bad"), Answer("topic", "sport")))
    asked = [Dispute("d-0", "question:topic", {"a-1": "sport", "a-2": "culture"})]
    (decision,) = read_whole_rulings([ruling], asked).decisions

    assert (decision.answers, decision.spans, decision.stances) == ((Answer("topic", "sport"),), None, ())


OVER_TONE = Dispute("d-0", "question:tone", {"a-1": "good", "a-2": "bad"})
OVER_TOPIC = Dispute("d-0", "question:topic", {"a-1": "sport", "a-2": "culture+sport", "a-3": "(none)"})
PAGE = AskedPage("d-0", ARTICLE.text_sha, 1, (), (OVER_TONE, OVER_TOPIC))
ASKING = asking(LABELS, TONE, TOPIC)


def ruled(*choices):
    """Read what an adjudicator chose on the page: the numbers of questions, with the choices of each."""
    task = page_task({"data": DATA}, PAGE, ASKING)
    given = [{"id": f"c{slot}", "from_name": f"stance_{slot}", "to_name": "text", "type": "choices", "value": {"choices": values}}
             for slot, *values in choices]  # fmt: skip
    plain = {"id": 1, "data": task["data"], "annotations": [annotation_of([*task["predictions"][0]["result"], *given])]}
    found = parse_tasks([plain], str)
    assert found.issues == ()
    return read_rulings(found.judgements, Rulebook({("d-0", ARTICLE.text_sha, 1): PAGE}, ARTICLES, ASKING))


def test_disputed_questions_are_asked_with_their_values_and_who_gave_them():
    targets = page_task({"data": DATA}, PAGE, ASKING)["data"]["targets"]
    tone, topic = targets[0], targets[QUESTIONS]

    assert (tone["id"], tone["name"], topic["name"]) == (
        "question:tone", "1. سؤال tone", "2. سؤال topic (يجوز أكثر من جواب)",
    )  # fmt: skip
    assert [(one["value"], one["alias"]) for one in topic["options"]] == [
        ("قيمة politics", "politics"), ("قيمة sport (2)", "sport"), ("قيمة culture (1)", "culture"),
    ]  # fmt: skip
    assert len({option["hotkey"] for one in (tone, topic) for option in one["options"]}) == 5
    assert tone["said"] == "قيمة good: a-1\nقيمة bad: a-2"
    assert topic["said"] == "قيمة sport: a-1\nقيمة culture + قيمة sport: a-2\nبلا إجابة: a-3"
    assert {one["id"] for one in targets[1:QUESTIONS]} == {"-"}


def test_the_page_of_rulings_takes_several_answers_only_where_the_question_does():
    controls = parsed(render_ruling_config(ASKING)).findall(".//Choices")

    assert [one.get("name") for one in controls] == [f"stance_{n}" for n in range(QUESTIONS + 1)]
    assert [one.get("choice") for one in controls] == ["single-radio"] * QUESTIONS + ["multiple"]


def test_rulings_answer_questions():
    (decision,) = ruled((0, "bad"), (QUESTIONS, "sport", "politics")).decisions

    assert decision.answers == (Answer("tone", "bad"), Answer("topic", "politics"), Answer("topic", "sport"))
    assert (decision.spans, decision.stances, decision.scope) == (None, (), ())


def test_two_answers_to_a_question_that_takes_one_leave_it_open():
    done = ruled((0, "bad", "good"), (QUESTIONS, "sport"))

    assert [decision.answers for decision in done.decisions] == [(Answer("topic", "sport"),)]
    assert [(issue.severity, issue.message) for issue in done.issues] == [
        ("error", "it answers tone twice: bad and good; the dispute stays open"),
    ]  # fmt: skip


def test_questions_that_a_ruling_left_out_stay_open():
    done = ruled((QUESTIONS, "sport"))

    assert [issue.message for issue in done.issues] == ["1 of 2 disputes were not answered and stay open: tone"]


@pytest.mark.parametrize("control", ["topic", "question_topic"])
def test_exports_of_other_servers_are_read_by_the_name_of_the_control(control):
    result = [{"id": "r", "from_name": control, "to_name": "text", "type": "choices",
               "value": {"choices": ["قيمة sport", "culture"]}}]  # fmt: skip
    plain = {"id": 1, "data": {"text": TEXT}, "annotations": [annotation_of(result)]}
    found = read_export([plain], ARTICLES, asking(LABELS, TONE, TOPIC), "pilot", str, {})

    assert [one.answers for one in found.judgements] == [(Answer("topic", "culture"), Answer("topic", "sport"))]


def test_the_preview_has_radio_buttons_and_check_boxes():
    html = preview_page(asking(LABELS, TONE, TOPIC), "", "عنوان", "مصدر", "نص", ())

    assert (html.count('type="radio" name="tone"'), html.count('type="checkbox" name="topic"')) == (2, 3)

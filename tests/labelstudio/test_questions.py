"""Questions on whole articles in Label Studio's config and JSON: controls, hotkeys, results, rulings, exports."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.annotation.questions import question_keys, stance_keys
from builder.labelstudio.adjudication import decisions_from_rulings, with_versions
from builder.labelstudio.config import render_config
from builder.labelstudio.exports.read import read as read_export
from builder.labelstudio.preview import preview_page
from builder.labelstudio.tasks import result_of
from builder.records import Answer, Dispute, KhabarError
from builder.schema.labels import AnswerValue, Question
from tests.labelstudio.exports.test_read import ARTICLES
from tests.labelstudio.exports.test_read import TEXT as EXPORTED
from tests.labelstudio.test_adjudication import judgement, task
from tests.labelstudio.test_config import labels_of, parsed
from tests.labelstudio.test_tasks import LABELS, annotation_of, name, read, task_for


def question(name_, answers, *values):
    return Question(id=name_, ar=f"سؤال {name_}", en=name_, answers=answers,
                    values=tuple(AnswerValue(name=value, ar=f"قيمة {value}", en=value) for value in values))  # fmt: skip


TONE, TOPIC = question("tone", "one", "good", "bad"), question("topic", "several", "politics", "sport", "culture")


def asking(labels, *questions):
    return labels.model_copy(update={"questions": questions})


def test_each_question_is_a_control_with_its_values():
    page = parsed(render_config(asking(labels_of(), TONE, TOPIC)))
    tone, topic = (page.find(f".//Choices[@name='question_{one}']") for one in ("tone", "topic"))

    assert (tone.get("choice"), topic.get("choice"), tone.get("required")) == ("single-radio", "multiple", "true")
    assert [(c.get("alias"), c.get("value"), c.get("hotkey")) for c in tone] == [
        ("good", "قيمة good", "z"), ("bad", "قيمة bad", "x"),
    ]  # fmt: skip
    assert [h.get("value") for h in page.findall(".//Header")][-2:] == ["سؤال tone", "سؤال topic"]


def test_questions_take_the_keys_that_stances_leave():
    labels = asking(labels_of(targets=2), TONE, question("long", "several", *(f"v{n}" for n in range(20))))
    pressed = [key for keys in (*stance_keys(labels), *question_keys(labels)) for key in keys]

    assert stance_keys(labels) == stance_keys(labels_of(targets=2))
    assert len(pressed) == len({*pressed}) == 3 * 2 + 2 + 20
    assert not {entity.key for entity in labels.entities} & {*pressed}


def test_without_free_keys_values_have_none():
    labels = asking(labels_of(entities=36), question("long", "several", "a", "b"))
    page = parsed(render_config(labels))

    assert question_keys(labels) == ((),)
    assert [c.get("hotkey") for c in page.find(".//Choices[@name='question_long']")] == [None, None]


def test_without_questions_the_config_does_not_mention_them():
    assert "question" not in render_config(labels_of())
    assert ET.tostring(parsed(render_config(labels_of()))).count(b"<Choices") == 2


def test_a_name_that_the_page_cannot_show_is_refused():
    odd = TONE.model_copy(update={"values": (*TONE.values, AnswerValue(name="paid", ar="$مدفوع", en="paid"))})
    with pytest.raises(KhabarError) as caught:
        render_config(asking(labels_of(), odd))

    (issue,) = caught.value.issues
    assert issue.message == "the Arabic name of tone paid contains $, which Label Studio reads as a task field"


@given(st.sets(st.builds(Answer, st.sampled_from(["tone", "topic-2", "Z_"]), st.sampled_from(["a", "b", "c"]))))
def test_answers_round_trip(answers):
    plain = task_for()
    plain["annotations"] = [annotation_of(result_of((), (), plain["data"], answers=sorted(answers)))]
    (found,) = read(plain).judgements

    assert found.answers == tuple(sorted(answers))


def test_rulings_decide_only_the_questions_that_were_disputed():
    ruling = replace(judgement("judge"), answers=(Answer("tone", "bad"), Answer("topic", "sport")))
    asked = [Dispute("d-0", "question:topic", {"a-1": "sport", "a-2": "culture"})]
    (decision,) = decisions_from_rulings([ruling], asked).decisions

    assert (decision.answers, decision.spans, decision.stances) == ((Answer("topic", "sport"),), None, ())


def test_versions_of_a_dispute_show_the_answers():
    (shown,) = with_versions(task(), [replace(judgement("a-1"), answers=(Answer("topic", "sport"), Answer("topic", "culture")))])["predictions"]  # fmt: skip
    (result,) = (one for one in shown["result"] if one["from_name"].startswith("question"))

    assert (result["from_name"], result["value"]) == ("question_topic", {"choices": ["sport", "culture"]})


@pytest.mark.parametrize("control", ["topic", "question_topic"])
def test_exports_of_other_servers_are_read_by_the_name_of_the_control(control):
    result = [{"id": "r", "from_name": control, "to_name": "text", "type": "choices",
               "value": {"choices": ["قيمة sport", "culture"]}}]  # fmt: skip
    plain = {"id": 1, "data": {"text": EXPORTED}, "annotations": [annotation_of(result)]}
    found = read_export(
        [plain], ARTICLES, asking(LABELS, TONE, TOPIC), "pilot", lambda account: name(account.number), {}
    )

    assert [one.answers for one in found.judgements] == [(Answer("topic", "culture"), Answer("topic", "sport"))]


def test_the_preview_has_radio_buttons_and_check_boxes():
    html = preview_page(asking(labels_of(), TONE, TOPIC), "", "عنوان", "مصدر", "نص", ())

    assert (html.count('type="radio" name="tone"'), html.count('type="checkbox" name="topic"')) == (2, 3)

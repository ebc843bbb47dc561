"""The adjudication page: its questions, what it opens with, and what is read of it."""

import re
from xml.etree import ElementTree as ET

from builder.annotation.adjudication.asked import OTHER, QUESTIONS
from builder.annotation.adjudication.decisions import NONE
from builder.io.hashing import sha16
from builder.labelstudio.adjudication import page_task
from builder.labelstudio.api.columns import HIDDEN, NOT_READ
from builder.labelstudio.config import render_ruling_config
from builder.labelstudio.parse import parse_tasks
from builder.labelstudio.tasks import key_of, unused_duplicates
from builder.records import AskedPage, BatchItem, Dispute, Span, mark_set
from tests.annotation.adjudication.examples import ARTICLE, BOSS, LABELS, PORT, TEXT

OVER_PORT = Dispute("d-0", f"span:{PORT[0]}:{PORT[1]}", {"a-1": "FAC+LOC", "a-2": NONE, "a-3": NONE})
OVER_STANCE = Dispute("d-0", "stance:port", {"a-1": "favor", "a-2": "against", "a-3": NONE})
PAGE = AskedPage("d-0", sha16(TEXT), 2, (Span(*BOSS, "OCC"),), (OVER_PORT, OVER_STANCE))


def made(page=PAGE):
    item = BatchItem("b1", "d-0", ARTICLE.text_sha, "d-0", "sahel")
    plain = {"data": {"article_id": "d-0", "text_sha": ARTICLE.text_sha, "batch": item.batch, "title": "", "text": TEXT,
                      "targets": [], "guideline": "g", "schema": "s", "guide_html": ""}}  # fmt: skip
    return page_task(plain, page, LABELS)


def submitted(task, *results):
    annotation = {
        "id": 1, "completed_by": 7, "result": [*task["predictions"][0]["result"], *results], "created_at": "t", "updated_at": "t",
    }  # fmt: skip
    return parse_tasks([{"id": 3, "data": task["data"], "annotations": [annotation]}], lambda _: "me")


def choice(slot, answer):
    value = {"choices": [answer]}
    return {"id": f"c{slot}", "from_name": f"stance_{slot}", "to_name": "text", "type": "choices", "value": value}


def test_questions_show_passage_answers_counts_and_keys():
    first, second, *rest = made()["data"]["targets"]

    assert (first["id"], first["name"]) == (OVER_PORT.what, "1. «ميناء مرجانة»")
    assert first["options"] == [
        {"value": "منشأة + موقع (1)", "alias": "FAC+LOC", "hotkey": "q"},
        {"value": "ليس كيانًا (2)", "alias": NONE, "hotkey": "w"},
        {"value": "غير ذلك (أعلّمه في النص)", "alias": OTHER, "hotkey": "e"},
    ]
    assert first["said"] == "منشأة + موقع: a-1\nليس كيانًا: a-2، a-3"
    assert (second["id"], second["name"]) == ("stance:port", "2. الموقف من ميناء مرجانة")
    assert second["options"] == [
        {"value": "مؤيد (1)", "alias": "favor", "hotkey": "r"}, {"value": "معارض (1)", "alias": "against", "hotkey": "t"},
    ]  # fmt: skip
    assert second["said"] == "مؤيد: a-1\nمعارض: a-2\nبلا إجابة: a-3"
    assert [(one["id"], one["options"][0]["alias"]) for one in rest] == [("-", "_unused")] * (QUESTIONS - 2)


def test_page_opens_with_settled_mentions_and_locked_marks_of_its_questions():
    (prediction,) = made()["predictions"]
    marks = [part for part in prediction["result"] if part["from_name"] == "asked"]

    assert [(m["value"]["start"], m["value"]["end"], m["readonly"]) for m in marks] == [(*PORT, True)]
    assert prediction["result"][0] == marks[0]  # Label Studio numbers regions in this order
    assert prediction["model_version"] == "settled"


def test_ruling_read_back_holds_settled_mentions_answers_and_page():
    task = made()
    untouched, answered = submitted(task), submitted(task, choice(0, NONE), choice(1, "against"))

    for found in (untouched, answered):
        assert found.issues == ()
        assert mark_set(found.judgements[0].spans) == {(*BOSS, "OCC")}
        assert found.judgements[0].page == 2
    assert untouched.judgements[0].stances == ()
    assert [(s.target, s.value) for s in answered.judgements[0].stances] == [
        (OVER_PORT.what, NONE), ("stance:port", "against"),
    ]  # fmt: skip


def test_pages_of_one_text_are_different_tasks():
    tasks = [made(AskedPage("d-0", sha16(TEXT), page, (), (OVER_PORT,))) for page in (1, 2)]

    assert len({key_of(task["data"]) for task in tasks}) == 2
    assert unused_duplicates([{"id": n, **task} for n, task in enumerate([*tasks, tasks[0]])]) == [2]


def test_config_has_a_control_for_each_question_and_a_locked_one_for_marks():
    root = ET.fromstring(render_ruling_config(LABELS))  # noqa: S314 - our own
    names = [element.get("name") for element in root.iter() if element.get("name")]

    assert len(set(names)) == len(names)
    assert [name for name in names if name.startswith("stance_")] == [f"stance_{n}" for n in range(QUESTIONS)]
    assert not [one for one in root.iter("Choices") if one.get("required")]
    keys = [label.get("hotkey") for label in root.iter("Label")]
    assert keys[:-1] == ["1", "2", "3", "4"]
    assert re.fullmatch(r"ctrl\+alt\+shift\+f9", keys[-1])


def test_list_of_tasks_hides_markup_and_hashes():
    shown = made()["data"].keys() - {*NOT_READ}

    assert shown == {"title", "text", "questions"}
    assert made()["data"]["questions"] == "2: «ميناء مرجانة» · الموقف من ميناء مرجانة"
    assert not {*NOT_READ} & {*HIDDEN}


def test_long_passage_is_cut_and_unknown_labels_keep_their_names():
    words = TEXT * 4
    page = AskedPage("d-0", "t", 1, (), (Dispute("d-0", f"span:0:{len(words)}", {"a": "OLD", "b": NONE}),))
    task = page_task({"data": {"text": words}}, page, LABELS)

    (question, *_) = task["data"]["targets"]
    assert len(question["name"]) == len("1. «»") + 60
    assert question["options"][0]["value"] == "OLD (1)"

"""Records to Label Studio's JSON and back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.annotation.pseudonyms import pseudonym
from builder.annotation.questions import UNUSED, targets_for
from builder.io.hashing import sha16
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.labelstudio.parse import judgements_of, parse_tasks
from builder.labelstudio.payloads import LsTask
from builder.labelstudio.tasks import key_of, result_of, task_of, unused_duplicates, with_predictions
from builder.records import Article, BatchItem, Issue, Judgement, Prediction, Relation, Span, Stance
from builder.schema import Schema
from builder.schema.boilerplate import Boilerplate
from builder.schema.dataset import Dataset, Licence
from builder.schema.labels import EntityType, Labels, Stances, StanceTarget, StanceValue

TEXT = "زار الوزير \N{GRINNING FACE} ميناء مرجانة يوم الثلاثاء.\nوقال إن مترو العاصمة تأخر."


LABELS = Labels(
    version=1,
    entities=tuple(
        EntityType(name=name, ar=ar, en=name, colour="#1f7a3d", key=key, definition="تعريف")
        for name, ar, key in (("PERS", "شخص", "1"), ("ORG", "منظمة", "2"), ("GPE", "كيان", "3"))
    ),
    stances=Stances(
        values=tuple(StanceValue(name=name, ar=ar, en=name) for name, ar in (("favor", "مؤيّد"), ("against", "معارض"))),
        targets=tuple(
            StanceTarget(id=name, ar=words, en=name, keywords=(words,))
            for name, words in (
                ("port", "ميناء مرجانة"), ("metro", "مترو العاصمة"), ("dam", "سد السنديان"), ("law", "قانون الإعلام"),
            )
        ),
    ),
)  # fmt: skip
DATASET = Dataset(format=1, repo_id="a/b", title="t", licence=Licence(text="cc0-1.0", annotations="cc0-1.0"))
SCHEMA = Schema(DATASET, LABELS, Boilerplate(version=1), "اقرأ", "0" * 16, "1" * 8)


def article_of(text=TEXT, title="خبر"):
    return Article("d" * 16 + "-0", "d" * 16, 0, title, text, (), (), "standard@1+0", sha16(text))


def task_for(article=None, *, annotations=(), drafts=(), number=7):
    article = article or article_of()
    item = BatchItem("batch-1", article.id, article.text_sha, "g", "source")
    plain = task_of(article, item, SCHEMA, "صحيفة", "<p>guide</p>")
    return plain | {"id": number, "annotations": list(annotations), "drafts": list(drafts)}


def annotation_of(result, number=3, who=1, **other):
    times = {"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:05Z"}
    return (
        {"id": number, "completed_by": who, "result": result, "lead_time": 4.5, "was_cancelled": False} | times | other
    )


def name(who):
    return pseudonym(b"key", who)


def read(task):
    return judgements_of(LsTask.model_validate(task), name)


def test_targets_are_those_named_in_file_order():
    assert [t.id for t in targets_for(article_of(), SCHEMA.labels)] == ["port", "metro"]
    assert targets_for(article_of("لا شيء هنا", None), SCHEMA.labels) == ()


def test_target_is_found_in_title_and_through_diacritics():
    written = "مِينَاء مرجـــانة"

    assert [t.id for t in targets_for(article_of("نص", written), SCHEMA.labels)] == ["port"]


def test_a_target_without_keywords_is_asked_about_every_article():
    always = StanceTarget(id="war", ar="الحرب", en="war")
    stances = LABELS.stances.model_copy(update={"targets": (always, *LABELS.stances.targets)})
    labels = LABELS.model_copy(update={"stances": stances})

    assert [target.id for target in targets_for(article_of(), labels)] == ["war", "port", "metro"]
    assert [target.id for target in targets_for(article_of("نص قصير.", ""), labels)] == ["war"]


def test_a_target_without_keywords_is_asked_even_where_many_others_are_named():
    named = [StanceTarget(id=f"t{number}", ar="هدف", en="x", keywords=("مرجانة",)) for number in range(6)]
    always = StanceTarget(id="war", ar="الحرب", en="war")
    labels = LABELS.model_copy(update={"stances": LABELS.stances.model_copy(update={"targets": (*named, always)})})

    assert [target.id for target in targets_for(article_of(), labels)] == ["t0", "t1", "t2", "t3", "war"]


def test_task_holds_what_page_and_collect_need():
    data = task_for()["data"]
    shown = [(target["id"], len(target["options"])) for target in data["targets"]]

    assert (data["text"], data["title"], data["source_name"]) == (TEXT, "خبر", "صحيفة")
    assert key_of(data) == (article_of().id, sha16(TEXT))
    assert (data["guideline"], data["schema"]) == (SCHEMA.guideline_version, SCHEMA.label_hash)
    assert shown == [("port", 2), ("metro", 2), ("-", 1), ("-", 1)]
    assert data["targets"][0]["options"][0] == {"value": "مؤيّد", "alias": "favor", "hotkey": "q"}
    assert data["targets"][2]["options"] == [{"value": "-", "alias": UNUSED, "selected": True}]


def spans_in(text, labels):
    place = st.tuples(st.integers(0, len(text) - 1), st.integers(1, 9), st.sampled_from(labels))
    drawn = st.lists(place, max_size=8, unique=True)
    return drawn.map(
        lambda places: tuple(
            sorted(Span(s, min(s + n, len(text)), label, f"id{i}") for i, (s, n, label) in enumerate(places))
        )
    )


@given(st.data(), st.text(min_size=1, max_size=60), st.text(max_size=20))
def test_answers_round_trip_in_any_script(data, extra, remark):
    text = TEXT + extra
    spans = data.draw(spans_in(text, SCHEMA.labels.entity_names))
    values = st.sampled_from([v.name for v in SCHEMA.labels.stances.values])
    stances = tuple(Stance(target, data.draw(values)) for target in ("metro", "port"))
    task = task_for(article_of(text))
    result = json.loads(json.dumps(result_of(spans, stances, task["data"], remark)))
    task["annotations"] = [annotation_of(result)]
    found = read(task)

    assert found.issues == ()
    (judgement,) = found.judgements
    assert (judgement.spans, judgement.stances, judgement.remark) == (spans, stances, remark)
    assert all(
        r["value"]["text"] == text[r["value"]["start"] : r["value"]["end"]] for r in result if r["type"] == "labels"
    )


def test_judgement_fields_come_from_the_task():
    task = task_for(annotations=[annotation_of([])])

    assert read(task).judgements == (
        Judgement(
            article_id=article_of().id, text_sha=sha16(TEXT), batch="batch-1", annotator=name(1), spans=(), stances=(),
            status="submitted", seconds=4.5, created_at="2026-01-01T00:00:00Z", updated_at="2026-01-01T00:00:05Z",
            guideline=SCHEMA.guideline_version, schema=SCHEMA.label_hash, task_id=7, annotation_id=3, remark="",
        ),
    )  # fmt: skip


def test_stance_on_unasked_target_is_a_caller_error():
    with pytest.raises(ValueError, match="the task does not ask about 'dam'"):
        result_of([], [Stance("dam", "favor")], task_for()["data"])


def test_both_completed_by_shapes_are_read_without_email():
    who = {"id": 5, "email": "Layla@example.org", "first_name": ""}
    task = task_for(annotations=[annotation_of([], 1, who), annotation_of([], 2, 5)])
    found = read(task)

    assert [j.annotator for j in found.judgements] == [name("layla@example.org"), name(5)]
    assert "example.org" not in repr(found)


def test_pseudonym_needs_the_key_and_ignores_letter_case():
    assert pseudonym(b"k", "A@b.org") == pseudonym(b"k", "a@B.org ") != pseudonym(b"l", "a@b.org")
    assert pseudonym(b"Jefe", "what do ya want for nothing?") == "a-5bdcc146bf", "RFC 4231, test case 2"


def test_cancelled_is_skipped_and_drafts_are_counted():
    found = read(task_for(annotations=[annotation_of([], was_cancelled=True)], drafts=[11, 12]))

    assert [j.status for j in found.judgements] == ["skipped"]
    assert found.drafts == 2


def test_multi_label_span_splits_and_its_text_is_ignored():
    value = {"start": 11, "end": 12, "text": "\\n something else", "labels": ["PERS", "ORG"]}
    result = [{"id": "r", "from_name": "ner", "to_name": "text", "type": "labels", "value": value}]
    found = read(task_for(annotations=[annotation_of(result)]))

    assert found.judgements[0].spans == (Span(11, 12, "ORG", "r"), Span(11, 12, "PERS", "r"))


def test_relations_are_kept_and_dangling_ones_reported():
    result = result_of([Span(0, 3, "PERS", "a"), Span(4, 10, "ORG", "b")], [], task_for()["data"])
    drawn = {"type": "relation", "from_id": "a", "to_id": "b", "direction": "bi", "labels": ["works-for"]}
    loose = {"type": "relation", "from_id": "a", "to_id": "c"}
    found = read(task_for(annotations=[annotation_of([drawn, *result, drawn, loose])]))

    assert found.judgements[0].relations == (Relation("a", "b", ("works-for",), "bi"),)
    assert [(i.severity, i.code, i.message) for i in found.issues] == [
        ("warning", "loose-relation", "1 relations refer to a span that does not exist")
    ]


def test_edited_text_is_an_issue_naming_the_article():
    task = task_for(annotations=[annotation_of([])])
    task["data"]["text"] += " وزيد عليه"
    (issue,) = read(task).issues

    assert (issue.severity, issue.code, issue.where, issue.article_id) == (
        "error", "text-edited", "task 7", article_of().id,
    )  # fmt: skip
    assert issue.message == (
        "the text was edited in Label Studio after it was sent, so its spans cannot be mapped to the article"
    )


def test_span_text_mismatch_is_an_issue_ignoring_white_space():
    start, end = TEXT.index("الثلاثاء"), TEXT.index("إن")
    sound = result_of([Span(start, end, "PERS", "a")], [], task_for()["data"])
    sound[0]["value"]["text"] = "الثلاثاء.\\nوقال "
    wrong = result_of([Span(0, 3, "PERS", "b")], [], task_for()["data"])
    wrong[0]["value"]["text"] = "مرجانة"
    found = read(task_for(annotations=[annotation_of([*sound, *wrong])]))

    assert [(i.code, i.where, i.message) for i in found.issues] == [
        ("span-text", "task 7, annotation 3",
         "span 0:3: its text in Label Studio differs from the article's text at these offsets"),
    ]  # fmt: skip
    assert len(found.judgements[0].spans) == 2


GOOD = {"id": "r", "from_name": "ner", "type": "labels", "value": {"start": 0, "end": 3, "labels": ["PERS"]}}
BAD = {
    "unknown type 'rating'": {"type": "rating", "from_name": "stars"},
    "to_id: Field required": {"type": "relation", "from_id": "a"},
    "id: String should match pattern '^[\\w.:#~ -]{0,200}$'": {"type": "labels", "from_name": "ner", "id": "x@example.org",
                                                              "value": {"start": 0, "end": 3, "labels": ["PERS"]}},
    "unknown type of the result": {"type": "x@example.org"},
    "value.start: Input should be a valid integer": GOOD | {"value": {"start": "0", "end": 3, "labels": ["PERS"]}},
    "value.end: Field required": GOOD | {"value": {"start": 0, "labels": ["PERS"]}},
    "value.end: Input should be less than 2147483648": GOOD | {"value": {"start": 0, "end": 10**400, "labels": ["P"]}},
    "value.labels.0: Input should be a valid string": GOOD | {"value": {"start": 0, "end": 3, "labels": [None]}},
    "the task has no question 9": {"type": "choices", "from_name": "stance_9", "value": {"choices": ["favor"]}},
    "value.choices: Input should be a valid list": {"type": "choices", "from_name": "stance_0", "value": {"choices": "favor"}},
    "from_name: Input should be 'remark'": {"type": "textarea", "from_name": "x@example.org", "value": {"text": ["a"]}},
}  # fmt: skip


@pytest.mark.parametrize(("why", "result"), BAD.items())
def test_unreadable_result_is_an_issue_and_the_rest_is_kept(why, result):
    found = read(task_for(annotations=[annotation_of([GOOD, result])]))

    assert [(i.message, i.where, i.annotator) for i in found.issues] == [
        (f"a result that cannot be read: {why}", "task 7, annotation 3", name(1))
    ]
    assert found.judgements[0].spans == (Span(0, 3, "PERS", "r"),)
    assert "example.org" not in repr(found)


def test_unreadable_annotation_or_task_affects_no_other():
    broken = annotation_of([], 4) | {"created_at": None}
    tasks = [
        task_for(annotations=[broken, annotation_of([], 5)]),
        {"id": 8, "data": {"text": "made by hand", "email": "x@example.org"}},
        "not a task",
    ]
    found = parse_tasks(tasks, name)

    assert [j.annotation_id for j in found.judgements] == [5]
    assert [i.where for i in found.issues] == [
        "task 7, annotation at place 0",
        "task 8",
        "task at place 2 of the export",
    ]
    assert found.issues[0].message == "an annotation that cannot be read: created_at: Input should be a valid string"
    assert found.issues[1].message == "not a task that khabar sent: data.article_id: Field required"
    assert "example.org" not in repr(found)


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["labels", "choices", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["type", "value", "id", "start", "end", "labels", "from_name", "text"]), inner
        )
    ),
    max_leaves=20,
)


@given(st.lists(anything, max_size=4), anything, anything)
def test_any_json_is_collected_and_can_be_written(tmp_path_factory, results, seconds, task):
    plain = task_for(annotations=[annotation_of(results, lead_time=seconds), task])
    found = parse_tasks([plain, task], name)
    path = tmp_path_factory.mktemp("hostile") / "judgements.jsonl"
    write_jsonl(path, found.judgements)
    write_jsonl(path.with_name("issues.jsonl"), found.issues)

    assert tuple(read_jsonl(path, Judgement)) == found.judgements
    assert tuple(read_jsonl(path.with_name("issues.jsonl"), Issue)) == found.issues
    assert len(found.judgements) + len(found.issues) >= 2 + (1 if results else 0)


def test_too_many_results_are_an_issue():
    found = read(task_for(annotations=[annotation_of([GOOD] * 20_001)]))

    assert found.judgements == ()
    assert "result: List should have at most 20000 items" in found.issues[0].message


def test_only_untouched_duplicate_tasks_are_unused():
    skipped = annotation_of([], was_cancelled=True)
    other = article_of("نص آخر")
    tasks = [
        task_for(number=1), task_for(number=2, drafts=[5]), task_for(number=3), task_for(number=4, annotations=[skipped]),
        task_for(other, number=9), task_for(other, number=8), {"id": 7}, "nonsense",
    ]  # fmt: skip

    assert unused_duplicates(tasks) == [1, 3, 9]
    assert unused_duplicates(tasks[:1]) == []


def test_judgement_order_ignores_server_order():
    other = article_of("نص آخر")
    tasks = [
        task_for(annotations=[annotation_of([], 9, 2), annotation_of([], 2, 1), annotation_of([], 1, 2)]),
        task_for(other, annotations=[annotation_of([], 4, 1)], number=8),
    ]
    forward, backward = parse_tasks(tasks, name), parse_tasks(tasks[::-1], name)
    order = [(j.article_id, j.annotator, j.annotation_id) for j in forward.judgements]

    assert sorted(order) == order
    assert len(order) == 4
    assert {j.annotation_id for j in backward.judgements} == {j.annotation_id for j in forward.judgements}


def test_prediction_answers_unasked_questions_and_is_marked():
    unused = {"id": "-", "name": "-", "options": []}
    task = {"data": {"text": "زار سالم", "targets": [{"id": "port", "name": "", "options": []}, unused]}}
    made = with_predictions(task, [Prediction("gazetteer x", (Span(4, 8, "PERS"),)), Prediction("nothing", ())])

    assert task == {"data": task["data"]}
    assert [one["model_version"] for one in made["predictions"]] == ["gazetteer x"]
    assert [(part["from_name"], part["value"], part["origin"]) for part in made["predictions"][0]["result"]] == [
        ("ner", {"start": 4, "end": 8, "text": "سالم", "labels": ["PERS"]}, "prediction"),
        ("stance_1", {"choices": ["_unused"]}, "prediction"),
    ]
    assert json.loads(json.dumps(made)) == made

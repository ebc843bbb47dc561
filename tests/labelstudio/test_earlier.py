"""Earlier answers imported with the tasks of a new pool."""

from dataclasses import replace

from builder.labelstudio.earlier import by_key, continued, latest_judgements, offered_again, with_annotations
from builder.records import Judgement, Relation, Span, Stance

TEXT = "وصلت سفينة إلى مرفأ السدر"
TASK = {"data": {"text": TEXT, "targets": [{"id": "port"}, {"id": "-"}]}}
OLD = Judgement(
    "a-0", "sha", "pilot", "a-1", (Span(5, 10, "FAC", "x"), Span(15, 19, "LOC", "y")), (Stance("port", "favor"), Stance("gone", "against")),
    "submitted", 12.5, "2026-01-01T00:00:00.5Z", "2026-01-01T00:01:00.5Z", "g1", "s1", 3, 7, "ملاحظة", (Relation("x", "y"),), "o-1",
)  # fmt: skip
NEW = replace(
    OLD, stances=(), relations=(), created_at="2026-03-01T00:00:00.1Z", updated_at="2026-03-01T00:00:00.1Z", guideline="g2",
    task_id=9, annotation_id=4, origin="o-2",
)  # fmt: skip
KNOWN = by_key([OLD])


def test_the_latest_submitted_answer_of_each_person_is_imported():
    later = replace(OLD, annotation_id=8, updated_at="2026-01-02T00:00:00Z")
    skipped = replace(OLD, annotator="a-2", status="skipped")

    assert latest_judgements([later, OLD, skipped]) == {("a-0", "sha"): [later]}


def test_the_task_has_the_answers_of_people_with_an_account():
    task = with_annotations(TASK, [OLD, replace(OLD, annotator="a-2")], {"a-1": "huda@x.org"})
    (made,) = task["annotations"]

    assert (made["id"], made["completed_by"], made["lead_time"]) == (7, {"email": "huda@x.org"}, 12.5)
    assert made["ground_truth"] is False, "Label Studio takes an import for ground truth unless told otherwise"
    assert [part["type"] for part in made["result"]] == [
        "labels", "labels", "choices", "choices", "textarea", "relation",
    ], "a target that is no longer asked about has no answer"  # fmt: skip
    assert "annotations" not in with_annotations(TASK, [OLD], {})


def test_an_untouched_import_is_the_earlier_annotation():
    found = continued(NEW, 7, untouched=True, known=KNOWN)

    assert found == replace(OLD, task_id=9, annotation_id=4, origin="o-2")
    assert continued(NEW, 7, untouched=True, known=by_key([found])) == found, "when it is read again"


def test_an_import_that_its_annotator_changed_keeps_the_time_it_was_made():
    assert continued(NEW, 7, untouched=False, known=KNOWN) == replace(NEW, created_at=OLD.created_at)


def test_other_annotations_are_left_alone():
    for new, import_id in (
        (NEW, None), (NEW, 8), (replace(NEW, annotator="a-2"), 7), (replace(NEW, text_sha="other"), 7),
    ):  # fmt: skip
        assert continued(new, import_id, untouched=True, known=KNOWN) == new


def test_a_warning_names_who_may_be_offered_an_article_again():
    (issue,) = offered_again(2, {("a-0", "sha"): [OLD, replace(OLD, annotator="a-2")]}, {"a-1": "huda@x.org"})

    assert "judged before: 1 (a-2);" in issue.message
    assert offered_again(0, {("a-0", "sha"): [OLD]}, {}) == []

"""Whose an annotation is: deleted accounts keep their pseudonyms, and changes by others are named."""

from dataclasses import replace

import pytest

from builder.annotation.pseudonyms import pseudonym
from builder.io.hashing import sha16
from builder.labelstudio.download.persons import Roster, with_origin
from builder.labelstudio.download.sync import _read
from builder.records import Span

TEXT = "افتتح الوزير مرفأ السدر الجديد صباح اليوم"
DATA = {"article_id": "1-0", "text_sha": sha16(TEXT), "text": TEXT, "batch": "pilot", "guideline": "g", "schema": "s",
        "targets": []}  # fmt: skip
EMAILS = {3: "huda@example.org", 4: "samir@example.org"}
HUDA, SAMIR = ({"id": number, "email": email} for number, email in EMAILS.items())


def name(who):
    return pseudonym(b"key", who)


def task(*annotations):
    value = {"start": 13, "end": 23, "labels": ["LOC"], "text": TEXT[13:23]}
    result = [{"id": "r", "from_name": "ner", "type": "labels", "value": value}]
    return {"id": 5, "data": DATA, "updated_at": "2026-03-01T10:00:00Z", "annotations": [
        {"id": number, "completed_by": by, "updated_by": changer, "result": result, "created_at": "x", "updated_at": "y"}
        for number, by, changer in annotations]}  # fmt: skip


def read(*annotations, known=(), emails=EMAILS):
    roster = Roster(name, lambda: emails, {one.annotation_id: one for one in known}, "o-1")
    (page,) = _read([task(*annotations)], roster, "http://ls/projects/1")
    return page.found


def test_deleted_accounts_keep_the_pseudonym_of_their_annotation():
    before = read((11, HUDA, HUDA), (12, SAMIR, None)).judgements
    after = read((11, None, None), (12, SAMIR, None), known=before)

    assert after.judgements == before
    assert [(issue.severity, issue.code, issue.where) for issue in after.issues] == [
        ("warning", "account-deleted", "task 5, annotation 11")
    ]


def test_unknown_deleted_accounts_are_persons_of_their_own():
    found = read((11, None, None), (12, None, None), (13, HUDA, None))
    again = read((11, None, None), (12, None, None), (13, HUDA, None))

    assert len({one.annotator for one in found.judgements}) == 3
    assert found == again
    assert [issue.code for issue in found.issues] == ["account-unknown"] * 2
    assert "\0" not in repr(found)


@pytest.mark.parametrize(
    ("by", "changer", "changed_by"),
    [
        (HUDA, SAMIR, name(SAMIR["email"])),
        (HUDA, 4, name(SAMIR["email"])),
        (3, SAMIR, name(SAMIR["email"])),
        (HUDA, 77, name(77)),
        (HUDA, HUDA, ""),
        (HUDA, 3, ""),
        (3, 3, ""),
        (HUDA, None, ""),
        ({"id": 8, "email": "HUDA@example.org"}, HUDA, ""),
    ],
)
def test_an_answer_changed_by_another_names_both(by, changer, changed_by):
    (found,) = read((11, by, changer)).judgements

    assert (found.changed_by, found.origin) == (changed_by, "o-1")


def test_whose_change_it_was_is_not_forgotten_when_the_changer_goes():
    (changed,) = read((11, HUDA, SAMIR)).judgements
    (after,) = read((11, HUDA, None), known=[changed]).judgements
    (own,) = read((11, HUDA, HUDA), known=[changed]).judgements

    assert (after.changed_by, own.changed_by) == (name(SAMIR["email"]), "")


def test_a_save_that_changes_no_answer_is_not_a_change():
    (before,) = read((11, HUDA, HUDA)).judgements
    other = replace(before, spans=(Span(0, 5, "LOC"),))
    old = replace(before, origin="")

    (starred,) = read((11, HUDA, SAMIR), known=[before]).judgements
    (changed,) = read((11, HUDA, SAMIR), known=[other]).judgements
    (unknown,) = read((11, HUDA, SAMIR), known=[old]).judgements
    assert starred.changed_by == ""
    assert changed.changed_by == unknown.changed_by == name(SAMIR["email"])


@pytest.mark.parametrize(
    ("remark", "changed_by"), [("راجعوا REDACTED_NAME", ""), ("اتركوا REDACTED_NAME", name(SAMIR["email"]))]
)
def test_a_name_that_is_taken_out_since_is_not_a_change(remark, changed_by):
    (before,) = read((11, HUDA, HUDA)).judgements
    roster = Roster(name, lambda: EMAILS, {11: replace(before, remark="راجعوا samir")}, "o-1", names=lambda: {"samir"})

    assert with_origin(replace(before, remark=remark), {11: name(SAMIR["email"])}, roster).changed_by == changed_by


def test_with_a_server_of_ones_own_nobody_else_changes_answers():
    roster = Roster(lambda _: "a-1", lambda: EMAILS, {})
    (page,) = _read([task((11, HUDA, SAMIR), (12, None, None))], roster, "http://ls/projects/1")

    assert [(one.annotator, one.changed_by) for one in page.found.judgements] == [("a-1", "")] * 2

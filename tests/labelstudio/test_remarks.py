"""Remarks without persons: what an annotator typed of an e-mail, a number or a name is stored nowhere."""

import pytest

from builder.labelstudio.remarks import names_of, remark_of, without_persons
from builder.records import Judgement, Relation, Span


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("سؤال: huda@nasim.example", "سؤال: REDACTED_EMAIL"),
        ("اتصلوا بي على 0599123456", "اتصلوا بي على REDACTED_PHONE"),
        ("كتبتها Huda.Salem اليوم", "كتبتها REDACTED_NAME اليوم"),
        ("huda.salem@other.example", "REDACTED_EMAIL"),
    ],
)
def test_person_is_taken_out_and_said(written, kept):
    remark, (issue,) = remark_of([written], "huda.salem@nasim.example", "task 1, annotation 2")

    assert remark == kept
    assert (issue.severity, issue.code, issue.where) == ("warning", "person-in-remark", "task 1, annotation 2")
    assert written not in issue.message


@pytest.mark.parametrize("account", [7, "", "ab@x.example"])
def test_other_remarks_stay(account):
    assert remark_of(["النص ab مبتور", "سنة 2024"], account, "task 1") == ("النص ab مبتور\nسنة 2024", [])


PEOPLE = names_of("huda.salem@nasim.example") | names_of("pers@nasim.example", "سمير")


def judged(remark="", label="PERS", relation="owns"):
    links = (Relation("1", "2", (relation,), "right"),) if relation else ()
    return Judgement(
        "a-0", "s", "b", "a-1", (Span(0, 3, label),), (), "submitted", 1.0, "", "", "g", "v", 1, 7, remark, links
    )


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("هذه علامة huda.salem", "هذه علامة REDACTED_NAME"),
        ("سألت سمير، وسمير يوافق", "سألت REDACTED_NAME، وREDACTED_NAME يوافق"),
        ("السميرية ليست اسما", "السميرية ليست اسما"),
    ],
)
def test_names_of_other_annotators_are_taken_out_of_remarks(written, kept):
    found = without_persons(judged(written), lambda: PEOPLE, "task 1")

    assert found.judgement.remark == kept
    assert [issue.code for issue in found.issues] == ["person-in-remark"] * (kept != written)
    assert not any("سمير" in issue.message or "huda" in issue.message for issue in found.issues)


def test_persons_are_taken_out_of_labels_that_somebody_typed():
    found = without_persons(
        judged(label="ask huda.salem", relation="call 0599123456"), lambda: PEOPLE, "task 1"
    ).judgement

    assert [span.label for span in found.spans] == ["ask REDACTED_NAME"]
    assert found.relations[0].labels == ("call REDACTED_PHONE",)


def test_labels_that_are_names_of_accounts_stay_and_nobody_is_asked_for():
    plain = judged(relation="")

    assert without_persons(plain, lambda: pytest.fail("asked for accounts"), "task 1").judgement == plain
    assert without_persons(judged("نص", "PERS"), lambda: PEOPLE, "task 1").judgement == judged("نص", "PERS")

"""Remarks without persons: what an annotator typed of an e-mail, a number or a name is stored nowhere."""

import pytest

from builder.labelstudio.remarks import remark_of


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

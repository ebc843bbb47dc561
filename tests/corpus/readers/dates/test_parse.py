"""Which dates are converted to ISO 8601, and the warnings for the others."""

import json
from datetime import UTC, datetime
from email.utils import format_datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.corpus.readers.dates import parse, unread
from builder.corpus.readers.dates.parse import ReadDate, read_date
from builder.corpus.readers.documents import read_documents
from builder.release.tables.inputs import instant, zone

RLM = "\N{RIGHT-TO-LEFT MARK}"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2015-07-21T14:30:00Z", "2015-07-21T14:30:00Z"),
        ("2015-07-21 14:30:00", "2015-07-21T14:30:00"),
        ("2015-07-21 14:30:00 UTC", "2015-07-21T14:30:00+00:00"),
        ("1437436800", "2015-07-21T00:00:00+00:00"),
        ("1437436800123", "2015-07-21T00:00:00+00:00"),
        ("1437436800.0", "2015-07-21T00:00:00+00:00"),
        ("20150721", "2015-07-21"),
        ("20150721143000", "2015-07-21T14:30:00"),
        ("20150721T143000", "2015-07-21T14:30:00"),
        ("20150721 14:30:00", "2015-07-21T14:30:00"),
        ("21/07/2015", "2015-07-21"),
        ("7/21/2015", "2015-07-21"),
        ("07/07/2015", "2015-07-07"),
        ("2015/07/21", "2015-07-21"),
        ("21.07.2015 9:05", "2015-07-21T09:05:00"),
        ("٢١/٠٧/٢٠١٥ ٠٢:٣٠ م", "2015-07-21T14:30:00"),
        (f"الأحد 21{RLM}/7{RLM}/2015", "2015-07-21"),
        ("21/7/2015م 12:05 ص", "2015-07-21T00:05:00"),
        ("الثلاثاء، ٢١ تمّوز ٢٠١٥", "2015-07-21"),
        ("21 تموز/يوليو 2015 - 14:30", "2015-07-21T14:30:00"),
        ("3 كانون الثاني 2015 10:00 بتوقيت غرينتش", "2015-01-03T10:00:00+00:00"),
        ("3 تشرين الأول 2015", "2015-10-03"),
        ("14:30 بتوقيت مكة المكرمة 21 يوليو 2015", "2015-07-21T14:30:00+03:00"),
        ("21 يوليوز 2015", "2015-07-21"),
        ("21 جويلية 2015 على 09:10", "2015-07-21T09:10:00"),
        ("21 غشت 2015", "2015-08-21"),
        ("إبريل 3, 2015", "2015-04-03"),
        ("5 شوال 1436هـ الموافق 21 يوليو 2015", "2015-07-21"),
        ("الثلاثاء, 03 مارس 2026 18:42:00 +0300", "2026-03-03T18:42:00+03:00"),
        ("Tue, 03 Mar 2026 18:42:00 -0500", "2026-03-03T18:42:00-05:00"),
        ("الثلاثاء, 21 يوليو, 2015 04:40:00 مساءً", "2015-07-21T16:40:00"),
        ("تاريخ النشر :4 أبريل 2015", "2015-04-04"),
        ("الأحد 14/06/2015 - 01:00 ص", "2015-06-14T01:00:00"),
        ("Tuesday, July 21st, 2015 at 5:00 PM", "2015-07-21T17:00:00"),
        ("Tue Jul 21 14:30:00 +0300 2015", "2015-07-21T14:30:00+03:00"),
    ],
)
def test_certain_date_becomes_iso(written, expected):
    assert read_date(written) == ReadDate(expected)


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("05/07/2015", parse.AMBIGUOUS),
        ("٠٥-٠٧-٢٠١٥ 10:00", parse.AMBIGUOUS),
        ("21/07/15", parse.CENTURY),
        ("21-Jul-15", parse.CENTURY),
        ("05:23 PM - 13 أغسطس", parse.NO_YEAR),
        ("5 شوال 1436", parse.HIJRI),
        ("1436-10-05", parse.HIJRI),
        ("15/10/1436", parse.HIJRI),
        ("01/02/37 هـ", parse.HIJRI),
        ("منذ ساعتين", parse.RELATIVE),
        ("أمس", parse.RELATIVE),
        ("يوليو 2015", parse.NO_DAY),
        ("2015-07", parse.NO_DAY),
        ("2015", parse.NO_DAY),
        ("نشر 21 يوليو 2015 وعدل 22 يوليو 2015", parse.SEVERAL),
        ("21 آب/يوليو 2015", parse.NO_DATE),
        ("31/02/2015", parse.NO_DATE),
        ("2015-07-21T25:00:00", parse.NO_DATE),
        ("0001-01-01T00:00:00", parse.OUTSIDE),
        ("0", parse.NO_DATE),
        ("-62135596800", parse.NO_DATE),
        ("غرفة الأخبار", parse.NO_DATE),
        ("21 يوليو 2015 " * 50, parse.NO_DATE),
    ],
)
def test_uncertain_date_is_kept_with_the_reason(written, fault):
    assert read_date(written) == ReadDate(written, fault)


def test_every_reason_has_a_fix():
    reasons = {value for name, value in vars(parse).items() if name.isupper() and isinstance(value, str)}
    assert set(unread.FIXES) == reasons


@given(st.integers(-2_000_000_000, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)))
def test_mail_date_keeps_the_moment(moment):
    assert read_date(format_datetime(moment)).text == moment.isoformat()
    assert read_date(moment.isoformat()).text == moment.isoformat()


@given(st.text(st.sampled_from("0123456789٠١٢:/.-+ ،هـصممنتموزيوليوJulyTZ"), max_size=40))
def test_any_text_is_read_or_kept(written):
    read = read_date(written)
    assert read.text == written if read.fault else instant(read.text) is not None


def test_unread_dates_are_one_warning_for_each_reason(tmp_path):
    written = ["05/07/2015", "06/07/2015", "أمس", 1437436800, 1437436800.5, {"$date": "2015-07-21T00:00:00Z"}, "", None,
               ["2015"], "07/05/2015\x1b[2J"]  # fmt: skip
    records = [{"text": f"خبر {number}", "published_at": date} for number, date in enumerate(written)]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps(record) for record in records), encoding="utf-8")
    reading = read_documents([path])

    assert [document.published_at for document in reading.documents] == [
        "05/07/2015", "06/07/2015", "أمس", "2015-07-21T00:00:00+00:00", "2015-07-21T00:00:00+00:00",
        "2015-07-21T00:00:00Z", None, None, '["2015"]', "07/05/2015\x1b[2J",
    ]  # fmt: skip
    assert [(issue.where.rpartition("/")[2], issue.message) for issue in reading.issues] == [
        ("a.jsonl:1:1", f"3 dates are kept as written, not in ISO 8601: {parse.AMBIGUOUS}: «05/07/2015»"),
        ("a.jsonl:3:1", f"1 date is kept as written, not in ISO 8601: {parse.RELATIVE}: «أمس»"),
        ("a.jsonl:9:1", f'1 date is kept as written, not in ISO 8601: {parse.NO_DATE}: «["2015"]»'),
    ]


def test_reasons_are_counted_over_all_files(tmp_path):
    for name in ("a.jsonl", "b.csv"):
        (tmp_path / name).write_text(
            '{"text": "خبر", "published_at": "05/07/2015"}\n' if name == "a.jsonl" else "text,published_at\nآخر,6/7/2015\n",
            encoding="utf-8",
        )  # fmt: skip
    (issue,) = read_documents([tmp_path]).issues

    assert issue.message.startswith("2 dates are kept as written")


def test_numeric_dates_of_parquet_are_read(tmp_path):
    pq.write_table(pa.table({"text": ["خبر"], "published_at": [1437436800000]}), tmp_path / "a.parquet")
    (document,) = read_documents([tmp_path / "a.parquet"]).documents

    assert document.published_at == "2015-07-21T00:00:00+00:00"


def test_hijri_year_is_not_published():
    assert (instant("1436-10-05T10:00:00+03:00"), zone("1436-10-05T10:00:00+03:00")) == (None, None)
    assert (instant("1876-08-05") is not None, zone("2015-07-21T10:00:00+03:00")) == (True, "+03:00")

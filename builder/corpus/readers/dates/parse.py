"""Conversion of dates as newspapers, feeds and databases write them to ISO 8601.

A date is converted only where its reading is certain; any other is returned as it was written, with the reason. Time and
zone are kept as far as they are known, and none is assumed.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime

from builder.corpus.readers.dates.months import fold, hijri_month, month_numbers, month_pattern, named_date

AMBIGUOUS = "day and month cannot be told apart"
CENTURY = "its year has two digits"
HIJRI = "a Hijri date"
NO_DATE = "no date that khabar knows"
NO_DAY = "it names no day"
NO_YEAR = "it names no year"
OUTSIDE = "its year is not from 1800 to 2100"
RELATIVE = "relative to an unknown day"
SEVERAL = "it holds several dates"

YEARS = (1800, 2100)

HIJRI_YEARS = range(1300, 1500)
"""Years that in news are those of the Hijri calendar, 1882 to 2077."""

LONGEST = 200
"""Most code points of a date; a longer text is not searched."""

ISO = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?", re.ASCII)

COMPACT = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
"""Layouts of dates in digits only, by their length."""

EPOCHS = {9: 1, 10: 1, 12: 1_000, 13: 1_000, 16: 1_000_000}
"""Units of a second that a number of so many digits counts from 1970: seconds, milliseconds or microseconds."""

NUMERIC = re.compile(r"(?<![\d:.])(\d{1,4})([/.-])(\d{1,2})\2(\d{1,4})(?![\d:])")

CLOCK = re.compile(
    r"(?:(?P<before>am|pm|[صم])\s*)?(?<![\d:.+-])(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d))?(?:\.\d+)?"
    r"\s*(?:(?P<after>am\b|pm\b|a\.m|p\.m|صباحا|مساء|ظهرا|[صم](?!\w)))?"
)

UTC_NAMES = re.compile(r"\b(?:gmt|utc)\b|\dz\b|غرينتش|جرينتش|غرينيتش")

OFFSET = re.compile(r"(?:(?<=\d)|(?<=\s)|(?<=gmt)|(?<=utc))([+-])(\d{1,2})(?::?(\d\d))?(?![\d/:-])")

MECCA = re.compile("بتوقيت (?:مكه|السعوديه)")
"""Saudi Arabia has kept its offset since 1947; other countries changed theirs, so that their names give none."""

SINCE = re.compile(r"\b(?:منذ|قبل|امس|اليوم|الان|ago|yesterday|today|now)\b")

HIJRI_MARK = re.compile(r"هـ|\bهجر|\d\s*ه\b")

MERIDIANS = {"ص": 0, "am": 0, "a.m": 0, "صباحا": 0, "م": 12, "pm": 12, "p.m": 12, "مساء": 12, "ظهرا": 12}


WEEKDAY_FIRST = re.compile(r"(\d{1,2}:\d\d:\d\d(?: \S+)?) (\d{4})$")
"""The end of a date as C and Twitter write it, `Tue Jul 21 14:30:00 +0300 2015`."""


@dataclass(frozen=True, slots=True)
class ReadDate:
    """A date in ISO 8601; or as it was written, with the reason why it is not converted."""

    text: str
    fault: str = ""


def read_date(written: str) -> ReadDate:
    """Convert a date to ISO 8601, or return it unchanged with the reason.

    >>> read_date("الثلاثاء، ٢١ تموز/يوليو ٢٠١٥ 02:30 م"), read_date("Tue, 03 Mar 2026 18:42:00 +0300").text
    (ReadDate(text='2015-07-21T14:30:00', fault=''), '2026-03-03T18:42:00+03:00')
    >>> read_date("1437436800").text, read_date("05/07/2015").fault
    ('2015-07-21T00:00:00+00:00', 'day and month cannot be told apart')
    """
    try:
        return ReadDate(_converted(written))
    except _UnreadError as unread:
        return ReadDate(written, str(unread))
    except (ValueError, OverflowError):  # a thirteenth month, a 25th hour
        return ReadDate(written, NO_DATE)


def as_written(value: object) -> str | None:
    """Return the value of a date field as text: numbers as digits, and dates of databases in ISO 8601.

    >>> as_written({"$date": {"$numberLong": "1437436800000"}}), as_written(1437436800.0), as_written(math.nan)
    ('1437436800000', '1437436800.0', None)
    """
    if isinstance(value, Mapping) and len(value) == 1 and {*value} <= {"$date", "$numberLong"}:
        return as_written(*value.values())  # MongoDB's Extended JSON
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


class _UnreadError(Exception):
    """A date that is not converted; the message is the reason."""


def _converted(written: str) -> str:
    """Return a date in ISO 8601; raise _UnreadError or ValueError if it cannot be read with certainty."""
    if ISO.fullmatch(written):
        _check_year(datetime.fromisoformat(written).year)
        return written
    if len(written) > LONGEST:
        raise _UnreadError(NO_DATE)
    folded = fold(written)
    if re.fullmatch(r"\d+(?:\.\d+)?", folded):
        return _of_number(folded)
    return _of_mail(written) or _of_standard(folded) or _of_words(folded)


def _check_year(year: int) -> None:
    """Raise _UnreadError if a year is not one in which news was printed."""
    if year in HIJRI_YEARS:
        raise _UnreadError(HIJRI)
    if not YEARS[0] <= year <= YEARS[1]:
        raise _UnreadError(OUTSIDE)


def _of_number(digits: str) -> str:
    """Convert a number: a date in digits only, or the time since 1970 in a unit that its length tells."""
    whole = digits.partition(".")[0]
    if layout := COMPACT.get(len(whole)):
        try:
            moment = datetime.strptime(whole, layout)  # noqa: DTZ007 - no zone is known
        except ValueError:
            pass
        else:
            if moment.year in HIJRI_YEARS or YEARS[0] <= moment.year <= YEARS[1]:
                _check_year(moment.year)
                return moment.date().isoformat() if len(whole) == len("20150721") else moment.isoformat()
    if len(whole) == 4:
        raise _UnreadError(NO_DAY)
    if (unit := EPOCHS.get(len(whole))) is None:
        raise _UnreadError(NO_DATE)
    return datetime.fromtimestamp(int(whole) // unit, UTC).isoformat()


def _of_mail(written: str) -> str | None:
    """Convert the date of a mail or a feed (RFC 822); return None for any other text."""
    if not re.match(r"\s*(?:[A-Za-z]{3,9},?\s+)?\d{1,2}\s+[A-Za-z]{3}\s+\d{4}\s+\d\d:\d\d", written, re.ASCII):
        return None
    try:
        moment = parsedate_to_datetime(written)
    except ValueError:
        return None
    _check_year(moment.year)
    return moment.isoformat()


def _of_standard(folded: str) -> str | None:
    """Convert what Python reads as ISO 8601, such as `2015-07-21 14:30`; return None for any other text."""
    try:
        moment = datetime.fromisoformat(folded.upper())
    except ValueError:
        return None
    _check_year(moment.year)
    return moment.isoformat() if re.search("[:t]", folded) else moment.date().isoformat()


def _of_words(folded: str) -> str:
    """Convert the one date that a text names, with its time and its zone."""
    folded = WEEKDAY_FIRST.sub(r"\2 \1", folded)
    rest = NUMERIC.sub(" ", named_date().sub(" ", folded))
    days = {*_numeric_days(folded), *_named_days(folded)}
    known = {day for day in days if isinstance(day, date)}
    if len(known) > 1:
        raise _UnreadError(SEVERAL)
    if not known:
        raise _UnreadError(_why_not(folded, {day for day in days if isinstance(day, str)}))
    (day,) = known
    return _with_time(day, rest)


def _why_not(folded: str, faults: set[str]) -> str:
    """Return the reason why a text has no certain day: that of the date it holds, else what it looks like."""
    if faults:
        return min(faults)
    if HIJRI_MARK.search(folded) or hijri_month().search(folded):
        return HIJRI
    if SINCE.search(folded):
        return RELATIVE
    month = rf"\b(?:{month_pattern()})\b"
    looks = {
        NO_DAY: rf"(?:{month}|\b\d{{1,2}}[/-])\D{{0,3}}\d{{4}}\b|\b\d{{4}}-\d\d\b",
        CENTURY: rf"\b\d{{1,2}}\W{{0,3}}{month}\W{{0,3}}\d\d\b(?!:)",
        NO_YEAR: rf"\b\d{{1,2}}\W{{0,3}}{month}|{month}\W{{0,3}}\d{{1,2}}\b",
    }
    return next((reason for reason, pattern in looks.items() if re.search(pattern, folded)), NO_DATE)


def _numeric_days(folded: str) -> Iterator[date | str]:
    """Yield the day of each date in numbers, or the reason why it is not certain."""
    for found in NUMERIC.finditer(folded):
        first, middle, last = (int(found[group]) for group in (1, 3, 4))
        widths = len(found[1]), len(found[4])
        is_hijri = HIJRI_MARK.match(folded[found.end() - 1 :]) or HIJRI_MARK.match(folded[found.end() :].lstrip())
        if is_hijri or max(first, last) in HIJRI_YEARS:
            yield HIJRI
        elif widths[0] == 4 and widths[1] <= 2:
            yield _day(first, middle, last)
        elif widths[1] == 4 and widths[0] <= 2:
            yield _day_first(first, middle, last)
        else:
            yield CENTURY if max(widths) <= 2 else NO_DATE


def _day_first(first: int, second: int, year: int) -> date | str:
    """Return a day whose year stands last, or the reason why it is not certain."""
    if first <= 12 and second <= 12 and first != second:
        return AMBIGUOUS
    return _day(year, first, second) if second > 12 else _day(year, second, first)


def _named_days(folded: str) -> Iterator[date | str]:
    """Yield the day of each date whose month is named, or the reason why it is not certain."""
    for found in named_date().finditer(folded):
        months = {month_numbers()[found[name]] for name in ("m1", "m2", "m3") if found[name]}
        if len(months) > 1:
            yield NO_DATE
        else:
            yield _day(int(found["y1"] or found["y3"]), months.pop(), int(found["d1"] or found["d3"]))


def _day(year: int, month: int, day: int) -> date | str:
    """Return a day, or the reason why there is no such day in news."""
    if year in HIJRI_YEARS:
        return HIJRI
    if not YEARS[0] <= year <= YEARS[1]:
        return OUTSIDE
    try:
        return date(year, month, day)
    except ValueError:
        return NO_DATE


def _with_time(day: date, rest: str) -> str:
    """Return a day in ISO 8601, with the time and the zone that the rest of its text names."""
    clock = CLOCK.search(rest)
    if clock is None:
        return day.isoformat()
    hour = int(clock["hour"])
    half = MERIDIANS.get(clock["after"] or clock["before"] or "")
    if half is not None and hour <= 12:
        hour = hour % 12 + half
    moment = time(hour, int(clock["minute"]), int(clock["second"] or 0))
    return datetime.combine(day, moment, _zone(rest)).isoformat()


def _zone(rest: str) -> tzinfo | None:
    """Return the zone that a text names by its offset, by UTC or by Mecca."""
    if offset := OFFSET.search(rest):
        size = timedelta(hours=int(offset[2][:2]), minutes=int(offset[3] or 0))
        return timezone(-size if offset[1] == "-" else size)
    if UTC_NAMES.search(rest):
        return UTC
    return timezone(timedelta(hours=3)) if MECCA.search(rest) else None

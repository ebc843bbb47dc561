"""Warnings for dates that are kept as they were written: one for each reason, with the number of these dates."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from builder.corpus.readers.dates import parse
from builder.records import Issue
from builder.text.invisible import make_visible

FIXES = {
    parse.AMBIGUOUS: "write it as 2015-07-21 in the file",
    parse.CENTURY: "write it as 2015-07-21 in the file",
    parse.HIJRI: "write the Gregorian date in the file; calendars differ by a day",
    parse.NO_DATE: "check that `published_at` under `fields:` in schema/dataset.yaml names the field of the date",
    parse.NO_DAY: "write the day in the file, or leave the date out",
    parse.NO_YEAR: "write the year in the file, or leave the date out",
    parse.OUTSIDE: "correct the date in the file, or leave it out",
    parse.RELATIVE: "write the day in the file, or leave the date out",
    parse.SEVERAL: "keep the date of publication only",
}
"""The reasons why a date is not converted, and what to do about each."""

COUNT = "unread dates: "
"""Beginning of the name under which a shard counts the dates of each reason."""

SHOWN = 60
"""Most code points of a date in a message."""


def date_warning(written: str, fault: str, where: str) -> Issue:
    """Return the warning for a date that was kept as it was written."""
    shown = make_visible(written[:SHOWN])
    return Issue("warning", "date", f"{fault}: «{shown}»", where=where, fix=FIXES[fault])


def merge_warnings(issues: Iterable[Issue], counts: Mapping[str, int]) -> tuple[Issue, ...]:
    """Return issues with one warning for each reason why dates were not converted, with the number of these dates."""
    merged: list[Issue] = []
    seen: set[str] = set()
    for issue in issues:
        fault = issue.message.partition(": «")[0]
        if issue.code != "date":
            merged.append(issue)
        elif fault not in seen:
            number = counts.get(COUNT + fault, 1)
            lead = "1 date is" if number == 1 else f"{number:,} dates are"
            merged.append(replace(issue, message=f"{lead} kept as written, not in ISO 8601: {issue.message}"))
            seen.add(fault)
    return tuple(merged)

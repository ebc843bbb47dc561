"""Judgements of each annotator over time: per day, or per week or month if there are many days. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from builder.records import Judgement

MOST = 60
"""Most periods of a progress. With more days, weeks are counted, then months."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts by annotator, one for each of `times` (days, ISO weeks or months in UTC).

    `undated` and `earlier` count the judgements without a time, and those before the first of `times`.
    """

    unit: str
    times: tuple[str, ...]
    counts: dict[str, tuple[int, ...]]
    undated: int
    earlier: int


def progress(judgements: Sequence[Judgement]) -> Progress:
    """Count judgements by annotator and the time of their creation. Days and weeks without judgements count 0."""
    made = [(judgement.annotator, _day(judgement.created_at)) for judgement in judgements]
    days = sorted({day for _, day in made if day})
    unit, times = _times(days)
    counts: dict[str, Counter[str]] = {judgement.annotator: Counter() for judgement in judgements}
    for who, day in made:
        if day:
            counts[who][_name(day, unit)] += 1
    kept = tuple(times[-MOST:])
    earlier = sum(number for numbers in counts.values() for name, number in numbers.items() if name not in kept)
    return Progress(
        unit,
        kept,
        {who: tuple(counts[who][name] for name in kept) for who in sorted(counts)},
        sum(day is None for _, day in made),
        earlier,
    )


def _times(days: Sequence[date]) -> tuple[str, list[str]]:
    """Return the unit of time for these sorted days, and the names of the periods they cover."""
    if not days:
        return "day", []
    span = (days[-1] - days[0]).days
    if span >= 7 * MOST:
        return "month", sorted({_name(day, "month") for day in days})
    covered = [days[0] + timedelta(days=number) for number in range(span + 1)]
    unit = "day" if span < MOST else "week"
    return unit, list(dict.fromkeys(_name(day, unit) for day in covered))


def _name(day: date, unit: str) -> str:
    """Return the name of the period that a day belongs to."""
    year, week, _ = day.isocalendar()
    return {"day": f"{day:%Y-%m-%d}", "week": f"{year}-W{week:02}", "month": f"{day:%Y-%m}"}[unit]


def _day(created_at: str) -> date | None:
    """Return the day of a timestamp, or None if it is not in ISO format."""
    try:
        return datetime.fromisoformat(created_at).date()
    except ValueError:  # exports made elsewhere may have other formats
        return None

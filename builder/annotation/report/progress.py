"""How many judgements each annotator made in each day, or week or month where days are many. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from builder.records import Judgement

MOST = 60
"""Times that are told apart; where there are more, longer ones are."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts by annotator, one for each of `times` (days, ISO weeks or months in UTC), and what is in none."""

    unit: str
    times: tuple[str, ...]
    counts: dict[str, tuple[int, ...]]
    undated: int
    earlier: int


def progress(judgements: Sequence[Judgement]) -> Progress:
    """Judgements by the time at which they were made; days and weeks without one count 0."""
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
    if not days:
        return "day", []
    span = (days[-1] - days[0]).days
    if span >= 7 * MOST:
        return "month", sorted({_name(day, "month") for day in days})
    every = [days[0] + timedelta(days=number) for number in range(span + 1)]
    unit = "day" if span < MOST else "week"
    return unit, list(dict.fromkeys(_name(day, unit) for day in every))


def _name(day: date, unit: str) -> str:
    year, week, _ = day.isocalendar()
    return {"day": f"{day:%Y-%m-%d}", "week": f"{year}-W{week:02}", "month": f"{day:%Y-%m}"}[unit]


def _day(created_at: str) -> date | None:
    try:
        return datetime.fromisoformat(created_at).date()
    except ValueError:  # elsewhere's exports have other times
        return None

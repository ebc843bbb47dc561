"""The inputs of a release's tables, as columns."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa

from builder.schema.labels import Labels

FIRST_YEAR = 1800
"""The first year of a date that is published: an earlier one is of the Hijri calendar, or a placeholder."""


@dataclass(frozen=True, slots=True, eq=False)
class TableInputs:
    """The inputs of the tables: canonical judgements, gold, and the split of each article by its id.

    A table has the Arrow schema of its record: Article, Document, Group, Judgement, Gold or Dispute.
    """

    articles: pa.Table
    documents: pa.Table
    groups: pa.Table
    splits: Mapping[str, str]
    judgements: pa.Table
    golds: pa.Table
    disputes: pa.Table
    labels: Labels
    aside: Mapping[str, str] = field(default_factory=dict)
    """The reason why an article has no split."""
    publish_authors: bool = False
    unmarked: Collection[str] = ()
    """Imported articles in which nobody looked for mentions."""
    asked: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The labels that the annotators of each article were asked for; empty if all were asked for all."""


def instant(published_at: str | None) -> datetime | None:
    """Convert an ISO 8601 date to UTC, to the millisecond; returns None if it cannot be read.

    A date without a zone is taken as UTC. A year before FIRST_YEAR cannot be read.

    >>> instant("2026-03-03T18:42:00+03:00")
    datetime.datetime(2026, 3, 3, 15, 42, tzinfo=datetime.timezone.utc)
    """
    try:
        moment = datetime.fromisoformat(published_at or "")
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    if moment.year < FIRST_YEAR:
        return None
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def zone(published_at: str | None) -> str | None:
    """Return the zone of an ISO 8601 date as an offset from UTC, or None if it has none or cannot be read.

    >>> zone("2026-03-03T18:42:00+03:00"), zone("2026-03-03T18:42:00Z"), zone("2026-03-03")
    ('+03:00', '+00:00', None)
    """
    if published_at is None or instant(published_at) is None:
        return None
    moment = datetime.fromisoformat(published_at)
    return str(moment.tzinfo).removeprefix("UTC") or "+00:00" if moment.tzinfo else None

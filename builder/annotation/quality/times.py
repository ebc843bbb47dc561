"""Times that a server wrote."""

from datetime import UTC, datetime

from builder.records import Judgement


def parse_time(written: str) -> datetime:
    """Parse a server's timestamp, as comparing the strings would misorder fractions of seconds and time zones.

    A timestamp without a zone is in UTC. A string that is not a timestamp becomes the earliest time.

    >>> parse_time("2026-03-01T10:00:00.5Z") > parse_time("2026-03-01T13:00:00+03:00") > parse_time("?")
    True
    """
    try:
        time = datetime.fromisoformat(written)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def is_exact(judgement: Judgement) -> bool:
    """Return whether the time of creation has a fraction of a second, which two servers do not share by chance."""
    return parse_time(judgement.created_at).microsecond != 0

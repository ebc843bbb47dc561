"""Version numbers: three numbers with points, without leading zeros."""

import re
from dataclasses import dataclass

from builder.records import user_error

VERSION = re.compile(r"(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})")


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """The three numbers of a version, which versions are ordered by."""

    major: int
    minor: int
    patch: int


def check_version(version: str) -> None:
    """Raise KhabarError (exit code 2) for what is not three numbers with points."""
    if parse_version(version) is None:
        raise user_error(
            "version",
            f"{version!r} is not a version: three numbers with points, in the digits 0 to 9",
            fix="such as 1.0.0",
        )


def parse_version(version: str) -> Version | None:
    """Return the three numbers of a version, or None if it is not a version.

    >>> parse_version("1.20.3"), parse_version("1.2")
    (Version(major=1, minor=20, patch=3), None)
    """
    match = VERSION.fullmatch(version)
    return Version(int(match[1]), int(match[2]), int(match[3])) if match else None


def version_key(version: str) -> Version:
    """Return the sort key of a version; a string that is not a version sorts first."""
    return parse_version(version) or Version(-1, -1, -1)

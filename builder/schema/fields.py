"""Shared field types of the schema files: immutable base model, names, patterns, colours."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

LOST_IN_CSV = frozenset({"none", "na", "n/a", "null", "nan", ""})
"""Label names that CSV readers interpret as a missing value (docs/decisions/0004)."""


class Part(BaseModel):
    """Base model of schema files: immutable, and unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


def is_empty(value: object) -> bool:
    """Return whether a value is empty: with `exclude_if`, such a field is no part of a dump."""
    return not value


def _safe_name(name: str) -> str:
    """Return the name; raise ValueError if it is malformed or CSV readers take it for a missing value."""
    if name.strip().casefold() in LOST_IN_CSV:
        raise ValueError(f"a label named {name!r} is read as a missing value by CSV readers; rename it")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,39}", name):
        raise ValueError(f"{name!r} is not a name: an ASCII letter, then up to 39 letters, digits, '_' or '-'")
    return name


def _pattern(source: str) -> str:
    """Return the pattern; raise ValueError if it does not compile."""
    try:
        re.compile(source)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return source


Name = Annotated[str, AfterValidator(_safe_name)]

Pattern = Annotated[str, AfterValidator(_pattern), Field(min_length=1, max_length=2000)]

LEAST_CONTRAST = 4.5
"""Minimum contrast of a colour with white, as required for text by WCAG 2.2, level AA."""


def _dark_enough(colour: str) -> str:
    """Return the colour; raise ValueError if its contrast with white is too low to read."""
    contrast = 1.05 / (luminance(colour) + 0.05)
    if contrast < LEAST_CONTRAST:
        raise ValueError(
            f"too light to read: the contrast with white is {contrast:.1f}, at least {LEAST_CONTRAST} is required"
        )
    return colour


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour such as #1f7a3d, from 0 to 1 (WCAG 2.2).

    >>> luminance("#ffffff")
    1.0
    """
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


Colour = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$"), AfterValidator(_dark_enough)]

Text = Annotated[str, Field(min_length=1, max_length=2000)]

Key = Annotated[str, Field(pattern=r"^[a-z0-9]$")]

"""schema/profiles.yaml: the project's own profiles of normalisation."""

import re
import unicodedata
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from builder.schema.fields import Part

BUILT_IN = ("light@1", "standard@1")
"""The profiles that a dataset may name without defining them."""

LINE_ENDS = "\n\r\v\f\N{NEXT LINE}\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}"


def _character(name: str) -> str:
    """The one character of a Unicode name, or of a number such as U+00A0."""
    number = re.fullmatch(r"U\+([0-9A-F]{4,6})", name)
    try:
        character = chr(int(number[1], 16)) if number else unicodedata.lookup(name)
    except (KeyError, ValueError, OverflowError):
        raise ValueError(f"no character is named {name!r}; write its Unicode name, or its number as U+0640") from None
    if len(character) != 1:
        raise ValueError(f"{name!r} names {len(character)} characters, not one")
    if character in LINE_ENDS or character == " ":
        raise ValueError(f"{name!r} ends lines or parts words: no profile may change what becomes of it")
    return character


Character = Annotated[str, AfterValidator(_character)]


class OwnProfile(Part):
    """A built-in profile with exceptions: characters, by Unicode name, that it keeps, deletes or replaces."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,29}@[1-9]\d{0,3}$")]
    base: Literal["light@1", "standard@1"]
    keep: tuple[Character, ...] = ()
    delete: tuple[Character, ...] = ()
    replace: dict[Character, Character] = Field(default_factory=dict)

    def __hash__(self) -> int:
        return hash(self.model_dump_json())

    @model_validator(mode="after")
    def _one_fate(self) -> Self:
        named = [*self.keep, *self.delete, *self.replace]
        twice = sorted({unicodedata.name(c, f"U+{ord(c):04X}") for c in named if named.count(c) > 1})
        if twice:
            raise ValueError(f"one character has two fates: {', '.join(twice)}")
        unsettled = [unicodedata.name(c) for c in self.replace.values() if c in named]
        if unsettled:
            raise ValueError(f"a replacement is itself changed or kept: {', '.join(unsettled)}")
        return self


class Profiles(Part):
    """schema/profiles.yaml, which a project need not have."""

    version: Annotated[int, Field(ge=1)]
    profiles: Annotated[tuple[OwnProfile, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [profile.name for profile in self.profiles]
        twice = sorted({name for name in names if names.count(name) > 1 or name in BUILT_IN})
        if twice:
            raise ValueError(f"profile name given twice, or built in: {', '.join(twice)}")
        return self

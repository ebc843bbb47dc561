"""Models of schema/profiles.yaml: the project's own normalisation profiles."""

import re
import unicodedata
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from builder.schema.built_in import BUILT_IN, LINE_ENDS
from builder.schema.fields import Part


def _character(name: str) -> str:
    """Return the character of a Unicode name or of a code point such as U+00A0.

    Raises ValueError if there is none, or if it is a line end or the space.
    """
    number = re.fullmatch(r"U\+([0-9A-F]{4,6})", name)
    try:
        character = chr(int(number[1], 16)) if number else unicodedata.lookup(name)
    except (KeyError, ValueError, OverflowError):
        raise ValueError(f"unknown character {name!r}; use its Unicode name, or its code point as in U+0640") from None
    if len(character) != 1:
        raise ValueError(f"{name!r} names {len(character)} characters, not one")
    if character in LINE_ENDS or character == " ":
        raise ValueError(f"{name!r} is a line end or the space, which a profile may not change; remove it")
    return character


Character = Annotated[str, AfterValidator(_character)]


class OwnProfile(Part):
    """A built-in profile with exceptions: characters (by Unicode name) to keep, delete or replace."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,29}@[1-9][0-9]{0,3}$")]
    base: Literal["light@1", "standard@1"]
    keep: tuple[Character, ...] = ()
    delete: tuple[Character, ...] = ()
    replace: dict[Character, Character] = Field(default_factory=dict)

    def __hash__(self) -> int:
        return hash(self.model_dump_json())

    @model_validator(mode="after")
    def _one_fate(self) -> Self:
        named = [*self.keep, *self.delete, *self.replace]
        duplicates = sorted({unicodedata.name(c, f"U+{ord(c):04X}") for c in named if named.count(c) > 1})
        if duplicates:
            raise ValueError(f"character listed twice in keep, delete and replace: {', '.join(duplicates)}")
        chained = [unicodedata.name(c) for c in self.replace.values() if c in named]
        if chained:
            raise ValueError(f"replacement is itself kept, deleted or replaced: {', '.join(chained)}")
        return self


class Profiles(Part):
    """The content of schema/profiles.yaml, an optional file."""

    version: Annotated[int, Field(ge=1)]
    profiles: Annotated[tuple[OwnProfile, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [profile.name for profile in self.profiles]
        taken = sorted({name for name in names if names.count(name) > 1 or name in BUILT_IN})
        if taken:
            raise ValueError(f"profile name is a duplicate or built in: {', '.join(taken)}")
        return self

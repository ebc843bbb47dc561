"""The built-in policies of characters that profiles are made of."""

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyarabic import araby

from builder.schema import built_in
from builder.text import contexts
from builder.text.contexts import CONTROLS, HAMZA_MARKS, MARKS, Stays

if TYPE_CHECKING:
    from builder.schema.profiles import OwnProfile

NAMES = (*built_in.BUILT_IN, "search@1")

SPACES = "\t" + "".join(c for c in map(chr, range(0x80, 0x3001)) if unicodedata.category(c) == "Zs")


@dataclass(frozen=True, slots=True)
class Policy:
    """One kind of change: a character table, or a rule that applies in a context."""

    name: str
    changes: Mapping[str, str]
    context: str = ""


def _presentation_forms() -> dict[str, str]:
    """Map presentation forms to their letters (at most three), and carriers of marks to the mark alone."""
    forms: dict[str, str] = {}
    for code in (*range(0xFB50, 0xFDD0), *range(0xFE70, 0xFEFD)):
        plain = unicodedata.normalize("NFKC", chr(code)).strip(" " + araby.TATWEEL)
        if 0 < len(plain) <= 3 and plain != chr(code):
            forms[chr(code)] = plain
    return forms


PRESENTATION_FORMS = _presentation_forms()


def _folded_letters() -> dict[str, str]:
    """Map letters as search@1 does: without hamza and madda, Western digits, lower-case Latin."""
    folded = {"\N{ARABIC LETTER ALEF WASLA}": "ا", "ى": "ي", "ة": "ه", **dict.fromkeys(HAMZA_MARKS, "")}
    for letter in map(chr, range(0x0620, 0x0700)):
        parts = unicodedata.normalize("NFD", letter)
        if len(parts) == 2 and parts[1] in HAMZA_MARKS:
            folded[letter] = parts[0]
    folded |= {chr(zero + digit): str(digit) for zero in (0x0660, 0x06F0) for digit in range(10)}
    latin = map(chr, (*range(0x41, 0x5B), *range(0xC0, 0x0250), *range(0x1E00, 0x1F00)))
    return folded | {letter: letter.lower()[0] for letter in latin if letter.lower() != letter}


_COMPOSED = Policy(
    "composed", {}, "NFC: a letter and its combining marks become the composed letter, in Unicode's order"
)

TATWEEL = Policy("tatweel", {araby.TATWEEL: ""}, "it stays in heh as an abbreviation, as in 1447 هـ")

FATHATAN = Policy("fathatan", {}, "alef and fathatan become fathatan and alef")

FARSI = Policy("farsi", contexts.FARSI, "only in a word whose other letters are Arabic")

FOLDED = Policy("folded", _folded_letters())

_LIGHT = (
    _COMPOSED,
    Policy(
        "line ends",
        dict.fromkeys(built_in.LINE_ENDS.removeprefix("\n"), "\n"),
        "carriage return and line feed become one line feed",
    ),
    Policy("controls", dict.fromkeys(CONTROLS, "")),
    Policy("spaces", dict.fromkeys(SPACES, " ")),
    TATWEEL,
    Policy("presentation forms", PRESENTATION_FORMS),
)

_STANDARD = (*_LIGHT, Policy("marks", dict.fromkeys(MARKS, "")), FARSI)

BUILT_IN = {"light@1": (*_LIGHT, FATHATAN), "standard@1": _STANDARD, "search@1": (*_STANDARD, FOLDED)}

STAYS = {
    TATWEEL.name: Stays(contexts.is_abbreviation, contexts.HEH + CONTROLS, contexts.ABBREVIATED),
    FARSI.name: Stays(contexts.in_foreign_word),
}


def policies_of(name: str, own: "OwnProfile | None" = None) -> tuple[Policy, ...]:
    """Return the policies of a profile; a project's own profile of that name takes precedence.

    Raises ValueError, listing the known names, if there is no such profile.
    """
    if own is not None and own.name == name:
        return _own_policies(own)
    if name not in NAMES:
        raise ValueError(f"no profile {name!r}; the profiles are {', '.join(NAMES)}")
    return BUILT_IN[name]


def _own_policies(own: "OwnProfile") -> tuple[Policy, ...]:
    """Return the policies of the base profile without the exceptions, followed by the project's own changes."""
    kept = {*own.keep, *own.delete, *own.replace}
    base = (
        Policy(policy.name, {c: put for c, put in policy.changes.items() if c not in kept}, policy.context)
        for policy in BUILT_IN[own.base]
    )
    return (*base, Policy("own", {**dict.fromkeys(own.delete, ""), **own.replace}))


def profile_digest(name: str, policies: Sequence[Policy]) -> str:
    """Return the sha256 of everything that a profile does (64 hex digits)."""
    rules = [name, *(ascii((policy.name, sorted(policy.changes.items()), policy.context)) for policy in policies)]
    rules += [contexts.HIJRI.pattern, contexts.FARSI_WORD.pattern, contexts.FATHATAN.pattern]
    return hashlib.sha256("\0".join(rules).encode()).hexdigest()


def profile_id(name: str, own: "OwnProfile | None" = None) -> str:
    """Return name@version+hash of a profile, without compiling its table.

    Raises ValueError if there is no such profile.
    """
    return id_of(name, profile_digest(name, policies_of(name, own)))


def id_of(name: str, digest: str) -> str:
    """Return name@version+hash, the identifier stored with each article."""
    return f"{name}+{digest[:8]}"

"""Context-dependent character rules: NFC composition, fathatan order, Farsi letters, tatweel after heh.

Each rule returns the changes of one text. characters.py selects the few texts that need these rules.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain, compress, groupby
from typing import TYPE_CHECKING

from pyarabic import araby

if TYPE_CHECKING:
    from builder.text.aligned import Change  # with numpy, which `status` does without

HAMZA_MARKS = "\N{ARABIC MADDAH ABOVE}\N{ARABIC HAMZA ABOVE}\N{ARABIC HAMZA BELOW}"

MARKS = "".join(sorted(
    {*araby.TASHKEEL, *araby.DIACRITICS, *araby.SMALL, *map(chr, [*range(0x0898, 0x08A0), *range(0x08CA, 0x0900)])}
    - {*HAMZA_MARKS, *araby.TATWEEL, "\N{ARABIC END OF AYAH}", "\u08e2"}
))  # fmt: skip
"""Vowel signs, shadda, superscript alef and Quranic marks. Hamza and madda marks are parts of letters, so not here."""

CONTROLS = "".join(
    [
        "\N{ARABIC LETTER MARK}\N{LEFT-TO-RIGHT MARK}\N{RIGHT-TO-LEFT MARK}",
        *map(chr, range(0x202A, 0x202F)),  # embeddings and overrides
        *map(chr, range(0x2066, 0x206A)),  # isolates
        "\N{ZERO WIDTH SPACE}\N{WORD JOINER}\N{ZERO WIDTH NO-BREAK SPACE}\N{SOFT HYPHEN}",
        *map(chr, [*range(0xFDD0, 0xFDF0), 0xFFFE, 0xFFFF]),  # noncharacters
        *(c for c in map(chr, [*range(0x20), *range(0x7F, 0xA0)]) if c not in "\t\n\v\f\r\N{NEXT LINE}"),
    ]
)
"""Invisible characters to delete. ZWNJ and ZWJ shape letters, so they are kept."""

FARSI = {"\N{ARABIC LETTER FARSI YEH}": "\N{ARABIC LETTER YEH}", "\N{ARABIC LETTER KEHEH}": "\N{ARABIC LETTER KAF}"}

LETTERS = "".join(araby.LETTERS) + "\N{ARABIC LETTER ALEF WASLA}"

_IN_WORD = f"\\w{MARKS}{HAMZA_MARKS}"

FARSI_WORD = re.compile(
    f"(?<![{_IN_WORD}])(?=[{_IN_WORD}]*[{LETTERS}])"
    f"[{LETTERS}{''.join(FARSI)}{MARKS}{HAMZA_MARKS}{araby.TATWEEL}]+(?![{_IN_WORD}])"
)
"""A word of Arabic letters and the two Farsi letters, with at least one Arabic letter.

A word with any other letter, such as پاریس, does not match.
"""

HEH = "\N{ARABIC LETTER HEH}\ufee9\ufeea\ufeeb\ufeec"
"""Heh and its presentation forms."""

HIJRI = re.compile(f"[{araby.TATWEEL}{MARKS}{HAMZA_MARKS}{CONTROLS}\ufc5e-\ufc63\ufcf2-\ufcf4\ufe70-\ufe7f]*+(?!\\w)")
"""Text that may follow the tatweel of the abbreviation heh (Hijri year), as in 1447 هـ.

Marks may be in presentation forms.
"""

LONG_WORD = 64
"""Code points searched on each side of a letter for the bounds of its word."""

_SPACE = re.compile(r"\s")

FATHATAN = re.compile(f"(?<=[{LETTERS}\N{ARABIC SHADDA}])\N{ARABIC LETTER ALEF}\N{ARABIC FATHATAN}(?![{LETTERS}])")


@dataclass(frozen=True, slots=True)
class Around:
    """Characters one of which stands two before, directly before, and directly behind a character."""

    second: str
    first: str
    following: str


@dataclass(frozen=True, slots=True)
class Stays:
    """A test whether a character at a position of a text stays."""

    test: Callable[[str, int], bool]
    behind: str = ""
    """The characters of which one stands before a character that stays; none if any may."""
    surely: Around | None = None
    """Where a character stays if the table changes none of the three; no later step of a profile changes that."""


ABBREVIATED = Around(" \n()[]«»\"'،؛:.,-/0123456789٠١٢٣٤٥٦٧٨٩", "\N{ARABIC LETTER HEH}", " \n()[]«»\"'،؛:.,-/")
"""The usual places of the abbreviation heh: behind a number or a space, and before a space or a sign."""


def is_abbreviation(text: str, position: int) -> bool:
    """Return whether the tatweel at a position belongs to the abbreviation heh, as in 1447 هـ.

    That tatweel is part of the spelling and is kept.
    """
    heh = _before_controls(text, position) - 1
    if heh < 0 or text[heh] not in HEH:
        return False
    before = _before_controls(text, heh) - 1
    return not _is_in_word(text[before] if before >= 0 else " ") and HIJRI.match(text, position + 1) is not None


def _is_in_word(character: str) -> bool:
    return (character.isalnum() and not character.isdecimal()) or unicodedata.combining(character) > 0


def _before_controls(text: str, position: int) -> int:
    """Return the position moved back over control characters."""
    while position and text[position - 1] in CONTROLS:
        position -= 1
    return position


def in_foreign_word(text: str, position: int) -> bool:
    """Return whether the Farsi letter at a position is not clearly inside an otherwise Arabic word."""
    low = text.rfind(" ", max(0, position - LONG_WORD), position) + 1
    high = text.find(" ", position, position + LONG_WORD)
    if (low == 0 and position >= LONG_WORD) or (high < 0 and len(text) > position + LONG_WORD):
        return True
    high = high if high >= 0 else len(text)
    words = (word for word in FARSI_WORD.finditer(text, low, high) if word.start() <= position < word.end())
    return all(_beside_removable(text, *word.span()) for word in words)


def _beside_removable(text: str, start: int, end: int) -> bool:
    """Return whether a control or a mark is adjacent to a word.

    When it is deleted or composed, more letters may join the word.
    """
    beside = text[start - 1 : start] + text[end : end + 1] if start else text[end : end + 1]
    return any(character in CONTROLS or unicodedata.combining(character) for character in beside)


def drop_tatweel(text: str) -> "list[Change]":
    """Return the deletions of tatweel, except in the abbreviation heh.

    >>> drop_tatweel("عام 1447 هـ"), drop_tatweel("هـذا")
    ([], [(1, 2, '')])
    """
    if araby.TATWEEL not in text:
        return []
    positions = (match.start() for match in re.finditer(araby.TATWEEL, text))
    return [(position, position + 1, "") for position in positions if not is_abbreviation(text, position)]


def order_fathatan(text: str) -> "list[Change]":
    """Return the changes that move fathatan before its alef, onto the letter that carries it.

    >>> order_fathatan("قدما\N{ARABIC FATHATAN}") == [(3, 5, "\N{ARABIC FATHATAN}ا")]
    True
    """
    swapped = "\N{ARABIC FATHATAN}\N{ARABIC LETTER ALEF}"
    return [(m.start(), m.end(), swapped) for m in FATHATAN.finditer(text)]


def replace_farsi(text: str, letters: Mapping[str, str]) -> "list[Change]":
    """Return the changes of Farsi letters to Arabic ones, in otherwise Arabic words.

    >>> replace_farsi("شب\N{ARABIC LETTER KEHEH}ة \N{ARABIC LETTER PEH}\N{ARABIC LETTER KEHEH}", FARSI) == [(2, 3, "ك")]
    True
    """
    changes: list[Change] = []
    scanned = 0
    if not any(letter in text for letter in letters):
        return changes
    for match in re.finditer(f"[{''.join(letters)}]", text):
        if match.start() < scanned:
            continue
        low = max(scanned, *(text.rfind(space, scanned, match.start()) + 1 for space in " \n"))
        space = _SPACE.search(text, match.end())
        scanned = space.start() if space else len(text)
        changes += [
            (at, at + 1, letters[letter])
            for word in FARSI_WORD.finditer(text, low, scanned)
            for at, letter in enumerate(word[0], word.start())
            if letter in letters
        ]
    return changes


def compose(text: str) -> "list[Change]":
    """Return the changes that normalise a text to NFC, one per combining sequence.

    >>> compose("e\N{COMBINING ACUTE ACCENT}")
    [(0, 2, 'é')]
    """
    if unicodedata.is_normalized("NFC", text):
        return []
    return [
        _trimmed(match.start(), match[0], _composed(match[0]))
        for match in _sequence().finditer(text)
        if not unicodedata.is_normalized("NFC", match[0])
    ]


@cache
def _sequence() -> re.Pattern[str]:
    """Compile the pattern of the sequences that NFC may change."""
    after = re.escape("".join(sorted(trailing())))
    alone = re.escape("".join(c for c in unsettled() if c not in trailing()))
    return re.compile(f"[^{after}]?[{after}]+|[{alone}]")


def _composed(sequence: str) -> str:
    """Return the NFC of a sequence.

    The marks of a long sequence are ordered first, because NFC takes quadratic time in their number.
    """
    if len(sequence) > 64:
        runs = groupby(sequence, key=lambda c: unicodedata.combining(c) > 0)
        sequence = "".join(c for marks, run in runs for c in (sorted(run, key=unicodedata.combining) if marks else run))
    return unicodedata.normalize("NFC", sequence)


def _trimmed(start: int, before: str, after: str) -> "Change":
    """Return a change without the common prefix and suffix, so that reordered marks leave their letter unchanged."""
    head = 0
    while head < min(len(before), len(after)) - 1 and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < min(len(before), len(after)) - head - 1 and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    return start + head, start + len(before) - tail, after[head : len(after) - tail]


COMPOSING = (range(0xC0, 0x3400), range(0xA000, 0xAC00), range(0xF900, 0x1F000), range(0x2F800, 0x2FA20))
"""Unicode ranges with characters that compose, decompose or are reordered by NFC."""


@cache
def unsettled() -> str:
    """Return the characters that NFC may change, compose with the previous character, or reorder."""
    characters, trail = [*map(chr, chain(*COMPOSING))], trailing()
    stable = [unicodedata.is_normalized("NFC", character) for character in characters]
    properties = zip(characters, map(unicodedata.combining, characters), stable, strict=True)
    return "".join([c for c, combines, is_stable in properties if combines or not is_stable or c in trail])


@cache
def trailing() -> frozenset[str]:
    """Return the characters that NFC may compose with the previous character or order after it."""
    characters = [*map(chr, chain(*COMPOSING))]
    after = {*compress(characters, map(unicodedata.combining, characters))}
    for decomposed in {*map(unicodedata.decomposition, characters)}:
        if decomposed and decomposed[0] != "<":
            after.update(chr(int(part, 16)) for part in decomposed.split()[1:])
    after.update(map(chr, (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))))  # Hangul vowels and finals
    return frozenset(after)

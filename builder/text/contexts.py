"""What a character becomes because of its neighbours: composition, fathatan, Farsi letters, heh.

Each function gives the changes of one text; most texts have none, and are not looked at
(characters.py says which ask). Does not compose changes: aligned.py does.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from itertools import groupby

from pyarabic import araby

from builder.text.aligned import Change
from builder.text.characters import trailing, unsettled

HAMZA_MARKS = "\N{ARABIC MADDAH ABOVE}\N{ARABIC HAMZA ABOVE}\N{ARABIC HAMZA BELOW}"

MARKS = "".join(sorted(
    {*araby.TASHKEEL, *araby.DIACRITICS, *araby.SMALL, *map(chr, [*range(0x0898, 0x08A0), *range(0x08CA, 0x0900)])}
    - {*HAMZA_MARKS, *araby.TATWEEL, "\N{ARABIC END OF AYAH}", "\u08e2"}
))  # fmt: skip
"""Vowel signs, shadda, superscript alef, Quranic marks; the hamza and madda marks are letters' parts."""

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
"""Invisible characters that go; ZWNJ and ZWJ shape letters and stay."""

FARSI = {"\N{ARABIC LETTER FARSI YEH}": "\N{ARABIC LETTER YEH}", "\N{ARABIC LETTER KEHEH}": "\N{ARABIC LETTER KAF}"}

LETTERS = "".join(araby.LETTERS) + "\N{ARABIC LETTER ALEF WASLA}"

_IN_WORD = f"\\w{MARKS}{HAMZA_MARKS}"

FARSI_WORD = re.compile(
    f"(?<![{_IN_WORD}])(?=[{_IN_WORD}]*[{LETTERS}])"
    f"[{LETTERS}{''.join(FARSI)}{MARKS}{HAMZA_MARKS}{araby.TATWEEL}]+(?![{_IN_WORD}])"
)
"""A word of Arabic letters and the two Farsi ones, at least one of them Arabic: پاریس has another, and is left."""

HEH = "\N{ARABIC LETTER HEH}\ufee9\ufeea\ufeeb\ufeec"
"""Heh and its presentation forms."""

HIJRI = re.compile(f"[{araby.TATWEEL}{MARKS}{HAMZA_MARKS}{CONTROLS}\ufc5e-\ufc63\ufcf2-\ufcf4\ufe70-\ufe7f]*+(?!\\w)")
"""What follows the tatweel of heh as an abbreviation, as in 1447 heh; a mark may have a presentation form."""

LONG_WORD = 64
"""Code points to each side of a letter that are looked at for the bounds of its word."""

_SPACE = re.compile(r"\s")

FATHATAN = re.compile(f"(?<=[{LETTERS}\N{ARABIC SHADDA}])\N{ARABIC LETTER ALEF}\N{ARABIC FATHATAN}(?![{LETTERS}])")


def is_abbreviation(text: str, place: int) -> bool:
    """Whether the tatweel at a place is that of heh as an abbreviation, as in 1447 heh: it is spelling, and stays."""
    heh = _before_controls(text, place) - 1
    if heh < 0 or text[heh] not in HEH:
        return False
    before = _before_controls(text, heh) - 1
    return not _is_in_word(text[before] if before >= 0 else " ") and HIJRI.match(text, place + 1) is not None


def _is_in_word(character: str) -> bool:
    return (character.isalnum() and not character.isdecimal()) or unicodedata.combining(character) > 0


def _before_controls(text: str, place: int) -> int:
    while place and text[place - 1] in CONTROLS:
        place -= 1
    return place


def is_foreign(text: str, place: int) -> bool:
    """Whether the Farsi letter at a place is not plainly in a word that is otherwise Arabic."""
    low = text.rfind(" ", max(0, place - LONG_WORD), place) + 1
    high = text.find(" ", place, place + LONG_WORD)
    if (low == 0 and place >= LONG_WORD) or (high < 0 and len(text) > place + LONG_WORD):
        return True
    high = high if high >= 0 else len(text)
    words = (word for word in FARSI_WORD.finditer(text, low, high) if word.start() <= place < word.end())
    return all(_is_parted(text, *word.span()) for word in words)


def _is_parted(text: str, start: int, end: int) -> bool:
    """Whether a control or a mark stands beside a word: where it goes, or is composed, letters may join the word."""
    beside = text[start - 1 : start] + text[end : end + 1] if start else text[end : end + 1]
    return any(character in CONTROLS or unicodedata.combining(character) for character in beside)


def drop_tatweel(text: str) -> list[Change]:
    """Tatweel goes, but in heh as an abbreviation.

    >>> drop_tatweel("عام 1447 هـ"), drop_tatweel("هـذا")
    ([], [(1, 2, '')])
    """
    if araby.TATWEEL not in text:
        return []
    found = (m.start() for m in re.finditer(araby.TATWEEL, text))
    return [(place, place + 1, "") for place in found if not is_abbreviation(text, place)]


def order_fathatan(text: str) -> list[Change]:
    """Fathatan goes before its alef, as its letter carries it.

    >>> order_fathatan("قدما\N{ARABIC FATHATAN}") == [(3, 5, "\N{ARABIC FATHATAN}ا")]
    True
    """
    swapped = "\N{ARABIC FATHATAN}\N{ARABIC LETTER ALEF}"
    return [(m.start(), m.end(), swapped) for m in FATHATAN.finditer(text)]


def make_arabic(text: str, letters: Mapping[str, str]) -> list[Change]:
    """Farsi letters become Arabic ones in words that are otherwise Arabic.

    >>> make_arabic("شب\N{ARABIC LETTER KEHEH}ة \N{ARABIC LETTER PEH}\N{ARABIC LETTER KEHEH}", FARSI) == [(2, 3, "ك")]
    True
    """
    changes: list[Change] = []
    looked = 0
    if not any(letter in text for letter in letters):
        return changes
    for found in re.finditer(f"[{''.join(letters)}]", text):
        if found.start() < looked:
            continue
        low = max(looked, *(text.rfind(space, looked, found.start()) + 1 for space in " \n"))
        space = _SPACE.search(text, found.end())
        looked = space.start() if space else len(text)
        changes += [
            (at, at + 1, letters[letter])
            for word in FARSI_WORD.finditer(text, low, looked)
            for at, letter in enumerate(word[0], word.start())
            if letter in letters
        ]
    return changes


def compose(text: str) -> list[Change]:
    """NFC, one change for each combining sequence that it changes.

    >>> compose("e\N{COMBINING ACUTE ACCENT}")
    [(0, 2, 'é')]
    """
    if unicodedata.is_normalized("NFC", text):
        return []
    return [
        _trimmed(found.start(), found[0], _composed(found[0]))
        for found in _sequence().finditer(text)
        if not unicodedata.is_normalized("NFC", found[0])
    ]


@cache
def _sequence() -> re.Pattern[str]:
    after = re.escape("".join(sorted(trailing())))
    alone = re.escape("".join(c for c in unsettled() if c not in trailing()))
    return re.compile(f"[^{after}]?[{after}]+|[{alone}]")


def _composed(sequence: str) -> str:
    """NFC of a sequence; a long one has its marks ordered first, as NFC itself is quadratic in them."""
    if len(sequence) > 64:
        runs = groupby(sequence, key=lambda c: unicodedata.combining(c) > 0)
        sequence = "".join(c for marks, run in runs for c in (sorted(run, key=unicodedata.combining) if marks else run))
    return unicodedata.normalize("NFC", sequence)


def _trimmed(start: int, before: str, after: str) -> Change:
    """The change without what is the same at both ends: reordered marks leave their letter, or their line, alone."""
    head = 0
    while head < min(len(before), len(after)) - 1 and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < min(len(before), len(after)) - head - 1 and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    return start + head, start + len(before) - tail, after[head : len(after) - tail]

"""Normalisation profiles: what changes, and exactly where.

`light@1` keeps marks and puts fathatan before its alef; `standard@1` is what is annotated;
`search@1` makes keys and is never published. The tables are compiled from pyarabic's constants.
Does not drop lines (corpus/clean.py), and never applies NFKC to a whole text.
"""

import hashlib
import re
import sys
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import groupby

from pyarabic import araby

from builder.text.aligned import AlignedText, Change, identity

NAMES = ("light@1", "standard@1", "search@1")

CONTROLS = "".join(
    [
        "\N{ARABIC LETTER MARK}\N{LEFT-TO-RIGHT MARK}\N{RIGHT-TO-LEFT MARK}",
        *map(chr, range(0x202A, 0x202F)),  # embeddings and overrides
        *map(chr, range(0x2066, 0x206A)),  # isolates
        "\N{ZERO WIDTH SPACE}\N{WORD JOINER}\N{ZERO WIDTH NO-BREAK SPACE}\N{SOFT HYPHEN}",
        *(c for c in map(chr, [*range(0x20), *range(0x7F, 0xA0)]) if c not in "\t\n\v\f\r\N{NEXT LINE}"),
    ]
)
"""Invisible characters that go; ZWNJ and ZWJ shape letters and stay."""
NEW_LINES = "\r\v\f\N{NEXT LINE}\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}"
SPACES = "\t" + "".join(c for c in map(chr, range(0x80, 0x3001)) if unicodedata.category(c) == "Zs")
HAMZA_MARKS = "\N{ARABIC MADDAH ABOVE}\N{ARABIC HAMZA ABOVE}\N{ARABIC HAMZA BELOW}"
MARKS = "".join(sorted(
    {*araby.TASHKEEL, *araby.DIACRITICS, *araby.SMALL, *map(chr, [*range(0x0898, 0x08A0), *range(0x08CA, 0x0900)])}
    - {*HAMZA_MARKS, *araby.TATWEEL, "\N{ARABIC END OF AYAH}", "\u08e2"}
))  # fmt: skip
"""Vowel signs, shadda, superscript alef, Quranic marks; the hamza and madda marks are letters' parts."""
FARSI = {"\N{ARABIC LETTER FARSI YEH}": "\N{ARABIC LETTER YEH}", "\N{ARABIC LETTER KEHEH}": "\N{ARABIC LETTER KAF}"}
_LETTERS = "".join(araby.LETTERS) + "\N{ARABIC LETTER ALEF WASLA}"
_IN_WORD = f"\\w{MARKS}{HAMZA_MARKS}"
_FARSI_WORD = re.compile(
    f"(?<![{_IN_WORD}])(?=[{_IN_WORD}]*[{_LETTERS}])(?=[{_IN_WORD}]*[{''.join(FARSI)}])"
    f"[{_LETTERS}{''.join(FARSI)}{MARKS}{HAMZA_MARKS}{araby.TATWEEL}]+(?![{_IN_WORD}])"
)
_ABBREVIATED_HIJRI = re.compile(
    f"(?<=(?<![^\\W\\d_]|[{MARKS}{HAMZA_MARKS}])\N{ARABIC LETTER HEH}{araby.TATWEEL})"
    f"[{araby.TATWEEL}{MARKS}{HAMZA_MARKS}{CONTROLS}]*+(?!\\w)"
)
"""Just after the tatweel of heh as an abbreviation, as in 1447 heh: that tatweel is spelling and stays."""
_FATHATAN = re.compile(f"(?<=[{_LETTERS}\N{ARABIC SHADDA}])\N{ARABIC LETTER ALEF}\N{ARABIC FATHATAN}(?![{_LETTERS}])")


def _presentation_forms() -> dict[str, str]:
    """Presentation forms of at most three letters as those letters; carriers of marks as the mark alone."""
    forms: dict[str, str] = {}
    for code in (*range(0xFB50, 0xFDD0), *range(0xFE70, 0xFEFD)):
        plain = unicodedata.normalize("NFKC", chr(code)).strip(" " + araby.TATWEEL)
        if 0 < len(plain) <= 3 and plain != chr(code):
            forms[chr(code)] = plain
    return forms


FORMS = _presentation_forms()


def _folded_letters() -> dict[str, str]:
    """What search@1 makes of letters: bare of hamza and madda, Western digits, lower-case Latin."""
    folded = {"\N{ARABIC LETTER ALEF WASLA}": "ا", "ى": "ي", "ة": "ه", **dict.fromkeys(HAMZA_MARKS, "")}
    for letter in map(chr, range(0x0620, 0x0700)):
        parts = unicodedata.normalize("NFD", letter)
        if len(parts) == 2 and parts[1] in HAMZA_MARKS:
            folded[letter] = parts[0]
    folded |= {chr(zero + digit): str(digit) for zero in (0x0660, 0x06F0) for digit in range(10)}
    latin = map(chr, (*range(0x41, 0x5B), *range(0xC0, 0x0250), *range(0x1E00, 0x1F00)))
    return folded | {letter: letter.lower()[0] for letter in latin if letter.lower() != letter}


_FOLDED = _folded_letters()
_FOLDING = str.maketrans(_FOLDED)
_FOLDABLE = re.compile(f"[{''.join(_FOLDED)}]")


@dataclass(frozen=True, slots=True)
class Profile:
    """A named, versioned normalisation; `hash` is taken over its compiled tables (8 hex digits)."""

    name: str
    hash: str

    @property
    def id(self) -> str:
        """What is stored with each article: name, version and hash of the tables."""
        return f"{self.name}+{self.hash}"

    def apply(self, raw: str) -> AlignedText:
        """Normalise a raw text, keeping the way back.

        >>> profile("standard@1").apply("قَدَمًا").text
        'قدما'
        """
        aligned = identity(raw)
        while True:  # a deletion can bring a letter and its hamza together: until nothing changes
            before = aligned.text
            aligned = _nfc(aligned)
            for step in _STEPS[self.name]:
                changes = step(aligned.text)
                aligned = aligned.replace(changes) if changes else aligned
            if aligned.text == before:
                break
        return aligned if self.name != "search@1" else _nfc(aligned.replace(_fold_letters(aligned.text)))

    def apply_batch(self, raws: Sequence[str]) -> list[AlignedText]:
        """Normalise many raw texts."""
        return [self.apply(raw) for raw in raws]

    def fold(self, text: str) -> str:
        """The text of search@1, whatever this profile is: for keys and matching, never published.

        >>> profile("standard@1").fold("إقرأ أيضًا")
        'اقرا ايضا'
        """
        return unicodedata.normalize("NFC", profile("standard@1").apply(text).text.translate(_FOLDING))


def _character_step(marks: str) -> tuple[re.Pattern[str], dict[str, str]]:
    """One class of all characters that go or change by themselves, and what becomes of each."""
    table = dict.fromkeys(CONTROLS + marks + araby.TATWEEL, "")
    table |= dict.fromkeys(NEW_LINES, "\n") | dict.fromkeys(SPACES, " ")
    table |= {form: "".join(c for c in plain if c not in marks) for form, plain in FORMS.items()}
    return re.compile(f"[{re.escape(''.join(table))}]"), table


_LIGHT, _STANDARD = _character_step(""), _character_step(MARKS)


def _map_characters(step: tuple[re.Pattern[str], dict[str, str]], text: str) -> list[Change]:
    pattern, table = step
    changes: list[Change] = []
    for found in pattern.finditer(text):
        at, character = found.start(), found[0]
        if character == araby.TATWEEL and _ABBREVIATED_HIJRI.match(text, at + 1):
            continue
        put = "" if character == "\r" and text[at + 1 : at + 2] == "\n" else table[character]
        changes.append((at, at + 1, put))
    return changes


def _order_fathatan(text: str) -> list[Change]:
    swapped = "\N{ARABIC FATHATAN}\N{ARABIC LETTER ALEF}"
    return [(m.start(), m.end(), swapped) for m in _FATHATAN.finditer(text)]


def _make_farsi_letters_arabic(text: str) -> list[Change]:
    if not any(letter in text for letter in FARSI):
        return []  # the pattern looks at every word: most news has none of these letters
    return [
        (at, at + 1, FARSI[letter])
        for word in _FARSI_WORD.finditer(text)
        for at, letter in enumerate(word[0], word.start())
        if letter in FARSI
    ]


def _fold_letters(text: str) -> list[Change]:
    return [(m.start(), m.end(), _FOLDED[m[0]]) for m in _FOLDABLE.finditer(text)]


_STEPS: dict[str, tuple[Callable[[str], list[Change]], ...]] = {
    "light@1": (partial(_map_characters, _LIGHT), _order_fathatan),
    "standard@1": (partial(_map_characters, _STANDARD), _make_farsi_letters_arabic),
    "search@1": (partial(_map_characters, _STANDARD), _make_farsi_letters_arabic),  # then folded, once
}


@cache
def _trailing() -> str:
    """Characters that NFC may join to, or order after, the one before them."""
    joined: set[str] = set()
    for code in range(sys.maxunicode + 1):
        decomposed = unicodedata.decomposition(chr(code))
        if decomposed and decomposed[0] != "<":
            joined.update(chr(int(part, 16)) for part in decomposed.split()[1:])
        if unicodedata.combining(chr(code)):
            joined.add(chr(code))
    joined.update(map(chr, (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))))  # Hangul vowels and finals
    return re.escape("".join(sorted(joined)))


@cache
def _sequence() -> re.Pattern[str]:
    return re.compile(f"[^{_trailing()}]?[{_trailing()}]+|[^\0-\u02ff{_trailing()}]")


def _nfc(aligned: AlignedText) -> AlignedText:
    """NFC, one edit for each combining sequence that it changes."""
    if unicodedata.is_normalized("NFC", aligned.text):
        return aligned
    changes = [
        _trimmed(found.start(), found[0], _composed(found[0]))
        for found in _sequence().finditer(aligned.text)
        if not unicodedata.is_normalized("NFC", found[0])
    ]
    return aligned.replace(changes)


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


@cache
def profile(name: str) -> Profile:
    """The profile of a name; raises ValueError with the known names for another.

    >>> profile("standard@1").name
    'standard@1'
    """
    if name not in NAMES:
        raise ValueError(f"no profile {name!r}; the profiles are {', '.join(NAMES)}")
    _, table = _LIGHT if name == "light@1" else _STANDARD
    rules = [name, ascii(sorted(table.items())), _ABBREVIATED_HIJRI.pattern]
    rules.append(_FATHATAN.pattern if name == "light@1" else _FARSI_WORD.pattern)
    if name == "search@1":
        rules.append(ascii(sorted(_FOLDED.items())))
    return Profile(name, hashlib.sha256("\0".join(rules).encode()).hexdigest()[:8])

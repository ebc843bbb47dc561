"""Detection of mojibake and of visual-order text. Nothing is repaired; a damaged text is only reported."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Garbled:
    """Mojibake in a text.

    `what` names the cause, `start` is the code point of the first occurrence, and `share` is the share of
    the text's visible code points.
    """

    what: str
    start: int
    share: float
    sample: str
    fix: str

    @property
    def message(self) -> str:
        """Return the warning's text, with unprintable characters replaced since a terminal may interpret them."""
        printable = "".join(letter if letter.isprintable() else "\N{MIDDLE DOT}" for letter in self.sample)
        return f"{self.share:.0%} of the text is {self.what}, from character {self.start}: «{printable}»"


def _continuation(encoding: str) -> str:
    """Return the body of a regex class that matches the bytes 80 to BF as decoded by `encoding`."""
    return re.escape(bytes(range(0x80, 0xC0)).decode(encoding, "ignore"))


LOST = re.compile("\N{REPLACEMENT CHARACTER}+")

UNDO = "read the source again as {}, or undo it with `{}`"

WINDOWS_1252 = _continuation("windows-1252") + _continuation("latin-1")
"""Continuation bytes; latin-1 too, because decoders read the bytes that windows-1252 lacks as in latin-1."""

WINDOWS_1256 = _continuation("windows-1256")

ACCENTED = "[\N{LATIN CAPITAL LETTER A WITH GRAVE}-\N{LATIN SMALL LETTER Y WITH DIAERESIS}]"

# Pattern, a shorter one that finds quickly whether it can occur, cause, fix. No written language has two UTF-8 byte
# pairs in a row read this way, or four accented letters in a row.
GARBLED = (
    (
        re.compile(rf"(?:[ØÙÚÛ][{WINDOWS_1252}]){{2,}}"),
        re.compile(rf"[ØÙÚÛ][{WINDOWS_1252}][ØÙÚÛ]"),
        "UTF-8 that was read as windows-1252",
        UNDO.format("UTF-8", "iconv -f UTF-8 -t WINDOWS-1252"),
    ),
    (
        re.compile(rf"(?:[طظ][{WINDOWS_1256}]){{2,}}"),
        re.compile(rf"[طظ][{WINDOWS_1256}][طظ]"),
        "UTF-8 that was read as windows-1256",
        UNDO.format("UTF-8", "iconv -f UTF-8 -t WINDOWS-1256"),
    ),
    (
        re.compile(f"{ACCENTED}{{4,}}"),
        re.compile(ACCENTED * 4),
        "windows-1256 that was read as windows-1252",
        UNDO.format("windows-1256", "iconv -f UTF-8 -t WINDOWS-1252 | iconv -f WINDOWS-1256 -t UTF-8"),
    ),
    (
        LOST,
        re.compile("\N{REPLACEMENT CHARACTER}"),
        "replacement characters left by a faulty decoding",
        "these letters are lost; fetch the source again and decode it strictly",
    ),
)

LEAST_LOST = 3

LEAST_GARBLED = 8


def mojibake(text: str) -> Garbled | None:
    """Find the most frequent kind of mojibake; return None below 8 such characters (3 replacement characters).

    >>> garbled = mojibake("قال: " + "السلام عليكم".encode().decode("windows-1256"))
    >>> garbled.what, garbled.start, round(garbled.share, 2)
    ('UTF-8 that was read as windows-1256', 5, 0.85)
    """
    worst: Garbled | None = None
    for pattern, quick, what, fix in GARBLED:
        if not quick.search(text):
            continue
        matches = list(pattern.finditer(text))
        size = sum(match.end() - match.start() for match in matches)
        if size < (LEAST_LOST if pattern is LOST else LEAST_GARBLED):
            continue
        share = size / sum(not letter.isspace() for letter in text)
        if worst is None or share > worst.share:
            worst = Garbled(what, matches[0].start(), share, matches[0][0][:20], fix)
    return worst


FORM = re.compile(r"[\ufb50-\ufdef\ufe80-\ufefc]")

FORM_WORD = re.compile(r"[\u0610-\u061a\u0620-\u065f\u066e-\u06d3\ufb50-\ufdef\ufe70-\ufefc]+")

TRANSPARENT = re.compile(r"[\u0610-\u061a\u064b-\u065f\u0670\ufe70-\ufe7f]")

LEAST_VOTES = 3
"""Reversed joints in a text; fewer are typing errors rather than visual order."""


@dataclass(frozen=True, slots=True)
class VisualOrder:
    """Visual order in a text: the share of its Arabic letters that are in reversed words, and the first such word.

    `start` is the code point at which that word begins.
    """

    share: float
    start: int
    sample: str

    @property
    def message(self) -> str:
        """Return the text of the report."""
        return f"{self.share:.0%} of its letters stand last letter first, from character {self.start}: «{self.sample}»"


def visual_order(text: str) -> VisualOrder | None:
    r"""Find words of presentation forms stored in visual order, last letter first; return None if there are none.

    Within a word, a letter joins the next exactly when the next joins it, and nothing joins at either end.
    A joint that is valid only when read backwards votes for visual order; one valid only forwards votes against it.

    >>> visual_order("\ufe8f\ufe8e\ufe98\ufedb " * 3).share
    1.0
    >>> visual_order("\ufedb\ufe98\ufe8e\ufe8f " * 3) is None
    True
    """
    if not FORM.search(text):
        return None
    votes = backward = letters = 0
    first: re.Match[str] | None = None
    for word in FORM_WORD.finditer(text):
        size = len(TRANSPARENT.sub("", word[0]))
        letters += size
        vote = _vote(word[0]) if FORM.search(word[0]) else 0
        votes += vote
        if vote > 0:
            backward += size
            first = first or word
    if first is None or votes < LEAST_VOTES:
        return None
    return VisualOrder(backward / letters, first.start(), first[0][:20])


def _vote(word: str) -> int:
    """Count the joints of a word that are valid only backwards, minus those valid only forwards."""
    joins = [(False, False), *(_joins(letter) for letter in TRANSPARENT.sub("", word)), (False, False)]
    vote = 0
    for here, following in pairwise(joins):
        if here and following:  # the joints of a plain letter are unknown
            vote += (here[1] != following[0]) - (here[0] != following[1])
    return vote


@cache
def _joins(letter: str) -> tuple[bool, bool] | None:
    """Return whether a presentation form joins the letter before and the letter after; None for other characters."""
    form = unicodedata.decomposition(letter).partition(" ")[0]
    return (form in ("<medial>", "<final>"), form in ("<initial>", "<medial>")) if FORM.match(letter) else None

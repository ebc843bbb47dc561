"""Encoding detection, and detection of mojibake and of visual-order text.

Nothing is repaired. Bytes are decoded strictly or rejected, and a damaged text is only reported.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Literal

NAMES = ("utf-8", "utf-16-le", "utf-16-be", "windows-1256")
"""The supported encodings, by the names used in Document.encoding."""

Known = Literal["default", "mark", "declared", "detected", "repaired"]
"""How an encoding was determined; a mark is a byte order mark, and a repaired text has lost some bytes."""

BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"

MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}

UTF_32_LE = b"\xff\xfe\0\0"

ASCII = bytes(range(128))

# High bytes of UTF-16 code units in Arabic news: ASCII, Arabic, general punctuation, presentation forms.
HIGH = b"\x00\x06\x20\xfb\xfc\xfd\xfe"

LEAST_UNITS = 12
"""UTF-16 code units; detection of UTF-16 without a mark skips shorter texts."""

LEAST_WORDS = 5
"""Arabic words; detection of windows-1256 skips shorter texts."""

CONTROL = re.compile(r"[\0-\x08\x0e-\x1f\x7f]")

LETTERS = re.compile(r"[A-Za-z0-9\u0620-\u064a\u0660-\u0669\ufb50-\ufdff\ufe70-\ufefc]")

ARABIC_WORD = re.compile(r"[\u0621-\u063a\u0640-\u0652]{2,}")

# About one in three words of Arabic news matches; in a text of another alphabet, misread, hardly any does.
COMMON = re.compile(
    r"[وفبك]?ال\w{2,}|[وف]?لل\w{2,}|[وف]?(?:في|من|على|عن|مع|[إا]لى|[أإا]ن|[أإا]نه|[أإا]نها|هذا|هذه|ذلك|التي|الذي|كان|كانت"
    r"|قال|قد|لم|لا|ما|هو|هي|بعد|قبل|بين|خلال|منذ|حتى|كما|أو|كل|غير|عام|يوم|أمس|اليوم)"
)

# Latin letters inside Arabic words, and many signs that are rare in prose, point to another alphabet or to UTF-8.
LATIN = "A-Za-z\N{LATIN CAPITAL LETTER A WITH GRAVE}-\N{LATIN SMALL LETTER Y WITH DIAERESIS}ŒœƒŠŽž"

MIXED = re.compile(rf"[\u0621-\u063a\u0641-\u0652][{LATIN}]|[{LATIN}][\u0621-\u063a\u0641-\u0652]")

RARE = re.compile(r"[\u0080-\u009f¢-©¬\u00ad®-º¼-¾×÷ƒˆ†‡‰پٹچژڈگکڑںھہے]")

JSON_ESCAPE = re.compile(r"\\[bfnrt]")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded text without its byte order mark, its encoding (one of NAMES), and how that was determined."""

    text: str
    encoding: str
    known: Known

    @property
    def said(self) -> str:
        """Return the value of Document.encoding.

        >>> Decoded("", "utf-8", "default").said, Decoded("", "windows-1256", "detected").said
        ('utf-8', 'windows-1256, detected')
        """
        return self.encoding if self.known == "default" else f"{self.encoding}, {self.known}"


def decode(content: bytes, declared: str | None = None) -> Decoded:
    """Decode bytes strictly, by byte order mark, content or the declared encoding (one of NAMES).

    Non-ASCII bytes that are valid UTF-8 are decoded as UTF-8 whatever was declared, because no windows-1256
    text is valid UTF-8 by accident. Raises UnicodeDecodeError if no encoding fits; its position is that in
    the encoding that fits best.

    >>> decode("افتتح الوزير أمس المعرض السنوي في العاصمة".encode("cp1256"))
    Decoded(text='افتتح الوزير أمس المعرض السنوي في العاصمة', encoding='windows-1256', known='detected')
    """
    for mark, encoding in MARKS.items():
        if content.startswith(mark) and not content.startswith(UTF_32_LE):
            return Decoded(content.decode(encoding).removeprefix(BYTE_ORDER_MARK), encoding, "mark")
    if declared in ("utf-16-le", "utf-16-be"):
        return Decoded(content.decode(declared), declared, "declared")
    wide = None if declared else _wide(content)
    if wide:
        return Decoded(content.decode(wide), wide, "detected")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        if declared == "utf-8" or _mostly_utf8(content):
            raise
        text = content.decode("windows-1256")
        if declared or _convinces(text):
            return Decoded(text, "windows-1256", "declared" if declared else "detected")
        raise
    if not declared:
        return Decoded(text, "utf-8", "default")
    overruled = declared != "utf-8" and not content.isascii()
    return Decoded(text, "utf-8", "detected") if overruled else Decoded(text, declared, "declared")


def _wide(content: bytes) -> str | None:
    """Return the byte order of UTF-16 without a mark, or None.

    In UTF-16 news every other byte is the high byte of a letter, a digit or a space.
    """
    if len(content) < 2 * LEAST_UNITS:
        return None
    for encoding, high, low in (
        ("utf-16-le", content[1::2], content[::2]),
        ("utf-16-be", content[::2], content[1::2]),
    ):
        few = len(high.translate(None, HIGH)) <= len(high) // 10
        if few and len(low.translate(None, HIGH)) > len(low) // 2:
            text = content.decode(encoding, "replace")
            if not CONTROL.search(text) and len(LETTERS.findall(text)) >= len(text) // 2:
                return encoding
    return None


def _mostly_utf8(content: bytes) -> bool:
    """Return whether a quarter or more of the non-ASCII bytes form whole UTF-8 characters (damaged UTF-8)."""
    high = len(content.translate(None, ASCII))
    whole = len(content.decode("utf-8", "ignore").encode().translate(None, ASCII))
    return whole * 4 >= high


def _convinces(text: str) -> bool:
    """Return whether a text decoded as windows-1256 is Arabic prose; the decoding itself accepts any byte."""
    words = ARABIC_WORD.findall(text)
    if len(words) < LEAST_WORDS or CONTROL.search(text):
        return False
    common = sum(COMMON.fullmatch(word) is not None for word in words)
    mixed = len(MIXED.findall(JSON_ESCAPE.sub(" ", text)))
    return common * 8 >= len(words) and (mixed + len(RARE.findall(text))) * 10 <= len(words)


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

# Pattern, cause, fix. No written language has two UTF-8 byte pairs in a row read this way, or four accented
# letters in a row.
GARBLED = (
    (
        # Latin-1 too, because decoders read the bytes that windows-1252 lacks as in latin-1.
        re.compile(rf"(?:[ØÙÚÛ][{_continuation('windows-1252')}{_continuation('latin-1')}]){{2,}}"),
        "UTF-8 that was read as windows-1252",
        UNDO.format("UTF-8", "iconv -f UTF-8 -t WINDOWS-1252"),
    ),
    (
        re.compile(rf"(?:[طظ][{_continuation('windows-1256')}]){{2,}}"),
        "UTF-8 that was read as windows-1256",
        UNDO.format("UTF-8", "iconv -f UTF-8 -t WINDOWS-1256"),
    ),
    (
        re.compile("[\N{LATIN CAPITAL LETTER A WITH GRAVE}-\N{LATIN SMALL LETTER Y WITH DIAERESIS}]{4,}"),
        "windows-1256 that was read as windows-1252",
        UNDO.format("windows-1256", "iconv -f UTF-8 -t WINDOWS-1252 | iconv -f WINDOWS-1256 -t UTF-8"),
    ),
    (
        LOST,
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
    for pattern, what, fix in GARBLED:
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

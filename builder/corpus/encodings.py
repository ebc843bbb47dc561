"""Which encoding bytes are in, and whether a text was spoiled before it came here.

Nothing is repaired: bytes are decoded strictly or refused, and a spoiled text is only named.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Literal

NAMES = ("utf-8", "utf-16-le", "utf-16-be", "windows-1256")
"""The encodings that are read, as Document.encoding names them."""

Known = Literal["default", "mark", "declared", "detected"]

BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
UTF_32_LE = b"\xff\xfe\0\0"
ASCII = bytes(range(128))
# High bytes of UTF-16 news: ASCII, Arabic, general punctuation, presentation forms.
HIGH = b"\x00\x06\x20\xfb\xfc\xfd\xfe"
LEAST_UNITS = 12
"""UTF-16 code units; a shorter text without a mark is not judged."""
LEAST_WORDS = 5
"""Arabic words; a shorter text is not judged to be windows-1256."""

CONTROL = re.compile(r"[\0-\x08\x0e-\x1f\x7f]")
LETTERS = re.compile(r"[A-Za-z0-9\u0620-\u064a\u0660-\u0669\ufb50-\ufdff\ufe70-\ufefc]")
ARABIC_WORD = re.compile(r"[\u0621-\u063a\u0640-\u0652]{2,}")
# One in three words of Arabic news is one of these; in an alphabet that was misread hardly any is.
COMMON = re.compile(
    r"[وفبك]?ال\w{2,}|[وف]?لل\w{2,}|[وف]?(?:في|من|على|عن|مع|[إا]لى|[أإا]ن|[أإا]نه|[أإا]نها|هذا|هذه|ذلك|التي|الذي|كان|كانت"
    r"|قال|قد|لم|لا|ما|هو|هي|بعد|قبل|بين|خلال|منذ|حتى|كما|أو|كل|غير|عام|يوم|أمس|اليوم)"
)
# Latin letters inside Arabic words, and signs that no prose is full of: another alphabet, or UTF-8.
LATIN = "A-Za-z\N{LATIN CAPITAL LETTER A WITH GRAVE}-\N{LATIN SMALL LETTER Y WITH DIAERESIS}ŒœƒŠŽž"
MIXED = re.compile(rf"[\u0621-\u063a\u0641-\u0652][{LATIN}]|[{LATIN}][\u0621-\u063a\u0641-\u0652]")
RARE = re.compile(r"[\u0080-\u009f¢-©¬\u00ad®-º¼-¾×÷ƒˆ†‡‰پٹچژڈگکڑںھہے]")
JSON_ESCAPE = re.compile(r"\\[bfnrt]")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text without its byte order mark, one of NAMES, and how that was known."""

    text: str
    encoding: str
    known: Known

    @property
    def said(self) -> str:
        """What a Document says of it.

        >>> Decoded("", "utf-8", "default").said, Decoded("", "windows-1256", "detected").said
        ('utf-8', 'windows-1256, detected')
        """
        return self.encoding if self.known == "default" else f"{self.encoding}, {self.known}"


def decode(content: bytes, declared: str | None = None) -> Decoded:
    """Decode by mark, by content, or by what was declared (one of NAMES), strictly.

    UTF-8 that is not plain ASCII is read as such whatever was declared: no windows-1256 text is UTF-8
    by chance. Raises UnicodeDecodeError where nothing fits, placed in the encoding that fits best.

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
    """UTF-16 without a mark: every other byte is the high byte of a letter, a digit or a space."""
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
    """Whether a quarter or more of the non-ASCII bytes stand in whole UTF-8 characters: broken UTF-8."""
    high = len(content.translate(None, ASCII))
    whole = len(content.decode("utf-8", "ignore").encode().translate(None, ASCII))
    return whole * 4 >= high


def _convinces(text: str) -> bool:
    """Whether a text decoded as windows-1256, where every byte is a character, is Arabic prose."""
    words = ARABIC_WORD.findall(text)
    if len(words) < LEAST_WORDS or CONTROL.search(text):
        return False
    common = sum(COMMON.fullmatch(word) is not None for word in words)
    mixed = len(MIXED.findall(JSON_ESCAPE.sub(" ", text)))
    return common * 8 >= len(words) and (mixed + len(RARE.findall(text))) * 10 <= len(words)


@dataclass(frozen=True, slots=True)
class Garbled:
    """Mojibake in a text: what happened to it, from which code point, and its share of the visible ones."""

    what: str
    start: int
    share: float
    sample: str
    fix: str

    @property
    def message(self) -> str:
        """What to tell; a terminal would obey some of the characters of a sample."""
        shown = "".join(letter if letter.isprintable() else "\N{MIDDLE DOT}" for letter in self.sample)
        return f"{self.share:.0%} of the text is {self.what}, from character {self.start}: «{shown}»"


def _continuation(encoding: str) -> str:
    """The inside of a regex class: how the bytes 80 to BF read in an encoding."""
    return re.escape(bytes(range(0x80, 0xC0)).decode(encoding, "ignore"))


LOST = re.compile("\N{REPLACEMENT CHARACTER}+")
UNDO = "read the source again as {}, or undo it with `{}`"
# What it looks like, what happened, the way back. Two UTF-8 pairs in a row, or four accented
# letters in a row, stand in no written language.
GARBLED = (
    (
        # Latin-1 too: the bytes that windows-1252 lacks come out as in latin-1.
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
        "replacement characters of a decoding with faults",
        "these letters are lost: fetch the source again, and decode it strictly",
    ),
)
LEAST_LOST = 3
LEAST_GARBLED = 8


def mojibake(text: str) -> Garbled | None:
    """Find the commonest kind of mojibake; None under 8 such characters (3 of the replacement character).

    >>> garbled = mojibake("قال: " + "السلام عليكم".encode().decode("windows-1256"))
    >>> garbled.what, garbled.start, round(garbled.share, 2)
    ('UTF-8 that was read as windows-1256', 5, 0.85)
    """
    worst: Garbled | None = None
    for look, what, fix in GARBLED:
        found = list(look.finditer(text))
        size = sum(one.end() - one.start() for one in found)
        if size < (LEAST_LOST if look is LOST else LEAST_GARBLED):
            continue
        share = size / sum(not letter.isspace() for letter in text)
        if worst is None or share > worst.share:
            worst = Garbled(what, found[0].start(), share, found[0][0][:20], fix)
    return worst


FORM = re.compile(r"[\ufb50-\ufdef\ufe80-\ufefc]")
FORM_WORD = re.compile(r"[\u0610-\u061a\u0620-\u065f\u066e-\u06d3\ufb50-\ufdef\ufe70-\ufefc]+")
TRANSPARENT = re.compile(r"[\u0610-\u061a\u064b-\u065f\u0670\ufe70-\ufe7f]")
LEAST_VOTES = 3
"""Reversed joints in a text; fewer are a slip of a keyboard, not an order."""


@dataclass(frozen=True, slots=True)
class Reversed:
    """Visual order: the share of a text's Arabic letters that stand in reversed words, and the first such word."""

    share: float
    start: int
    sample: str

    @property
    def message(self) -> str:
        """What to tell."""
        return f"{self.share:.0%} of its letters stand last letter first, from character {self.start}: «{self.sample}»"


def visual_order(text: str) -> Reversed | None:
    r"""Find words of presentation forms stored as they are painted, last letter first.

    Inside a word a letter joins the next exactly when the next joins it; at its ends nothing joins.
    A joint that is right only when read backwards votes for visual order, the opposite against it.

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
    return Reversed(backward / letters, first.start(), first[0][:20])


def _vote(word: str) -> int:
    """Joints of a word that are right only backwards, less those that are right only forwards."""
    joins = [(False, False), *(_joins(letter) for letter in TRANSPARENT.sub("", word)), (False, False)]
    vote = 0
    for here, following in pairwise(joins):
        if here and following:  # a plain letter's joints are not known
            vote += (here[1] != following[0]) - (here[0] != following[1])
    return vote


@cache
def _joins(letter: str) -> tuple[bool, bool] | None:
    """Whether a presentation form joins the letter before it and the one after it; None of any other character."""
    form = unicodedata.decomposition(letter).partition(" ")[0]
    return (form in ("<medial>", "<final>"), form in ("<initial>", "<medial>")) if FORM.match(letter) else None

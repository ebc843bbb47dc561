"""Encoding detection and decoding.

Bytes are decoded or rejected. A few bytes that are invalid in an otherwise valid text are replaced, counted and reported.
"""

import codecs
import re
from dataclasses import dataclass
from typing import Literal

NAMES = ("utf-8", "utf-16-le", "utf-16-be", "windows-1256")
"""The supported encodings, by the names used in Document.encoding."""

Known = Literal["default", "mark", "declared", "detected", "damaged"]
"""How an encoding was determined; a mark is a byte order mark, and a damaged text has lost characters."""

CODECS = {"windows-1256": "cp1256"}
"""Python's names of the encodings that it names otherwise."""

MOST_LOST = 0.05
"""Share of a text's non-ASCII characters that are invalid, above which the text is rejected."""

OTHERS = ("iso-8859-6", "cp720", "mac-arabic")
"""Encodings of Arabic that are recognised and not read."""

BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"

MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}

UTF_32_LE = b"\xff\xfe\0\0"

ASCII = bytes(range(128))

# High bytes of UTF-16 code units in Arabic news: ASCII, Arabic, general punctuation, presentation forms.
HIGH = b"\x00\x06\x20\xfb\xfc\xfd\xfe"

LEAST_UNITS = 12
"""UTF-16 code units; detection of UTF-16 without a mark skips shorter texts."""

LOOK = 1 << 20
"""Bytes or characters whose words and letters are counted, an even number."""

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

LOST = "\N{REPLACEMENT CHARACTER}"

JSON_ESCAPE = re.compile(r"\\[bfnrt]")


@dataclass(frozen=True, slots=True)
class Encoding:
    """One of NAMES, and how it was determined."""

    name: str
    known: Known

    @property
    def codec(self) -> str:
        """Return Python's name of the encoding."""
        return CODECS.get(self.name, self.name)

    @property
    def said(self) -> str:
        """Return the value of Document.encoding.

        >>> Encoding("utf-8", "default").said, Encoding("windows-1256", "detected").said
        ('utf-8', 'windows-1256, detected')
        """
        return self.name if self.known == "default" else f"{self.name}, {self.known}"


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded text without its byte order mark, its encoding (one of NAMES), and how that was determined.

    `lost` counts the places of invalid bytes, each of which is a replacement character in the text.
    """

    text: str
    encoding: str
    known: Known
    lost: int = 0

    @property
    def said(self) -> str:
        """Return the value of Document.encoding.

        >>> Decoded("", "utf-8", "default").said, Decoded("", "utf-8", "damaged", 2).said
        ('utf-8', 'utf-8, damaged')
        """
        return Encoding(self.encoding, self.known).said


def decode(content: bytes, declared: str | None = None) -> Decoded:
    """Decode bytes by byte order mark, content or the declared encoding (one of NAMES).

    Non-ASCII bytes that are valid UTF-8 are decoded as UTF-8 whatever was declared, because no windows-1256
    text is valid UTF-8 by accident. A few invalid bytes are replaced (`decode_as`). Raises UnicodeDecodeError if no
    encoding fits; its position is that in the encoding that fits best.

    >>> decode("افتتح الوزير أمس المعرض السنوي في العاصمة".encode("cp1256"))
    Decoded(text='افتتح الوزير أمس المعرض السنوي في العاصمة', encoding='windows-1256', known='detected', lost=0)
    """
    for mark, encoding in MARKS.items():
        if content.startswith(mark) and not content.startswith(UTF_32_LE):
            return decode_as(content[len(mark) :], Encoding(encoding, "mark"), len(mark))
    if declared in ("utf-16-le", "utf-16-be"):
        return decode_as(content, Encoding(declared, "declared"))
    wide = None if declared else _wide(content)
    return decode_as(content, Encoding(wide, "detected")) if wide else _narrow(content, declared)


def _narrow(content: bytes, declared: str | None) -> Decoded:
    """Decode bytes as UTF-8 or windows-1256."""
    if _utf_32(content):
        raise UnicodeDecodeError("utf-8", content, 0, 1, "UTF-32")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        if declared == "utf-8" or _mostly_utf8(content):
            return decode_as(content, Encoding("utf-8", "declared" if declared else "default"))
        text = content.decode("windows-1256")
        if _convinces(text) or (declared and other_encoding(content) is None):
            return Decoded(text, "windows-1256", "declared" if declared else "detected")
        raise
    if not declared:
        return Decoded(text, "utf-8", "default")
    overruled = declared != "utf-8" and not content.isascii()
    return Decoded(text, "utf-8", "detected") if overruled else Decoded(text, declared, "declared")


def decode_as(content: bytes, encoding: Encoding, offset: int = 0) -> Decoded:
    """Decode bytes in an encoding, and replace a few invalid ones, such as a letter that the end of a file cuts.

    Raises UnicodeDecodeError if more than MOST_LOST of the non-ASCII characters are invalid; its position counts the
    `offset` bytes of a mark too.

    >>> decode_as("خبر عاجل".encode()[:-1], Encoding("utf-8", "default"))
    Decoded(text='خبر عاج�', encoding='utf-8', known='damaged', lost=1)
    """
    try:
        return Decoded(content.decode(encoding.codec), encoding.name, encoding.known)
    except UnicodeDecodeError as error:
        text = content.decode(encoding.codec, "replace")
        lost = text.count(LOST) - content.count(LOST.encode(encoding.codec))
        letters = len(text) - len(text.encode("ascii", "ignore"))
        cut = lost == 1 and error.end >= len(content) and letters > 1
        if cut or lost <= letters * MOST_LOST:
            return Decoded(text, encoding.name, "damaged", lost)
        where = error.start + offset, error.end + offset
        raise UnicodeDecodeError(encoding.name, bytes(offset) + content, *where, error.reason) from None


def encoding_of(sample: bytes, declared: str | None = None, *, whole: bool) -> Encoding | None:
    """Return the encoding of a file by its first bytes; None if another encoding of Arabic fits, and none of NAMES.

    A file with invalid bytes is UTF-8, so that each of its lines is decoded or rejected for itself. A sample that is
    not the `whole` file may end in the middle of a character.
    """
    try:
        decoded = decode(sample if whole else _whole_characters(sample), declared)
    except UnicodeDecodeError as error:
        if error.encoding != "utf-8":  # a mark or a declaration says so
            return Encoding(error.encoding, "declared" if declared == error.encoding else "mark")
        return None if other_encoding(sample) else Encoding("utf-8", "default")
    if decoded.known == "damaged":
        return Encoding(decoded.encoding, "default" if decoded.encoding == "utf-8" else "mark")
    return Encoding(decoded.encoding, decoded.known)


def _whole_characters(sample: bytes) -> bytes:
    """Return a sample without the character that its end cuts, in UTF-8 and in UTF-16."""
    for length in range(1, min(len(sample), 3) + 1):
        byte = sample[-length]
        if byte >= 0xC0:
            return sample[:-length]
        if byte < 0x80:
            break
    return sample[: len(sample) // 2 * 2]


def other_encoding(content: bytes) -> str | None:
    """Return the encoding of OTHERS, or UTF-32, in which bytes are Arabic prose; None if none is, or windows-1256 is.

    >>> other_encoding("افتتح الوزير أمس المعرض السنوي في العاصمة".encode("iso-8859-6"))
    'iso-8859-6'
    """
    wide = _utf_32(content)
    if wide:
        return wide
    best, most = None, 0
    for encoding in OTHERS:
        text = content.decode(encoding, "replace")
        spaces = text.count(" ")
        if _convinces(text) and text.count(LOST) * 100 <= len(text) and spaces > most:
            best, most = encoding, spaces
    return best


def _utf_32(content: bytes) -> str | None:
    """Return the kind of UTF-32 of bytes, by their mark or since half of them are zeros in their places; or None."""
    if content.startswith((UTF_32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    head = content[:4_000]
    used = [any(head[place::4]) for place in range(4)]
    orders = {(True, True, False, False): "utf-32-le", (False, False, True, True): "utf-32-be"}
    return orders.get((used[0], used[1], used[2], used[3])) if len(head) >= 4 * LEAST_UNITS else None


def _wide(content: bytes) -> str | None:
    """Return the byte order of UTF-16 without a mark, or None.

    In UTF-16 news every other byte is the high byte of a letter, a digit or a space.
    """
    content = content[:LOOK]
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
    words = ARABIC_WORD.findall(text, 0, LOOK)
    if len(words) < LEAST_WORDS or CONTROL.search(text):
        return False
    common = sum(COMMON.fullmatch(word) is not None for word in words)
    mixed = len(MIXED.findall(JSON_ESCAPE.sub(" ", text[:LOOK])))
    return common * 8 >= len(words) and (mixed + len(RARE.findall(text, 0, LOOK))) * 10 <= len(words)

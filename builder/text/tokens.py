"""Tokenisation, sentence splitting and canonical span boundaries.

Offsets are code points, end exclusive. Clitics are not split off: a word extends to the next space or
punctuation, including its marks, tatweel and invisible characters. Invisible characters elsewhere belong to no token.
"""

import re
import unicodedata

from builder.text.invisible import IGNORABLE

MARK = (
    IGNORABLE
    + "\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u0898-\u089f\u08ca-\u08e1\u08e3-\u08ff\u0300-\u036f"
)
"""What belongs to the letter before it: marks, tatweel, and invisible characters, which never begin a token."""

ARABIC = "\u0621-\u063a\u0641-\u064a\u0671-\u06d3"

_LATIN = "A-Za-z\u00c0-\u024f"

DIGIT = "0-9\u0660-\u0669\u06f0-\u06f9"

_POINT = ".,\u066b\u066c"

_IN_WORD = f"[\\w{MARK}]"

_LETTER = f"(?![{DIGIT}_])\\w[{MARK}]*+"

_CLITIC = "[وفبلك]"

_INSIDE = f"(?:(?<=[{_LATIN}])['\u2019](?=[{_LATIN}])|(?<=[{DIGIT}])[{_POINT}](?=[{DIGIT}]))"
"""Characters that join two parts of one word: an apostrophe between Latin letters, the point in a number."""

_IN_URL = r"[^\s<>\"«»“”،؛؟…()\[\]{}]*"

_TONE = "[\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]*+"
"""What belongs to an emoji: its presentation, its skin tone, and the tags of a flag."""

_TOKEN = re.compile(
    f"(?![\\s{IGNORABLE}])(?:"  # reject a space once, not once for each kind of token
    + "|".join([
        # Most words and points come first, for speed. Excludes abbreviations and words with a number.
        f"[{ARABIC}]{_IN_WORD}++(?!\\.\\w|[{_POINT}][{DIGIT}]|[%\u066a]|['\u2019][{_LATIN}])",
        '[.،:»«"()؛؟!]',
        f"(?:https?://|www\\.)(?=\\w){_IN_URL}(?:\\([^\\s()]*+\\){_IN_URL})*(?<![.,:;!?'\u2019])",
        r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+",  # bounded: linear on long lines
        f"[@#]{_IN_WORD}+",
        "[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9])",
        f"[{DIGIT}]+(?:[{_POINT}/:][{DIGIT}]+)*(?:[%\u066a]|{_IN_WORD}*)",
        f"{_LETTER}(?:\\.{_LETTER})+(?!{_IN_WORD})",
        f"{_CLITIC}{_LETTER}(?:\\.{_LETTER}){{2,}}(?!{_IN_WORD})",
        f"[^\\W_]{_IN_WORD}*+(?:{_INSIDE}{_IN_WORD}++)*+(?:(?<=[{DIGIT}])[%\u066a])?",
        f"{_IN_WORD}+",
        "[\U0001f1e6-\U0001f1ff]{2}",
        f"\\S{_TONE}(?:\u200d[^\\s\\w]{_TONE})*+",  # parts of one emoji stay together
    ])
    + ")"
)  # fmt: skip

_CLOSING = "»\"'”’)\\]}›"

_ENDS = ".!?؟…"

_STOP = re.compile(
    f"[{_ENDS}\\n](?:"
    + "|".join([
        "(?<=\\n)\\n*",
        f"(?<![{_ENDS}][{_ENDS}\\n])[{_ENDS}]*+(?: [!?؟…]++)*+(?:[{_CLOSING}{IGNORABLE}]| ++[»”)\\]}}›])*+(?=\\s|\\Z)(?! ++[/،؛:,;])",
        f"(?<=[؟!])(?=[{ARABIC}])",  # news often has no space after it
        f"(?<=[{ARABIC}{MARK}]{{2}}\\.)(?=[{ARABIC}][{ARABIC}{MARK}])",
    ])
    + ")"
)  # fmt: skip

_NO_STOP = re.compile(
    f"(?:(?<![^\\s(\\[«\"“‘'،؛:-])(?:{_LETTER}(?:\\.{_LETTER})*|و[دأم](?:\\.{_LETTER})*"
    f"|{_CLITIC}{_LETTER}(?:\\.{_LETTER})+|Dr|Mr|Mrs|Ms|Prof|St|vs)|(?m:^)[ \\t]*[{DIGIT}]{{1,3}})\\.\\Z"
)
"""A point that ends no sentence: of an initial, a title (also after waw), an abbreviation or a line number."""

_AFTER_NUMBER = re.compile(f"[{DIGIT}] +[مصه]\u0640?\\.\\Z")
"""A letter after a year or an hour, as in 1447 هـ. The point after it ends a sentence."""

_SEEN = re.compile(f"[^\\s{IGNORABLE}]")

_LONGEST = 5
"""A word of this many letters before the point is no title."""

_LOOKED_AT = 16
"""Code points before a point that are searched for an abbreviation."""


def tokenize(text: str) -> list[tuple[int, int]]:
    """Tokenise a text into (start, end) pairs, in order; every visible character belongs to a token.

    An invisible character (IGNORABLE) that follows no word belongs to none.

    >>> text = "بلغ ٣٫٥٪ في (مرجانة)،"
    >>> [text[start:end] for start, end in tokenize(text)]
    ['بلغ', '٣٫٥٪', 'في', '(', 'مرجانة', ')', '،']
    """
    return [match.span() for match in _TOKEN.finditer(text)]


def sentences(text: str) -> list[tuple[int, int]]:
    """Split a text into sentences as (start, end) pairs, trimmed of white space.

    A sentence ends at . ! ? ؟ … and at line ends. It does not end at a comma, semicolon or colon, nor at the
    point of an initial or an abbreviation.

    >>> text = "وصل د. سالم. هل عاد؟ نعم، عاد."
    >>> [text[start:end] for start, end in sentences(text)]
    ['وصل د. سالم.', 'هل عاد؟', 'نعم، عاد.']
    """
    spans: list[tuple[int, int]] = []
    start = 0
    ends = [stop.end() for stop in _STOP.finditer(text) if _is_end(text, stop.start())]
    for end in [*ends, len(text)]:
        piece = text[start:end]
        left, right = start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())
        if _SEEN.search(text, left, right):
            spans.append((left, right))
        start = end
    return spans


def _is_end(text: str, start: int) -> bool:
    """Return whether the stop at `start` ends a sentence."""
    if text[start] != "." or text[start + 1 : start + 2] in (*_ENDS,):
        return True
    if start > _LONGEST and text[start - _LONGEST : start].isalpha():
        return True
    low = max(0, start - _LOOKED_AT)
    return not _NO_STOP.search(text, low, start + 1) or bool(_AFTER_NUMBER.search(text, low, start + 1))


def canonical_span(text: str, start: int, end: int, *, whole_words: bool = True) -> tuple[int, int] | None:
    """Return the canonical boundaries of a span: trimmed of what is no word, extended to whole words.

    White space, punctuation and invisible characters are trimmed; an invisible character inside or after a word is part
    of the word. With `whole_words`, clitics stay with their word, as in ANERcorp and Wojood. Returns None if nothing is
    left. Raises ValueError if it is out of bounds.

    >>> text = "قال «وبمرجانة» أمس"
    >>> canonical_span(text, 4, 9)
    (5, 13)
    """
    if not 0 <= start <= end <= len(text):
        raise ValueError(f"span {start}:{end} is outside a text of {len(text)} code points")
    while start < end and is_edge(text[start]):
        start += 1
    while start < end and is_edge(text[end - 1]):
        end -= 1
    if start >= end:
        return None
    first, last = _token_at(text, start), _token_at(text, end - 1)
    if not whole_words:  # invisible characters after the last letter are a part of it
        seen = _SEEN.search(text, end, last[1])
        return start, seen.start() if seen else last[1]
    return min(start, first[0]), max(end, last[1])


def _token_at(text: str, position: int) -> tuple[int, int]:
    """Return the token that holds a character, searching only between the white space around it."""
    low, high = text.rfind(" ", 0, position) + 1, text.find(" ", position)
    high = len(text) if high < 0 else high
    for space in "\n\t":
        low, end = max(low, text.rfind(space, low, position) + 1), text.find(space, position, high)
        high = end if end >= 0 else high
    return next(match.span() for match in _TOKEN.finditer(text, low, high) if match.end() > position)


def is_edge(character: str) -> bool:
    """Return whether a span never begins or ends with a character: white space, punctuation or an invisible one."""
    return not is_seen(character) or unicodedata.category(character)[0] in "PZ"


def is_seen(character: str) -> bool:
    """Return whether a character is neither white space nor invisible."""
    return bool(_SEEN.match(character))

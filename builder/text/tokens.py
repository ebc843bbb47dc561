"""Tokens and sentences with offsets, and the canonical edges of a span.

Offsets are code points, end exclusive. Does not strip clitics: a word is what stands between
spaces and punctuation, with its marks, tatweel and joiners.
"""

import re
import unicodedata

_MARK = "\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u0898-\u089f\u08ca-\u08e1\u08e3-\u08ff\u0300-\u036f\u200c\u200d"
_DIGIT = "0-9\u0660-\u0669\u06f0-\u06f9"
_WORD = f"[^\\W_](?:[\\w{_MARK}]|(?<=[A-Za-z])['\u2019](?=[A-Za-z])|(?<=[{_DIGIT}])[.,\u066b\u066c](?=[{_DIGIT}]))*"
_LETTER = f"(?![{_DIGIT}_])\\w"
_TOKEN = re.compile(
    "|".join([
        r"(?:https?://|www\.)[^\s<>\"«»،؛]*[^\s<>\"«»،؛.,:!?؟)\]]",
        r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+",  # bounded: linear on long lines
        f"[@#][\\w{_MARK}]+",
        f"[{_DIGIT}]+(?:[.,\u066b\u066c/:][{_DIGIT}]+)*(?:[%\u066a]|[\\w{_MARK}]*)",
        f"{_LETTER}(?:\\.{_LETTER})+(?![\\w{_MARK}])",
        _WORD,
        f"[\\w{_MARK}]+",
        r"\S",
    ])
)  # fmt: skip
_CLOSING = "»\"'”’)\\]}›"
_ENDS = ".!?؟…"
_INITIAL = f'(?<![^\\s(«"“\\[])(?:و[دأم]|{_LETTER}(?:\\.{_LETTER})*)\\.(?![{_ENDS}])'
"""The point of an initial, a title (with waw before it or not) or an abbreviation."""
_NUMBERED = f"(?m:^)[ \\t]*[{_DIGIT}]{{1,3}}\\.(?=[ \\t])"
_STOP = re.compile(
    "|".join([
        f"(?P<inside>{_INITIAL}|{_NUMBERED})",
        f"(?<![{_ENDS}])[{_ENDS}]++[{_CLOSING}]*+(?=\\s|\\Z)",
        "؟(?=[^\\W\\d_])",  # news often has no space after it
        r"\n+",
    ])
)  # fmt: skip


def tokenize(text: str) -> list[tuple[int, int]]:
    """The tokens of a text as (start, end), in order; every character but white space is in one.

    >>> text = "بلغ ٣٫٥٪ في (مرجانة)،"
    >>> [text[start:end] for start, end in tokenize(text)]
    ['بلغ', '٣٫٥٪', 'في', '(', 'مرجانة', ')', '،']
    """
    return [found.span() for found in _TOKEN.finditer(text)]


def sentences(text: str) -> list[tuple[int, int]]:
    """The sentences of a text as (start, end), trimmed: they end at . ! ? ؟ … and line ends.

    A comma, semicolon or colon ends none, nor does the point of an initial or an abbreviation.

    >>> text = "وصل د. سالم. هل عاد؟ نعم، عاد."
    >>> [text[start:end] for start, end in sentences(text)]
    ['وصل د. سالم.', 'هل عاد؟', 'نعم، عاد.']
    """
    found: list[tuple[int, int]] = []
    start = 0
    ends = [stop.end() for stop in _STOP.finditer(text) if stop["inside"] is None]
    for end in [*ends, len(text)]:
        piece = text[start:end]
        left, right = start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())
        if left < right:
            found.append((left, right))
        start = end
    return found


def canonical(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The canonical edges of a span: no white space or punctuation at them, whole words inside.

    Clitics stay with their word, as in ANERcorp and Wojood. None where nothing is left. Raises
    ValueError out of bounds.

    >>> text = "قال «وبمرجانة» أمس"
    >>> canonical(text, 4, 9)
    (5, 13)
    """
    if not 0 <= start <= end <= len(text):
        raise ValueError(f"span {start}:{end} is outside a text of {len(text)} code points")
    while start < end and _is_edge(text[start]):
        start += 1
    while start < end and _is_edge(text[end - 1]):
        end -= 1
    if start >= end:
        return None
    first, last = _token_at(text, start), _token_at(text, end - 1)
    return min(start, first[0]), max(end, last[1])


def _token_at(text: str, place: int) -> tuple[int, int]:
    """The token that holds a character; looks no further than the white space around it."""
    low = max(text.rfind(space, 0, place) for space in " \n\t") + 1
    high = min((found for space in " \n\t" if (found := text.find(space, place)) >= 0), default=len(text))
    return next(found.span() for found in _TOKEN.finditer(text, low, high) if found.end() > place)


def _is_edge(character: str) -> bool:
    return character.isspace() or unicodedata.category(character)[0] in "PZ"

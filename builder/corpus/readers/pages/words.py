"""Words of a text, and how many of them another text has in the same order."""

import re
from collections.abc import Sequence

MARKS = re.compile(
    "[\N{ARABIC FATHATAN}-\N{ARABIC SUKUN}\N{ARABIC LETTER SUPERSCRIPT ALEF}\N{ARABIC TATWEEL}"
    "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}\N{LEFT-TO-RIGHT MARK}\N{RIGHT-TO-LEFT MARK}]"
)

WORD = re.compile(r"[^\W_]+")

LENGTH = 3
"""Words of a sequence that two texts are compared by."""


def words_of(text: str) -> list[str]:
    """Return the words of a text, in lower case and without marks.

    >>> words_of("قال: «نَعم»، OK")
    ['قال', 'نعم', 'ok']
    """
    return WORD.findall(MARKS.sub("", text).casefold())


def covered(words: Sequence[str], others: Sequence[str]) -> float:
    """Return the share of the sequences of `words` that `others` has; 1 if there are no words.

    >>> covered(["a", "b", "c", "d"], ["a", "b", "c"]), covered(["a"], ["b", "a"])
    (0.5, 1.0)
    """
    length = min(LENGTH, len(words), max(len(others), 1))
    found = _sequences(others, length)
    own = _sequences(words, length) if words else set()
    return len(own & found) / len(own) if own else 1.0


def _sequences(words: Sequence[str], length: int) -> set[tuple[str, ...]]:
    """Return all sequences of that many words."""
    return set(zip(*(words[begin:] for begin in range(length)), strict=False))

r"""Regular expressions of proposed rules.

A pattern is built from masked words: it matches any number in place of a number, any address in place of an address, and
any punctuation between words. If all spellings have the same punctuation, the pattern requires it.
"""

import re
from typing import Literal

from builder.corpus.cleaning.suggest.counting import Candidate

NUMBER = re.compile(r"\d+")

WIDER = 1.5
"""How many times as long as the longest that was seen the changing rest of a line may be."""

WHOLE = 20_000
"""`max_length` of rules for parts of paragraphs."""

_PART = r"[^.:؟!–—|/\\\n]{1,60}?"

_BEHIND = r"""(?:(?<=[.!؟…»”"')\]])|(?<=[a-z])(?![a-z]))(?:[^\w.!؟…»”"')\]]|_)*(?<![^\W_a-z])"""

_LEAD = r"[^\w«\"]*"

_BAR = r"\s*[–—|/\\-]+\s*"


def takes_of(candidate: Candidate) -> Literal["line", "prefix", "suffix"]:
    """Return what a candidate's rule takes of a line."""
    return "prefix" if candidate.kind == "prefix" else "suffix" if candidate.kind == "suffix" else "line"


def pattern_of(candidate: Candidate) -> str:
    """Return the pattern of a candidate's rule, for folded lines."""
    words, rest = _words(candidate.text), _rest(candidate)
    after = rf"(?![^\W_]).{{1,{rest}}}$"
    match candidate.kind:
        case "line":
            made = _line(candidate, words)
        case "field":
            made = rf"^{_LEAD}(?:{words}{_BAR}{_PART}|{_PART}{_BAR}{words})(?:{_BAR}{_PART})?[\W_]*$"
        case "label":
            made = rf"^{_LEAD}{words}\s*:\s.{{1,{rest}}}$"
        case "opening":
            made = rf"^{_LEAD}{words}{after}"
        case "ending":
            made = rf"^.{{1,{rest}}}(?<![^\W_]){words}[\W_]*$"
        case "prefix":
            made = rf"^{_LEAD}(?:{_PART}{_BAR})?{words}(?:{_BAR}{_PART})?\s*:"
        case "suffix":
            made = rf"{_BEHIND}{words}{after}"
    return made


def _rest(candidate: Candidate) -> int:
    """Return the most code points of a changing rest, rounded up to tens."""
    return max(30, -int(-candidate.longest * WIDER // 10) * 10)


def _line(candidate: Candidate, words: str) -> str:
    """Return a pattern that matches the whole line: literally, or word by word where spellings differ in their signs."""
    spellings = {NUMBER.sub("0", folded) for folded in candidate.folded}
    if len(spellings) == 1 and "address" not in candidate.text:
        return "^" + r"\d+".join(_literal(piece) for piece in spellings.pop().split("0")) + "$"
    return rf"^{_LEAD}{words}[\W_]*$"


def _literal(text: str) -> str:
    return re.escape(text).replace("\\ ", " ").replace("\\-", "-")


def _words(masked: str) -> str:
    r"""Return a pattern for masked words.

    >>> print(_words("العدد 0 نسيم"))
    العدد[\W_]+\d+[\W_]+نسيم
    """
    if not re.search(r"\w", masked):
        return _literal(masked)
    words = [r"\S+" if word == "address" else NUMBER.sub(r"\\d+", re.escape(word)) for word in masked.split(" ")]
    return r"[\W_]+".join(words)


def longest_of(candidate: Candidate, pattern: str) -> int:
    """Return the `max_length` of a candidate's rule."""
    if candidate.kind in ("prefix", "suffix"):
        return WHOLE
    if candidate.kind == "line":
        return candidate.longest + 4 * pattern.count(r"\d+")
    return candidate.longest + _rest(candidate)

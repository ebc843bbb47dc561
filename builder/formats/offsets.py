"""Which unit offsets count, held against the words that are given, and their conversion to code points."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

Unit = Literal["code points", "utf-16", "bytes"]

UNITS: tuple[Unit, ...] = ("code points", "utf-16", "bytes")


@dataclass(frozen=True, slots=True)
class Quote:
    """A span of a text, in some unit, with the words that stand there by what the file says; empty if it says none."""

    text: str
    start: int
    end: int
    words: str = ""


def places_of(text: str, unit: Unit) -> Callable[[int], int | None]:
    """Return a function from an offset to code points, which gives None inside a character or outside the text.

    >>> place = places_of("ب😀ت", "utf-16")
    >>> [place(offset) for offset in range(5)]
    [0, 1, None, 2, 3]
    """
    if unit == "code points":
        return lambda offset: offset if 0 <= offset <= len(text) else None
    codec = "utf-16-le" if unit == "utf-16" else "utf-8"
    width = 2 if unit == "utf-16" else 1
    sizes = (len(one.encode(codec, "surrogatepass")) // width for one in text)
    places = {units: place for place, units in enumerate(accumulate(sizes, initial=0))}
    return places.get


def plain(words: str) -> str:
    """Return words without spaces, because formats write the line ends of a quote in different ways."""
    return "".join(words.split())


def agrees(quote: Quote, unit: Unit) -> bool:
    """Return whether the quoted words stand at the offsets, or, where none are given, whether the offsets fit."""
    place = places_of(quote.text, unit)
    start, end = place(quote.start), place(quote.end)
    if start is None or end is None or start >= end:
        return False
    return not quote.words or plain(quote.text[start:end]) == plain(quote.words)


def unit_of(quotes: Iterable[Quote], wanted: Unit | Literal["auto"]) -> Unit:
    """Return the unit with which most quotes agree; code points where others are no better.

    >>> unit_of([Quote("من مرجانة", 5, 17, "مرجانة")], "auto")
    'bytes'
    """
    if wanted != "auto":
        return wanted
    telling: Sequence[Quote] = [one for one in quotes if not one.text.isascii()]
    return max(UNITS, key=lambda unit: sum(agrees(one, unit) for one in telling))

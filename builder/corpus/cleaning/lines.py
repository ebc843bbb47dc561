"""The lines of a normalized page, and which ranges of its text they keep."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, compress

from builder.corpus.cleaning.decisions import LineDecision

Range = tuple[int, int]

_SURPLUS = re.compile(r"(?<=\s)\s+")


@dataclass(frozen=True, slots=True)
class NormalizedLines:
    """The non-blank lines of a page, trimmed and with single spaces, and their offsets in the normalized text."""

    lines: list[str]
    begins: list[int]
    below: list[int]
    """The offset at which the next line begins, which is behind the line end."""
    kept: dict[int, list[Range]]
    """The ranges that a line keeps, with its line end, for lines that do not keep all of their text."""
    is_dense: bool
    """Whether the lines are the whole text, because no line was blank and each keeps all of its text."""

    def ranges(self, index: int) -> list[Range]:
        """Return the ranges that a line keeps of the text, with its line end."""
        return self.kept.get(index) or [(self.begins[index], self.below[index])]

    def position(self, index: int, offset: int) -> int:
        """Return the offset in the text of an offset in a line; at the begin of a range, not at the end of the last."""
        for start, end in self.ranges(index):
            if offset < end - start:
                return start + offset
            offset -= end - start
        return self.below[index] - 1


def tidy(text: str) -> NormalizedLines:
    """Return the non-blank lines of a page, trimmed, and the ranges of the text that they keep."""
    untrimmed = text.split("\n")
    below = [*accumulate([len(line) + 1 for line in untrimmed])]
    begins = [0, *below[:-1]]
    lines = [*map(str.strip, untrimmed)]
    has_blank = "" in lines
    if has_blank:
        begins, below = [*compress(begins, lines)], [*compress(below, lines)]
        untrimmed, lines = [*compress(untrimmed, lines)], [*filter(None, lines)]
    kept: dict[int, list[Range]] = {}
    has_double = "  " in text
    if has_double or untrimmed != lines:
        for index, line in enumerate(untrimmed):
            trimmed = lines[index]
            if len(trimmed) != len(line) or (has_double and "  " in line):
                is_single = trimmed.isprintable() and not (has_double and "  " in trimmed)
                single = trimmed if is_single else " ".join(trimmed.split())
                if single == trimmed:  # only its ends are surplus
                    begin, end = begins[index], begins[index] + len(line)
                    low = 0 if line.startswith(trimmed) else line.index(trimmed)
                    kept[index] = [(begin + low, begin + low + len(trimmed)), (end, end + 1)]
                else:
                    kept[index] = list(_without_surplus(line, begins[index]))
                    lines[index] = single
    return NormalizedLines(lines, begins, below, kept, not has_blank and not kept)


def _without_surplus(line: str, begin: int) -> Iterator[Range]:
    """Yield the ranges that a line keeps: its text without surplus whitespace, then its line end."""
    low, high = len(line) - len(line.lstrip()), len(line.rstrip())
    for surplus in _SURPLUS.finditer(line, low, high):
        yield begin + low, begin + surplus.start()
        low = surplus.end()
    yield begin + low, begin + high
    yield begin + len(line), begin + len(line) + 1


def kept_ranges(page: NormalizedLines, begin: int, end: int) -> Iterator[Range]:
    """Yield the ranges that consecutive lines keep of the text; a dense page gives one range."""
    if page.is_dense:
        yield page.begins[begin], page.below[end - 1]
        return
    for index in range(begin, end):
        yield from page.kept.get(index) or ((page.begins[index], page.below[index]),)


def trimmed_ranges(page: NormalizedLines, index: int, decision: LineDecision) -> Iterator[Range]:
    """Yield the ranges that a line keeps without its cut parts and the whitespace beside them, then its line end."""
    line = page.lines[index]
    low = max((part.end for part in decision.cut if part.start == 0), default=0)
    high = min((part.start for part in decision.cut if part.start > 0), default=len(line))
    text = line[low:high]
    low, high = low + len(text) - len(text.lstrip()), high - len(text) + len(text.rstrip())
    at = 0
    for start, end in page.ranges(index):
        first, last = max(start, start + low - at), min(end, start + high - at)
        if first < last:
            yield first, last
        at += end - start
    yield page.below[index] - 1, page.below[index]

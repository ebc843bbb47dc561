"""The drops of pages: what rules took or read of their lines, as ranges of the raw pages."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from builder.corpus.cleaning.columns.articles import Decisions
from builder.corpus.cleaning.columns.lines import Lines, Mask
from builder.corpus.cleaning.decisions import LineDecision, Part
from builder.records import Drop
from builder.text.edits import Columns, raw_positions
from builder.text.joined import Normalized, Texts

Drops = dict[int, dict[int, list[Drop]]]
"""The drops of each page that has any, by line."""


@dataclass(frozen=True, slots=True)
class _Ruled:
    """A line that a rule dropped or read, and its decision."""

    page: int
    index: int
    decision: LineDecision


def drops_of(made: Normalized, lines: Lines, decisions: Decisions) -> Drops:
    """Return the drops of pages by line: lines that a rule dropped or extracted fields from, and parts of lines.

    A raw line begins after the line end above it.
    """
    ruled = [
        _Ruled(page, index, one) for page, judged in decisions.items() for index, one in enumerate(judged) if one.rule
    ]
    drops: Drops = {}
    for one, (start, end) in zip(ruled, _raw_ranges(made, lines, ruled), strict=True):
        behind = start if one.decision.role == "body" else end
        drop = Drop(start, behind, one.decision.rule, one.decision.extracted)
        drops.setdefault(one.page, {})[one.index] = [drop]
    for page, judged in decisions.items():
        for index, decision in enumerate(judged):
            if decision.cut:
                parts = [_part_drop(made, lines, page, index, part) for part in decision.cut]
                drops.setdefault(page, {}).setdefault(index, []).extend(parts)
    return {page: dict(sorted(found.items())) for page, found in drops.items()}


def _raw_ranges(made: Normalized, lines: Lines, ruled: Sequence[_Ruled]) -> Iterator[tuple[int, int]]:
    """Yield the raw range of each line, without its line end."""
    pages = np.array([one.page for one in ruled], np.intp)
    index = lines.cuts[pages] + np.array([one.index for one in ruled], np.int32)
    counts = np.diff(made.edits.cuts)
    raw_begins, begins = (np.repeat(texts.begins[:-1], counts) for texts in (made.raw, made.texts))
    columns = made.edits.columns + np.stack([raw_begins, raw_begins, begins, begins])
    starts = raw_positions(columns, lines.begins[index] - 1)[1]
    ends = raw_positions(columns, lines.below[index] - 1)[0]
    ends -= _are_crlf(made.raw, ends)  # both characters belong to the line end
    first = made.raw.begins[pages]
    return zip((starts - first).tolist(), (ends - first).tolist(), strict=True)


def _are_crlf(raw: Texts, at: Columns) -> Mask:
    found: Mask = (raw.units[at] == ord("\n")) & (at > 0) & (raw.units[at - 1] == ord("\r"))
    return found


def _part_drop(made: Normalized, lines: Lines, page: int, index: int, part: Part) -> Drop:
    """Return the drop of a part of a line, without the whitespace beside it."""
    line = int(lines.cuts[page]) + index
    text = lines.texts.text(line)[part.start : part.end]
    low, high = part.start + len(text) - len(text.lstrip()), part.end - len(text) + len(text.rstrip())
    begin = int(made.texts.begins[page])
    places = lines.places(line) - begin
    start, end = made.aligned(page).raw_span(int(places[low]), int(places[high - 1]) + 1)
    return Drop(start, end, part.reason)

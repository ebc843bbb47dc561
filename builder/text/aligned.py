"""A text and the way back to the raw text that it was made of.

Offsets are code points, end exclusive. Knows nothing of Arabic but its marks and tatweel, which
belong to the letter that they follow. Does not decide what to change: that is profiles.py.
"""

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from builder.records import Edit

TATWEEL = "\N{ARABIC TATWEEL}"
Change = tuple[int, int, str]
"""Replace text[start:end], which is not empty, by a string."""


@dataclass(frozen=True, slots=True)
class AlignedText:
    """A text, its raw text, and the edits between them, sorted and disjoint.

    An edit is atomic: text[e.start:e.end] as a whole stands for raw[e.raw_start:e.raw_end].
    Between edits the two are equal. Deletions that touch are one edit; other edits that touch stay
    apart, so that half of a word in presentation forms has its exact place.
    """

    text: str
    raw: str
    edits: tuple[Edit, ...] = ()

    def raw_span(self, start: int, end: int) -> tuple[int, int]:
        """Where text[start:end] stands in the raw text, with the marks and tatweel of its last letter.

        Deleted spaces and bidi marks at its edges stay outside. A span that cuts an atomic edit
        (half a ligature) grows to all of it. Raises ValueError for an empty span or one out of bounds.

        >>> aligned = AlignedText("قدما", "قدماً", (Edit(4, 5, 4, 4),))
        >>> aligned.raw_span(0, 4)
        (0, 5)
        """
        if not 0 <= start < end <= len(self.text):
            raise ValueError(f"span {start}:{end} is empty or outside a text of {len(self.text)} code points")
        raw_start, raw_end = self._raw_of(start)[0], self._raw_of(end - 1)[1]
        index = bisect_right(self.edits, end - 1, key=lambda e: e.start)
        while index < len(self.edits) and self.edits[index].raw_start == raw_end:
            edit = self.edits[index]
            if edit.start != edit.end:
                break
            while raw_end < edit.raw_end and _belongs_to_letter(self.raw[raw_end]):
                raw_end += 1
            index += 1
        return raw_start, raw_end

    def text_span(self, raw_start: int, raw_end: int) -> tuple[int, int]:
        """What is left of raw[raw_start:raw_end] in the text: empty where all of it was deleted.

        A raw point inside a deletion maps to the next kept character. Raises ValueError out of bounds.

        >>> AlignedText("قدما", "قدماً", (Edit(4, 5, 4, 4),)).text_span(3, 5)
        (3, 4)
        """
        if not 0 <= raw_start <= raw_end <= len(self.raw):
            raise ValueError(f"raw span {raw_start}:{raw_end} is outside a raw text of {len(self.raw)} code points")
        start = self._text_of(raw_start, at_end=False)
        return start, max(start, self._text_of(raw_end, at_end=True))

    def replace(self, changes: Iterable[Change]) -> "AlignedText":
        """Make further changes to the text, keeping the way back to the same raw text.

        Raises ValueError for changes that are empty, out of order, overlapping or out of bounds.

        >>> identity("من\N{NO-BREAK SPACE}هنا").replace([(2, 3, " ")]).edits
        (Edit(raw_start=2, raw_end=3, start=2, end=3),)
        """
        pieces: list[str] = []
        edits: list[Edit] = []
        done = shift = index = 0
        for start, end, put in self._whole_edits(changes):
            while index < len(self.edits) and self.edits[index].end <= start:
                edits.append(_moved(self.edits[index], shift))
                index += 1
            while index < len(self.edits) and self.edits[index].start < end:
                index += 1
            at = start + shift
            edits.append(Edit(self._raw_of(start)[0], self._raw_of(end - 1)[1], at, at + len(put)))
            pieces += (self.text[done:start], put)
            done, shift = end, shift + len(put) - (end - start)
        edits += [_moved(edit, shift) for edit in self.edits[index:]]
        return AlignedText("".join([*pieces, self.text[done:]]), self.raw, tuple(_joined(edits)))

    def keep(self, ranges: Sequence[tuple[int, int]]) -> "AlignedText":
        """Keep only these ranges of the text, one after the other.

        Raises ValueError for ranges that are out of order, overlapping or out of bounds.

        >>> AlignedText("خبر أول خبر ثان", "خبر أول خبر ثان").keep([(8, 15)]).raw_span(0, 3)
        (8, 11)
        """
        bounds = [0, *(bound for pair in ranges for bound in pair), len(self.text)]
        if bounds != sorted(bounds):
            raise ValueError(f"ranges {list(ranges)} are not sorted and disjoint in {len(self.text)} code points")
        gaps = zip(bounds[::2], bounds[1::2], strict=True)
        return self.replace((start, end, "") for start, end in gaps if start < end)

    def _raw_of(self, position: int) -> tuple[int, int]:
        """The raw range of one character of the text."""
        edit = self._last_edit(position)
        if edit is None:
            return position, position + 1
        if position < edit.end:
            return edit.raw_start, edit.raw_end
        raw = position - edit.end + edit.raw_end
        return raw, raw + 1

    def _text_of(self, raw: int, *, at_end: bool) -> int:
        """How many characters of the text end at or before (begin before) a raw position."""
        index = bisect_right(self.edits, raw, key=lambda e: e.raw_start) - 1
        if index >= 0 and at_end and self.edits[index].raw_start == raw and self.edits[index].raw_end > raw:
            index -= 1
        if index < 0:
            return raw
        edit = self.edits[index]
        if raw >= edit.raw_end:
            return edit.end + raw - edit.raw_end
        return edit.end if at_end else edit.start

    def _whole_edits(self, changes: Iterable[Change]) -> list[Change]:
        """Grow changes that cut an atomic edit to all of it, and join those that then meet."""
        groups: list[tuple[int, int, list[Change]]] = []
        done, size = 0, len(self.text)
        for change in changes:
            if not done <= change[0] < change[1] <= size:
                message = f"change {change[0]}:{change[1]} is empty, before {done} or outside {size} code points"
                raise ValueError(message)
            done = change[1]
            low, high = self._atom(change[0])[0], self._atom(change[1] - 1)[1]
            if groups and low < groups[-1][1]:
                first, last, inside = groups.pop()
                inside.append(change)
                groups.append((first, max(high, last), inside))
            else:
                groups.append((low, high, [change]))
        return [(low, high, self._rewritten(low, high, inside)) for low, high, inside in groups]

    def _rewritten(self, low: int, high: int, changes: Sequence[Change]) -> str:
        pieces: list[str] = []
        for start, end, put in changes:
            pieces += (self.text[low:start], put)
            low = end
        return "".join([*pieces, self.text[low:high]])

    def _atom(self, position: int) -> tuple[int, int]:
        edit = self._last_edit(position)
        return (edit.start, edit.end) if edit and position < edit.end else (position, position + 1)

    def _last_edit(self, position: int) -> Edit | None:
        """The last edit that begins at or before a character of the text."""
        index = bisect_right(self.edits, position, key=lambda e: e.start) - 1
        return self.edits[index] if index >= 0 else None


def _belongs_to_letter(character: str) -> bool:
    return character == TATWEEL or unicodedata.category(character) == "Mn"


def _moved(edit: Edit, shift: int) -> Edit:
    return Edit(edit.raw_start, edit.raw_end, edit.start + shift, edit.end + shift)


def _joined(edits: Sequence[Edit]) -> list[Edit]:
    """Join deletions that touch, so that a run of them is one edit."""
    joined: list[Edit] = []
    for edit in edits:
        last = joined[-1] if joined else None
        if last and last.start == last.end == edit.start == edit.end and last.raw_end == edit.raw_start:
            joined[-1] = Edit(last.raw_start, edit.raw_end, edit.start, edit.end)
        else:
            joined.append(edit)
    return joined


def identity(raw: str) -> AlignedText:
    """A text that is its own raw text."""
    return AlignedText(raw, raw)

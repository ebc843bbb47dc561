"""Offset alignment between a normalised text and its raw text.

Offsets are code points, end exclusive. Combining marks and tatweel belong to the letter before them.
"""

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise

import numpy as np

from builder.records import Edit
from builder.text.edits import NO_EDITS, Columns, Edits, compose, cut_points, pack, raw_positions

TATWEEL = "\N{ARABIC TATWEEL}"

Change = tuple[int, int, str]
"""(start, end, replacement): replace text[start:end], which must not be empty."""


@dataclass(frozen=True, slots=True)
class AlignedText:
    """A text, its raw text, and the sorted, disjoint edits between them.

    An edit is atomic: text[e.start:e.end] as a whole corresponds to raw[e.raw_start:e.raw_end].
    Between edits the two texts are equal. Adjacent deletions are merged into one edit. Other adjacent
    edits stay separate, so that part of a word in presentation forms still maps exactly.
    """

    text: str
    raw: str
    edits: Edits = NO_EDITS

    def raw_span(self, start: int, end: int) -> tuple[int, int]:
        """Return the raw span of text[start:end], including deleted marks and tatweel of its last letter.

        Deleted spaces and bidi marks at the edges are excluded. A span that cuts an atomic edit
        (half a ligature) is extended to the whole edit. Raises ValueError if the span is empty or out of bounds.

        >>> aligned = AlignedText("قدما", "قدماً", Edits.of([Edit(4, 5, 4, 4)]))
        >>> aligned.raw_span(0, 4)
        (0, 5)
        """
        if not 0 <= start < end <= len(self.text):
            raise ValueError(f"span {start}:{end} is empty or outside a text of {len(self.text)} code points")
        raw_start, raw_end = self._raw_of(start)[0], self._raw_of(end - 1)[1]
        index = bisect_right(self.edits.columns[2], end - 1)
        while index < len(self.edits) and (edit := self.edits[index]).raw_start == raw_end:
            if edit.start != edit.end:
                break
            while raw_end < edit.raw_end and belongs_to_letter(self.raw[raw_end]):
                raw_end += 1
            index += 1
        return raw_start, raw_end

    def text_span(self, raw_start: int, raw_end: int) -> tuple[int, int]:
        """Return the span of the text that corresponds to raw[raw_start:raw_end].

        The span is empty if all of it was deleted. A raw position inside a deletion maps to the next kept
        character. Raises ValueError if the raw span is out of bounds.

        >>> AlignedText("قدما", "قدماً", Edits.of([Edit(4, 5, 4, 4)])).text_span(3, 5)
        (3, 4)
        """
        if not 0 <= raw_start <= raw_end <= len(self.raw):
            raise ValueError(f"raw span {raw_start}:{raw_end} is outside a raw text of {len(self.raw)} code points")
        start = self._text_of(raw_start, at_end=False)
        return start, max(start, self._text_of(raw_end, at_end=True))

    def replace(self, changes: Iterable[Change]) -> "AlignedText":
        """Apply further changes to the text and compose them with the existing edits.

        Raises ValueError if changes are empty, unsorted, overlapping or out of bounds.

        >>> list(identity("من\N{NO-BREAK SPACE}هنا").replace([(2, 3, " ")]).edits)
        [Edit(raw_start=2, raw_end=3, start=2, end=3)]
        """
        whole = self._whole_edits(changes)
        if not whole:
            return self
        pieces: list[str] = []
        done = 0
        for start, end, put in whole:
            pieces += (self.text[done:start], put)
            done = end
        changed = np.array([(start, end, len(put)) for start, end, put in whole], np.int32).T
        text = "".join([*pieces, self.text[done:]])
        return AlignedText(text, self.raw, Edits(compose(self.edits.columns, *changed)))

    def keep(self, ranges: Sequence[tuple[int, int]]) -> "AlignedText":
        """Keep only the given ranges of the text, concatenated.

        Raises ValueError if ranges are unsorted, overlapping or out of bounds.

        >>> AlignedText("خبر أول خبر ثان", "خبر أول خبر ثان").keep([(8, 15)]).raw_span(0, 3)
        (8, 11)
        """
        bounds = [0, *(bound for pair in ranges for bound in pair), len(self.text)]
        if bounds != sorted(bounds):
            raise ValueError(f"ranges {list(ranges)} are not sorted and disjoint in {len(self.text)} code points")
        gaps = zip(bounds[::2], bounds[1::2], strict=True)
        return self.replace((start, end, "") for start, end in gaps if start < end)

    def _raw_of(self, position: int) -> tuple[int, int]:
        """Return the raw span of one character of the text."""
        edit = self._last_edit(position)
        if edit is None:
            return position, position + 1
        if position < edit.end:
            return edit.raw_start, edit.raw_end
        raw = position - edit.end + edit.raw_end
        return raw, raw + 1

    def _text_of(self, raw: int, *, at_end: bool) -> int:
        """Map a raw position to the text: an end position if `at_end`, else a start position."""
        index = bisect_right(self.edits.columns[0], raw) - 1
        if index >= 0 and at_end and self.edits[index].raw_start == raw:
            index -= 1
        if index < 0:
            return raw
        edit = self.edits[index]
        if raw >= edit.raw_end:
            return edit.end + raw - edit.raw_end
        return edit.end if at_end else edit.start

    def _whole_edits(self, changes: Iterable[Change]) -> list[Change]:
        """Extend changes that cut an atomic edit to the whole edit, and merge those that then overlap."""
        groups: list[tuple[int, int, list[Change]]] = []
        whole: list[Change] = []
        done, size = 0, len(self.text)
        divisible = bool((self.edits.columns[3] - self.edits.columns[2] > 1).any())
        for change in changes:
            if not done <= change[0] < change[1] <= size:
                message = f"change {change[0]}:{change[1]} is empty, before {done} or outside {size} code points"
                raise ValueError(message)
            done = change[1]
            if not divisible:  # no change can cut an edit of at most one character
                whole.append(change)
                continue
            low, high = self._atom(change[0])[0], self._atom(change[1] - 1)[1]
            if groups and low < groups[-1][1]:
                first, last, inside = groups.pop()
                inside.append(change)
                groups.append((first, max(high, last), inside))
            else:
                groups.append((low, high, [change]))
        return whole or [(low, high, self._rewritten(low, high, inside)) for low, high, inside in groups]

    def _rewritten(self, low: int, high: int, changes: Sequence[Change]) -> str:
        """Return text[low:high] with the changes applied."""
        pieces: list[str] = []
        for start, end, put in changes:
            pieces += (self.text[low:start], put)
            low = end
        return "".join([*pieces, self.text[low:high]])

    def _atom(self, position: int) -> tuple[int, int]:
        """Return the span of the edit that covers a position, else the span of its single character."""
        edit = self._last_edit(position)
        return (edit.start, edit.end) if edit and position < edit.end else (position, position + 1)

    def _last_edit(self, position: int) -> Edit | None:
        """Return the last edit that begins at or before a position of the text, or None."""
        index = bisect_right(self.edits.columns[2], position) - 1
        return self.edits[index] if index >= 0 else None

    def packed(self) -> tuple[int, ...]:
        """Return the edits as three integers each: unchanged code points before it, raw length, text length.

        >>> AlignedText("قدما", "قدماً", Edits.of([Edit(4, 5, 4, 4)])).packed()
        (4, 1, 0)
        """
        return tuple(pack(self.edits.columns).tolist())


def pack_batch(aligned: Sequence[AlignedText]) -> list[tuple[int, ...]]:
    """Return `packed` for each of many texts (vectorised, much faster)."""
    joined = _join(aligned)
    triples = pack(joined.columns).reshape(-1, 3)
    cuts = [0, *accumulate(len(text.edits) for text in aligned)]
    heads = [cut for cut, following in pairwise(cuts) if cut < following]
    owners = [index for index, text in enumerate(aligned) if len(text.edits)]
    triples[heads, 0] = joined.columns[0, heads] - joined.raw_begins[owners]
    flat = triples.ravel().tolist()
    return [tuple(flat[3 * first : 3 * last]) for first, last in pairwise(cuts)]


def unpack_edits(text: str, raw: str, packed: Sequence[int]) -> AlignedText:
    """Rebuild an AlignedText from the output of `packed`.

    Raises ValueError if the edits do not match the lengths of text and raw.

    >>> unpack_edits("قدما", "قدماً", (4, 1, 0)).raw_span(3, 4)
    (3, 5)
    """
    triples = np.array(packed, np.int32).reshape(-1, 3).T
    gaps, raw_lengths, lengths = triples
    raw_end = np.cumsum(gaps + raw_lengths, dtype=np.int32)
    end = np.cumsum(gaps + lengths, dtype=np.int32)
    excess = (len(raw) - int(raw_end[-1])) - (len(text) - int(end[-1])) if len(raw_end) else len(raw) - len(text)
    if excess or (triples < 0).any() or (len(raw_end) and int(raw_end[-1]) > len(raw)):
        raise ValueError(f"these edits do not lead from {len(raw)} raw code points to {len(text)}")
    return AlignedText(text, raw, Edits(np.stack([raw_end - raw_lengths, raw_end, end - lengths, end])))


def identity(raw: str) -> AlignedText:
    """Return an AlignedText without edits, whose text is its own raw text."""
    return AlignedText(raw, raw)


@dataclass(frozen=True, slots=True)
class _Joined:
    """The edits of many texts, shifted to one concatenation with one separator character after each text."""

    columns: Columns
    begins: Columns
    """Start of each text in the concatenation, plus a final sentinel (n + 1 values)."""
    raw_begins: Columns


def _join(aligned: Sequence[AlignedText]) -> _Joined:
    size = len(aligned) + 1
    begins = np.fromiter(accumulate((len(text.text) + 1 for text in aligned), initial=0), np.int32, size)
    raw_begins = np.fromiter(accumulate((len(text.raw) + 1 for text in aligned), initial=0), np.int32, size)
    counts = [len(text.edits) for text in aligned]
    columns = np.concatenate([NO_EDITS.columns, *(text.edits.columns for text in aligned)], axis=1)
    columns[:2] += np.repeat(raw_begins[:-1], counts)
    columns[2:] += np.repeat(begins[:-1], counts)
    return _Joined(columns, begins, raw_begins)


def raw_positions_batch(
    aligned: Sequence[AlignedText], positions: Sequence[Sequence[int]]
) -> tuple[list[list[int]], list[list[int]]]:
    """Return the raw start and raw end of given characters of many texts.

    The positions -1 and len(text) represent the edges of a text.

    >>> aligned = AlignedText("قدما", "قدماً", Edits.of([Edit(4, 5, 4, 4)]))
    >>> raw_positions_batch([aligned], [[-1, 3, 4]])
    ([[-1, 3, 5]], [[0, 4, 6]])
    """
    joined = _join(aligned)
    counts = [len(places) for places in positions]
    flat = np.fromiter(chain.from_iterable(positions), np.int32, sum(counts))
    starts, ends = raw_positions(joined.columns, flat + np.repeat(joined.begins[:-1], counts))
    offsets = np.repeat(joined.raw_begins[:-1], counts)
    cuts = list(pairwise(accumulate(counts, initial=0)))
    starts_of, ends_of = (starts - offsets).tolist(), (ends - offsets).tolist()
    return [starts_of[low:high] for low, high in cuts], [ends_of[low:high] for low, high in cuts]


def keep_batch(aligned: Sequence[AlignedText], ranges: Sequence[Sequence[tuple[int, int]]]) -> list[AlignedText]:
    """Apply `keep` to many texts at once (vectorised, much faster).

    >>> keep_batch([identity("خبر أول خبر ثان")], [[(8, 15)]])[0].raw_span(0, 3)
    (8, 11)
    """
    joined = _join(aligned)
    counts = [len(kept) + 1 for kept in ranges]
    gaps = [(0, *chain.from_iterable(kept), len(text.text)) for text, kept in zip(aligned, ranges, strict=True)]
    bounds = np.fromiter(chain.from_iterable(gaps), np.int32, 2 * sum(counts)).reshape(-1, 2)
    low, high = (bounds + np.repeat(joined.begins[:-1], counts)[:, None]).T
    if (
        (low > high).any()
        or (high[:-1] > low[1:]).any()
        or cut_points(joined.columns, low)
        or cut_points(joined.columns, high)
    ):
        return [text.keep(kept) for text, kept in zip(aligned, ranges, strict=True)]
    nonempty = low < high
    low, high = low[nonempty], high[nonempty]
    columns = compose(joined.columns, low, high, np.zeros(len(low), np.int32))
    texts = ["".join([text.text[start:end] for start, end in kept]) for text, kept in zip(aligned, ranges, strict=True)]
    begins = np.fromiter(accumulate((len(text) + 1 for text in texts), initial=0), np.int32, len(texts) + 1)
    cuts = np.searchsorted(columns[0], joined.raw_begins)
    counts_of = np.diff(cuts)
    columns[:2] -= np.repeat(joined.raw_begins[:-1], counts_of)
    columns[2:] -= np.repeat(begins[:-1], counts_of)
    return [
        AlignedText(text, before.raw, Edits(columns[:, first:last]))
        for text, before, (first, last) in zip(texts, aligned, pairwise(cuts.tolist()), strict=True)
    ]


def belongs_to_letter(character: str) -> bool:
    """Return whether a character is a combining mark or tatweel, which belongs to the letter before it."""
    return character == TATWEEL or unicodedata.category(character) == "Mn"

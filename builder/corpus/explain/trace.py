"""The trace of one raw page through cleaning: each code point is kept, changed, dropped by a rule, or tidied away.

The trace is derived only from the edits and drops that cleaning recorded. text.py formats it for a terminal, html.py as
HTML.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Literal

from builder.records import Article, Document, Drop, Edit
from builder.text.aligned import AlignedText, raw_positions_batch, unpack_edits
from builder.text.profiles import Profile, describe_change, unicode_names

Kind = Literal["kept", "changed", "dropped", "blank", "read"]


@dataclass(frozen=True, slots=True)
class TracePiece:
    """A range of the raw page within one line, in code points, end exclusive.

    The pieces of a page are in order and cover all of it. `put` is the article's text for the range: equal to `raw` if
    the range was kept, empty if it was removed. A dropped piece is a line, or a part of a line that was cut; it names its
    rule and the fields that the rule extracted.
    A read piece is empty, and its rule extracted fields from the line that begins there, which was kept. A blank piece
    is whitespace, at the edges of a line or between words or lines, that cleaning removed.
    """

    start: int
    end: int
    line: int
    """The line number in the raw page, from 1."""
    kind: Kind
    raw: str
    put: str = ""
    part: int | None = None
    """The article that the piece belongs to; None between articles, and on a page without an article."""
    rule: str = ""
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TraceCount:
    """The number of raw code points of one kind, by part (kept), rule (dropped) or character name (changed, blank).

    `times` counts lines for kept, dropped and read pieces, changes for changed pieces, and characters for blank ones.
    Of dropped pieces, `parts` are only a part of their line, of which the rest was kept.
    """

    kind: Kind
    what: str
    times: int
    characters: int
    parts: int = 0


@dataclass(frozen=True, slots=True)
class TracePart:
    """One article of the page."""

    number: int
    article_id: str
    title: str | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The trace of a page; the characters of its counts add up to `characters`, the raw page's length in code points."""

    document_id: str
    origin: str
    source: str
    title: str | None
    profile: str
    characters: int
    parts: tuple[TracePart, ...]
    counts: tuple[TraceCount, ...]
    pieces: tuple[TracePiece, ...]

    def total(self, kind: Kind) -> int:
        """Return the number of raw code points of a kind."""
        return sum(count.characters for count in self.counts if count.kind == kind)


@dataclass(frozen=True, slots=True)
class TraceRow:
    """The pieces of one raw line, or of consecutive lines that hold only whitespace and deleted characters.

    A line of which a part was cut is kept; the cut parts are its dropped pieces.
    """

    kind: Literal["kept", "dropped", "blank"]
    pieces: tuple[TracePiece, ...]

    @property
    def line(self) -> int:
        """The number of the row's first line."""
        return self.pieces[0].line

    @property
    def said(self) -> tuple[TracePiece, ...]:
        """The pieces that a rule dropped or extracted fields from."""
        return tuple(piece for piece in self.pieces if piece.rule)


def explain(
    document: Document, articles: Sequence[Article], profile: Profile, drops: Sequence[Drop] = ()
) -> Explanation:
    """Return the trace of a raw page; `drops` are the drops of a page that has no article to hold them.

    Raises ValueError if the articles do not belong to this page and profile, so that a code point would be missing
    without a rule that dropped it.
    """
    whole = profile.apply(document.raw)
    held: list[tuple[Drop, int | None]] = [(drop, article.part) for article in articles for drop in article.drops]
    held = held if articles else [(drop, None) for drop in drops]
    page = _Page(whole, list(whole.edits), raw_positions_batch([whole], [_line_ends(whole.text)])[1][0])
    known = [page.piece(drop.start, drop.end, *_fate(drop), part, drop.rule, drop.extracted) for drop, part in held]
    for article in articles:
        known += page.of_article(unpack_edits(article.text, document.raw, article.edits), article.part)
    pieces = _with_parts(list(page.filled(sorted(known, key=lambda piece: (piece.start, piece.end)))))
    return Explanation(
        document.id,
        document.origin,
        document.source,
        document.title,
        profile.id,
        len(document.raw),
        tuple(TracePart(article.part, article.id, article.title) for article in articles),
        tuple(_counts(pieces)),
        tuple(pieces),
    )


def rows(pieces: Sequence[TracePiece]) -> list[TraceRow]:
    """Group the pieces by line; consecutive blank lines become one row."""
    grouped: list[TraceRow] = []
    for _, same_line in groupby(pieces, key=lambda piece: piece.line):
        line = tuple(same_line)
        if any(piece.put for piece in line):
            grouped.append(TraceRow("kept", line))
        elif any(piece.kind == "dropped" for piece in line):
            grouped.append(TraceRow("dropped", line))
        elif grouped and grouped[-1].kind == "blank":
            grouped[-1] = TraceRow("blank", grouped[-1].pieces + line)
        else:
            grouped.append(TraceRow("blank", line))
    return grouped


@dataclass(frozen=True, slots=True)
class _Page:
    """The normalized page, its edits, and the raw offsets behind its line ends."""

    whole: AlignedText
    edits: Sequence[Edit]
    ends: Sequence[int]

    def piece(
        self, start: int, end: int, kind: Kind, put: str = "", part: int | None = None, rule: str = "",
        fields: dict[str, str] | None = None,
    ) -> TracePiece:  # fmt: skip
        """Make the piece of a raw range, with its line number and raw text."""
        line = bisect_right(self.ends, start) + 1
        return TracePiece(start, end, line, kind, self.whole.raw[start:end], put, part, rule, fields or {})

    def of_article(self, aligned: AlignedText, part: int) -> Iterator[TracePiece]:
        """Yield the pieces of an article: ranges equal to the raw page, and ranges that were replaced."""
        at = 0
        for edit in aligned.edits:
            yield from self._kept(at, edit.raw_start, part)
            if edit.start < edit.end:
                yield self.piece(edit.raw_start, edit.raw_end, "changed", aligned.text[edit.start : edit.end], part)
            at = edit.raw_end
        yield from self._kept(at, len(aligned.raw), part)

    def filled(self, known: Iterable[TracePiece]) -> Iterator[TracePiece]:
        """Yield the known pieces, sorted, and pieces for the gaps between them.

        Raises ValueError if two known pieces overlap.
        """
        at = 0
        for piece in known:
            yield from self._removed(at, piece.start)
            if piece.start < at:
                raise ValueError(f"raw {piece.start}:{at} is covered twice")
            yield piece
            at = piece.end
        yield from self._removed(at, len(self.whole.raw))

    def _kept(self, start: int, end: int, part: int) -> Iterator[TracePiece]:
        """Yield the kept pieces of a raw range, one for each line."""
        for low, high in self._lines(start, end):
            yield self.piece(low, high, "kept", self.whole.raw[low:high], part)

    def _removed(self, start: int, end: int) -> Iterator[TracePiece]:
        """Yield the pieces of a raw range that is in no article and no drop: deletions of the profile, and whitespace.

        Raises ValueError if anything else is in the range.
        """
        at = start
        index = bisect_right(self.edits, start, key=lambda edit: edit.raw_end)
        while index < len(self.edits) and (edit := self.edits[index]).raw_start < end:
            low, high = max(edit.raw_start, start), min(edit.raw_end, end)
            put = self.whole.text[edit.start : edit.end]
            if put.strip():
                raise _lost(low, high)
            if not (put and self.whole.raw[low:high].isspace()):
                yield from self._blank(at, low)
                yield self.piece(low, high, "changed")
                at = high
            index += 1
        yield from self._blank(at, end)

    def _blank(self, start: int, end: int) -> Iterator[TracePiece]:
        """Yield the blank pieces of a raw range, one for each line; raise ValueError if it is not all whitespace."""
        for low, high in self._lines(start, end):
            if not self.whole.raw[low:high].isspace():
                raise _lost(low, high)
            yield self.piece(low, high, "blank")

    def _lines(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield the parts of a raw range, split behind each line end."""
        while start < end:
            index = bisect_right(self.ends, start)
            cut = min(end, self.ends[index]) if index < len(self.ends) else end
            yield start, cut
            start = cut


def _lost(start: int, end: int) -> ValueError:
    return ValueError(f"raw {start}:{end} is in no article, and no rule dropped it")


def _line_ends(text: str) -> list[int]:
    return [index for index, character in enumerate(text) if character == "\n"]


def _fate(drop: Drop) -> tuple[Kind, str]:
    return ("dropped" if drop.start < drop.end else "read"), ""


def _with_parts(pieces: Sequence[TracePiece]) -> list[TracePiece]:
    """Assign each deletion inside a line to the article of that line."""
    parts = {piece.line: piece.part for piece in pieces if piece.put}
    return [
        replace(piece, part=parts.get(piece.line)) if piece.kind == "changed" and not piece.put else piece
        for piece in pieces
    ]


def changes(piece: TracePiece) -> Counter[str]:
    r"""Count the changes of a changed or blank piece by character name; each deleted character counts as one change.

    >>> changes(TracePiece(0, 2, 1, "changed", "\u200f\u200f"))
    Counter({'RIGHT-TO-LEFT MARK: deleted': 2})
    """
    if piece.kind == "blank":
        return Counter(map(unicode_names, piece.raw))
    return Counter(describe_change(raw, piece.put) for raw in (piece.raw if not piece.put else [piece.raw]))


def _counts(pieces: Sequence[TracePiece]) -> Iterator[TraceCount]:
    """Yield one count for each part, rule and character; rules and characters are sorted, the most frequent first."""
    for part in sorted({piece.part for piece in pieces if piece.put and piece.part is not None}):
        of_part = [piece for piece in pieces if piece.part == part and piece.put]
        kept = sum(len(piece.raw) for piece in of_part if piece.kind == "kept")
        yield TraceCount("kept", f"part {part}", len({piece.line for piece in of_part}), kept)
    kept_lines = {piece.line for piece in pieces if piece.put}
    by_rule: tuple[Kind, ...] = ("dropped", "read")
    for kind in by_rule:
        of_kind = [piece for piece in pieces if piece.kind == kind]
        sizes = Counter[str]()
        for piece in of_kind:
            sizes[piece.rule] += len(piece.raw)
        parts = Counter(piece.rule for piece in of_kind if kind == "dropped" and piece.line in kept_lines)
        yield from _sorted(kind, Counter(piece.rule for piece in of_kind), sizes, parts)
    by_character: tuple[Kind, ...] = ("changed", "blank")
    for kind in by_character:
        times, sizes = Counter[str](), Counter[str]()
        for piece in pieces:
            if piece.kind == kind:
                changed = changes(piece)
                times += changed
                for what, number in changed.items():
                    sizes[what] += number if not piece.put else len(piece.raw)
        yield from _sorted(kind, times, sizes)


def _sorted(
    kind: Kind, times: Counter[str], sizes: Counter[str], parts: Mapping[str, int] | None = None
) -> Iterator[TraceCount]:
    """Yield one count for each name, the most frequent first, then by name."""
    for what, number in sorted(times.items(), key=lambda pair: (-pair[1], pair[0])):
        yield TraceCount(kind, what, number, sizes[what], (parts or {}).get(what, 0))

"""What became of each code point of one raw page: kept, changed, dropped by a rule, or tidied away.

Adds up what cleaning recorded, and decides nothing itself. Does not read files; explain_lines.py
shows an explanation on a terminal, explain_page.py as HTML.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Literal

from builder.records import Article, Document, Drop, Edit
from builder.text.aligned import AlignedText, raw_places_batch, unpacked
from builder.text.profiles import Profile, describe, names_of

Kind = Literal["kept", "changed", "dropped", "blank", "read"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the raw page, all on one line; the pieces of a page are in order and leave nothing out.

    `put` is what stands for it in the article: the same where it was kept, nothing where it went.
    A dropped piece names its rule, and the fields that the rule extracted. A read one is empty: its rule
    extracted fields from the line that begins there, which was kept. A blank one is whitespace at the
    edges of lines, between words or lines, that cleaning tidied away.
    """

    start: int
    end: int
    line: int
    """Of the raw page, from 1."""
    kind: Kind
    raw: str
    put: str = ""
    part: int | None = None
    """The article that it belongs to; None between articles, and in a page that has none."""
    rule: str = ""
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Count:
    """How many raw code points had a fate, by part (kept), rule (dropped) or character name (changed, blank).

    `times` counts lines of what was kept and dropped, changes of what was changed, characters of blanks.
    """

    kind: Kind
    what: str
    times: int
    characters: int


@dataclass(frozen=True, slots=True)
class Part:
    """One article of the page."""

    number: int
    article_id: str
    title: str | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """A page with all that became of it; the counts' characters add up to `characters`, the raw page's length."""

    document_id: str
    origin: str
    source: str
    title: str | None
    profile: str
    characters: int
    parts: tuple[Part, ...]
    counts: tuple[Count, ...]
    pieces: tuple[Piece, ...]

    def total(self, kind: Kind) -> int:
        """How many raw code points had this fate."""
        return sum(count.characters for count in self.counts if count.kind == kind)


@dataclass(frozen=True, slots=True)
class Row:
    """The pieces of one raw line, or of lines in a row of which nothing but whitespace is left."""

    kind: Literal["kept", "dropped", "blank"]
    pieces: tuple[Piece, ...]

    @property
    def line(self) -> int:
        """The number of its first line."""
        return self.pieces[0].line

    @property
    def said(self) -> tuple[Piece, ...]:
        """The pieces in which a rule had its say."""
        return tuple(piece for piece in self.pieces if piece.rule)


def explain(
    document: Document, articles: Sequence[Article], profile: Profile, drops: Sequence[Drop] = ()
) -> Explanation:
    """Part a raw page into what became of it; `drops` are those of a page without an article, which holds none.

    Raises ValueError where the articles are not of this page and profile: a letter would be gone without a rule.
    """
    whole = profile.apply(document.raw)
    held: list[tuple[Drop, int | None]] = [(drop, article.part) for article in articles for drop in article.drops]
    held = held if articles else [(drop, None) for drop in drops]
    page = _Page(whole, list(whole.edits), raw_places_batch([whole], [_line_ends(whole.text)])[1][0])
    known = [page.piece(drop.start, drop.end, *_fate(drop), part, drop.rule, drop.extracted) for drop, part in held]
    for article in articles:
        known += page.of_article(unpacked(article.text, document.raw, article.edits), article.part)
    pieces = _with_parts(list(page.filled(sorted(known, key=lambda piece: (piece.start, piece.end)))))
    return Explanation(
        document.id,
        document.origin,
        document.source,
        document.title,
        profile.id,
        len(document.raw),
        tuple(Part(article.part, article.id, article.title) for article in articles),
        tuple(_counts(pieces)),
        tuple(pieces),
    )


def rows(pieces: Sequence[Piece]) -> list[Row]:
    """The pieces line by line, as a person reads the page; blank lines that follow one another are one row."""
    found: list[Row] = []
    for _, own in groupby(pieces, key=lambda piece: piece.line):
        line = tuple(own)
        kinds = {piece.kind for piece in line}
        if "dropped" in kinds:
            found.append(Row("dropped", line))
        elif any(piece.put for piece in line):
            found.append(Row("kept", line))
        elif found and found[-1].kind == "blank":
            found[-1] = Row("blank", found[-1].pieces + line)
        else:
            found.append(Row("blank", line))
    return found


@dataclass(frozen=True, slots=True)
class _Page:
    """The normalised page, and where its raw lines end."""

    whole: AlignedText
    edits: Sequence[Edit]
    ends: Sequence[int]

    def piece(
        self, start: int, end: int, kind: Kind, put: str = "", part: int | None = None, rule: str = "",
        fields: dict[str, str] | None = None,
    ) -> Piece:  # fmt: skip
        line = bisect_right(self.ends, start) + 1
        return Piece(start, end, line, kind, self.whole.raw[start:end], put, part, rule, fields or {})

    def of_article(self, aligned: AlignedText, part: int) -> Iterator[Piece]:
        """What stands in an article: runs that are the same in the raw page, and what was replaced."""
        at = 0
        for edit in aligned.edits:
            yield from self._kept(at, edit.raw_start, part)
            if edit.start < edit.end:
                yield self.piece(edit.raw_start, edit.raw_end, "changed", aligned.text[edit.start : edit.end], part)
            at = edit.raw_end
        yield from self._kept(at, len(aligned.raw), part)

    def filled(self, known: Iterable[Piece]) -> Iterator[Piece]:
        """These pieces, with what lies between them."""
        at = 0
        for piece in known:
            yield from self._gone(at, piece.start)
            if piece.start < at:
                raise ValueError(f"raw {piece.start}:{at} has two fates")
            yield piece
            at = piece.end
        yield from self._gone(at, len(self.whole.raw))

    def _kept(self, start: int, end: int, part: int) -> Iterator[Piece]:
        for low, high in self._lines(start, end):
            yield self.piece(low, high, "kept", self.whole.raw[low:high], part)

    def _gone(self, start: int, end: int) -> Iterator[Piece]:
        """What no article and no drop has: what the profile deleted, and whitespace."""
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

    def _blank(self, start: int, end: int) -> Iterator[Piece]:
        for low, high in self._lines(start, end):
            if not self.whole.raw[low:high].isspace():
                raise _lost(low, high)
            yield self.piece(low, high, "blank")

    def _lines(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """A raw range, cut where lines end."""
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


def _with_parts(pieces: Sequence[Piece]) -> list[Piece]:
    """What was deleted inside a line belongs to that line's article."""
    parts = {piece.line: piece.part for piece in pieces if piece.put}
    return [
        replace(piece, part=parts.get(piece.line)) if piece.kind == "changed" and not piece.put else piece
        for piece in pieces
    ]


def changes(piece: Piece) -> Counter[str]:
    r"""What was done to a piece that changed or is blank, by character name; a run of deletions one by one.

    >>> changes(Piece(0, 2, 1, "changed", "\u200f\u200f"))
    Counter({'RIGHT-TO-LEFT MARK: deleted': 2})
    """
    if piece.kind == "blank":
        return Counter(map(names_of, piece.raw))
    return Counter(describe(one, piece.put) for one in (piece.raw if not piece.put else [piece.raw]))


def _counts(pieces: Sequence[Piece]) -> Iterator[Count]:
    """One count for each part, rule and character; rules and characters with the most first."""
    for part in sorted({piece.part for piece in pieces if piece.put and piece.part is not None}):
        own = [piece for piece in pieces if piece.part == part and piece.put]
        kept = sum(len(piece.raw) for piece in own if piece.kind == "kept")
        yield Count("kept", f"part {part}", len({piece.line for piece in own}), kept)
    by_rule: tuple[Kind, ...] = ("dropped", "read")
    for kind in by_rule:
        own = [piece for piece in pieces if piece.kind == kind]
        sizes = Counter[str]()
        for piece in own:
            sizes[piece.rule] += len(piece.raw)
        yield from _sorted(kind, Counter(piece.rule for piece in own), sizes)
    by_character: tuple[Kind, ...] = ("changed", "blank")
    for kind in by_character:
        times, sizes = Counter[str](), Counter[str]()
        for piece in pieces:
            if piece.kind == kind:
                made = changes(piece)
                times += made
                for what, number in made.items():
                    sizes[what] += number if not piece.put else len(piece.raw)
        yield from _sorted(kind, times, sizes)


def _sorted(kind: Kind, times: Counter[str], sizes: Counter[str]) -> Iterator[Count]:
    for what, number in sorted(times.items(), key=lambda pair: (-pair[1], pair[0])):
        yield Count(kind, what, number, sizes[what])

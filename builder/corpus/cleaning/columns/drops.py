"""The drops of pages: what rules took or read of their lines, as ranges of the raw pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from builder.corpus.cleaning.columns.articles import ArticleColumns
from builder.corpus.cleaning.columns.decided import Decided
from builder.corpus.cleaning.columns.lines import Lines, Mask
from builder.corpus.cleaning.decisions import HEADLINE, Part
from builder.records import Drop
from builder.text.edits import Columns, raw_positions
from builder.text.joined import Normalized, Numbers, Texts


@dataclass(frozen=True, slots=True, eq=False)
class DropColumns:
    """The drops of a batch of pages, in the order of their lines."""

    pages: Numbers
    articles: Numbers
    """The article that lists each drop: the one of its line, or else the first of its page, or -1 on a page without any."""
    starts: Columns
    ends: Columns
    """Ranges of the raw page, in code points, end exclusive."""
    rules: Sequence[str]
    extracted: Sequence[Mapping[str, str]]
    is_line: Mask
    """Whether the drop is of a whole line."""
    is_part: Mask
    """Whether the drop is of a part of a line that is kept; one that is neither only tells what was read of a line."""
    headlines: Mapping[int, str]
    """The titles of articles that were embedded in the page of another, by article."""

    def by_article(self, articles: int) -> "ListedDrops":
        """Return the drops that are listed with each of the articles."""
        rows = self.articles.argsort(kind="stable")
        listed = self.articles[rows]
        cuts = np.searchsorted(listed, np.arange(articles + 1))
        return ListedDrops(rows[cuts[0] :], cuts - cuts[0])

    def records(self, rows: Sequence[int]) -> list[Drop]:
        """Return some drops as records."""
        ranges = zip(rows, self.starts[rows].tolist(), self.ends[rows].tolist(), strict=True)
        return [Drop(start, end, self.rules[row], dict(self.extracted[row])) for row, start, end in ranges]


@dataclass(frozen=True, slots=True, eq=False)
class ListedDrops:
    """Drops by article; article `i` has the rows from `cuts[i]` on."""

    rows: Numbers
    cuts: Numbers

    def of(self, article: int) -> Numbers:
        """Return the drops of one article."""
        return self.rows[self.cuts[article] : self.cuts[article + 1]]


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """The parts that are cut from lines."""

    lines: Numbers
    found: Sequence[Drop]


def drops_of(made: Normalized, lines: Lines, decided: Decided, articles: ArticleColumns) -> DropColumns:
    """Return the drops of pages: lines that a rule dropped or extracted fields from, and parts of lines.

    A raw line begins after the line end above it.
    """
    ruled = [row for row, one in enumerate(decided.verdicts) if one.rule]
    whole, is_body = decided.lines[ruled], decided.is_body[ruled]
    starts, ends = _raw_ranges(made, lines, whole)
    cut = _parts(made, lines, decided)
    at = np.concatenate([whole, cut.lines])
    order = at.argsort(kind="stable")
    pages = np.searchsorted(lines.cuts, at[order], "right") - 1
    rules = [*(decided.verdicts[row].rule for row in ruled), *(part.rule for part in cut.found)]
    extracted = [*(decided.verdicts[row].extracted for row in ruled), *(part.extracted for part in cut.found)]
    own = _owners(pages, decided.parts[np.searchsorted(decided.lines, at[order])], articles)
    many = len(cut.found)
    listed = order.tolist()
    return DropColumns(
        pages,
        np.where(own >= 0, own, _first_articles(pages, articles)),
        np.append(starts, [part.start for part in cut.found]).astype(np.int32)[order],
        np.append(np.where(is_body, starts, ends), [part.end for part in cut.found]).astype(np.int32)[order],
        [rules[row] for row in listed],
        [extracted[row] for row in listed],
        np.append(~is_body, np.zeros(many, bool))[order],
        np.append(np.zeros(len(ruled), bool), np.ones(many, bool))[order],
        {
            owner: extracted[row]["title"]
            for owner, row in zip(own.tolist(), listed, strict=True)
            if owner >= 0 and rules[row] == HEADLINE
        },
    )


def _owners(pages: Numbers, parts: Numbers, articles: ArticleColumns) -> Numbers:
    """Return the article of each page and part, or -1."""
    most = max(articles.parts.max(initial=0), parts.max(initial=0)) + 1
    known, wanted = articles.pages * most + articles.parts, pages * most + parts
    place = np.searchsorted(known, wanted)
    found = np.append(known, -1)[place] == wanted
    return np.where(found, place, -1)


def _first_articles(pages: Numbers, articles: ArticleColumns) -> Numbers:
    """Return the first article of each page, or -1."""
    place = np.searchsorted(articles.pages, pages)
    return np.where(np.append(articles.pages, -1)[place] == pages, place, -1)


def _raw_ranges(made: Normalized, lines: Lines, wanted: Numbers) -> tuple[Columns, Columns]:
    """Return the raw range of each line in its page, without its line end."""
    counts = np.diff(made.edits.cuts)
    raw_begins, begins = (np.repeat(texts.begins[:-1], counts) for texts in (made.raw, made.texts))
    columns = made.edits.columns + np.stack([raw_begins, raw_begins, begins, begins])
    starts = raw_positions(columns, lines.begins[wanted] - 1)[1]
    ends = raw_positions(columns, lines.below[wanted] - 1)[0]
    ends -= _are_crlf(made.raw, ends)  # both characters belong to the line end
    first = made.raw.begins[np.searchsorted(lines.cuts, wanted, "right") - 1]
    return starts - first, ends - first


def _are_crlf(raw: Texts, at: Columns) -> Mask:
    found: Mask = (raw.units[at] == ord("\n")) & (at > 0) & (raw.units[at - 1] == ord("\r"))
    return found


def _parts(made: Normalized, lines: Lines, decided: Decided) -> _Parts:
    """Return the drops of the parts that are cut from lines."""
    cut = [(int(line), part) for line, one in zip(decided.lines, decided.verdicts, strict=True) for part in one.cut]
    return _Parts(np.array([line for line, _ in cut], np.intp), [_part(made, lines, *one) for one in cut])


def _part(made: Normalized, lines: Lines, line: int, part: Part) -> Drop:
    """Return the drop of a part of a line, without the whitespace beside it."""
    page = int(np.searchsorted(lines.cuts, line, "right")) - 1
    text = lines.texts.text(line)[part.start : part.end]
    low, high = part.start + len(text) - len(text.lstrip()), part.end - len(text) + len(text.rstrip())
    begin = int(made.texts.begins[page])
    places = lines.places(line) - begin
    start, end = made.aligned(page).raw_span(int(places[low]), int(places[high - 1]) + 1)
    return Drop(start, end, part.reason)

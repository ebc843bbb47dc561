"""The articles that pages keep, as columns: their texts, and the edits that lead to each from its raw page."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from builder.corpus.cleaning.columns.decided import Decided
from builder.corpus.cleaning.columns.lines import Lines, Mask
from builder.corpus.cleaning.decisions import LineDecision
from builder.io.lists import ranges
from builder.text.edits import Columns, compose, cut_by, pack
from builder.text.joined import Normalized, Numbers, Texts, running


@dataclass(frozen=True, slots=True, eq=False)
class ArticleColumns:
    """The articles of a chunk of pages, sorted by page and part; article `i` has the edits from `cuts[i]` on."""

    pages: Numbers
    parts: Numbers
    texts: list[str]
    edits: NDArray[np.int32]
    """Packed as in AlignedText.packed: three integers for each edit."""
    cuts: Columns


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """The runs of units that articles keep, and the article of each."""

    articles: Numbers
    starts: Numbers
    ends: Numbers


def articles_of(made: Normalized, lines: Lines, decided: Decided) -> ArticleColumns:
    """Join the lines that pages keep, and compose the edits."""
    pages = np.repeat(np.arange(len(lines.cuts) - 1), np.diff(lines.cuts))
    parts, is_body = np.zeros(len(pages), np.intp), np.ones(len(pages), bool)
    parts[decided.lines], is_body[decided.lines] = decided.parts, decided.is_body
    kept = np.flatnonzero(is_body)
    if not kept.size:
        return ArticleColumns(kept, kept, [], np.zeros(0, np.int32), np.zeros(1, np.int32))
    fresh = (np.diff(pages[kept]) != 0) | (np.diff(parts[kept]) != 0)
    firsts, lasts = kept[np.append(True, fresh)], kept[np.append(fresh, True)]
    mask = _kept_units(made.texts, lines, is_body, decided)
    mask[lines.below[lasts] - 1] = False
    runs = _runs(mask, lines.begins[firsts])
    lengths = np.bincount(runs.articles, runs.ends - runs.starts, len(firsts)).astype(np.int32)
    whole, bounds = Texts(made.texts.units[mask], running(lengths)), running(lengths).tolist()
    joined = whole.decoded(0, len(whole.units))
    texts = [joined[begin:end] for begin, end in pairwise(bounds)]
    edits, cuts = _edits(made, pages[firsts], runs)
    return ArticleColumns(pages[firsts], parts[firsts], texts, edits, cuts)


def _kept_units(texts: Texts, lines: Lines, is_body: Mask, decided: Decided) -> Mask:
    """Return which units are in a line that is kept, without the parts that are cut from it."""
    mask = np.ones(len(texts.units), bool)
    mask[lines.surplus] = False
    begins, below = (column[~is_body].astype(np.int64) for column in (lines.begins, lines.below))
    mask[ranges(begins, below - begins)] = False
    for line, one in zip(decided.lines.tolist(), decided.verdicts, strict=True):
        if one.cut:
            units = lines.places(line)
            low, high = _uncut(lines.texts.text(line), one)
            mask[units[:low]] = mask[units[high:-1]] = False
    return mask


def _uncut(line: str, decision: LineDecision) -> tuple[int, int]:
    """Return the range of a line that is left without its cut parts and the whitespace beside them."""
    low = max((part.end for part in decision.cut if part.start == 0), default=0)
    high = min((part.start for part in decision.cut if part.start > 0), default=len(line))
    text = line[low:high]
    return low + len(text) - len(text.lstrip()), high - len(text) + len(text.rstrip())


def _runs(mask: Mask, begins: Columns) -> _Kept:
    """Return the runs of a mask; each article begins at one of `begins`."""
    changes = np.flatnonzero(mask[1:] != mask[:-1]) + 1
    if mask[0]:
        changes = np.append(0, changes)
    if mask[-1]:
        changes = np.append(changes, len(mask))
    starts, ends = changes[::2], changes[1::2]
    return _Kept(np.searchsorted(begins, starts, "right") - 1, starts, ends)


def _edits(made: Normalized, pages: Numbers, kept: _Kept) -> tuple[NDArray[np.int32], Columns]:
    """Return the packed edits of the articles, and where those of each begin."""
    raw_sizes, sizes = np.diff(made.raw.begins)[pages], np.diff(made.texts.begins)[pages]
    raw_begins, begins = running(raw_sizes), running(sizes)
    counts = np.diff(made.edits.cuts)[pages]
    columns = made.edits.columns
    if len(pages) < len(made.raw) or (np.diff(pages) != 1).any():
        places = np.arange(int(counts.sum())) + np.repeat(made.edits.cuts[pages] - running(counts)[:-1], counts)
        columns = columns[:, places]
    columns = columns + np.stack([np.repeat(raw_begins[:-1], counts)] * 2 + [np.repeat(begins[:-1], counts)] * 2)
    low, high = _gaps(kept, begins[:-1] - made.texts.begins[pages], begins)
    is_cut = cut_by(columns, low) | cut_by(columns, high)
    composed = compose(columns, low, high, np.zeros(len(low), np.int32))
    cuts = np.searchsorted(composed[0], raw_begins).astype(np.int32)
    packed = pack(composed).reshape(-1, 3)
    some = np.flatnonzero(np.diff(cuts))
    packed[cuts[some], 0] = composed[0, cuts[some]] - raw_begins[some]
    if not is_cut.any():
        return packed.ravel(), 3 * cuts
    whole = np.unique(np.searchsorted(begins, low[is_cut], "right") - 1).tolist()
    return _with_whole_edits(made, pages, kept, packed, cuts, whole)


def _gaps(kept: _Kept, shifts: Columns, begins: Columns) -> tuple[Columns, Columns]:
    """Return what articles do not keep of their pages, each of which stands at `begins` for each of its articles."""
    starts, ends = kept.starts + shifts[kept.articles], kept.ends + shifts[kept.articles]
    low, high = np.concatenate([begins[:-1], ends]), np.concatenate([starts, begins[1:] - 1])
    low.sort()
    high.sort()
    is_gap = low < high
    return low[is_gap].astype(np.int32), high[is_gap].astype(np.int32)


def _with_whole_edits(
    made: Normalized, pages: Numbers, kept: _Kept, packed: NDArray[np.int32], cuts: Columns, articles: Sequence[int]
) -> tuple[NDArray[np.int32], Columns]:
    """Return the edits, with those of articles whose bounds cut an edit, such as a ligature, composed one by one."""
    counts, pieces, done = np.diff(cuts), list[NDArray[np.int32]](), 0
    for article in articles:
        page = int(pages[article])
        mine = kept.articles == article
        begin = int(made.texts.begins[page])
        ranges = zip((kept.starts[mine] - begin).tolist(), (kept.ends[mine] - begin).tolist(), strict=True)
        one = pack(made.aligned(page).keep([*ranges]).edits.columns).reshape(-1, 3)
        pieces += [packed[done : cuts[article]], one]
        done, counts[article] = int(cuts[article + 1]), len(one)
    return np.concatenate([*pieces, packed[done:]]).ravel(), 3 * running(counts)

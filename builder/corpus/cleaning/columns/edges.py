"""The edges of pages as columns: which lines recurrence may judge, for all pages of a batch."""

from dataclasses import dataclass

import numpy as np

from builder.corpus.cleaning.columns.lines import Lines, Mask
from builder.corpus.cleaning.columns.shapes import Shapes
from builder.corpus.cleaning.edges import HEAD, TAIL
from builder.text.joined import Numbers


@dataclass(frozen=True, slots=True, eq=False)
class PageEdges:
    """What `edges.edges` finds, for each page or each line of a batch; lines are counted through the batch."""

    owner: Numbers
    """The page of each line."""
    first: Numbers
    """The first paragraph of each page, or where its lines end."""
    last: Numbers
    """The last paragraph of each page, or the line above its lines."""
    head: Mask
    tail: Mask


def edges_of(lines: Lines, shapes: Shapes) -> PageEdges:
    """Find the first and the last paragraph of each page, and its lines above and below, at most HEAD and TAIL."""
    cuts = lines.cuts.astype(np.intp)
    begin, end = cuts[:-1], cuts[1:]
    owner = np.repeat(np.arange(len(begin)), end - begin)
    told = np.flatnonzero(shapes.prose)
    places = np.searchsorted(told, cuts)
    bounded = np.concatenate([[-1], told, [len(owner)]])
    first = np.minimum(bounded[places[:-1] + 1], end)
    last = np.maximum(bounded[places[1:]], begin - 1)
    number = np.arange(len(owner))
    head = number < np.minimum(first, begin + HEAD)[owner]
    tail = number >= np.maximum(last + 1, end - TAIL)[owner]
    return PageEdges(owner, first, last, head, tail)

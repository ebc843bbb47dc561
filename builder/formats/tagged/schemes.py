"""Mentions from tags in columns, in every scheme, flat or nested.

The tags of one layer and one label are sorted by row. A mention is a run of them on neighbouring rows of one sentence.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from builder.formats.published import Flags, Numbers

BEGIN, INSIDE, END, SINGLE = range(4)

EDGE = {"B": BEGIN, "I": INSIDE, "E": END, "S": SINGLE}


@dataclass(frozen=True, slots=True, eq=False)
class TagColumns:
    """The tags that mark something, one element each: the row, layer, edge and label of each tag."""

    rows: Numbers
    layers: Numbers
    edges: Numbers
    labels: Numbers


@dataclass(frozen=True, slots=True, eq=False)
class TokenMentions:
    """Mentions of rows `first` to `last` (inclusive), in the order of `first`, the longest first; faults are rows."""

    first: Numbers
    last: Numbers
    labels: Numbers
    inside_begins: Numbers
    unclosed: Numbers


def decode(tags: TagColumns, sentence: Numbers, scheme: str) -> TokenMentions:
    """Return the mentions that tags mark; `sentence` numbers the sentence of each row of the file.

    In iob1 and bare files a mention begins where no other of its label continues. Elsewhere a mention that begins with
    I or E is a fault, and so is one of bioes and bilou that does not end with E or S.
    """
    key = tags.layers * (int(tags.labels.max(initial=0)) + 1) + tags.labels
    order = np.lexsort((tags.rows, key))
    rows, edges, labels, key = tags.rows[order], tags.edges[order], tags.labels[order], key[order]
    joined = np.zeros(len(rows), bool)
    same = (np.diff(key) == 0) & (np.diff(sentence[rows]) == 0) if len(rows) else joined
    joined[1:] = same & (np.diff(rows) == 1)
    twice = np.zeros(len(rows), bool)
    twice[1:] = same & (np.diff(rows) == 0)
    nested = _whole_runs(joined | twice, twice)
    closes = scheme in ("bioes", "bilou")
    begins = ~joined | (edges == BEGIN) | (edges == SINGLE)
    if closes:
        begins[1:] |= (edges[:-1] == END) | (edges[:-1] == SINGLE)
    flat = np.flatnonzero(~nested)
    starts = flat[begins[flat]]
    ends = _ends(flat, begins)
    first, last, label = rows[starts], rows[ends], labels[starts]
    strict = scheme not in ("iob1", "bare")
    faulty = first[(edges[starts] == INSIDE) | (edges[starts] == END)] if strict else first[:0]
    open_ = last[(edges[ends] != END) & (edges[ends] != SINGLE)] if closes else last[:0]
    deep = [*_nested(np.flatnonzero(nested), joined | twice, rows, edges, labels)]
    more = np.array([(m.first, m.last, m.label) for m in deep], np.int64).reshape(-1, 3).T
    first, last, label = (np.concatenate(pair) for pair in zip((first, last, label), more, strict=True))
    faulty = np.concatenate([faulty, np.array([m.first for m in deep if not m.begun], np.int64)])
    place = np.lexsort((label, -last, first))
    return TokenMentions(first[place], last[place], label[place], np.sort(faulty), np.sort(open_))


def _ends(flat: Numbers, begins: Flags) -> Numbers:
    """Return the last element of each mention among the elements `flat`."""
    if not len(flat):
        return flat
    following = np.append(begins[flat][1:] | (np.diff(flat) > 1), True)
    found: Numbers = flat[following]
    return found


def _whole_runs(joined: Flags, twice: Flags) -> Flags:
    """Return which elements belong to a run in which a row has two tags of one label."""
    run = np.cumsum(~joined) - 1
    has = np.bincount(run[twice], minlength=int(run[-1]) + 1 if len(run) else 0) > 0
    return has[run] if len(run) else twice


@dataclass(frozen=True, slots=True)
class _Mention:
    """A mention of a label that stands inside another of the same label, or holds one."""

    first: int
    last: int
    label: int
    begun: bool


def _nested(
    found: Numbers, joined: Flags, rows: Numbers, edges: Numbers, labels: Numbers
) -> Iterator[_Mention]:  # fmt: skip
    """Yield the mentions of runs in which one label is nested in itself.

    As many stay open as tags continue, and of the others the innermost end first.
    """
    open_: list[tuple[int, bool]] = []
    at = label = -1
    for one in _by_row(found, joined, rows, edges, labels):
        inside = sum(mark in (INSIDE, END) for mark in one.edges)
        while len(open_) > (inside if one.is_joined else 0):
            yield _Mention(open_[-1][0], at, label, open_.pop()[1])
        open_ += [(one.row, False)] * (inside - len(open_))
        open_ += [(one.row, True) for mark in one.edges if mark in (BEGIN, SINGLE)]
        at, label = one.row, one.label
    while open_:
        yield _Mention(open_[-1][0], at, label, open_.pop()[1])


@dataclass(frozen=True, slots=True)
class _NestedRow:
    """A row of nested runs: its edges, their label, and whether it continues the run."""

    row: int
    edges: Sequence[int]
    label: int
    is_joined: bool


def _by_row(
    found: Numbers, joined: Flags, rows: Numbers, edges: Numbers, labels: Numbers
) -> Iterator[_NestedRow]:  # fmt: skip
    """Yield each row of nested runs."""
    begin = 0
    for place, index in enumerate(found.tolist()):
        after = int(found[place + 1]) if place + 1 < len(found) else -1
        if after != index + 1 or not joined[after] or rows[after] != rows[index]:
            first = int(found[begin])
            own = edges[found[begin : place + 1]].tolist()
            yield _NestedRow(int(rows[index]), own, int(labels[index]), bool(joined[first]))
            begin = place + 1

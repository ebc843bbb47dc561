"""What changed between two releases, as lines for a terminal or as JSON.

Every text goes through `visible`, so that no release can play with the terminal.
"""

import json
from collections.abc import Iterable, Iterator, Sequence

from builder.io.plain import to_plain
from builder.release.diff.records import Diff, Kind, LabelTally, RowTally
from builder.release.diff.semver import level, reasons
from builder.release.diff.spans import Mention
from builder.text.invisible import visible

LISTED = 10
"""Changes of one kind that are listed, unless all are asked for."""

WIDTH = 60
"""Characters of a text in a line."""


def as_json(diff: Diff) -> str:
    """The whole report, with the step that it asks for, as one JSON document of a stable order."""
    found = reasons(diff)
    said = {"step": level(found), "reasons": [to_plain(reason) for reason in found]}
    return json.dumps(said | to_plain(diff), ensure_ascii=False, indent=1)


def lines(diff: Diff, *, every: bool = False) -> Iterator[str]:
    """The report for a terminal: the step, tables of rows and labels, then lists, of which ten lines each."""
    found = reasons(diff)
    same = "the same tables" if diff.same_tables else f"a {level(found)} change"
    yield f"{diff.old.repo_id} {diff.old.version} -> {diff.new.repo_id} {diff.new.version}: {same}"
    yield from (f"    {reason.count:>8,}  {reason.what} ({reason.level})" for reason in found)
    yield ""
    yield from table(ROWS, map(row_cells, diff.rows))
    changed = [tally for tally in diff.labels if tally.kept != tally.before or tally.kept != tally.after]
    if changed:
        yield ""
        yield from table(LABELS, map(label_cells, changed))
    for heading, told in _lists(diff):
        if told:
            yield ""
            yield f"{heading}: {len(told):,}"
            yield from (f"    {line}" for line in (told if every else told[:LISTED]))
            if len(told) > LISTED and not every:
                yield f"    and {len(told) - LISTED:,} more: -v shows all"
    if diff.card.added or diff.card.removed:
        yield ""
        yield f"card: {diff.card.added:,} lines came, {diff.card.removed:,} went"


ROWS = ("config", "split", "before", "after", "unchanged", "changed", "moved out", "moved in", "removed", "added")

LABELS = ("layer", "label", "before", "after", "kept", "other edges", "relabelled from", "relabelled to",
          "removed", "added", "went with rows", "came with rows")  # fmt: skip


def row_cells(tally: RowTally) -> list[str]:
    """One line of the table of rows."""
    t = tally
    counts = (t.before, t.after, t.unchanged, t.changed, t.moved_out, t.moved_in, t.removed, t.added)
    return [visible(t.config), visible(t.split), *(f"{count:,}" for count in counts)]


def label_cells(tally: LabelTally) -> list[str]:
    """One line of the table of labels."""
    t = tally
    counts = (
        t.before,
        t.after,
        t.kept,
        t.moved,
        t.relabelled_from,
        t.relabelled_to,
        t.removed,
        t.added,
        t.went,
        t.came,
    )
    return [t.layer, visible(t.label), *(f"{count:,}" for count in counts)]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lines of a table; all but the first two columns stand to the right.

    >>> list(table(["a", "b", "n"], [["x", "y", "12"]]))
    ['a  b   n', 'x  y  12']
    """
    body = [list(head), *map(list, rows)]
    widths = [max(len(row[place]) for row in body) for place in range(len(head))]
    for row in body:
        cells = [cell.ljust(width) if place < 2 else cell.rjust(width)
                 for place, (cell, width) in enumerate(zip(row, widths, strict=True))]  # fmt: skip
        yield "  ".join(cells).rstrip()


def _lists(diff: Diff) -> Iterator[tuple[str, list[str]]]:
    yield (
        "columns",
        [
            f"{one.config}.{one.column}: {_short(one.old) or 'none'} -> {_short(one.new) or 'none'}"
            for one in diff.features
        ],
    )
    yield "rows that differ in a column", [f"{one.config}.{one.column}: {one.rows:,}" for one in diff.columns]
    yield (
        "articles added",
        [f"{one.article_id} ({one.split}) {_title(diff, one.article_id)}" for one in diff.articles_added],
    )
    yield "articles removed", [f"{one.article_id} ({one.split})" for one in diff.articles_removed]
    yield "articles in another split", [f"{one.article_id} {one.old} -> {one.new}" for one in diff.resplit]
    yield (
        "texts changed",
        [
            f"{one.article_id} {one.old_sha} -> {one.new_sha}"
            + ("" if one.at is None else f" at {one.at}: «{_short(one.old_words)}» -> «{_short(one.new_words)}»")
            for one in diff.texts
        ],
    )
    yield (
        "titles, sources, dates changed",
        [
            f"{one.article_id} {one.column}: {_short(one.old or 'none')} -> {_short(one.new or 'none')}"
            for one in diff.fields
        ],
    )
    yield "spans changed", [f"{one.article_id} {one.kind}: {_pair(one.old, one.new)}" for one in diff.spans]
    yield (
        "stances changed",
        [f"{one.article_id} {_short(one.target)} {_change(one.kind, one.old, one.new)}" for one in diff.stances],
    )
    yield (
        "judgements changed",
        [
            f"{one.article_id} {_short(one.annotator)} {_short(one.batch)} {one.kind}"
            + (f": {', '.join(one.columns)}" if one.columns else "")
            for one in diff.judgements
        ],
    )


def _change(kind: Kind, old: str, new: str) -> str:
    return f"{kind}: {_short(old)} -> {_short(new)}" if kind == "changed" else f"{kind}: {_short(old or new)}"


def _pair(old: Mention | None, new: Mention | None) -> str:
    return " -> ".join(f"{one.start}-{one.end} {_short(one.label)} «{_short(one.text)}»" for one in (old, new) if one)


def _title(diff: Diff, article_id: str) -> str:
    return _short(diff.titles.get(article_id, ""))


def _short(text: str) -> str:
    return visible(text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…")

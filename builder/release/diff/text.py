"""Report of a comparison of two releases, as terminal lines or JSON.

Every text in a line goes through `visible`, so that no release can inject terminal control characters.
"""

import json
from collections.abc import Iterable, Iterator, Sequence

from builder.io.plain import to_plain
from builder.release.diff.records import Diff, Kind, LabelTally, RowTally
from builder.release.diff.renames import label_renames, without_renames
from builder.release.diff.semver import level, reasons
from builder.release.diff.spans import Mention
from builder.text.invisible import make_visible

LISTED = 10
"""The number of changes of one kind that are listed by default."""

WIDTH = 60
"""The greatest length of a text in a line, in characters."""


def as_json(diff: Diff) -> str:
    """Return the complete report as one JSON document in a stable order, with the version step that it requires."""
    why = reasons(diff)
    step = {"step": level(why), "reasons": [to_plain(reason) for reason in why]}
    return json.dumps(step | to_plain(diff), ensure_ascii=False, indent=1)


def lines(diff: Diff, *, every: bool = False) -> Iterator[str]:
    """Yield the report as terminal lines: version step, tables of rows and labels, then lists of changes.

    Each list has at most LISTED lines, or all of them with `every`.
    """
    why = reasons(diff)
    summary = "the same tables" if diff.same_tables else f"a {level(why)} change"
    yield f"{diff.old.repo_id} {diff.old.version} -> {diff.new.repo_id} {diff.new.version}: {summary}"
    yield from (f"    {reason.count:>8,}  {reason.what} ({reason.level})" for reason in why)
    yield ""
    yield from table(ROWS, map(row_cells, diff.rows))
    changed = [tally for tally in diff.labels if tally.kept != tally.before or tally.kept != tally.after]
    if changed:
        yield ""
        yield from table(LABELS, map(label_cells, changed))
    for heading, changes in _lists(diff):
        if changes:
            yield ""
            yield f"{heading}: {len(changes):,}"
            yield from (f"    {change}" for change in (changes if every else changes[:LISTED]))
            if len(changes) > LISTED and not every:
                yield f"    and {len(changes) - LISTED:,} more: -v shows all"
    if diff.card.added or diff.card.removed:
        yield ""
        yield f"card: {diff.card.added:,} lines added, {diff.card.removed:,} removed"


ROWS = ("config", "split", "before", "after", "unchanged", "changed", "moved out", "moved in", "removed", "added")

LABELS = ("layer", "label", "before", "after", "kept", "edges moved", "relabelled from", "relabelled to",
          "removed", "added", "in removed rows", "in added rows")  # fmt: skip


def row_cells(tally: RowTally) -> list[str]:
    """Return one line of the table of rows."""
    t = tally
    counts = (t.before, t.after, t.unchanged, t.changed, t.moved_out, t.moved_in, t.removed, t.added)
    return [make_visible(t.config), make_visible(t.split), *(f"{count:,}" for count in counts)]


def label_cells(tally: LabelTally) -> list[str]:
    """Return one line of the table of labels."""
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
    return [t.layer, make_visible(t.label), *(f"{count:,}" for count in counts)]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table with its first two columns aligned left and the others right.

    >>> list(table(["a", "b", "n"], [["x", "y", "12"]]))
    ['a  b   n', 'x  y  12']
    """
    body = [list(head), *map(list, rows)]
    widths = [max(len(row[column]) for row in body) for column in range(len(head))]
    for row in body:
        cells = [cell.ljust(width) if column < 2 else cell.rjust(width)
                 for column, (cell, width) in enumerate(zip(row, widths, strict=True))]  # fmt: skip
        yield "  ".join(cells).rstrip()


def _lists(diff: Diff) -> Iterator[tuple[str, list[str]]]:
    yield (
        "columns",
        [
            f"{change.config}.{change.column}: {_short(change.old) or 'none'} -> {_short(change.new) or 'none'}"
            for change in diff.features
        ],
    )
    yield "rows that differ in a column", [f"{count.config}.{count.column}: {count.rows:,}" for count in diff.columns]
    yield (
        "articles added",
        [f"{added.article_id} ({added.split}) {_title(diff, added.article_id)}" for added in diff.articles_added],
    )
    yield "articles removed", [f"{removed.article_id} ({removed.split})" for removed in diff.articles_removed]
    yield "articles in another split", [f"{moved.article_id} {moved.old} -> {moved.new}" for moved in diff.resplit]
    yield (
        "texts changed",
        [
            f"{text.article_id} {text.old_sha} -> {text.new_sha}"
            + ("" if text.at is None else f" at {text.at}: «{_short(text.old_words)}» -> «{_short(text.new_words)}»")
            for text in diff.texts
        ],
    )
    yield (
        "titles, sources, dates changed",
        [
            f"{change.article_id} {change.column}: {_short(change.old or 'none')} -> {_short(change.new or 'none')}"
            for change in diff.fields
        ],
    )
    yield (
        "labels renamed",
        [f"{_short(one.old)} -> {_short(one.new)}: {one.spans:,} spans" for one in label_renames(diff)],
    )
    yield (
        "spans changed",
        [f"{span.article_id} {span.kind}: {_pair(span.old, span.new)}" for span in without_renames(diff)],
    )
    yield (
        "stances changed",
        [
            f"{stance.article_id} {_short(stance.target)} {_change(stance.kind, stance.old, stance.new)}"
            for stance in diff.stances
        ],
    )
    yield (
        "judgements changed",
        [
            f"{change.article_id} {_short(change.annotator)} {_short(change.batch)} {change.kind}"
            + (f": {', '.join(change.columns)}" if change.columns else "")
            for change in diff.judgements
        ],
    )


def _change(kind: Kind, old: str, new: str) -> str:
    return f"{kind}: {_short(old)} -> {_short(new)}" if kind == "changed" else f"{kind}: {_short(old or new)}"


def _pair(old: Mention | None, new: Mention | None) -> str:
    mentions = (mention for mention in (old, new) if mention)
    return " -> ".join(f"{m.start}-{m.end} {_short(m.label)} «{_short(m.text)}»" for m in mentions)


def _title(diff: Diff, article_id: str) -> str:
    return _short(diff.titles.get(article_id, ""))


def _short(text: str) -> str:
    return make_visible(text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…")

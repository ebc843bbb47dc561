"""Terminal and JSON formats of an explanation: each line of the page, the rules that dropped lines, and each edit.

Invisible characters are printed as visible signs, so the page's text cannot send control sequences to the terminal.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby

import click

from builder.corpus.explain.trace import Explanation, Kind, TraceCount, TracePiece, TraceRow, rows
from builder.io.plain import to_plain
from builder.text.invisible import SHORT, is_invisible, make_visible
from builder.text.profiles import describe_change, unicode_names

PLACES = 12
"""Maximum number of positions printed for one change in one line; --json has all of them."""

MARKS = {"kept": " ", "dropped": "-", "blank": "·"}

COLOURS = {"kept": "green", "dropped": "red", "blank": "bright_black", "changed": "cyan", "read": "magenta"}

WORDS: dict[Kind, str] = {"kept": "kept", "dropped": "dropped", "changed": "changed", "blank": "whitespace tidied"}

Place = tuple[int, int]


def format_lines(explanation: Explanation, *, colour: bool) -> Iterator[str]:
    """Yield the page line by line, each with its raw range in code points, end exclusive; then the counts."""
    yield make_visible(explanation.origin)
    yield f"document {explanation.document_id}, source {make_visible(explanation.source)}, {explanation.profile}"
    for part in explanation.parts:
        yield f"part {part.number}: {part.article_id}{f' «{make_visible(part.title)}»' if part.title else ''}"
    if not explanation.parts:
        yield "no article: cleaning left no body text"
    yield ""
    table = [(format_range(row), label(row), row) for row in rows(explanation.pieces)]
    range_width = max((len(raw_range) for raw_range, _, _ in table), default=0)
    label_width = max((len(name) for _, name, _ in table), default=0)
    for raw_range, name, row in table:
        ink = COLOURS[row.kind]
        head = _styled(f"{MARKS[row.kind]} {raw_range:>{range_width}}  {name:<{label_width}} │", ink, colour=colour)
        yield f"{head} {_inked(row, colour=colour)}".rstrip()
        for kind, note in _notes(row):
            yield f"{_styled(' ' * (range_width + label_width + 5) + '│', ink, colour=colour)}   " + _styled(
                note, COLOURS[kind], colour=colour
            )
    yield ""
    yield from _summary(explanation)


def as_json(record: object) -> str:
    """Format a whole explanation, or another record, as one JSON document; invisible characters are JSON escapes."""
    plain = json.dumps(to_plain(record), ensure_ascii=False)
    return "".join(json.dumps(character)[1:-1] if is_invisible(character) else character for character in plain)


def abbreviate_controls(what: str) -> str:
    """Add the usual abbreviation to the code of each control character.

    >>> abbreviate_controls("U+000A")
    'U+000A LF'
    """
    for character, short in SHORT.items():
        what = what.replace(f"U+{ord(character):04X}", f"U+{ord(character):04X} {short}")
    return what


def edits(row: TraceRow) -> dict[str, list[Place]]:
    """Return the raw ranges of each change in a row, by its description; adjacent deletions are one range."""
    places: dict[str, list[Place]] = {}
    for piece in row.pieces:
        if piece.kind == "changed" and piece.put:
            places.setdefault(describe_change(piece.raw, piece.put), []).append((piece.start, piece.end))
        elif piece.kind == "changed":
            _add_runs(places, piece, piece.raw, "deleted")
        elif piece.kind == "blank":
            _add_runs(places, piece, piece.raw.rstrip("\r\n"), "whitespace tidied")
    return places


def _add_runs(places: dict[str, list[Place]], piece: TracePiece, raw: str, change: str) -> None:
    """Add the range of each run of one character."""
    at = piece.start
    for character, run in groupby(raw):
        end = at + len(list(run))
        places.setdefault(f"{unicode_names(character)}: {change}", []).append((at, end))
        at = end


def _notes(row: TraceRow) -> Iterator[tuple[Kind, str]]:
    """Yield the notes below a row: parts that were cut from it, extracted fields, then changes with their positions."""
    for piece in row.said:
        fields = ", ".join(f"{name} = {make_visible(value)}" for name, value in piece.fields.items())
        if piece.kind == "read":
            yield "read", f"read by {piece.rule}: {fields}"
        elif row.kind == "kept":
            cut = f"{piece.start}:{piece.end} cut by {piece.rule}: {make_visible(piece.raw)}"
            yield "dropped", f"{cut}, {fields}" if fields else cut
        elif fields:
            yield "dropped", fields
    for what, places in edits(row).items():
        before, after = what.split(": ")
        times = len(places) if after not in ("deleted", "whitespace tidied") else sum(b - a for a, b in places)
        at = ", ".join(f"{a}:{b}" if b - a > 1 else str(a) for a, b in places[:PLACES])
        more = f" and {len(places) - PLACES} more" if len(places) > PLACES else ""
        yield (
            "changed",
            f"{f'{times} × ' if times > 1 else ''}{abbreviate_controls(before)} at {at}{more} → {abbreviate_controls(after)}",
        )


def format_range(row: TraceRow) -> str:
    """Format the raw range of a row; for a dropped row, the range that was dropped."""
    start, end = row.pieces[0].start, row.pieces[-1].end
    if row.kind == "dropped":
        dropped = [piece for piece in row.pieces if piece.kind == "dropped"]
        start, end = dropped[0].start, dropped[-1].end
    return f"{start}:{end}"


def label(row: TraceRow) -> str:
    """Return the label of a row: its part, "whitespace", or the rules that dropped it."""
    if row.kind == "dropped":
        return " ".join(piece.rule for piece in row.said)
    return "whitespace" if row.kind == "blank" else f"part {next(p.part for p in row.pieces if p.put)}"


def _inked(row: TraceRow, *, colour: bool) -> str:
    """Return the raw text of a row, without a line end that the article keeps; what was dropped has its colour."""
    shown = [make_visible(piece.raw) for piece in row.pieces]
    last = row.pieces[-1]
    if last.kind == "kept":
        shown[-1] = make_visible(last.raw.removesuffix("\n"))
    if row.kind != "kept":
        return _styled("".join(shown), COLOURS[row.kind], colour=colour)
    return "".join(
        _styled(text, COLOURS["dropped"], colour=colour) if piece.kind == "dropped" else text
        for text, piece in zip(shown, row.pieces, strict=True)
    )


def _summary(explanation: Explanation) -> Iterator[str]:
    """Yield the totals by kind, then one line for each count."""
    sums = [f"{explanation.total(kind)} {word}" for kind, word in WORDS.items()]
    yield f"{explanation.characters} code points = {' + '.join(sums)}"
    counts = [count for count in explanation.counts if count.kind != "read"]
    width = max((len(str(count.characters)) for count in counts), default=0)
    for kind, word in WORDS.items():
        for count in _of(counts, kind):
            times = f", {_times(count)}" if count.times != count.characters or kind in ("kept", "dropped") else ""
            what = abbreviate_controls(count.what.replace(": ", " → "))
            yield f"    {word:<17}  {count.characters:>{width}}  {what}{times}"
    for count in _of(explanation.counts, "read"):
        yield f"    {'only read':<17}  {'':>{width}}  {count.what}, {_times(count)}"


def _of(counts: Sequence[TraceCount], kind: Kind) -> list[TraceCount]:
    return [count for count in counts if count.kind == kind]


def _times(count: TraceCount) -> str:
    unit = "time" if count.kind == "changed" else "line"
    named = ((count.times - count.parts, unit), (count.parts, "part of a line"))
    return ", ".join(f"{n} {_plural(what) if n > 1 else what}" for n, what in named if n)


def _plural(what: str) -> str:
    return "parts of lines" if what == "part of a line" else f"{what}s"


def _styled(text: str, ink: str, *, colour: bool) -> str:
    return click.style(text, fg=ink) if colour else text

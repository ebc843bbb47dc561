"""An explanation as lines for a terminal, or as JSON: what was kept as it stands, what went by which rule, each edit.

The page's own text cannot reach the terminal's controls: whatever is hidden stands as a sign.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby

import click

from builder.corpus.explain.trace import Count, Explanation, Kind, Piece, Row, rows
from builder.io.plain import to_plain
from builder.text.invisible import SHORT, hidden, visible
from builder.text.profiles import describe, names_of

PLACES = 12
"""Of one change in one line; --json has the others."""

MARKS = {"kept": " ", "dropped": "-", "blank": "·"}

COLOURS = {"kept": "green", "dropped": "red", "blank": "bright_black", "changed": "cyan", "read": "magenta"}

WORDS: dict[Kind, str] = {"kept": "kept", "dropped": "dropped", "changed": "changed", "blank": "whitespace tidied"}

Place = tuple[int, int]


def lines(explanation: Explanation, *, colour: bool) -> Iterator[str]:
    """The page line by line, then the counts; each line with its raw range in code points, end exclusive."""
    yield visible(explanation.origin)
    yield f"document {explanation.document_id}, source {visible(explanation.source)}, {explanation.profile}"
    for part in explanation.parts:
        yield f"part {part.number}: {part.article_id}{f' «{visible(part.title)}»' if part.title else ''}"
    if not explanation.parts:
        yield "no article: no body is left of this page"
    yield ""
    table = [(place(row), label(row), row) for row in rows(explanation.pieces)]
    wide = max((len(where) for where, _, _ in table), default=0)
    labels = max((len(whose) for _, whose, _ in table), default=0)
    for where, whose, row in table:
        ink = COLOURS[row.kind]
        head = _styled(f"{MARKS[row.kind]} {where:>{wide}}  {whose:<{labels}} │", ink, colour=colour)
        text = visible(_shown(row))
        yield f"{head} {_styled(text, ink, colour=colour) if row.kind != 'kept' else text}".rstrip()
        for kind, note in _notes(row):
            yield f"{_styled(' ' * (wide + labels + 5) + '│', ink, colour=colour)}   " + _styled(
                note, COLOURS[kind], colour=colour
            )
    yield ""
    yield from _summary(explanation)


def as_json(explanation: Explanation) -> str:
    """The whole explanation as one JSON document; hidden characters are escaped, as JSON lets them be."""
    plain = json.dumps(to_plain(explanation), ensure_ascii=False)
    return "".join(json.dumps(one)[1:-1] if hidden(one) else one for one in plain)


def names(what: str) -> str:
    """A control character's number with the short name that people know.

    >>> names("U+000A")
    'U+000A LF'
    """
    for character, short in SHORT.items():
        what = what.replace(f"U+{ord(character):04X}", f"U+{ord(character):04X} {short}")
    return what


def edits(row: Row) -> dict[str, list[Place]]:
    """Where each change was made in a row, by what it did; deletions that touch are one place."""
    places: dict[str, list[Place]] = {}
    for piece in row.pieces:
        if piece.kind == "changed" and piece.put:
            places.setdefault(describe(piece.raw, piece.put), []).append((piece.start, piece.end))
        elif piece.kind == "changed":
            _add_runs(places, piece, piece.raw, "deleted")
        elif piece.kind == "blank":
            _add_runs(places, piece, piece.raw.rstrip("\r\n"), "whitespace tidied")
    return places


def _add_runs(places: dict[str, list[Place]], piece: Piece, raw: str, fate: str) -> None:
    at = piece.start
    for character, run in groupby(raw):
        end = at + len(list(run))
        places.setdefault(f"{names_of(character)}: {fate}", []).append((at, end))
        at = end


def _notes(row: Row) -> Iterator[tuple[Kind, str]]:
    for piece in row.said:
        fields = ", ".join(f"{name} = {visible(value)}" for name, value in piece.fields.items())
        if piece.kind == "read":
            yield "read", f"read by {piece.rule}: {fields}"
        elif fields:
            yield "dropped", fields
    for what, places in edits(row).items():
        before, after = what.split(": ")
        times = len(places) if after not in ("deleted", "whitespace tidied") else sum(b - a for a, b in places)
        at = ", ".join(f"{a}:{b}" if b - a > 1 else str(a) for a, b in places[:PLACES])
        more = f" and {len(places) - PLACES} more" if len(places) > PLACES else ""
        yield "changed", f"{f'{times} × ' if times > 1 else ''}{names(before)} at {at}{more} → {names(after)}"


def place(row: Row) -> str:
    """The raw range of a row: of a dropped one, of what was dropped."""
    start, end = row.pieces[0].start, row.pieces[-1].end
    if row.kind == "dropped":
        gone = [piece for piece in row.pieces if piece.kind == "dropped"]
        start, end = gone[0].start, gone[-1].end
    return f"{start}:{end}"


def label(row: Row) -> str:
    """Whose a row is: the part's, or the rules' that dropped it."""
    if row.kind == "dropped":
        return " ".join(piece.rule for piece in row.said)
    return "whitespace" if row.kind == "blank" else f"part {next(p.part for p in row.pieces if p.put)}"


def _shown(row: Row) -> str:
    """The raw text of a row, without the line end that stands in the article too."""
    last = row.pieces[-1]
    raw = "".join(piece.raw for piece in row.pieces)
    return raw.removesuffix("\n") if last.kind == "kept" else raw


def _summary(explanation: Explanation) -> Iterator[str]:
    sums = [f"{explanation.total(kind)} {word}" for kind, word in WORDS.items()]
    yield f"{explanation.characters} code points = {' + '.join(sums)}"
    counts = [count for count in explanation.counts if count.kind != "read"]
    wide = max((len(str(count.characters)) for count in counts), default=0)
    for kind, word in WORDS.items():
        for count in _of(counts, kind):
            times = f", {_times(count)}" if count.times != count.characters or kind in ("kept", "dropped") else ""
            what = names(count.what.replace(": ", " → "))
            yield f"    {word:<17}  {count.characters:>{wide}}  {what}{times}"
    for count in _of(explanation.counts, "read"):
        yield f"    {'only read':<17}  {'':>{wide}}  {count.what}, {_times(count)}"


def _of(counts: Sequence[Count], kind: Kind) -> list[Count]:
    return [count for count in counts if count.kind == kind]


def _times(count: Count) -> str:
    unit = "time" if count.kind == "changed" else "line"
    return f"{count.times} {unit}{'s' if count.times > 1 else ''}"


def _styled(text: str, ink: str, *, colour: bool) -> str:
    return click.style(text, fg=ink) if colour else text

"""Layout of a table: the line of its column names, its delimiter, and whether its cells are quoted."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Protocol, TextIO

from builder.corpus.readers.rows import MAX_BYTES

HEAD = 1 << 20
"""Code points of the beginning of a table from which its layout is determined."""

DELIMITERS = {"csv": ",;\t|", "tsv": "\t"}

SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
"""The line by which a file tells Excel its delimiter."""

MARKS = "\N{ZERO WIDTH NO-BREAK SPACE}\N{RIGHT-TO-LEFT MARK}\N{LEFT-TO-RIGHT MARK}"
"""Invisible characters that stand before the first column, where they would hide its quotes."""

QUOTED_CELL = re.compile(r'"(?:[^"]|"")*"')


class Rows(Protocol):
    """The rows of a table, as `csv.reader` yields them; `line_num` counts from the line of the columns."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...

    def __next__(self) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Table:
    """An opened table: its columns as they are written, and the reader of the rows below them."""

    columns: tuple[str, ...]
    line: int
    """The line at which the columns are named, from 1."""
    is_quoted: bool
    rows: Rows


def opened_table(text: TextIO, kind: str, quoted: bool | None) -> Table:
    """Read the beginning of a table up to its columns.

    Blank lines before them are skipped. Cells between tabs are quoted if `quoted` is true, or None and the beginning of
    the table shows it; the text/tab-separated-values of IANA has no quotes. All other cells are quoted as in RFC 4180.
    """
    head = text.read(HEAD)
    head += "" if head.endswith("\n") else text.readline(MAX_BYTES)
    names = _place_of_columns(head)
    first, head = head[names.start :].split("\n", 1)[0], head[names.start :]
    if not first:
        return Table((), names.line, is_quoted=True, rows=csv.reader(()))
    delimiter = names.delimiter or _delimiter(first, kind)
    is_quoted = delimiter != "\t" or (_shows_quotes(head) if quoted is None else quoted)
    spaced = delimiter in first and all(cell.startswith(" ") for cell in first.split(delimiter)[1:])
    rows = csv.reader(
        chain(io.StringIO(head, newline=""), text), delimiter=delimiter, strict=True, skipinitialspace=spaced,
        quoting=csv.QUOTE_MINIMAL if is_quoted else csv.QUOTE_NONE,
    )  # fmt: skip
    try:
        columns = next(rows)
    except csv.Error:
        columns = first.rstrip("\r").split(delimiter)
    return Table(tuple(columns), names.line, is_quoted, rows)


@dataclass(frozen=True, slots=True)
class _NamesLine:
    """The line that names the columns, its first code point, and the delimiter that a line above it names."""

    line: int
    start: int
    delimiter: str


def _place_of_columns(head: str) -> _NamesLine:
    """Return the line that names the columns.

    Lines without cells are above it, and one byte order mark more than decoding removed.
    """
    start, delimiter = 0, ""
    for line, content in enumerate(io.StringIO(head, newline=""), 1):
        bare = content.lstrip(MARKS)
        if not delimiter and (named := SEPARATOR_LINE.fullmatch(bare)):
            delimiter = named[1]
        elif bare.strip().strip(DELIMITERS["csv"]):
            return _NamesLine(line, start + len(content) - len(bare), delimiter)
        start += len(content)
    return _NamesLine(1, start, delimiter)


def _delimiter(line: str, kind: str) -> str:
    """Return the delimiter that occurs most often outside quotes in the line of the columns."""
    return max(DELIMITERS[kind], key=QUOTED_CELL.sub("", line).count)


def _shows_quotes(head: str) -> bool:
    """Return whether the beginning of a table, from its columns on, shows that its cells are quoted.

    It does if all names are quoted, if quotes inside a quoted cell are doubled, if quoted cells alone explain where rows
    begin, or if the cells with commas, and no others, are quoted, as Excel does.
    """
    rows = [line.rstrip("\r\n").split("\t") for line in io.StringIO(head, newline="") if line.strip()]
    if all(QUOTED_CELL.fullmatch(name) for name in rows[0]):
        return True
    if any(len(row) != len(rows[0]) for row in rows):
        return _is_whole(head, len(rows[0]))
    quoted = [cell for row in rows for cell in row if QUOTED_CELL.fullmatch(cell)]
    plain = [cell for row in rows for cell in row if not QUOTED_CELL.fullmatch(cell)]
    if not quoted or any('"' in cell for cell in plain):
        return False
    if any('""' in cell[1:-1] for cell in quoted):
        return True
    return all("," in cell for cell in quoted) and not any("," in cell for cell in plain)


def _is_whole(head: str, width: int) -> bool:
    """Return whether all rows of a table's beginning have `width` cells if its cells are quoted."""
    reader = csv.reader(io.StringIO(head, newline=""), delimiter="\t", strict=True)
    before: list[str] | None = None
    try:
        for row in reader:
            if before and len(before) != width:
                return False
            before = row
    except csv.Error as error:
        return "unexpected end" in str(error) and len(head) >= HEAD  # the beginning ends inside a cell
    return before is None or len(before) == width or len(head) >= HEAD

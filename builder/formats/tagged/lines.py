"""The rows of CoNLL files as Arrow columns: tokens, tags, and the sentences and articles that they belong to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.formats.files import text_of
from builder.formats.published import Flags, InputFile, Numbers, sighting
from builder.records import Issue, user_error
from builder.schema.importing import Tagged

DOCSTART = "-DOCSTART-"

BLANK = "[ \\t\N{NO-BREAK SPACE}\N{ZERO WIDTH NO-BREAK SPACE}]*"

SEPARATORS = {"space": " ", "tab": "\t", "blanks": "[ \\t]+"}

STOPS = (".", "!", "?", "\N{ARABIC QUESTION MARK}")

MOSTLY = 0.5
"""Share of the rows that must have their columns; below it the file is of another format."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The rows of all files that hold a token. `sentence`, `article` and `file` number what a row belongs to."""

    tokens: pa.StringArray
    cells: pa.ListArray
    """All columns of each row."""
    lines: Numbers
    """Line numbers in the file, from 1."""
    file: Numbers
    sentence: Numbers
    article: Numbers
    names: tuple[str, ...]
    issues: tuple[Issue, ...] = ()
    """An error for rows that lack a column, which are not here."""

    def place(self, row: int) -> str:
        """Return the file and the line of a row."""
        return f"{self.names[self.file[row]]}:{self.lines[row]}"

    def places(self, rows: Sequence[int] | Numbers) -> list[str]:
        """Return the files and lines of the first five of these rows."""
        return [self.place(int(row)) for row in rows[:5]]


def read_rows(files: Sequence[InputFile], form: Tagged, articles: str) -> Rows:
    """Read the rows of CoNLL files.

    Raises KhabarError (exit code 2) if a file is not UTF-8, or if most of its rows lack their columns.
    """
    parts = [_read(file, form, articles) for file in files]
    counts = [len(part.lines) for part in parts]
    file = np.repeat(np.arange(len(parts)), counts)
    return Rows(
        pa.concat_arrays([part.tokens for part in parts]),
        pa.concat_arrays([part.cells for part in parts]),
        np.concatenate([part.lines for part in parts]),
        file,
        _numbered([part.sentence for part in parts]),
        _numbered([part.article for part in parts]),
        tuple(one.name for one in files),
        tuple(issue for part in parts for issue in part.issues),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """The rows of one file; sentences and articles are numbered from 0."""

    tokens: pa.StringArray
    cells: pa.ListArray
    lines: Numbers
    sentence: Numbers
    article: Numbers
    issues: tuple[Issue, ...] = ()


def _numbered(parts: Sequence[Numbers]) -> Numbers:
    """Return the sentences or articles of several files, numbered through."""
    begin, found = 0, []
    for part in parts:
        found.append(part + begin)
        begin += int(part[-1]) + 1 if len(part) else 0
    return np.concatenate(found)


def _read(file: InputFile, form: Tagged, articles: str) -> _Part:
    lines = pc.split_pattern(pa.array([text_of(file)]), "\n").values
    blank = _flags(pc.match_substring_regex(lines, f"^{BLANK}$"))
    start = _flags(pc.starts_with(lines, DOCSTART))
    comment = _flags(pc.starts_with(lines, form.comment)) if form.comment else np.zeros(len(lines), bool)
    if form.header:
        comment[:1] = True
    cells = split_cells(lines, form.separator)
    wanted = max([form.token, *(form.tags if form.tags != "rest" else (form.token + 1,))])
    kept = ~(blank | start | comment)
    short = kept & (pc.list_value_length(cells).to_numpy() <= wanted)
    issues = _short(file.name, kept, short, wanted + 1)
    rows = np.flatnonzero(kept & ~short)
    own = cells.take(pa.array(rows))
    tokens = pc.list_element(own, form.token) if len(own) else pa.array([], pa.string())
    sentence = _sentences(tokens, blank | start, rows, form)
    article = _articles(articles, blank, start, rows, sentence)
    return _Part(tokens, own, rows + 1, sentence, article, issues)


def split_cells(lines: pa.Array, separator: str) -> pa.ListArray:
    """Split lines into their columns; a line of CSV at its last comma, into a token and a tag."""
    if separator == "comma":
        bare = pc.replace_substring_regex(lines, '^"(.*)",', r"\1,")
        return pc.split_pattern(pc.replace_substring(bare, '""', '"'), ",", max_splits=1, reverse=True)
    pattern = SEPARATORS[separator]
    return (pc.split_pattern_regex if separator == "blanks" else pc.split_pattern)(lines, pattern)


def _flags(column: pa.Array) -> Flags:
    return np.asarray(column.to_numpy(zero_copy_only=False), bool)


def _short(name: str, kept: Flags, short: Flags, columns: int) -> tuple[Issue, ...]:
    """Return an error for rows that lack a column. Raises KhabarError (exit code 2) if most do."""
    number = int(short.sum())
    if not kept.any():
        raise user_error("format", "the file has no token", where=name, fix="leave the file out")
    if number > MOSTLY * kept.sum():
        message = f"{number:,} of {int(kept.sum()):,} lines have fewer than {columns} columns: this is no such file"
        fix = "name the format with --as, and columns and separator under `conll:` in the map; --dry-run drafts one"
        raise user_error("format", message, where=name, fix=fix)
    if not number:
        return ()
    seen = sighting([f"{name}:{line + 1}" for line in np.flatnonzero(short)[:5]], number)
    message = f"lines with fewer than {columns} columns: {seen.said()}"
    return (Issue("error", "columns", message, seen.places[0], "complete the lines, or delete them"),)


def _since(flags: Flags, rows: Numbers) -> Flags:
    """Return, for each row, whether a flag stands between it and the row before."""
    before = np.cumsum(flags)[rows]
    return np.diff(before, prepend=0) > 0


def _sentences(tokens: pa.Array, ends: Flags, rows: Numbers, form: Tagged) -> Numbers:
    """Return the number of the sentence of each row."""
    begins = _since(ends, rows)
    if form.sentence_ends == "stop" and len(rows):
        stops = _flags(pc.is_in(tokens, pa.array(STOPS)))
        begins[1:] |= stops[:-1] & ~stops[1:]
    return _running(begins)


def _articles(kind: str, blank: Flags, start: Flags, rows: Numbers, sentence: Numbers) -> Numbers:
    """Return the number of the article of each row."""
    if kind == "sentence":
        return sentence
    if kind == "file":
        return np.zeros(len(rows), np.int64)
    if kind == "docstart":
        return _running(_since(start, rows))
    two = blank.copy()
    two[1:] &= blank[:-1]
    two[:1] = False
    return _running(_since(two, rows))


def _running(begins: Flags) -> Numbers:
    """Return the number of what each row belongs to; the first row always begins something."""
    begins = begins.copy()
    begins[:1] = False
    return np.cumsum(begins).astype(np.int64)

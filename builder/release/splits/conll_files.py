"""Sentences of CoNLL files: a token with its tags on each line, and an empty line after each sentence."""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

SAMPLE = 500
"""Lines at the beginning of a file by which it is recognised."""

TAGGED = 0.95
"""Share of these lines that must end with a tag; published files have a few broken ones."""

UNIVERSAL = 8
"""Columns from which a line that begins with a number is CoNLL-U, whose second column is the token."""

_TAG = re.compile(r"O|[BIESLUM][-_]\S+|\S+[-_][BIESLUM]|_")

_ENDS = frozenset(".!?؟…")


def read_sentences(path: Path) -> list[str] | None:
    """Return the sentences of a CoNLL file, their tokens joined by spaces, or None if the file is something else.

    A file without empty lines is divided after each full stop, exclamation and question mark.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            sample = [row for line in islice(file, SAMPLE) if (row := _columns(line))]
            if len(sample) < 2 or sum(map(_is_tagged, sample)) < TAGGED * len(sample):
                return None
            file.seek(0)
            return list(_sentences(file.read()))
    except (OSError, UnicodeDecodeError):
        return None


def _columns(line: str) -> list[str]:
    """Return the columns of a line; none for an empty line or a comment."""
    line = line.rstrip("\r\n")
    if line.startswith(("# ", "-DOCSTART-")):
        return []
    return line.split("\t") if "\t" in line else line.split(" ") if line.strip() else []


def _is_tagged(columns: list[str]) -> bool:
    return _is_universal(columns) or (len(columns) > 1 and bool(_TAG.fullmatch(columns[-1].strip())))


def _is_universal(columns: list[str]) -> bool:
    return len(columns) >= UNIVERSAL and columns[0].split("-")[0].isdecimal()


def _sentences(text: str) -> Iterator[str]:
    lines = text.split("\n")
    at_stops = all(line.strip() for line in text.rstrip().split("\n"))
    tokens: list[str] = []
    for line in [*lines, ""]:
        columns = _columns(line)
        token = columns[1 if _is_universal(columns) else 0].strip() if columns else ""
        if token:
            tokens.append(token)
        if tokens and (not line.strip() or (at_stops and token in _ENDS)):
            yield " ".join(tokens)
            tokens = []

"""The columns of tables: which ones a record is read from, and how their names are compared and shown."""

import re
from collections.abc import Collection, Sequence

from builder.corpus.readers.naming import likely_text, line_to_write
from builder.corpus.readers.rows import OPTIONAL, author_fields
from builder.schema.dataset import Fields
from builder.text.invisible import is_invisible

NUMBER = re.compile(r"[\d.,]+")

VALUE = re.compile(r"https?://.*|\d{4}[-/]\d{1,2}[-/]\d{1,2}.{0,20}|\d{1,2}[-/]\d{1,2}[-/]\d{4}.{0,20}")
"""An address, or a date in numbers."""

LONGEST_NAME = 80
"""Most code points of a column's name in a message; a longer name is a cell of text."""


def column_fault(columns: Sequence[str], fields: Fields) -> tuple[str, str] | None:
    """Return why a table with these columns cannot be read, and what to do; None if it can."""
    absent = missing_columns(columns, fields)
    if absent and _are_data(columns):
        shown = ", ".join(f"«{shown_name(name)}»" for name in columns[:4])
        return f"the first line looks like data, not like names of columns: {shown}", "name the columns in the first line, such as `title,text`"  # fmt: skip
    if absent:
        return (
            f"no column {', '.join(absent)}; it has {', '.join(map(shown_name, columns[:20])) or 'none'}",
            naming_fix(columns, absent, fields),
        )
    wanted = _wanted(fields)
    names = field_names(columns, wanted)
    twice = [name for name in wanted if names.count(name) > 1]
    return (f"two columns are named {', '.join(twice)}", "rename one of them in the file") if twice else None


def naming_fix(columns: Sequence[str], absent: Collection[str], fields: Fields) -> str:
    """Return what to do about missing columns: the line to write, if the text's is missing and another is likely."""
    likely = likely_text(map(plain_name, columns)) if fields.text in absent else None
    if likely:
        return line_to_write("html" if fields.html else "text", likely)
    return "name its columns under `fields:` in schema/dataset.yaml, such as `text: body`"


def missing_columns(columns: Sequence[str], fields: Fields) -> list[str]:
    """Return the missing columns: the text, and each optional field that `fields` maps to another name."""
    wanted = _wanted(fields)
    names = field_names(columns, wanted)
    return [name for name in wanted if name not in names and name.split(".")[0] not in names]


def used_names(fields: Fields) -> set[str]:
    """Return the names under which the fields of a table are read."""
    return {*(getattr(fields, key) for key in ("text", *OPTIONAL)), *author_fields(fields)}


def _wanted(fields: Fields) -> list[str]:
    """Return the columns that a table must have: the text, and each optional field that is mapped to another name."""
    return [fields.text, *(name for key in (*OPTIONAL, "author") if (name := getattr(fields, key)) != key)]


def field_names(columns: Sequence[str], wanted: Collection[str]) -> list[str]:
    """Return the names of columns without invisible characters and outer spaces, as `wanted` has them."""
    known = {plain_name(name): name for name in wanted}
    return [known.get(name, name) for name in map(plain_name, columns)]


def plain_name(name: str) -> str:
    r"""Return a name without invisible characters and outer spaces.

    >>> plain_name("\N{RIGHT-TO-LEFT MARK} text")
    'text'
    """
    return "".join(" " if letter.isspace() else "" if is_invisible(letter) else letter for letter in name).strip()


def shown_name(name: str) -> str:
    """Return a column's name for a message, with each invisible character as its code point."""
    visible = "".join(f"⟨U+{ord(c):04X}⟩" if is_invisible(c) else c for c in name[:LONGEST_NAME])
    return visible + "…" * (len(name) > LONGEST_NAME)


def _are_data(cells: Sequence[str]) -> bool:
    """Return whether the cells of the first line are values rather than names.

    One cell tells it by being long, an address or a date. Half of them must be numbers, which may be names too.
    """
    plain = [plain_name(cell) for cell in cells]
    numbers = sum(bool(NUMBER.fullmatch(cell)) for cell in plain)
    return any(len(cell) > LONGEST_NAME or VALUE.fullmatch(cell) for cell in plain) or numbers * 2 >= len(plain) > 0

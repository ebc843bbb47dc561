"""A published dataset as columns: what every reader of `builder/formats` returns.

Offsets are code points of an article's text, end exclusive.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from builder.records import Dropped, Issue, KhabarError, StageCounts, count_by_reason

Numbers = NDArray[np.int64]

Flags = NDArray[np.bool_]

ARTICLES = pa.schema([
    ("published_id", pa.string()), ("title", pa.string()), ("text", pa.string()), ("file", pa.string()),
    ("line", pa.int64()), ("split", pa.string()), ("annotated", pa.bool_()), ("tokens", pa.string()),
])  # fmt: skip
"""One row for each article. `tokens` are those of the file, one a line, with an empty line after each sentence."""

SPANS = pa.schema([
    ("article", pa.int64()), ("start", pa.int64()), ("end", pa.int64()), ("label", pa.string()), ("annotator", pa.string()),
])  # fmt: skip
"""One row for each mention; `article` is a row of ARTICLES, `annotator` is empty for gold."""

STANCES = pa.schema([
    ("article", pa.int64()), ("target", pa.string()), ("value", pa.string()), ("annotator", pa.string()),
])  # fmt: skip
"""One row for each answer, with the same keys as SPANS."""

ANSWERS = pa.schema([
    ("article", pa.int64()), ("question", pa.string()), ("value", pa.string()), ("annotator", pa.string()),
])  # fmt: skip
"""One row for each answer to a question on the whole article, with the same keys as SPANS."""

SEEN = pa.schema([("article", pa.int64()), ("annotator", pa.string())])
"""One row for each article and annotator, with the same keys as SPANS."""

CHANGES = pa.schema([
    ("file", pa.string()), ("line", pa.int64()), ("was", pa.string()), ("became", pa.string()), ("reason", pa.string()),
])  # fmt: skip
"""One row for each line whose annotation is not taken as it stands, with the reason."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file of a published dataset, by its path as given."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True, eq=False)
class PublishedSet:
    """The articles, mentions and answers of a published dataset, and what became of the rest."""

    articles: pa.Table
    spans: pa.Table
    stances: pa.Table
    changes: pa.Table
    accounts: tuple[StageCounts, ...]
    issues: tuple[Issue, ...] = ()
    set_aside: tuple[Dropped, ...] = ()
    seen: pa.Table = field(default_factory=SEEN.empty_table)
    """Who looked for mentions in each article, also where they found none."""
    answers: pa.Table = field(default_factory=ANSWERS.empty_table)


@dataclass(frozen=True, slots=True)
class Sighting:
    """Something seen in files: how often, and at which places, in order, of which only some may be listed."""

    count: int
    places: tuple[str, ...]

    def said(self) -> str:
        """Return the count, and at most five places.

        >>> Sighting(7, ("a.txt:1", "a.txt:4")).said()
        '7 (a.txt:1, a.txt:4 and 5 more)'
        """
        rest = self.count - min(5, len(self.places))
        return f"{self.count:,} ({', '.join(self.places[:5])}{f' and {rest:,} more' if rest else ''})"


def sighting(places: Sequence[str], count: int | None = None) -> Sighting:
    """Return the sighting of something at these places; `count` where more were seen."""
    return Sighting(len(places) if count is None else count, tuple(places[:5]))


def refuse(issues: Iterable[Issue], exit_code: int) -> None:
    """Raise KhabarError with the errors among these issues, if there are any."""
    errors = [issue for issue in issues if issue.severity == "error"]
    if errors:
        raise KhabarError(*errors, exit_code=exit_code)


def account(unit: str, taken: int, aside: Sequence[Dropped]) -> StageCounts:
    """Return the account of one unit of an import, in which what was set aside is counted by reason."""
    return count_by_reason("import", unit, taken, taken - len(aside), aside)


def split_of(name: str, names: Mapping[str, str]) -> str:
    """Return the split that a word of a file's path names, the last one first, or an empty string.

    >>> split_of("wojood/dev.txt", {"dev": "validation"})
    'validation'
    """
    words = name.lower().replace("\\", "/")
    for mark in "/._- ":
        words = words.replace(mark, "\n")
    return next((names[word] for word in reversed(words.split("\n")) if word in names), "")

"""Audit of a stand-off edition: a search of every file for five consecutive words of any article.

Parquet is searched leaf by leaf. The strings of one row of a leaf are joined, so that lists of words are found. JSON is
searched by its strings. Other text is searched as a whole and, unless it is Markdown or JSON, by its columns. Binary
files such as images are skipped. Addresses are references and exempt.
"""

import html
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from builder.records import Issue
from builder.release.editions.ngrams import RUN, Fold, Match, quotes, word_offsets

_WORD, _GAP = r"[\p{L}\p{N}\p{M}\x{200c}\x{200d}]+", r"[^\p{L}\p{N}\p{M}]+"

ENOUGH = rf"(?:{_WORD}{_GAP}){{{RUN - 1}}}{_WORD}|[\x{{fdf0}}-\x{{fdff}}]"
"""Matches strings with at least RUN words, or with a ligature that folds to several words."""

MOST = 20
"""Quotations that are listed one by one."""


@dataclass(frozen=True, slots=True)
class FileString:
    """A string of a file, and its location in the file."""

    file: str
    place: str
    text: str


def quotations(folder: Path, passages: Sequence[tuple[str, str]], fold: Fold) -> list[Issue]:
    """Return an error for each string of any file in a folder that quotes a passage.

    `passages` holds the name and the text of each. An error names the file, the location, the article and the offsets
    of five words in its text, but not the words.
    """
    pieces = [piece for path in sorted(folder.rglob("*")) if path.is_file() for piece in _pieces(path, folder)]
    texts = [text for _, text in passages]
    matches = quotes([piece.text for piece in pieces], texts, fold)
    issues = [_issue(pieces[match.string], passages[match.passage], match, fold) for match in matches[:MOST]]
    if len(matches) > MOST:
        issues.append(Issue("error", "quotation", f"and {len(matches) - MOST} more quotations"))
    return issues


def _issue(piece: FileString, passage: tuple[str, str], match: Match, fold: Fold) -> Issue:
    """Return the error for one match."""
    name, text = passage
    offsets = word_offsets(text, match.passage_word, fold)
    where = f"{offsets[0]}-{offsets[1]}" if offsets else f"word {match.passage_word + 1}"
    return Issue(
        "error", "quotation", f"five consecutive words of article {name}, {where}, appear in a file of the stand-off edition",
        where=f"{piece.file}{piece.place}", fix=_fix(piece.file), article_id=name.split(",")[0],
    )  # fmt: skip


def _fix(file: str) -> str:
    """Return how to remove a quotation from a file."""
    if file in ("README.md", "CHANGELOG.md"):
        return "remove the quotation from dataset_card.md, schema/ or the reason that it came from"
    return "shorten the text that it came from in schema/ or annotations/, or publish with `text: full`"


def _pieces(path: Path, folder: Path) -> Iterator[FileString]:
    """Yield the searchable strings of a file."""
    name = path.relative_to(folder).as_posix()
    if path.suffix == ".parquet":
        yield from (FileString(name, location, text) for location, text in _of_parquet(path))
        return
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError:
        return
    if path.suffix in (".json", ".jsonl"):
        yield from (FileString(name, location, string) for location, string in _of_json(text))
    else:
        yield from _of_text(name, html.unescape(text), columns=path.suffix != ".md")


def _of_text(name: str, text: str, *, columns: bool) -> Iterator[FileString]:
    """Yield the whole text, because a quotation may continue on the next line; then its columns, if asked for."""
    yield FileString(name, "", text)
    for number, column in enumerate(zip_longest(*(line.split() for line in text.splitlines())), 1) if columns else ():
        yield FileString(name, f", column {number}", " ".join(filter(None, column)))


def _of_json(text: str) -> Iterator[tuple[str, str]]:
    """Yield the joined values and the joined keys of a JSON document, or of each line of JSON Lines."""
    documents = [("", text)]
    try:
        json.loads(text)
    except ValueError:
        documents = [(f":{number}", line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    for location, document in documents:
        try:
            value = json.loads(document)
        except ValueError:
            yield location, document
            continue
        yield location, " ".join(_strings(value))
        yield location, " ".join(_keys(value))


def _strings(value: object) -> Iterator[str]:
    """Yield all strings that are values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


def _keys(value: object) -> Iterator[str]:
    """Yield all keys of objects."""
    if isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _keys(inner)
        yield from map(str, value) if isinstance(value, dict) else ()


def _of_parquet(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the metadata and the distinct strings of each column of a Parquet file."""
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        for value in (schema.metadata or {}).values():
            yield ", metadata", re.sub(r"[{}\[\]]", "\n", value.decode(errors="replace"))
        for field in schema:
            seen: set[str] = set()
            row = 0
            for batch in file.iter_batches(columns=[field.name]):
                for leaf in _leaves(field.name, batch.column(0), np.arange(len(batch))):
                    for owner, text in _rows(leaf):
                        if text not in seen:
                            seen.add(text)
                            yield f", column {leaf.name}, row {row + owner}", text
                row += len(batch)


@dataclass(frozen=True, slots=True, eq=False)
class _Leaf:
    """A string array at some depth of a column, with the row of each string."""

    name: str
    owners: NDArray[np.int64]
    strings: pa.Array


def _leaves(name: str, array: pa.Array, owners: NDArray[np.int64]) -> Iterator[_Leaf]:
    """Yield the string arrays at any depth of an array."""
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        counts = np.asarray(pc.fill_null(pc.list_value_length(array), 0))
        yield from _leaves(name, array.flatten(), np.repeat(owners, counts))
    elif pa.types.is_struct(array.type):
        for field in array.type:
            yield from _leaves(f"{name}.{field.name}", pc.struct_field(array, field.name), owners)
    elif pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        yield _Leaf(name, owners, array)


def _rows(leaf: _Leaf) -> Iterator[tuple[int, str]]:
    """Join the strings of each row and yield those that have enough words for a quotation."""
    owners, strings = leaf.owners, leaf.strings
    if not len(strings):
        return
    heads = np.flatnonzero(np.append(True, owners[1:] != owners[:-1]))
    cuts = pa.array(np.append(heads, len(owners)).astype(np.int32))
    joined = pc.binary_join(pa.ListArray.from_arrays(cuts, pc.fill_null(strings, "")), " ")
    rows = np.flatnonzero(np.asarray(pc.match_substring_regex(joined, ENOUGH)))
    yield from zip(owners[heads[rows]].tolist(), joined.take(pa.array(rows)).to_pylist(), strict=True)

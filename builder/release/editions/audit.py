"""Every file of a built stand-off edition, looked through for five words in a row of any article.

Parquet is read leaf by leaf, and the strings of one row of a leaf as one, so that a list of words is found too; JSON
by its strings; other text as it stands and, where it is neither Markdown nor JSON, by its columns. What is not text,
such as an image, is not looked into. Addresses are references, and exempt. Reads files, writes none.
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

from builder.records import Issue
from builder.release.editions.ngrams import RUN, Fold, Match, places, quotes

_WORD, _GAP = r"[\p{L}\p{N}\p{M}\x{200c}\x{200d}]+", r"[^\p{L}\p{N}\p{M}]+"

ENOUGH = rf"(?:{_WORD}{_GAP}){{{RUN - 1}}}{_WORD}|[\x{{fdf0}}-\x{{fdff}}]"
"""What has so many words, or a ligature that folds to several."""

MOST = 20
"""Quotations that are named."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A string of a file, and where in the file it is."""

    file: str
    place: str
    text: str


def quotations(folder: Path, passages: Sequence[tuple[str, str]], fold: Fold) -> list[Issue]:
    """An error for each string of any file of a folder that quotes a passage; `passages` are what each is and its text.

    Names file, place, article and the offsets in its text, and the first words only.
    """
    pieces = [piece for path in sorted(folder.rglob("*")) if path.is_file() for piece in _pieces(path, folder)]
    texts = [text for _, text in passages]
    found = quotes([piece.text for piece in pieces], texts, fold)
    issues = [_issue(pieces[match.string], passages[match.passage], match, fold) for match in found[:MOST]]
    if len(found) > MOST:
        issues.append(Issue("error", "quotation", f"and {len(found) - MOST} more quotations"))
    return issues


def _issue(piece: Piece, passage: tuple[str, str], match: Match, fold: Fold) -> Issue:
    name, text = passage
    place = places(text, match.passage_word, fold)
    where = f"{place[0]}-{place[1]}" if place else f"word {match.passage_word + 1}"
    return Issue(
        "error", "quotation", f"five words of article {name}, {where}, stand in a file of the stand-off edition",
        where=f"{piece.file}{piece.place}", fix=_fix(piece.file), article_id=name.split(",")[0],
    )  # fmt: skip


def _fix(file: str) -> str:
    if file in ("README.md", "CHANGELOG.md"):
        return "take the quotation out of dataset_card.md, schema/ or the reason it came from"
    return "shorten the text it came from in schema/ or annotations/, or publish with `text: full`"


def _pieces(path: Path, folder: Path) -> Iterator[Piece]:
    name = path.relative_to(folder).as_posix()
    if path.suffix == ".parquet":
        yield from (Piece(name, place, text) for place, text in _of_parquet(path))
        return
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError:
        return
    if path.suffix in (".json", ".jsonl"):
        yield from (Piece(name, place, one) for place, one in _of_json(text))
    else:
        yield from _of_text(name, html.unescape(text), columns=path.suffix != ".md")


def _of_text(name: str, text: str, *, columns: bool) -> Iterator[Piece]:
    """All of it; a quotation may go on over the end of a line."""
    yield Piece(name, "", text)
    for number, column in enumerate(zip_longest(*(line.split() for line in text.splitlines())), 1) if columns else ():
        yield Piece(name, f", column {number}", " ".join(filter(None, column)))


def _of_json(text: str) -> Iterator[tuple[str, str]]:
    documents = [("", text)]
    try:
        json.loads(text)
    except ValueError:
        documents = [(f":{number}", line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    for place, document in documents:
        try:
            value = json.loads(document)
        except ValueError:
            yield place, document
            continue
        yield place, " ".join(_strings(value))
        yield place, " ".join(_keys(value))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


def _keys(value: object) -> Iterator[str]:
    if isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _keys(inner)
        yield from map(str, value) if isinstance(value, dict) else ()


def _of_parquet(path: Path) -> Iterator[tuple[str, str]]:
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        for value in (schema.metadata or {}).values():
            yield ", metadata", re.sub(r"[{}\[\]]", "\n", value.decode(errors="replace"))
        for field in schema:
            seen: set[str] = set()
            row = 0
            for batch in file.iter_batches(columns=[field.name]):
                for leaf, owners, strings in _leaves(field.name, batch.column(0), np.arange(len(batch))):
                    for owner, text in _rows(owners, strings):
                        if text not in seen:
                            seen.add(text)
                            yield f", column {leaf}, row {row + owner}", text
                row += len(batch)


def _leaves(name: str, array: pa.Array, owners: np.ndarray) -> Iterator[tuple[str, np.ndarray, pa.Array]]:  # type: ignore[type-arg]
    """The strings in an array at any depth, and the row of each."""
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        counts = np.asarray(pc.fill_null(pc.list_value_length(array), 0))
        yield from _leaves(name, array.flatten(), np.repeat(owners, counts))
    elif pa.types.is_struct(array.type):
        for field in array.type:
            yield from _leaves(f"{name}.{field.name}", pc.struct_field(array, field.name), owners)
    elif pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        yield name, owners, array


def _rows(owners: np.ndarray, strings: pa.Array) -> Iterator[tuple[int, str]]:  # type: ignore[type-arg]
    """The strings of each row as one, of those rows that have so many words."""
    if not len(strings):
        return
    heads = np.flatnonzero(np.append(True, owners[1:] != owners[:-1]))
    cuts = pa.array(np.append(heads, len(owners)).astype(np.int32))
    joined = pc.binary_join(pa.ListArray.from_arrays(cuts, pc.fill_null(strings, "")), " ")
    rows = np.flatnonzero(np.asarray(pc.match_substring_regex(joined, ENOUGH)))
    yield from zip(owners[heads[rows]].tolist(), joined.take(pa.array(rows)).to_pylist(), strict=True)

"""What the draft of a map says of CoNLL files: columns, scheme, articles, labels, and odd tags."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from builder.formats.files import text_of
from builder.formats.labels import listed_labels
from builder.formats.published import InputFile, split_of
from builder.formats.tagged.lines import DOCSTART, split_cells
from builder.formats.tagged.tags import EDGES, suggest
from builder.records import user_error
from builder.schema.importing import UNDECIDED, ImportMap, Tagged

LINES = 500_000
"""Lines of each file that are looked at for its columns."""

TAGGED = 0.9
"""Share of the cells of a column that must be tags."""

DISTINCT = 100
"""Most values of a column of tags without letters before the label."""

FEW_LINES = 0.001
"""Share of the lines that must have more tags than most, or they are faulty ones."""

SELDOM, MANY = 2, 1_000
"""A label seen at most so often among so many tags is of odd ones."""

RARE = 5
"""A label seen at most so often, and unlike a frequent one only in a repeated letter or a stray mark, is an odd tag."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of CoNLL files: separator, columns of tags, scheme, articles, and how often each tag stands there."""

    separator: str
    tags: tuple[int, ...] | Literal["rest"]
    scheme: str
    articles: str
    counts: Mapping[str, int]
    header: str = ""
    """`true` if the first line of the first file names the columns."""
    ends: str = ""
    """`stop` if no blank line ends a sentence."""


def conll_body(files: Sequence[InputFile], known: Sequence[str]) -> str:
    """Return what a map of CoNLL files needs. Raises KhabarError (exit code 2) if no column of them holds tags."""
    seen = _see(files)
    odd, labels = _sorted_out(seen)
    columns = seen.tags if isinstance(seen.tags, str) else json.dumps([*seen.tags])
    more = "".join(
        f", {name}: {value}" for name, value in (("header", seen.header), ("sentence_ends", seen.ends)) if value
    )
    conll = f"conll: {{separator: {seen.separator}, tags: {columns}, scheme: {seen.scheme}{more}}}"
    lines = [f"articles: {seen.articles}", conll, *listed_labels("labels", labels, known), *_tags(odd, seen.counts)]
    return "\n".join(lines)


def _tags(odd: Sequence[str], counts: Mapping[str, int]) -> list[str]:
    """Return the mapping of odd tags, with a suggestion where a frequent tag is like it."""
    known = {tag: count for tag, count in counts.items() if tag not in odd}
    lines = [
        f"  {json.dumps(tag, ensure_ascii=False)}: {json.dumps(suggest(tag, known))}  # {counts[tag]} times"
        for tag in odd
    ]
    return ["tags:                      # odd tags; null is no mention", *lines] if lines else []


def _see(files: Sequence[InputFile]) -> Seen:
    lines = [pc.split_pattern(pa.array([text_of(file)]), "\n").values for file in files]
    rows = [[line for line in part.slice(0, LINES).to_pylist() if line.strip()] for part in lines]
    flat = [line for part in rows for line in part if not line.startswith(DOCSTART)]
    separator = _separator(flat, files)
    cells = split_cells(pa.array(flat, pa.string()), separator).to_pylist()
    tags = _tag_columns([row for row in cells if len(row) > 1], files[0].name)
    first = 1 if tags == "rest" else tags[0]
    columns = [row[1:] if tags == "rest" else [row[c] for c in tags if c < len(row)] for row in cells]
    counts = Counter(tag for row in columns for tag in row)
    is_header = separator == "comma" and bool(columns) and counts[columns[0][0]] == 1
    if is_header:
        del counts[columns[0][0]]
    blank = any(pc.any(pc.equal(part.slice(0, max(0, len(part) - 1)), "")).as_py() for part in lines)
    return Seen(
        separator, tags, _scheme(counts, [row[first] if first < len(row) else "" for row in cells]),
        _article_kind(rows, lines, files), counts, "true" if is_header else "", "" if blank else "stop",
    )  # fmt: skip


def _separator(lines: Sequence[str], files: Sequence[InputFile]) -> str:
    """Return what separates the columns of most lines."""
    if all(file.name.endswith(".csv") for file in files):
        return "comma"
    if sum("\t" in line for line in lines) > len(lines) / 2:
        return "tab"
    return "blanks" if any("  " in line.strip() or "\t" in line for line in lines) else "space"


def _tag_columns(cells: Sequence[Sequence[str]], name: str) -> tuple[int, ...] | Literal["rest"]:
    """Return the columns that hold tags, or `rest`."""
    sizes = Counter(len(row) for row in cells)
    width = sizes.most_common(1)[0][0] if sizes else 0
    held = []
    for column in range(1, width):
        own = [row[column] for row in cells if len(row) == width]
        is_tagged = sum(map(_is_tag, own)) >= TAGGED * len(own) and any(_is_marked(tag) for tag in own)
        if is_tagged or ("O" in own and len({*own}) <= DISTINCT):
            held.append(column)
    if not held:
        raise user_error("format", "no column holds tags such as B-PER and O", where=name,
                         fix="name the format of the files with --as")  # fmt: skip
    longer = [row for row in cells if len(row) > width]
    if len(longer) > FEW_LINES * len(cells) and all(_is_marked(tag) for row in longer for tag in row[width:]):
        return "rest"
    return tuple(held)


def _is_tag(cell: str) -> bool:
    return cell in {"O", "_"} or _is_marked(cell) or (cell.isascii() and cell.isupper())


def _is_marked(cell: str) -> bool:
    return cell[:1] in "BIESLUbiesu" and cell[1:2] in ("-", "_") and len(cell) > 2


def _scheme(counts: Mapping[str, int], column: Sequence[str]) -> str:
    """Return the scheme that the letters before labels are of."""
    letters = Counter({tag[:1]: 0 for tag in counts})
    for tag, count in counts.items():
        if _is_marked(tag):
            letters[tag[:1].upper()] += count
    if not any(_is_marked(tag) for tag in counts):
        return "bare"
    if letters["L"] or letters["U"]:
        return "bilou"
    if letters["E"] or letters["S"]:
        return "bioes"
    begun = sum(after[:1] == "I" and before[:1] not in ("B", "I") for before, after in pairwise(column))
    return "iob1" if begun > letters["B"] / 2 else "iob2"


def _article_kind(rows: Sequence[Sequence[str]], lines: Sequence[pa.Array], files: Sequence[InputFile]) -> str:
    """Return what an article most likely is."""
    if any(line.startswith(DOCSTART) for part in rows for line in part):
        return "docstart"
    named = sum(bool(split_of(file.name, ImportMap.model_fields["split_names"].default)) for file in files)
    blank = sum(pc.sum(pc.equal(part, "")).as_py() or 0 for part in lines)
    return "sentence" if len(files) == 1 or (blank > len(files) and named == len(files)) else "file"


def _sorted_out(seen: Seen) -> tuple[list[str], list[str]]:
    """Return the odd tags, and the labels of the others."""
    letters = EDGES[seen.scheme]
    own = {tag: tag[2:] if letters else tag for tag in seen.counts if tag != Tagged().outside}
    totals = Counter[str]()
    for tag, label in own.items():
        totals[label] += seen.counts[tag]
    seldom = {label for label, count in totals.items() if count <= SELDOM and totals.total() >= MANY}
    odd = [
        tag
        for tag, label in own.items()
        if label in seldom or not _is_well_formed(tag, letters) or _is_like(tag, seen.counts)
    ]
    return sorted(odd), sorted({label for tag, label in own.items() if tag not in odd})


def _is_well_formed(tag: str, letters: str) -> bool:
    return not letters or (tag[:1] in letters and tag[1:2] == "-" and tag[2:3] not in ("", "-", "_"))


def _is_like(tag: str, counts: Mapping[str, int]) -> bool:
    """Return whether a rare tag is like a frequent one."""
    return counts[tag] <= RARE and suggest(tag, _frequent(counts)) != UNDECIDED


def _frequent(counts: Mapping[str, int]) -> dict[str, int]:
    return {tag: count for tag, count in counts.items() if count > RARE}

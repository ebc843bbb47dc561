"""CoNLL files in the column format of Wojood: a token, then a tag for each mention that covers it, the outermost first.

Columns are separated by one space, `O` means no mention, and an empty line ends a sentence. Token offsets are indices
in the sentence, end exclusive. The tokens are those of the tables.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from builder.records import Dropped, StageCounts, count_by_reason, user_error
from builder.release.exports.lines import FOLDER, token_lines
from builder.release.tables.features import Edition

COLUMNS = ("id", "text", "spans", "tokens", "token_spans")

ROWS = 500
"""Articles that are in memory at a time."""


@dataclass(frozen=True, slots=True)
class Mention:
    """Tokens `first` to `after` (exclusive) of a sentence.

    `begun` is False if the file continues a mention with I- that no B- opened.
    """

    first: int
    after: int
    label: str
    begun: bool = True


@dataclass(frozen=True, slots=True)
class Sentence:
    """Tokens and their mentions, outer ones first; mentions of the same tokens are in column order."""

    tokens: tuple[str, ...]
    mentions: tuple[Mention, ...]


def read_wojood(text: str) -> list[Sentence]:
    r"""Parse a file in Wojood's columns into sentences.

    If a type has several open mentions and fewer tags continue, the innermost ones end first. Raises KhabarError (exit
    code 2) with the line number of the first malformed row.

    >>> read_wojood("جريدة B-ORG\nمرجانة I-ORG B-GPE\n")[0].mentions
    (Mention(first=0, after=2, label='ORG', begun=True), Mention(first=1, after=2, label='GPE', begun=True))
    """
    parsed: list[Sentence] = []
    rows: list[tuple[str, list[str]]] = []
    for number, line in enumerate([*text.removesuffix("\n").split("\n"), ""], 1):
        if line:
            rows.append(_row(line, number))
        elif rows:
            parsed.append(Sentence(tuple(token for token, _ in rows), tuple(_mentions([tags for _, tags in rows]))))
            rows = []
    return parsed


def _row(line: str, number: int) -> tuple[str, list[str]]:
    """Split a row into its token and its tags, without `O`; raises KhabarError for a malformed row."""
    token, *tags = line.split(" ")
    good = tags == ["O"] or (tags and all(tag[:2] in ("B-", "I-") and len(tag) > 2 for tag in tags))
    if not token or not good:
        raise user_error(
            "columns",
            f"{line!r} is not a token followed by its tags (O, B-TYPE or I-TYPE), each after one space",
            where=f"line {number}",
            fix="write one token a line: the token, a space, and its tags",
        )
    return token, [] if tags == ["O"] else tags


def _mentions(rows: Sequence[Sequence[str]]) -> list[Mention]:
    """Return the mentions of one sentence from the tags of each token."""
    closed: list[tuple[int, int, Mention]] = []
    open_mentions: defaultdict[str, list[tuple[int, int, bool]]] = defaultdict(list)
    """The open mentions of each type: first token, column of its tag there, and whether a B- opened it."""
    for index, tags in enumerate([*rows, ()]):
        continued = Counter(tag[2:] for tag in tags if tag.startswith("I-"))
        for label, of_type in open_mentions.items():
            while len(of_type) > continued[label]:
                first, column, begun = of_type.pop()
                closed.append((first, column, Mention(first, index, label, begun)))
        for column, tag in enumerate(tags):
            of_type = open_mentions[tag[2:]]
            if tag.startswith("B-"):
                of_type.append((index, column, True))
            elif continued[tag[2:]] > len(of_type):
                of_type.append((index, column, False))
    ordered = sorted(closed, key=lambda item: (item[0], -item[2].after, item[1]))
    return [mention for _, _, mention in ordered]


def write_wojood(parsed: Iterable[Sentence]) -> str:
    """Return the file of these sentences.

    Sentences from read_wojood give the same bytes back if the columns of their file had outer mentions first.

    >>> print(write_wojood([Sentence(("في", "مرجانة"), (Mention(1, 2, "GPE"),))]), end="")
    في O
    مرجانة B-GPE
    """
    return "\n".join("\n".join([*_rows(sentence), ""]) for sentence in parsed)


def _rows(sentence: Sentence) -> list[str]:
    """Return the rows of one sentence."""
    tags_at: defaultdict[int, list[str]] = defaultdict(list)
    for mention in sorted(sentence.mentions, key=lambda mention: (mention.first, -mention.after)):
        edge = "B" if mention.begun else "I"
        for index in range(mention.first, mention.after):
            tags_at[index].append(f"{edge if index == mention.first else 'I'}-{mention.label}")
    rows = [f"{token} O" for token in sentence.tokens]
    for index, tags in tags_at.items():
        rows[index] = " ".join([sentence.tokens[index], *tags])
    return rows


@dataclass(frozen=True, slots=True)
class ConllFiles:
    """The CoNLL file of each split by path, the account of spans, and the spans that the columns cannot hold.

    `cut` counts spans that begin or end inside a token. Such a token is tagged whole, so the mention is wider there.
    """

    files: dict[str, bytes]
    accounts: tuple[StageCounts, ...]
    set_aside: tuple[Dropped, ...]
    cut: int


def edition_files(edition: Edition, splits: Mapping[str, pa.Table], labels: Sequence[str]) -> ConllFiles:
    """Return the files of an edition; the stand-off edition has none, because they would contain the text."""
    return conll(splits, labels) if edition == "full" else ConllFiles({}, (), (), 0)


def conll(splits: Mapping[str, pa.Table], labels: Sequence[str]) -> ConllFiles:
    """Convert the entities of each non-empty split to Wojood's columns.

    The columns hold mentions nested to any depth. If two mentions of one type cross, only the longer is kept; if they
    cover the same tokens, only the first. A sentence does not end inside a mention.
    """
    files: dict[str, bytes] = {}
    aside: list[Dropped] = []
    taken = cut = 0
    for split, table in splits.items():
        pieces: list[bytes] = []
        for batch in table.select([*COLUMNS]).to_batches(max_chunksize=ROWS):
            made = token_lines(batch, labels)
            taken, cut = taken + made.spans, cut + made.cut
            aside += made.lost
            pieces.append(made.data)
        if table.num_rows:
            files[f"{FOLDER}/{split}.txt"] = b"".join(pieces)[:-1]  # no empty line after the last sentence
    account = count_by_reason("build", f"spans in {FOLDER}/", taken, taken - len(aside), aside)
    return ConllFiles(files, (account,), tuple(aside), cut)

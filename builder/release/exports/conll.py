"""CoNLL files in the columns of Wojood: a token, then a tag for each mention that covers it, the outermost first.

One space between columns, `O` where there is no mention, an empty line after each sentence. Offsets of tokens are
places in the sentence, end exclusive. Does not find the tokens of an article: those of the tables are used.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import pyarrow as pa
import pyarrow.compute as pc

from builder.records import Dropped, Span, StageCounts, count_by_reason, user_error
from builder.release.tables.features import Edition
from builder.release.tables.iob2 import CROSSING, TOKENLESS
from builder.text.tokens import sentences

SAME = "same tokens and type as another"

COLUMNS = ("id", "text", "spans", "tokens", "token_spans")

ROWS = 500
"""Articles that are in memory at a time."""


@dataclass(frozen=True, slots=True)
class Mention:
    """Tokens first to after of a sentence; `begun` is False where the file goes on with a mention it never began."""

    first: int
    after: int
    label: str
    begun: bool = True


@dataclass(frozen=True, slots=True)
class Sentence:
    """Tokens and their mentions, outer ones first; of mentions with the same tokens, in the order of the columns."""

    tokens: tuple[str, ...]
    mentions: tuple[Mention, ...]


def read_wojood(text: str) -> list[Sentence]:
    r"""The sentences of a file in Wojood's columns; a tag that goes on ends the innermost mention of its type first.

    Raises Refused (exit code 2) with the line of the first row that has no such columns.

    >>> read_wojood("جريدة B-ORG\nمرجانة I-ORG B-GPE\n")[0].mentions
    (Mention(first=0, after=2, label='ORG', begun=True), Mention(first=1, after=2, label='GPE', begun=True))
    """
    found: list[Sentence] = []
    rows: list[tuple[str, list[str]]] = []
    for number, line in enumerate([*text.removesuffix("\n").split("\n"), ""], 1):
        if line:
            rows.append(_row(line, number))
        elif rows:
            found.append(Sentence(tuple(token for token, _ in rows), tuple(_mentions([tags for _, tags in rows]))))
            rows = []
    return found


def _row(line: str, number: int) -> tuple[str, list[str]]:
    token, *tags = line.split(" ")
    good = tags == ["O"] or (tags and all(tag[:2] in ("B-", "I-") and len(tag) > 2 for tag in tags))
    if not token or not good:
        raise user_error(
            "columns",
            f"{line!r} is not a token and its tags: O, or B- and I- with a type, each after a space",
            where=f"line {number}",
        )
    return token, [] if tags == ["O"] else tags


def _mentions(rows: Sequence[Sequence[str]]) -> list[Mention]:
    """Of one sentence, by the tags of each token."""
    found: list[tuple[int, int, Mention]] = []
    running: defaultdict[str, list[tuple[int, int, bool]]] = defaultdict(list)
    """Of each type, those that the token before was in: first token, column there, whether it was begun."""
    for place, tags in enumerate([*rows, ()]):
        more = Counter(tag[2:] for tag in tags if tag.startswith("I-"))
        for label, going in running.items():
            while len(going) > more[label]:
                first, column, begun = going.pop()
                found.append((first, column, Mention(first, place, label, begun)))
        for column, tag in enumerate(tags):
            going = running[tag[2:]]
            if tag.startswith("B-"):
                going.append((place, column, True))
            elif more[tag[2:]] > len(going):
                going.append((place, column, False))
    ordered = sorted(found, key=lambda one: (one[0], -one[2].after, one[1]))
    return [mention for _, _, mention in ordered]


def write_wojood(said: Iterable[Sentence]) -> str:
    """The file of these sentences; what read_wojood gave becomes the same file, if its columns had outer ones first.

    >>> print(write_wojood([Sentence(("في", "مرجانة"), (Mention(1, 2, "GPE"),))]), end="")
    في O
    مرجانة B-GPE
    """
    return "\n".join("\n".join([*_rows(sentence), ""]) for sentence in said)


def _rows(sentence: Sentence) -> list[str]:
    columns: defaultdict[int, list[str]] = defaultdict(list)
    for mention in sorted(sentence.mentions, key=lambda one: (one.first, -one.after)):
        edge = "B" if mention.begun else "I"
        for place in range(mention.first, mention.after):
            columns[place].append(f"{edge if place == mention.first else 'I'}-{mention.label}")
    rows = [f"{token} O" for token in sentence.tokens]
    for place, tags in columns.items():
        rows[place] = " ".join([sentence.tokens[place], *tags])
    return rows


@dataclass(frozen=True, slots=True)
class Columns:
    """The file of each split, by its path; the account of spans, and those that the columns cannot hold.

    `cut` counts spans that begin or end inside a token: it is tagged whole, so that they are wider there.
    """

    files: dict[str, bytes]
    accounts: tuple[StageCounts, ...]
    set_aside: tuple[Dropped, ...]
    cut: int


def columns(edition: Edition, splits: Mapping[str, pa.Table], labels: Sequence[str]) -> Columns:
    """The files of an edition; of the stand-off one there are none, as they would hold the text."""
    return conll(splits, labels) if edition == "full" else Columns({}, (), (), 0)


def conll(splits: Mapping[str, pa.Table], labels: Sequence[str]) -> Columns:
    """The entities of a release in Wojood's columns: each split that has rows.

    The columns hold mentions nested to any depth; but of two of one type that cross, or that cover the same tokens,
    only the longer, or the first. A sentence does not end inside a mention.
    """
    files: dict[str, bytes] = {}
    aside: list[Dropped] = []
    taken = cut = 0
    for split, table in splits.items():
        pieces: list[str] = []
        for batch in table.select([*COLUMNS]).to_batches(max_chunksize=ROWS):
            places = batch["token_spans"]
            flat = [places.flatten().field(edge).to_pylist() for edge in ("start", "end")]
            cuts = [0, *accumulate(pc.list_value_length(places).to_pylist())]
            for row, (low, high) in zip(batch.drop_columns("token_spans").to_pylist(), pairwise(cuts), strict=True):
                spans = [Span(one["start"], one["end"], labels[one["label"]]) for one in row["spans"]]
                tokens = [*zip(flat[0][low:high], flat[1][low:high], strict=True)]
                kept, lost = settle(spans, tokens)
                taken += len(spans)
                cut += sum((tokens[m.first][0], tokens[m.after - 1][1]) != (s.start, s.end) for s, m in kept)
                where = f"article {row['id']} in {FOLDER}/"
                aside += [Dropped("build", f"{where} {s.start}-{s.end} {s.label}", reason) for s, reason in lost]
                pieces.append(write_wojood(_split(row["text"], row["tokens"], tokens, [m for _, m in kept])))
        if pieces:
            files[f"{FOLDER}/{split}.txt"] = "\n".join(filter(None, pieces)).encode()
    account = count_by_reason("build", f"spans in {FOLDER}/", taken, taken - len(aside), aside)
    return Columns(files, (account,), tuple(aside), cut)


FOLDER = "conll"
"""Where the files of a release stand: `conll/<split>.txt`."""


def settle(
    spans: Collection[Span], tokens: Sequence[tuple[int, int]]
) -> tuple[list[tuple[Span, Mention]], list[tuple[Span, str]]]:
    """Which spans the columns hold, as mentions of tokens, and which they lose, with the reason.

    >>> tokens = [(0, 2), (3, 5), (6, 8)]
    >>> kept, lost = settle([Span(0, 5, "ORG"), Span(3, 8, "ORG"), Span(3, 8, "GPE")], tokens)
    >>> [(span.label, mention.first, mention.after) for span, mention in kept], lost
    ([('ORG', 0, 2), ('GPE', 1, 3)], [(Span(start=3, end=8, label='ORG', id=''), 'crossing')])
    """
    starts, ends = [start for start, _ in tokens], [end for _, end in tokens]
    kept: defaultdict[str, list[tuple[Span, Mention]]] = defaultdict(list)
    lost: list[tuple[Span, str]] = []
    for span in sorted(spans, key=lambda one: (one.start - one.end, one)):
        mine = Mention(bisect_right(ends, span.start), bisect_left(starts, span.end), span.label)
        others = [other for _, other in kept[span.label]]
        if mine.first >= mine.after:
            lost.append((span, TOKENLESS))
        elif mine in others:
            lost.append((span, SAME))
        elif any(_cross(mine, other) for other in others):
            lost.append((span, CROSSING))
        else:
            kept[span.label].append((span, mine))
    return [one for found in kept.values() for one in found], lost


def _cross(one: Mention, other: Mention) -> bool:
    return one.first < other.first < one.after < other.after or other.first < one.first < other.after < one.after


def _split(
    text: str, words: Sequence[str], tokens: Sequence[tuple[int, int]], mentions: Sequence[Mention]
) -> Iterator[Sentence]:
    """The sentences of an article; one that ends inside a mention goes on to the end of the next."""
    starts = [start for start, _ in tokens]
    inside = {place for mention in mentions for place in range(mention.first + 1, mention.after)}
    begins = {bisect_left(starts, start) for start, _ in sentences(text)} - inside
    for first, after in pairwise(sorted({0, *begins, len(tokens)})):
        own = [
            Mention(mention.first - first, mention.after - first, mention.label)
            for mention in mentions
            if first <= mention.first < after
        ]
        yield Sentence(tuple(words[first:after]), tuple(own))

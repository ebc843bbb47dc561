"""Cleaning and counting row by row, as they were before columns: the reference that columns are compared with."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha1
from itertools import accumulate, chain, compress, groupby

import numpy as np
import pyarrow as pa

from builder.corpus.cleaning.boilerplate import classify_batch
from builder.corpus.cleaning.clean import Cleaned
from builder.corpus.cleaning.columns.keys import Kind, Side, hashed, of_kind
from builder.corpus.cleaning.counts import SIGHTINGS, Counts
from builder.corpus.cleaning.decisions import HEADLINE, LineDecision, Part
from builder.corpus.cleaning.edges import (
    END_MARKS,
    GRAM,
    LONG,
    Edges,
    edges,
    ends,
    fields,
    is_lone,
    label,
    mask,
    rest,
    suffix,
    suffixes,
)  # fmt: skip
from builder.corpus.cleaning.evidence import Evidence
from builder.corpus.cleaning.matching.rules import compile_rules
from builder.io.hashing import sha16
from builder.records import Article, Document, Drop, Dropped, Issue
from builder.text.aligned import AlignedText, keep_batch, pack_batch, raw_positions_batch
from builder.text.profiles import Profile

MOSTLY = 0.6

Range = tuple[int, int]

_SURPLUS = re.compile(r"(?<=\s)\s+")


@dataclass(frozen=True, slots=True)
class NormalizedLines:
    """The non-blank lines of a page, trimmed and with single spaces, and their offsets in the normalized text."""

    lines: list[str]
    begins: list[int]
    below: list[int]
    """The offset at which the next line begins, which is behind the line end."""
    kept: dict[int, list[Range]]
    """The ranges that a line keeps, with its line end, for lines that do not keep all of their text."""
    is_dense: bool
    """Whether the lines are the whole text, because no line was blank and each keeps all of its text."""

    def ranges(self, index: int) -> list[Range]:
        """Return the ranges that a line keeps of the text, with its line end."""
        return self.kept.get(index) or [(self.begins[index], self.below[index])]

    def position(self, index: int, offset: int) -> int:
        """Return the offset in the text of an offset in a line; at the begin of a range, not at the end of the last."""
        for start, end in self.ranges(index):
            if offset < end - start:
                return start + offset
            offset -= end - start
        return self.below[index] - 1


def tidy(text: str) -> NormalizedLines:
    """Return the non-blank lines of a page, trimmed, and the ranges of the text that they keep."""
    untrimmed = text.split("\n")
    below = [*accumulate([len(line) + 1 for line in untrimmed])]
    begins = [0, *below[:-1]]
    lines = [*map(str.strip, untrimmed)]
    has_blank = "" in lines
    if has_blank:
        begins, below = [*compress(begins, lines)], [*compress(below, lines)]
        untrimmed, lines = [*compress(untrimmed, lines)], [*filter(None, lines)]
    kept: dict[int, list[Range]] = {}
    has_double = "  " in text
    if has_double or untrimmed != lines:
        for index, line in enumerate(untrimmed):
            trimmed = lines[index]
            if len(trimmed) != len(line) or (has_double and "  " in line):
                is_single = trimmed.isprintable() and not (has_double and "  " in trimmed)
                single = trimmed if is_single else " ".join(trimmed.split())
                if single == trimmed:  # only its ends are surplus
                    begin, end = begins[index], begins[index] + len(line)
                    low = 0 if line.startswith(trimmed) else line.index(trimmed)
                    kept[index] = [(begin + low, begin + low + len(trimmed)), (end, end + 1)]
                else:
                    kept[index] = list(_without_surplus(line, begins[index]))
                    lines[index] = single
    return NormalizedLines(lines, begins, below, kept, not has_blank and not kept)


def _without_surplus(line: str, begin: int) -> Iterator[Range]:
    """Yield the ranges that a line keeps: its text without surplus whitespace, then its line end."""
    low, high = len(line) - len(line.lstrip()), len(line.rstrip())
    for surplus in _SURPLUS.finditer(line, low, high):
        yield begin + low, begin + surplus.start()
        low = surplus.end()
    yield begin + low, begin + high
    yield begin + len(line), begin + len(line) + 1


def kept_ranges(page: NormalizedLines, begin: int, end: int) -> Iterator[Range]:
    """Yield the ranges that consecutive lines keep of the text; a dense page gives one range."""
    if page.is_dense:
        yield page.begins[begin], page.below[end - 1]
        return
    for index in range(begin, end):
        yield from page.kept.get(index) or ((page.begins[index], page.below[index]),)


def trimmed_ranges(page: NormalizedLines, index: int, decision: LineDecision) -> Iterator[Range]:
    """Yield the ranges that a line keeps without its cut parts and the whitespace beside them, then its line end."""
    line = page.lines[index]
    low = max((part.end for part in decision.cut if part.start == 0), default=0)
    high = min((part.start for part in decision.cut if part.start > 0), default=len(line))
    text = line[low:high]
    low, high = low + len(text) - len(text.lstrip()), high - len(text) + len(text.rstrip())
    at = 0
    for start, end in page.ranges(index):
        first, last = max(start, start + low - at), min(end, start + high - at)
        if first < last:
            yield first, last
        at += end - start
    yield page.below[index] - 1, page.below[index]


def clean_rows(documents, profile, rules, counts):
    """Clean pages, each with its counts."""
    if not documents:
        return []
    wholes = profile.apply_batch([document.raw for document in documents])
    pages = [tidy(whole.text) for whole in wholes]
    folded = profile.fold_batch(["\n".join(page.lines) for page in pages])
    evidence = _evidence(documents, profile, counts)
    decisions = classify_batch(
        [page.lines for page in pages],
        [text.split("\n") if page.lines else [] for page, text in zip(pages, folded, strict=True)],
        compile_rules(rules),
        evidence,
    )
    drops = _drops(wholes, pages, decisions)
    bodies = [_bodies(page, judged) for page, judged in zip(pages, decisions, strict=True)]
    parts = [(index, ranges) for index, body in enumerate(bodies) for ranges in body.values()]
    kept = keep_batch([wholes[index] for index, _ in parts], [ranges for _, ranges in parts])
    packed = pack_batch(kept)
    texts = zip(kept, packed, strict=True)
    cleaned: list[Cleaned] = []
    for document, page, judged, dropped, body, known in zip(
        documents, pages, decisions, drops, bodies, evidence, strict=True
    ):
        articles = _articles(document, profile.id, judged, dropped, {part: next(texts) for part in body})
        cleaned.append(_cleaned(document, page, judged, dropped, articles, frozenset(known.used)))
    return cleaned


def _evidence(documents: Sequence[Document], profile: Profile, counts: Sequence[Counts]) -> list[Evidence]:
    """Return what is known of each page beside its text, with the record's title and author folded."""
    titles, authors = (
        [" ".join(text.split()) for text in profile.fold_batch(texts)]
        for texts in (
            [document.title or "" for document in documents],
            [document.author or "" for document in documents],
        )
    )
    return [
        Evidence(known, document.source, title, author, known.is_asked)
        for document, known, title, author in zip(documents, counts, titles, authors, strict=True)
    ]


def _drops(
    wholes: Sequence[AlignedText], pages: Sequence[NormalizedLines], decisions: Sequence[Sequence[LineDecision]]
) -> list[dict[int, list[Drop]]]:
    """Return the drops of each page by line: lines that a rule dropped or extracted fields from, and parts of lines.

    A raw line begins after the line end above it.
    """
    drops: list[dict[int, list[Drop]]] = [{} for _ in pages]
    ruled = {
        page: lines
        for page, judged in enumerate(decisions)
        if (lines := [index for index, made in enumerate(judged) if made.rule])
    }
    some = [wholes[page] for page in ruled]
    above = [[pages[page].begins[index] - 1 for index in lines] for page, lines in ruled.items()]
    below = [[pages[page].below[index] - 1 for index in lines] for page, lines in ruled.items()]
    starts, ends = raw_positions_batch(some, above)[1], raw_positions_batch(some, below)[0]
    for (page, lines), begin, behind in zip(ruled.items(), starts, ends, strict=True):
        raw = wholes[page].raw
        for index, start, end in zip(lines, begin, behind, strict=True):
            made = decisions[page][index]
            if made.role == "body":
                end = start  # noqa: PLW2901 - the line is kept
            elif raw[end - 1 : end + 1] == "\r\n":
                end -= 1  # noqa: PLW2901 - both characters belong to the line end
            drops[page][index] = [Drop(start, end, made.rule, made.extracted)]
    for page, judged in enumerate(decisions):
        for index, made in enumerate(judged):
            for part in made.cut:
                drops[page].setdefault(index, []).append(_part_drop(wholes[page], pages[page], index, part))
    return [{index: found[index] for index in sorted(found)} if found else found for found in drops]


def _part_drop(whole: AlignedText, page: NormalizedLines, index: int, part: Part) -> Drop:
    """Return the drop of a part of a line, without the whitespace beside it."""
    line = page.lines[index]
    text = line[part.start : part.end]
    low, high = part.start + len(text) - len(text.lstrip()), part.end - len(text) + len(text.rstrip())
    start, end = whole.raw_span(page.position(index, low), page.position(index, high - 1) + 1)
    return Drop(start, end, part.reason)


def _bodies(page: NormalizedLines, decisions: Sequence[LineDecision]) -> dict[int, list[Range]]:
    """Return the ranges that each part with a body keeps of the page; ranges do not touch, the last has no line end."""
    bodies: dict[int, list[Range]] = {}
    begin = 0
    for decision, run in _runs(decisions):
        end = begin + run
        if decision.role == "body":
            ranges = bodies.setdefault(decision.part, [])
            for first, last in trimmed_ranges(page, begin, decision) if decision.cut else kept_ranges(page, begin, end):
                if ranges and ranges[-1][1] == first:
                    ranges[-1] = (ranges[-1][0], last)
                else:
                    ranges.append((first, last))
        begin = end
    for ranges in bodies.values():
        start, end = ranges.pop()
        if end - start > 1:
            ranges.append((start, end - 1))
    return bodies


def _runs(decisions: Sequence[LineDecision]) -> Iterator[tuple[LineDecision, int]]:
    """Yield each decision with its run length: neighbouring lines that no rule takes share one decision object."""
    for _, same in groupby(decisions, key=id):
        run = [*same]
        yield run[0], len(run)


def _articles(
    document: Document,
    profile_id: str,
    decisions: Sequence[LineDecision],
    drops: Mapping[int, Sequence[Drop]],
    bodies: Mapping[int, tuple[AlignedText, tuple[int, ...]]],
) -> tuple[Article, ...]:
    """Return the articles that have a body; the first one also holds the drops of parts without a body."""
    first = next(iter(bodies), 0)
    titles = {0: document.title}
    drops_by_part: dict[int, list[Drop]] = {part: [] for part in bodies}
    for index, found in drops.items() if bodies else ():
        part = decisions[index].part
        drops_by_part[part if part in bodies else first].extend(found)
        if found[0].rule == HEADLINE:
            titles[part] = found[0].extracted["title"]
    return tuple(
        Article(
            f"{document.id}-{part}", document.id, part, titles.get(part), kept.text, packed,
            tuple(drops_by_part[part]), profile_id, sha16(kept.text),
        )
        for part, (kept, packed) in bodies.items()
    )  # fmt: skip


def _cleaned(
    document: Document,
    page: NormalizedLines,
    decisions: Sequence[LineDecision],
    drops: Mapping[int, Sequence[Drop]],
    articles: tuple[Article, ...],
    evidence: frozenset[int],
) -> Cleaned:
    dropped: Counter[str] = Counter()
    parts: Counter[str] = Counter()
    for index, found in drops.items():
        if decisions[index].role != "body":
            dropped[found[0].rule] += 1
        parts.update(part.reason for part in decisions[index].cut)
    return Cleaned(
        articles,
        tuple(chain.from_iterable(drops.values())),
        () if articles else (Dropped("clean", document.origin, "no body", _lost(dropped, page.lines)),),
        tuple(_warnings(document, articles, page.lines, dropped)) if dropped else (),
        len(page.lines),
        len(page.lines) - sum(dropped.values()),
        dict(sorted(dropped.items())),
        dict(sorted(parts.items())),
        evidence,
    )


def _warnings(
    document: Document, articles: Sequence[Article], lines: Sequence[str], dropped: Mapping[str, int]
) -> Iterator[Issue]:
    whole = sum(map(len, lines))
    kept = sum(len(article.text) - article.text.count("\n") for article in articles)
    if articles and whole - kept > MOSTLY * whole:
        yield Issue(
            "warning",
            "mostly-boilerplate",
            f"cleaning removed {(whole - kept) / whole:.0%} of the page's characters: {_counted(dropped)}",
            where=document.origin,
            fix="check the page with `khabar explain`; if a rule drops body text, turn it off for this source (`off:`) in "
            "schema/boilerplate.yaml",
            article_id=articles[0].id,
        )


def _lost(dropped: Mapping[str, int], lines: Sequence[str]) -> str:
    """Format what a page without text lost: the counts of rules, and its size."""
    return f"{_counted(dropped)}; {sum(map(len, lines)):,} characters" if dropped else ""


def _counted(dropped: Mapping[str, int]) -> str:
    """Format the counts of rules, the most frequent rule first.

    >>> _counted({"share": 1, "link-list": 9})
    'link-list 9, share 1'
    """
    return ", ".join(
        f"{rule} {number}" for rule, number in sorted(dropped.items(), key=lambda pair: (-pair[1], pair[0]))
    )


def count_rows(documents, profile):
    """What count_table returns, from each page by itself."""
    pages = profile.fold_batch(documents["raw"].to_pylist())
    seen = chain.from_iterable(
        sightings(source, folded_lines(page))
        for source, page in zip(documents["source"].to_pylist(), pages, strict=True)
    )
    rows = sorted({(int.from_bytes(key), int.from_bytes(beside)) for key, beside in seen})
    columns = np.array(rows, np.uint64).reshape(-1, 2)
    return pa.table([pa.array(columns[:, 0]), pa.array(columns[:, 1])], schema=SIGHTINGS)


def folded_lines(folded):
    """The lines of a folded page that are not blank, trimmed and with single spaces; it has no other whitespace."""
    lines = [line for untrimmed in folded.split("\n") if (line := untrimmed.strip())]
    return [" ".join(line.split()) if "  " in line else line for line in lines] if "  " in folded else lines


LOW = ("field", "lone head")
"""What the first paragraph shows; the rest is of the last."""


def sightings(source: str, folded: Sequence[str]) -> Iterator[tuple[bytes, bytes]]:
    """Yield the hash of each thing that a page shows, and of the paragraph beside it, or of the page where there is none."""
    yield (first := _page_itself(source, "\n".join(folded)))
    whole = first[1]
    if folded:
        page, count = edges(folded), len(folded)
        low = beside_of(folded[page.first]) if page.first < count else whole
        high = low if page.last == page.first else beside_of(folded[page.last]) if page.last >= 0 else whole
        for i, line in enumerate(folded):
            side: Side | None = "head" if i in page.head else "tail" if i in page.tail else None
            if side is None and len(line) > LONG and ":" not in line[:LONG]:
                continue  # what most lines are
            beside = low if side == "head" else high if side or i == count - 1 else whole
            for kind, text in _of_line(line, side) if side else _of_inner_line(line, is_last=0 < i == count - 1):
                yield hashed(of_kind(source, kind), text), beside
            if i in page.tail and side == "head":
                yield hashed(of_kind(source, "tail"), mask(line)), high
        for kind, text in _of_paragraphs(folded, page):
            beside = low if kind in LOW else whole if kind.startswith("inside") else high
            yield hashed(of_kind(source, kind), text), beside


def _page_itself(source: str, folded: str) -> tuple[bytes, bytes]:
    """Return the sighting of a page itself, given its lines."""
    return of_kind(source, "page").digest(), beside_of(folded)


def _of_line(line: str, side: Side) -> Iterator[tuple[Kind, str]]:
    """Yield what a line at an edge shows: itself, its fields, most of its words and its label."""
    masked = mask(line)
    yield side, masked
    for part in fields(line):
        yield "field", part
    for part in ends(masked):
        yield "part", part
    if ":" in line and (name := label(line)):
        yield "label", name


def _of_inner_line(line: str, *, is_last: bool) -> Iterator[tuple[Kind, str]]:
    """Yield what any other line shows: itself, if it is short, and its label."""
    if len(line) <= LONG:
        yield "inside", mask(line)
    if ":" in line and (name := label(line)):
        yield "label" if is_last else "inside label", name


def _of_paragraphs(folded: Sequence[str], page: Edges) -> Iterator[tuple[Kind, str]]:
    """Yield what the paragraphs of a page show: signatures, last words, and lines that stand alone beside them."""
    if page.last < 0:
        return
    for part in fields(folded[page.first][: LONG + 1].partition(":")[0]):
        yield "field", part
    for i in range(page.first, page.last):
        if page.prose[i] and folded[i][-1] not in END_MARKS:
            yield from _of_ending("inside ", folded[i], suffix(folded[i], GRAM[0]))
    if folded[page.last][-1] not in END_MARKS:
        yield from _of_ending("", folded[page.last], *suffixes(folded[page.last]))
    if is_lone(folded, page, 0):
        yield "lone head", ""
    if is_lone(folded, page, len(folded) - 1):
        yield "lone tail", ""


def _of_ending(place: str, paragraph: str, *last: str) -> Iterator[tuple[Kind, str]]:
    """Yield the last words of a paragraph, and the few behind its last sentence."""
    for words in filter(None, last):
        yield "inside suffix" if place else "suffix", words
    if start := rest(paragraph):
        yield "inside rest" if place else "rest", mask(paragraph[start:])


def beside_of(text: str) -> bytes:
    """Return the hash of a paragraph or a page, as what stands beside a thing.

    Many processors have SHA-1 built in, and the text is in UTF-16 anyway.
    """
    return sha1(text.encode("utf-16-le", "surrogatepass"), usedforsecurity=False).digest()[:8]

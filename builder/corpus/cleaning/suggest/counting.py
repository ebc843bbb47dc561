"""Count what recurs at the edges of each source's pages, and collect how what recurs is spelled."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from builder.corpus.cleaning.boilerplate import classify_lines
from builder.corpus.cleaning.counts import Counts
from builder.corpus.cleaning.edges import edges
from builder.corpus.cleaning.evidence import Evidence
from builder.corpus.cleaning.matching.rules import Rules
from builder.corpus.cleaning.suggest.sightings import Kind, Page, Sighting, sightings

SPELLINGS = 3
"""Most examples of a proposal."""

RESTS = 3
"""Fewest different rests of a line that is said to have a changing rest."""

BEFORE = 40
"""Most code points of a paragraph that an example shows beside a part of it."""

Name = tuple[str, Kind, str]
"""The source, the kind and the text of a candidate."""


@dataclass(slots=True)
class Candidate:
    """Something that recurs at the edges of a source's pages.

    `documents` is the number of different paragraphs beside it, so that copies of a page count once.
    """

    source: str
    kind: Kind
    text: str
    documents: int
    seen: int = 0
    heads: int = 0
    longest: int = 0
    """Most code points of what a rule would take."""
    dropped: int = 0
    """Number of pages on which cleaning drops it by counts alone."""
    sentences: int = 0
    """Number of pages on which it ends in a full stop or a question mark, or is a paragraph."""
    leading: int = 0
    """Number of pages on which it ends in a colon or a comma, so that the next line belongs to it."""
    rests: set[str] = field(default_factory=set)
    folded: Counter[str] = field(default_factory=Counter)
    """Its folded spellings."""
    examples: list[str] = field(default_factory=list)
    below: Counter[Name] = field(default_factory=Counter)
    """The candidate lines that stand on the next line."""


def name_hash(source: str, kind: Kind, text: str) -> int:
    """Return the 64-bit hash of a candidate."""
    return _hash(f"{source}\0{kind}\0{text}")


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def frequent(pages: Iterable[Page], least: int) -> tuple[dict[int, int], Counter[str]]:
    """Return the number of documents of each thing beside at least `least` different paragraphs, and pages by source.

    Only two numbers of each sighting are kept: 16 bytes.
    """
    number: Counter[str] = Counter()
    blocks: list[NDArray[np.uint64]] = []
    rows: list[int] = []
    for page in pages:
        number[page.source] += 1
        for seen in sightings(page.folded):
            rows += (name_hash(page.source, seen.kind, seen.text), _hash(seen.beside))
        if len(rows) > 1_000_000:
            blocks.append(np.array(rows, np.uint64).reshape(-1, 2))
            rows = []
    blocks.append(np.array(rows, np.uint64).reshape(-1, 2))
    distinct = np.unique(np.concatenate(blocks), axis=0)
    names, times = np.unique(distinct[:, 0], return_counts=True)
    kept = times >= least
    return dict(zip(names[kept].tolist(), times[kept].tolist(), strict=True)), number


def collect(pages: Iterable[Page], known: dict[int, int], rules: Rules, counts: Counts | None) -> dict[Name, Candidate]:
    """Return the candidates that `known` counts, with their spellings, places and neighbours."""
    candidates: dict[Name, Candidate] = {}
    for page in pages:
        found: list[tuple[Sighting, Candidate]] = []
        for seen in sightings(page.folded):
            times = known.get(name_hash(page.source, seen.kind, seen.text), 0)
            if times:
                name = (page.source, seen.kind, seen.text)
                candidate = candidates.setdefault(name, Candidate(*name, times))
                found.append((seen, candidate))
        if found:
            _add(page, found, _dropped(page, rules, counts) if counts else set())
    for candidate in candidates.values():
        # At both edges of a page there are two paragraphs beside it.
        candidate.documents = min(candidate.documents, candidate.seen)
    return candidates


def _dropped(page: Page, rules: Rules, counts: Counts) -> set[int]:
    """Return the lines of a page that cleaning drops, or of which it cuts a part, by counts."""
    evidence = Evidence(counts, page.source, "", "")
    decided = classify_lines(page.lines, page.folded, rules, page.source, evidence)
    return {i for i, decision in enumerate(decided) if decision.role == "drop" or decision.cut}


def _add(page: Page, found: list[tuple[Sighting, Candidate]], dropped: set[int]) -> None:
    prose = edges(page.folded).prose
    lines = {seen.line: candidate for seen, candidate in found if seen.kind == "line"}
    for seen, candidate in {id(candidate): (seen, candidate) for seen, candidate in reversed(found)}.values():
        line = page.folded[seen.line]
        taken = line[seen.start : seen.end]
        candidate.seen += 1
        candidate.heads += seen.side == "head"
        candidate.longest = max(candidate.longest, len(taken))
        candidate.dropped += seen.line in dropped
        is_part = seen.kind in ("prefix", "suffix")
        candidate.sentences += not is_part and (taken[-1] in ".!؟" or (seen.kind == "line" and prose[seen.line]))
        candidate.leading += taken[-1] in ":،," and not is_part
        if len(candidate.rests) < 10 * RESTS:
            candidate.rests.add(seen.rest)
        if len(candidate.folded) < 10 * RESTS or taken in candidate.folded:
            candidate.folded[taken] += 1
        example = _example(page, seen)
        if len(candidate.examples) < SPELLINGS and example not in candidate.examples:
            candidate.examples.append(example)
        if seen.kind == "line" and (next_one := lines.get(seen.line + 1)) and next_one is not candidate:
            candidate.below[next_one.source, next_one.kind, next_one.text] += 1


def _example(page: Page, seen: Sighting) -> str:
    """Return a line as an example: whole, or what a rule takes of a paragraph with some words beside it."""
    line, folded = page.lines[seen.line], page.folded[seen.line]
    text = line if len(line) == len(folded) else folded
    if seen.kind == "suffix":
        low = max(0, seen.start - BEFORE)
        return text[text.find(" ", low) + 1 if low > 0 and " " in text[low : seen.start] else low :]
    if seen.kind == "prefix":
        high = text.rfind(" ", 0, seen.end + BEFORE)
        return text[: high if high > seen.end else seen.end + BEFORE]
    return text


def blocks(candidates: dict[Name, Candidate], chosen: Iterable[Name]) -> Iterator[list[Name]]:
    """Yield runs of chosen lines that stand on neighbouring lines, in at least four of five of the pages of each."""
    left = dict.fromkeys(chosen)
    below: dict[Name, Name] = {}
    for name in left:
        for other, times in candidates[name].below.most_common(1):
            most = max(candidates[name].seen, candidates[other].seen)
            if other in left and times >= 0.8 * most:
                below[name] = other
    starts = [name for name in left if name in below and name not in set(below.values())]
    for start in starts:
        run = [start]
        while run[-1] in below and below[run[-1]] not in run:
            run.append(below[run[-1]])
        yield run

"""Tokens and IOB2 tags derived again from the texts and the spans of a release, with the counts of what they lose."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.io.lists import counts, edges, numbers, owners
from builder.records import StageCounts
from builder.release.tables.build import TAGGED
from builder.release.tables.iob2 import NESTED, TokenTags, segment, tag
from builder.release.verification.columns import batches
from builder.release.verification.content import Content
from builder.release.verification.result import Mismatch
from builder.release.verification.spans import (
    code_points,
    differing_lists,
    differing_words,
    mentions_of,
    published_tokens,
    rows_of,
    unordered,
)
from builder.text.invisible import IGNORABLE
from builder.text.token_batch import Tokens, tokenize_batch

SAME_TOKENS = 2
"""The format of releases since which tokens are those of today's rules; before it, invisible characters differ."""


@dataclass(slots=True)
class TagCounts:
    """Counts of the spans that the two tag layers hold and lose, and of those with an edge inside a token."""

    spans: int = 0
    nested: int = 0
    cut: tuple[int, int] = (0, 0)
    lost: Counter[tuple[bool, str]] = field(default_factory=Counter)

    def add(self, spans: int, tags: TokenTags) -> None:
        """Add the counts of a batch of articles."""
        self.spans += spans
        self.nested += tags.nested
        self.cut = (self.cut[0] + tags.cut[0], self.cut[1] + tags.cut[1])
        self.lost.update((deep, reason) for _, _, reason, deep in tags.lost)

    @property
    def accounts(self) -> tuple[StageCounts, StageCounts]:
        """Return the accounts of the outer and the inner layer, as a build makes them."""
        outer = {reason: count for (deep, reason), count in self.lost.items() if not deep}
        outer |= {NESTED: self.nested} if self.nested else {}
        inner = {f"{reason}, in a span": count for (deep, reason), count in self.lost.items() if deep}
        made = [
            StageCounts("build", unit, taken, taken - sum(lost.values()), dict(sorted(lost.items())))
            for unit, taken, lost in zip(TAGGED, (self.spans, self.nested), (outer, inner), strict=True)
        ]
        return made[0], made[1]


def token_places(content: Content) -> Iterator[Mismatch]:
    """Yield the articles whose tokens overlap, are out of order, or are outside of the text."""
    for split, table in content.tables["entities"].items():
        for low, batch in batches(table):
            lists = batch["token_spans"]
            wrong = unordered(lists, _sizes(content, batch))
            yield Mismatch(
                "entities", split, "token_spans", "in order and inside the text", np.flatnonzero(wrong) + low
            )


def tags(content: Content, found: TagCounts) -> Iterator[Mismatch]:
    """Yield the articles whose tags are not those of their spans and tokens; `found` counts what the tags lose."""
    for split, table in content.tables["entities"].items():
        for low, batch in batches(table):
            spans = mentions_of(batch["spans"], content.names.entities)
            tokens = published_tokens(batch["token_spans"], _sizes(content, batch))
            made = tag(spans, tokens)
            found.add(len(spans.spans), made)
            for name, wanted in (("ner_tags", made.outer), ("ner_tags_inner", made.inner)):
                lists = batch[name]
                wrong = differing_lists(lists, counts(batch["token_spans"]), (numbers(lists.flatten()), wanted))
                yield Mismatch("entities", split, name, "the tags of `spans`", np.flatnonzero(wrong) + low)


def tokens(content: Content) -> Iterator[Mismatch]:
    """Yield the articles whose tokens are not those of their text, in words and in places."""
    for split, table in content.tables["entities"].items():
        for low, batch in batches(table):
            of, lists = code_points(batch["text"]), batch["token_spans"]
            starts, ends = edges(lists)
            shift = of.begins[:-1][owners(lists)]
            uneven = counts(batch["tokens"]) != counts(lists)
            wanted = "the text from `start` to `end` of `token_spans`"
            if not uneven.any():
                wrong = differing_words(of, starts + shift, ends + shift, batch["tokens"].flatten())
                yield Mismatch("entities", split, "tokens", wanted, np.flatnonzero(rows_of(lists, wrong)) + low)
            yield Mismatch("entities", split, "tokens", wanted, np.flatnonzero(uneven) + low)
            rows = np.flatnonzero(_split_otherwise(content, batch)) + low
            yield Mismatch("entities", split, "token_spans", "the tokens of `text`", rows)


def _split_otherwise(content: Content, batch: pa.RecordBatch) -> NDArray[np.bool_]:
    """Return the rows whose text gives other tokens.

    A hydrated release does not say whether clitics are tokens of their own, so either is right there.
    """
    texts = batch["text"].to_pylist()
    whole = tokenize_batch(texts)
    clitics = content.basis.labels.clitics if content.basis else None
    wrong = np.ones(batch.num_rows, bool)
    if clitics != "segment":
        wrong &= _unlike(batch["token_spans"], whole)
    if clitics in ("segment", None):
        wrong &= _unlike(
            batch["token_spans"], segment(mentions_of(batch["spans"], content.names.entities), whole, texts)
        )
    if content.release.format < SAME_TOKENS:
        wrong &= ~np.asarray(pc.match_substring_regex(batch["text"], f"[{IGNORABLE}]"))
    return wrong


def _unlike(places: pa.Array, wanted: Tokens) -> NDArray[np.bool_]:
    """Return the rows whose token offsets are not those of these tokens."""
    lengths = np.diff(wanted.cuts)
    shifts = np.repeat(wanted.begins[:-1], lengths)
    starts, ends = edges(places)
    return differing_lists(places, lengths, (starts, wanted.starts - shifts), (ends, wanted.ends - shifts))


def _sizes(content: Content, batch: pa.RecordBatch) -> NDArray[np.int64]:
    """Return the length of each text, or, where the release holds no text, the end of its last token or span."""
    if content.has_text():
        return numbers(pc.utf8_length(batch["text"]))
    sizes = np.zeros(batch.num_rows, np.int64)
    for name in ("token_spans", "spans"):
        np.maximum.at(sizes, owners(batch[name]), edges(batch[name])[1])
    return sizes

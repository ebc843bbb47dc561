"""The CoNLL files of a release made row by row, as khabar made them before it took columns: the reference in tests."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from itertools import pairwise

from builder.records import Dropped, Span, count_by_reason
from builder.release.exports.conll import ConllFiles, Mention, Sentence, write_wojood
from builder.release.exports.lines import FOLDER, SAME
from builder.release.tables.iob2 import CROSSING, TOKENLESS
from builder.text.tokens import sentences


def conll(splits, labels):
    """Return the CoNLL files of tables of entities."""
    files, aside, taken, cut = {}, [], 0, 0
    for split, table in splits.items():
        pieces = []
        for row in table.to_pylist():
            spans = [Span(span["start"], span["end"], labels[span["label"]]) for span in row["spans"]]
            tokens = [(token["start"], token["end"]) for token in row["token_spans"]]
            kept, lost = choose_mentions(spans, tokens)
            taken += len(spans)
            cut += sum((tokens[m.first][0], tokens[m.after - 1][1]) != (s.start, s.end) for s, m in kept)
            where = f"article {row['id']} in {FOLDER}/"
            aside += [Dropped("build", f"{where} {s.start}-{s.end} {s.label}", reason) for s, reason in lost]
            pieces.append(write_wojood(_split(row["text"], row["tokens"], tokens, [m for _, m in kept])))
        if pieces:
            files[f"{FOLDER}/{split}.txt"] = "\n".join(filter(None, pieces)).encode()
    account = count_by_reason("build", f"spans in {FOLDER}/", taken, taken - len(aside), aside)
    return ConllFiles(files, (account,), tuple(aside), cut)


def choose_mentions(spans, tokens):
    """Return the spans that the columns hold, as mentions of tokens, and those they cannot hold, with the reason.

    >>> tokens = [(0, 2), (3, 5), (6, 8)]
    >>> kept, lost = choose_mentions([Span(0, 5, "ORG"), Span(3, 8, "ORG"), Span(3, 8, "GPE")], tokens)
    >>> [(span.label, mention.first, mention.after) for span, mention in kept], lost
    ([('ORG', 0, 2), ('GPE', 1, 3)], [(Span(start=3, end=8, label='ORG', id=''), 'crossing')])
    """
    starts, ends = [start for start, _ in tokens], [end for _, end in tokens]
    kept = defaultdict(list)
    lost = []
    for span in sorted(spans, key=lambda span: (span.start - span.end, span)):
        mention = Mention(bisect_right(ends, span.start), bisect_left(starts, span.end), span.label)
        others = [other for _, other in kept[span.label]]
        if mention.first >= mention.after:
            lost.append((span, TOKENLESS))
        elif mention in others:
            lost.append((span, SAME))
        elif any(_cross(mention, other) for other in others):
            lost.append((span, CROSSING))
        else:
            kept[span.label].append((span, mention))
    return [pair for pairs in kept.values() for pair in pairs], lost


def _cross(left, right):
    """Return whether two mentions overlap without one containing the other."""
    return left.first < right.first < left.after < right.after or right.first < left.first < right.after < left.after


def _split(text, words, tokens, mentions):
    """Yield the sentences of an article; a sentence that would end inside a mention is joined with the next."""
    starts = [start for start, _ in tokens]
    inside = {index for mention in mentions for index in range(mention.first + 1, mention.after)}
    begins = {bisect_left(starts, start) for start, _ in sentences(text)} - inside
    for first, after in pairwise(sorted({0, *begins, len(tokens)})):
        shifted = [
            Mention(mention.first - first, mention.after - first, mention.label)
            for mention in mentions
            if first <= mention.first < after
        ]
        yield Sentence(tuple(words[first:after]), tuple(shifted))

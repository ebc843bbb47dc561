"""Where each line of a cleaned page went, and the check that nothing was lost or counted twice."""

import re

from builder.io.hashing import sha16
from builder.text.aligned import unpack_edits
from builder.text.profiles import profile

STANDARD = profile("standard@1")
NEW_LINE = re.compile("\r\n|[\n\r\v\f\x85\u2028\u2029]")


def raw_lines(raw):
    """Each raw line's range, without its newline."""
    ends = [*((m.start(), m.end()) for m in NEW_LINE.finditer(raw)), (len(raw), 0)]
    starts = [0, *(after for _, after in ends[:-1])]
    return [(start, end) for start, (end, _) in zip(starts, ends, strict=True)]


def kept_lines(page, article):
    """The raw range of each line of an article, by the article's own way back."""
    aligned = unpack_edits(article.text, page.raw, article.edits)
    ranges, begin = [], 0
    for line in article.text.split("\n"):
        ranges.append(aligned.raw_span(begin, begin + len(line)))
        begin += len(line) + 1
    return ranges


def fates(page, done):
    """Number of each line that is not blank -> the articles that keep it and the rules that drop it whole."""
    found = {
        n: []
        for n, (start, end) in enumerate(raw_lines(page.raw), 1)
        if STANDARD.apply(page.raw[start:end]).text.split()
    }
    place = {span: n for n, span in enumerate(raw_lines(page.raw), 1)}
    for drop in done.drops:
        if drop.start < drop.end and (drop.start, drop.end) in place:
            found[place[drop.start, drop.end]].append(drop.rule)
    for article in done.articles:
        for start, end in kept_lines(page, article):
            (number,) = (n for (low, high), n in place.items() if low <= start and end <= high)
            found[number].append(article.part)
    return found


def pieces(page, done):
    """Number of each line that is not blank -> what became of its parts: ranges of the raw text in order, and why."""
    held = [(start, end, article.part) for article in done.articles for start, end in kept_lines(page, article)]
    every = sorted([*held, *((drop.start, drop.end, drop.rule) for drop in done.drops if drop.start < drop.end)])
    return {
        n: [piece for piece in every if start <= piece[0] and piece[1] <= end]
        for n, (start, end) in enumerate(raw_lines(page.raw), 1)
        if STANDARD.apply(page.raw[start:end]).text.split()
    }


def check_cover(page, done):
    """What is kept, and what was dropped with or without the rest of its line, is each line, and nothing twice."""
    found, seen = pieces(page, done), 0
    for number, parts in found.items():
        at, end = raw_lines(page.raw)[number - 1]
        for low, high, _ in parts:
            assert low >= at
            assert not STANDARD.apply(page.raw[at:low]).text.strip()
            at, seen = high, seen + 1
        assert not STANDARD.apply(page.raw[at:end]).text.strip()
        assert [type(why) for *_, why in parts].count(int) <= 1
        assert len(parts) == 1 or any(isinstance(why, int) for *_, why in parts)  # else the line went in parts
    cut = sum(len(parts) - 1 for parts in found.values())
    assert cut == sum(done.cut_by_rule.values())
    assert seen == done.lines + cut


def check_books(page, done):
    """In = out + ledger, and every article's text is what its profile makes of its raw text."""
    found = fates(page, done)

    assert all(len(fate) == 1 for fate in found.values())
    assert done.lines == len(found) == done.kept_lines + sum(done.dropped_by_rule.values())
    assert done.kept_lines == sum(len(article.text.split("\n")) for article in done.articles)
    check_cover(page, done)
    if done.articles:
        held = [drop for article in done.articles for drop in article.drops]
        assert sorted(held, key=lambda drop: (drop.start, drop.end)) == list(done.drops)
    for article in done.articles:
        assert article.text_sha == sha16(article.text)
        assert article.id == f"{page.id}-{article.part}"
        assert article.text == "\n".join(" ".join(line.split()) for line in article.text.split("\n"))
        for start, end in kept_lines(page, article):
            assert page.raw[start:end] == page.raw[start:end].strip()

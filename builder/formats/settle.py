"""What every published set needs before it is stored: distinct ids, and spans that khabar can publish."""

from collections import Counter
from dataclasses import replace

import pyarrow as pa

from builder.formats.published import PublishedSet, sighting
from builder.records import Dropped, Issue, StageCounts
from builder.text.tokens import canonical_span

NOTHING_LEFT = "only spaces, punctuation or invisible characters"


def settle(found: PublishedSet, *, whole_words: bool) -> PublishedSet:
    """Return the set with distinct ids, and without mentions of which canonical edges leave nothing.

    `whole_words` is whether labels.yaml extends spans to whole words. What edges would move is a warning.
    """
    ids, repeated = _distinct(found.articles["published_id"].to_pylist())
    place = found.articles.schema.get_field_index("published_id")
    articles = found.articles.set_column(place, "published_id", pa.array(ids, pa.string()))
    gone, moved = _edges(found, whole_words=whole_words)
    where = [
        f"{file}:{line}" for file, line in zip(articles["file"].to_pylist(), articles["line"].to_pylist(), strict=True)
    ]
    owners = found.spans["article"].to_pylist()
    aside = [Dropped("import", where[owners[row]], NOTHING_LEFT) for row in gone]
    keep = pa.array([row for row in range(found.spans.num_rows) if row not in {*gone}], pa.int64())
    issues = [*found.issues, *_repeats(repeated, where), *_moves([where[owners[row]] for row in moved])]
    accounts = tuple(
        _less(account, len(gone)) if account.unit == "mentions" and gone else account for account in found.accounts
    )
    spans, set_aside = found.spans.take(keep), (*found.set_aside, *aside)
    return replace(found, articles=articles, spans=spans, accounts=accounts, issues=tuple(issues), set_aside=set_aside)


def _distinct(ids: list[str]) -> tuple[list[str], list[int]]:
    """Return ids of which each stands once, `x#2` for the second `x`, and the rows of repeated ones."""
    seen: Counter[str] = Counter()
    repeated: list[int] = []
    made: list[str] = []
    for row, name in enumerate(ids):
        seen[name] += 1
        if seen[name] > 1:
            repeated.append(row)
        made.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return made, repeated


def _repeats(rows: list[int], where: list[str]) -> list[Issue]:
    if not rows:
        return []
    seen = sighting([where[row] for row in rows], len(rows))
    message = f"ids that stand more than once: {seen.said()}; the later ones got a number"
    return [Issue("warning", "repeated-id", message, seen.places[0])]


def _edges(found: PublishedSet, *, whole_words: bool) -> tuple[list[int], list[int]]:
    """Return the spans of which nothing is left, and those whose canonical edges are others."""
    texts = found.articles["text"].to_pylist()
    gone: list[int] = []
    moved: list[int] = []
    columns = (found.spans[name].to_pylist() for name in ("article", "start", "end"))
    for row, (article, start, end) in enumerate(zip(*columns, strict=True)):
        edges = canonical_span(texts[article], start, end, whole_words=whole_words)
        if edges is None:
            gone.append(row)
        elif edges != (start, end):
            moved.append(row)
    return gone, moved


def _moves(places: list[str]) -> list[Issue]:
    if not places:
        return []
    seen = sighting(places, len(places))
    message = f"mentions that begin or end inside a word, or in punctuation: {seen.said()}; a release gives them khabar's edges"
    return [
        Issue(
            "warning", "edges", message, seen.places[0], "`clitics: strict` in schema/labels.yaml keeps parts of words"
        )
    ]


def _less(account: StageCounts, number: int) -> StageCounts:
    aside = dict(sorted((account.set_aside | {NOTHING_LEFT: number}).items()))
    return StageCounts(account.stage, account.unit, account.taken, account.kept - number, aside)

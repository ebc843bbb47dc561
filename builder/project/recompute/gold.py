"""Recompute the gold of a published release from its annotations, as far as no adjudicator decided it."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.annotation.adjudication.votes import SpanColumns, SpanVotes, StanceVotes, vote_spans, vote_stances
from builder.io.parquet import whole
from builder.release.card.inputs import FILE, CardInputs
from builder.release.redaction.redact import PLACEHOLDERS
from builder.release.tables.features import all_values
from builder.release.verification.content import Content
from builder.release.verification.result import Check, Mismatch, Unverified, judge, mismatch_issues
from builder.release.verification.spans import edges, mentions_of, numbers, owners

Flags = NDArray[np.bool_]

Numbers = NDArray[np.int64]

VOTED = "what the votes of `annotations` give"

DECIDED = "an adjudicator decided it, and decisions are not published"

MODELLED = "a model of all answers gave it, also of answers that are not published"

MOVED = "its text was redacted after it was annotated"

ROUNDING = 1e-12
"""Largest difference between a confidence and the share of votes that it is."""


def recompute_gold(content: Content) -> Check:
    """Check that the published annotations give the gold, its confidence and its votes wherever nobody decided it."""
    basis = content.basis
    if basis is None:
        why = f"{FILE}, which has the rules, is not part of a hydrated release"
        return Check("gold", "not possible", why, (), (Unverified("gold", why),))
    unsaid: list[Unverified] = []
    found = [one for split in content.tables["entities"] for one in _split(content, basis, split, unsaid)]
    of = sum(table.num_rows for config in ("entities", "stance") for table in content.tables.get(config, {}).values())
    done = f"{of} rows of gold, voted again from `annotations`"
    return judge("gold", mismatch_issues(found), done, dict.fromkeys(unsaid))


def _split(content: Content, basis: CardInputs, split: str, unsaid: list[Unverified]) -> Iterator[Mismatch]:
    """Yield what differs in one split; `unsaid` gets what no vote gives."""
    ids = whole(content.tables["articles"][split]["id"])
    judged = content.tables["annotations"][split]
    article = _at(whole(judged["article_id"]), ids)
    voters = np.bincount(article, minlength=len(ids))
    enough = voters >= basis.dataset.adjudication.min_annotators
    moved = _moved(content, basis, split)
    spans = mentions_of(whole(judged["spans"]), content.names.entities)
    columns = SpanColumns(spans.owners, spans.starts, spans.ends, spans.labels)
    voted = vote_spans(article, columns, len(ids), basis.dataset.adjudication)
    yield from _entities(content, split, ids, voters, voted, enough & voted.settled, moved)
    unsaid += [
        Unverified("entities.spans of adjudicated articles", DECIDED),
        Unverified("entities.adjudicated", DECIDED),
    ]
    unsaid += [Unverified("entities.spans of redacted articles", MOVED)] if moved.any() else []
    if basis.labels.stances:
        stances = whole(judged["stances"])
        values = all_values(basis.labels)
        targets = pa.array(basis.labels.target_ids, pa.string())
        items = stances.flatten()
        target = numbers(pc.index_in(pc.struct_field(items, "target"), targets))
        votes = vote_stances(article[owners(stances)], target, numbers(pc.struct_field(items, "value")), len(values))
        yield from _stance(content, basis, split, ids, votes, enough)
        unsaid += [Unverified("stance.stance of adjudicated pairs", DECIDED), Unverified("stance.adjudicated", DECIDED)]
        if basis.dataset.adjudication.stance != "majority":
            unsaid += [Unverified("stance.stance", MODELLED), Unverified("stance.confidence", MODELLED)]


def _at(values: pa.Array, ids: pa.Array) -> Numbers:
    return numbers(pc.index_in(values, ids))


def _moved(content: Content, basis: CardInputs, split: str) -> Flags:
    """Return the articles whose text was redacted, so that spans were merged or widened after the vote."""
    table = content.tables["articles"][split]
    if not basis.dataset.redact:
        return np.zeros(table.num_rows, bool)
    if not content.has_text():
        return np.ones(table.num_rows, bool)
    return np.asarray(pc.match_substring_regex(table["text"], "|".join(PLACEHOLDERS))).astype(bool)


def _entities(
    content: Content, split: str, ids: pa.Array, voters: Numbers, voted: SpanVotes, settled: Flags, moved: Flags
) -> Iterator[Mismatch]:
    """Yield what differs in `entities`: the articles that have a row, the annotators, the spans and their confidence."""
    table = content.tables["entities"][split]
    home = _at(whole(table["id"]), ids)
    decided = np.asarray(whole(table["adjudicated"])).astype(bool)
    wrong = np.flatnonzero(numbers(whole(table["n_annotators"])) != voters[home])
    yield Mismatch("entities", split, "n_annotators", "the number of its annotations", wrong)
    unsettled = np.flatnonzero(~decided & ~settled[home] & ~moved[home])
    yield Mismatch("entities", split, "adjudicated", "true, although its votes leave questions open", unsettled)
    absent = settled & ~moved
    absent[home] = False
    yield Mismatch(
        "articles", split, "id", "in `entities`, although its votes settle its spans", np.flatnonzero(absent)
    )
    yield from _spans(split, table, home, voted, settled[home] & ~decided & ~moved[home])
    sure = whole(table["spans"])
    confidence = np.asarray(pc.fill_null(pc.struct_field(sure.flatten(), "confidence"), np.nan))
    low = (decided & ~moved[home])[owners(sure)] & ~(confidence <= 1.0) & ~np.isnan(confidence)
    yield Mismatch("entities", split, "spans.confidence", "a share", np.unique(owners(sure)[low]))


def _spans(split: str, table: pa.Table, home: Numbers, voted: SpanVotes, due: Flags) -> Iterator[Mismatch]:
    """Yield the articles whose spans or confidences are not those of the vote; `due` are the rows to compare."""
    lists = whole(table["spans"])
    row_of = np.full(int(max(home.max(initial=-1), voted.article.max(initial=-1))) + 1, -1)
    row_of[home] = np.arange(len(home))
    rows = row_of[voted.article]
    kept = rows >= 0
    kept[kept] = due[rows[kept]]
    start, end = edges(lists)
    label = numbers(pc.struct_field(lists.flatten(), "label"))
    sure = np.asarray(pc.fill_null(pc.struct_field(lists.flatten(), "confidence"), np.nan))
    mine = due[owners(lists)]
    said = np.stack([owners(lists)[mine], start[mine], end[mine], label[mine]], axis=1)
    wanted = np.stack([rows[kept], voted.start[kept], voted.end[kept], voted.label[kept]], axis=1)
    said_order, wanted_order = np.lexsort(said.T[::-1]), np.lexsort(wanted.T[::-1])
    said, wanted = said[said_order], wanted[wanted_order]
    sizes = [np.bincount(side[:, 0], minlength=len(due)) for side in (said, wanted)]
    wrong = sizes[0] != sizes[1]
    left, right = ~wrong[said[:, 0]], ~wrong[wanted[:, 0]]
    unlike = (said[left] != wanted[right]).any(axis=1)
    wrong[said[left][unlike, 0]] = True
    yield Mismatch("entities", split, "spans", VOTED, np.flatnonzero(wrong))
    share = voted.share[kept][wanted_order][right]
    off = ~(np.abs(sure[mine][said_order][left] - share) <= ROUNDING)
    yield Mismatch(
        "entities", split, "spans.confidence", VOTED, np.setdiff1d(said[left][off, 0], np.flatnonzero(wrong))
    )


def _stance(
    content: Content, basis: CardInputs, split: str, ids: pa.Array, votes: StanceVotes, enough: Flags
) -> Iterator[Mismatch]:
    """Yield what differs in `stance`: the pairs that have a row, their votes, their answer and its confidence."""
    table = content.tables["stance"][split]
    values, published = all_values(basis.labels), basis.labels.published_values
    targets = pa.array(basis.labels.target_ids, pa.string())
    width = len(targets)
    key = _at(whole(table["article_id"]), ids) * width + _at(whole(table["target"]), targets)
    place = np.full(len(ids) * width, -1)
    place[votes.article * width + votes.target] = np.arange(len(votes.article))
    at = place[key]
    tally = np.where((at >= 0)[:, None], votes.counts[at] if len(votes.article) else 0, 0)
    said = np.asarray(whole(table["label_counts"]).flatten()).reshape(-1, len(values))
    yield Mismatch("stance", split, "label_counts", VOTED, np.flatnonzero((said != tally).any(axis=1)))
    if basis.dataset.adjudication.stance != "majority":
        return
    number = np.array([published.index(value) if value in published else -1 for value in values])
    won = np.where(votes.winner >= 0, number[votes.winner], -1)
    won = np.where(enough[votes.article], won, -1)
    decided = np.asarray(whole(table["adjudicated"])).astype(bool)
    answer = np.where(at >= 0, won[at] if len(won) else -1, -1)
    wrong = ~decided & (numbers(whole(table["stance"])) != answer)
    yield Mismatch("stance", split, "stance", VOTED, np.flatnonzero(wrong))
    total = tally.sum(axis=1)
    share = tally.max(axis=1, initial=0) / np.maximum(total, 1)
    sure = np.asarray(pc.fill_null(whole(table["confidence"]), np.nan))
    off = ~(np.abs(sure - np.where(decided, 1.0, share)) <= ROUNDING) & ~wrong
    yield Mismatch("stance", split, "confidence", VOTED, np.flatnonzero(off))
    settled = np.zeros(len(ids) * width, bool)
    settled[(votes.article * width + votes.target)[won >= 0]] = True
    settled[key] = False
    rows = np.unique(np.flatnonzero(settled) // width)
    yield Mismatch("articles", split, "id", "in `stance` with each target that its votes settle", rows)

"""Recompute the gold of a published release from its annotations, as far as no adjudicator decided it."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.annotation.adjudication.votes.spans import WonSpans, vote_spans
from builder.annotation.migration.asked import asked_of, without_unasked
from builder.annotation.migration.offered import Offers
from builder.io.lists import edges, numbers, owners
from builder.io.parquet import whole
from builder.project.recompute.answers import ROUNDING, VOTED, question_rows, stance_rows
from builder.project.recompute.judgements import offers_of_release, published_judgements
from builder.release.card.inputs import FILE, CardInputs
from builder.release.redaction.redact import PLACEHOLDERS
from builder.release.tables.features import ASKED
from builder.release.verification.content import Content
from builder.release.verification.result import Check, Mismatch, Unverified, judge, mismatch_issues

Flags = NDArray[np.bool_]

Numbers = NDArray[np.int64]

DECIDED = "an adjudicator decided it, and decisions are not published"

MODELLED = "a model of all answers gave it, also of answers that are not published"

MOVED = "its text was redacted after it was annotated"

UNMARKED = "only the imported set says whether anybody looked for mentions"


def recompute_gold(content: Content) -> Check:
    """Check that the published annotations give the gold, its confidence and its votes wherever nobody decided it."""
    basis = content.basis
    if basis is None:
        why = f"{FILE}, which has the rules, is not part of a hydrated release"
        return Check("gold", "not possible", why, (), (Unverified("gold", why),))
    unsaid: list[Unverified] = []
    found = [one for split in content.tables["entities"] for one in _split(content, basis, split, unsaid)]
    of = sum(
        table.num_rows
        for config in ("entities", "stance", "questions")
        for table in content.tables.get(config, {}).values()
    )
    done = f"{of} rows of gold, voted again from `annotations`"
    return judge("gold", mismatch_issues(found), done, dict.fromkeys(unsaid))


def _split(content: Content, basis: CardInputs, split: str, unsaid: list[Unverified]) -> Iterator[Mismatch]:
    """Yield what differs in one split; `unsaid` gets what no vote gives."""
    ids = whole(content.tables["articles"][split]["id"])
    judged, offers = published_judgements(content.tables["annotations"][split], basis.labels), offers_of_release(basis)
    article = _at(judged["article_id"], ids)
    rules, names, moved = basis.dataset.adjudication, basis.labels.entity_names, _moved(content, basis, split)
    counted = without_unasked(judged, offers, names, rules.min_annotators).table
    voted = vote_spans(counted, article, len(ids), rules, offers)
    people = np.bincount(article, minlength=len(ids))
    settled = (people >= rules.min_annotators) & voted.settled
    yield from _entities(content, basis, split, people, voted.winners(names), settled, moved)
    yield from _asked(content, basis, split, judged, offers)
    unsaid += [Unverified(f"entities.{name}", DECIDED) for name in ("spans of adjudicated articles", "adjudicated")]
    unsaid += [Unverified("entities.spans of redacted articles", MOVED)] if moved.any() else []
    unsaid += [Unverified("entities, as to imported articles without a row", UNMARKED)] if basis.imports else []
    if basis.labels.stances:
        yield from stance_rows(content, basis, split, judged, article, offers)
        unsaid += [Unverified("stance.stance of adjudicated pairs", DECIDED), Unverified("stance.adjudicated", DECIDED)]
        if rules.stance != "majority":
            unsaid += [Unverified("stance.stance", MODELLED), Unverified("stance.confidence", MODELLED)]
    if basis.labels.questions:
        yield from question_rows(content, basis, split, judged, article, offers)
        unsaid += [Unverified("questions.answers of adjudicated pairs", DECIDED),
                   Unverified("questions.adjudicated", DECIDED)]  # fmt: skip


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
    content: Content, basis: CardInputs, split: str, people: Numbers, voted: WonSpans, settled: Flags, moved: Flags
) -> Iterator[Mismatch]:
    """Yield what differs in `entities`: the articles that have a row, the annotators, the spans and their confidence."""
    table, articles = content.tables["entities"][split], content.tables["articles"][split]
    home = _at(whole(table["id"]), whole(articles["id"]))
    decided = np.asarray(whole(table["adjudicated"])).astype(bool)
    wrong = np.flatnonzero(numbers(whole(table["n_annotators"])) != people[home])
    yield Mismatch("entities", split, "n_annotators", "the number of its annotations", wrong)
    unsettled = np.flatnonzero(~decided & ~settled[home] & ~moved[home])
    yield Mismatch("entities", split, "adjudicated", "true, although its votes leave questions open", unsettled)
    imported = pa.array([one.name for one in basis.imports], pa.string())
    absent = settled & ~moved & ~np.asarray(pc.is_in(whole(articles["source"]), imported)).astype(bool)
    absent[home] = False
    yield Mismatch(
        "articles", split, "id", "in `entities`, although its votes settle its spans", np.flatnonzero(absent)
    )
    yield from _spans(split, table, home, voted, settled[home] & ~decided & ~moved[home])
    sure = whole(table["spans"])
    confidence = np.asarray(pc.fill_null(pc.struct_field(sure.flatten(), "confidence"), np.nan))
    low = (decided & ~moved[home])[owners(sure)] & ~(confidence <= 1.0) & ~np.isnan(confidence)
    yield Mismatch("entities", split, "spans.confidence", "a share", np.unique(owners(sure)[low]))


def _asked(content: Content, basis: CardInputs, split: str, judged: pa.Table, offers: Offers) -> Iterator[Mismatch]:
    """Yield the articles whose `labels_asked` are not the labels that their annotators' pages offered, or their spans have."""
    table, names = content.tables["entities"][split], basis.labels.entity_names
    found = asked_of(judged, offers, names, basis.dataset.adjudication.min_annotators)
    ids = table["id"].to_pylist()
    if ASKED not in table.column_names:
        lacking = [row for row, article in enumerate(ids) if len(found.get(article, names)) < len(names)]
        yield Mismatch(
            "entities", split, ASKED, "there, although not all labels were asked", np.array(lacking, np.int64)
        )
        return
    spans = whole(table["spans"])
    given = np.zeros((table.num_rows, len(names)), bool)
    given[owners(spans), numbers(pc.struct_field(spans.flatten(), "label"))] = True
    wanted = [
        [name for name, is_given in zip(names, labels, strict=True) if is_given or name in found.get(article, names)]
        for article, labels in zip(ids, given.tolist(), strict=True)
    ]
    wrong = [row for row, said in enumerate(table[ASKED].to_pylist()) if said != wanted[row]]
    yield Mismatch("entities", split, ASKED, "what the pages of its annotators offered", np.array(wrong, np.int64))


def _spans(split: str, table: pa.Table, home: Numbers, voted: WonSpans, due: Flags) -> Iterator[Mismatch]:
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

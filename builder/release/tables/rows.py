"""The rows of each config by split, in order, and the reason for each record that is left out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Generic, TypeVar

from builder.records import Article, Dropped, Gold, Judgement, StageCounts, count_by_reason
from builder.release.splits.strategies import SPLIT_NAMES
from builder.release.tables.columns import StanceRow
from builder.release.tables.inputs import Lookup, TableInputs, instant
from builder.release.tables.questions import QuestionRow, question_pairs

R = TypeVar("R")

NAMES = ("article_id", "annotator", "batch")
"""What names a judgement, unless an annotator judged an article twice in a batch."""

ORDER = attrgetter("status", "spans", "stances", "remark", "answers")
"""Sort key of judgements that NAMES does not tell apart; if all of these are equal, the quicker one comes first."""

WITHHELD_AUTHOR = "not published (publish_authors is off)"


@dataclass(slots=True)
class ConfigRows(Generic[R]):
    """The rows of a config by split, in order, and the records that it leaves out."""

    unit: str
    taken: int
    rows: dict[str, list[R]] = field(default_factory=lambda: {split: [] for split in SPLIT_NAMES})
    aside: list[Dropped] = field(default_factory=list)

    def put_aside(self, what: str, reason: str, detail: str = "") -> None:
        """List a record that is left out."""
        self.aside.append(Dropped("build", what, reason, detail))

    @property
    def account(self) -> StageCounts:
        """Return the account of the records."""
        return count_by_reason("build", self.unit, self.taken, self.taken - len(self.aside), self.aside)


def authors_rows(known: Lookup) -> ConfigRows[str]:
    """Account for the authors of the published articles, all of which are withheld unless they may be published."""
    part: ConfigRows[str] = ConfigRows("authors", 0)
    for article_id, article in sorted(known.articles.items()):
        if known.exclusion_reason(article_id) is None and known.author(article):
            part.taken += 1
            if not known.publish_authors:
                part.put_aside(f"author of {article_id}", WITHHELD_AUTHOR)
    return part


def dates_rows(known: Lookup) -> ConfigRows[str]:
    """Check the dates of the published documents."""
    used = {article.document_id for article in known.articles.values() if known.exclusion_reason(article.id) is None}
    part: ConfigRows[str] = ConfigRows("dates", 0)
    for document in (known.documents[document_id] for document_id in sorted(used)):
        if document.published_at:
            part.taken += 1
            if instant(document.published_at) is None:
                part.put_aside(f"document {document.id}", "not an ISO 8601 date", document.published_at)
    return part


def entities_rows(material: TableInputs, known: Lookup) -> ConfigRows[Gold]:
    """Choose the rows of `entities`."""
    golds = {gold.article_id: gold for gold in material.golds}
    disputed = {d.article_id for d in material.disputes if d.what.startswith("span:")}
    ids = sorted({*known.articles, *golds})
    part: ConfigRows[Gold] = ConfigRows("articles in entities", len(ids))
    for article_id in ids:
        gold = golds.get(article_id)
        why = known.exclusion_reason(article_id, gold.text_sha if gold else None)
        why = why or ("open dispute over its spans" if article_id in disputed else None)
        why = why or ("nobody looked for its mentions" if article_id in material.unmarked else None)
        if why or gold is None:
            part.put_aside(f"article {article_id} in entities", why or "no gold")
            continue
        part.rows[known.splits[article_id]].append(gold)
    return part


def stance_rows(material: TableInputs, known: Lookup) -> ConfigRows[StanceRow]:
    """Choose the rows of `stance`."""
    golds = {gold.article_id: gold for gold in material.golds}
    answers = {(g.article_id, s.target): s.value for g in material.golds for s in g.stances}
    disputed = {(d.article_id, d.what[len("stance:") :]) for d in material.disputes if d.what.startswith("stance:")}
    pairs = sorted({*answers, *disputed})
    part: ConfigRows[StanceRow] = ConfigRows("pairs of article and target in stance", len(pairs))
    published = set(material.labels.published_values)
    for article_id, target in pairs:
        gold = golds.get(article_id)
        why = known.exclusion_reason(article_id, gold.text_sha if gold else None)
        if why is None and (article_id, target) in disputed:
            why = "open dispute over its stance"
        elif why is None and answers[article_id, target] not in published:
            why = "its answer is not one that is published"
        if why or gold is None:
            part.put_aside(f"article {article_id} on {target}", why or "no gold")
            continue
        part.rows[known.splits[article_id]].append(StanceRow(gold, target, answers[article_id, target]))
    return part


def questions_rows(material: TableInputs, known: Lookup) -> ConfigRows[QuestionRow]:
    """Choose the rows of `questions`."""
    pairs = [*question_pairs(material, known)]
    part: ConfigRows[QuestionRow] = ConfigRows("pairs of article and question in questions", len(pairs))
    for pair in pairs:
        if pair.row is None:
            part.put_aside(f"article {pair.article_id} on {pair.question}", pair.why)
        else:
            part.rows[known.splits[pair.article_id]].append(pair.row)
    return part


def annotations_rows(material: TableInputs, known: Lookup) -> ConfigRows[Judgement]:
    """Choose the rows of `annotations`."""
    part: ConfigRows[Judgement] = ConfigRows("judgements in annotations", len(material.judgements))
    for judgement in _ordered(material.judgements):
        article_id = judgement.article_id
        why = known.exclusion_reason(article_id, judgement.text_sha)
        if why:
            part.put_aside(f"judgement of {judgement.annotator} on {article_id}", why)
            continue
        part.rows[known.splits[article_id]].append(judgement)
    return part


def _ordered(judgements: Sequence[Judgement]) -> Iterator[Judgement]:
    """Yield judgements in the order of ORDER, the quicker of equal ones first."""
    ordered = list(judgements)
    for name in reversed(NAMES):  # stable sorts by one string each need no tuple for each judgement
        ordered.sort(key=attrgetter(name))
    for _, same in groupby(ordered, attrgetter(*NAMES)):
        yield from sorted(same, key=lambda judgement: (ORDER(judgement), judgement.seconds or 0))


def articles_rows(known: Lookup) -> ConfigRows[Article]:
    """Choose the rows of `articles`."""
    part: ConfigRows[Article] = ConfigRows("articles in articles", len(known.articles))
    for article_id, article in sorted(known.articles.items()):
        why = known.exclusion_reason(article_id)
        if why:
            part.put_aside(f"article {article_id} in articles", why)
            continue
        part.rows[known.splits[article_id]].append(article)
    return part

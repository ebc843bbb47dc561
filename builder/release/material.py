"""What a release is made of, and what of it cannot be published.

Does not know columns: that is builder.release.tables.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from builder.records import Article, Dispute, Document, Gold, Group, Issue, Judgement, Refused
from builder.release.features import all_values
from builder.release.mentions import mentions
from builder.schema import Labels

BATCH = 2000
"""Records whose spans are looked at together."""


@dataclass(frozen=True, slots=True)
class Material:
    """What a release is made of: canonical judgements, and the split of each article by its id."""

    articles: Sequence[Article]
    documents: Sequence[Document]
    groups: Sequence[Group]
    splits: Mapping[str, str]
    judgements: Sequence[Judgement]
    golds: Sequence[Gold]
    disputes: Sequence[Dispute]
    labels: Labels
    aside: Mapping[str, str] = field(default_factory=dict)
    """Why an article has no split."""


@dataclass(frozen=True, slots=True)
class Known:
    """Records by their ids, and the split of each article."""

    articles: Mapping[str, Article]
    documents: Mapping[str, Document]
    groups: Mapping[str, str]
    splits: Mapping[str, str]
    aside: Mapping[str, str]

    def obstacle(self, article_id: str, text_sha: str | None = None) -> str | None:
        """Why nothing can be published of an article or of what was said about this text of it."""
        article = self.articles.get(article_id)
        if article is None:
            return "its article is not in the corpus"
        if article_id not in self.splits:
            return self.aside.get(article_id, "its article has no split")
        if text_sha is not None and text_sha != article.text_sha:
            return "its text changed since it was annotated"
        return None


def know(material: Material) -> Known:
    """Look at all the material.

    Raises Refused (exit code 1) with every span and stance that its article or the labels do not allow.
    """
    known = Known(
        {article.id: article for article in material.articles},
        {document.id: document for document in material.documents},
        {group.article_id: group.group_id for group in material.groups},
        material.splits,
        material.aside,
    )
    faults = list(_faults(material, known))
    if faults:
        raise Refused(*faults, exit_code=1)
    return known


def instant(published_at: str | None) -> datetime | None:
    """An ISO 8601 date in UTC, to the millisecond, or None; without a zone it is taken as UTC.

    >>> instant("2026-03-03T18:42:00+03:00")
    datetime.datetime(2026, 3, 3, 15, 42, tzinfo=datetime.timezone.utc)
    """
    try:
        moment = datetime.fromisoformat(published_at or "")
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def zone(published_at: str | None) -> str | None:
    """The zone that an ISO 8601 date was given in, as an offset from UTC; None where it has none or cannot be read.

    >>> zone("2026-03-03T18:42:00+03:00"), zone("2026-03-03T18:42:00Z"), zone("2026-03-03")
    ('+03:00', '+00:00', None)
    """
    try:
        moment = datetime.fromisoformat(published_at or "")
    except ValueError:
        return None
    return str(moment.tzinfo).removeprefix("UTC") or "+00:00" if moment.tzinfo else None


def _faults(material: Material, known: Known) -> Iterator[Issue]:
    every: list[Gold | Judgement] = [*material.golds, *material.judgements]
    records = [record for record in every if known.obstacle(record.article_id, record.text_sha) is None]
    values, targets = set(all_values(material.labels)), set(material.labels.target_ids)
    for start in range(0, len(records), BATCH):
        batch = records[start : start + BATCH]
        sizes = [len(known.articles[record.article_id].text) for record in batch]
        misplaced = _misplaced(batch, sizes, material.labels.entity_names)
        for number, record in enumerate(batch):
            if number in misplaced:
                yield from _span_faults(record, sizes[number], material.labels.entity_names)
            for stance in record.stances:
                if stance.target not in targets or stance.value not in values:
                    yield _fault(record, f"stance {stance.value!r} on {stance.target!r} is not in schema/labels.yaml")


def _misplaced(records: Sequence[Gold | Judgement], sizes: Sequence[int], labels: Sequence[str]) -> Collection[int]:
    """Which records have spans that cannot be."""
    try:
        found = mentions([record.spans for record in records], labels)
    except OverflowError:  # no text is so long
        return range(len(records))
    size = np.repeat(sizes, found.counts)
    bad = (found.starts < 0) | (found.starts >= found.ends) | (found.ends > size) | (found.labels < 0)
    return set(found.owners[bad].tolist())


def _span_faults(record: Gold | Judgement, size: int, labels: Sequence[str]) -> Iterator[Issue]:
    for span in record.spans:
        if not 0 <= span.start < span.end <= size:
            yield _fault(record, f"span {span.start}-{span.end} is not inside its text of {size} characters")
        if span.label not in labels:
            yield _fault(record, f"span {span.start}-{span.end} has the unknown label {span.label!r}")


def _fault(record: Gold | Judgement, message: str) -> Issue:
    who = record.annotator if isinstance(record, Judgement) else "gold"
    where = f"article {record.article_id}, {who}"
    return Issue("error", "nonsense", message, where=where, fix="run `khabar check`", article_id=record.article_id)

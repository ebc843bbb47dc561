"""What a release is made of, and what of it cannot be published.

Does not know columns: that is builder.release.tables.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from builder.records import Article, Dispute, Document, Gold, Group, Issue, Judgement, Refused
from builder.release.features import all_values
from builder.schema import Labels


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


@dataclass(frozen=True, slots=True)
class Known:
    """Records by their ids, and the split of each article."""

    articles: Mapping[str, Article]
    documents: Mapping[str, Document]
    groups: Mapping[str, str]
    splits: Mapping[str, str]

    def obstacle(self, article_id: str, text_sha: str | None = None) -> str | None:
        """Why nothing can be published of an article or of what was said about this text of it."""
        article = self.articles.get(article_id)
        if article is None:
            return "its article is not in the corpus"
        if article_id not in self.splits:
            return "its article has no split"
        if text_sha is not None and text_sha != article.text_sha:
            return "its text changed since it was annotated"
        return None

    def origin(self, article: Article) -> dict[str, object]:
        """The columns that say where an article is from, and which group it shares a split with."""
        document = self.documents[article.document_id]
        return {
            "title": article.title,
            "source": document.source,
            "url": document.url,
            "published_at": instant(document.published_at),
            "split_group": self.groups[article.id],
        }


def know(material: Material) -> Known:
    """Look at all the material.

    Raises Refused (exit code 1) with every span and stance that its article or the labels do not allow.
    """
    known = Known(
        {article.id: article for article in material.articles},
        {document.id: document for document in material.documents},
        {group.article_id: group.group_id for group in material.groups},
        material.splits,
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


def _faults(material: Material, known: Known) -> Iterator[Issue]:
    values, targets = set(all_values(material.labels)), set(material.labels.target_ids)
    records: list[Gold | Judgement] = [*material.golds, *material.judgements]
    for record in records:
        if known.obstacle(record.article_id, record.text_sha) is not None:
            continue
        size = len(known.articles[record.article_id].text)
        for span in record.spans:
            if not 0 <= span.start < span.end <= size:
                yield _fault(record, f"span {span.start}-{span.end} is not inside its text of {size} characters")
            if span.label not in material.labels.entity_names:
                yield _fault(record, f"span {span.start}-{span.end} has the unknown label {span.label!r}")
        for stance in record.stances:
            if stance.target not in targets or stance.value not in values:
                yield _fault(record, f"stance {stance.value!r} on {stance.target!r} is not in schema/labels.yaml")


def _fault(record: Gold | Judgement, message: str) -> Issue:
    who = record.annotator if isinstance(record, Judgement) else "gold"
    where = f"article {record.article_id}, {who}"
    return Issue("error", "nonsense", message, where=where, fix="run `khabar check`", article_id=record.article_id)

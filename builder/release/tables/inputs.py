"""What a release is made of, and what of it cannot be published.

Does not know columns: that is builder.release.tables.build.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from builder.records import Article, Dispute, Document, Gold, Group, Issue, Judgement, KhabarError
from builder.release.tables.features import all_values
from builder.release.tables.mentions import mentions
from builder.schema.labels import Labels
from builder.text.aligned import unpacked

Answer = TypeVar("Answer", Gold, Judgement)


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
    """Look at all the material but the spans of its rows, which are looked at when their columns are made.

    Raises Refused (exit code 1) with every fault of the material where a stance is not one of the labels, or where the
    spans of an article in dispute, which has no row, cannot be.
    """
    known = Known(
        {article.id: article for article in material.articles},
        {document.id: document for document in material.documents},
        {group.article_id: group.group_id for group in material.groups},
        material.splits,
        material.aside,
    )
    allowed = _stances(material.labels)
    every: list[Gold | Judgement] = [*_usable(material.golds, known), *_usable(material.judgements, known)]
    if any((one.target, one.value) not in allowed for record in every for one in record.stances):
        raise KhabarError(*faults(material, known), exit_code=1)
    disputed = {dispute.article_id for dispute in material.disputes}
    without_row = [gold for gold in _usable(material.golds, known) if gold.article_id in disputed]
    sizes = [len(known.articles[gold.article_id].text) for gold in without_row]
    if _misplaced(without_row, sizes, material.labels.entity_names):
        raise KhabarError(*faults(material, known), exit_code=1)
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


def faults(material: Material, known: Known) -> Iterator[Issue]:
    """Every span and stance that its article or the labels do not allow."""
    records: list[Gold | Judgement] = [*_usable(material.golds, known), *_usable(material.judgements, known)]
    allowed = _stances(material.labels)
    for start in range(0, len(records), BATCH):
        batch = records[start : start + BATCH]
        sizes = [len(known.articles[record.article_id].text) for record in batch]
        misplaced = _misplaced(batch, sizes, material.labels.entity_names)
        for number, record in enumerate(batch):
            if number in misplaced:
                yield from _span_faults(record, sizes[number], material.labels.entity_names)
            for stance in record.stances:
                if (stance.target, stance.value) not in allowed:
                    yield _fault(record, f"stance {stance.value!r} on {stance.target!r} is not in schema/labels.yaml")


def unfitting(known: Known) -> Iterator[Issue]:
    """Every article whose edits do not lead from its text to its page, as when a file was altered by hand."""
    for article in known.articles.values():
        try:
            unpacked(article.text, known.documents[article.document_id].raw, article.edits)
        except ValueError as error:
            yield Issue("error", "edits", f"the edits of article {article.id} do not fit its text and its page: {error}",
                        where=".khabar/articles.parquet", fix="run `khabar clean`", article_id=article.id)  # fmt: skip


def _usable(records: Iterable[Answer], known: Known) -> Iterator[Answer]:
    return (record for record in records if known.obstacle(record.article_id, record.text_sha) is None)


def _stances(labels: Labels) -> set[tuple[str, str]]:
    return {(target, value) for target in labels.target_ids for value in all_values(labels)}


def _misplaced(records: Sequence[Gold | Judgement], sizes: Sequence[int], labels: Sequence[str]) -> Collection[int]:
    """Which records have spans that cannot be."""
    try:
        found = mentions([record.spans for record in records], labels)
    except OverflowError:  # no text is so long
        return range(len(records))
    return set(found.owners[found.misplaced(sizes)].tolist())


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

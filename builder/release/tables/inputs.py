"""The inputs of a release's tables, and the reasons why some of them cannot be published."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from builder.records import Answer, Article, Dispute, Document, Gold, Group, Issue, Judgement, KhabarError
from builder.release.tables.features import all_values
from builder.release.tables.mentions import mentions
from builder.schema.labels import Labels
from builder.text.aligned import unpack_edits

Answered = TypeVar("Answered", Gold, Judgement)


BATCH = 2000
"""Records whose spans are checked at once."""

FIRST_YEAR = 1800
"""The first year of a date that is published: an earlier one is of the Hijri calendar, or a placeholder."""


@dataclass(frozen=True, slots=True)
class TableInputs:
    """The inputs of the tables: canonical judgements, gold, and the split of each article by its id."""

    articles: Sequence[Article]
    documents: Sequence[Document]
    groups: Sequence[Group]
    splits: Mapping[str, str]
    judgements: Sequence[Judgement]
    golds: Sequence[Gold]
    disputes: Sequence[Dispute]
    labels: Labels
    aside: Mapping[str, str] = field(default_factory=dict)
    """The reason why an article has no split."""
    publish_authors: bool = False
    unmarked: Collection[str] = ()
    """Imported articles in which nobody looked for mentions."""
    asked: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The labels that the annotators of each article were asked for; empty if all were asked for all."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """The inputs indexed by id."""

    articles: Mapping[str, Article]
    documents: Mapping[str, Document]
    groups: Mapping[str, str]
    splits: Mapping[str, str]
    aside: Mapping[str, str]
    publish_authors: bool = False
    asked: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def exclusion_reason(self, article_id: str, text_sha: str | None = None) -> str | None:
        """Return why nothing can be published of an article, or None.

        `text_sha` is the text that a judgement or gold refers to, if any.
        """
        article = self.articles.get(article_id)
        if article is None:
            return "its article is not in the corpus"
        if article_id not in self.splits:
            return self.aside.get(article_id, "its article has no split")
        if text_sha is not None and text_sha != article.text_sha:
            return "its text changed since it was annotated"
        return None

    def author(self, article: Article) -> str | None:
        """Return the author that the text of an article names, else that of its record.

        The record names the author of its main article, not those of the articles embedded in it.
        """
        named = [drop.extracted["author"] for drop in article.drops if "author" in drop.extracted]
        if named:
            return named[-1]
        return self.documents[article.document_id].author if article.part == 0 else None


def index_inputs(material: TableInputs) -> Lookup:
    """Index the inputs by id and check their stances and answers.

    Spans are checked later, when the columns of their rows are made. Only the spans of disputed articles, which get no
    row, are checked here. Raises KhabarError (exit code 1) with every fault of the inputs if one is found.
    """
    known = Lookup(
        {article.id: article for article in material.articles},
        {document.id: document for document in material.documents},
        {group.article_id: group.group_id for group in material.groups},
        material.splits,
        material.aside,
        material.publish_authors,
        material.asked,
    )
    allowed, answers = _stances(material.labels), _answers(material.labels)
    records: list[Gold | Judgement] = [*_usable(material.golds, known), *_usable(material.judgements, known)]
    if any((stance.target, stance.value) not in allowed for record in records for stance in record.stances) or any(
        answer not in answers for record in records for answer in record.answers
    ):
        raise KhabarError(*faults(material, known), exit_code=1)
    disputed = {dispute.article_id for dispute in material.disputes}
    without_row = [gold for gold in _usable(material.golds, known) if gold.article_id in disputed]
    sizes = [len(known.articles[gold.article_id].text) for gold in without_row]
    if _misplaced(without_row, sizes, material.labels.entity_names):
        raise KhabarError(*faults(material, known), exit_code=1)
    return known


def instant(published_at: str | None) -> datetime | None:
    """Convert an ISO 8601 date to UTC, to the millisecond; returns None if it cannot be read.

    A date without a zone is taken as UTC. A year before FIRST_YEAR cannot be read.

    >>> instant("2026-03-03T18:42:00+03:00")
    datetime.datetime(2026, 3, 3, 15, 42, tzinfo=datetime.timezone.utc)
    """
    try:
        moment = datetime.fromisoformat(published_at or "")
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    if moment.year < FIRST_YEAR:
        return None
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def zone(published_at: str | None) -> str | None:
    """Return the zone of an ISO 8601 date as an offset from UTC, or None if it has none or cannot be read.

    >>> zone("2026-03-03T18:42:00+03:00"), zone("2026-03-03T18:42:00Z"), zone("2026-03-03")
    ('+03:00', '+00:00', None)
    """
    if published_at is None or instant(published_at) is None:
        return None
    moment = datetime.fromisoformat(published_at)
    return str(moment.tzinfo).removeprefix("UTC") or "+00:00" if moment.tzinfo else None


def faults(material: TableInputs, known: Lookup) -> Iterator[Issue]:
    """Yield an error for every span that its article and every stance that the labels do not allow."""
    records: list[Gold | Judgement] = [*_usable(material.golds, known), *_usable(material.judgements, known)]
    allowed, answers = _stances(material.labels), _answers(material.labels)
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
            for answer in record.answers:
                if answer not in answers:
                    yield _fault(record, f"answer {answer.value!r} to {answer.question!r} is not in schema/labels.yaml")


def edit_faults(known: Lookup) -> Iterator[Issue]:
    """Yield an error for every article whose edits do not map its text to its page.

    That happens when a file was altered by hand.
    """
    for article in known.articles.values():
        try:
            unpack_edits(article.text, known.documents[article.document_id].raw, article.edits)
        except ValueError as error:
            yield Issue("error", "edits", f"the edits of article {article.id} do not fit its text and its page: {error}",
                        where=".khabar/articles.parquet", fix="run `khabar clean`", article_id=article.id)  # fmt: skip


def _usable(records: Iterable[Answered], known: Lookup) -> Iterator[Answered]:
    """Yield the records whose article and text can be published."""
    return (record for record in records if known.exclusion_reason(record.article_id, record.text_sha) is None)


def _stances(labels: Labels) -> set[tuple[str, str]]:
    """Return all valid pairs of target and value."""
    return {(target, value) for target in labels.target_ids for value in all_values(labels)}


def _answers(labels: Labels) -> set[Answer]:
    """Return all valid answers to questions on whole articles."""
    return {Answer(question.id, value) for question in labels.questions for value in question.value_names}


def _misplaced(records: Sequence[Gold | Judgement], sizes: Sequence[int], labels: Sequence[str]) -> Collection[int]:
    """Return the indices of the records that have a span outside the text or with an unknown label."""
    try:
        spans = mentions([record.spans for record in records], labels)
    except OverflowError:  # the offset exceeds 64 bits, so it is outside any text
        return range(len(records))
    return set(spans.owners[spans.misplaced(sizes)].tolist())


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

"""The material of a release as records, which tests can read and change, and its tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from builder.io.parquet import to_table
from builder.records import Article, Dispute, Document, Gold, Group, Judgement
from builder.release.tables import build
from builder.release.tables.inputs import TableInputs
from builder.schema.labels import Labels


@dataclass(frozen=True)
class Material:
    """The fields of TableInputs, with records in place of tables."""

    articles: Sequence[Article]
    documents: Sequence[Document]
    groups: Sequence[Group]
    splits: Mapping[str, str]
    judgements: Sequence[Judgement]
    golds: Sequence[Gold]
    disputes: Sequence[Dispute]
    labels: Labels
    aside: Mapping[str, str] = field(default_factory=dict)
    publish_authors: bool = False
    unmarked: Sequence[str] = ()
    asked: Mapping[str, Sequence[str]] = field(default_factory=dict)


def tables_of(material):
    """The records of a material as the inputs of the tables of a release."""
    return TableInputs(
        to_table(material.articles, Article), to_table(material.documents, Document), to_table(material.groups, Group),
        material.splits, to_table(material.judgements, Judgement), to_table(material.golds, Gold),
        to_table(material.disputes, Dispute), material.labels, material.aside, material.publish_authors,
        material.unmarked, material.asked,
    )  # fmt: skip


def build_tables(material, *args, **options):
    """The tables of a release of records."""
    return build.build_tables(tables_of(material), *args, **options)

"""Material of a small release: invented articles, with the pages that they were cleaned from."""

from dataclasses import replace
from pathlib import Path

import pytest

from builder.io.hashing import sha16
from builder.records import Agreement, Article, Document, Drop, Gold, Group, Judgement, Span, StageCounts, Stance, Vote
from builder.release.card.facts import card_facts
from builder.release.exports.conll import edition_files
from builder.release.exports.write import export_files
from builder.schema import load_schema
from tests.release.material import Material, build_tables

TATWEEL = "\N{ARABIC TATWEEL}"
TARGETS = ("metro", "dam")


def page(number, pieces, *, source="barq", published_at=None, part=0):
    """A document and its article; each piece is kept as it is, or is (raw, text)."""
    pairs = [(piece, piece) if isinstance(piece, str) else piece for piece in pieces]
    raw = "".join(a for a, _ in pairs)
    text = "".join(b for _, b in pairs)
    edits, same = (), 0
    for before, after in pairs:
        edits += (same, len(before), len(after)) if before != after else ()
        same = 0 if before != after else same + len(before)
    document_id = f"d{number:02}"
    url = f"https://{source}.example/{number}"
    document = Document(document_id, source, url, published_at, None, raw, f"{source}/{number}.txt")
    drops = (Drop(0, 0, "byline", {"author": "سلمى", "source_name": "برق"}),)
    article = Article(
        f"{document_id}-{part}", document_id, part, f"خبر {number}", text, edits, drops, "standard@1+ab12", sha16(text)
    )
    return document, article


def find(article, words, label):
    start = article.text.index(words)
    return Span(start, start + len(words), label)


def judged(article, annotator, spans, stances=()):
    return Judgement(
        article.id, article.text_sha, "b1", annotator, tuple(spans), tuple(stances), "submitted", 30.5,
        "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "g1", "s1", 7, 8,
    )  # fmt: skip


def one(number):
    """Article `number`, judged by three; two say favor, one says unclear."""
    date = ("2026-03-03T18:42:00+03:00", "2026-03-04", None)[number % 3]
    source = ("barq", "sahel-news")[number % 2]
    longer = "مدين" + TATWEEL * 3 + "ة"
    pieces = [
        f"الخبر {number}: قال ",
        "رئيس بلدية ",
        ("مرجـانة", "مرجانة"),
        " في ",
        (longer, "مدينة"),
        " إن مترو العاصمة جيد 😀.",
    ]
    document, article = page(number, pieces, source=source, published_at=date)
    spans = (find(article, "رئيس بلدية مرجانة", "OCC"), find(article, "مرجانة", "GPE"))
    votes = (Vote("stance:metro", "favor", 2), Vote("stance:metro", "unclear", 1))
    gold = Gold(article.id, article.text_sha, spans, (Stance("metro", "favor"),), "majority", votes, 3)
    answers = [Stance("metro", "favor"), Stance("metro", "favor"), Stance("metro", "unclear")]
    judgements = [judged(article, f"a-{i}", spans, [answer]) for i, answer in enumerate(answers)]
    return document, article, gold, judgements


@pytest.fixture(scope="session")
def schema():
    return load_schema(Path(__file__).parents[2] / "schema")


@pytest.fixture
def material(schema):
    made = [one(number) for number in range(8)]
    articles = tuple(article for _, article, _, _ in made)
    splits = ["train"] * 5 + ["validation"] + ["test"] * 2
    return Material(
        articles=articles,
        documents=tuple(document for document, _, _, _ in made),
        groups=tuple(Group(a.id, f"g-{a.id}", 1.0, "single") for a in articles),
        splits={article.id: split for article, split in zip(articles, splits, strict=True)},
        judgements=tuple(j for _, _, _, judgements in made for j in judgements),
        golds=(replace(made[0][2], decided=("spans",)), *(gold for _, _, gold, _ in made[1:])),
        disputes=(),
        labels=schema.labels,
        publish_authors=True,
    )


@pytest.fixture
def built(material):
    return build_tables(material)


@pytest.fixture
def facts_of(schema):
    """What card_facts needs beside the built tables."""
    return {
        "version": "1.0.0",
        "tool": "khabar 0.1.0",
        "schema": schema,
        "agreement": (
            Agreement("pairwise strict span F1", "entities", "all", "all", 0.75, 0.5, 0.9, 8, "articles"),
            Agreement(
                "Krippendorff's alpha", "stance", "dam", "all", None, None, None, 0, "articles", "no article was asked"
            ),
        ),
        "accounts": (
            StageCounts("clean", "lines", 50, 40, {"byline": 8, "share": 2}),
            StageCounts("ingest", "files", 9, 9),
        ),
        "changes": {"ARABIC FATHA: deleted": 7, "NO-BREAK SPACE: SPACE": 9},
        "note": "They are simulated.",
    }


@pytest.fixture
def altered(material):
    """Build the tables of the material with some of it altered."""
    return lambda **changes: build_tables(replace(material, **changes))


@pytest.fixture
def beside(built, schema, facts_of, root):
    """What a release holds beside Parquet and card; schema, card and tables may be others."""

    def run(built=built, schema=schema, template=None):
        facts = card_facts(built=built, **facts_of | {"schema": schema})
        text = template or (root / "dataset_card.md").read_text(encoding="utf-8")
        flat = edition_files(schema.dataset.text, built.tables["entities"], schema.labels.entity_names)
        return export_files(
            built.tables,
            schema.dataset,
            flat,
            version="1.0.0",
            template=text,
            facts=facts,
            agreement=facts_of["agreement"],
        )

    return run


@pytest.fixture
def with_dataset(schema):
    """The schema with some of dataset.yaml altered."""
    return lambda **changes: replace(schema, dataset=schema.dataset.model_copy(update=changes))

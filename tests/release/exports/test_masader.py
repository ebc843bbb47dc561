"""The record for Masader: its fields and words, counts of the tables, and nothing that nobody said."""

import json
from dataclasses import replace

import pytest

from builder.schema.dataset import Licence

FIELDS = [
    "Name", "Subsets", "HF Link", "Link", "License", "Year", "Language", "Dialect", "Domain", "Form",
    "Collection Style", "Description", "Volume", "Unit", "Ethical Risks", "Provider", "Derived From", "Paper Title",
    "Paper Link", "Script", "Tokenized", "Host", "Access", "Cost", "Test Split", "Tasks", "Venue Title",
    "Venue Type", "Venue Name", "Authors", "Affiliations", "Abstract", "Added By",
]  # fmt: skip
OPTIONS = {
    "Language": {"ar", "multilingual"},
    "Form": {"text", "audio", "images", "videos"},
    "Unit": {"tokens", "sentences", "documents", "images", "videos", "hours"},
    "Script": {"Arab", "Latin", "Arab-Latin"},
    "Collection Style": {"crawling", "human annotation", "machine annotation", "manual curation", "other"},
}
"""Some of the closed lists of the catalogue's schema.json."""


def record(made):
    return json.loads(made.files["masader.json"])


def test_the_record_has_the_fields_of_the_catalogue_in_their_order(beside):
    found = record(beside())

    assert [*found] == FIELDS
    for name, options in OPTIONS.items():
        values = found[name] if isinstance(found[name], list) else [found[name]]
        assert values
        assert {*values} <= options


def test_what_is_known_is_counted_and_what_is_not_is_empty(beside):
    found = record(beside())

    assert (found["Volume"], found["Unit"], found["Test Split"]) == (8.0, "documents", True)
    assert (found["Name"], found["Provider"], found["License"]) == ("demo-news", ["khabar"], "CC0")
    assert found["Tasks"] == ["named entity recognition", "stance detection"]
    assert found["Collection Style"] == ["machine annotation"]
    assert found["Description"].startswith("This is a demonstration, not data to train or to judge a model on.")
    assert "<div" not in found["Description"]
    unknown = ["Year", "Dialect", "Ethical Risks", "Access", "Cost", "Paper Title", "Paper Link", "Venue Title",
               "Venue Type", "Venue Name", "Abstract", "Added By"]  # fmt: skip
    assert {name: found[name] for name in unknown} == dict.fromkeys(unknown, "")


@pytest.mark.parametrize(
    ("text", "annotations", "said"),
    [("cc-by-4.0", "cc-by-4.0", "CC BY 4.0"), ("cc-by-4.0", "cc0-1.0", "custom"), ("own", "own", "custom")],
)
def test_a_licence_is_in_the_words_of_the_catalogue(beside, with_dataset, text, annotations, said):
    changed = with_dataset(licence=Licence(text=text, annotations=annotations))

    assert record(beside(schema=changed))["License"] == said


def test_a_dataset_without_stance_or_test_rows_does_not_claim_them(beside, altered, schema, material):
    labels = schema.labels.model_copy(update={"stances": None})
    golds = tuple(replace(gold, stances=()) for gold in material.golds)
    said = tuple(replace(one, stances=()) for one in material.judgements)
    splits = dict.fromkeys(material.splits, "train")
    bare = altered(labels=labels, golds=golds, judgements=said, splits=splits)

    found = record(beside(bare, replace(schema, labels=labels)))

    assert (found["Tasks"], found["Test Split"]) == (["named entity recognition"], False)

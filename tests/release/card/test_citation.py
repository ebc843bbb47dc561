"""CITATION.cff and the card's BibTeX: the same author, title, version and address, and a licence only where one is."""

import re

import pytest
import yaml

from builder.release.card.citation import bibtex, citation_cff
from builder.release.card.facts import card_facts
from builder.schema.dataset import Licence


def cff(schema):
    return yaml.safe_load(citation_cff(schema.dataset, "1.2.0"))


def test_a_citation_says_what_the_project_says_and_no_more(schema):
    assert cff(schema) == {
        "cff-version": "1.2.0",
        "message": "If you use this dataset, please cite it as below, with its version.",
        "type": "dataset",
        "title": schema.dataset.title,
        "version": "1.2.0",
        "authors": [{"name": "khabar"}],
        "license": "CC0-1.0",
        "url": "https://huggingface.co/datasets/khabar/demo-news/tree/v1.2.0",
        "repository": "https://huggingface.co/datasets/khabar/demo-news",
    }


@pytest.mark.parametrize("licence", [("cc-by-4.0", "cc0-1.0"), ("on request", "on request")])
def test_licences_that_spdx_cannot_say_as_one_are_said_in_words(with_dataset, licence):
    text, annotations = licence
    found = cff(with_dataset(licence=Licence(text=text, annotations=annotations)))

    assert "license" not in found
    assert found["message"].endswith(f"Licence of the text: {text}. Licence of the annotations: {annotations}.")


@pytest.mark.parametrize("name", ["odbl", "ODbL-1.0", "CC-BY-4.0", "cc-by-4.0"])
def test_a_licence_is_known_by_the_name_of_the_hub_and_of_spdx(with_dataset, name):
    found = cff(with_dataset(licence=Licence(text=name, annotations=name)))

    assert found["license"] == ("ODbL-1.0" if "odbl" in name.lower() else "CC-BY-4.0")


def test_the_card_cites_as_the_citation_file_does(schema, built, facts_of):
    said = card_facts(built=built, **facts_of | {"version": "1.2.0"})["citation"]
    fields = dict(re.findall(r"^  (\w+) += \{+(.*?)\}+,?$", said, re.MULTILINE))
    found = cff(schema)

    assert said == f"```bibtex\n{bibtex(schema.dataset.repo_id, schema.dataset.title, '1.2.0')}\n```"
    assert fields.pop("howpublished") == "Hugging Face Hub, khabar/demo-news"
    assert fields == {"author": found["authors"][0]["name"], "title": found["title"],
                      "version": found["version"], "url": found["url"]}  # fmt: skip

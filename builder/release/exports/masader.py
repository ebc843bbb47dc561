"""The record of a release for Masader, the catalogue of Arabic datasets: one file of its datasets/ folder.

Fields, order and closed lists are those of ARBML/masader (schema.json, datasets/*.json). What nothing in the project
says is an empty string or an empty list there, as in that catalogue: a person fills it in before it is proposed.
"""

import json
from collections.abc import Mapping

from builder.release.card.citation import author, page
from builder.release.card.render import Head
from builder.release.tables.build import Tables
from builder.schema.dataset import Dataset

LICENCES = {
    "apache-2.0": "Apache-2.0", "cc0-1.0": "CC0", "cc-by-2.0": "CC BY 2.0", "cc-by-2.5": "CC BY 2.5",
    "cc-by-3.0": "CC BY 3.0", "cc-by-4.0": "CC BY 4.0", "cc-by-nc-2.0": "CC BY-NC 2.0", "cc-by-nc-3.0": "CC BY-NC 3.0",
    "cc-by-nc-4.0": "CC BY-NC 4.0", "cc-by-nc-nd-3.0": "CC BY-NC-ND 3.0", "cc-by-nc-nd-4.0": "CC BY-NC-ND 4.0",
    "cc-by-nc-sa-2.0": "CC BY-NC-SA 2.0", "cc-by-nc-sa-3.0": "CC BY-NC-SA 3.0", "cc-by-nc-sa-4.0": "CC BY-NC-SA 4.0",
    "cc-by-sa-3.0": "CC BY-SA 3.0", "cc-by-sa-4.0": "CC BY-SA 4.0", "cdla-permissive-1.0": "CDLA-Permissive-1.0",
    "cdla-permissive-2.0": "CDLA-Permissive-2.0", "cdla-sharing-1.0": "CDLA-SHARING-1.0", "gpl-3.0": "GPL-3.0",
    "lgpl-3.0": "LGPL-3.0", "mit": "MIT License", "odbl": "ODbl-1.0", "odc-by": "ODC-By",
}  # fmt: skip
"""The catalogue's names of the licences that a dataset card may name; any other, and two at once, are `custom`."""

STYLES = {
    "expert-generated": "human annotation",
    "crowdsourced": "human annotation",
    "machine-generated": "machine annotation",
    "other": "other",
}
"""The catalogue's word for each of a card's annotations_creators; how the text was collected, no project says."""


def masader(dataset: Dataset, tables: Tables, head: Head, description: str) -> bytes:
    """The record, as JSON. `head` is what people say in the head of the card, `description` what they say of it."""
    link = page(dataset.repo_id)
    styles = dict.fromkeys(STYLES[made] for made in head.annotations_creators if made in STYLES)
    said: Mapping[str, object] = {
        "Name": dataset.repo_id.split("/")[1],
        "Subsets": [],
        "HF Link": link,
        "Link": link,
        "License": _licence(dataset),
        "Year": "",
        "Language": "ar",
        "Dialect": "",
        "Domain": ["news articles"],
        "Form": "text",
        "Collection Style": list(styles),
        "Description": description,
        "Volume": float(sum(table.num_rows for table in tables["articles"].values())),
        "Unit": "documents",
        "Ethical Risks": "",
        "Provider": [author(dataset.repo_id)],
        "Derived From": [source for source in head.source_datasets if source != "original"],
        "Paper Title": "",
        "Paper Link": "",
        "Script": "Arab",
        "Tokenized": False,  # of the catalogue's meaning: no word is split by a morphological analyser
        "Host": "HuggingFace",
        "Access": "",
        "Cost": "",
        "Test Split": tables["entities"]["test"].num_rows > 0,
        "Tasks": ["named entity recognition", *(["stance detection"] if "stance" in tables else [])],
        "Venue Title": "",
        "Venue Type": "",
        "Venue Name": "",
        "Authors": [],
        "Affiliations": [],
        "Abstract": "",
        "Added By": "",
    }
    return (json.dumps(said, ensure_ascii=False, indent=4) + "\n").encode()


PATH = "masader.json"


def _licence(dataset: Dataset) -> str:
    text, annotations = dataset.licence.text.strip().lower(), dataset.licence.annotations.strip().lower()
    return LICENCES.get(text, "custom") if text == annotations else "custom"

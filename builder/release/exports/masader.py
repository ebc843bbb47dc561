"""The record of a release for Masader, the catalogue of Arabic datasets: one file of its datasets/ folder.

Fields, order and closed lists follow ARBML/masader (schema.json, datasets/*.json). A field that nothing in the project
determines is an empty string or list, as in the catalogue; people fill it in before they propose the record.
"""

import json
from collections.abc import Mapping

from builder.release.card.citation import author, dataset_url
from builder.release.card.licences import licence_key
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
"""The catalogue's names of the licences a card may name; any other, or two different ones, are `custom`."""

STYLES = {
    "expert-generated": "human annotation",
    "crowdsourced": "human annotation",
    "machine-generated": "machine annotation",
    "other": "other",
}
"""The catalogue's term for each annotations_creators value; no project states how its text was collected."""


def masader(dataset: Dataset, tables: Tables, head: Head, description: str) -> bytes:
    """Return the record as JSON.

    `head` is the head of the card template, `description` the card's description of the dataset.
    """
    link = dataset_url(dataset.repo_id)
    styles = dict.fromkeys(STYLES[made] for made in head.annotations_creators if made in STYLES)
    record: Mapping[str, object] = {
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
        "Tokenized": False,  # in the catalogue's sense: words split by a morphological analyser
        "Host": "HuggingFace",
        "Access": "",
        "Cost": "",
        "Test Split": tables["entities"]["test"].num_rows > 0,
        "Tasks": [
            "named entity recognition",
            *(["stance detection"] if "stance" in tables else []),
            *(["document classification"] if "questions" in tables else []),
        ],
        "Venue Title": "",
        "Venue Type": "",
        "Venue Name": "",
        "Authors": [],
        "Affiliations": [],
        "Abstract": "",
        "Added By": "",
    }
    return (json.dumps(record, ensure_ascii=False, indent=4) + "\n").encode()


PATH = "masader.json"


def _licence(dataset: Dataset) -> str:
    """Return the catalogue's name of the licence."""
    text, annotations = licence_key(dataset.licence.text), licence_key(dataset.licence.annotations)
    return LICENCES.get(text, "custom") if text == annotations else "custom"

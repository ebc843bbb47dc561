"""How to cite a release: CITATION.cff (Citation File Format 1.2.0) and BibTeX, which say the same.

The author is the organisation of the repository: a project names no persons. There is no date, as no input has one.
"""

import yaml

from builder.schema.dataset import Dataset

PATH = "CITATION.cff"

HUB = "https://huggingface.co/datasets"

SPDX = {
    name.lower(): name
    for name in (
        "AGPL-3.0", "Apache-2.0", "CC0-1.0", "CC-BY-2.0", "CC-BY-2.5", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-NC-2.0",
        "CC-BY-NC-3.0", "CC-BY-NC-4.0", "CC-BY-NC-ND-3.0", "CC-BY-NC-ND-4.0", "CC-BY-NC-SA-2.0", "CC-BY-NC-SA-3.0",
        "CC-BY-NC-SA-4.0", "CC-BY-ND-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0", "CDLA-Permissive-1.0",
        "CDLA-Sharing-1.0", "GPL-3.0", "LGPL-3.0", "MIT", "ODbL-1.0", "ODC-By-1.0", "PDDL-1.0",
    )
}  # fmt: skip

SPDX |= {"odbl": "ODbL-1.0", "odc-by": "ODC-By-1.0", "pddl": "PDDL-1.0"}
"""Licences by the names that dataset.yaml may give them: SPDX's own in any case, and those of the Hub."""


def page(repo_id: str, version: str = "") -> str:
    """The page of a dataset on the Hub, or that of a version's tag."""
    return f"{HUB}/{repo_id}" + (f"/tree/v{version}" if version else "")


def author(repo_id: str) -> str:
    """The organisation that publishes a dataset.

    >>> author("khabar/demo-news")
    'khabar'
    """
    return repo_id.partition("/")[0]


def licence_id(licence: str) -> str | None:
    """The SPDX id of a licence as dataset.yaml names it, or None.

    >>> licence_id("cc0-1.0"), licence_id("on request")
    ('CC0-1.0', None)
    """
    return SPDX.get(licence.strip().lower())


def citation_cff(dataset: Dataset, version: str) -> bytes:
    """CITATION.cff of a version.

    `license` is said where text and annotations share one that SPDX knows: several would mean a choice of them.
    """
    text, annotations = dataset.licence.text, dataset.licence.annotations
    shared = licence_id(text) if licence_id(text) == licence_id(annotations) else None
    terms = "" if shared else f" Licence of the text: {text}. Licence of the annotations: {annotations}."
    said = {
        "cff-version": "1.2.0",
        "message": f"If you use this dataset, please cite it as below, with its version.{terms}",
        "type": "dataset",
        "title": dataset.title,
        "version": version,
        "authors": [{"name": author(dataset.repo_id)}],
        **({"license": shared} if shared else {}),
        "url": page(dataset.repo_id, version),
        "repository": page(dataset.repo_id),
    }
    text_of = yaml.safe_dump(said, allow_unicode=True, sort_keys=False, width=100)
    return text_of.encode()


def bibtex(repo_id: str, title: str, version: str) -> str:
    """The BibTeX entry of a version: author, title, version and address are those of its CITATION.cff."""
    return f"""@misc{{{repo_id.split("/")[1]},
  author       = {{{{{author(repo_id)}}}}},
  title        = {{{{{title}}}}},
  howpublished = {{Hugging Face Hub, {repo_id}}},
  version      = {{{version}}},
  url          = {{{page(repo_id, version)}}}
}}"""

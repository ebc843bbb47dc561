"""Citations of a release: CITATION.cff (Citation File Format 1.2.0) and BibTeX with the same content.

The author is the organisation that owns the repository, because a project names no persons. There is no date, because
no input of a build has one.
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
"""SPDX ids by the names that dataset.yaml may use, in lower case: SPDX's own names and the Hub's."""


def dataset_url(repo_id: str, version: str = "") -> str:
    """Return the address of a dataset on the Hub, or of a version's tag."""
    return f"{HUB}/{repo_id}" + (f"/tree/v{version}" if version else "")


def author(repo_id: str) -> str:
    """Return the organisation that publishes a dataset.

    >>> author("khabar/demo-news")
    'khabar'
    """
    return repo_id.partition("/")[0]


def licence_id(licence: str) -> str | None:
    """Return the SPDX id of a licence as dataset.yaml names it, or None.

    >>> licence_id("cc0-1.0"), licence_id("on request")
    ('CC0-1.0', None)
    """
    return SPDX.get(licence.strip().lower())


def citation_cff(dataset: Dataset, version: str) -> bytes:
    """Return the CITATION.cff of a version.

    `license` is set only if text and annotations share a licence that SPDX knows; several ids would mean a choice.
    """
    text, annotations = dataset.licence.text, dataset.licence.annotations
    shared = licence_id(text) if licence_id(text) == licence_id(annotations) else None
    terms = "" if shared else f" Licence of the text: {text}. Licence of the annotations: {annotations}."
    fields = {
        "cff-version": "1.2.0",
        "message": f"If you use this dataset, please cite it as below, with its version.{terms}",
        "type": "dataset",
        "title": dataset.title,
        "version": version,
        "authors": [{"name": author(dataset.repo_id)}],
        **({"license": shared} if shared else {}),
        "url": dataset_url(dataset.repo_id, version),
        "repository": dataset_url(dataset.repo_id),
    }
    content = yaml.safe_dump(fields, allow_unicode=True, sort_keys=False, width=100)
    return content.encode()


def bibtex(repo_id: str, title: str, version: str) -> str:
    """Return the BibTeX entry of a version: author, title, version and address as in its CITATION.cff."""
    return f"""@misc{{{repo_id.split("/")[1]},
  author       = {{{{{author(repo_id)}}}}},
  title        = {{{{{title}}}}},
  howpublished = {{Hugging Face Hub, {repo_id}}},
  version      = {{{version}}},
  url          = {{{dataset_url(repo_id, version)}}}
}}"""

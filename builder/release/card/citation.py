"""Citations of a release: CITATION.cff (Citation File Format 1.2.0) and BibTeX with the same content.

The author is the organisation that owns the repository, because a project names no persons. There is no date, because
no input of a build has one.
"""

import yaml

from builder.release.card.licences import licence_id
from builder.schema.dataset import Dataset

PATH = "CITATION.cff"

HUB = "https://huggingface.co/datasets"


def dataset_url(repo_id: str, version: str = "") -> str:
    """Return the address of a dataset on the Hub, or of a version's tag."""
    return f"{HUB}/{repo_id}" + (f"/tree/v{version}" if version else "")


def author(repo_id: str) -> str:
    """Return the organisation that publishes a dataset.

    >>> author("khabar/demo-news")
    'khabar'
    """
    return repo_id.partition("/")[0]


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

"""Versions of the HTML extractor of a release: recorded in its manifest, and compared when it is hydrated."""

import json
from collections.abc import Iterable, Mapping

from builder.records import Document, Issue

INPUT = "extractors"
"""Name of the manifest input that lists the extractors, as a JSON array of Document.facts.extractor."""


def recorded(documents: Iterable[Document]) -> dict[str, str]:
    """Return the manifest input that lists the extractors of documents; empty if no text comes from HTML."""
    names = sorted({document.facts.extractor for document in documents if document.facts.extractor})
    return {INPUT: json.dumps(names, ensure_ascii=False)} if names else {}


def mismatches(inputs: Mapping[str, str], documents: Iterable[Document]) -> list[Issue]:
    """Return a warning if pages were extracted otherwise than those of a release with these manifest inputs.

    A release of a version that recorded no extractors has nothing to compare.
    """
    of_release = _named(inputs)
    others = sorted({*_named(recorded(documents))} - {*of_release})
    if not of_release or not others:
        return []
    message = f"the pages were extracted by {_listed(others)}, those of the release by {_listed(of_release)}"
    fix = "texts that differ do not come back; install the versions that the release names"
    return [Issue("warning", "extractor", message, fix=fix)]


def _named(inputs: Mapping[str, str]) -> list[str]:
    """Return the extractors that manifest inputs list; none if the list is damaged."""
    try:
        names = json.loads(inputs.get(INPUT, "[]"))
    except ValueError:
        return []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _listed(names: Iterable[str]) -> str:
    """Return names for a message, without what a terminal would obey."""
    return " and ".join(f"«{''.join(letter for letter in name if letter.isprintable())}»" for name in names)

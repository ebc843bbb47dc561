"""Licences as dataset.yaml names them: any sentence, or a known licence in any spelling, with its id and its link."""

import re

from builder.schema.dataset import Dataset

HUB_LICENCES = frozenset({
    "afl-3.0", "agpl-3.0", "apache-2.0", "artistic-2.0", "bsd", "bsd-2-clause", "bsd-3-clause", "bsl-1.0", "c-uda", "cc",
    "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0",
    "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0",
    "cc-by-sa-3.0", "cc-by-sa-4.0", "cdla-permissive-1.0", "cdla-permissive-2.0", "cdla-sharing-1.0", "ecl-2.0",
    "epl-1.0", "epl-2.0", "etalab-2.0", "eupl-1.1", "eupl-1.2", "gfdl", "gpl", "gpl-2.0", "gpl-3.0", "isc", "lgpl",
    "lgpl-2.1", "lgpl-3.0", "lgpl-lr", "lppl-1.3c", "mit", "mpl-2.0", "ms-pl", "ncsa", "odbl", "odc-by", "ofl-1.1",
    "openrail", "osl-3.0", "pddl", "postgresql", "unlicense", "wtfpl", "zlib",
})  # fmt: skip
"""Licence ids that `license` accepts; any other licence is `other` with a `license_name`."""

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

_ADDRESS = re.compile(r"https?://[^\s<>\"'()،]+[^\s<>\"'()،.,;:]")

_COMMONS = re.compile(
    r"https?://creativecommons\.org/(?:licenses/(?P<kind>by[a-z-]*)|publicdomain/zero)/(?P<version>[0-9.]+)"
)

STATED = "as-stated-on-the-card"
"""The name of a licence whose words give none: a sentence, or letters that a name on the Hub cannot have."""

LONGEST_NAME = 60


def licence_key(licence: str) -> str:
    """Return a licence in lower case with dashes, and a link to Creative Commons as the id of its licence.

    >>> [licence_key(name) for name in ("CC BY 4.0", " cc-by-4.0", "https://creativecommons.org/licenses/by/4.0/deed.ar")]
    ['cc-by-4.0', 'cc-by-4.0', 'cc-by-4.0']
    """
    if found := _COMMONS.match(licence.strip()):
        return f"{'cc-' + found['kind'] if found['kind'] else 'cc0'}-{found['version'].rstrip('.')}"
    key = re.sub(r"[\s_-]+", "-", licence.strip().lower())
    return key.replace("cc-0", "cc0", 1) if key.startswith("cc-0") else key


def licence_id(licence: str) -> str | None:
    """Return the SPDX id of a licence as dataset.yaml names it, or None.

    >>> licence_id("CC0 1.0"), licence_id("on request")
    ('CC0-1.0', None)
    """
    return SPDX.get(licence_key(licence))


def licence_fields(dataset: Dataset) -> dict[str, str]:
    """Return the licence in the card's head: one id if text and annotations share a known one, else `other` and a name.

    `license_link` is the address that a licence's sentence gives.
    """
    text, annotations = licence_key(dataset.licence.text), licence_key(dataset.licence.annotations)
    if text == annotations and text in HUB_LICENCES:
        return {"license": text}
    name = _name(text) if text == annotations else f"text-{_name(text)}-annotations-{_name(annotations)}"
    links = _ADDRESS.findall(f"{dataset.licence.text} {dataset.licence.annotations}")
    return {"license": "other", "license_name": name} | ({"license_link": links[0]} if links else {})


def _name(key: str) -> str:
    """Return the name of a licence in ASCII."""
    slug = re.sub(r"[^a-z0-9.]+", "-", key).strip("-.")
    return slug if slug and key.isascii() and len(slug) <= LONGEST_NAME else STATED


def shown_licence(licence: str) -> str:
    """Return a licence as the card shows it: a known one with its link, any other in its own words.

    >>> shown_licence("CC BY 4.0")
    '[CC BY 4.0](https://spdx.org/licenses/CC-BY-4.0.html)'
    """
    words, known = " ".join(licence.split()), licence_id(licence)
    return f"[{words}](https://spdx.org/licenses/{known}.html)" if known else words

"""Other tools that drop lines of plain text, as functions from a page to whether each of its lines is kept."""

import html
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace

Keeps = Callable[[str], list[bool]]
"""Returns for each line of a page whether it is kept; blank lines are not."""


@dataclass(frozen=True, slots=True)
class Cleaners:
    """The installed tools by name, and the reason why each other tool is missing."""

    found: dict[str, Keeps]
    missing: dict[str, str]


def cleaners() -> Cleaners:
    """Return the tools that are installed."""
    result = Cleaners({}, {})
    for name, make in TOOLS.items():
        try:
            result.found[name] = make()
        except (ImportError, OSError) as error:
            result.missing[name] = " ".join(f"{type(error).__name__}: {error}".split())
    return result


def _justext() -> Keeps:
    """Return jusText with its Arabic stop words, on a page with one paragraph for each line."""
    justext = importlib.import_module("justext")
    words = justext.get_stoplist("Arabic")

    def keeps(raw: str) -> list[bool]:
        lines = [" ".join(line.split()) for line in raw.split("\n")]
        page = "".join(f"<p>{html.escape(line)}</p>" for line in lines if line)
        if not page:
            return [False] * len(lines)
        found = justext.justext(f"<html><body>{page}</body></html>".encode("utf-8", "replace"), words)
        good = {" ".join(paragraph.text.split()) for paragraph in found if not paragraph.is_boilerplate}
        return [line in good for line in lines]

    return keeps


def _trafilatura() -> Keeps:
    """Return trafilatura's functions for text: what discards lines of share buttons, and what tidies a line."""
    utils = importlib.import_module("trafilatura.utils")

    def keeps(raw: str) -> list[bool]:
        return [
            not utils.textfilter(SimpleNamespace(text=line, tail=None)) and bool(utils.sanitize(line))
            for line in raw.split("\n")
        ]

    return keeps


TOOLS: Mapping[str, Callable[[], Keeps]] = {
    "jusText, Arabic stop words": _justext,
    "trafilatura's text functions": _trafilatura,
}

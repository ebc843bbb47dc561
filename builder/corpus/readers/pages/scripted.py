"""The text of pages that scripts build: the `articleBody` of their JSON-LD."""

import json
import re
from collections.abc import Iterator, Sequence
from html import unescape

from lxml import html

from builder.corpus.readers.pages.lines import lines_of
from builder.corpus.readers.pages.words import covered, words_of

LEAST_WORDS = 40
"""Words of an `articleBody`; a shorter one is a summary."""

MOST_SHOWN = 0.5
"""Share of an `articleBody` above which the page itself shows it."""

MARKUP = re.compile(r"<(?:p|br|div|li|h\d)\b", re.IGNORECASE)


def scripted_lines(tree: html.HtmlElement) -> list[str]:
    """Return the lines of the longest `articleBody` in the JSON-LD of a page; JSON-LD that is not JSON has none."""
    return _lines(max(_bodies(tree), key=len, default=""))


def built_by_scripts(body: Sequence[str], extracted: Sequence[str], shown: Sequence[str]) -> bool:
    """Return whether a page does not show its `articleBody`, but a script does.

    All are lines: of the `articleBody`, of the extracted text and of all that the page shows.
    """
    words, found = words_of("\n".join(body)), words_of("\n".join(extracted))
    if len(words) < LEAST_WORDS or len(found) * 2 > len(words):
        return False
    return covered(words, words_of("\n".join(shown))) < MOST_SHOWN


def _bodies(tree: html.HtmlElement) -> Iterator[str]:
    """Yield each `articleBody` of the JSON-LD of a page."""
    for script in tree.iter("script"):
        if script.get("type", "").partition(";")[0].strip().lower() == "application/ld+json":
            try:
                waiting = [json.loads(script.text or "", strict=False)]
            except (ValueError, RecursionError):
                continue
            while waiting:
                value = waiting.pop()
                if isinstance(value, dict) and isinstance(value.get("articleBody"), str):
                    yield value["articleBody"]
                inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
                waiting += [value for value in inner if isinstance(value, (dict, list))]


def _lines(body: str) -> list[str]:
    """Return the lines of an `articleBody`, which may be markup or have its entities escaped."""
    text = unescape(body) if "&lt;" in body else body
    if MARKUP.search(text):
        return lines_of(html.fromstring(f"<div>{text}</div>"), ("script", "style"))
    return [" ".join(line.split()) for line in unescape(text).splitlines() if line.strip()]

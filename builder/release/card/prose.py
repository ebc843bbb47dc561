"""The prose sections and the head of a card template.

A section that the template does not have is an empty string.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from builder.io.yaml import parse_yaml
from builder.release.card.render import HEAD, PROSE, TEMPLATE, Head, render

ABOUT, ANNOTATORS, LIMITS = "what this dataset is", "who the annotators are", "limits and biases"
"""Words in the hint of each section that identify it."""


@dataclass(frozen=True, slots=True)
class CardProse:
    """The head of the card, and its prose on the dataset, the annotators, and limits and biases."""

    head: Head
    about: str
    annotators: str
    limits: str


def read_prose(template: str, facts: Mapping[str, str]) -> CardProse:
    """Parse a template with its facts filled in; raises KhabarError as make_card does."""
    plain = template.replace("\r\n", "\n")
    head_block = HEAD.match(plain)
    head = parse_yaml("\n" + (head_block[1] if head_block else ""), Head, TEMPLATE)
    parts = {" ".join(hint.split()): prose for hint, prose in PROSE.findall(render(plain, facts))}

    def part(words: str) -> str:
        return next((_plain(prose) for hint, prose in parts.items() if words in hint), "")

    return CardProse(head, part(ABOUT), part(ANNOTATORS), part(LIMITS))


def _plain(prose: str) -> str:
    """Return Markdown without HTML lines and bold marks, and with single empty lines between paragraphs."""
    lines = [line for line in prose.replace("**", "").split("\n") if not re.match(r"\s*</?[a-z]", line)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()

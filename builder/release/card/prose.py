"""What people say of a dataset in the card's template: its head, and its prose by what each part is for.

Nothing is counted or guessed here: a part that the template does not have is empty.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from builder.io.yaml import parse_yaml
from builder.release.card.render import HEAD, PROSE, TEMPLATE, Head, render

ABOUT, ANNOTATORS, LIMITS = "what this dataset is", "who the annotators are", "limits and biases"
"""Words of the hint of each part, by which it is found."""


@dataclass(frozen=True, slots=True)
class Told:
    """The head of the card, and what its prose says of the dataset, of the annotators, of limits and biases."""

    head: Head
    about: str
    annotators: str
    limits: str


def told(template: str, facts: Mapping[str, str]) -> Told:
    """Read a template with its facts filled in; raises Refused as make_card does."""
    plain = template.replace("\r\n", "\n")
    found = HEAD.match(plain)
    head = parse_yaml("\n" + (found[1] if found else ""), Head, TEMPLATE)
    parts = {" ".join(hint.split()): prose for hint, prose in PROSE.findall(render(plain, facts))}

    def part(words: str) -> str:
        return next((_plain(prose) for hint, prose in parts.items() if words in hint), "")

    return Told(head, part(ABOUT), part(ANNOTATORS), part(LIMITS))


def _plain(prose: str) -> str:
    """Markdown without lines of HTML, without bold, and with one empty line between paragraphs."""
    lines = [line for line in prose.replace("**", "").split("\n") if not re.match(r"\s*</?[a-z]", line)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()

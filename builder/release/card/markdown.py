"""Markdown tables and lists of the card."""

import re
from collections.abc import Iterable, Sequence

from builder.records import Issue
from builder.text.invisible import show_controls


def below_thresholds(low: Sequence[Issue], reason: str) -> str:
    """Return the card text for agreement figures below their thresholds, with the reason for the release."""
    if not low:
        return ""
    lines = [f"- {_cell(issue.message)} ({issue.where})." for issue in low]
    head = "**Agreement does not reach the floors that were set for this dataset.** It is released all the same:"
    return "\n\n" + "\n".join([head, "", *lines, "", f"> {_cell(reason)}"])


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    r"""Return a Markdown table; number columns are right-aligned, and cells are escaped.

    >>> print(markdown_table(["source", "rows"], [["a|b", 1000]]))
    | source | rows |
    |---|---:|
    | a\|b | 1,000 |
    """
    body = list(rows)
    right = [bool(body) and all(isinstance(row[i], int) for row in body) for i in range(len(head))]
    rule = f"|{'|'.join('---:' if number else '---' for number in right)}|"
    lines = [f"| {' | '.join(map(_cell, row))} |" for row in (head, *body)]
    return "\n".join([lines[0], rule, *lines[1:]])


def without_markup(text: str) -> str:
    """Return a text of the data with its Markdown as character references, so that it is shown as it is written.

    >>> without_markup("[خبر](https://a.example) *")
    '&#91;خبر&#93;(https:&#47;/a.example) &#42;'
    """
    return MARKUP.sub(lambda match: f"&#{ord(match[0])};", text)


MARKUP = re.compile(r"[&`*_\[\]~!#$]|(?<=:)/(?=/)|(?<=www)\.", re.IGNORECASE)
"""What Markdown, or the links that GitHub and the Hub find in plain text, take for markup; cells escape the rest."""


def _cell(value: object) -> str:
    """Return a value as an escaped Markdown cell on one line, without control characters."""
    text = f"{value:,}" if isinstance(value, int) else show_controls(" ".join(str(value).split()))
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")

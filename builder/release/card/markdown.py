"""Markdown tables and lists of the card."""

from collections.abc import Iterable, Sequence

from builder.records import Issue


def below_floors(low: Sequence[Issue], reason: str) -> str:
    """What follows the figures of agreement where they do not reach their floors: which, and why it is released."""
    if not low:
        return ""
    lines = [f"- {_cell(issue.message)} ({issue.where})." for issue in low]
    head = "**Agreement does not reach the floors that were set for this dataset.** It is released all the same:"
    return "\n\n" + "\n".join([head, "", *lines, "", f"> {_cell(reason)}"])


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    r"""A Markdown table; numbers stand to the right, and no cell can break out of its place.

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


def _cell(value: object) -> str:
    text = f"{value:,}" if isinstance(value, int) else " ".join(str(value).split())
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")

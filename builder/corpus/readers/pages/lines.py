"""Lines of a page or of what was extracted from it: a block is a line, and so is a row of a table."""

from collections.abc import Collection
from dataclasses import dataclass

from lxml import etree, html

# fmt: off
BLOCKS = frozenset((
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header",
    "hr", "html", "legend", "li", "main", "nav", "ol", "option", "p", "pre", "section", "summary",
    "table", "tbody", "tfoot", "thead", "ul", "head", "item", "list", "quote",
))
# fmt: on
"""Elements of HTML that begin and end a line, and those of the tree that trafilatura makes."""

BREAKS, ROWS, CELLS = frozenset(("br", "lb")), frozenset(("tr", "row")), frozenset(("td", "th", "cell"))


@dataclass(slots=True)
class _Row:
    """A table row that is being read: its first line, the first line of its cell, and the most lines of a cell."""

    first: int
    cell: int = 0
    most: int = 0


class _Writer:
    """The lines so far, and the pieces of the one that is being read."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.pieces: list[str] = []
        self.rows: list[_Row] = []

    def end_line(self) -> None:
        """End the line, unless nothing in it can be seen; any whitespace in it becomes one space."""
        line = " ".join("".join(self.pieces).split())
        if any(letter.isprintable() and letter != " " for letter in line):
            self.lines.append(line)
        self.pieces.clear()

    def begin(self, tag: str) -> None:
        """Begin an element."""
        if tag in BLOCKS or tag in BREAKS or tag in ROWS or tag in CELLS:
            self.end_line()
        if tag in ROWS:
            self.rows.append(_Row(len(self.lines)))
        elif tag in CELLS and self.rows:
            self.rows[-1].cell = len(self.lines)

    def end(self, tag: str) -> None:
        """End an element; a row becomes one line, unless a cell of it has several, as in a table made for layout."""
        if tag in BLOCKS or tag in ROWS or tag in CELLS:
            self.end_line()
        if tag in CELLS and self.rows:
            row = self.rows[-1]
            row.most = max(row.most, len(self.lines) - row.cell)
        elif tag in ROWS and self.rows:
            row = self.rows.pop()
            if row.most == 1:
                self.lines[row.first :] = [" ".join(self.lines[row.first :])]


def lines_of(root: html.HtmlElement, skipped: Collection[str] = ()) -> list[str]:
    """Return the lines of an element, without blank ones and without the elements of the tags `skipped`.

    >>> lines_of(html.fromstring("<div><p>one<br>two</p> three <b>four</b><table><tr><td>a<td>b</table></div>"))
    ['one', 'two', 'three four', 'a b']
    """
    writer = _Writer()
    walk = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
    for event, element in walk:
        if event == "start":
            writer.begin(element.tag)
            if element.tag in skipped:
                walk.skip_subtree()
            else:
                writer.pieces.append(element.text or "")
            continue
        if event == "end":
            writer.end(element.tag)
        if element is not root:
            writer.pieces.append(element.tail or "")
    writer.end_line()
    return writer.lines

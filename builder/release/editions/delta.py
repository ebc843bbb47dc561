"""What leads from a raw page to a text that was made of it, and quotes nothing of it.

A recipe has the edits between the two, and what was put in place of what: characters, each said once, in an order
that says nothing of the text. Without the page it is worth nothing; with it, neither profile nor rules are needed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from builder.io.hashing import sha16
from builder.records import Article, Document
from builder.release.redaction.redact import PLACEHOLDERS

SHORT = 4
"""Code points of the raw page that a recipe may name; what a longer stretch became is known by its edit's number."""

WORDS = 4
"""The most words that all that was put in place of longer stretches of a title or a name may have."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a column of an article is made of its page.

    `sha` is sha256(value as UTF-8)[:16]; `given`: the value is made of what came with the page, as its
    title, and not of the page. `edits` are packed
    (AlignedText.packed); `replaced` says what characters of the page became, sorted, `placed` what the edit of a number
    (from 0) put, where that does not hang on the characters alone.
    """

    column: str
    sha: str
    given: bool = False
    edits: tuple[int, ...] = ()
    replaced: tuple[tuple[str, str], ...] = ()
    placed: tuple[tuple[int, str], ...] = ()


def recipe(column: str, text: str, raw: str, edits: Sequence[int]) -> Recipe:
    """The recipe of a text whose packed edits are known.

    >>> recipe("text", "قدما", "قـدمي", (1, 1, 0, 2, 1, 1)).replaced
    (('ي', 'ا'),)
    """
    becomes: dict[str, str] = {}
    placed: list[tuple[int, str]] = []
    at = raw_at = 0
    for number in range(len(edits) // 3):
        same, gone, come = edits[3 * number : 3 * number + 3]
        at, raw_at = at + same, raw_at + same
        if come:
            before, put = raw[raw_at : raw_at + gone], text[at : at + come]
            secret = len(before) > SHORT or not before or any(placeholder in put for placeholder in PLACEHOLDERS)
            if secret or becomes.setdefault(before, put) != put:
                placed.append((number, put))
        at, raw_at = at + come, raw_at + gone
    return Recipe(column, sha16(text), False, tuple(edits), tuple(sorted(becomes.items())), tuple(placed))


def restored(raw: str, known: Recipe) -> str | None:
    """The text that a recipe makes of a page, or None where it is not the one that the recipe was written for.

    >>> restored("قـدمي", recipe("text", "قدما", "قـدمي", (1, 1, 0, 2, 1, 1)))
    'قدما'
    """
    becomes, placed = dict(known.replaced), dict(known.placed)
    pieces: list[str] = []
    at = 0
    for number in range(len(known.edits) // 3):
        same, gone, come = known.edits[3 * number : 3 * number + 3]
        pieces.append(raw[at : at + same])
        at += same
        if come:
            put = placed[number] if number in placed else becomes.get(raw[at : at + gone])
            if put is None or len(put) != come:
                return None
            pieces.append(put)
        at += gone
    text = "".join([*pieces, raw[at:]])
    return text if sha16(text) == known.sha else None


def text_recipe(article: Article, document: Document) -> Recipe:
    """The recipe of an article's text."""
    return recipe("text", article.text, document.raw, article.edits)


def field_recipe(column: str, value: str, article: Article, document: Document) -> Recipe | None:
    """The recipe of a title or a name; None where it is neither given with the page nor a line of it."""
    if column == "title" and document.title is not None:
        edits = _masked(value, document.title)
        if edits is not None:
            return replace(recipe(column, value, document.title, edits), given=True)
    if any(placeholder in value for placeholder in PLACEHOLDERS):
        return None  # what a line of the page has there must not be spelled out
    for drop in reversed(article.drops):
        if drop.extracted.get(column) == value:
            end = drop.end if drop.end > drop.start else _line_end(document.raw, drop.start)
            found = recipe(column, value, document.raw, _edits(value, document.raw, drop.start, end))
            if sum(len(put.split()) for _, put in found.placed) <= WORDS and restored(document.raw, found) == value:
                return found
    return None


def _masked(value: str, given: str) -> tuple[int, ...] | None:
    """Packed edits that put the placeholders of a value into what was given; None where the rest is not the same."""
    literals = re.split("|".join(PLACEHOLDERS), value)
    found = re.fullmatch("(.+?)".join(map(re.escape, literals)), given, re.DOTALL)
    if found is None:
        return None
    flat: list[int] = []
    for number, placeholder in enumerate(re.findall("|".join(PLACEHOLDERS), value), 1):
        flat += (len(literals[number - 1]), len(found[number]), len(placeholder))
    return tuple(flat)


def _line_end(raw: str, start: int) -> int:
    end = raw.find("\n", start)
    return len(raw) if end < 0 else end


def _edits(value: str, raw: str, start: int, end: int) -> tuple[int, ...]:
    """Packed edits that leave of a page only a stretch of it, and make that stretch the value."""
    matcher = SequenceMatcher(None, raw[start:end], value, autojunk=False)
    edits: list[tuple[int, int, int]] = []
    for kind, low, high, first, last in matcher.get_opcodes():
        if kind == "equal":
            continue
        if high - low == last - first:
            edits += [(start + place, 1, 1) for place in range(low, high)]
        else:
            edits.append((start + low, high - low, last - first))
    edits = [*([(0, start, 0)] if start else []), *edits, *([(end, len(raw) - end, 0)] if end < len(raw) else [])]
    flat: list[int] = []
    done = 0
    for at, gone, come in edits:
        flat += (at - done, gone, come)
        done = at + gone
    return tuple(flat)


def of_row(row: Mapping[str, object]) -> Recipe:
    """A recipe as a row of the column `restore` holds it; raises KeyError or TypeError for anything else."""
    edits, replaced, placed = row["edits"], row["replaced"], row["placed"]
    if not (isinstance(edits, list) and isinstance(replaced, list) and isinstance(placed, list)):
        raise TypeError("not a recipe")
    return Recipe(
        str(row["column"]), str(row["sha"]), bool(row["given"]), tuple(map(int, edits)),
        tuple((one["raw"], one["put"]) for one in replaced), tuple((one["edit"], one["put"]) for one in placed),
    )  # fmt: skip


def to_row(known: Recipe) -> dict[str, object]:
    """The row of the column `restore` of a recipe."""
    return {
        "column": known.column, "sha": known.sha, "given": known.given, "edits": known.edits,
        "replaced": [{"raw": raw, "put": put} for raw, put in known.replaced],
        "placed": [{"edit": edit, "put": put} for edit, put in known.placed],
    }  # fmt: skip

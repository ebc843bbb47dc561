"""Text-free deltas that rebuild a text, such as a cleaned article, from its raw page.

A recipe holds the edits between page and text, and the characters that were replaced. Each replacement is stored once,
in an order that is independent of the text. Without the page a recipe is useless; with it, neither the normalisation
profile nor the cleaning rules are needed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from builder.io.hashing import sha16
from builder.records import Article, Document
from builder.release.redaction.redact import PLACEHOLDERS

SHORT = 4
"""Maximum code points of the raw page that a recipe spells out; longer replacements are keyed by the number of the edit."""

WORDS = 4
"""Maximum words that all replacements of longer stretches may have in the recipe of a title or name."""


@dataclass(frozen=True, slots=True)
class Delta:
    """The delta that makes a column of an article from its page.

    `sha` is sha256(value as UTF-8)[:16]. `given` means that the value derives from metadata that came with the page,
    its title or author, instead of the page itself. `edits` are packed (AlignedText.packed). `replaced` maps characters
    of the page to their replacement, sorted. `placed` maps the number of an edit (from 0) to its insertion, where the
    characters alone do not determine it.
    """

    column: str
    sha: str
    given: bool = False
    edits: tuple[int, ...] = ()
    replaced: tuple[tuple[str, str], ...] = ()
    placed: tuple[tuple[int, str], ...] = ()


def compute_delta(column: str, text: str, raw: str, edits: Sequence[int]) -> Delta:
    """Compute the recipe of a text from its packed edits.

    >>> compute_delta("text", "قدما", "قـدمي", (1, 1, 0, 2, 1, 1)).replaced
    (('ي', 'ا'),)
    """
    becomes: dict[str, str] = {}
    placed: list[tuple[int, str]] = []
    at = raw_at = 0
    for number in range(len(edits) // 3):
        same, removed, added = edits[3 * number : 3 * number + 3]
        at, raw_at = at + same, raw_at + same
        if added:
            before, put = raw[raw_at : raw_at + removed], text[at : at + added]
            secret = len(before) > SHORT or not before or any(placeholder in put for placeholder in PLACEHOLDERS)
            if secret or becomes.setdefault(before, put) != put:
                placed.append((number, put))
        at, raw_at = at + added, raw_at + removed
    return Delta(column, sha16(text), False, tuple(edits), tuple(sorted(becomes.items())), tuple(placed))


def apply_delta(raw: str, delta: Delta) -> str | None:
    """Apply a recipe to a page; returns None if the result does not have the hash in the recipe.

    >>> apply_delta("قـدمي", compute_delta("text", "قدما", "قـدمي", (1, 1, 0, 2, 1, 1)))
    'قدما'
    """
    becomes, placed = dict(delta.replaced), dict(delta.placed)
    pieces: list[str] = []
    at = 0
    for number in range(len(delta.edits) // 3):
        same, removed, added = delta.edits[3 * number : 3 * number + 3]
        pieces.append(raw[at : at + same])
        at += same
        if added:
            put = placed[number] if number in placed else becomes.get(raw[at : at + removed])
            if put is None or len(put) != added:
                return None
            pieces.append(put)
        at += removed
    text = "".join([*pieces, raw[at:]])
    return text if sha16(text) == delta.sha else None


def text_delta(article: Article, document: Document) -> Delta:
    """Return the recipe of an article's text."""
    return compute_delta("text", article.text, document.raw, article.edits)


def field_delta(column: str, value: str, article: Article, document: Document) -> Delta | None:
    """Return the recipe of a title or name; None if it is neither metadata of the page nor one of its lines."""
    given = given_field(column, document)
    if given is not None:
        edits = _masked(value, given)
        if edits is not None:
            return replace(compute_delta(column, value, given, edits), given=True)
    if any(placeholder in value for placeholder in PLACEHOLDERS):
        return None  # the recipe would spell out what was redacted on the page
    for drop in reversed(article.drops):
        if drop.extracted.get(column) == value:
            end = drop.end if drop.end > drop.start else _line_end(document.raw, drop.start)
            delta = compute_delta(column, value, document.raw, _edits(value, document.raw, drop.start, end))
            if sum(len(put.split()) for _, put in delta.placed) <= WORDS and apply_delta(document.raw, delta) == value:
                return delta
    return None


def given_field(column: str, document: Document) -> str | None:
    """Return the metadata that came with a page for a column."""
    return {"title": document.title, "author": document.author}.get(column)


def _masked(value: str, given: str) -> tuple[int, ...] | None:
    """Return packed edits that put the placeholders of a value into the given metadata.

    Returns None if the two differ in anything else.
    """
    literals = re.split("|".join(PLACEHOLDERS), value)
    match = re.fullmatch("(.+?)".join(map(re.escape, literals)), given, re.DOTALL)
    if match is None:
        return None
    flat: list[int] = []
    for number, placeholder in enumerate(re.findall("|".join(PLACEHOLDERS), value), 1):
        flat += (len(literals[number - 1]), len(match[number]), len(placeholder))
    return tuple(flat)


def _line_end(raw: str, start: int) -> int:
    """Return the end of the line that contains `start`."""
    end = raw.find("\n", start)
    return len(raw) if end < 0 else end


def _edits(value: str, raw: str, start: int, end: int) -> tuple[int, ...]:
    """Return packed edits that reduce a page to one stretch and turn that stretch into the value."""
    matcher = SequenceMatcher(None, raw[start:end], value, autojunk=False)
    edits: list[tuple[int, int, int]] = []
    for kind, low, high, first, last in matcher.get_opcodes():
        if kind == "equal":
            continue
        if high - low == last - first:
            edits += [(start + index, 1, 1) for index in range(low, high)]
        else:
            edits.append((start + low, high - low, last - first))
    edits = [*([(0, start, 0)] if start else []), *edits, *([(end, len(raw) - end, 0)] if end < len(raw) else [])]
    flat: list[int] = []
    done = 0
    for at, removed, added in edits:
        flat += (at - done, removed, added)
        done = at + removed
    return tuple(flat)


def delta_from_row(row: Mapping[str, object]) -> Delta:
    """Parse a recipe from a row of the column `restore`; raises KeyError or TypeError if it is malformed."""
    edits, replaced, placed = row["edits"], row["replaced"], row["placed"]
    if not (isinstance(edits, list) and isinstance(replaced, list) and isinstance(placed, list)):
        raise TypeError("not a recipe")
    return Delta(
        str(row["column"]), str(row["sha"]), bool(row["given"]), tuple(map(int, edits)),
        tuple((pair["raw"], pair["put"]) for pair in replaced), tuple((pair["edit"], pair["put"]) for pair in placed),
    )  # fmt: skip


def delta_to_row(delta: Delta) -> dict[str, object]:
    """Return a recipe as a row of the column `restore`."""
    return {
        "column": delta.column, "sha": delta.sha, "given": delta.given, "edits": delta.edits,
        "replaced": [{"raw": raw, "put": put} for raw, put in delta.replaced],
        "placed": [{"edit": edit, "put": put} for edit, put in delta.placed],
    }  # fmt: skip

"""The lines of exported CoNLL files that differ from the published ones, each with its reason."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from builder.formats.files import text_of
from builder.formats.oddities import blank_tokens
from builder.formats.published import InputFile
from builder.formats.tagged.lines import split_cells
from builder.formats.tagged.tags import parse_tag
from builder.formats.writing.exported import published_labels
from builder.records import ChangedLine
from builder.schema.importing import ImportMap

SENTENCES, LEFT_OUT, MERGED = (
    "sentence ends",
    "label left out by the map",
    "several published labels are one label here",
)

EDGES = "edges: khabar's mentions neither begin nor end in punctuation"

MISSING, CHANGED = "not in the release", "changed since the import"


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that holds a token: its number, whether it begins a sentence, the token and its tags."""

    number: int
    begins: bool
    token: str
    tags: tuple[str, ...]


def differences(
    published: Sequence[InputFile], exported: Mapping[str, bytes], rules: ImportMap, known: Sequence[ChangedLine]
) -> list[ChangedLine]:  # fmt: skip
    """Return each published line that the export has not, what stands there instead, and why."""
    reasons = {(one.file, one.line): one.reason for one in known}
    found: list[ChangedLine] = []
    for file in published:
        own = InputFile(file.name, exported.get(file.name, b""))
        before, after = [*_lines(file, rules)], [*_lines(own, rules)]
        found += _beside_edges([*_compare(file.name, before, after, rules, reasons)])
    return found


def _lines(file: InputFile, rules: ImportMap) -> Iterator[_Line]:
    """Yield the lines of a CoNLL file that hold a token."""
    form = rules.conll
    lines = text_of(file).split("\n")
    cells = split_cells(pa.array(lines, pa.string()), form.separator).to_pylist()
    begins = True
    for number, (line, row) in enumerate(zip(lines, cells, strict=True), 1):
        if not line.strip() or line.startswith("-DOCSTART-"):
            begins = True
        elif not (form.header and number == 1) and not (form.comment and line.startswith(form.comment)):
            tags = row[form.token + 1 :] if form.tags == "rest" else [row[column] for column in form.tags]
            yield _Line(number, begins, row[form.token], tuple(tags))
            begins = False


def _compare(
    name: str, before: Sequence[_Line], after: Sequence[_Line], rules: ImportMap, reasons: Mapping[tuple[str, int], str]
) -> Iterator[ChangedLine]:  # fmt: skip
    """Yield the differences of one file. Both have the same tokens in order, but blank ones."""
    blank = blank_tokens(pa.array([one.token for one in before], pa.string())).tolist()
    waiting = iter(after)
    is_beside = False
    for one, is_blank in zip(before, blank, strict=True):
        was = " ".join([one.token, *one.tags])
        if is_blank:
            yield ChangedLine(name, one.number, was, "", "blank token")
            continue
        new = next(waiting, None)
        if new is None or new.token != one.token:
            yield ChangedLine(name, one.number, was, "", MISSING)
            return
        if new.tags != one.tags:
            reason = reasons.get((name, one.number)) or _reason(one, new, rules, is_beside=is_beside)
            yield ChangedLine(name, one.number, was, " ".join([new.token, *new.tags]), reason)
        is_beside = new.tags != one.tags
        if new.begins != one.begins and rules.conll.sentence_ends != "stop":
            yield ChangedLine(name, one.number, was, was, SENTENCES)


def _beside_edges(found: Sequence[ChangedLine]) -> list[ChangedLine]:
    """Return the differences; the line before one where an edge moved differs for the same reason."""
    moved = {one.line for one in found if one.reason == EDGES}
    return [replace(one, reason=EDGES) if one.reason == CHANGED and one.line + 1 in moved else one for one in found]


def _reason(one: _Line, new: _Line, rules: ImportMap, *, is_beside: bool) -> str:
    """Return why the tags of a line differ; `is_beside` is whether those of the line before do."""
    labels = {parse_tag(tag, rules).label for tag in one.tags} - {""}
    ours = {parse_tag(tag, rules).label for tag in new.tags} - {""}
    gone = labels - ours
    if gone and all(rules.labels.get(label) is None for label in gone):
        return LEFT_OUT
    inverse = published_labels(rules)
    if gone and any(rules.labels.get(label) not in inverse for label in gone):
        return MERGED
    if is_beside or not any(character.isalnum() for character in one.token):
        return EDGES
    return CHANGED

"""brat folders as a published set: a .txt file for each text, with a .ann file of its spans."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from builder.formats.marks import MarkedSpan, MarkedText, to_published
from builder.formats.published import InputFile, PublishedSet, account, split_of
from builder.records import Dropped, KhabarError, user_error
from builder.schema.importing import ImportMap

TEXT_BOUND = re.compile(r"(T\S*)\t(\S+) ([0-9]{1,15}) ([0-9]{1,15})((?:;[0-9]+ [0-9]+)*)(?:\t(.*))?")

KINDS = {
    "R": "relation", "E": "event", "A": "attribute", "M": "attribute", "N": "normalisation", "#": "note",
    "*": "equivalence",
}  # fmt: skip

IN_PARTS = "in several parts"


def read_brat(files: Sequence[InputFile], rules: ImportMap, known: Sequence[str]) -> PublishedSet:
    """Read brat's files into a published set. Each .ann needs the .txt of its name.

    Raises KhabarError (exit code 2) with every text or annotation file without its other, and every malformed line.
    """
    texts = {_stem(file): file for file in files if file.name.endswith(".txt")}
    marked = {_stem(file): file for file in files if file.name.endswith(".ann")}
    issues = [_alone(marked[name], "txt") for name in sorted(marked.keys() - texts)]
    if not marked:
        issues.append(user_error("format", "there is no .ann file", where=files[0].name, fix="name brat's folder"))
    found: list[MarkedText] = []
    aside: list[Dropped] = []
    lines = 0
    for name in sorted(texts):
        try:
            one = _read(name, texts[name], marked.get(name), rules)
        except KhabarError as refused:
            issues.append(refused)
            continue
        found.append(one.text)
        aside += one.set_aside
        lines += one.lines
    if issues:
        raise KhabarError(*(issue for error in issues for issue in error.issues))
    made = to_published("texts", found, [], rules, known)
    accounts = (*made.accounts, account("lines of .ann files", lines, aside))
    return replace(made, accounts=accounts, set_aside=(*made.set_aside, *aside))


def _stem(file: InputFile) -> str:
    return str(PurePosixPath(file.name).with_suffix(""))


def _alone(file: InputFile, missing: str) -> KhabarError:
    return user_error(
        "no-text", f"it has no .{missing} file beside it", where=file.name, fix="add the file of the same name"
    )


@dataclass(frozen=True, slots=True)
class _Read:
    """A text with its spans, the lines of its .ann file that are set aside, and the number of its lines."""

    text: MarkedText
    set_aside: Sequence[Dropped]
    lines: int


def _read(name: str, text: InputFile, marks: InputFile | None, rules: ImportMap) -> _Read:
    """Read one text and its marks."""
    raw = _decoded(text)
    spans: list[MarkedSpan] = []
    aside: list[Dropped] = []
    lines = _decoded(marks).removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}").split("\n") if marks else []
    for number, line in enumerate(lines, 1):
        if not marks or not line.strip():
            continue
        place = f"{marks.name}:{number}"
        match = TEXT_BOUND.fullmatch(line.rstrip("\r"))
        if match and match[5]:
            aside.append(Dropped("import", f"{place} {match[2]}", IN_PARTS))
        elif match:
            spans.append(MarkedSpan(int(match[3]), int(match[4]), match[2], match[6] or "", place))
        elif line[:1] in KINDS:
            aside.append(Dropped("import", place, KINDS[line[:1]]))
        else:
            message = f"{line[:60]!r} is no line of brat, such as `T1<TAB>PER 0 5<TAB>words`"
            raise user_error("brat", message, where=place, fix="correct the line, or name another --as")
    total = sum(bool(line.strip()) for line in lines)
    split = split_of(text.name, rules.split_names)
    made = MarkedText(name, raw, text.name, 1, tuple(spans), split=split, annotated=marks is not None)
    return _Read(made, aside, total)


def _decoded(file: InputFile) -> str:
    """Return the text of a file with its line ends, which offsets count."""
    try:
        return file.content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise user_error(
            "encoding", f"not UTF-8 at byte {error.start}", where=file.name, fix="convert the file to UTF-8"
        ) from None

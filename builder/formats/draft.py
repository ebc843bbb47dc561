"""The first draft of a map, from what is seen in the files. What a person has to decide is `?`."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from builder.formats.brat import TEXT_BOUND
from builder.formats.files import text_of
from builder.formats.jsonl import SPANS, records, span_of
from builder.formats.labels import listed_labels
from builder.formats.published import InputFile, split_of
from builder.formats.table import table_rows
from builder.formats.tagged.draft import conll_body
from builder.records import user_error
from builder.schema.importing import UNDECIDED, ImportMap, Records
from builder.schema.labels import Labels

LINES = 500_000
"""Lines of each file that are looked at."""

FEW = 12
"""Most values of a column that is taken for one of answers."""

SEPARATORS = ",;|_+/ "
"""Characters that may stand between several answers in one cell."""

HEAD = """\
# How these {what} become documents and annotations. Drafted by `khabar import --dry-run`: decide each "?".
format: 1
name: {name}
source: "?"                # what the set is called, for the card
licence: {{text: "?", annotations: "?"}}
citation: "?"
role: gold                 # or judgement (of annotators), prediction (of a model)
splits: {splits}
"""


def draft_map(kind: str, name: str, files: Sequence[InputFile], labels: Labels) -> str:
    """Return the draft of a map for files of a format."""
    known = labels.entity_names
    if kind == "conll":
        return draft(name, files, conll_body(files, known))
    if kind == "table":
        return draft(name, files, _table_body(files, labels))
    if kind == "brat":
        found = {m[2] for file in files for line in text_of(file).split("\n") if (m := TEXT_BOUND.match(line))}
        return draft(name, files, "\n".join(listed_labels("labels", sorted(found), known)))
    if kind == "jsonl":
        return draft(name, files, _records_body(files, labels))
    found = {label for file in files for label in _task_labels(_parsed(file))}
    head = "jsonl: {text: text}        # the field of tasks that holds the text"
    return draft(name, files, "\n".join([head, *listed_labels("labels", sorted(found), known)]))


def _parsed(file: InputFile) -> object:
    """Return the content of a JSON file. Raises KhabarError (exit code 2) if the file is not JSON."""
    try:
        return json.loads(text_of(file))
    except (ValueError, RecursionError) as error:
        raise user_error("format", f"not JSON: {error}", where=file.name, fix="name another --as") from None


def _task_labels(plain: object) -> Iterator[str]:
    """Yield the labels of the regions in an export of Label Studio."""
    if isinstance(plain, list):
        for one in plain:
            yield from _task_labels(one)
    elif isinstance(plain, dict):
        for name, value in plain.items():
            if name in {"labels", "hypertextlabels"} and isinstance(value, list) and "start" in plain:
                yield from (one for one in value if isinstance(one, str))
            else:
                yield from _task_labels(value)


def _table_body(files: Sequence[InputFile], labels: Labels) -> str:
    """Return the draft for a table: its columns, and the values of those that look like answers."""
    head, *rows = table_rows(files[0])
    columns = [*zip(*(row for row in rows if len(row) == len(head)), strict=True)] or [()] * len(head)
    text = max(range(len(head)), key=lambda place: sum(map(len, columns[place])))
    values = {name: {cell.strip() for cell in column} - {""} for name, column in zip(head, columns, strict=True)}
    own_id = next((name for name in head if name.casefold() == "id"), None)
    few = min(FEW, len(rows) - 1)
    answers = [name for name, own in values.items() if name not in (head[text], own_id) and 1 < len(own) <= few]
    flags = [name for name in answers if values[name] == {"0", "1"}]
    flags = flags if len(flags) > 1 else []
    asked = _asked({name: own for name, own in values.items() if name not in flags}, labels)
    taken = {name for names in asked.values() for name in names}.union(flags)
    allowed = [value.name for value in labels.stances.values] if labels.stances else []
    stances = [name for name, own in values.items() if name not in taken and _share(own, allowed)]
    stances = stances or [name for name in answers if not taken]
    return "\n".join([
        f"# columns: {', '.join(head)}",
        "table:",
        f"  text: {_quoted(head[text])}",
        *([f"  id: {_quoted(own_id)}"] if own_id else []),
        *_stance_lines(stances, values, labels, allowed),
        *_question_lines(asked, flags, values, labels),
    ])  # fmt: skip


def _asked(values: Mapping[str, Iterable[str]], labels: Labels) -> dict[str, list[str]]:
    """Return the columns that answer each question: that of its name, or those with some of its values."""
    named = {question.id: question.id for question in labels.questions if question.id in values}
    found = {
        question.id: [
            name for name, own in values.items()
            if name == named.get(question.id, name) and (name == question.id or name not in named)
            and _share(own, question.value_names)
        ]
        for question in labels.questions
    }  # fmt: skip
    return {question: names for question, names in found.items() if names}


def _separator(values: Iterable[str], known: Iterable[str]) -> str | None:
    """Return the character between the known values of which all values consist; None if each is one.

    >>> _separator(["joy", "joy,fear"], ["fear", "joy"])
    ','
    """
    whole, names = {*values}, {*known}
    if whole <= names:
        return None
    marks = (mark for mark in SEPARATORS if any(mark in one for one in whole))
    return next((m for m in marks if {part.strip() for one in whole for part in one.split(m)} - {""} <= names), None)


def _share(values: Iterable[str], known: Iterable[str]) -> bool:
    """Return whether some of the values of a column are known ones."""
    return bool({one.casefold() for one in values} & {name.casefold() for name in known})


def _stance_lines(
    columns: Sequence[str], values: Mapping[str, Iterable[str]], labels: Labels, allowed: Sequence[str]
) -> list[str]:
    """Return the lines of columns of stances, and of their values."""
    if not columns:
        return []
    targets = " or ".join(labels.target_ids)
    return [
        f'  stances: {{"?": {_quoted([*columns])}}}   # {targets}; several columns are annotators: role: judgement',
        *listed_labels("values", sorted({one for name in columns for one in values[name]}), allowed),
    ]


def _question_lines(
    asked: Mapping[str, Sequence[str]], flags: Sequence[str], values: Mapping[str, Iterable[str]], labels: Labels
) -> list[str]:
    """Return the lines of the columns that answer questions on the whole text."""
    if not asked and not flags:
        return []
    lines = [
        "questions:                 # `values: {PUBLISHED: NAME}` where labels.yaml has other names; several columns are annotators"
    ]
    for question in labels.questions:
        columns = asked.get(question.id, [])
        mark = _separator((one for name in columns for one in values[name]), question.value_names)
        told = f", separator: {_quoted(mark)}" if mark else ""
        lines += [f"  {question.id}: {{columns: {_quoted([*columns])}{told}}}"] if columns else []
    named = {value: question.id for question in labels.questions for value in question.value_names}
    if flags:
        owner = next((named[flag] for flag in flags if flag in named), UNDECIDED)
        meant = {flag: flag if flag in named else UNDECIDED for flag in flags}
        lines.append(
            f"  {_quoted(owner)}: {{flags: {_quoted(meant)}, nothing: null}}   # nothing: the value where all are 0"
        )
    return lines


def _quoted(plain: object) -> str:
    return json.dumps(plain, ensure_ascii=False)


def _records_body(files: Sequence[InputFile], labels: Labels) -> str:
    """Return the draft for JSON Lines: the fields of the text and of answers, and the labels of the spans found."""
    plain = [one for file in files for _, one in islice(records(file, []), LINES)]
    texts = Counter(name for one in plain for name, value in one.items() if isinstance(value, str))
    longest = max(texts, key=lambda name: sum(len(str(one.get(name, ""))) for one in plain), default="text")
    values = _values(plain)
    asked = _asked(values, labels)
    taken = {name for names in asked.values() for name in names}
    names = [name for one in plain for name, value in one.items() if isinstance(value, list) and value]
    names = [name for name in names if name not in taken]
    spans = next((name for name in SPANS if name in names), max(names, key=names.count, default="auto"))
    marks = [span_of(mark, Records(), "") for one in plain for mark in one.get(spans, ())]
    found = sorted({mark.label for mark in marks if mark})
    field = "auto" if spans in SPANS else _quoted(spans)
    return "\n".join(
        [
            f"jsonl: {{text: {_quoted(longest)}, spans: {field}}}",
            *listed_labels("labels", found, labels.entity_names),
            *_question_lines(asked, [], values, labels),
        ]
    )


def _values(plain: Iterable[Mapping[str, object]]) -> dict[str, set[str]]:
    """Return the words that each field of records holds, alone or in a list."""
    found: dict[str, set[str]] = {}
    for one in plain:
        for name, value in one.items():
            words = value if isinstance(value, list) else [value]
            found.setdefault(name, set()).update(word for word in words if isinstance(word, str))
    return found


def draft(name: str, files: Sequence[InputFile], body: str) -> str:
    """Return a draft: the head that every map has, and what its format needs."""
    named = {split_of(file.name, ImportMap.model_fields["split_names"].default) for file in files} - {""}
    splits = "as-published     # the names of the files say which" if len(named) > 1 else "ours"
    return HEAD.format(what=f"{len(files)} files", name=name, splits=splits) + body + "\n"

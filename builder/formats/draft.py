"""The first draft of a map, from what is seen in the files. What a person has to decide is `?`."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from builder.formats.brat import TEXT_BOUND
from builder.formats.files import text_of
from builder.formats.jsonl import SPANS, records, span_of
from builder.formats.labels import listed_labels
from builder.formats.published import InputFile, split_of
from builder.formats.table import table_rows
from builder.formats.tagged.draft import conll_body
from builder.records import user_error
from builder.schema.importing import ImportMap, Records
from builder.schema.labels import Labels

LINES = 500_000
"""Lines of each file that are looked at."""

FEW = 12
"""Most values of a column that is taken for one of answers."""

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
        return draft(name, files, _records_body(files, known))
    found = {label for file in files for label in _task_labels(_parsed(file))}
    head = "jsonl: {text: text}        # the field of tasks that holds the text"
    return draft(name, files, "\n".join([head, *listed_labels("labels", sorted(found), known)]))


def _parsed(file: InputFile) -> object:
    """Return the content of a JSON file. Raises KhabarError (exit code 2) if it is none."""
    try:
        return json.loads(text_of(file))
    except ValueError as error:
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
    values = [sorted({cell.strip() for cell in column} - {""}) for column in columns]
    allowed = [value.name for value in labels.stances.values] if labels.stances else []
    known = {name.casefold() for name in allowed}
    answers = [place for place, own in enumerate(values) if {one.casefold() for one in own} & known]
    answers = answers or [
        place for place, own in enumerate(values) if place != text and 1 < len(own) <= min(FEW, len(rows) - 1)
    ]
    named = json.dumps([head[place] for place in answers], ensure_ascii=False)
    listed = sorted({value for place in answers for value in values[place]})
    own_id = next((name for name in head if name.casefold() == "id"), None)
    return "\n".join([
        f"# columns: {', '.join(head)}",
        "table:",
        f"  text: {json.dumps(head[text], ensure_ascii=False)}",
        *([f"  id: {json.dumps(own_id)}"] if own_id else []),
        f'  stances: {{"?": {named}}}   # {" or ".join(labels.target_ids)}; several columns are annotators: role: judgement',
        *listed_labels("values", listed, allowed),
    ])  # fmt: skip


def _records_body(files: Sequence[InputFile], known: Sequence[str]) -> str:
    """Return the draft for JSON Lines: the field of the text, and the labels of the spans that were found."""
    plain = [one for file in files for _, one in islice(records(file, []), LINES)]
    texts = Counter(name for one in plain for name, value in one.items() if isinstance(value, str))
    longest = max(texts, key=lambda name: sum(len(str(one.get(name, ""))) for one in plain), default="text")
    names = [name for one in plain for name, value in one.items() if isinstance(value, list) and value]
    spans = next((name for name in SPANS if name in names), max(names, key=names.count, default="auto"))
    marks = [span_of(mark, Records(), "") for one in plain for mark in one.get(spans, ())]
    labels = sorted({mark.label for mark in marks if mark})
    field = "auto" if spans in SPANS else json.dumps(spans, ensure_ascii=False)
    return "\n".join(
        [
            f"jsonl: {{text: {json.dumps(longest, ensure_ascii=False)}, spans: {field}}}",
            *listed_labels("labels", labels, known),
        ]
    )


def draft(name: str, files: Sequence[InputFile], body: str) -> str:
    """Return a draft: the head that every map has, and what its format needs."""
    named = {split_of(file.name, ImportMap.model_fields["split_names"].default) for file in files} - {""}
    splits = "as-published     # the names of the files say which" if len(named) > 1 else "ours"
    return HEAD.format(what=f"{len(files)} files", name=name, splits=splits) + body + "\n"

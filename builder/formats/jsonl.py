"""JSON Lines as a published set: the shapes of doccano and Prodigy, and others that the map names."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from builder.formats.answers import Reply, answers_of, replies, replies_account, unmapped_answers
from builder.formats.files import text_of
from builder.formats.marks import MarkedSpan, MarkedText, to_published
from builder.formats.published import InputFile, PublishedSet, refuse, split_of
from builder.records import Dropped, Issue, user_error
from builder.schema.importing import ImportMap, Records
from builder.schema.labels import Labels

Record = Mapping[str, Any]

SPANS = ("spans", "label", "labels", "entities", "annotations")
"""Fields of spans, as Prodigy and versions of doccano name them."""

STARTS, ENDS, LABELS = ("start", "start_offset", "startIdx"), ("end", "end_offset", "endIdx"), ("label", "type")

IDS, PEOPLE = ("id", "_input_hash", "tweet_id"), ("_annotator_id", "_session_id", "annotator")

NO_TEXT, REJECTED = "no text", "answer is not accept"


def read_jsonl(files: Sequence[InputFile], rules: ImportMap, labels: Labels) -> PublishedSet:
    """Read JSON Lines, or a JSON array, into a published set.

    Raises KhabarError: exit code 2 with every malformed line, or if no record has the fields that the map names; 1 with
    every label and answer that the map or labels.yaml does not know.
    """
    texts: list[MarkedText] = []
    answered: list[Reply] = []
    aside: list[Dropped] = []
    issues: list[Issue] = []
    for file in files:
        for number, plain in records(file, issues):
            place = f"{file.name}:{number}"
            if plain.get("answer", "accept") != "accept":
                aside.append(Dropped("import", place, REJECTED))
            elif not isinstance(plain.get(rules.jsonl.text), str) or not plain[rules.jsonl.text].strip():
                aside.append(Dropped("import", place, NO_TEXT))
            else:
                given = [*replies(plain, rules, place)]
                answered += given
                texts.append(_marked(plain, file, number, given, rules, issues))
    refuse(issues, 2)
    if not texts:
        message = f"no record has a text in the field {rules.jsonl.text!r}"
        raise user_error("format", message, where=files[0].name, fix="name it with `jsonl: {text: NAME}` in the map")
    refuse(unmapped_answers(answered, rules, labels), 1)
    made = to_published("records", texts, aside, rules, labels.entity_names)
    if not rules.questions:
        return made
    counted, lost = replies_account(answered, rules, {one.what for one in made.set_aside})
    return replace(made, accounts=(*made.accounts, counted), set_aside=(*made.set_aside, *lost))


def records(file: InputFile, issues: list[Issue]) -> Iterator[tuple[int, Record]]:
    """Yield the records of a file with their line numbers. Add an error for each line that is not a record."""
    text = text_of(file)
    if text.lstrip()[:1] == "[":
        yield from ((number, one) for number, one in enumerate(_array(file, text), 1) if isinstance(one, Mapping))
        return
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        said = "not a JSON object"
        try:
            plain = json.loads(line)
        except ValueError as error:
            plain, said = None, f"not JSON: {str(error).split(';')[0]}"
        except RecursionError:
            plain, said = None, "JSON that is nested too deeply"
        if isinstance(plain, Mapping):
            yield number, plain
        else:
            issues.append(Issue("error", "record", said, f"{file.name}:{number}", "correct the line"))


def _array(file: InputFile, text: str) -> Sequence[object]:
    try:
        found: Sequence[object] = json.loads(text)
    except ValueError as error:
        raise user_error("format", f"not JSON: {error}", where=file.name, fix="name another --as") from None
    except RecursionError:
        raise user_error("format", "JSON that is nested too deeply", where=file.name, fix="correct the file") from None
    return found


def _marked(
    plain: Record, file: InputFile, number: int, answered: Sequence[Reply], rules: ImportMap, issues: list[Issue]
) -> MarkedText:
    """Return the marked text of a record. Fields of answers to questions hold no spans."""
    form, place = rules.jsonl, f"{file.name}:{number}"
    taken = {column for question in rules.questions.values() for column in question.columns}
    names = [one for one in SPANS if one not in taken and isinstance(plain.get(one), list)]
    name = form.spans if form.spans != "auto" else next(iter(names), "")
    given = plain.get(name)
    spans: list[MarkedSpan] = []
    for one in given if isinstance(given, list) else ():
        span = span_of(one, form, place)
        if span:
            spans.append(span)
        else:
            issues.append(Issue("error", "span", f"{json.dumps(one, ensure_ascii=False)[:80]} has no start, end and label", place,
                                "name their fields with `jsonl: {start: ..., end: ..., label: ...}` in the map"))  # fmt: skip
    own = plain.get(form.id) if form.id else _first(plain, IDS)
    who = plain.get(form.annotator) if form.annotator else _first(plain, PEOPLE)
    split = split_of(file.name, rules.split_names)
    return MarkedText(
        str(own) if own is not None else f"{file.name.rsplit('.', 1)[0]}:{number}", str(plain[form.text]), file.name, number,
        tuple(spans), split=split, annotator=str(who or "") if rules.role == "judgement" else "",
        annotated=isinstance(given, list), answers=answers_of(answered, rules),
    )  # fmt: skip


def span_of(plain: object, form: Records, place: str) -> MarkedSpan | None:
    """Return the span of a list [start, end, label] or an object, or None for anything else.

    >>> span_of([0, 4, "LOC"], Records(), "x:1")
    MarkedSpan(start=0, end=4, label='LOC', words='', place='x:1')
    """
    if isinstance(plain, list):
        start, end, label, words = (*plain[:3], *[None] * (3 - len(plain)), "")[:4]
    elif isinstance(plain, Mapping):
        start, end = _first(plain, (form.start, *STARTS)), _first(plain, (form.end, *ENDS))
        label, words = _first(plain, (form.label, *LABELS)), _first(plain, (form.words or "text", "text")) or ""
        label = label[0] if isinstance(label, list) and label else label
    else:
        return None
    if not isinstance(start, int) or not isinstance(end, int) or not isinstance(label, str):
        return None
    return MarkedSpan(start, end, label, str(words), place)


def _first(plain: Record, names: Sequence[str]) -> Any:
    return next((plain[name] for name in names if plain.get(name) is not None), None)

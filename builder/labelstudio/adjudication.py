"""Tasks of the adjudication project: a page's questions with their choices, and its settled mentions in place.

The module is pure.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from builder.annotation.adjudication.asked import OTHER, QUESTIONS, Choice, choices_of, keys_of
from builder.annotation.adjudication.decisions import NONE
from builder.labelstudio.config import ASKED, several_of
from builder.labelstudio.tasks import result_of, unused_target
from builder.records import AskedPage, Dispute, Passage, Span, passage_of, question_of
from builder.schema.labels import Labels

SHOWN = "settled"
"""Name of the prediction that a page opens with."""

LONGEST = 60
"""Most letters of a passage that a question quotes."""

_ANSWERS = {NONE: "ليس كيانًا", OTHER: "غير ذلك (أعلّمه في النص)"}

_NO_ANSWER = "بلا إجابة"

_SEVERAL = "(يجوز أكثر من جواب)"


def page_task(task: Mapping[str, Any], page: AskedPage, labels: Labels) -> dict[str, Any]:
    """Return the task of a page: the annotators' task with the page's questions and a prediction to start from."""
    keys = iter(keys_of(labels))
    text = task["data"]["text"]
    asked = {q.what: _question(n, q, text, labels, keys) for n, q in enumerate(page.questions, 1)}
    several = [asked.pop(what, _unused()) for what in several_of(labels)]
    singles = [*asked.values()]
    summary = " · ".join(_subject(question, text, labels) for question in page.questions)
    fields = {
        "targets": singles + [_unused()] * (QUESTIONS - len(singles)) + several,
        "page": page.page,
        "questions": f"{len(page.questions)}: {summary}",
    }
    data = task["data"] | fields
    return {"data": data, "predictions": [{"model_version": SHOWN, "result": _opening(page, data)}]}


def _unused() -> dict[str, Any]:
    """Return what fills the place of a question that the page does not have."""
    return unused_target() | {"said": ""}


def _opening(page: AskedPage, data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what a page opens with: locked marks of the passages asked about, then the settled mentions.

    The marks come first, so that Label Studio gives each the number of its question.
    """
    passages = [passage for question in page.questions if (passage := passage_of(question.what))]
    marks = [_mark(number, passage, data["text"]) for number, passage in enumerate(passages, 1)]
    counted = Counter[Span](page.settled)
    settled = [Span(s.start, s.end, s.label, f"settled-{number}") for number, s in enumerate(sorted(counted), 1)]
    return [*marks, *(part | {"origin": "prediction"} for part in result_of(settled, (), data))]


def _mark(number: int, passage: Passage, text: str) -> dict[str, Any]:
    value = {
        "start": passage.start, "end": passage.end, "text": text[passage.start : passage.end], "labels": [ASKED],
    }  # fmt: skip
    return {
        "id": f"asked-{number}", "from_name": ASKED, "to_name": "text", "type": "labels", "value": value,
        "readonly": True, "origin": "prediction",
    }  # fmt: skip


def _question(number: int, question: Dispute, text: str, labels: Labels, keys: Any) -> dict[str, Any]:
    """Return a question as the page shows it: its subject, its choices with a key each, and who said what."""
    choices = choices_of(question, labels)
    options = [{"value": _shown(choice, question, labels), "alias": choice.answer} for choice in choices]
    for option, key in zip(options, islice(keys, len(options)), strict=False):
        option["hotkey"] = key
    return {
        "id": question.what,
        "name": f"{number}. {_subject(question, text, labels)}",
        "said": _said(question, choices, labels),
        "options": options,
    }


def _subject(question: Dispute, text: str, labels: Labels) -> str:
    """Return what a question is about: the words of a passage, or the name of a target."""
    passage, asked = passage_of(question.what), question_of(question.what)
    if asked:
        known = next((one for one in labels.questions if one.id == asked), None)
        return (f"{known.ar} {_SEVERAL}" if known.answers == "several" else known.ar) if known else asked
    if passage is None:
        target = question.what.removeprefix("stance:")
        targets = labels.stances.targets if labels.stances else ()
        return f"الموقف من {next((one.ar for one in targets if one.id == target), target)}"
    words = " ".join(text[passage.start : passage.end].split())
    return f"«{words if len(words) <= LONGEST else f'{words[: LONGEST - 1]}…'}»"


def _shown(choice: Choice, question: Dispute, labels: Labels) -> str:
    """Return a choice in Arabic, with the number of annotators who gave it."""
    name = _in_arabic(choice.answer, question, labels)
    return f"{name} ({len(choice.names)})" if choice.names else name


def _in_arabic(answer: str, question: Dispute, labels: Labels) -> str:
    if passage_of(question.what):
        names = {entity.name: entity.ar for entity in labels.entities}
        return _ANSWERS.get(answer) or " + ".join(names.get(label, label) for label in answer.split("+"))
    if answer == NONE:
        return _NO_ANSWER
    if asked := question_of(question.what):
        values = {value.name: value.ar for one in labels.questions if one.id == asked for value in one.values}
    else:
        values = {value.name: value.ar for value in labels.stances.values} if labels.stances else {}
    return " + ".join(values.get(name, name) for name in answer.split("+"))


def _said(question: Dispute, choices: Sequence[Choice], labels: Labels) -> str:
    """Return who gave which answer, one answer on each line."""
    given: dict[str, list[str]] = {choice.answer: [] for choice in choices}
    for name, answer in sorted(question.answers.items()):
        given.setdefault(answer, []).append(name)
    return "\n".join(
        f"{_in_arabic(answer, question, labels)}: {'، '.join(names)}" for answer, names in given.items() if names
    )

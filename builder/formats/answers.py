"""Published answers to questions on whole texts, in cells of tables or fields of records."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from builder.formats.published import account, sighting
from builder.records import Answer, Dropped, Issue, StageCounts
from builder.schema.importing import UNDECIDED, AskedColumns, ImportMap
from builder.schema.labels import Labels, Question

NO_ANSWER, LEFT_OUT, AGAIN = "no answer", "left out by the map", "answer that another one of its text gave"

GONE = "its text was set aside"

YES, NO = frozenset({"1", "1.0", "true", "yes"}), frozenset({"0", "0.0", "false", "no", ""})
"""What a flag may say, in lower case."""

NOTHING = ""
"""Stands for a row of flags of which none is set."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What one annotator answers to a question about one text: published values, of which there may be none."""

    question: str
    column: str
    values: tuple[str, ...]
    place: str
    odd: tuple[str, ...] = ()
    """What flags say that is neither yes nor no."""


def replies(cells: Mapping[str, object], rules: ImportMap, place: str) -> Iterator[Reply]:
    """Yield the reply of each annotator to each question, given the cells of a row or the fields of a record."""
    for question, form in rules.questions.items():
        if form.flags:
            yield _flagged(cells, question, form, place)
        for column in form.columns:
            yield Reply(question, column, _values(_cell(cells, column), form.separator), place)


def _flagged(cells: Mapping[str, object], question: str, form: AskedColumns, place: str) -> Reply:
    said = {column: _plain(_cell(cells, column)) for column in form.flags}
    marked = tuple(column for column, word in said.items() if word.casefold() in YES)
    odd = tuple(f"{column}: {word}" for column, word in said.items() if word.casefold() not in YES | NO)
    nothing = (NOTHING,) if any(said.values()) and not odd else ()
    return Reply(question, next(iter(form.flags)), marked or nothing, place, odd)


def _values(cell: object, separator: str | None) -> tuple[str, ...]:
    """Return the published values of a cell: those of a list, or the parts between separators."""
    found = cell if isinstance(cell, list) else [] if cell is None else [cell]
    words = [str(one) for one in found]
    parts = [part for word in words for part in (word.split(separator) if separator else [word])]
    return tuple(part.strip() for part in parts if part.strip())


def _plain(cell: object) -> str:
    return "" if cell is None else str(cell).strip()


def _cell(cells: Mapping[str, object], name: str) -> object:
    """Return the cell of a column, or the field of a record; dots separate the names of nested fields."""
    if name in cells:
        return cells[name]
    outer, _, rest = name.partition(".")
    inner = cells.get(outer)
    return _cell(inner, rest) if rest and isinstance(inner, Mapping) else None


def answers_of(given: Sequence[Reply], rules: ImportMap) -> tuple[Answer, ...]:
    """Return the answers that replies mean, each once."""
    meant = ((one.question, _meant(rules.questions[one.question], value)) for one in given for value in one.values)
    return tuple(sorted({Answer(question, value) for question, value in meant if value}))


def _meant(form: AskedColumns, value: str) -> str | None:
    """Return the value of labels.yaml for a published one, or None if the map leaves it out."""
    if value == NOTHING:
        return form.nothing
    return form.flags[value] if form.flags else form.values.get(value, value)


def replies_account(
    given: Sequence[Reply], rules: ImportMap, gone: Collection[str] = ()
) -> tuple[StageCounts, list[Dropped]]:
    """Return how many published answers came in, and those that are no answer, each with the reason.

    `gone` has the places of texts that were set aside.
    """
    taken, lost = 0, []
    for one in given:
        meant = [_meant(rules.questions[one.question], value) for value in one.values]
        reasons = [_reason(value, meant, number) for number, value in enumerate(one.values)] or [NO_ANSWER]
        reasons = [GONE] * len(reasons) if one.place in gone else reasons
        taken += len(reasons)
        lost += [Dropped("import", f"{one.place} {one.question}", reason) for reason in reasons if reason]
    return account("answers to questions", taken, lost), lost


def _reason(value: str, meant: Sequence[str | None], number: int) -> str:
    """Return the reason that a published value is no answer, or an empty string."""
    if meant[number] is None:
        return NO_ANSWER if value == NOTHING else LEFT_OUT
    return AGAIN if meant[number] in meant[:number] else ""


def unmapped_answers(given: Sequence[Reply], rules: ImportMap, labels: Labels) -> list[Issue]:
    """Return an error for each question and value that labels.yaml has not, each odd flag, and each answer too many."""
    asked = {question.id: question for question in labels.questions}
    issues = [
        Issue("error", "unmapped", f"the question {name!r} is not in schema/labels.yaml", f"questions: {name}",
              "add it there under `questions:`, with its values")
        for name in rules.questions if name not in asked
    ]  # fmt: skip
    for name, question in asked.items():
        if name not in rules.questions:
            continue
        own = [one for one in given if one.question == name]
        issues += [*_unknown(own, rules, question), *_odd(own), *_too_many(own, rules, question)]
    return issues


def _unknown(given: Sequence[Reply], rules: ImportMap, question: Question) -> Iterator[Issue]:
    places: dict[str, list[str]] = {}
    for one in given:
        form = rules.questions[one.question]
        for value in one.values:
            meant = _meant(form, value)
            if meant is not None and meant not in question.value_names:
                places.setdefault(value, []).append(one.place)
    for value, where in sorted(places.items()):
        yield _unmapped(value, where, rules.questions[question.id], question)


def _unmapped(value: str, where: Sequence[str], form: AskedColumns, question: Question) -> Issue:
    """Return an error for a published value without a value of labels.yaml."""
    known, meant = ", ".join(question.value_names), _meant(form, value)
    line = "nothing: NAME" if value == NOTHING else f"{value}: NAME"
    under = "" if value == NOTHING else "flags: {" if form.flags else "values: {"
    said = "no flag" if value == NOTHING else f"the answer {value!r}"
    message = f"{said} is not mapped"
    if meant not in (value, UNDECIDED):
        message = f"{said} is mapped to {meant!r}, which {question.id} of schema/labels.yaml does not have"
    fix = f"write `questions: {{{question.id}: {{{under}{line}{'}' * bool(under)}}}}}` in the map (one of {known}), or null to leave it out"
    return Issue("error", "unmapped", f"{message}: {sighting(where).said()}", where[0], fix)


def _odd(given: Sequence[Reply]) -> Iterator[Issue]:
    places: dict[str, list[str]] = {}
    for one in given:
        for said in one.odd:
            places.setdefault(said, []).append(one.place)
    for said, where in sorted(places.items()):
        message = f"a flag says neither yes nor no, {said!r}: {sighting(where).said()}"
        yield Issue("error", "flag", message, where[0], "correct the cells, or give the question `columns:` in the map")


def _too_many(given: Sequence[Reply], rules: ImportMap, question: Question) -> Iterator[Issue]:
    if question.answers == "several":
        return
    form = rules.questions[question.id]
    counts = Counter(one.place for one in given if len({_meant(form, value) for value in one.values} - {None}) > 1)
    if counts:
        message = f"the question {question.id} takes one answer, and these have several: {sighting([*counts]).said()}"
        yield Issue("error", "too-many-answers", message, next(iter(counts)), "write `answers: several` in labels.yaml")

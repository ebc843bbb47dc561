"""CSV and TSV tables as a published set: a text in each row, and columns of answers."""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from builder.formats.answers import LEFT_OUT, NO_ANSWER, Reply, answers_of, replies, replies_account, unmapped_answers
from builder.formats.files import text_of
from builder.formats.marks import AGAIN, MarkedText, to_published
from builder.formats.oddities import SPREADSHEET
from builder.formats.published import InputFile, PublishedSet, account, refuse, sighting, split_of
from builder.records import Dropped, Issue, Stance, user_error
from builder.schema.importing import UNDECIDED, ImportMap
from builder.schema.labels import Labels

NO_TEXT = "no text"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table, by the names of its columns, and its line."""

    file: str
    line: int
    cells: Mapping[str, str]

    @property
    def place(self) -> str:
        """Return the file and the line."""
        return f"{self.file}:{self.line}"


def read_table(files: Sequence[InputFile], rules: ImportMap, labels: Labels) -> PublishedSet:
    """Read tables into a published set; a column of answers is gold, or an annotator's judgements.

    Raises KhabarError: exit code 2 with every row that has too few or too many cells, and every column of the map that
    a table lacks; 1 with every target and value that the map or labels.yaml does not know.
    """
    _refuse_columns(rules)
    issues: list[Issue] = []
    rows = [row for file in files for row in _rows(file, rules, issues)]
    refuse(issues, 2)
    answered = [reply for row in rows for reply in replies(row.cells, rules, row.place)]
    refuse([*_unmapped(rows, rules, labels), *unmapped_answers(answered, rules, labels)], 1)
    full, aside = _usable(rows, rules)
    texts = _together(one for row in full for one in _texts(row, rules))
    found = to_published("judged rows", texts, [], rules, (), is_exact=True)
    taken, lost = _answers(full, rules)
    accounts = [account("rows", len(rows), aside), *([account("answers", taken, lost)] if taken else [])]
    if rules.questions:
        counted, unanswered = replies_account([r for row in full for r in replies(row.cells, rules, row.place)], rules)
        accounts, lost = [*accounts, counted], [*lost, *unanswered]
    return replace(found, accounts=tuple(accounts), issues=(*found.issues, *_eaten(rows)), set_aside=(*aside, *lost))


def _usable(rows: Sequence[Row], rules: ImportMap) -> tuple[list[Row], list[Dropped]]:
    """Return the rows that have a text, each id and text once for each annotator and target, and the others."""
    seen: set[tuple[str, ...]] = set()
    full: list[Row] = []
    aside: list[Dropped] = []
    for row in rows:
        text = row.cells[rules.table.text]
        own = row.cells[rules.table.id] if rules.table.id else row.place
        key = own, text, *(row.cells[name] for name in (rules.table.annotator, rules.table.target) if name)
        if text.strip() and key not in seen:
            full.append(row)
        else:
            aside.append(Dropped("import", row.place, AGAIN if text.strip() else NO_TEXT))
        seen.add(key)
    return full, aside


def _refuse_columns(rules: ImportMap) -> None:
    """Raise KhabarError (exit code 2) if a target has several columns that are not judgements, or no target is named."""
    form = rules.table
    if not form.stances and not (form.target and form.answers) and not rules.questions:
        fix = (
            "write `table: {stances: {TARGET: [COLUMN]}}`, `target` and `answers` where a column names the target, "
            "or `questions: {QUESTION: {columns: [COLUMN]}}`"
        )
        raise user_error("map", "the map names no column of answers", fix=fix)
    asked = [(name, question.columns) for name, question in rules.questions.items()]
    several = [
        name for name, columns in [*form.stances.items(), (form.target, form.answers), *asked] if len(columns) > 1
    ]
    if several and rules.role != "judgement":
        message = f"{several[0]!r} has a column for each annotator, and the role is {rules.role}"
        raise user_error("map", message, fix="write `role: judgement` in the map, or name one column")


def table_rows(file: InputFile) -> list[list[str]]:
    """Return the cells of a table, the header first. Cells of a TSV are quoted only if all that begin so end so."""
    text = text_of(file)
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    mark = "\t" if "\t" in text.split("\n", 1)[0] else ","
    lines = io.StringIO(text, newline="")
    if mark == "," or _is_quoted(text):
        return [*csv.reader(lines, delimiter=mark)]
    return [*csv.reader(lines, delimiter=mark, quoting=csv.QUOTE_NONE)]


def _is_quoted(text: str) -> bool:
    cells = [cell for line in text.split("\n") for cell in line.split("\t") if cell.startswith('"')]
    return bool(cells) and all(len(cell) > 1 and cell.endswith('"') for cell in cells)


def _rows(file: InputFile, rules: ImportMap, issues: list[Issue]) -> Iterator[Row]:
    """Yield the rows of a table, and add an error for each cause."""
    head, *rows = table_rows(file) or [[]]
    form = rules.table
    wanted = [
        form.text,
        *filter(None, (form.title, form.id, form.split, form.target, form.annotator)),
        *form.answers,
        *(c for of in (*form.stances.values(), *form.annotators.values()) for c in of),
        *(c for question in rules.questions.values() for c in (*question.columns, *question.flags)),
    ]
    for name in dict.fromkeys(name for name in wanted if name not in head):
        message = f"there is no column {name!r}; the columns are {', '.join(head)}"
        issues.append(Issue("error", "columns", message, f"{file.name}:1", "name the column under `table:` in the map"))
    for name in sorted({name for name in wanted if head.count(name) > 1}):
        message = f"the column {name!r} stands {head.count(name)} times"
        issues.append(Issue("error", "columns", message, f"{file.name}:1", "give each column a name of its own"))
    line, bad = 1, []
    for cells in rows:
        line += 1 if not cells else sum(cell.count("\n") for cell in cells) + 1
        if len(cells) == len(head) and not any(issue.where == f"{file.name}:1" for issue in issues):
            yield Row(file.name, line, dict(zip(head, cells, strict=True)))
        elif cells and len(cells) != len(head):
            bad.append(f"{file.name}:{line}")
    if bad:
        seen = sighting(bad, len(bad))
        message = f"rows without the {len(head)} cells of the header: {seen.said()}"
        issues.append(Issue("error", "columns", message, bad[0], "correct the rows: a quote or a separator is missing"))


def _unmapped(rows: Sequence[Row], rules: ImportMap, labels: Labels) -> list[Issue]:
    """Return an error for each target and each value that is not known."""
    seen_targets = {one.target: one.row.place for one in reversed([*_given(rows, rules)])}
    issues = [
        Issue("error", "unmapped", f"the target {target!r} is not in schema/labels.yaml", place,
              f"add it there under `stances:`, or write `{target}: NAME` under `targets:` in the map")
        for target, place in sorted(seen_targets.items()) if target not in labels.target_ids
    ]  # fmt: skip
    allowed = [value.name for value in labels.stances.values] if labels.stances else []
    places: dict[str, list[str]] = {}
    for one in _given(rows, rules):
        meant = rules.values.get(one.value, one.value if one.value in allowed else UNDECIDED)
        if meant is not None and meant not in allowed:
            places.setdefault(one.value, []).append(one.row.place)
    for value, where in sorted(places.items()):
        seen = sighting(where, len(where))
        message = f"the answer {value!r} is not mapped: {seen.said()}"
        fix = f"write `{value}: NAME` under `values:` in the map (one of {', '.join(allowed)}), or null to leave it out"
        issues.append(Issue("error", "unmapped", message, where[0], fix))
    return issues


def _asked(row: Row, rules: ImportMap) -> Iterator[tuple[str | None, str]]:
    """Yield each column of answers of a row with its target, which is None where the map leaves it out."""
    form = rules.table
    for target, columns in form.stances.items():
        yield from ((target, column) for column in columns)
    if form.target:
        named = row.cells[form.target].strip()
        yield from ((rules.targets.get(named, named), column) for column in form.answers)


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer that is given: its row, its target, its column and its value."""

    row: Row
    target: str
    column: str
    value: str


def _given(rows: Sequence[Row], rules: ImportMap) -> Iterator[_Answer]:
    """Yield each answer that is given."""
    for row in rows:
        for target, column in _asked(row, rules):
            if target is not None and (value := row.cells[column].strip()):
                yield _Answer(row, target, column, value)


def _person(row: Row, column: str, rules: ImportMap) -> str:
    """Return who gave the answer in a column of a row; nobody of gold."""
    form = rules.table
    if rules.role != "judgement":
        return ""
    if form.annotator:
        return row.cells[form.annotator]
    return next((name for name, columns in form.annotators.items() if column in columns), column)


def _texts(row: Row, rules: ImportMap) -> Iterator[MarkedText]:
    """Yield what each annotator says of a row; of gold, one text."""
    form = rules.table
    stances: dict[str, list[Stance]] = defaultdict(list)
    for one in _given([row], rules):
        mapped = rules.values.get(one.value, one.value)
        stances[_person(row, one.column, rules)] += [Stance(one.target, mapped)] if mapped else []
    given: dict[str, list[Reply]] = defaultdict(list)
    for reply in replies(row.cells, rules, row.place):
        if reply.values:
            given[_person(row, reply.column, rules)].append(reply)
    own = row.cells[form.id] if form.id else f"{row.file.rsplit('.', 1)[0]}:{row.line}"
    split = split_of(row.cells[form.split] if form.split else row.file, rules.split_names)
    title = row.cells[form.title] if form.title else None
    for who in [*dict.fromkeys([*stances, *given])] or [""]:
        yield MarkedText(own, row.cells[form.text], row.file, row.line, (), title, split, who, tuple(sorted(stances[who])),
                         annotated=False, answers=answers_of(given[who], rules))  # fmt: skip


def _together(texts: Iterable[MarkedText]) -> list[MarkedText]:
    """Return what is said of each text once for each annotator, also where it stands in several rows."""
    found: dict[tuple[str, str, str], MarkedText] = {}
    for one in texts:
        key = one.published_id, one.text, one.annotator
        before = found.setdefault(key, one)
        if before is not one:
            stances, answers = {*before.stances, *one.stances}, {*before.answers, *one.answers}
            found[key] = replace(before, stances=tuple(sorted(stances)), answers=tuple(sorted(answers)))
    return [*found.values()]


def _answers(rows: Sequence[Row], rules: ImportMap) -> tuple[int, list[Dropped]]:
    """Return the number of cells of answers, and those that are no answer."""
    taken, lost = 0, []
    for row in rows:
        for target, column in _asked(row, rules):
            taken += 1
            value = row.cells[column].strip()
            if target is None or not value or rules.values.get(value, value) is None:
                lost.append(Dropped("import", f"{row.place} {column}", LEFT_OUT if value else NO_ANSWER))
    return taken, lost


def _eaten(rows: Sequence[Row]) -> list[Issue]:
    """Return a warning for cells that look as a spreadsheet left them."""
    found = [
        f"{row.place} ({cell})" for row in rows for cell in row.cells.values() if re.match(SPREADSHEET, cell.strip())
    ]
    if not found:
        return []
    message = f"cells that look as a spreadsheet left them: {sighting(found).said()}"
    return [
        Issue(
            "warning", "spreadsheet", message, found[0].split(" ")[0], "compare them with the publisher's other files"
        )
    ]

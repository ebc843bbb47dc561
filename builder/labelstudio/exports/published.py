"""Exports of Label Studio as a published set, read as `collect --from` reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from builder.annotation.persons import Account
from builder.formats.marks import MarkedSpan, MarkedText, to_published
from builder.formats.published import InputFile, PublishedSet, split_of
from builder.io.hashing import sha16
from builder.labelstudio.exports.read import parse, read
from builder.records import Article, Dropped, Judgement, StageCounts, user_error
from builder.schema.importing import ImportMap
from builder.schema.labels import Labels

UNKNOWN = "unknown-label"

NOT_SUBMITTED = "skipped"


def read_export(files: Sequence[InputFile], rules: ImportMap, labels: Labels) -> PublishedSet:
    """Read exports of Label Studio into a published set; the text of a task is its field `jsonl.text` of the map.

    Raises KhabarError (exit code 2) if a file is no export, or no task has a text in that field.
    """
    tasks = [(file, number, task) for file in files for number, task in enumerate(parse(file.name, file.content), 1)]
    texts = [(file, number, _text(task, rules), task) for file, number, task in tasks]
    articles = {f"{sha16(text)}-0": _article(text) for _, _, text, _ in texts if text}
    if not articles:
        fix = "name the field with `jsonl: {text: NAME}` in the map"
        raise user_error(
            "format", f"no task has a text in the field {rules.jsonl.text!r}", where=files[0].name, fix=fix
        )
    found = read([task for *_, task in texts], articles, labels, rules.name, _name, {})
    by_article: dict[str, list[Judgement]] = {}
    for judgement in found.judgements:
        by_article.setdefault(judgement.article_id, []).append(judgement)
    marked: list[MarkedText] = []
    aside: list[Dropped] = []
    seen: set[str] = set()
    for file, number, text, task in texts:
        place, name = f"{file.name}:{number}", f"{sha16(text)}-0" if text else ""
        if not text or name in seen:
            aside.append(Dropped("import", place, "text of an earlier task" if text else "no text"))
            continue
        seen.add(name)
        own = by_article.get(name, [])
        aside += [
            Dropped("import", f"{place} {one.annotator}", NOT_SUBMITTED) for one in own if one.status == "skipped"
        ]
        marked += [_marked(file, number, text, task, one, rules) for one in own if one.status != "skipped"]
        marked += [] if own else [_marked(file, number, text, task, None, rules)]
    made = to_published("annotations, and tasks without", marked, aside, rules, labels.entity_names, is_exact=True)
    issues = tuple(issue for issue in found.issues if issue.code != UNKNOWN)
    counts = StageCounts("import", "tasks", len(tasks), len(tasks))
    return replace(made, accounts=(counts, *made.accounts), issues=(*issues, *made.issues))


def _text(task: Mapping[str, object], rules: ImportMap) -> str:
    data = task.get("data")
    value = data.get(rules.jsonl.text) if isinstance(data, Mapping) else None
    return value if isinstance(value, str) and value.strip() else ""


def _article(text: str) -> Article:
    return Article(f"{sha16(text)}-0", sha16(text), 0, None, text, (), (), "", sha16(text))


def _name(account: Account) -> str:
    return f"{account.place} {account.email or account.number}".strip()


def _marked(
    file: InputFile, number: int, text: str, task: Mapping[str, object], judgement: Judgement | None, rules: ImportMap
) -> MarkedText:  # fmt: skip
    """Return what a judgement says of a task's text; nothing is known of mentions without one."""
    place = f"{file.name}:{number}"
    spans = tuple(MarkedSpan(s.start, s.end, s.label, "", place) for s in judgement.spans) if judgement else ()
    who = judgement.annotator if judgement and rules.role == "judgement" else ""
    stances, answers = (judgement.stances, judgement.answers) if judgement else ((), ())
    return MarkedText(str(task.get("id", number)), text, file.name, number, spans, None, split_of(file.name, rules.split_names),
                      who, stances, annotated=judgement is not None, answers=answers)  # fmt: skip

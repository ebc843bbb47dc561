"""A project that asks questions on whole articles, for tests."""

from dataclasses import replace

from builder.commands.sample import sample
from builder.commands.schema_migrate import migrate
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.project.migration.state import note_versions
from builder.project.project import Project
from builder.records import Answer, Judgement, Span
from tests.builders import judge, walk
from tests.conftest import ROOT

QUESTIONS = """questions:
  - id: tone
    ar: ما نبرة المقال؟
    en: The tone of the article
    values:
      - {name: positive, ar: إيجابية, en: Positive}
      - {name: negative, ar: سلبية, en: Negative}
      - {name: even, ar: متوازنة, en: Even}
  - id: topic
    ar: عمّ يتحدث المقال؟
    en: What the article is about
    answers: several
    values:
      - {name: politics, ar: سياسة, en: Politics}
      - {name: economy, ar: اقتصاد, en: Economy}
      - {name: sport, ar: رياضة, en: Sport}
      - {name: culture, ar: ثقافة, en: Culture}
"""


def answers(tone, *topics):
    return tuple(sorted([Answer("tone", tone), *(Answer("topic", topic) for topic in topics)]))


def asking(project):
    """The project with questions in labels.yaml and on the card."""
    labels, card = project.root / "schema" / "labels.yaml", project.root / "dataset_card.md"
    labels.write_text(labels.read_text(encoding="utf-8") + QUESTIONS, encoding="utf-8")
    card.write_text(card.read_text(encoding="utf-8") + "\n## Questions\n\n{{questions}}\n", encoding="utf-8")
    return Project(project.root)


SAID = (
    ("positive", "politics", "economy"),
    ("positive", "politics"),
    ("negative", "politics", "economy", "sport"),
)  # of each annotator: the tone, then the topics

LATER = """  - id: scope
    ar: ما نطاق الخبر؟
    en: The scope of the news
    values:
      - {name: local, ar: محلي, en: Local}
      - {name: world, ar: عالمي, en: World}
"""


def grown(project):
    """A project that asks questions; a label, a target and a question were added before its second batch."""
    project = asking(project)
    walk(project, [ROOT / "examples" / "articles"], size=14)
    judge(project)
    _answer(project, "pilot")
    note_versions(project, {project.schema.guideline_version})
    path = project.root / "schema" / "labels.yaml"
    text = path.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if "name: DATE" in line)
    venue = line.replace("DATE", "VENUE").replace("تاريخ", "ملعب").replace('"9"', '"0"')
    news = "    - {id: news, ar: الخبر, en: News, keywords: [في]}\n"
    text = text.replace(line, f"{line}\n{venue}").replace("questions:\n", f"{news}questions:\n") + LATER
    path.write_text(text, encoding="utf-8")
    project = Project(project.root)
    migrate(project)
    note_versions(project, {project.schema.guideline_version})
    sample(project, "second", 8)
    judge(project, "second")
    _answer(project, "second", (Answer("scope", "local"),), (Span(0, 5, "VENUE"),))
    return project


def _answer(project, batch, more=(), spans=()):
    """Give three annotators' answers to every question, and what they add."""
    path = project.annotations / batch / "judgements.jsonl"
    write_jsonl(path, [
        replace(one, spans=spans or one.spans, answers=tuple(sorted((*answers(*SAID[int(one.annotator[-1])]), *more))))
        if one.status == "submitted" else one
        for one in read_jsonl(path, Judgement)
    ])  # fmt: skip

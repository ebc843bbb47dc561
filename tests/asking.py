"""A project that asks questions on whole articles, for tests."""

from builder.project.project import Project
from builder.records import Answer

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

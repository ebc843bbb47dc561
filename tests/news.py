"""An invented crawl, and the commands from files to a batch over it."""

import hashlib
import json
import random

from builder.commands.clean import clean
from builder.commands.dedup import dedup
from builder.commands.ingest import ingest
from builder.commands.sample import sample
from builder.executor.start import LOCAL
from builder.project.corpus import iter_records, read_articles
from builder.records import Group

PLACES = "مرجانة الغار ديلمار السنديان الخزامى الصنوبر الزيتون المرسى العالية الساقية".split()  # noqa: SIM905
VERBS = "افتتح أعلن أطلق دشن وقع ناقش أقر عرض نفى أكد".split()  # noqa: SIM905
THINGS = "الميناء المترو السد المعرض القانون الميزانية الجسر المستشفى الملعب المتحف".split()  # noqa: SIM905


def news(number):
    """An invented article, unlike those of other numbers."""
    chance = random.Random(number)  # noqa: S311
    return "\n".join(
        " ".join(chance.choice(words) + (str(chance.randrange(999)) if chance.random() < 0.2 else "")
                 for words in (VERBS, THINGS, PLACES) * 5) + "."
        for _ in range(6)
    )  # fmt: skip


def near_copy(number):
    """A copy with a sentence of its own."""
    return f"{news(number)}\nوقال مصدر في {PLACES[number % 10]} إن التفاصيل ستعلن قريبا."


def lines(path, texts, source="nasim"):
    """Write texts of one source as JSON Lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    records = [{"text": text, "source": source, "published_at": f"2026-01-{1 + len(text) % 28:02}"} for text in texts]
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
    return path


TEXTS = [*map(news, range(120)), *map(near_copy, range(0, 120, 7)), *map(news, range(3))]


def corpus_tables(project):
    """What a project knows of its articles, whatever its shards."""
    articles = sorted((a.id, a.text, a.edits, a.title) for a in read_articles(project))
    every = [one for batch in iter_records(project, "groups", Group) for one in batch]
    return articles, sorted((g.article_id, g.group_id, g.similarity, g.kind) for g in every)


def run_corpus(project, *inputs, run=LOCAL):
    """Ingest, clean, dedup and sample; the tables and the batch."""
    ingest(project, inputs, run=run)
    clean(project, run)
    dedup(project, run)
    sample(project, "pilot", 20, run)
    return corpus_tables(project), (project.annotations / "pilot" / "batch.jsonl").read_bytes()


CHAIN = """
import sys
from pathlib import Path
from builder.commands.clean import clean
from builder.commands.dedup import dedup
from builder.commands.ingest import ingest
from builder.commands.sample import sample
from builder.executor.start import ExecutorConfig
from builder.project.project import Project
project, run = Project(Path(sys.argv[1])), ExecutorConfig(workers=2)
ingest(project, sys.argv[2:], run=run)
clean(project, run)
dedup(project, run)
sample(project, "pilot", 20, run)
"""


def digest(project):
    """One hash of the tables and the batch."""
    found = hashlib.sha256(repr(corpus_tables(project)).encode())
    found.update((project.annotations / "pilot" / "batch.jsonl").read_bytes())
    return found.hexdigest()

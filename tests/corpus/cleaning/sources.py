"""Invented sources of many pages, whose edges recur, and what is counted of them."""

import numpy as np

from builder.corpus.cleaning.clean import clean_batch
from builder.corpus.cleaning.columns.keys import key
from builder.corpus.cleaning.counts import Counts, count_table, merge
from builder.io.hashing import sha16
from builder.io.parquet import to_table
from builder.records import Document
from builder.schema.boilerplate import Boilerplate
from builder.text.profiles import profile

STANDARD = profile("standard@1")
NO_RULES = Boilerplate(version=1)
WHO = ["مجلس البلدية", "اتحاد الصيادين", "مدير المرفأ", "نادي الغواصين", "أمين المتحف", "حاكم الجزيرة", "ربان السفينة"]
WHAT = ["ترميم الجسر القديم", "توسعة سوق السمك", "حفر القناة الشرقية", "بناء منارة جديدة", "فتح مدرسة البحارة"]
WHERE = ["مرجانة", "الغار", "ديلمار", "المرسى", "الساقية", "السدر"]
GUESTS = [
    "الضفاف",
    "الواحة",
    "النخيل",
    "الميناء",
    "الصنوبر",
    "الزيتون",
    "الخزامى",
    "السنديان",
    "العالية",
    "القلعة",
    "المنارة",
    "الغدير",
    "الرمال",
    "الشلال",
    "البحيرة",
    "السهل",
    "الوادي",
    "الربوة",
    "الجسر",
    "المرج",
    "الروضة",
    "الينبوع",
    "الحصن",
    "التلال",
    "الكثبان",
    "الخليج",
    "الرأس",
    "المضيق",
    "الأرخبيل",
]


def paragraph(number):
    """A paragraph of more than 100 code points, unlike those of other numbers."""
    return (
        f"أعلن {WHO[number % 7]} في {WHERE[number % 6]} أن {WHAT[number % 5]} سيبدأ في اليوم {number + 3} من العام، وأن أهل المدينة "
        f"سيحضرون الافتتاح مع ضيوفهم من {GUESTS[number % 29]}."
    )


def body(number, size=3):
    """The paragraphs of one page."""
    return [paragraph(1000 * part + number) for part in range(size)]


def page(lines, source="nasim", title=None, author=None):
    raw = "\n".join(lines)
    return Document(sha16(raw), source, None, None, title, raw, "articles/01.jsonl:1", author=author)


def source(count, head=lambda number: [], tail=lambda number: [], first=0):
    """Pages of one source, each with lines above and below its own paragraphs."""
    return [page([*head(n), *body(n), *tail(n)]) for n in range(first, first + count)]


def count(documents, shards=1):
    """What recurs in documents, as `khabar clean` counts it."""
    tables = [count_table(to_table(documents[n::shards], Document), STANDARD).table for n in range(shards)]
    return merge(STANDARD.id, sum(table.num_rows for table in tables), lambda: iter(tables))


def counted(numbers, source="nasim", pages=1000):
    """Counts of given things: {(kind, text): number}."""
    rows = sorted(
        {
            key(source, "page", ""): pages,
            **{key(source, kind, STANDARD.fold(text)): n for (kind, text), n in numbers.items()},
        }.items()
    )
    return Counts(STANDARD.id, np.array([k for k, _ in rows], np.uint64), np.array([n for _, n in rows], np.int64))


def drops(document, counts, rules=NO_RULES):
    """What cleaning takes of a page: (raw text, rule)."""
    (done,) = clean_batch([document], STANDARD, rules, [counts])
    return [(document.raw[drop.start : drop.end], drop.rule) for drop in done.drops if drop.start < drop.end]


def drops_of(documents, rules=NO_RULES):
    """What cleaning takes of the first page of a source, of which all pages were counted."""
    return drops(documents[0], count(documents), rules)

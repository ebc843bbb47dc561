"""All pages of a real crawl: no crash, and an exact way back to each raw text."""

import json
import random
import re
import zipfile

import pytest

from builder.corpus.cleaning.clean import clean_batch
from builder.corpus.cleaning.counts import count_table, merge
from builder.io.hashing import sha16
from builder.io.parquet import to_table
from builder.records import Document
from builder.schema import load_schema
from builder.text.aligned import unpack_edits
from tests.conftest import ROOT, SHARED
from tests.corpus.cleaning.books import STANDARD, check_books

pytestmark = [pytest.mark.shared, pytest.mark.slow]

AT_ONCE = 1000
WORD = re.compile(r"\S+")
RULES = load_schema(ROOT / "schema").boilerplate


@pytest.fixture(scope="module")
def crawl():
    """The articles of SaudiNewsNet, with the fields that a record of `khabar ingest` has."""
    pages = []
    for path in sorted((SHARED / "pages" / "saudinewsnet").glob("*.zip")):
        with zipfile.ZipFile(path) as packed:
            for name in sorted(packed.namelist()):
                records = json.loads(packed.read(name)) if name.endswith(".json") else []
                for number, record in enumerate(records, 1):
                    raw = record["content"] or ""
                    title, author = record["title"] or None, record["author"] or None
                    origin = f"{name}:{number}"
                    pages.append(Document(sha16(raw), record["source"], None, None, title, raw, origin, author=author))
    return pages


@pytest.fixture(scope="module")
def counts(crawl):
    parts = [crawl[first : first + AT_ONCE] for first in range(0, len(crawl), AT_ONCE)]
    tables = [count_table(to_table(part, Document), STANDARD).table for part in parts]
    return merge(STANDARD.id, sum(table.num_rows for table in tables), lambda: iter(tables))


def check_words(page, done, seed):
    """Normalising the raw place of some words, without what was dropped inside it, gives the words.

    They are whole, since «هـ» keeps its tatweel at the end of a word only.
    """
    chance = random.Random(seed)  # noqa: S311 - seeded test data
    for article in done.articles:
        aligned = unpack_edits(article.text, page.raw, article.edits)
        words = [found.span() for found in WORD.finditer(article.text)]
        first = chance.randrange(len(words))
        start, end = words[first][0], words[min(len(words) - 1, first + chance.randrange(12))][1]
        at, high = aligned.raw_span(start, end)
        raw = []
        for drop in done.drops:
            if at <= drop.start < drop.end <= high:
                raw.append(page.raw[at : drop.start])
                at = drop.end
        text = STANDARD.apply("".join([*raw, page.raw[at:high]])).text

        assert re.sub(" +", " ", re.sub(" *\n[ \n]*", "\n", text)) == article.text[start:end], page.origin


def test_a_span_of_each_article_leads_back_to_its_raw_text(crawl, counts):
    lost, cut, reasons = 0, 0, set()
    for first in range(0, len(crawl), AT_ONCE):
        pages = crawl[first : first + AT_ONCE]
        for number, (page, done) in enumerate(
            zip(pages, clean_batch(pages, STANDARD, RULES, [counts] * len(pages)), strict=True)
        ):
            check_words(page, done, first + number)
            if done.cut_by_rule or number % 10 == 0:
                check_books(page, done)
            lost += bool(page.raw.strip()) and not done.articles
            cut += sum(done.cut_by_rule.values())
            reasons |= {*done.dropped_by_rule, *done.cut_by_rule}

    assert len(crawl) == 31_030
    assert lost < 10
    assert cut > 100
    assert reasons > {"recurs", "recurring-label", "recurring-prefix", "record-author"}

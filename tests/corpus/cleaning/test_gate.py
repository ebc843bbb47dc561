"""The quality gate of cleaning: floors on sets of pages, each set named by its hash.

tests/gate.json holds every state of the gate, the newest last. When a set of pages changes, measure again and add an entry;
its floors may be higher than the last ones, never lower. `line_precision` of the first entry was withdrawn: it rewarded
rules that delete article text on pages of the world (docs/decisions/0013-evidence.md).
"""

import hashlib
import json
from collections import Counter
from itertools import pairwise

import pytest

from builder.corpus.cleaning.clean import clean_batch
from builder.schema import load_schema
from builder.text.profiles import profile
from tests.conftest import ROOT, SHARED
from tests.corpus.cleaning.marked import CLEAN, digest, drop_recall, measure, read_clean_pages, read_pages, recall
from tests.corpus.cleaning.newspapers import score

GATE = json.loads((ROOT / "tests" / "gate.json").read_text(encoding="utf-8"))["entries"]
NEWEST = GATE[-1]
FLOORS = ("body_recall", "drop_recall", "clean_pages", "drop_precision", "marked_drop_recall", "line_recall")
WITHDRAWN = {"line_precision"}
RULES, STANDARD = load_schema(ROOT / "schema").boilerplate, profile("standard@1")
ABOVE = ("الرئيسية", "فيسبوك تويتر واتساب")
BELOW = ("شارك المقال", "مواضيع ذات صلة", "بائع الورد الأخير يروي حكايته", "كم يبلغ طول الجسر الجديد؟",
         "تابعونا على تيليغرام", "جميع الحقوق محفوظة © نسيم 2026")  # fmt: skip


@pytest.fixture(scope="module")
def pages():
    return read_pages()


@pytest.fixture(scope="module")
def measured(pages):
    return measure(pages)


def words_lost(page, lines, done):
    """Lines of a page, normalized, that none of its articles keeps."""
    kept = Counter(line for article in done.articles for line in article.text.split("\n"))
    own = Counter(" ".join(STANDARD.apply(line).text.split()) for line in lines)
    return list((own - kept - Counter({"": own[""]})).elements())


def test_gate_was_measured_on_these_pages(pages):
    assert digest() == NEWEST["corpus"], "the marked pages changed: measure again and add an entry to tests/gate.json"
    assert digest(CLEAN) == NEWEST["clean_corpus"], "the clean pages changed: add an entry to tests/gate.json"
    assert Counter(page.style for page in pages) == NEWEST["pages"]
    assert len(pages) >= 60
    assert len(NEWEST["pages"]) >= 6
    assert len({name.partition("/")[0] for name in read_clean_pages()}) >= 18
    assert len(read_clean_pages()) >= NEWEST["clean_pages"] >= 72


def test_floors_never_fall():
    for before, after in pairwise(GATE):
        assert {floor for floor in before if floor in FLOORS} <= {*after}
        assert all(after[floor] >= before[floor] for floor in FLOORS if floor in before)
        assert after.get("marked_clean_altered", 0) <= before.get("marked_clean_altered", 1)
    assert {*GATE[0]} - {*GATE[-1]} == WITHDRAWN
    assert GATE[0]["body_recall"] >= 0.99


def test_dumps_stay_above_their_floors(measured):
    counts, wrong = measured
    whole = sum(counts.values(), Counter())

    assert recall(whole) >= NEWEST["body_recall"], wrong
    assert drop_recall(whole) >= NEWEST["drop_recall"], wrong


def test_each_style_of_dumps_stays_above_its_floor(measured):
    """A tenth of a style's body lines lost would be a rule made for other sites."""
    counts, wrong = measured

    assert {style for style, count in counts.items() if recall(count) < 0.95} == set(), wrong


def test_no_clean_page_loses_a_line():
    """Also where it is read with its title and its source is known, but no counts are."""
    pages = read_clean_pages()
    done = clean_batch([*pages.values()], STANDARD, RULES)
    lost = {name: one.dropped_by_rule | one.cut_by_rule for name, one in zip(pages, done, strict=True)}

    assert {name: rules for name, rules in lost.items() if rules} == {}


def test_clean_pages_among_the_lines_of_a_site_keep_their_lines():
    """The same pages as a site shows them, with share buttons, links and rights around: 98 lines in 100 stay."""
    own = read_clean_pages()
    pages = read_clean_pages(ABOVE, BELOW)
    done = dict(zip(pages, clean_batch([*pages.values()], STANDARD, RULES), strict=True))
    lost = {name: words_lost(page, own[name].raw.splitlines(), done[name]) for name, page in pages.items()}
    lines = sum(len([line for line in page.raw.splitlines() if line.strip()]) for page in own.values())
    around = [line for one in done.values() for article in one.articles for line in article.text.split("\n")]

    assert sum(map(len, lost.values())) <= NEWEST["lost_among_furniture"] * lines, lost
    assert sum(line in (*ABOVE, *BELOW) for line in around) <= 0.02 * len(own) * len((*ABOVE, *BELOW))


@pytest.mark.shared
@pytest.mark.slow
def test_marked_pages_of_newspapers_stay_above_their_floors():
    marks = SHARED / "pages" / "marks.jsonl"
    found = score(STANDARD, RULES)

    assert hashlib.sha256(marks.read_bytes()).hexdigest()[:16] == NEWEST["marked_corpus"], "other marks: measure again"
    assert found["clean"] == 29
    assert found["altered"] <= NEWEST["marked_clean_altered"]
    assert found["drop_P"] >= NEWEST["drop_precision"]
    assert found["drop_R"] >= NEWEST["marked_drop_recall"]
    assert found["line_R"] >= NEWEST["line_recall"]

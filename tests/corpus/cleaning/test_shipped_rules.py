"""The shipped rules, each line by itself: what hard rules take, and what they leave."""

import pytest

from builder.corpus.cleaning.clean import clean
from builder.corpus.cleaning.matching.examples import check_evidence
from builder.corpus.cleaning.matching.rules import compile_rule, every_rule
from builder.io.hashing import sha16
from builder.io.yaml import parse_yaml
from builder.records import Document
from builder.schema import load_schema
from builder.schema.boilerplate import Boilerplate, LineRule
from builder.text.profiles import profile
from tests.conftest import ROOT, SHARED
from tests.corpus.cleaning.marked import BODY, read_pages

SHIPPED = load_schema(ROOT / "schema").boilerplate
HARD = [compile_rule(rule) for rule in every_rule(SHIPPED) if rule.evidence == "hard"]
CASES = SHARED.parent / "cases"
STANDARD = profile("standard@1")


def fold(line):
    return " ".join(STANDARD.fold(STANDARD.apply(line).text).split())


def hard(line):
    """The hard rules that match a line, whatever its position, in the order of the file."""
    folded = fold(line)
    return [ready.rule.id for ready in HARD if ready.takes(folded)]


def lines_of(*names):
    texts = [(CASES / name).read_text(encoding="utf-8") for name in names]
    return [line for text in texts for line in text.splitlines() if line.strip()]


def test_every_shipped_rule_states_its_evidence():
    silent = [rule.id for rule in every_rule(SHIPPED) if "evidence" not in rule.model_fields_set]

    assert silent == []


def test_rules_that_keep_the_line_are_no_hard_evidence():
    assert [r.id for r in SHIPPED.lines if r.extract_only and r.evidence == "hard"] == []


@pytest.mark.parametrize(
    "general", ["headlines", "link-list", "short-tail", "section", "date-line", "tag-list", "ornament"]
)
def test_shape_is_never_hard(general):
    (rule,) = (rule for rule in every_rule(SHIPPED) if rule.id == general)

    assert rule.evidence == "supporting"


def test_no_hard_rule_takes_a_body_line_of_the_marked_dumps():
    taken = {text: hard(text) for page in read_pages() for kind, text, _ in page.lines if kind in BODY}

    assert {text: ids for text, ids in taken.items() if ids} == {}


def test_parts_of_a_line_end_where_the_examples_say():
    """A prefix or suffix leaves text of the line, or takes a line that has nothing else."""
    parts = [rule for rule in SHIPPED.lines if rule.takes != "line"]
    for rule in parts:
        for line in map(fold, rule.examples.matches):
            found = compile_rule(rule).search(line)
            assert found is not None
            assert (found.start() == 0) if rule.takes == "prefix" else (found.end() == len(line))

    assert {rule.takes for rule in parts} == {"prefix", "suffix"}


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("وعادت السفينة. مقالات أخرى للكاتببائع الورد", "وعادت السفينه."),
        ("وعادت السفينة. شارك الخبر: واتساب | تلغرام", "وعادت السفينه."),
        ("وعادت السفينة.لمراسلة الكاتب: siraj@nasim.example", "وعادت السفينه."),
        ("عدنا إلى البحر pic.twitter.com/QwErTy", "عدنا الي البحر"),
        ("Next Previous مرفأ السدر – نسيم", "مرفا السدر – نسيم"),
    ],
)
def test_glued_part_leaves_the_text(line, left):
    folded = fold(line)
    found = [ready.search(folded) for ready in HARD if isinstance(ready.rule, LineRule) and ready.rule.takes != "line"]

    assert [(folded[: part.start()] + folded[part.end() :]).strip() for part in found if part] == [left]


@pytest.mark.parametrize(
    "line",
    [
        "اقرأ/ي أيضاً: طريقة حفظ الزيتون", "اقرئي أيضا 👇", "اقـــرأ أيضاً ⬅ طريقة حفظ الزيتون", "إقرأوا أيضًا | طريقة",
        "لقراءة المزيد: طريقة حفظ الزيتون", "Read more: how to keep olives", "اقرأ المزيد: طريقة حفظ الزيتون",
        "— نادي البحارة (@bahr_club) 9 أبريل 2026", "pic.twitter.com/QwErTy", "https://t.co/QwErTy",
        "View this post on Instagram", "عرض هذا المنشور على Instagram", "تمت مشاركة منشور بواسطة المنارة (@manara.example)",
        "الصفحة التالية", "1 2 3 4 5 التالي »", "صفحة ٢ من ٣", "السابق | التالي", "مصدر الصورة، Harbor Photos",
        "تعليق الصورة، باعة الورد عند القلعة", "باعة الورد عند باب القلعة القديمة (رويترز)", "(الأناضول)", "أ ف ب",
        "Photo by Lubana / Harbor",
    ],
)  # fmt: skip
def test_kinds_of_boilerplate_are_hard(line):
    assert hard(line) != []


@pytest.mark.parametrize(
    "line",
    [
        "وكتبت الربان على حسابها: «عدنا والريح معنا» #السفينة @lubana", "قتل خمسة في انفجار عند الجسر (رويترز)",
        "وقال لوكالة الأنباء (واس) إن الجسر سيفتح", "حتى نهاية أغسطس (آب).", "تويتر", "فيديو", "القائمة", "تعليق:",
        "تحديث (1)", "مشاركة", "قراءات", "(2)", "3601126956", "الأحد 10 شوال 1447", "متابعات", "متابعة القرار",
        "جانب من الحقيقة", "القرار 2216", "من تدريبات الفريق", "المغرب - غينيا", "http://nasim.example/register",
        "تابع مليون شخص على يوتيوب عودة السفينة", "حمل تطبيق نسيم مليون بحار في شهر",
        "يحظر نقل الوقود عبر المضيق دون موافقة البلدية", "الصفحة الأخيرة", "سجلت في القناة الأولى حواراً مع القبطان",
        "ونشرت المجلة مقالات أخرى للكاتب عن البحر.", "التالي في القائمة",
    ],
)  # fmt: skip
def test_article_lines_are_not_hard(line):
    assert hard(line) == []


@pytest.mark.shared
@pytest.mark.parametrize(
    "name",
    [
        "01-body-sentence-as-notice/c01-bans.txt", "02-patronage-and-discount/c02-patron.txt",
        "02-patronage-and-discount/c04-sale.txt", "04-last-attribution-as-author-bio/d01-last-quote.txt",
        "04-last-attribution-as-author-bio/d02-last-expert.txt", "04-last-attribution-as-author-bio/d03-last-activist.txt",
        "04-last-attribution-as-author-bio/d04-last-member.txt", "05-lines-without-full-stop/c05-bulletin.txt",
        "05-lines-without-full-stop/d05-wrapped.txt", "05-lines-without-full-stop/d06-poem.txt",
        "05-lines-without-full-stop/d07-bulletin.txt", "05-lines-without-full-stop/d08-nostop.txt",
    ],
)  # fmt: skip
def test_body_of_the_cases_is_not_hard(name):
    assert {line: hard(line) for line in lines_of(name) if hard(line)} == {}


@pytest.mark.shared
@pytest.mark.parametrize(
    "rule", ["notice", "advert", "advert-classified", "author-bio", "author-known", "date-line", "phone"]
)
def test_no_rule_of_the_cases_takes_their_sentences_any_more(rule):
    (ready,) = (compile_rule(one) for one in every_rule(SHIPPED) if one.id == rule)
    folders = ("01-body-sentence-as-notice", "02-patronage-and-discount", "04-last-attribution-as-author-bio")
    names = [str(path.relative_to(CASES)) for folder in folders for path in (CASES / folder).glob("[cd]*.txt")]

    assert [line for line in lines_of(*names) if ready.takes(fold(line))] == []


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "kept"),
    [("c06-readalso.txt", ()), ("c07-tweet.txt", (6,)), ("c10-pages.txt", ()), ("c11-captions.txt", ())],
)
def test_missed_boilerplate_is_hard(name, kept):
    first, *lines, last = lines_of(f"07-missed-boilerplate/{name}")
    body = [first, *(line for number, line in enumerate(lines, 1) if number in kept), last]

    assert [line for line in lines if line not in body and not hard(line)] == []
    assert [line for line in body if hard(line)] == []


def test_rules_parse_without_evidence():
    text = "version: 1\nlines:\n  - {id: own, match: '^xx', examples: {matches: [xx], leaves: [x]}}\n"

    assert parse_yaml(text, Boilerplate, "b").lines[0].evidence == "supporting"


REPORTED = [
    ("01-body-sentence-as-notice/c01-bans.txt", 7), ("02-patronage-and-discount/c02-patron.txt", 5),
    ("02-patronage-and-discount/c04-sale.txt", 5), ("04-last-attribution-as-author-bio/d01-last-quote.txt", 3),
    ("04-last-attribution-as-author-bio/d02-last-expert.txt", 3), ("04-last-attribution-as-author-bio/d03-last-activist.txt", 3),
    ("04-last-attribution-as-author-bio/d04-last-member.txt", 3), ("05-lines-without-full-stop/c05-bulletin.txt", 5),
    ("05-lines-without-full-stop/d05-wrapped.txt", 8), ("05-lines-without-full-stop/d06-poem.txt", 7),
    ("05-lines-without-full-stop/d07-bulletin.txt", 4), ("05-lines-without-full-stop/d08-nostop.txt", 4),
    ("07-missed-boilerplate/c06-readalso.txt", 2), ("07-missed-boilerplate/c07-tweet.txt", 3),
    ("07-missed-boilerplate/c10-pages.txt", 2), ("07-missed-boilerplate/c11-captions.txt", 2),
]  # fmt: skip


@pytest.mark.shared
@pytest.mark.parametrize(("name", "kept"), REPORTED, ids=[name for name, _ in REPORTED])
def test_reported_pages_keep_their_lines_and_lose_the_others(name, kept):
    raw = (CASES / name).read_text(encoding="utf-8")
    page = Document(sha16(raw), "nasim", None, None, None, raw, name)

    assert clean(page, STANDARD, SHIPPED).kept_lines == kept


def test_rules_that_say_no_evidence_are_named():
    """A file of khabar 0.1: its rules count as supporting, which nobody would notice."""
    earlier = ROOT / "tests" / "cases" / "earlier" / "3003190" / "schema" / "boilerplate.yaml"
    (issue,) = check_evidence(parse_yaml(earlier.read_text(encoding="utf-8"), Boilerplate, "boilerplate.yaml"))

    assert (issue.severity, issue.code, issue.where) == ("warning", "no-evidence", "schema/boilerplate.yaml")
    assert issue.message == (
        "12 rules do not say what evidence they are, and count as supporting: read-also-inline, read-also, may-like, "
        "related, source ..."
    )
    assert check_evidence(SHIPPED) == []

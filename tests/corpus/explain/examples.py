"""A small page, a paragraph and two sets of rules that the tests of explain share."""

from builder.io.hashing import sha16
from builder.records import Document
from builder.schema.boilerplate import Boilerplate

PARAGRAPH = "وصلت السفينة الشراعية إلى مرفأ السدر عند الفجر، واستقبلها أهل الجزيرة بالأغاني والورود."


def rule(name, match, **more):
    """A rule whose match is enough to drop a line from any page."""
    return {"id": name, "match": match, "evidence": "hard", "examples": {"matches": ["x"], "leaves": ["y"]}} | more


RULES = Boilerplate.model_validate({
    "version": 1,
    "cuts": [rule("read-also", "^اقرا ايضا", action="split_article", min_before=20)],
    "lines": [
        rule("source", "^المصدر: (?P<source_name>.+)$"),
        rule("share", "^شارك$"),
        rule("dateline", "^(?P<place>السدر) – ", extract_only=True, max_length=400),
    ],
    "lists": [rule("links", "^- ", min_run=2)],
})  # fmt: skip
CUTS = Boilerplate.model_validate({
    "version": 1,
    "lines": [
        rule("follow", "تابعنا علي المنصه(?P<channel> نسيم)?$", takes="suffix", max_length=900),
        rule("agency", "^نسيم: ", takes="prefix", max_length=900),
        rule("share", "^شارك$"),
    ],
})  # fmt: skip
SMALL = (
    "السدر – وصلت  السفينة قدما\N{ARABIC FATHATAN} إلى مرفأ\N{ARABIC SHADDA}\N{ARABIC KASRA} السدر.\r\n\r\n"
    " \n\N{RIGHT-TO-LEFT MARK}\N{RIGHT-TO-LEFT MARK}واستقبلها\N{NO-BREAK SPACE}أهل الجز\N{ARABIC TATWEEL}يرة. \n"
    "المصدر: نسيم\n\nشا\N{ARABIC TATWEEL}رك"
)


def document(raw, title=None, source="nasim"):
    return Document(sha16(raw), source, None, None, title, raw, "articles/01.txt")

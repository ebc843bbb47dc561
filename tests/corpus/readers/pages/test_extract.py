"""Text of pages: lines, hidden text, leads, pages that scripts build, front pages, and what extracted it."""

import json
import time
from importlib.metadata import version

import pytest
from lxml import html

from builder.corpus.readers.documents import read_documents
from builder.corpus.readers.pages.extract import PageError, extract
from builder.corpus.readers.pages.lines import lines_of
from builder.corpus.readers.pages.tree import parse, prune
from builder.records import Dropped
from builder.schema.sources import Sources

BODY = [
    "افتتح وزير الثقافة صباح اليوم المعرض السنوي للكتاب في مدينة السدر، بحضور عدد كبير من الكتّاب والناشرين.",
    "وقال الوزير في كلمته إن المعرض يضم أكثر من ثلاثمئة دار نشر من عشرين دولة، وإن أبوابه مفتوحة حتى نهاية الشهر.",
    "وأضاف أن الدخول مجاني للطلاب في جميع الأيام، وأن الحافلات تنطلق من وسط المدينة كل ساعة.",
]
LEAD = "معرض السدر للكتاب يفتح أبوابه أمام الزوار والطلاب بمشاركة ثلاثمئة دار نشر، والدخول مجاني في جميع الأيام"
TITLE = "افتتاح معرض الكتاب"


def page_of(*paragraphs, head="", above="", after=""):
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return f"<html><head>{head}</head><body>{above}<article>{body}{after}</article></body></html>"


def described(text, title=TITLE):
    return f'<title>{title}</title><meta property="og:description" content="{text}">'


def linked(**fields):
    news = {"@context": "https://schema.org", "@type": "NewsArticle", **fields}
    return f'<script type="application/ld+json">{json.dumps(news, ensure_ascii=False)}</script>'


def text_of(markup):
    return extract(markup).text.split("\n")


@pytest.mark.parametrize(
    ("markup", "lines"),
    [
        ("<p>أ<br>ب</p><p>ج</p>", ["أ", "ب", "ج"]),
        ("<div>أ <p>ب</p> ج</div>", ["أ", "ب", "ج"]),
        ("<p>وزير<b> الثقافة</b>،\n  أمس</p>", ["وزير الثقافة، أمس"]),
        ("<ul><li>أ<ul><li>ب</ul><li>ج</ul>", ["أ", "ب", "ج"]),
        ("<table><tr><th>المدينة<th>العدد<tr><td>السدر<td>7</table>", ["المدينة العدد", "السدر 7"]),
        ("<table><tr><td><p>أ</p><p>ب</p><td>ج</table>", ["أ", "ب", "ج"]),
        ("<table><tr><td><table><tr><td>أ<td>ب</table><tr><td>ج</table>", ["أ ب", "ج"]),
        ("<p>\N{ZERO WIDTH NO-BREAK SPACE}</p><p>&nbsp;</p><p>أ\N{ZERO WIDTH NON-JOINER}ب</p>",
         ["أ\N{ZERO WIDTH NON-JOINER}ب"]),
        ("<!-- تعليق --><p>أ<!-- ب -->ج</p><?x د?>هـ", ["أج", "هـ"]),
    ],
)  # fmt: skip
def test_block_is_a_line_and_row_of_cells_too(markup, lines):
    assert lines_of(html.fromstring(f"<div>{markup}</div>")) == lines


def test_lines_keep_tables_lists_and_invisible_characters():
    rows = "<table><tr><td>الزوار</td><td>ألف</td></tr><tr><td>الدور</td><td>مئة</td></tr></table>"
    items = "<ul><li>اليوم الأول للأطفال</li><li>اليوم الثاني للطلاب</li></ul>"
    verse = "<pre>بيت أول من القصيدة\nبيت ثان من القصيدة</pre>"
    joined = f"{BODY[0]} مي\N{ZERO WIDTH NON-JOINER}خواهم \N{RIGHT-TO-LEFT MARK}."

    assert text_of(page_of(joined, *BODY[1:], after=rows + items + verse)) == [
        joined, *BODY[1:], "الزوار ألف", "الدور مئة", "اليوم الأول للأطفال", "اليوم الثاني للطلاب",
        "بيت أول من القصيدة", "بيت ثان من القصيدة",
    ]  # fmt: skip


HIDDEN = "نص مخفي لا يراه أحد من القراء في الصفحة مهما طال البحث عنه."


@pytest.mark.parametrize(
    "element",
    [
        '<p style="display:none">{}</p>', '<p style="color:red; DISPLAY : NONE ;">{}</p>', "<p hidden>{}</p>",
        '<p style="visibility:hidden">{}</p>', '<div aria-hidden="true"><p>{}</p></div>', "<noscript><p>{}</p></noscript>",
        "<template><p>{}</p></template>", "<script>{}</script>", "<style>{}</style>", "<dialog><p>{}</p></dialog>",
        '<section style="display:none"><p style="display:none">{}</p></section>',
    ],
)  # fmt: skip
def test_hidden_text_is_left_out(element):
    assert text_of(page_of(BODY[0], BODY[1] + element.format(HIDDEN), BODY[2])) == BODY


@pytest.mark.parametrize(
    "element",
    ['<p style="display:block">{}</p>', '<p aria-hidden="false">{}</p>', "<dialog open><p>{}</p></dialog>",
     '<p style="--no-display:none">{}</p>'],
)  # fmt: skip
def test_text_that_is_not_hidden_stays(element):
    tree = parse(page_of(*BODY, after=element.format(HIDDEN)))
    prune(tree)

    assert lines_of(tree) == [*BODY, HIDDEN]


def test_page_whose_body_is_hidden_until_its_scripts_run_is_read():
    assert text_of(page_of(*BODY).replace("<body>", '<body style="display:none">')) == BODY


@pytest.mark.parametrize(
    ("begin", "end"),
    [('<div hidden id="S:1">', "</div>"), ('<div style="visibility:hidden"><h1>افتتاح</h1>', "</div>"),
     ('<main hidden><div style="display:none"><h1>افتتاح</h1>', "</div></main>")],
)  # fmt: skip
def test_article_that_a_script_reveals_is_read(begin, end):
    paragraphs = "".join(f"<p>{line}</p>" for line in BODY)
    markup = f"<html><body><nav><a>الرئيسية</a></nav>{begin}<article>{paragraphs}</article>{end}</body></html>"

    assert text_of(markup)[-len(BODY) :] == BODY


def test_hidden_heading_of_little_text_is_left_out():
    assert text_of(page_of(*BODY, above=f"<div hidden><h1>{HIDDEN}</h1></div>")) == BODY


@pytest.mark.parametrize(
    "description", [LEAD, LEAD[:60] + "...", f"  {LEAD} ", LEAD.replace("الزوار", "الزُّوار")],
)  # fmt: skip
@pytest.mark.parametrize("tag", ["h2", "p", "div", "strong"])
def test_lead_outside_the_article_is_put_back(tag, description):
    above = f"<header><h1>{TITLE}</h1><{tag}>{LEAD}</{tag}></header><nav><ul><li>الرئيسية</li></ul></nav>"

    assert text_of(page_of(*BODY, head=described(description), above=above)) == [LEAD, *BODY]


def test_lead_goes_below_the_title():
    above = f"<div><h2>{LEAD}</h2></div>"
    with_title = page_of(*BODY, head=described(LEAD), above=above).replace("<article>", f"<article><h1>{TITLE}</h1>")

    assert text_of(with_title)[:3] == [TITLE, LEAD, BODY[0]]


@pytest.mark.parametrize(
    ("head", "above"),
    [
        (described(BODY[0]), ""),
        (described(BODY[0]), f"<div><p>{BODY[0]}</p></div>"),
        (described(LEAD), ""),
        (described("خبر قصير من السدر"), "<div><p>خبر قصير من السدر</p></div>"),
        (described(LEAD), f"<footer><p>{LEAD}</p></footer>"),
        (described(LEAD, LEAD), f"<div><h2>{LEAD}</h2></div>"),
        (described(LEAD), f"<div><h1>{LEAD}</h1></div>"),
        (described("موقع نسيم الإخباري ينقل لكم آخر أنباء البلاد والعالم على مدار الليل والنهار"),
         "<div><p>موقع نسيم الإخباري ينقل لكم آخر أنباء البلاد والعالم على مدار الليل والنهار</p></div>"),
    ],
    ids=["first paragraph", "repeated", "nowhere", "short", "footer", "title", "heading", "slogan"],
)  # fmt: skip
def test_page_without_a_lost_lead_stays(head, above):
    assert text_of(page_of(*BODY, head=head, above=above)) == BODY


LONG = " ".join(BODY)
SHELL = "<html><head>{}</head><body><nav><a href='/'>الرئيسية</a></nav><div id='app'>{}</div></body></html>"


@pytest.mark.parametrize(
    "body", ["\n".join(BODY), "".join(f"<p>{line}</p>" for line in BODY), "&lt;p&gt;" + "&lt;br&gt;".join(BODY)],
)  # fmt: skip
@pytest.mark.parametrize("shown", ["", "<p>يرجى تفعيل سكربت المتصفح لقراءة الخبر</p>"])
def test_page_built_by_scripts_gives_its_article_body(body, shown):
    page = extract(SHELL.format(linked(articleBody=body), shown))

    assert page.text.split("\n") == BODY
    assert page.facts.extractor == "khabar 1, articleBody"


def test_article_body_inside_a_graph_is_found():
    graph = json.dumps({"@graph": [{"@type": "WebPage"}, [{"@type": "Article", "articleBody": LONG}]]})

    assert text_of(SHELL.format(f'<script type="application/ld+json">{graph}</script>', "")) == [LONG]


@pytest.mark.parametrize(
    "head",
    [
        linked(articleBody="نص آخر من الخلاصة. " * 30 + LONG),
        linked(articleBody="ملخص الخبر في سطر واحد"),
        '<script type="application/ld+json">{"articleBody": "' + LONG + '", }</script>',
        '<script type="application/ld+json">' + "[" * 100_000 + "</script>",
        '<script type="application/ld+json">"articleBody"</script>',
    ],
    ids=["other text, shown in part", "summary", "not JSON", "too deep", "a string"],
)
def test_page_that_shows_its_article_is_read_as_shown(head):
    assert text_of(page_of(*BODY, BODY[0] + " مرة أخرى.", BODY[1] + " كذلك.", head=head))[:3] == BODY


@pytest.mark.parametrize(
    ("address", "fetched", "front"),
    [
        ("https://nasim.example/", None, True),
        ("https://nasim.example/ar/index.php", None, True),
        ("https://nasim.example/news/1", None, False),
        ("https://nasim.example/?p=17", None, False),
        (None, "https://nasim.example", True),
        ("https://nasim.example/", "https://nasim.example/news/1", False),
        ("https://[nasim", None, False),
    ],
)
def test_front_page_is_refused(address, fetched, front):
    head = f'<link rel="canonical" href="{address}">' if address else ""
    if front:
        with pytest.raises(PageError) as caught:
            extract(page_of(*BODY, head=head), fetched_url=fetched)
        assert caught.value.reason == "front page"
    else:
        assert extract(page_of(*BODY, head=head), fetched_url=fetched).text.split("\n") == BODY


@pytest.mark.parametrize(
    "mark",
    ['<meta property="og:type" content="article">', linked(headline=TITLE),
     '<meta property="article:published_time" content="2026-03-04">'],
)  # fmt: skip
def test_article_that_calls_itself_the_front_page_is_read(mark):
    assert text_of(page_of(*BODY, head='<link rel="canonical" href="https://nasim.example/">' + mark)) == BODY


def test_front_page_is_set_aside_under_its_reason(tmp_path):
    head = '<link rel="canonical" href="https://nasim.example/">'
    (tmp_path / "a.html").write_text(page_of(*BODY, head=head), encoding="utf-8")
    (tmp_path / "b.html").write_text(page_of(*BODY), encoding="utf-8")
    reading = read_documents([tmp_path])

    assert [document.raw for document in reading.documents] == ["\n".join(BODY)]
    assert reading.set_aside == (
        Dropped("ingest", f"{tmp_path.name}/a.html", "front page", "its address is the front page of a site"),
    )


RULES = {"body": ["//div[@id='none']", "//div[@class='story']"], "strip": "//p[@class='ad']"}
SOURCES = Sources(sources={"nasim.example": RULES})


def test_xpaths_of_a_source_choose_the_body_and_strip_it():
    ad = '<p class="ad">إعلان عن معرض آخر</p>'
    story = f'<div class="story"><p>{BODY[0]}</p>{ad}<p>{BODY[1]}</p></div>'
    page = extract(page_of(*BODY, after=story), sources=SOURCES, fetched_url="https://nasim.example/n/7")
    bare = extract(page_of(*BODY, after=ad), sources=SOURCES, fetched_url="https://nasim.example/n/7")

    assert page.text.split("\n") == BODY[:2]
    assert page.facts.extractor == "khabar 1, body //div[@class='story'], without //p[@class='ad']"
    assert bare.text.split("\n") == BODY
    assert bare.facts.extractor.startswith("trafilatura ")


@pytest.mark.parametrize("part", ["body", "strip"])
@pytest.mark.parametrize("path", ["//p[near()]", "//p[re:test(@class, 'x')]", "//p[$x]"])
def test_xpath_that_fails_on_a_page_is_named(part, path):
    sources = Sources.model_validate({"sources": {"nasim.example": {part: path}}})

    with pytest.raises(PageError, match=r"the XPath .* of schema/sources.yaml fails") as raised:
        extract(page_of(*BODY), sources=sources, fetched_url="https://nasim.example/n/7")
    assert path in str(raised.value)


def test_xpath_that_selects_attributes_too_gives_its_elements():
    rules = {"body": "//body/@class | //article", "strip": "//p/@class | //h1"}
    sources = Sources.model_validate({"sources": {"nasim.example": rules}})

    assert extract(page_of(*BODY), sources=sources, fetched_url="https://nasim.example/n/7").text.split("\n") == BODY


def test_extractor_is_named_with_its_version(tmp_path):
    (tmp_path / "a.html").write_text(page_of(*BODY), encoding="utf-8")
    (tmp_path / "b.txt").write_text(LONG, encoding="utf-8")
    page, text = read_documents([tmp_path]).documents

    assert page.facts.extractor == f"trafilatura {version('trafilatura')}, default mode, khabar 1"
    assert text.facts.extractor is None


HOSTILE = {
    "10,000 meta tags": page_of(*BODY, head='<meta property="article:tag" content="وسم">' * 10_000),
    "40,000 hidden elements": page_of(*BODY, above='<div style="display:none">x</div>' * 40_000),
    "a script of 12 MB": page_of(*BODY, head=f"<script>{'x=1;' * 3_000_000}</script>"),
    "JSON-LD of 11 MB": page_of(*BODY, head=linked(name="ا" * 5_500_000)),
    "a canonical that is no address": page_of(*BODY, head='<link rel="canonical" href="http://[::1">'),
    "an entity of controls": page_of(*BODY, head="<title>&#27;[2J&#0;</title>"),
}


@pytest.mark.parametrize("markup", HOSTILE.values(), ids=HOSTILE)
def test_hostile_head_costs_no_text(markup):
    began = time.perf_counter()

    assert text_of(markup) == BODY
    assert time.perf_counter() - began < 30


@pytest.mark.slow
def test_page_of_90_000_blocks_takes_seconds():
    began = time.perf_counter()
    page = extract(page_of(*BODY, after="<div>سطر</div>" * 90_000))

    assert time.perf_counter() - began < 30
    assert ", fast mode, " in page.facts.extractor


@pytest.mark.slow
def test_paragraph_of_12_megabytes_is_read_whole():
    assert len(extract(page_of("كلمة " * 1_300_000, BODY[0])).text) == 1_300_000 * 5 + len(BODY[0])

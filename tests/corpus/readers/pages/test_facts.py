"""What pages say of themselves: title, address, date, source, author, section, rights."""

import json
import time

import pytest

from builder.corpus.readers.documents import read_documents
from builder.corpus.readers.pages.facts import page_facts
from builder.corpus.readers.pages.tree import parse
from builder.records import Facts
from builder.schema.sources import SourceRules

TITLE = "افتتاح المعرض السنوي للكتاب في مدينة السدر"
ADDRESS = "https://nasim.example/news/41"


def facts_of(head="", body="", *, url=ADDRESS, at=None, rules=None, top="<html>"):
    tree = parse(f"{top}<head>{head}</head><body>{body}</body></html>")
    return page_facts(tree, fetched_url=url, fetched_at=at, rules=SourceRules(**rules) if rules else None)


def linked(**fields):
    node = {"@context": "https://schema.org", "@type": "NewsArticle", **fields}
    return f'<script type="application/ld+json">{json.dumps(node, ensure_ascii=False)}</script>'


def meta(name, content):
    return f'<meta property="{name}" content="{content}">'


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (meta("og:title", f"{TITLE} | نسيم نيوز"), f"<h1>نسيم نيوز</h1><h1> {TITLE}\n</h1>"),
        (linked(headline=TITLE), "<h1>سياسة</h1>"),
        (linked(headline=f"{TITLE} - نسيم", publisher={"name": "نسيم"}), ""),
        (meta("og:title", TITLE[:30] + "..."), f"<h1>{TITLE}</h1>"),
        (meta("og:title", f"نسيم :: {TITLE}") + meta("og:site_name", "نسيم"), ""),
        (f"<title>{TITLE} - نسيم نيوز</title>", f"<h1>{TITLE}</h1>"),
        (f"<title>{TITLE} » موقع نسيم</title>" + meta("og:site_name", "نسيم"), ""),
        ("", f'<h1 class="t">{TITLE}</h1>'),
        (meta("og:title", TITLE.replace("ا", "أ")), f"<h1>{TITLE}</h1>"),
        (meta("og:title", f"{TITLE} | Nasim"), ""),
    ],
    ids=range(10),
)
def test_title_is_the_heading_that_a_headline_names_without_the_site(head, body):
    assert facts_of(head, body).title == TITLE


@pytest.mark.parametrize(
    "head", [linked(headline="المعرض &quot;السنوي&quot;"), meta("og:title", "المعرض &amp;quot;السنوي&amp;quot;")]
)
def test_title_holds_what_escaped_characters_mean(head):
    assert facts_of(head).title == 'المعرض "السنوي"'


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("https://\N{RIGHT-TO-LEFT OVERRIDE}nasim.example/n/7", ADDRESS),
        ("https://nasim.example/n/\N{RIGHT-TO-LEFT OVERRIDE}7", "https://nasim.example/n/%E2%80%AE7"),
        ("https://nasim.example/n/\N{CONTROL SEQUENCE INTRODUCER}2J", "https://nasim.example/n/%C2%9B2J"),
        ("https://nasim.example/خبر-مي\N{ZERO WIDTH NON-JOINER}خواهم", "https://nasim.example/خبر-مي%E2%80%8Cخواهم"),
    ],
)
def test_address_has_no_invisible_characters(written, url):
    assert facts_of(f'<link rel="canonical" href="{written}">').url == url


def test_title_keeps_a_part_that_is_no_site():
    title = "السدر - الميناء: عودة السفن"

    assert facts_of(meta("og:title", title) + meta("og:site_name", "نسيم")).title == title
    assert facts_of().title is None


@pytest.mark.parametrize(
    ("head", "url"),
    [
        ('<link rel="canonical" href="https://www.nasim.example/news/41?utm_source=x&fbclid=1">', "https://www.nasim.example/news/41"),
        ('<link rel="canonical" href="/news/41">', ADDRESS),
        ('<link rel="canonical" href="https://nasim.example/">', ADDRESS),
        ('<link rel="canonical" href="https://nasim.example/ar/index.php">', ADDRESS),
        ('<link rel="canonical" href="https://other.example/news/9">', ADDRESS),
        ('<link rel="canonical" href="javascript:void(0)">', ADDRESS),
        ('<link rel="canonical" href="http://[::1">', ADDRESS),
        ('<link rel="canonical" href="https://nasim.example/"><meta property="og:url" content="https://nasim.example/n/7">', "https://nasim.example/n/7"),
        (meta("og:url", "https://m.nasim.example/n/7#comments"), "https://m.nasim.example/n/7"),
        (meta("og:url", "https://nasim.example/?p=7"), "https://nasim.example/?p=7"),
        ("", ADDRESS),
    ],
    ids=range(11),
)  # fmt: skip
def test_address_is_the_canonical_one_unless_it_cannot_be(head, url):
    assert facts_of(head).url == url


def test_address_without_a_fetched_one_is_the_pages_own():
    canonical = '<link rel="canonical" href="https://www.nasim.example/n/7">'

    assert facts_of(canonical, url=None).url == "https://www.nasim.example/n/7"
    assert facts_of('<link rel="canonical" href="/n/7">', url=None).url is None


@pytest.mark.parametrize(
    "comment",
    [
        "saved from url=(0029)https://nasim.example/news/41",
        "\n Page saved with SingleFile \n url: https://nasim.example/news/41 \n saved date: Wed Mar 04 2026",
        "Mirrored from nasim.example/news/41 by HTTrack Website Copier/3.x [XR&CO'2014], Wed, 04 Mar 2026 10:00:00 GMT",
    ],
)
def test_saved_page_has_the_address_that_its_copier_wrote(tmp_path, comment):
    paragraphs = f"<p>{'أعلنت بلدية السدر بدء صيانة الجسر القديم بعد أشهر من التأخير. ' * 3}</p>"
    page = f"<!DOCTYPE html>\n<!-- {comment} -->\n<html><body><article>{paragraphs}</article></body></html>"
    (tmp_path / "a.html").write_text(page, encoding="utf-8")
    (document,) = read_documents([tmp_path]).documents

    assert document.url.removeprefix("http://").removeprefix("https://") == "nasim.example/news/41"
    assert document.source == "nasim.example"


def test_fetched_address_and_time_are_kept_apart():
    page = facts_of('<link rel="canonical" href="/n/7">', url=f"{ADDRESS}?utm_medium=x", at="2026-03-04T10:00:00Z")

    assert (page.url, page.facts.fetched_url) == ("https://nasim.example/n/7", f"{ADDRESS}?utm_medium=x")
    assert page.facts.fetched_at == "2026-03-04T10:00:00Z"


def test_pages_of_the_wayback_machine_have_their_own_address():
    replayed = "https://web.archive.org/web/20260304101112/https://www.nasim.example/n/7"

    assert facts_of(f'<link rel="canonical" href="{replayed}">', url=replayed).url == "https://www.nasim.example/n/7"
    assert facts_of(url=replayed).source == "nasim.example"


@pytest.mark.parametrize(
    ("url", "rules", "source"),
    [
        ("https://www.nasim.example/n", None, "nasim.example"),
        ("https://m.nasim.example/n", None, "nasim.example"),
        ("http://amp.nasim.example:8080/n", None, "nasim.example"),
        ("http://sport.nasim.example/n", None, "sport.nasim.example"),
        ("http://nasim.example/n", {"name": "نسيم"}, "نسيم"),
        (None, None, None),
    ],
)
def test_source_is_the_host_or_its_name(url, rules, source):
    assert facts_of(url=url, rules=rules).source == source


@pytest.mark.parametrize(
    ("head", "body", "rules", "expected"),
    [
        (linked(datePublished="2026-03-04T23:20:30+03:00"), "", None, ("2026-03-04T23:20:30+03:00", "json-ld")),
        (meta("article:published_time", "2026-03-04T20:20:30Z"), "", None, ("2026-03-04T20:20:30Z", "article:published_time")),
        ("", '<time itemprop="datePublished" datetime="2026-03-04">أمس</time>', None, ("2026-03-04", "itemprop")),
        ("", '<span property="dc:date" content="2026-03-04T00:00:00+01:00">أمس</span>', None, ("2026-03-04T00:00:00+01:00", "rdfa")),
        (linked(datePublished="2026-03-04") + meta("article:published_time", "2026-03-04T20:20:30+03:00"), "", None,
         ("2026-03-04T20:20:30+03:00", "article:published_time")),
        (linked(datePublished="2026-03-04") + meta("article:published_time", "2026-03-05T20:20:30Z"), "", None, ("2026-03-04", "json-ld")),
        ("", f"<h1>{TITLE}</h1><div>نُشر الأربعاء ٤ آذار/مارس ٢٠٢٦ 10:05 م</div>", None, ("2026-03-04T22:05:00", "arabic words")),
        ("", f'<div class="date">4 فيفري 2026</div><h1>{TITLE}</h1>', None, ("2026-02-04", "arabic words")),
        ("", f"<h1>{TITLE}</h1><p>05/03/2026 07:30 م</p>", {"date_format": "%d/%m/%Y %I:%M %p", "zone": "Asia/Riyadh"},
         ("2026-03-05T19:30:00+03:00", "arabic words")),
        (meta("article:published_time", "2026-03-04 20:20:30"), "", {"zone": "Africa/Cairo"},
         ("2026-03-04T20:20:30+02:00", "article:published_time")),
        (meta("article:published_time", "2026-03-04T20:20:30Z"), "", {"zone": "Africa/Cairo"},
         ("2026-03-04T20:20:30Z", "article:published_time")),
        (meta("article:published_time", "05/07/2026"), "", None, ("05/07/2026", "article:published_time")),
    ],
    ids=range(12),
)  # fmt: skip
def test_date_is_the_surest_with_its_time_and_zone(head, body, rules, expected):
    page = facts_of(head, body, rules=rules)

    assert (page.published_at, page.facts.date_from) == expected


@pytest.mark.parametrize(
    "body",
    [
        f'<h1>{TITLE}</h1><a href="/2026/03/04/x">4 مارس 2026</a>',
        f"<h1>{TITLE}</h1><nav>4 مارس 2026</nav><aside><p>4 مارس 2026</p></aside>",
        f"<header><div id='today'>4 مارس 2026</div></header><div><div><h1>{TITLE}</h1></div></div>",
        f"<h1>{TITLE}</h1><p>وقع الاتفاق في 4 مارس 2026.</p>",
        f"<h1>{TITLE}</h1><p>آخر تحديث: 4 مارس 2026</p><footer>4 مارس 2026</footer>",
        f"<h1>{TITLE}</h1><p>{'كلمة ' * 60}</p><p>4 مارس 2026</p>",
    ],
    ids=range(6),
)
def test_date_is_not_taken_from_links_menus_sentences_or_updates(body):
    assert facts_of("", body, url="https://nasim.example/2026/03/04/news").published_at is None


@pytest.mark.parametrize(
    ("head", "body", "author"),
    [
        (linked(author={"@type": "Person", "name": "سلمى الندى"}), "", "سلمى الندى"),
        (linked(author=[{"name": "سلمى الندى"}, "نديم الشعفار"]), "", "سلمى الندى، نديم الشعفار"),
        (linked(author={"@id": "#s"}, about=[]) + linked(**{"@type": "Person", "@id": "#s", "name": "سلمى الندى"}), "", "سلمى الندى"),
        (linked(author={"name": "نسيم نيوز"}, publisher={"name": "نسيم نيوز"}) + meta("author", "سلمى الندى"), "", "سلمى الندى"),
        (meta("author", "بقلم: سلمى الندى - السدر"), "", "سلمى الندى"),
        (meta("author", "السدر – سلمى الندى"), "", "سلمى الندى"),
        (meta("author", "السدر – رويترز"), "", None),
        (meta("author", "وكالة أنباء الضفاف"), "", None),
        (meta("author", "السدر: «نسيم»") + meta("og:site_name", "نسيم"), "", None),
        (meta("author", "nasim.example"), "", None),
        (meta("author", "https://nasim.example/u/7"), "", None),
        (meta("author", "editor@nasim.example"), "", None),
        (meta("author", "nasim"), "", None),
        (meta("author", "admin"), "", None),
        (meta("author", "هيئة التحرير"), "", None),
        (meta("author", "كل ما تريد أن تعرفه عن المعرض في سطور"), "", None),
        ("", f"<h1>{TITLE}</h1><span class='writeBy'>كتبت سلمى الندى</span>", "سلمى الندى"),
        ("", f"<h1>{TITLE}</h1><p>كتب: نديم الشعفار</p><p>{'كلمة ' * 60}</p>", "نديم الشعفار"),
        ("", f"<h1>{TITLE}</h1><p>{'كلمة ' * 60}</p><p>كتب الوزير رسالة</p>", None),
        ("", f"<h1>{TITLE}</h1><aside><a rel='author'>سلمى الندى</a></aside>", "سلمى الندى"),
        ("", "<div class='comment'><span class='author-name'>سلمى الندى</span></div>", None),
        ("", "<ol id='comments'><li><b itemprop='author'>قارئ من السدر</b></li></ol>", None),
        ("", "<p itemtype='https://schema.org/Comment'><b itemprop='author'>قارئ من السدر</b></p>", None),
        ("", "<div class='byline'>5 يناير 2020</div>", None),
        ("", "<div class='byline'>كتبت سلمى الندى الأحد ٥ يناير ٢٠٢٠</div>", "سلمى الندى"),
        (meta("author", "سلمى الندى كانون الثاني 5"), "", "سلمى الندى"),
        ("", "<div class='author-name'><div>سلمى الندى</div><div>مراسلة ثقافية</div></div>", "سلمى الندى"),
        (meta("twitter:label1", "كُتب بواسطة") + meta("twitter:data1", "سلمى الندى"), "", "سلمى الندى"),
        (meta("twitter:label1", "وقت القراءة") + meta("twitter:data1", "دقيقة واحدة"), "", None),
        ("", "<p class='byline'><a>سلمى الندى</a><time>يناير 5</time></p>", "سلمى الندى"),
        ("", "<div class='byline'><p>تقرير</p><p>سلمى الندى</p></div>", "سلمى الندى"),
        (linked(author={"name": "سلمى&nbsp;الندى"}), "", "سلمى الندى"),
    ],
    ids=range(32),
)  # fmt: skip
def test_author_is_a_person(head, body, author):
    assert facts_of(head, body).author == author


def test_section_tags_language_and_site_are_columns():
    page = facts_of(
        linked(articleSection="ثقافة", keywords="كتاب، معرض,السدر", publisher={"@type": "Organization", "name": "نسيم"})
        + meta("og:type", "article"),
        top='<html lang="ar_EG">',
    )

    assert page.facts == Facts(
        section="ثقافة", tags=("كتاب", "معرض", "السدر"), language="ar-EG", site="نسيم", fetched_url=ADDRESS, page_type="article"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("top", "head", "language"),
    [
        ('<html lang="fa-IR">', "", "fa-IR"),
        ("<html>", meta("og:locale", "ar_AR"), "ar-AR"),
        ("<html>", '<meta http-equiv="Content-Language" content="AR">', "ar"),
        ('<html lang="{{ lang }}">', "", None),
    ],
)
def test_language_is_the_declared_one(top, head, language):
    assert facts_of(head, top=top).facts.language == language


def test_rights_are_columns():
    free = facts_of(
        linked(isAccessibleForFree=True)
        + '<meta name="robots" content="noindex, noai"><meta name="tdm-reservation" content="1">'
        '<link rel="license" href="https://licence.example/by">'
    ).facts

    assert (free.robots, free.tdm, free.licence, free.is_free) == (
        "noindex, noai",
        "1",
        "https://licence.example/by",
        True,
    )
    assert facts_of(linked(isAccessibleForFree="http://schema.org/False")).facts.is_free is False
    assert facts_of(linked(hasPart={"isAccessibleForFree": "False"})).facts.is_free is False
    assert facts_of(meta("article:content_tier", "metered")).facts.is_free is False
    assert facts_of().facts.is_free is None


def test_other_articles_in_linked_data_are_left_out():
    items = [
        {"@type": "ListItem", "item": {"@type": "NewsArticle", "headline": "خبر آخر", "datePublished": "2020-01-01"}}
    ]
    others = linked(**{"@type": "ItemList", "itemListElement": items})

    assert facts_of(others).published_at is None
    assert facts_of(others + linked(headline=TITLE, datePublished="2026-03-04")).published_at == "2026-03-04"
    both = linked(headline="خبر آخر", datePublished="2020-01-01") + linked(headline=TITLE, datePublished="2026-03-04")
    assert facts_of(meta("og:title", TITLE) + both).published_at == "2026-03-04"


@pytest.mark.parametrize(
    "head",
    [
        '<script type="application/ld+json">{"@type": "NewsArticle", "headline": </script>',
        '<script type="application/ld+json">' + "[" * 100_000 + "</script>",
        '<script type="application/ld+json">[1, null, "x", {"@type": 7, "author": [[[]]], "datePublished": {}}]</script>',
        linked(author=[None, 7, {"name": {}}], headline=[7], keywords={"a": 1}, publisher=[[]], datePublished=None),
        "".join(meta(f"x{n}", "و" * 500) for n in range(10_000)),
        meta("article:published_time", "٩" * 100_000),
        meta("author", "\N{RIGHT-TO-LEFT OVERRIDE}\x1b[31m"),
    ],
    ids=range(7),
)
def test_hostile_metadata_say_nothing(head):
    page = facts_of(head)

    assert (page.url, page.author, page.title) == (ADDRESS, None, None)
    assert page.published_at is None or len(page.published_at) <= 120


@pytest.mark.slow
@pytest.mark.parametrize(
    "markup",
    [
        "<span itemprop=author class=byline>x" * 30_000,
        "<div class='byline date'>كتب 2026</div>" * 90_000,
        f"<h1>{TITLE}</h1>" * 90_000,
        f"<h1>{TITLE * 100_000}</h1>",
        "<title>" + "| " * 2_000_000,
        meta("og:title", "x - y") * 90_000,
        '<link rel="canonical" href="https://nasim.example/">' * 90_000,
        linked(author=[{"name": "x - y"}] * 60_000),
    ],
    ids=range(8),
)
def test_facts_of_a_hostile_page_take_seconds(markup):
    began = time.perf_counter()
    page_facts(parse(markup), fetched_url=ADDRESS, fetched_at=None, rules=None)

    assert time.perf_counter() - began < 15


def test_microdata_say_that_a_page_is_an_article():
    typed = '<html itemscope itemtype="https://schema.org/NewsArticle">'
    many = '<div itemtype="https://schema.org/NewsArticle"></div>' * 2

    assert facts_of(meta("og:type", "website"), top=typed).facts.page_type == "article"
    assert facts_of(meta("og:type", "website"), many).facts.page_type == "website"


def test_wrapped_linked_data_are_read():
    node = json.dumps({"@type": "Article", "datePublished": "2026-03-04", "description": "سطر\nثان"}).replace(
        "\\n", "\n"
    )
    for text in (f"<!-- {node} -->", f"//<![CDATA[\n{node}\n//]]>", f"{node};"):
        assert facts_of(f'<script type="application/LD+JSON">{text}</script>').published_at == "2026-03-04"


def test_values_are_one_line_without_control_characters(tmp_path):
    (tmp_path / "a.html").write_text(
        f"<html><head>{meta('og:title', 'افتتاح&#27;[31m المعرض&#10;غدا')}</head><body><article>"
        f"<p>{'أعلنت بلدية السدر بدء صيانة الجسر القديم بعد أشهر من التأخير. ' * 3}</p></article></body></html>",
        encoding="utf-8",
    )
    (document,) = read_documents([tmp_path]).documents

    assert document.title == "افتتاح[31m المعرض غدا"

"""Feeds as sites write them: namespaces, faulty XML, encodings, titles, sources, teasers."""

import contextlib
import gzip
import time

import pytest

from builder.corpus.readers import feeds
from builder.corpus.readers.documents import read_documents
from builder.corpus.readers.feed.plain import TEASER_WORDS, is_teaser, split_tail
from builder.records import KhabarError
from builder.schema.dataset import Fields
from tests.shared_cases import shared_case

TEXT = "افتتح وزير الثقافة صباح اليوم المعرض السنوي في العاصمة وقال إن الدخول إليه مجاني للطلاب طوال الشهر"
LONG = " ".join([TEXT] * 5)
SPACES = (
    'xmlns:media="http://search.yahoo.com/mrss/" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
    'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:atom="http://www.w3.org/2005/Atom"'
)


def rss(*items, head="<title>نسيم</title><link>https://www.nasim.example/</link>"):
    body = "".join(f"<item>{item}</item>" for item in items)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" {SPACES}><channel>{head}{body}</channel></rss>'


def item(text=LONG, more="", title="المعرض"):
    return f"<title>{title}</title><description>{text}</description>{more}"


def read(tmp_path, content, *, name="a.rss", fields=None, encoding=None):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_documents([tmp_path / name], encoding, fields)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["media", "media-desc-first", "itunes"])
def test_shared_feeds_are_read_by_namespace(name):
    (document,) = read_documents([shared_case(f"10-feed-media-wins/{name}.rss")]).documents

    assert document.title == "سوق السمك"
    assert document.raw.startswith("أعلنت بلدية مرفأ السدر أمس")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "number"), [("nbsp.rss", 3), ("control.rss", 2), ("bare-amp.rss", 2), ("cut.rss.gz", 2)]
)
def test_shared_feeds_with_one_bad_character(name, number):
    assert len(read_documents([shared_case(f"12-feed-one-bad-character/{name}")]).documents) == number


@pytest.mark.parametrize(
    "more",
    [
        "<media:title>صورة</media:title><media:description>من السوق</media:description>",
        "<media:group><media:description>من السوق</media:description></media:group>",
        "<itunes:title>حلقة</itunes:title><itunes:summary>موجز</itunes:summary>",
        "<atom:summary></atom:summary><x:title xmlns:x='urn:x'>غيره</x:title>",
        "<image><title>شعار</title></image>",
    ],
)
def test_elements_of_other_namespaces_are_no_title_and_no_text(tmp_path, more):
    for order in (item(more=more), more + item()):
        (document,) = read(tmp_path, rss(order)).documents
        assert (document.title, document.raw) == ("المعرض", LONG)


def test_undeclared_prefix_is_known_all_the_same(tmp_path):
    content = f"<rss><channel><item><title>المعرض</title><media:title>صورة</media:title><content:encoded>{LONG}</content:encoded></item></channel></rss>"  # fmt: skip
    reading = read(tmp_path, content)

    assert [(one.title, one.raw) for one in reading.documents] == [("المعرض", LONG)]
    assert "faulty XML" in reading.issues[0].message


def test_a_field_may_be_mapped_to_an_element_with_or_without_its_prefix(tmp_path):
    content = rss(item(more="<media:description>صورة</media:description><dc:type>رأي</dc:type>"))

    assert [d.raw for d in read(tmp_path, content, fields=Fields(text="media:description")).documents] == ["صورة"]
    assert [d.source for d in read(tmp_path, content, fields=Fields(source="type")).documents] == ["رأي"]


def test_dublin_core_and_atom_in_rss(tmp_path):
    more = (
        "<dc:date>2026-03-03T18:42:00+03:00</dc:date><dc:creator>سلمى</dc:creator>"
        '<atom:link rel="self" href="https://nasim.example/self"/><link>https://nasim.example/1</link>'
    )
    (document,) = read(tmp_path, rss(more + item())).documents

    assert (document.published_at, document.author, document.url) == (
        "2026-03-03T18:42:00+03:00",
        "سلمى",
        "https://nasim.example/1",
    )


@pytest.mark.parametrize(
    ("links", "url"),
    [
        ('<link rel="self" href="https://b.example/s"/><link href="https://b.example/1"/>', "https://b.example/1"),
        ('<link rel="enclosure" href="https://b.example/a.mp3"/><id>https://b.example/2</id>', "https://b.example/2"),
        ("<id>tag:b.example,2026:3</id>", None),
    ],
)
def test_address_of_an_atom_entry(tmp_path, links, url):
    entry = f"<entry><title>المعرض</title>{links}<content type='html'>{LONG}</content></entry>"
    (document,) = read(tmp_path, f'<feed xmlns="http://www.w3.org/2005/Atom">{entry}</feed>', name="a.atom").documents

    assert document.url == url


def test_permalink_of_an_rss_entry_is_its_address(tmp_path):
    guids = ["<guid>https://n.example/1</guid>", '<guid isPermaLink="false">https://n.example/2</guid>']
    reading = read(tmp_path, rss(*(item(f"{LONG} {number}", guid) for number, guid in enumerate(guids))))

    assert [document.url for document in reading.documents] == ["https://n.example/1", None]


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        ("&nbsp;", "entities of HTML (1)"),
        ("&laquo;نعم&raquo;", "entities of HTML (2)"),
        (" & ", "bare ampersands (1)"),
        ("&unknown;", "bare ampersands (1)"),
        ("\x0b", "characters that XML forbids (1)"),
        ("\x1b[2J", "characters that XML forbids (1)"),
        ("\ufffe", "characters that XML forbids (1)"),
        ("&#x1F;&#0;", "characters that XML forbids (2)"),
        ("<![CDATA[\x00]]>", "characters that XML forbids (1)"),
        ("</b>", "at line 2"),
        ("<br>", "at line 2"),
        ("< ", "at line 2"),
    ],
)
def test_one_fault_costs_at_most_its_entry(tmp_path, bad, fault):
    texts = [f"{LONG} {number}" for number in range(3)]
    reading = read(tmp_path, rss(item(texts[0]), item(f"{texts[1]}{bad}"), item(texts[2])))
    read_texts = [document.raw for document in reading.documents]

    assert {texts[0], texts[2]} <= set(read_texts)
    assert any(text.startswith(texts[1]) for text in read_texts)
    assert [issue.code for issue in reading.issues] == ["feed"]
    assert fault in reading.issues[0].message
    assert "\x1b" not in reading.issues[0].message


def test_what_is_well_formed_causes_no_warning(tmp_path):
    text = f"{LONG} &amp; &#160; &lt;b&gt; <![CDATA[a & b &nbsp; <p>c</p>]]>"
    reading = read(tmp_path, rss(item(text, "<link><![CDATA[https://n.example/?a=1&b=2]]></link>")))

    assert reading.issues == ()
    assert reading.documents[0].url == "https://n.example/?a=1&b=2"
    assert "a & b" in reading.documents[0].raw


@pytest.mark.parametrize("head", ["\n\n", "  \t", "\N{ZERO WIDTH NO-BREAK SPACE}\n", "\r\n<!-- خبر -->"])
def test_leading_blanks(tmp_path, head):
    assert len(read(tmp_path, head + rss(item()).partition("\n")[2]).documents) == 1
    if "<" not in head:
        assert len(read(tmp_path, head + rss(item())).documents) == 1


@pytest.mark.parametrize("cut", [30, 200, 400])
def test_entries_before_the_end_of_a_cut_feed_are_read(tmp_path, cut):
    content = rss(item(f"{LONG} 1"), item(f"{LONG} 2"))
    content = content[: content.rindex("<item>") + cut].encode()
    for name, raw in (("a.rss", content), ("a.rss.gz", gzip.compress(content))):
        reading = read(tmp_path, raw, name=name)
        assert [document.raw for document in reading.documents] == [f"{LONG} 1"]
        assert [(one.what, one.reason) for one in reading.set_aside] == [(f"{name}:2", "truncated")]


def test_cut_stream_keeps_the_entries_before(tmp_path):
    packed = gzip.compress("".join(rss(*(item(f"{LONG} {number} {number**9}") for number in range(500)))).encode())
    reading = read(tmp_path, packed[: len(packed) // 2], name="a.rss.gz")

    assert 50 < len(reading.documents) < 450
    assert {one.reason for one in reading.set_aside} == {"truncated"}


@pytest.mark.parametrize(
    ("declared", "actual", "said"),
    [
        ("utf-8", "windows-1256", "windows-1256, detected"),
        ("iso-8859-1", "windows-1256", "windows-1256, detected"),
        ("windows-1256", "utf-8", "utf-8, detected"),
        ("windows-1256", "windows-1256", "windows-1256, declared"),
        ("utf-8", "utf-16", "utf-16-le, mark"),
        ("iso-8859-6", "iso-8859-6", "iso-8859-6, declared"),
    ],
)
def test_bytes_decide_before_the_declared_encoding(tmp_path, declared, actual, said):
    text = " ".join([TEXT, "وأضاف أن المعرض يضم كتبا من عشرين بلدا", TEXT] * 2)
    (document,) = read(tmp_path, rss(item(text)).replace("UTF-8", declared).encode(actual)).documents

    assert (document.raw, document.encoding) == (text, said)


def test_option_decides_where_detection_cannot(tmp_path):
    content = "<rss><channel><item><description>خبر</description></item></channel></rss>".encode("cp1256")

    with pytest.raises(KhabarError):
        read(tmp_path, content)
    assert [document.raw for document in read(tmp_path, content, encoding="windows-1256").documents] == ["خبر"]


def test_one_byte_that_is_not_utf_8_costs_a_character(tmp_path):
    content = rss(item(f"{LONG} 1"), item(f"{LONG} 2")).encode().replace(b" 2<", b" \xff2<")
    reading = read(tmp_path, content)

    assert [document.raw for document in reading.documents] == [f"{LONG} 1", f"{LONG} \N{REPLACEMENT CHARACTER}2"]
    assert "bytes that are not UTF-8 (1)" in reading.issues[0].message


@pytest.mark.parametrize(
    "declaration",
    [
        '<!ENTITY a "lol">',
        '<!ENTITY a SYSTEM "file:///etc/passwd">',
        '<!ENTITY % a SYSTEM "https://evil.example/x"> %a;',
        '<!ENTITY a0 "lollollol">' + "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(10)),
    ],
)
@pytest.mark.parametrize("place", ["<title>&a;&a10;</title>", '<enclosure url="&a;&a10;"/>'])
def test_declared_entities_are_refused_at_once(tmp_path, declaration, place):
    content = rss(item(more=place)).replace("?>\n", f"?><!DOCTYPE rss [{declaration}]>\n", 1)
    begun = time.monotonic()
    with pytest.raises(KhabarError, match=r"declares entities|no entry|not XML"):
        read(tmp_path, content)

    assert time.monotonic() - begun < 5


def test_deep_and_wide_markup_ends(tmp_path):
    deep = rss(item("<b>" * 100_000))
    wide = rss(item("".join(f'<b a{n}="">' for n in range(20_000))))
    attributes = " ".join(f"a{n}=''" for n in range(20_000))
    many = rss(f"<title {attributes}>م</title><description>{LONG}</description>")
    begun = time.monotonic()
    for content in (deep, wide, many):
        with contextlib.suppress(KhabarError):
            read(tmp_path, content)

    assert time.monotonic() - begun < 20


def test_too_large_feed_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(feeds, "MAX_BYTES", 5_000)
    (tmp_path / "b.rss").write_text(rss(item()), encoding="utf-8")
    (tmp_path / "a.rss").write_text(rss(item(LONG * 30)), encoding="utf-8")
    reading = read_documents([tmp_path])

    assert len(reading.documents) == 1
    assert [one.reason for one in reading.set_aside] == ["too long"]


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("وزير &lt;b&gt;النفط&lt;/b&gt;", "وزير النفط"),
        ("<![CDATA[<em>وزير</em> النفط]]>", "وزير النفط"),
        ("وزير &amp;quot;النفط&amp;quot;", 'وزير "النفط"'),
        (
            "وزير &amp;amp;#8220;النفط&amp;amp;#8221;",
            "وزير \N{LEFT DOUBLE QUOTATION MARK}النفط\N{RIGHT DOUBLE QUOTATION MARK}",
        ),
        ("وزير\n   النفط ", "وزير النفط"),
        ("5 &lt; 6", "5 < 6"),
    ],
)
def test_titles_are_plain_text(tmp_path, written, title):
    assert read(tmp_path, rss(item(title=written))).documents[0].title == title


@pytest.mark.parametrize(
    ("head", "more", "source"),
    [
        ("<title>نسيم</title><link>https://www.nasim.example/news</link>", "", "nasim.example"),
        ('<atom:link rel="self" href="https://f.example/rss"/><title>نسيم</title><link>https://m.nasim.example</link>', "", "nasim.example"),
        ("<title>نسيم</title><link>/</link>", "", "نسيم"),
        ("<title>نسيم</title>", "<source url='https://b.example'>برق</source>", "برق"),
        ("", "", "a"),
        ("<link>https://[</link>", "", "a"),
    ],
)  # fmt: skip
def test_source_of_an_entry(tmp_path, head, more, source):
    (document,) = read(tmp_path, rss(item(more=more), head=head)).documents

    assert document.source == source
    assert document.facts.site == ("نسيم" if "نسيم" in head else None)


def test_categories_and_language_are_facts(tmp_path):
    more = "<category>اقتصاد</category><category><![CDATA[سوق &amp; مال]]></category><category>اقتصاد</category>"
    head = "<title>نسيم</title><language>ar-SA</language>"
    (rss_document,) = read(tmp_path, rss(item(more=more), head=head)).documents
    entry = f"<entry><category term='رأي'/><content>{LONG}</content></entry>"
    atom = f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="ar">{entry}</feed>'
    (atom_document,) = read(tmp_path, atom, name="a.atom").documents

    assert (rss_document.facts.tags, rss_document.facts.language) == (("اقتصاد", "سوق & مال"), "ar-SA")
    assert (atom_document.facts.tags, atom_document.facts.language) == (("رأي",), "ar")


def test_source_of_an_atom_entry_is_the_title_of_its_source(tmp_path):
    entry = f"<entry><source><id>urn:b</id><title>برق</title></source><content>{LONG}</content></entry>"
    feed = f'<feed xmlns="http://www.w3.org/2005/Atom"><title>مجمع</title><link href="https://www.m.example/"/>{entry}</feed>'
    (document,) = read(tmp_path, feed, name="a.atom").documents

    assert (document.source, document.facts.site) == ("برق", "مجمع")


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("الثلاثاء, 03 مارس 2026 18:42:00 +0300", "2026-03-03T18:42:00+03:00"),
        ("3 آذار 2026 - 06:42 م", "2026-03-03T18:42:00"),
        ("Tue, 03 Mar 2026 18:42:00 EST", "2026-03-03T18:42:00-05:00"),
        ("03/04/2026", "03/04/2026"),
    ],
)
def test_dates_of_entries(tmp_path, written, stored):
    reading = read(tmp_path, rss(item(more=f"<pubDate>{written}</pubDate>")))

    assert reading.documents[0].published_at == stored
    assert [issue.code for issue in reading.issues] == (["date"] if written == stored else [])


@pytest.mark.parametrize(
    "tail",
    [
        "ظهرت المقالة المعرض أولاً على نسيم.",
        "ظهرت المقالة المعرض السنوي أولًا على نسيم نيوز",
        "ظهرت التدوينة المعرض اولا على مدونة نسيم.",
        "التدوينة المعرض ظهرت أولاً على نسيم.",
        "هذا الموضوع المعرض ظهر أولاً على نسيم.",
        "ظهر هذا المقال أولاً على نسيم",
        "The post المعرض appeared first on نسيم.",
        "The post Exhibition first appeared on Nasim News.",
    ],
)
def test_last_line_of_wordpress_is_cut_and_kept_apart(tmp_path, tail):
    words = tail.replace("المعرض", "<a href='https://n.example/1'>المعرض</a>")
    content = f"<content:encoded><![CDATA[<p>{LONG}</p><p>{words}</p>]]></content:encoded>"
    (document,) = read(tmp_path, rss(item(more=content))).documents

    assert (document.raw, document.facts.extra, document.facts.is_teaser) == (LONG, {"wordpress tail": tail}, False)


@pytest.mark.parametrize("end", [".", "…", " […]", "!", "؟", "»"])
def test_last_sentence_of_wordpress_is_cut_behind_a_sentence(end):
    tail = "The post المعرض appeared first on نسيم ."

    assert split_tail(f"{TEXT}{end} {tail}") == (f"{TEXT}{end}", tail)


@pytest.mark.parametrize(
    "text",
    [
        "ظهرت المقالة أولاً على صفحات الجريدة ثم في كتاب.\nوقال الكاتب إنها أثارت جدلا.",
        f"{TEXT}. ظهرت المقالة الأولى في عام 1990",
        "قال: The post office appeared first on the list",
    ],
)
def test_prose_like_the_last_line_of_wordpress_stays(text):
    assert split_tail(text) == (text, "")


@pytest.mark.parametrize(
    ("text", "full", "marked"),
    [
        (LONG, "", False),
        (TEXT, "", True),
        (f"{LONG}...", "", True),
        (f"{LONG} […]", "", True),
        (f"{LONG} [&amp;hellip;]", "", True),
        (f"{LONG} اقرأ المزيد", "", True),
        (f"{LONG} &lt;a&gt;إقرأ المزيد »&lt;/a&gt;", "", True),
        (f"{LONG}\nلقراءة المزيد", "", True),
        (f"{LONG} Continue reading المعرض", "", True),
        (TEXT, LONG, False),
        (TEXT, TEXT, False),
        (TEXT, f"{LONG} […]", True),
        (f"{LONG} يتابع القراء المزيد من الأخبار كل يوم", "", False),
        (f"{LONG} وقال: نريد المزيد من الكتب", "", False),
    ],
)
def test_teasers_are_marked(tmp_path, text, full, marked):
    more = f"<content:encoded>{full}</content:encoded>" if full else ""
    (document,) = read(tmp_path, rss(item(text, more))).documents

    assert document.facts.is_teaser is marked
    assert document.raw.startswith(TEXT)


def test_threshold_of_summaries():
    words = ["خبر"] * TEASER_WORDS

    assert is_teaser(" ".join(words[1:]), is_summary=True)
    assert not is_teaser(" ".join(words), is_summary=True)
    assert not is_teaser(" ".join(words[1:]), is_summary=False)


def test_markup_that_is_not_escaped_is_text_all_the_same(tmp_path):
    (document,) = read(tmp_path, rss(f"<description><p>{LONG}</p><p>ثم <b>غادر</b></p></description>")).documents

    assert document.raw == f"{LONG}\nثم غادر"


def test_entry_that_a_cut_stream_ends_is_counted_once(tmp_path):
    items = "".join(
        f"<item><title>ع</title><description>{number} افتتح الوزير المعرض</description></item>" for number in range(300)
    )
    packed = gzip.compress(f"<rss><channel><title>نسيم</title>{items}".encode(), mtime=0)
    (tmp_path / "a.rss.gz").write_bytes(packed[: len(packed) * 2 // 3])
    reading = read_documents([tmp_path / "a.rss.gz"])

    assert [dropped.reason for dropped in reading.set_aside] == ["truncated"]
    assert reading.taken == len(reading.documents) + 1


@pytest.mark.parametrize("declared", [None, "windows-1256"])
def test_feed_in_iso_8859_6_that_declares_windows_1256_is_refused(tmp_path, declared):
    content = f"<?xml version='1.0' encoding='windows-1256'?><rss><channel><item><description>{LONG}</description></item></channel></rss>"
    (tmp_path / "a.rss").write_bytes(content.encode("iso-8859-6"))
    with pytest.raises(KhabarError) as caught:
        read_documents([tmp_path / "a.rss"], declared)

    assert "iconv -f ISO-8859-6" in caught.value.issues[0].fix


@pytest.mark.parametrize("encoding", ["windows-1256", "iso-8859-6", "utf-8"])
@pytest.mark.parametrize("declared", ["windows-1256", "utf-8"])
def test_feed_is_read_as_its_bytes_are_whatever_was_declared(tmp_path, encoding, declared):
    content = f"<?xml version='1.0' encoding='{encoding}'?><rss><channel><item><description>{LONG}</description></item></channel></rss>"
    (tmp_path / "a.rss").write_bytes(content.encode(encoding))
    (document,) = read_documents([tmp_path / "a.rss"], declared).documents

    assert document.raw == LONG

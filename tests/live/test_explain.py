"""The explained page in a real browser: right to left, whole on a laptop's screen, readable, and asking nobody."""

import pytest

from builder.corpus.cleaning.clean import clean
from builder.corpus.explain.html import render_html as html
from builder.corpus.explain.trace import explain
from builder.corpus.readers.documents import read_documents
from builder.io.hashing import sha16
from builder.records import Document
from builder.schema import load_schema
from builder.text.profiles import profile
from tests.conftest import ROOT

pytestmark = pytest.mark.live

RULES = load_schema(ROOT / "schema").boilerplate
STANDARD = profile("standard@1")
TATWEEL = "\N{ARABIC TATWEEL}"
HOSTILE = (
    "<script>window.hit = 1</script><img src='http://127.0.0.1:9/x.png' onerror='window.hit = 2'>"
    "<style>body{display:none}</style> عاد الموكب إلى مرفأ السدر. \N{RIGHT-TO-LEFT OVERRIDE}abc \x1b[31m "
    f"\N{GRINNING FACE} {'w' * 400} {TATWEEL * 400} {'ب' * 400}\n"
    f"\N{ARABIC FATHATAN}قَدَمًا مُتَدَلِّيًا {TATWEEL.join('مرجان')} \N{ARABIC LIGATURE ALLAH ISOLATED FORM}.\nعاد الموكب.\n"
)
CONTRASTS = """() => {
  const channel = v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = c => c.map(v => channel(v / 255)).reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const numbers = css => (css.match(/[\\d.]+/g) || []).map(Number);
  const hex = name => { const probe = document.createElement('i'); probe.style.color = `var(${name})`;
    document.body.append(probe); const c = numbers(getComputedStyle(probe).color); probe.remove(); return c; };
  const below = e => {
    if (e.tagName === 'MARK' && getComputedStyle(e).backgroundImage !== 'none')
      return hex(e.className === 'put' ? '--put' : '--cut');
    const c = numbers(getComputedStyle(e).backgroundColor);
    return c.length === 3 ? c : below(e.parentElement);
  };
  const worst = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.data.trim()) continue;
    const e = node.parentElement;
    const [a, b] = [light(numbers(getComputedStyle(e).color)), light(below(e))].sort((x, y) => y - x);
    worst.push([(a + .05) / (b + .05), e.outerHTML.slice(0, 80)]);
  }
  return worst.sort((x, y) => x[0] - y[0]);
}"""


def explained(one):
    done = clean(one, STANDARD, RULES)
    return html(explain(one, done.articles, STANDARD, done.drops))


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Every example and a hostile page, as files."""
    folder = tmp_path_factory.mktemp("explained")
    examples = {page.origin: page for page in read_documents([ROOT / "examples" / "articles"]).documents}
    hostile = Document(
        sha16(HOSTILE), "<b>", None, None, "</title><script>window.hit = 3</script>", HOSTILE, "a/<i>.txt"
    )
    found = {}
    for number, (origin, one) in enumerate((examples | {"hostile": hostile}).items()):
        found[origin] = folder / f"{number}.html"
        found[origin].write_text(explained(one), encoding="utf-8")
    return found


@pytest.fixture
def watched(browser):
    """A tab of a laptop's size that keeps what it asks for and complains of."""
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    tab = context.new_page()
    tab.asked, tab.said = [], []
    tab.on("request", lambda request: tab.asked.append(request.url))
    tab.on("console", lambda message: tab.said.append(message.text))
    tab.on("pageerror", lambda error: tab.said.append(str(error)))
    yield tab
    context.close()


@pytest.mark.parametrize("width", [1366, 390])
def test_every_page_is_right_to_left_and_as_wide_as_the_window(watched, pages, width):
    watched.set_viewport_size({"width": width, "height": 768})
    for path in pages.values():
        watched.asked.clear()
        watched.goto(path.as_uri())
        over = watched.evaluate(
            "[...document.querySelectorAll('body *')].filter(e => { const r = e.getBoundingClientRect();"
            " return r.width && (r.left < -1 || r.right > innerWidth + 1); }).map(e => e.outerHTML.slice(0, 80))"
        )

        assert watched.evaluate("[document.scrollingElement.scrollWidth, innerWidth]") == [width, width], path
        assert over == []
        assert watched.eval_on_selector_all(
            "html, body, .text", "all => [...new Set(all.map(e => getComputedStyle(e).direction))]"
        ) == ["rtl"]
        assert watched.asked == [path.as_uri()]
    assert watched.said == []


def test_the_text_is_large_and_its_rule_stands_beside_it(watched, pages, tmp_path):
    watched.goto(pages["articles/sahel-news/03.txt"].as_uri())
    watched.screenshot(path=tmp_path / "explain.png")
    text, side = (watched.locator(f".row.dropped {which}").first.bounding_box() for which in (".text", ".side"))
    first = watched.locator(".row.kept .text").first.bounding_box()

    assert watched.eval_on_selector(".row.kept .text", "e => parseFloat(getComputedStyle(e).fontSize)") >= 20
    assert first["y"] < 300, "the page begins on the first screen"
    assert text["x"] >= side["x"] + side["width"] - 1
    assert watched.locator(".row.dropped .tag").first.inner_text() == "source"
    assert (
        watched.locator("mark.cut").first.get_attribute("title") == "◌\N{ARABIC FATHATAN} → ∅\nARABIC FATHATAN\n112:113"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_the_contrast_of_wcag_aa(watched, pages, scheme):
    watched.emulate_media(color_scheme=scheme)
    for origin in ("articles/sahel-news/03.txt", "hostile"):
        watched.goto(pages[origin].as_uri())
        found = watched.evaluate(CONTRASTS)

        assert len(found) > 30
        assert found[0][0] >= 4.5, found[:3]


def test_a_hostile_page_does_nothing(watched, pages):
    watched.goto(pages["hostile"].as_uri())
    watched.wait_for_timeout(200)

    assert watched.evaluate("window.hit") is None
    assert watched.title() == "</title><script>window.hit = 3</script>"
    assert "<script>window.hit = 1</script><img src=" in watched.locator(".text").first.inner_text()
    assert "⟨RLO⟩abc ⟨ESC⟩[31m" in watched.locator(".text").first.inner_text()
    assert watched.locator(".sheet").is_visible()
    assert watched.asked == [pages["hostile"].as_uri()]


def test_a_mark_in_a_word_does_not_part_its_letters(watched, pages):
    """A vocalised word takes as much room with its marks as the same word in plain text."""
    watched.goto(pages["hostile"].as_uri())
    widths = watched.evaluate("""() => {
      const line = document.querySelectorAll('.row.kept .text')[1];
      const wide = node => { const range = document.createRange(); range.selectNodeContents(node);
        return range.getBoundingClientRect().width; };
      const plain = document.createElement('p');
      plain.className = 'text';
      plain.textContent = line.textContent;
      document.body.append(plain);
      return [wide(line), wide(plain), line.querySelectorAll('mark').length];
    }""")

    assert widths[2] >= 5
    assert abs(widths[0] - widths[1]) <= 1

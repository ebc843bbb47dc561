"""The page of agreement in a real browser: right to left, within its window, readable in light and dark, asking nobody."""

import pytest

from builder.annotation.report.page import page as html
from builder.commands import agree as annotate
from builder.commands.clean import clean
from builder.commands.ingest import ingest
from builder.commands.init import init
from builder.project.project import Project
from tests.annotation.examples import HOSTILE, crowd, hostile_page
from tests.conftest import ROOT
from tests.tables import agree

pytestmark = pytest.mark.live

SIZES = {"laptop": (1366, 768), "phone": (390, 844)}
OVER = """[...document.querySelectorAll('body *')].filter(e => {
  const r = e.getBoundingClientRect();
  return r.width && !e.closest('.wide') && (r.left < -1 || r.right > innerWidth + 1); }).map(e => e.outerHTML.slice(0, 90))"""

SHADED = """() => {
  const brush = Object.assign(document.createElement('canvas'), {width: 1, height: 1})
    .getContext('2d', {willReadFrequently: true});
  const known = new Map();
  const light = colours => {
    const name = colours.join('|');
    if (known.has(name)) return known.get(name);
    brush.clearRect(0, 0, 1, 1);
    for (const colour of colours) { brush.fillStyle = colour; brush.fillRect(0, 0, 1, 1); }
    const channel = v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
    const [r, g, b] = [...brush.getImageData(0, 0, 1, 1).data].map(v => channel(v / 255));
    known.set(name, .2126 * r + .7152 * g + .0722 * b);
    return known.get(name);
  };
  const below = e => e ? [...below(e.parentElement), getComputedStyle(e).backgroundColor] : [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const worst = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.data.trim()) continue;
    const e = node.parentElement, style = getComputedStyle(e);
    const under = below(e), ink = e.namespaceURI.endsWith('svg') ? style.fill : style.color;
    const [a, b] = [light([...under, ink]), light(under)].sort((x, y) => y - x);
    worst.push([(a + .05) / (b + .05), e.outerHTML.slice(0, 120)]);
  }
  return worst.sort((x, y) => x[0] - y[0]);
}"""
"""The contrast of every text with all that lies under it, the least first."""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The pages of the repository's demonstration, of a crowd and of hostile names, as files."""
    folder = tmp_path_factory.mktemp("agreement")
    init(folder / "project", card=str)
    project = Project(folder / "project")
    kept = ROOT / "annotations" / "demo"
    (project.annotations / "demo").mkdir()
    for name in ("batch", "judgements"):
        (project.annotations / "demo" / f"{name}.jsonl").write_bytes((kept / f"{name}.jsonl").read_bytes())
    ingest(project, [ROOT / "examples" / "articles"])
    clean(project)
    found = {name: folder / f"{name}.html" for name in ("demo", "crowd", "hostile")}
    annotate.agree(project, found["demo"])
    judgements, articles, labels = crowd(12, 40, 300)
    figures = agree(judgements, labels, {one.id: len(one.text) for one in articles.values()}, resamples=20)
    found["crowd"].write_text(html(figures, judgements, articles, labels, title="ح" * 300), encoding="utf-8")
    found["hostile"].write_text(hostile_page(f"{HOSTILE} {'w' * 400} {'ب' * 400}", HOSTILE[:90]), encoding="utf-8")
    return found


@pytest.fixture
def watched(browser):
    """A tab that keeps what it asks for and complains of."""
    context = browser.new_context()
    tab = context.new_page()
    tab.asked, tab.said = [], []
    tab.on("request", lambda request: tab.asked.append(request.url))
    tab.on("console", lambda message: tab.said.append(message.text))
    tab.on("pageerror", lambda error: tab.said.append(str(error)))
    yield tab
    context.close()


def unfold(tab):
    tab.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")


@pytest.mark.parametrize("name", ["demo", "crowd", "hostile"])
@pytest.mark.parametrize("size", SIZES)
def test_every_page_is_right_to_left_and_as_wide_as_the_window(watched, pages, tmp_path, name, size):
    wide, high = SIZES[size]
    watched.set_viewport_size({"width": wide, "height": high})
    watched.goto(pages[name].as_uri())
    watched.screenshot(path=tmp_path / f"{name}-{size}.png", full_page=True)
    unfold(watched)

    assert watched.evaluate("[document.scrollingElement.scrollWidth, innerWidth]") == [wide, wide]
    assert watched.evaluate(OVER) == []
    assert watched.eval_on_selector_all(
        "html, body, .text, table", "all => [...new Set(all.map(e => getComputedStyle(e).direction))]"
    ) == ["rtl"]
    assert watched.asked == [pages[name].as_uri()]
    assert watched.said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["demo", "crowd", "hostile"])
def test_every_text_has_the_contrast_of_wcag_aa(watched, pages, tmp_path, name, scheme):
    watched.emulate_media(color_scheme=scheme)
    watched.goto(pages[name].as_uri())
    watched.screenshot(path=tmp_path / f"{name}-{scheme}.png", full_page=True)
    unfold(watched)
    found = watched.evaluate(SHADED)

    assert len(found) > 100
    assert found[0][0] >= 4.5, found[:3]


def test_the_headlines_are_on_the_first_screen_of_a_laptop(watched, pages):
    watched.set_viewport_size({"width": 1366, "height": 768})
    watched.goto(pages["demo"].as_uri())
    first, *_, last = [one.bounding_box() for one in watched.locator(".headline").all()]

    assert last["y"] + last["height"] < 400
    assert first["x"] > last["x"], "the first figure is on the right"


def test_a_bar_is_as_long_as_its_figure_and_grows_to_the_left(watched, pages):
    watched.set_viewport_size({"width": 1366, "height": 768})
    watched.goto(pages["demo"].as_uri())
    rows = watched.evaluate("""[...document.querySelectorAll('.headline')].map(e => {
      const [bar, plot] = ['svg.ci rect', 'svg.ci'].map(s => e.querySelector(s).getBoundingClientRect());
      return [bar.width / plot.width, plot.right - bar.right, parseFloat(e.querySelector('.sum .n').textContent)]; })""")

    assert len(rows) == 3
    for share, gap, value in rows:
        assert share == pytest.approx(value, abs=0.002)
        assert abs(gap) < 1


def test_a_mark_does_not_part_the_letters_of_a_passage(watched, pages):
    """Marked words take as much room as the same words in plain text."""
    watched.set_viewport_size({"width": 1366, "height": 768})
    watched.goto(pages["demo"].as_uri())
    widths = watched.evaluate("""[...document.querySelectorAll('.text .mark')].slice(0, 40).map(mark => {
      const plain = document.createElement('span');
      plain.textContent = mark.textContent;
      const line = document.createElement('p');
      line.className = 'text'; line.style.whiteSpace = 'nowrap';
      const other = mark.cloneNode(true);
      line.append(plain, document.createElement('br'), other);
      document.querySelector('.dispute').append(line);
      const found = [plain, other].map(e => e.getBoundingClientRect().width);
      line.remove();
      return found; })""")

    assert len(widths) == 40
    assert all(abs(one - other) <= 1 for one, other in widths)


def test_hostile_names_and_texts_do_nothing(watched, pages):
    watched.goto(pages["hostile"].as_uri())
    watched.wait_for_timeout(200)

    assert watched.evaluate("window.hit") is None
    assert watched.title().startswith("الاتفاق: </title></style></script><script>window.hit = 1</script>")
    assert watched.locator(".headline").count() == 3
    assert watched.asked == [pages["hostile"].as_uri()]


def test_the_printed_page_is_light_and_keeps_its_colours(watched, pages):
    watched.emulate_media(media="print", color_scheme="dark")
    watched.goto(pages["demo"].as_uri())
    paper = watched.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--sheet').trim()")

    assert paper == "#fffdf9"
    assert watched.evaluate("getComputedStyle(document.body).printColorAdjust") == "exact"
    assert len(watched.pdf()) > 20_000

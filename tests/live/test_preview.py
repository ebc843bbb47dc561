"""The annotation page without a server, in a real browser."""

from urllib.parse import urlsplit

import pytest

from builder.labelstudio.config import guide_html
from builder.labelstudio.preview import SAMPLE, preview_page
from builder.schema import load_schema
from tests.conftest import ROOT
from tests.live.page import WORD_BOX

pytestmark = pytest.mark.live

SCHEMA = load_schema(ROOT / "schema")


@pytest.fixture
def page(browser, tmp_path):
    """The page of the sample, as `khabar schema render --html` writes it."""
    labels = SCHEMA.labels
    path = tmp_path / "page.html"
    guide = guide_html(SCHEMA.guidelines, SCHEMA.guideline_version)
    path.write_text(
        preview_page(labels, guide, SAMPLE.title, "نسيم", SAMPLE.text, labels.stances.targets[:2]), encoding="utf-8"
    )
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    page = context.new_page()
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(path.as_uri())
    yield page
    context.close()


def drag_over(page, mention):
    box = page.evaluate(WORD_BOX, [".kh-text", mention])
    page.mouse.move(box["right"] - 1, box["middle"])
    page.mouse.down()
    page.mouse.move(box["left"] + 1, box["middle"], steps=10)
    page.mouse.up()


def test_mentions_and_answers_can_be_tried(page):
    page.keyboard.press("7")
    drag_over(page, "رئيسة بلدية مرجانة")
    page.keyboard.press("3")
    box = page.locator("mark").first
    drag_over(page, "مرجانة")
    page.keyboard.press("w")
    page.keyboard.press("d")

    assert box.text_content() == "رئيسة بلدية مرجانة"
    assert page.locator("mark mark").text_content() == "مرجانة"
    assert page.locator("mark mark").get_attribute("data-label") == "كيان جيوسياسي"
    assert [page.locator(".kh-target").nth(n).locator("input:checked").get_attribute("data-key") for n in (0, 1)] == [
        "w",
        "d",
    ]


def test_all_is_in_sight_right_to_left_and_nothing_is_fetched(page):
    scrolled = page.evaluate("[document.scrollingElement.scrollHeight, innerHeight]")
    text, question = (page.locator(name).first.bounding_box() for name in (".kh-text", ".kh-target"))

    assert scrolled[0] <= scrolled[1]
    assert text["x"] > question["x"]
    assert {urlsplit(url).scheme for url in page.asked} == {"file"}
    assert len(page.asked) == 1

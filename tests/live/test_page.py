"""The annotation page in a real browser: drag over a mention, answer, submit, collect."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from builder.annotation.pseudonyms import pseudonym
from builder.labelstudio import client
from builder.labelstudio.config import render_config
from builder.labelstudio.download.sync import collect
from builder.records import Span, Stance
from tests.live.page import TEXT, choose, drag_over, log_in

pytestmark = pytest.mark.live


@pytest.fixture
def sent(label_studio, config, article, task, request):
    """A project of one article, for this test alone."""
    title = re.sub(r"\W+", " ", request.node.name)[-45:].strip()
    tasks = [task(article(900, TEXT))]
    return title, client.send(label_studio.connection, title, config, tasks, overlap=3, progress=print)


@pytest.fixture
def page(browser, label_studio, sent):
    """The label stream, as the first annotator sees it after logging in; every request is kept."""
    _, place = sent
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="en-US")
    page = context.new_page()
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    log_in(page, place.url, label_studio.logins[0])
    page.goto(f"{place.url}/projects/{place.project_id}/data?labeling=1")
    expect(page.locator(".kh-text .lsf-htx-richtext")).to_contain_text("ميناء مرجانة")
    page.wait_for_timeout(500)
    yield page
    context.close()


def test_a_mention_drawn_in_the_browser_comes_back_as_that_very_span(page, label_studio, sent, tmp_path):
    title, _ = sent
    page.keyboard.press("5")
    drag_over(page, "ميناء مرجانة")
    page.keyboard.press("3")
    drag_over(page, "مرجانة")  # nested: inside the first one
    choose(page, 0, "معارض")
    page.keyboard.press("d")  # the second question, by key: neutral
    page.fill(".kh-side textarea", "ملاحظة 1 q w")
    page.screenshot(path=tmp_path / "labelled.png")
    page.click("button:has-text('Submit')")
    expect(page.locator("body")).to_contain_text("No More Tasks", ignore_case=True)
    found = collect(label_studio.connection, title, lambda who: pseudonym(b"k", who))

    (judgement,) = found.judgements
    outer, inner = TEXT.index("ميناء مرجانة"), TEXT.index("مرجانة")
    assert [(s.start, s.end, s.label) for s in judgement.spans] == [
        (outer, outer + 12, "FAC"),
        (inner, inner + 6, "GPE"),
    ]
    assert [TEXT[s.start : s.end] for s in judgement.spans] == ["ميناء مرجانة", "مرجانة"]
    assert judgement.stances == (Stance("metro", "neutral"), Stance("port", "against"))
    assert judgement.remark == "ملاحظة 1 q w"
    assert judgement.annotator == pseudonym(b"k", label_studio.logins[0][0])
    assert judgement.seconds > 0
    assert found.issues == ()


def test_submit_is_refused_while_a_question_has_no_answer(page, label_studio, sent):
    title, _ = sent
    choose(page, 0, "معارض")
    page.click("button:has-text('Submit')")

    expect(page.locator("body")).to_contain_text("حدّد الموقف من كل هدف")
    found = collect(label_studio.connection, title, str)
    assert found.judgements == ()


def test_text_labels_questions_and_guidelines_are_in_sight_right_to_left(page):
    boxes = {
        name: page.locator(selector).first.bounding_box()
        for name, selector in {
            "labels": ".kh-bar", "title": ".kh-title", "text": ".kh-text", "first": ".kh-target", "guide": ".kh-guide h1",
        }.items()
    }  # fmt: skip
    asked = page.locator(".kh-target:visible")
    scrolled = page.evaluate("[document.scrollingElement.scrollHeight, innerHeight]")

    assert scrolled[0] <= scrolled[1], "the page itself does not scroll"
    assert all(box["y"] >= 0 and box["y"] + min(box["height"], 30) <= 718 for box in boxes.values()), boxes
    assert boxes["text"]["y"] + boxes["text"]["height"] <= 718
    assert asked.count() == 2, "a question that the article does not ask is not shown"
    assert boxes["text"]["x"] > boxes["first"]["x"], "the text is on the right"
    direction = page.eval_on_selector(".kh-text .lsf-htx-richtext", "e => getComputedStyle(e).direction")
    assert direction == "rtl"
    labels = [label.split("\n")[0] for label in page.locator(".kh-bar .lsf-label").all_inner_texts()]
    assert labels[:2] == ["شخص", "منظمة"]


def test_the_browser_asks_nobody_but_this_machine(page):
    page.wait_for_timeout(1500)
    hosts = {urlsplit(url).hostname for url in page.asked if urlsplit(url).scheme in ("http", "https", "ws", "wss")}

    assert len(page.asked) > 20
    assert hosts == {"127.0.0.1"}


def test_html_in_an_article_is_text_and_offsets_behind_it_are_right(page, label_studio, config, article, task):
    text = "<script>window.hit = 1</script> </Text> {{x}} $text <b>و</b> ثم زار ميناء مرجانة أمس."
    sent = client.send(
        label_studio.connection, "hostile text", config, [task(article(901, text))], overlap=1, progress=print
    )
    page.goto(f"{sent.url}/projects/{sent.project_id}/data?labeling=1")
    expect(page.locator(".kh-text .lsf-htx-richtext")).to_contain_text("<script>window.hit = 1</script>")
    page.wait_for_timeout(500)
    page.keyboard.press("5")
    drag_over(page, "ميناء مرجانة")
    page.keyboard.press("q")
    page.click("button:has-text('Submit')")
    expect(page.locator("body")).to_contain_text("No More Tasks", ignore_case=True)
    (judgement,) = collect(label_studio.connection, "hostile text", str).judgements
    (span,) = judgement.spans

    assert page.evaluate("window.hit") is None
    assert text[span.start : span.end] == "ميناء مرجانة"
    assert span == Span(text.index("ميناء"), text.index(" أمس"), "FAC", span.id)


def test_a_label_with_quotes_and_markup_is_shown_as_it_is(page, label_studio, article, task, schema):
    name = "شخص \"عام\" 'خاص' <b>&amp;"
    entities = (schema.labels.entities[0].model_copy(update={"ar": name}), *schema.labels.entities[1:])
    labels = schema.labels.model_copy(update={"entities": entities})
    sent = client.send(
        label_studio.connection,
        "quoted label",
        render_config(labels),
        [task(article(902, TEXT))],
        overlap=1,
        progress=print,
    )
    page.goto(f"{sent.url}/projects/{sent.project_id}/data?labeling=1")
    expect(page.locator(".kh-text .lsf-htx-richtext")).to_contain_text("ميناء مرجانة")

    assert page.locator(".kh-bar .lsf-label").first.inner_text().split("\n")[0] == name

"""Questions on the whole article in a real browser: one answer, several answers, by mouse and by key."""

from dataclasses import replace

import pytest
from playwright.sync_api import expect

from builder.annotation.questions import question_keys
from builder.labelstudio import client
from builder.labelstudio.config import guide_html, render_config
from builder.labelstudio.download.sync import collect
from builder.labelstudio.tasks import task_of, with_predictions
from builder.records import Answer, BatchItem, Prediction, Stance
from builder.schema.labels import AnswerValue, Question
from tests.live.page import TEXT, choose, log_in

pytestmark = pytest.mark.live


def question(name, ar, answers, *values):
    return Question(
        id=name,
        ar=ar,
        en=name,
        answers=answers,
        values=tuple(AnswerValue(name=name_, ar=ar_, en=name_) for name_, ar_ in values),
    )


TONE = question("tone", "ما نبرة المقال؟", "one", ("positive", "إيجابية"), ("negative", "سلبية"), ("even", "متوازنة"))
TOPIC = question("topic", "عمّ يتحدث المقال؟", "several", ("politics", "سياسة"), ("economy", "اقتصاد"),
                 ("sport", "رياضة"), ("culture", "ثقافة"), ("science", "علوم"), ("weather", "طقس"))  # fmt: skip


@pytest.fixture(scope="module")
def asking(schema):
    return replace(schema, labels=schema.labels.model_copy(update={"questions": (TONE, TOPIC)}))


@pytest.fixture
def open_page(browser, label_studio, asking, article):
    """Send one article, and open it as the first annotator."""
    contexts = []

    def opened(title, number, *predictions):
        one = article(number, TEXT)
        item = BatchItem("batch-1", one.id, one.text_sha, one.id, "sahel")
        task = task_of(one, item, asking, "صحيفة الساحل", guide_html(asking.guidelines))
        place = client.send(label_studio.connection, title, render_config(asking.labels),
                            [with_predictions(task, predictions)], overlap=3, progress=print)  # fmt: skip
        for prediction in predictions:
            client.show_predictions(label_studio.connection, place.project_id, prediction.origin, instead=True)
        context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="en-US")
        contexts.append(context)
        page = context.new_page()
        log_in(page, place.url, label_studio.logins[0])
        page.goto(f"{place.url}/projects/{place.project_id}/data?labeling=1")
        expect(page.locator(".kh-text .lsf-htx-richtext")).to_contain_text("ميناء مرجانة")
        page.wait_for_timeout(500)
        return page

    yield opened
    for context in contexts:
        context.close()


def test_one_and_several_answers_come_back_as_chosen(open_page, label_studio, asking, tmp_path):
    page = open_page("questions", 980)
    choose(page, 0, "معارض")
    choose(page, 1, "محايد")
    visible = page.locator(".kh-target:visible")
    visible.nth(2).locator("label", has_text="إيجابية").click()
    page.keyboard.press(question_keys(asking.labels)[0][1])  # by key: negative in place of positive
    visible.nth(3).locator("label", has_text="سياسة").click()
    visible.nth(3).locator("label", has_text="ثقافة").click()
    page.keyboard.press(question_keys(asking.labels)[1][1])  # by key: economy too
    page.screenshot(path=tmp_path / "questions.png")
    scrolled = page.evaluate("[document.scrollingElement.scrollHeight, innerHeight]")
    assert scrolled[0] <= scrolled[1], "the page itself does not scroll"
    page.click("button:has-text('Submit')")
    expect(page.locator("body")).to_contain_text("No More Tasks", ignore_case=True)
    found = collect(label_studio.connection, "questions", str)

    (judgement,) = found.judgements
    assert judgement.answers == (
        Answer("tone", "negative"), Answer("topic", "culture"), Answer("topic", "economy"), Answer("topic", "politics"),
    )  # fmt: skip
    assert judgement.stances == (Stance("metro", "neutral"), Stance("port", "against"))
    assert found.issues == ()


def test_submit_is_refused_while_a_question_is_open(open_page, label_studio):
    page = open_page("open question", 981)
    choose(page, 0, "معارض")
    choose(page, 1, "محايد")
    page.click("button:has-text('Submit')")

    expect(page.locator("body")).to_contain_text("أجب عن كل سؤال عن المقال")
    assert collect(label_studio.connection, "open question", str).judgements == ()


def test_predicted_answers_are_ticked_on_the_page(open_page, label_studio):
    answers = (Answer("tone", "even"), Answer("topic", "sport"), Answer("topic", "weather"))
    page = open_page("predicted", 982, Prediction("model", (), answers=answers))
    page.wait_for_timeout(500)
    ticked = page.locator(".kh-target:visible label:has(input:checked)").all_inner_texts()

    assert [text.split("[")[0].strip() for text in ticked] == ["متوازنة", "رياضة", "طقس"]

"""What the tests of who sees what share: a project of articles that ask two questions, a browser window, answers."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Page, expect

from builder.commands import send as annotate
from builder.commands.init import init
from builder.io.hashing import sha16
from builder.labelstudio import annotator
from builder.labelstudio.tasks import key_of, result_of
from builder.project.project import Project
from builder.records import Article, BatchItem, Document, Span, Stance
from tests.live.conftest import Answer
from tests.live.page import TEXT, choose, drag_over, log_in
from tests.live.projects import put_batch, store

REMARK = "ملاحظة زهراء وحدها"
PORT = TEXT.index("ميناء مرجانة")
ANSWER = Answer(
    (Span(PORT, PORT + 12, "FAC", "port-by-zahra"),),
    (Stance("metro", "neutral"), Stance("port-expansion", "against")),
)


@dataclass
class Window:
    """An annotator's browser window, and the text of all that the server answered to it."""

    page: Page
    answered: list[tuple[str, str]] = field(default_factory=list)

    def holding(self, word):
        """The paths whose answers hold a word."""
        return {re.sub(r"^https?://[^/]+|\?.*", "", url) for url, body in self.answered if word in body}


@contextlib.contextmanager
def window(browser, login, place):
    """Log in as an annotator in a window of their own, and go to a label stream."""
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="en-US")
    opened = Window(context.new_page())

    def keep(route):
        response = route.fetch(max_redirects=0)
        if "/static/" not in route.request.url and "/react-app/" not in route.request.url:
            opened.answered.append((route.request.url, response.text()))
        route.fulfill(response=response)

    context.route("**/*", keep)
    page = opened.page
    log_in(page, place["url"], login)
    page.goto(f"{place['url']}/projects/{place['project_id']}/data?labeling=1")
    expect(page.locator(".kh-text .lsf-htx-richtext")).to_contain_text("ميناء مرجانة")
    page.wait_for_timeout(500)
    yield opened
    context.close()


@pytest.fixture
def enter(browser) -> Iterator:
    """Open an annotator's window on a label stream; closed after the test."""
    with contextlib.ExitStack() as windows:
        yield lambda login, place: windows.enter_context(window(browser, login, place))


def label(page, tmp_path):
    """Answer all but one question: a label taken with the mouse and two by key, one inside another."""
    page.locator(".kh-bar .lsf-label").first.click()
    drag_over(page, "سلمى الراوي")
    page.keyboard.press("5")
    drag_over(page, "ميناء مرجانة")
    page.keyboard.press("3")
    drag_over(page, "مرجانة")
    page.fill(".kh-side textarea", REMARK)
    page.locator(".kh-source").click()
    choose(page, 0, "معارض")
    page.screenshot(path=tmp_path / "labelled.png")


def submit(page):
    """Answer the last question by key, and submit by key."""
    page.keyboard.press("d")
    page.keyboard.press("Control+Enter")
    expect(page.locator("body")).to_contain_text("No More Tasks", ignore_case=True)


def project_of(folder, assignment, number, **fields):
    """A project with a batch of `number` articles, each of which asks about two targets."""
    init(folder, repo_id=f"khabar/{folder.name}-{assignment}", card=str)
    path = folder / "schema" / "dataset.yaml"
    given = {"overlap": 2, "shared": 0, "assignment": assignment} | fields
    kept = [line for line in path.read_text().splitlines(keepends=True) if line.split(":")[0] not in given]
    path.write_text("".join(kept) + "".join(f"{key}: {value}\n" for key, value in given.items()))
    project = Project(folder)
    documents = [
        Document(sha16(f"{TEXT} {n}"), "sahel", None, None, f"خبر {n}", f"{TEXT} {n}", f"x.jsonl:{n}")
        for n in range(number)
    ]
    articles = [Article(f"{one.id}-0", one.id, 0, one.title, one.raw, (), (), "p", one.id) for one in documents]
    store(project, documents, articles)
    items = [BatchItem("pilot", one.id, one.text_sha, one.id, "sahel") for one in articles]
    put_batch(project, items)
    return project


def send(project, **named):
    return annotate.send(project, "pilot", dry_run=False, progress=print, **named)


def answer_some(login, place, number):
    """Answer so many articles of a stream, with a remark, and give back which."""
    done = []
    with annotator.log_in(place["url"], *login) as person:
        for _ in range(number):
            task = person.next_task(int(place["project_id"]))
            result = result_of(ANSWER.spans, ANSWER.stances, task["data"], REMARK)
            person.submit(task, result, seconds=9, skipped=False)
            done.append(key_of(task["data"])[0])
    return done


@contextlib.contextmanager
def session_of(login, url):
    """The session that a browser has after logging in."""
    with annotator.log_in(url, *login) as person:
        person.client.base_url = url
        person.client.headers.update({"X-CSRFToken": person.client.cookies["csrftoken"], "Referer": url})
        yield person.client


def told_by(session, project_ids):
    """All that a server's lists say of people, projects, tasks, answers and exports to who is logged in there."""
    listed = ["/api/users", "/api/projects?page_size=1000", "/api/organizations/1/memberships"]
    for number in project_ids:
        listed += [f"/api/tasks?project={number}&fields=all", f"/api/projects/{number}/export?exportType=JSON"]
    return {path: session.get(path).raise_for_status().text for path in listed}

"""`khabar diff` by revision of a Hub, and its page in a browser."""

import json
import shutil

import pytest

from builder.commands import diff
from builder.commands.build import build
from builder.commands.sample import sample
from builder.local_hub.server import serve
from tests.builders import judge, snapshot, walk
from tests.conftest import ROOT

pytestmark = pytest.mark.live


@pytest.fixture
def pushed(project, khabar):
    """Two releases on the rehearsal Hub."""
    walk(project, [ROOT / "examples" / "articles"], size=10)
    judge(project)
    build(project, "1.0.0")
    sample(project, "second", 4)
    judge(project, "second")
    build(project, "1.1.0")
    for version in ("1.0.0", "1.1.0"):
        done = khabar("push", version, "--rehearse", cwd=project.root)
        assert done.returncode == 0, done.stderr
    return project


def test_revisions_of_a_hub_differ_as_the_folders_do(pushed, khabar):
    local = diff.diff(pushed, "v1.0.0", "v1.1.0", base=pushed.root)
    byname = diff.diff(pushed, "khabar/demo-news@v1.0.0", "khabar/demo-news@main", base=pushed.root, rehearse=True)
    mixed = khabar("diff", "@v1.0.0", "dist/v1.1.0", "--rehearse", "--json", cwd=pushed.root)

    assert byname == local
    assert len(local.articles_added) == 4
    assert json.loads(mixed.stdout)["articles_added"] == [
        {"article_id": one.article_id, "split": one.split} for one in local.articles_added
    ]


def test_since_accepts_a_predecessor_on_the_hub(pushed, khabar):
    with serve(pushed.work / "hub") as hub:
        own = {"HF_ENDPOINT": hub.url, "HF_TOKEN": "good"}
        built = khabar("build", "1.1.1", cwd=pushed.root, **own)
        first = snapshot(pushed.release("1.1.1"))
        shutil.rmtree(pushed.root / "dist")
        alone = khabar("build", "1.1.1", cwd=pushed.root, **own)
        named = khabar("build", "1.1.1", "--since", "khabar/demo-news@v1.1.0", cwd=pushed.root, **own)

    assert (built.returncode, named.returncode) == (0, 0), built.stderr + named.stderr
    assert alone.returncode == 2
    assert "1.1.1 cannot be compared with 1.1.0: it is not in dist/" in alone.stderr
    assert "--since khabar/demo-news@v1.1.0 from the Hub" in alone.stderr
    assert snapshot(pushed.release("1.1.1")) == first


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("khabar/demo-news@v9.9.9", "reading v9.9.9 of khabar/demo-news"),
        ("khabar/nothing@v1.0.0", "reading v1.0.0 of khabar/nothing"),
    ],
)
def test_a_revision_that_is_not_there_is_said(pushed, khabar, name, said):
    done = khabar("diff", name, "v1.1.0", "--rehearse", cwd=pushed.root)

    assert done.returncode == 3
    assert done.stderr.startswith(f"error[hub-absent] {said}")
    assert "Traceback" not in done.stderr


def test_the_page_fits_a_browser_and_runs_nothing(pushed, browser):
    page = pushed.root / "diff.html"
    diff.diff(pushed, "v1.0.0", "v1.1.0", base=pushed.root, page=page)
    tab = browser.new_page(viewport={"width": 900, "height": 700}, color_scheme="dark")
    asked, said = [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: said.append(message.text))
    tab.goto(page.as_uri())

    assert asked == [page.as_uri()]
    assert said == []
    assert tab.evaluate("getComputedStyle(document.documentElement).direction") == "rtl"
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert tab.locator("section.card").count() >= 3
    tab.close()

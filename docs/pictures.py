"""Make the pictures of the README from the demonstration's own pages, in a real Chromium: `make pictures`.

Runs `khabar demo --keep` in a temporary folder, so the annotators are simulated and the servers are not.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow.parquet as pq
from playwright.sync_api import Browser, Page, sync_playwright

FOLDER = Path(__file__).parent / "pictures"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--font-render-hinting=none")  # fmt: skip
LAPTOP = {"width": 1500, "height": 820}


def khabar(project: Path, *arguments: str) -> str:
    """Run a command in the demonstration's project, and return what it prints."""
    command = [sys.executable, "-m", "builder", "-C", str(project), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def annotation_page(browser: Browser, address: str, email: str, password: str) -> None:
    """Take the annotation page as an annotator sees an article that is labelled already."""
    parts = urlsplit(address)
    server = f"{parts.scheme}://{parts.netloc}"
    number = parts.path.split("/")[2]
    page = browser.new_page(viewport=LAPTOP, locale="en-US")
    page.goto(f"{server}/user/login/")
    page.fill("input[name=email]", email)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "/user/login" not in url)
    tasks = page.request.get(f"{server}/api/tasks?project={number}&fields=all&page_size=50").json()["tasks"]
    best = max(tasks, key=lambda task: (len({one["id"] for one in task["data"]["targets"]}), _size(task)))
    page.goto(f"{server}/projects/{number}/data?task={best['id']}")
    page.wait_for_selector(".kh-text .lsf-htx-richtext span")
    page.wait_for_timeout(1500)
    box = page.locator(".kh-page").first.bounding_box()
    clip = {"x": box["x"] - 14, "y": box["y"] - 10, "width": box["width"] + 28, "height": 765 - box["y"]}
    page.screenshot(path=FOLDER / "annotation-page.png", clip=clip)


def _size(task: dict[str, Any]) -> int:
    return sum(len(annotation["result"]) for annotation in task["annotations"])


def report(browser: Browser, path: Path, name: str, height: int) -> None:
    """Take the top of an HTML report."""
    page: Page = browser.new_page(viewport={"width": 1200, "height": height}, locale="en-US")
    page.goto(path.resolve().as_uri())
    page.wait_for_timeout(300)
    page.screenshot(path=FOLDER / f"{name}.png")


def plot(browser: Browser, path: Path, name: str) -> None:
    """Take an SVG plot of the card on white."""
    page = browser.new_page(viewport={"width": 900, "height": 500})
    page.set_content(f'<body style="margin:16px;background:white">{path.read_text(encoding="utf-8")}</body>')
    page.locator("svg").first.screenshot(path=FOLDER / f"{name}.png")


def main() -> None:
    """Make all pictures."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="khabar-pictures-") as scratch:
        project = Path(scratch) / "khabar-demo"
        command = [sys.executable, "-m", "builder", "demo", "--keep", str(project)]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        try:
            address = next(line.strip() for line in said if "/data?labeling" in line)
            login = next(line.split() for line in said if "log in as" in line)
            khabar(project, "agree", "--html", "agreement.html")
            khabar(project, "explain", _most_changed(project), "--html", "explain.html")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(FLAGS))
                annotation_page(browser, address, login[3], login[5])
                report(browser, project / "agreement.html", "agreement", 760)
                report(browser, project / "explain.html", "explain", 760)
                plots = sorted((project / "dist" / "v1.0.0" / "assets").glob("*.svg"))
                plot(browser, plots[0], "card-plot")
                browser.close()
        finally:
            khabar(project, "studio", "down")


def _most_changed(project: Path) -> str:
    """Return the id of the document that lost most lines."""
    shards = sorted((project / ".khabar" / "corpus" / "articles").glob("*.parquet"))
    rows = [row for shard in shards for row in pq.read_table(shard, columns=["document_id", "drops"]).to_pylist()]
    return str(max(rows, key=lambda row: len(row["drops"]))["document_id"])


if __name__ == "__main__":
    main()

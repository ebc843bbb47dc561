"""One real Label Studio for the live tests: installed by khabar's own hand, started once for the session."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from builder.io.hashing import sha16
from builder.labelstudio import client
from builder.labelstudio.api.connection import Connection
from builder.labelstudio.config import guide_html, render_config
from builder.labelstudio.server.install import install
from builder.labelstudio.server.process import Server, down, new_credentials, up
from builder.labelstudio.tasks import task_of
from builder.records import Article, BatchItem
from builder.schema import Schema
from builder.schema.boilerplate import Boilerplate
from builder.schema.dataset import Dataset, Licence
from builder.schema.labels import EntityType, Labels, Stances, StanceTarget, StanceValue

CONSTRAINTS = Path(__file__).parent.parent.parent / "constraints-studio.txt"
NAMES = ("annotator-1", "annotator-2", "annotator-3")
GUIDE = (
    "# إرشادات\n\nاقرأ المقال كاملًا مرة قبل أن تبدأ.\n\n## الكيانات\n\n1. ظلّل الكلمات كاملة.\n2. سم كل ورود للكيان.\n"
)
ENTITIES = (
    ("PERS", "شخص", "#b3261e", "1"), ("ORG", "منظمة", "#1f7a3d", "2"), ("GPE", "كيان جيوسياسي", "#1d4ed8", "3"),
    ("LOC", "موقع جغرافي", "#0f766e", "4"), ("FAC", "منشأة", "#9a3412", "5"), ("OCC", "منصب", "#854d0e", "6"),
)  # fmt: skip
VALUES = (("favor", "مؤيّد"), ("against", "معارض"), ("neutral", "محايد"), ("unclear", "غير واضح"))
TARGETS = (("port", "ميناء مرجانة"), ("metro", "مترو العاصمة"), ("law", "قانون الإعلام"))


@dataclass(frozen=True)
class Studio:
    """The session's server, and the annotators who can log in."""

    work: Path
    running: Server
    logins: tuple[tuple[str, str], ...]
    connection: Connection


@dataclass(frozen=True)
class Answer:
    """What a test's annotator says."""

    spans: tuple = ()
    stances: tuple = ()
    seconds: float | None = 12.5
    skipped: bool = False


FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def installed() -> Path:
    return install(CONSTRAINTS, print)


@pytest.fixture(scope="session")
def label_studio(installed, tmp_path_factory):
    work = tmp_path_factory.mktemp("live") / ".khabar" / "studio"
    logins = new_credentials(NAMES)
    running = up(work, accounts=logins, progress=print)
    try:
        yield Studio(work, running, logins, client.connect(running.url, running.token))
    finally:
        down(work)


@pytest.fixture(scope="session")
def schema() -> Schema:
    labels = Labels(
        version=1,
        entities=tuple(
            EntityType(name=name, ar=ar, en=name, colour=colour, key=key, definition="تعريف")
            for name, ar, colour, key in ENTITIES
        ),
        stances=Stances(
            values=tuple(StanceValue(name=name, ar=ar, en=name) for name, ar in VALUES),
            targets=tuple(StanceTarget(id=name, ar=ar, en=name, keywords=(ar,)) for name, ar in TARGETS),
        ),
    )
    dataset = Dataset(format=1, repo_id="a/b", title="t", licence=Licence(text="cc0-1.0", annotations="cc0-1.0"))
    return Schema(dataset, labels, Boilerplate(version=1), GUIDE, "0" * 16, "1" * 8)


@pytest.fixture(scope="session")
def config(schema) -> str:
    return render_config(schema.labels)


@pytest.fixture(scope="session")
def article():
    """Make an article of an invented text."""

    def make(number, text, title="خبر من مرجانة"):
        document = f"{number:016x}"
        return Article(f"{document}-0", document, 0, title, text, (), (), "standard@1+0", sha16(text))

    return make


@pytest.fixture(scope="session")
def task(schema):
    """Make a task of an article."""

    def make(article):
        item = BatchItem("batch-1", article.id, article.text_sha, article.id, "sahel")
        return task_of(article, item, schema, "صحيفة الساحل", guide_html(schema.guidelines))

    return make


@pytest.fixture(scope="session")
def answer():
    return Answer

"""The example of each command runs in a project. Those that need Label Studio are run by tests/live."""

import shlex
import shutil

import pytest

from builder.main import COMMANDS
from builder.project.batches import batch_articles
from builder.project.project import Project
from tests.conftest import ROOT

pytestmark = pytest.mark.slow  # each test runs several commands on a project

EXAMPLES = {entry.name: entry.example for entry in COMMANDS}
NEED_LABEL_STUDIO = {"send", "collect", "demo"}
IN_ORDER = (
    "init", "status", "check", "agree", "adjudicate", "run", "build", "card", "audit", "push", "verify", "export",
    "reopen", "import", "ingest", "clean", "dedup", "explain", "sample", "takedown", "schema", "studio", "hub",
)  # fmt: skip
FINDINGS = {"check", "agree", "run"}
"""Commands whose exit code may be 1, because simulated annotators disagree."""


def run(khabar, root, name, **values):
    """Run a command's example in a project; values replace words of it."""
    words = [values.get(word, word) for word in shlex.split(EXAMPLES[name])[1:]]
    return khabar(*words, cwd=root)


def with_articles(root):
    """Put a folder of articles into a project, with one page that is new."""
    shutil.copytree(ROOT / "examples" / "articles", root / "articles")
    page = "افتتحت بلدية الواحة اليوم سوقا جديدة قرب الميناء، وقالت إنها تخدم سكان الأحياء المجاورة.\n" * 3
    (root / "articles" / "page.txt").write_text(page, encoding="utf-8")


def with_corpus(root):
    """Put a folder with a published CoNLL file into a project."""
    (root / "corpus").mkdir()
    words = "وصلت O\nسلمى B-PERS\nإلى O\nالواحة B-GPE\n. O\n\n"
    (root / "corpus" / "train.txt").write_text(words, encoding="utf-8")


def test_examples_run_in_a_project_with_a_release(built, khabar):
    with_articles(built.root)
    with_corpus(built.root)
    article = batch_articles(built)[0].id
    for name in IN_ORDER:
        done = run(khabar, built.root, name, **{"0123456789abcdef-0": article})
        assert done.returncode in ({0, 1} if name in FINDINGS else {0}), (name, done.stderr)
        assert done.stdout, name
    assert khabar("hub", "down", cwd=built.root).returncode == 0


def test_example_of_diff(two_releases, khabar):
    done = run(khabar, two_releases.root, "diff")

    assert done.returncode == 0, done.stderr


def test_example_of_hydrate(editions, tmp_path, khabar):
    project = Project(shutil.copytree(editions[1].root, tmp_path / "standoff"))
    with_articles(project.root)
    done = run(khabar, project.root, "hydrate")

    assert done.returncode == 0, done.stderr


def test_every_example_is_run():
    assert {*IN_ORDER, "diff", "hydrate", *NEED_LABEL_STUDIO} == set(EXAMPLES)

"""Projects at the stages where commands start."""

import json
import shutil

import pytest

from builder.commands.build import build
from builder.commands.clean import clean
from builder.commands.ingest import ingest
from builder.commands.init import init
from builder.commands.sample import sample
from builder.project.project import Project
from tests.builders import judge, kept, walk
from tests.conftest import ROOT
from tests.editions import PAGES, PERSONS, both


@pytest.fixture
def sampled(project):
    """A project with a batch of four articles."""
    walk(project, [ROOT / "examples" / "articles"], size=4)
    return project


@pytest.fixture
def annotated(project):
    """A project with the judgements of the repository's demonstration."""
    source = ROOT / "annotations" / "demo"
    (project.annotations / "demo").mkdir()
    for name in ("batch", "judgements", "decisions"):
        (project.annotations / "demo" / f"{name}.jsonl").write_bytes((source / f"{name}.jsonl").read_bytes())
    ingest(project, [ROOT / "examples" / "articles"])
    clean(project)
    return project


@pytest.fixture
def two_releases(project):
    """Two releases: the second has a second batch."""
    walk(project, [ROOT / "examples" / "articles"], size=12)
    judge(project)
    build(project, "1.0.0")
    sample(project, "second", 6)
    judge(project, "second")
    build(project, "1.1.0")
    return project


@pytest.fixture(scope="session")
def editions(tmp_path_factory):
    """A project of the full and one of the stand-off edition, built; tests only read them."""
    return both(tmp_path_factory.mktemp("editions"))


@pytest.fixture
def personal(tmp_path):
    """Pages with an address and a number in their texts and titles."""
    lines = (PAGES / "barq.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines if line.strip()]
    made = [
        one | {"title": f"{one.get('title') or 'خبر'} {PERSONS[0]}", "text": one["text"].replace(".", f" ({PERSONS[0]}، {PERSONS[1]}).", 1)}
        for one in records
    ]  # fmt: skip
    path = tmp_path / "barq.jsonl"
    path.write_text("\n".join(json.dumps(one, ensure_ascii=False) for one in made), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory):
    """A project with the release of the repository's demonstration, to be copied."""
    project = Project(tmp_path_factory.mktemp("demonstration") / "project")
    init(project.root, card=str)
    kept(project)
    build(project, "1.0.0")
    return project.root


@pytest.fixture
def built(demonstration, tmp_path):
    """A copy of a project with one release, 1.0.0."""
    return Project(shutil.copytree(demonstration, tmp_path / "built"))

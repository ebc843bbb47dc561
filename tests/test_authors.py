"""The names of authors, from records and bylines to a release: published when asked for, and in no file otherwise."""

import json
import shutil

import pyarrow.parquet as pq
import pytest

from builder.commands.build import build
from builder.commands.init import init
from builder.project.corpus import read_articles, read_documents
from builder.project.project import Project
from builder.records import KhabarError
from tests.builders import judge, walk
from tests.conftest import ROOT
from tests.editions import tables

pytestmark = pytest.mark.slow  # each test runs several commands on a project

RECORD = "غيداء الصنوبراني"
BYLINES = {"ريم القندلفتاوي", "نديم الشعفار"}
"""Authors of the examples, in lines that the shipped rules take out."""


def named_pages(folder, name=RECORD):
    """The examples, each record of which names an author."""
    shutil.copytree(ROOT / "examples" / "articles", folder)
    path = folder / "barq.jsonl"
    records = [json.loads(line) | {"author": name} for line in path.read_text(encoding="utf-8").splitlines()]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return folder


def configure(project, settings):
    """The project with these lines at the end of its dataset.yaml as the template has it."""
    template = (ROOT / "schema" / "dataset.yaml").read_text(encoding="utf-8")
    (project.root / "schema" / "dataset.yaml").write_text(template + settings, encoding="utf-8")
    return Project(project.root)


@pytest.fixture
def judged(project, tmp_path):
    """A judged project of the examples, whose records and bylines name authors."""
    walk(project, [named_pages(tmp_path / "pages")])
    judge(project)
    return project


def authors(folder):
    """The column `author` of all articles."""
    return [row["author"] for (config, _), table in tables(folder).items() if config == "articles" for row in table.to_pylist()]  # fmt: skip


def content(folder):
    """Everything that the files of a release say, whatever packs it."""
    said = []
    for path in (path for path in sorted(folder.rglob("*")) if path.is_file()):
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            said += [str(table.to_pylist()), str(table.schema)]
        said.append(path.read_bytes().decode("utf-8", "replace"))
    return "\n".join(said)


def test_records_and_bylines_name_authors_in_the_project(judged):
    extracted = {drop.extracted.get("author") for article in read_articles(judged) for drop in article.drops}

    assert {document.author for document in read_documents(judged)} == {RECORD, None}
    assert extracted >= BYLINES


@pytest.mark.parametrize("edition", ["full", "standoff"])
@pytest.mark.parametrize("redact", ["", "redact: [email, mention]\n"])
def test_no_file_of_a_release_names_an_author_by_default(judged, edition, redact):
    project = configure(judged, f"text: {edition}\n{redact}")
    build(project, "1.0.0")
    found = content(project.release("1.0.0"))

    assert set(authors(project.release("1.0.0"))) == {None}
    assert [name for name in (RECORD, *BYLINES) if name in found] == []
    assert "`author` of `articles` is null in every row" in found


def test_the_column_holds_both_kinds_of_authors_when_it_is_on(judged):
    project = configure(judged, "publish_authors: true\n")
    done = build(project, "1.0.0")
    found = authors(project.release("1.0.0"))
    account = next(one for one in done.accounts if one.unit == "authors")

    assert set(found) >= {RECORD, None, *BYLINES}
    assert (account.taken, account.kept) == (len(found) - found.count(None),) * 2


def test_the_author_of_a_record_is_redacted_like_its_text(project, tmp_path):
    walk(project, [named_pages(tmp_path / "pages", f"{RECORD} desk@barq.example")])
    judge(project)
    project = configure(project, "publish_authors: true\nredact: [email]\n")
    build(project, "1.0.0")

    assert f"{RECORD} REDACTED_EMAIL" in authors(project.release("1.0.0"))
    assert "desk@barq.example" not in content(project.release("1.0.0"))


def test_turning_authors_off_or_on_is_a_patch(judged):
    build(configure(judged, "publish_authors: true\n"), "1.0.0")
    project = configure(judged, "")
    build(project, "1.0.1")
    build(configure(judged, "publish_authors: true\n"), "1.0.2")

    changelog = (project.release("1.0.1") / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "articles with another `author`." in changelog
    assert [name for name in (RECORD, *BYLINES) if name in content(project.release("1.0.1"))] == []
    assert RECORD in authors(project.release("1.0.2"))


def test_the_choice_is_yes_or_no(tmp_path):
    init(tmp_path / "project", card=str)
    with pytest.raises(KhabarError, match="publish_authors"):
        _ = configure(Project(tmp_path / "project"), "publish_authors: some\n").schema

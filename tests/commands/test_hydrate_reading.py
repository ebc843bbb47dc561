"""The command `hydrate` reads what `ingest` read: under other names, in another encoding, with and without the project."""

import json
import re
import shutil

import pytest

from builder.commands import hydrate
from builder.commands.build import build
from builder.commands.clean import clean
from builder.commands.hydrate import Naming
from builder.commands.ingest import ingest
from builder.commands.init import init
from builder.commands.sample import sample
from builder.corpus.readers.documents import read_documents
from builder.project.project import Project
from builder.records import MANIFEST, KhabarError
from builder.release.editions.reading import change_fields, recorded_fields
from builder.release.publish.folder import read_manifest
from builder.schema.dataset import Fields
from tests.builders import judge
from tests.editions import PAGES, tables

pytestmark = pytest.mark.slow  # each test runs several commands on a project


def crawl(path, encoding="utf-8"):
    """The example pages as one JSON Lines file with the field names of another team."""
    records = [
        {"content": one.raw, "meta": {"headline": one.title, "link": one.url}, "paper": one.source}
        for one in read_documents([PAGES]).documents
    ]
    text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    path.write_bytes(text.encode(encoding))
    return path


def built(root, page, fields, encoding=None):
    """A project that published a stand-off edition of a file, under these `fields:`."""
    init(root, card=str)
    settings = root / "schema" / "dataset.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + f"text: standoff\nfields: {fields}\n", encoding="utf-8")
    project = Project(root)
    ingest(project, [page], encoding=encoding)
    clean(project)
    sample(project, "pilot", None)
    judge(project)
    build(project, "1.0.0")
    return project


@pytest.fixture(scope="module")
def mapped(tmp_path_factory):
    """A crawl whose text is in `content`, and the project that published it."""
    root = tmp_path_factory.mktemp("mapped")
    page = crawl(root / "crawl.jsonl")
    fields = "{text: content, title: meta.headline, url: meta.link, source: paper}"
    return page, built(root / "project", page, fields)


def articles(folder):
    return [row for (config, _), table in tables(folder).items() if config == "articles" for row in table.to_pylist()]


def without_reading(folder):
    """Make a release look as one of an earlier khabar, which recorded nothing of how it read."""
    path = folder / MANIFEST
    manifest = json.loads(path.read_text(encoding="utf-8"))
    del manifest["reading"]
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def test_the_file_that_was_ingested_gives_its_texts_back(mapped, tmp_path):
    page, project = mapped
    done = hydrate.hydrate(project, "1.0.0", [page], base=tmp_path, to=tmp_path / "back")

    assert (done.exit_code, done.issues) == (0, ())
    assert len(articles(tmp_path / "back")) > 20
    assert all(row["text"] for row in articles(tmp_path / "back"))


def test_no_project_is_needed(mapped, tmp_path):
    page, project = mapped
    release = shutil.copytree(project.release("1.0.0"), tmp_path / "release")
    done = hydrate.hydrate(Project(tmp_path / "none"), "release", [page], base=tmp_path, to=tmp_path / "back")

    assert (done.exit_code, done.issues) == (0, ())
    assert len(articles(tmp_path / "back")) == len(articles(release))
    assert all(row["text"] for row in articles(tmp_path / "back"))


def test_fields_of_the_command_line_come_first(mapped, tmp_path, khabar):
    page, project = mapped
    shutil.copytree(project.release("1.0.0"), tmp_path / "release")
    renamed = tmp_path / "renamed.jsonl"
    renamed.write_text(page.read_text(encoding="utf-8").replace('"content":', '"body":'), encoding="utf-8")
    refused = khabar("hydrate", "release", "--articles", "renamed.jsonl", cwd=tmp_path)
    done = khabar("hydrate", "release", "--field", "text=body", "--articles", "renamed.jsonl", cwd=tmp_path)

    assert refused.returncode == 2
    assert "fix: pass --field text=body\n" in refused.stderr
    assert "schema/dataset.yaml" not in refused.stderr
    assert (done.returncode, done.stderr) == (0, "")


def test_release_of_an_earlier_version_takes_the_names_of_the_project(mapped, tmp_path):
    page, project = mapped
    without_reading(shutil.copytree(project.release("1.0.0"), tmp_path / "release"))
    elsewhere = Project(tmp_path / "none")

    done = hydrate.hydrate(project, str(tmp_path / "release"), [page], base=tmp_path, to=tmp_path / "a")
    assert done.exit_code == 0
    with pytest.raises(KhabarError, match=r"content|no text"):
        hydrate.hydrate(elsewhere, "release", [page], base=tmp_path, to=tmp_path / "b")
    named = Naming(("text=content", "title=meta.headline"))
    done = hydrate.hydrate(elsewhere, "release", [page], base=tmp_path, to=tmp_path / "b", naming=named)
    assert done.exit_code == 0


def test_encoding_is_recorded_and_may_be_given(tmp_path):
    page = crawl(tmp_path / "crawl.jsonl", "utf-16-le")
    project = built(tmp_path / "project", page, "{text: content, title: meta.headline}", "utf-16-le")
    release = read_manifest(project.release("1.0.0"))

    assert (release.reading["encoding"], release.reading["text"]) == ("utf-16-le", "content")
    done = hydrate.hydrate(project, "1.0.0", [page], base=tmp_path, to=tmp_path / "back")
    assert done.exit_code == 0
    again = crawl(tmp_path / "again.jsonl", "utf-16-be")
    named = Naming(encoding="utf-16-be")
    assert hydrate.hydrate(project, "1.0.0", [again], base=tmp_path, to=tmp_path / "b", naming=named).exit_code == 0


def test_hydrated_folder_names_only_what_it_holds(mapped, tmp_path):
    page, project = mapped
    lines = page.read_text(encoding="utf-8").splitlines()
    (tmp_path / "some.jsonl").write_text("\n".join(lines[:12]), encoding="utf-8")
    hydrate.hydrate(project, "1.0.0", [tmp_path / "some.jsonl"], base=tmp_path, to=tmp_path / "back")
    held = {path.relative_to(tmp_path / "back").as_posix() for path in (tmp_path / "back").rglob("*") if path.is_file()}
    card = (tmp_path / "back" / "README.md").read_text(encoding="utf-8")
    manifest = read_manifest(tmp_path / "back")

    assert set(manifest.files) == held - {MANIFEST}
    assert {"CITATION.cff", "masader.json", "CHANGELOG.md", "conll/train.txt"} <= held
    named = set(re.findall(r"`([\w./-]+\.(?:json|cff|txt|parquet))`", card)) | set(re.findall(r"\]\(([^):#]+)\)", card))
    assert named
    assert named <= held
    globs = re.findall(r"path: (\S+)-\*", card)
    assert globs
    assert all(any(path.startswith(glob) for path in held) for glob in globs)
    assert {config for config, of in manifest.splits.items() if of} == {path.partition("/")[0] for path in held if path.endswith(".parquet")}  # fmt: skip


@pytest.mark.parametrize("change", ["content", "text=", "body=content", "=content", "quoted_tsv=maybe"])
def test_malformed_field_is_refused(change):
    with pytest.raises(KhabarError, match=r"--field|invalid value"):
        change_fields(Fields(), [change])


def test_recorded_fields_of_another_version_or_a_hostile_manifest():
    recorded = {"text": "content", "encoding": "utf-8", "of_a_later_version": "x", "quoted_tsv": "True"}

    assert recorded_fields(recorded) == Fields(text="content", quoted_tsv=True)
    assert recorded_fields({}) == Fields()
    with pytest.raises(KhabarError, match="invalid value for text"):
        recorded_fields({"text": "x" * 3000})

"""`khabar verify` of a release wherever it is: each promise is looked at by itself."""

import dataclasses
import json
import shutil

import pytest

from builder.commands import verify as verifys
from builder.commands.build import build
from builder.commands.push import push
from builder.io.jsonl import write_json
from builder.io.plain import to_plain
from builder.local_hub.server import serve
from builder.project.project import Project
from builder.records import KhabarError
from builder.release.publish.folder import read_manifest
from tests.builders import judge, said, snapshot, walk
from tests.conftest import ROOT

pytestmark = pytest.mark.live

KEPT = {
    "manifest", "loads", "read back", "rows", "columns", "leaks", "facts", "card", "exports", "gold", "agreement", "rebuild",
}  # fmt: skip


@pytest.fixture
def built(project):
    walk(project, [ROOT / "examples" / "articles"])
    judge(project)
    build(project, "1.0.0")
    return project


@pytest.fixture
def say():
    return lambda _: None


def verify(project, name, **options):
    options = {"base": project.root, "rehearse": False, "progress": lambda _: None} | options
    report = verifys.verify(project, name, **options)
    return report, {check.name: check.state for check in report.checks}


@pytest.fixture
def shelved(built, tmp_path):
    """A release folder by itself, and an empty folder to look at it from."""
    shutil.copytree(built.release("1.0.0"), tmp_path / "v1.0.0")
    (tmp_path / "elsewhere").mkdir()
    return tmp_path / "v1.0.0", Project(tmp_path / "elsewhere")


def test_a_pushed_version_keeps_every_promise_from_its_own_project(built, say):
    push(built, "1.0.0", rehearse=True, progress=say)
    report, states = verify(built, "1.0.0", rehearse=True)

    assert states == dict.fromkeys(KEPT, "done")
    assert report.exit_code == 0
    assert "come out byte for byte" in said(report)["rebuild"]
    assert "files at v1.0.0, commit" in said(report)["read back"]


def test_a_revision_is_verified_from_a_machine_that_has_nothing(built, tmp_path, say, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    with serve(tmp_path / "hub") as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_TOKEN", "t")
        push(built, "1.0.0", rehearse=False, progress=say)
        repo_id = built.schema.dataset.repo_id
        report, states = verify(Project(tmp_path / "elsewhere"), f"{repo_id}@v1.0.0")
        with pytest.raises(KhabarError) as refused:
            verify(Project(tmp_path / "elsewhere"), f"{repo_id}@v9.0.0")

    assert states == dict.fromkeys(KEPT, "done") | {"rebuild": "not possible"}
    assert report.exit_code == 0
    assert said(report)["rebuild"].startswith("not possible: the inputs are not here")
    assert refused.value.exit_code == 3


def test_a_folder_and_a_url_are_verified_as_they_are(shelved):
    folder, elsewhere = shelved
    for name in (str(folder), f"file://{folder}"):
        report, states = verify(elsewhere, name)

        assert states == dict.fromkeys(KEPT - {"read back"}, "done") | {"rebuild": "not possible"}
        assert report.exit_code == 0


def test_a_changed_byte_fails_the_manifest_and_stops_what_rests_on_it(shelved):
    folder, elsewhere = shelved
    with (folder / "README.md").open("a") as card:
        card.write(" ")
    (folder / "entities" / "train-00001-of-00002.parquet").write_bytes(b"PAR1")
    report, states = verify(elsewhere, str(folder))

    assert states == dict.fromkeys(KEPT - {"read back"}, "not possible") | {"manifest": "failed"}
    assert report.exit_code == 1
    assert [(issue.where, issue.message) for issue in report.issues] == [
        ("README.md", "the bytes are not those of the manifest: the sha256 differs"),
        ("entities/train-00001-of-00002.parquet", "the file is not part of the release, but readers would load it"),
    ]


def resealed(folder, **changes):
    """The manifest made to fit the files again, as a forger would."""
    import hashlib

    release = read_manifest(folder)
    files = {path: hashlib.sha256((folder / path).read_bytes()).hexdigest() for path in release.files}
    write_json(folder / "MANIFEST.json", to_plain(dataclasses.replace(release, files=files, **changes)))


def test_a_card_whose_counts_were_edited_does_not_load(shelved):
    folder, elsewhere = shelved
    card = (folder / "README.md").read_text(encoding="utf-8")
    number = card.split("num_examples: ", 1)[1].split("\n", 1)[0]
    edited = card.replace(f"num_examples: {number}", f"num_examples: {int(number) + 1}", 1)
    (folder / "README.md").write_text(edited, encoding="utf-8")
    resealed(folder)
    report, states = verify(elsewhere, str(folder))

    assert (states["card"], states["loads"]) == ("failed", "not possible")
    assert report.exit_code == 1
    assert f"num_examples: {int(number) + 1}»" in report.issues[0].message


def test_a_manifest_whose_counts_were_edited_is_found(shelved):
    folder, elsewhere = shelved
    splits = json.loads((folder / "MANIFEST.json").read_text())["splits"]
    splits["articles"]["train"] += 1
    resealed(folder, splits=splits)
    report, states = verify(elsewhere, str(folder))

    assert states["rows"] == "failed"
    assert report.issues[0].message.startswith("articles: the files have {")


def test_an_article_in_two_splits_is_a_leak(shelved):
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder, elsewhere = shelved
    train, test = (folder / "articles" / f"{split}-00000-of-00001.parquet" for split in ("train", "test"))
    table = pq.ParquetFile(test).read()
    leaked = pq.ParquetFile(train).read().slice(0, 1)
    both = pa.concat_tables([leaked, table.slice(1)])
    pq.write_table(both, test)
    resealed(folder)
    report, states = verify(elsewhere, str(folder))

    assert (states["columns"], states["leaks"]) == ("failed", "not possible")
    assert any("`id` is not in one split only" in issue.message for issue in report.issues)


def test_a_project_whose_judgements_changed_says_that_it_cannot_rebuild(built):
    path = next(built.annotations.glob("*/judgements.jsonl"))
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:-1]), encoding="utf-8")
    report, states = verify(built, str(built.release("1.0.0")))

    assert states["rebuild"] == "not possible"
    assert "judgements" in said(report)["rebuild"]
    assert report.exit_code == 0


def test_a_rebuild_leaves_the_project_as_it_was(built):
    def everything():
        return {path: path.read_bytes() for path in built.root.rglob("*") if path.is_file() and path.name != "lock"}

    before = everything()
    _, states = verify(built, str(built.release("1.0.0")))
    after = everything()
    stamp = built.work / "stamps" / "steps" / "verify.json"

    assert states["rebuild"] == "done"
    assert json.loads(after.pop(stamp))["exit_code"] == 0
    assert after == before


def test_a_release_that_is_not_the_newest_leaves_no_stamp(built, tmp_path):
    """`status` says that the newest release was verified: a copy of it elsewhere is another release."""
    shutil.copytree(built.release("1.0.0"), tmp_path / "v1.0.0")
    before = snapshot(built.root)
    verify(built, str(tmp_path / "v1.0.0"))

    assert snapshot(built.root).keys() == before.keys()


def test_release_copied_to_a_folder_is_verified(built, khabar):
    dry = khabar("push", "1.0.0", "--to", "shelf", "--dry-run", cwd=built.root)
    pushed = khabar("push", "1.0.0", "--to", "shelf", cwd=built.root)
    again = khabar("push", "1.0.0", "--to", "shelf", cwd=built.root)
    verified = khabar("verify", "shelf/v1.0.0", cwd=built.root)
    status = khabar("status", cwd=built.root)

    assert "would copy entities/train-00000-of-00001.parquet" in dry.stderr
    assert "v1.0.0: copied, read back, compared; the manifest came last" in pushed.stdout
    assert "v1.0.0: was there already, the same" in again.stdout
    assert (verified.returncode, verified.stderr.count("error")) == (0, 0)
    assert [line.split(": ", 1)[0] for line in verified.stdout.splitlines() if ": done: " in line] == [
        "manifest", "loads", "rows", "columns", "leaks", "facts", "card", "exports", "gold", "agreement", "rebuild",
    ]  # fmt: skip
    assert f"release v1.0.0: pushed as {built.root / 'shelf' / 'v1.0.0'}" in status.stdout


def test_a_pull_request_says_what_to_do_after_the_merge(built, khabar):
    proposed = khabar("push", "1.0.0", "--rehearse", "--pr", cwd=built.root)

    assert proposed.returncode == 0, proposed.stderr
    assert "refs/pr/1: opened, read back, compared; not tagged" in proposed.stdout
    assert proposed.stdout.splitlines()[-1] == (
        "next: khabar push 1.0.0 --rehearse (once refs/pr/1 is merged: it is read back and tagged, without a commit)"
    )


def test_a_pull_request_names_the_project_of_the_push_that_follows(built, khabar):
    proposed = khabar("push", "1.0.0", "--rehearse", "--pr", "--json", "-C", built.root, cwd=built.root.parent)

    assert json.loads(proposed.stdout)["next"]["command"] == f"khabar -C {built.root} push 1.0.0 --rehearse"


@pytest.mark.parametrize("option", ["--pr", "--private", "--rehearse"])
def test_options_of_a_hub_do_not_go_with_a_folder(built, khabar, option):
    done = khabar("push", "1.0.0", "--to", "shelf", option, cwd=built.root)

    assert done.returncode == 2
    assert "--to is a folder without one" in done.stderr
    assert not (built.root / "shelf").exists()

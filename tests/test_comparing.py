"""`khabar diff` and the version that `khabar build` takes, on a project."""

import json

import pytest

from builder.commands.build import build
from builder.commands.sample import sample
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.records import Judgement, KhabarError, Takedown
from builder.release.publish.folder import read_manifest
from tests.conftest import ROOT
from tests.test_flow import judge, snapshot, walk

pytestmark = pytest.mark.slow  # each walks a project through several verbs


@pytest.fixture
def twice(project):
    """Two releases: the second has a second batch."""
    walk(project, [ROOT / "examples" / "articles"], size=12)
    judge(project)
    build(project, "1.0.0")
    sample(project, "second", 6)
    judge(project, "second")
    build(project, "1.1.0")
    return project


def test_more_articles_are_a_minor_step_and_the_changelog_says_so(twice):
    manifest = read_manifest(twice.release("1.1.0"))
    text = (twice.release("1.1.0") / "CHANGELOG.md").read_text(encoding="utf-8")

    assert len(manifest.inputs["since"]) == 64
    assert "since" not in read_manifest(twice.release("1.0.0")).inputs
    assert text.startswith("# Changelog\n\n## 1.1.0\n\nSince 1.0.0:\n\n- 6 articles added (")
    assert "\n## 1.0.0\n" in text


def test_the_same_version_built_again_has_the_same_bytes(twice):
    before = snapshot(twice.root / "dist"), (twice.annotations / "releases.jsonl").read_bytes()
    build(twice, "1.1.0")

    assert (snapshot(twice.root / "dist"), (twice.annotations / "releases.jsonl").read_bytes()) == before


def test_a_refused_version_writes_nothing(twice):
    path = twice.annotations / "pilot" / "judgements.jsonl"
    said = read_jsonl(path, Judgement)
    write_jsonl(path, [one for one in said if one.annotator != "a-2"])
    before = snapshot(twice.annotations), snapshot(twice.root / "dist")
    with pytest.raises(KhabarError) as caught:
        build(twice, "1.2.0")

    (issue,) = caught.value.issues
    assert caught.value.exit_code == 2
    assert issue.message.startswith("1.2.0 requires a major version bump from 1.1.0: ")
    assert " rows removed" in issue.message
    assert issue.fix == "build 2.0.0, or any higher version; `khabar diff` shows each change"
    assert (snapshot(twice.annotations), snapshot(twice.root / "dist")) == before


def test_since_names_another_release(twice):
    build(twice, "3.0.0", since="dist/v1.0.0")
    text = (twice.release("3.0.0") / "CHANGELOG.md").read_text(encoding="utf-8")

    assert text.startswith("# Changelog\n\n## 3.0.0\n\nSince 1.0.0:\n")


def test_diff_shows_lines_json_and_a_page(twice, khabar):
    page = twice.root / "diff.html"
    shown = khabar("diff", "v1.0.0", "1.1.0", "--html", page, cwd=twice.root)
    told = khabar("diff", "dist/v1.0.0", "dist/v1.1.0", "--json", cwd=twice.root)

    assert shown.returncode == told.returncode == 0, shown.stderr + told.stderr
    assert shown.stdout.splitlines()[0] == "khabar/demo-news 1.0.0 -> khabar/demo-news 1.1.0: a minor change"
    report = json.loads(told.stdout)
    assert (report["step"], len(report["articles_added"])) == ("minor", 6)
    assert [reason["what"] for reason in report["reasons"]] == ["rows added"]
    assert page.read_text(encoding="utf-8").startswith('<!doctype html>\n<html lang="ar" dir="rtl">')


def test_diff_of_folders_needs_no_project(twice, khabar, tmp_path):
    dist = twice.root / "dist"
    done = khabar("diff", dist / "v1.1.0", dist / "v1.1.0", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("khabar/demo-news 1.1.0 -> khabar/demo-news 1.1.0: the same tables\n")


def test_diff_says_what_a_release_can_be(project, khabar):
    done = khabar("diff", "nowhere", "v1.0.0", cwd=project.root)

    assert (done.returncode, done.stderr) == (2, (
        "error[no-release] 'nowhere' is not a release\n"
        "    fix: give a folder, a version such as v1.0.0, NAME/DATASET@REVISION, or @REVISION of this dataset\n"
    ))  # fmt: skip


def test_build_since_on_the_command_line(twice, khabar):
    here = khabar("build", "1.1.1", "--since", "../dist/v1.1.0", cwd=twice.root / "schema")
    done = khabar("build", "1.1.2", "--since", "nowhere", cwd=twice.root)

    assert here.returncode == 0, here.stderr
    assert done.returncode == 2
    assert "'nowhere' is not a release" in done.stderr


def test_the_takedowns_of_a_project_are_named_by_count_and_reason_alone(twice):
    gone = json.loads((twice.annotations / "second" / "batch.jsonl").read_text(encoding="utf-8").splitlines()[0])
    kept = (twice.annotations / "second" / "batch.jsonl").read_text(encoding="utf-8").splitlines()[1:]
    (twice.annotations / "second" / "batch.jsonl").write_text("\n".join(kept) + "\n", encoding="utf-8")
    write_jsonl(twice.annotations / "takedowns.jsonl", [Takedown(gone["article_id"], "the owner asked for it")])
    build(twice, "2.0.0")
    text = (twice.release("2.0.0") / "CHANGELOG.md").read_text(encoding="utf-8")

    assert "- 1 articles taken down: the owner asked for it.\n" in text
    assert gone["article_id"] not in text

"""The command `diff`: lines, JSON and a page."""

import json

import pytest

pytestmark = pytest.mark.slow  # each test runs several commands on a project


def test_diff_prints_lines_json_and_a_page(two_releases, khabar):
    page = two_releases.root / "diff.html"
    shown = khabar("diff", "v1.0.0", "1.1.0", "--html", page, cwd=two_releases.root)
    as_json = khabar("diff", "dist/v1.0.0", "dist/v1.1.0", "--json", cwd=two_releases.root)

    assert shown.returncode == as_json.returncode == 0, shown.stderr + as_json.stderr
    assert shown.stdout.splitlines()[0] == "khabar/demo-news 1.0.0 -> khabar/demo-news 1.1.0: a minor change"
    report = json.loads(as_json.stdout)
    assert (report["step"], len(report["articles_added"])) == ("minor", 6)
    assert [reason["what"] for reason in report["reasons"]] == ["rows added"]
    assert page.read_text(encoding="utf-8").startswith('<!doctype html>\n<html lang="ar" dir="rtl">')


def test_diff_of_folders_needs_no_project(two_releases, khabar, tmp_path):
    dist = two_releases.root / "dist"
    done = khabar("diff", dist / "v1.1.0", dist / "v1.1.0", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("khabar/demo-news 1.1.0 -> khabar/demo-news 1.1.0: the same tables\n")


def test_unknown_release_is_refused(project, khabar):
    done = khabar("diff", "nowhere", "v1.0.0", cwd=project.root)

    assert (done.returncode, done.stderr) == (2, (
        "error[no-release] 'nowhere' is not a release\n"
        "    fix: give a folder, a version such as v1.0.0, NAME/DATASET@REVISION, or @REVISION of this dataset\n"
    ))  # fmt: skip

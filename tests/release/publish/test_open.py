"""Opening an earlier release: the folder as it was built, or a refusal that says what is wrong with it."""

import json
import shutil

import pytest

from builder.io.jsonl import read_jsonl, write_jsonl
from builder.project.project import Project
from builder.project.releases import open_earlier, record, resolve_release
from builder.records import MANIFEST, KhabarError, LedgerEntry, Release
from builder.release.diff.changelog import changelog, section
from builder.release.diff.compare import compare, side_of
from builder.release.diff.records import ReleaseId
from builder.release.publish.folder import write_release
from builder.release.publish.open import ReleaseRef, open_release
from builder.release.tables.build import non_empty
from tests.conftest import ROOT


@pytest.fixture
def project(tmp_path):
    """A project with a schema and nothing else."""
    shutil.copytree(ROOT / "schema", tmp_path / "schema")
    return Project(tmp_path)


@pytest.fixture
def build(project, built):
    """Write a release of the built tables into dist/."""

    def run(version):
        release = Release(version, "khabar/demo-news", "", "khabar 0.1.0", "s", "standard@1+ab12", {}, {}, {})
        text = changelog(section(version, built.tables))
        write_release(
            project.release(version), built.tables, {"README.md": f"# card {version}\n", "CHANGELOG.md": text}, release
        )
        record(project, version)
        return project.release(version)

    return run


def refused(manager):
    with pytest.raises(KhabarError) as caught, manager:
        pass
    (issue,) = caught.value.issues
    return caught.value.exit_code, issue.message, issue.fix


def opened_here(folder):
    return open_release(ReleaseRef(folder), None, None)


def test_a_folder_holds_the_tables_that_were_built(build, built):
    about = ReleaseId("1.0.0", "khabar/demo-news", "", "full")
    with opened_here(build("1.0.0")) as found:
        diff = compare(side_of(about, non_empty(built.tables), "# card 1.0.0\n"), found.side)
        said = found.changelog

    assert diff.same_tables
    assert (diff.card.added, diff.card.removed) == (0, 0)
    assert said.startswith("# Changelog\n\n## 1.0.0\n")


def test_a_file_that_is_not_the_one_that_was_built_is_refused(build):
    folder = build("1.0.0")
    path = folder / "stance" / "test-00000-of-00001.parquet"
    path.write_bytes(path.read_bytes()[:-1])

    code, message, _ = refused(opened_here(folder))
    assert code == 1
    assert message == (
        "stance/test-00000-of-00001.parquet is not the file that was built: it is missing, or its sha256 differs from the manifest"
    )


def test_a_manifest_that_counts_other_rows_is_refused(build):
    folder = build("1.0.0")
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["splits"]["entities"]["train"] += 1
    (folder / MANIFEST).write_text(json.dumps(manifest))

    assert refused(opened_here(folder))[:2] == (1, "the row counts in the manifest are not those of the Parquet files")


def test_a_manifest_cannot_name_files_outside_of_its_release(build):
    folder = build("1.0.0")
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"] |= {"../x-00000-of-00001.parquet": "0" * 64}
    (folder / MANIFEST).write_text(json.dumps(manifest))

    code, message, _ = refused(opened_here(folder))
    assert (code, message) == (1, "'../x-00000-of-00001.parquet' is not a path inside the release")


def test_a_folder_without_a_release_is_refused(tmp_path):
    assert refused(opened_here(tmp_path))[:2] == (2, "no release is here")


def test_names_mean_folders_versions_and_revisions(project, build):
    folder = build("1.0.0")

    assert resolve_release("dist/v1.0.0", project, project.root) == ReleaseRef(folder)
    assert resolve_release("v1.0.0", project, project.root / "schema") == ReleaseRef(folder)
    assert resolve_release("1.0.0", project, project.root) == ReleaseRef(folder)
    assert resolve_release("v2.0.0", project, project.root) == ReleaseRef(repo_id="khabar/demo-news", revision="v2.0.0")
    assert resolve_release("@main", project, project.root) == ReleaseRef(repo_id="khabar/demo-news", revision="main")
    assert resolve_release("org/other@v1.0.0", project, project.root) == ReleaseRef(
        repo_id="org/other", revision="v1.0.0"
    )


@pytest.mark.parametrize("name", ["nowhere", "org/other", "a/b/c@v1", "", "org/other@", "org/other@-x", "v1.0"])
def test_what_is_no_release_is_refused(project, name, tmp_path):
    with pytest.raises(KhabarError) as caught:
        resolve_release(name or "\N{ARABIC LETTER ALEF}", project, tmp_path / "elsewhere")

    assert caught.value.exit_code == 2
    assert caught.value.issues[0].message.endswith("is not a release")


def test_a_version_is_compared_with_the_newest_lower_one_by_number(project, build):
    for version in ("1.9.0", "1.10.0", "0.3.0"):
        build(version)
    for version, earlier in (("1.10.1", "1.10.0"), ("1.10.0", "1.9.0"), ("2.0.0", "1.10.0")):
        with open_earlier(project, version, None, (None, None)) as found:
            assert found[0].about.version == earlier
    with open_earlier(project, "2.0.0", "1.9.0", (None, None)) as found:
        assert found[0].about.version == "1.9.0"


def test_the_first_release_is_compared_with_none(project):
    with open_earlier(project, "0.1.0", None, (None, None)) as found:
        assert found is None


def test_a_version_below_one_that_was_built_is_refused(project, build):
    build("2.0.0")

    code, message, fix = refused(open_earlier(project, "1.0.0", None, (None, None)))
    assert (code, message) == (2, "1.0.0 goes backwards: 2.0.0 was built already")
    assert "annotations/releases.jsonl" in fix


def test_missing_earlier_release_is_not_skipped(project, build):
    shutil.rmtree(build("1.0.0"))

    assert refused(open_earlier(project, "1.1.0", None, (None, None))) == (
        2,
        "1.1.0 cannot be compared with 1.0.0: it is not in dist/",
        (
            "pass --since DIR, or --since khabar/demo-news@v1.0.0 from the Hub; if it was never published, "
            "delete its line in annotations/releases.jsonl"
        ),
    )


def test_version_pushed_before_the_ledger_is_not_skipped(project):
    project.note("pushed/v1.0.0", {"commit": "c", "url": "u"})

    message = refused(open_earlier(project, "1.1.0", None, (None, None)))[1]
    assert message == "1.1.0 cannot be compared with 1.0.0: it is not in dist/"


def test_earlier_release_must_match_the_ledger(project, build):
    build("1.0.0")
    write_jsonl(project.annotations / "releases.jsonl", [LedgerEntry("1.0.0", "0" * 64)])

    message = refused(open_earlier(project, "1.1.0", None, (None, None)))[1]
    assert message == "dist/v1.0.0 is not the 1.0.0 that annotations/releases.jsonl names"


def test_since_must_name_a_lower_version(project, build):
    build("1.0.0")

    message = refused(open_earlier(project, "1.0.0", "v1.0.0", (None, None)))[1]
    assert message == "1.0.0 is not higher than 1.0.0, the release given with --since"


def test_the_ledger_has_one_line_for_a_version_in_order_of_their_numbers(project, build):
    for version in ("1.10.0", "1.9.0", "1.9.0"):
        build(version)

    lines = read_jsonl(project.annotations / "releases.jsonl", LedgerEntry)
    assert [line.version for line in lines] == ["1.9.0", "1.10.0"]
    assert all(len(line.manifest) == 64 for line in lines)


def test_lost_published_version_is_not_rebuilt_differently(project, build):
    folder = build("1.0.0")
    project.note("pushed/v1.0.0", {"commit": "c", "url": "u"})
    record(project, "1.0.0")
    (folder / MANIFEST).write_text("{}")
    with pytest.raises(KhabarError) as caught:
        record(project, "1.0.0")

    assert caught.value.exit_code == 4
    assert caught.value.issues[0].message == "version 1.0.0 was published, and this build of it differs"

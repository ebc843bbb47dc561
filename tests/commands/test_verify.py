"""The command `verify`: each check of a release folder."""

import json

import pytest

from builder.commands import diff
from builder.commands.build import build
from builder.commands.verify import verify
from tests.builders import checks_of, said, with_floor
from tests.tampering import copy_of, edit_rows, sign

pytestmark = pytest.mark.slow  # each test runs several commands on a project


def test_rebuild_uses_the_reason_for_low_agreement(annotated):
    reason = "a pilot <b> | of new annotators"
    strict = with_floor(annotated, 0.99)
    build(strict, "1.0.0", accept=reason)
    folder = str(strict.release("1.0.0"))
    report = verify(strict, folder, base=strict.root, rehearse=False, progress=lambda _: None)

    assert json.loads((strict.release("1.0.0") / "facts.json").read_text(encoding="utf-8"))["accepted"] == reason
    assert said(report)["rebuild"].startswith("done: ")


def test_verify_and_diff_read_a_standoff_release(editions, tmp_path):
    standoff = editions[1]
    folder = standoff.release("1.0.0")
    found = verify(standoff, str(folder), base=tmp_path, rehearse=False, progress=lambda _: None)
    difference = diff.diff(standoff, str(folder), str(editions[0].release("1.0.0")), base=tmp_path)

    assert found.exit_code == 0
    assert said(found)["rebuild"].startswith("done: ")
    assert said(found)["leaks"] == "not possible: a standoff edition holds no texts to compare"
    assert ("entities", "tokens") in {(one.config, one.column) for one in difference.features}
    assert not difference.spans
    assert not difference.texts


def test_built_folder_passes_every_check(built, khabar):
    done = khabar("verify", "dist/v1.0.0", "--json", cwd=built.root)
    checks = checks_of(json.loads(done.stdout))

    assert done.returncode == 0, done.stderr
    names = (
        "manifest",
        "loads",
        "rows",
        "columns",
        "leaks",
        "facts",
        "card",
        "exports",
        "gold",
        "agreement",
        "rebuild",
    )
    for check in names:
        assert checks[check].startswith("done: "), check
    assert "read back" not in checks
    unverified = {one["name"] for check in json.loads(done.stdout)["checks"] for one in check["unverified"]}
    assert {"entities.spans.raw_start", "entities.spans.raw_end"} <= unverified


def test_contradictory_rows_fail_by_name(built, khabar, tmp_path):
    copy = copy_of(built.release("1.0.0"), tmp_path / "release")
    edit_rows(copy, "entities", lambda rows: [row.update(ner_tags=[0] * len(row["tokens"])) for row in rows])
    sign(copy)
    done = khabar("verify", "release", "--json", cwd=tmp_path)
    report = json.loads(done.stdout)

    assert done.returncode == 1
    assert checks_of(report)["card"] == "not possible: the rows contradict each other"
    assert any(issue["where"].startswith("entities/train, row ") for issue in report["issues"])


def test_files_of_others_that_the_card_names_are_not_loaded(built, khabar, tmp_path):
    copy = copy_of(built.release("1.0.0"), tmp_path / "release")
    card = (copy / "README.md").read_text(encoding="utf-8")
    named = card.replace("path: entities/train-*", "path: http://127.0.0.1:9/train-*", 1)
    (copy / "README.md").write_text(named, encoding="utf-8")
    sign(copy)
    done = khabar("verify", "release", "--json", cwd=tmp_path)

    assert named != card
    assert done.returncode == 1
    assert checks_of(json.loads(done.stdout))["loads"].startswith(
        "not possible: load_dataset reads what the card names"
    )


def test_changed_file_fails_the_manifest_check(built, khabar):
    path = built.release("1.0.0") / "CHANGELOG.md"
    path.write_text(path.read_text(encoding="utf-8") + "one more line\n", encoding="utf-8")

    done = khabar("verify", "dist/v1.0.0", "--json", cwd=built.root)

    assert done.returncode == 1
    assert checks_of(json.loads(done.stdout))["manifest"].startswith("failed: ")


def test_unknown_release_is_refused(project, khabar):
    done = khabar("verify", "nowhere", cwd=project.root)

    assert (done.returncode, done.stdout) == (2, "")
    assert "'nowhere' is not a release" in done.stderr

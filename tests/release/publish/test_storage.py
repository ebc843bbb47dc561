"""Publishing without a Hub: to a folder, and to a store that fsspec knows."""

import dataclasses
import json
import shutil
import subprocess
import sys

import pytest

from builder.io.jsonl import write_json
from builder.records import KhabarError
from builder.release.publish import storage
from tests.live.small import ROWS, make_release

SHARD = "entities/train-00000-of-00001.parquet"


@pytest.fixture
def release(tmp_path):
    return make_release(tmp_path / "built" / "v1.0.0")


@pytest.fixture(params=["folder", "memory"])
def place(request, tmp_path):
    """Where to, emptied afterwards."""
    import fsspec

    if request.param == "folder":
        yield str(tmp_path / "shelf" / "news")
        return
    yield "memory://khabar-tests/news"
    memory = fsspec.filesystem("memory")
    if memory.exists("/khabar-tests"):
        memory.rm("/khabar-tests", recursive=True)


def copy(tmp_path, release, place, **options):
    said = []
    done = storage.copy(tmp_path / "built" / f"v{release.version}", release, place, progress=said.append, **options)
    return done, said


def files_of(place):
    import fsspec

    files, base = fsspec.core.url_to_fs(place)
    base = base.rstrip("/")
    return (
        {path.removeprefix(f"{base}/"): files.cat_file(path) for path in files.find(base)} if files.exists(base) else {}
    )


def refusal(refused):
    return "\n".join(f"{i.where} {i.message} {i.fix}" for i in refused.value.issues)


def test_a_copy_is_the_release_byte_for_byte_with_its_manifest_last(tmp_path, release, place):
    done, said = copy(tmp_path, release, place)
    folder = tmp_path / "built" / "v1.0.0"
    wanted = {f"v1.0.0/{path.relative_to(folder).as_posix()}": path.read_bytes()
              for path in folder.rglob("*") if path.is_file()}  # fmt: skip

    assert files_of(place) == wanted
    assert (done.place, done.already, done.copied[-1]) == (f"{place}/v1.0.0", False, "MANIFEST.json")
    assert said[-1] == f"reading {place}/v1.0.0 back"
    assert copy(tmp_path, release, place)[0] == storage.Copied(f"{place}/v1.0.0", (), already=True)


def test_a_dry_run_copies_nothing(tmp_path, release, place):
    done, said = copy(tmp_path, release, place, dry_run=True)

    assert len(done.copied) == 6
    assert said[0] == f"would copy README.md ({(tmp_path / 'built/v1.0.0/README.md').stat().st_size:,} bytes)"
    assert files_of(place) == {}


def test_a_copy_that_was_cut_off_is_finished_by_the_next(tmp_path, release, place):
    def stop(message):
        if message.startswith(f"copying {SHARD}"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        storage.copy(tmp_path / "built" / "v1.0.0", release, place, progress=stop)
    assert "v1.0.0/README.md" in files_of(place)
    assert "v1.0.0/MANIFEST.json" not in files_of(place)

    done, _ = copy(tmp_path, release, place)
    assert "README.md" not in done.copied
    assert len(files_of(place)) == 6


def test_other_bytes_are_never_overwritten(tmp_path, release, place):
    copy(tmp_path, release, place)
    before = files_of(place)
    shutil.rmtree(tmp_path / "built")
    rows = ROWS | {"stance": {"train": ROWS["stance"]["train"]}}
    other = make_release(tmp_path / "built" / "v1.0.0", rows=rows)
    with pytest.raises(KhabarError) as refused:
        copy(tmp_path, other, place)

    assert refused.value.exit_code == 4
    assert refusal(refused) == (
        f"{place}/v1.0.0 {place}/v1.0.0 is not this release: MANIFEST.json has other bytes, README.md has other bytes, "
        "stance/test-00000-of-00001.parquet is not part of the release, but readers would load it "
        "a published version never changes: build and push the next version, or empty that folder yourself"
    )
    assert files_of(place) == before


def test_versions_stand_beside_each_other(tmp_path, release, place):
    copy(tmp_path, release, place)
    make_release(tmp_path / "built" / "v1.1.0", "1.1.0")
    copy(tmp_path, dataclasses.replace(make_release(tmp_path / "again", "1.1.0")), place)

    assert {path.split("/")[0] for path in files_of(place)} == {"v1.0.0", "v1.1.0"}


def test_what_was_copied_is_fetched_again(tmp_path, release, place):
    copy(tmp_path, release, place)
    url = f"{place}/v1.0.0" if "://" in place else f"file://{place}/v1.0.0"
    (tmp_path / "scratch").mkdir()
    with storage.fetched(url, tmp_path / "scratch") as folder:
        there = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    assert {f"v1.0.0/{path}": content for path, content in there.items()} == files_of(place)


def test_a_manifest_that_points_outside_fetches_nothing_from_there(tmp_path, release, place):
    copy(tmp_path, release, place)
    url = f"{place}/v1.0.0" if "://" in place else f"file://{place}/v1.0.0"
    import fsspec

    files, base = fsspec.core.url_to_fs(url)
    manifest = json.loads(files.cat_file(f"{base}/MANIFEST.json"))
    manifest["files"]["../../secret"] = "0" * 64
    files.pipe_file(f"{base}/MANIFEST.json", json.dumps(manifest).encode())
    files.pipe_file(f"{base}/../../secret", b"secret")
    (tmp_path / "in" / "scratch").mkdir(parents=True)
    with pytest.raises(KhabarError) as refused, storage.fetched(url, tmp_path / "in" / "scratch"):
        pass

    assert refusal(refused).startswith(f"{url} '../../secret' is not a path inside the release")
    assert {path.name for path in (tmp_path / "in" / "scratch").rglob("*")} == {"MANIFEST.json"}


def test_a_place_without_a_release_is_said(tmp_path):
    with pytest.raises(KhabarError) as refused, storage.fetched("memory://nowhere/v1.0.0", tmp_path):
        pass

    assert refused.value.exit_code == 2
    assert "memory://nowhere/v1.0.0 has no MANIFEST.json: it is not a complete release" in refusal(refused)


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("s3://bucket/news", 2, " s3:// needs s3fs, which is not installed pip install s3fs"),
        ("gs://bucket/news", 2, " gs:// needs gcsfs, which is not installed pip install gcsfs"),
        ("sftp://me:secret@host/news", 2, " sftp:// needs paramiko, which is not installed pip install paramiko"),
        ("nonsense://x", 2, " fsspec does not support nonsense:// give a folder, or a URL such as s3://bucket/dataset"),
    ],
)  # fmt: skip
def test_a_backend_that_is_not_installed_is_named_with_its_command(tmp_path, release, url, code, said):
    with pytest.raises(KhabarError) as refused:
        copy(tmp_path, release, url)

    assert (refused.value.exit_code, refusal(refused)) == (code, said)


def test_a_folder_that_may_not_be_written_is_said(tmp_path, release):
    (tmp_path / "shelf").write_text("a file")
    with pytest.raises(KhabarError) as refused:
        copy(tmp_path, release, str(tmp_path / "shelf"))

    assert refused.value.exit_code == 3
    assert f"{tmp_path / 'shelf'} cannot be used: NotADirectoryError" in refusal(refused)


@pytest.mark.live
def test_a_copied_folder_is_what_load_dataset_reads(tmp_path, release):
    copy(tmp_path, release, str(tmp_path / "shelf"))
    program = f"""
import json, datasets
found = datasets.load_dataset({str(tmp_path / "shelf" / "v1.0.0")!r}, "entities", split="train")
print(json.dumps([str(found.info.version), found.to_list()]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], env={"HF_HOME": str(tmp_path / "home"), "PATH": "/usr/bin"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert json.loads(done.stdout) == ["1.0.0", ROWS["entities"]["train"]]


def test_a_changed_folder_is_not_copied(tmp_path, release, place):
    write_json(tmp_path / "built" / "v1.0.0" / "README.md", {})
    with pytest.raises(KhabarError) as refused:
        copy(tmp_path, release, place)

    assert refused.value.exit_code == 1
    assert files_of(place) == {}

"""Archives: each file is read as a stream, and hostile ones are refused by name."""

import gzip
import json
import stat
import zipfile

import fsspec
import pytest

from builder.corpus.readers import streams
from builder.corpus.readers.detection import zips
from builder.corpus.readers.documents import read, read_documents
from builder.corpus.readers.sources import READ, plan
from builder.records import Dropped, KhabarError
from builder.schema.dataset import Fields

LONG = "افتتح وزير الثقافة صباح اليوم المعرض السنوي في العاصمة"
PAGE = f"<!DOCTYPE html><html><body><article><p>{LONG} أمس.</p><p>{LONG} ثم غادر.</p></article></body></html>"
LINES = "".join(json.dumps({"text": f"{LONG} {number}"}) + "\n" for number in range(3))


def archive(path, files, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as out:
        for name, content in files.items():
            out.writestr(name, content)
    return path


def refusal(path):
    with pytest.raises(KhabarError) as caught:
        read_documents([path])
    return [(issue.where.rpartition("/")[2], issue.message) for issue in caught.value.issues]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_files_of_each_format_are_read(tmp_path, method):
    path = archive(tmp_path / "crawl.zip", {
        "a/list.json": json.dumps([{"text": f"{LONG} أ"}]), "a/lines.jsonl": LINES, "a/page.html": PAGE,
        "a/rows.csv": f"text,title\n{LONG} ب,ع\n", "b/4943459": PAGE.replace("غادر", "عاد"), "b/one.txt": f"{LONG} ت",
        "b/packed.jsonl.gz": gzip.compress(json.dumps({"text": f"{LONG} ث"}).encode()), "top.txt": f"{LONG} ج",
    }, method)  # fmt: skip
    reading = read_documents([path])

    assert [(d.origin, d.source) for d in reading.documents] == [
        ("crawl.zip/a/lines.jsonl:1", "lines"), ("crawl.zip/a/lines.jsonl:2", "lines"),
        ("crawl.zip/a/lines.jsonl:3", "lines"), ("crawl.zip/a/list.json:1:2", "list"),
        ("crawl.zip/a/page.html", "a"), ("crawl.zip/a/rows.csv:2", "rows"), ("crawl.zip/b/4943459", "b"),
        ("crawl.zip/b/one.txt", "b"), ("crawl.zip/b/packed.jsonl.gz:1", "packed"), ("crawl.zip/top.txt", "crawl"),
    ]  # fmt: skip
    assert reading.set_aside == ()


def test_hostile_files_are_refused_by_name(tmp_path):
    path = archive(tmp_path / "a.zip", {
        "../up.txt": LONG, "/top.txt": LONG, "C:\\x.txt": LONG, "a\\..\\..\\x.txt": LONG, "in.zip": b"PK",
        "__MACOSX/._good.txt": b"\0\5\x16\7", "good.txt": LONG, "bomb.txt": b"a" * 120_000_000, "x.pdf": b"%PDF",
        "t.parquet": b"PAR1", "k\x1b[31m.pdf": b"%PDF",
    })  # fmt: skip
    link = zipfile.ZipInfo("link.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as out:
        out.writestr(link, "/etc/passwd")
    reading = read_documents([path])

    assert [document.raw for document in reading.documents] == [LONG]
    assert {one.what.partition("/")[2]: one.reason for one in reading.set_aside} == {
        "../up.txt": "path climbs out of its archive", "/top.txt": "path climbs out of its archive",
        "C:\\x.txt": "path climbs out of its archive", "a\\..\\..\\x.txt": "path climbs out of its archive",
        "in.zip": "archive in an archive", "__MACOSX/._good.txt": "metadata of macOS",
        "bomb.txt": "decompression bomb", "x.pdf": f"not {READ}", "t.parquet": "parquet in an archive",
        "k\\x1b[31m.pdf": f"not {READ}", "link.txt": "link not followed",
    }  # fmt: skip


def test_encrypted_file_is_refused_by_name(tmp_path):
    path = archive(tmp_path / "a.zip", {"a.txt": LONG, "b.txt": f"{LONG}."}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[content.find(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)

    assert read_documents([path]).set_aside == (Dropped("ingest", "a.zip/a.txt", "encrypted"),)


def test_many_files_that_are_a_bomb_together_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(zips, "HARMLESS", 1_000_000)
    path = archive(tmp_path / "a.zip", {f"{number}.txt": b"a" * 900_000 for number in range(9)})

    assert refusal(path) == [("a.zip", "a decompression bomb: its files would have more than 200 times its size")]


def test_size_that_the_directory_hides_is_never_exceeded(tmp_path):
    path = archive(tmp_path / "a.zip", {"a.txt": b"a" * 5_000})
    content = bytearray(path.read_bytes())
    entry = content.find(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = (10).to_bytes(4, "little")
    path.write_bytes(content)
    reading = read_documents([path, archive(tmp_path / "b.zip", {"b.txt": LONG})])

    assert [document.raw for document in reading.documents] == [LONG]
    assert [(one.what, one.reason) for one in reading.set_aside] == [("a.zip/a.txt", "broken")]


def test_damaged_file_costs_only_itself(tmp_path):
    path = archive(tmp_path / "a.zip", {"a.txt": LONG, "b.txt": f"{LONG}."}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[content.find(LONG.encode()) + 5] ^= 1
    path.write_bytes(content)
    reading = read_documents([path])

    assert [document.raw for document in reading.documents] == [f"{LONG}."]
    assert [(one.what, one.reason) for one in reading.set_aside] == [("a.zip/a.txt", "broken")]


@pytest.mark.parametrize("content", [b"hello", b"", b"PK\x03\x04" + bytes(50)])
def test_what_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)
    ((where, message),) = refusal(tmp_path / "a.zip")

    assert (where, message.partition(":")[0]) == ("a.zip", "not a whole zip archive")


def test_archive_without_a_readable_file_is_refused(tmp_path):
    assert refusal(archive(tmp_path / "a.zip", {"a.pdf": b"%PDF"})) == [("a.zip", f"the archive holds no {READ} file")]


def test_files_of_one_archive_are_shared_out(tmp_path, monkeypatch):
    monkeypatch.setattr("builder.corpus.readers.sources.MANY", 2)
    path = archive(tmp_path / "a.zip", {f"{number}.txt": f"{LONG} {number}" for number in range(5)})
    pieces = plan([str(path)], Fields()).pieces

    assert [len(piece.files) for piece in pieces] == [2, 2, 1]
    assert len({document.id for piece in pieces for part in read(piece) for document in part.documents}) == 5


def test_archive_is_read_through_fsspec(tmp_path):
    store = fsspec.filesystem("memory")
    store.pipe("/crawl/a.zip", archive(tmp_path / "a.zip", {"a.jsonl": LINES}).read_bytes())
    try:
        pieces = plan(["memory://crawl"], Fields()).pieces

        assert [d.origin for piece in pieces for part in read(piece) for d in part.documents] == [
            f"crawl/a.zip/a.jsonl:{number}" for number in (1, 2, 3)
        ]
    finally:
        store.rm("/crawl", recursive=True)


def test_file_that_moved_in_its_archive_is_broken(tmp_path):
    path = archive(tmp_path / "a.zip", {"a.txt": LONG})
    (piece,) = plan([str(path)], Fields()).pieces
    path.write_bytes(b"x" + path.read_bytes())

    with pytest.raises(streams.BrokenError, match="no file begins"), streams.opened(piece.files[0]):
        pass


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.xml"])
def test_file_whose_first_bytes_are_damaged_is_broken(tmp_path, name):
    path = archive(tmp_path / "crawl.zip", {name: LINES * 20, "b.txt": LONG})
    content = bytearray(path.read_bytes())
    content[30 + len(name) : 40 + len(name)] = b"\xff" * 10
    path.write_bytes(content)
    reading = read_documents([path])

    assert [document.raw for document in reading.documents] == [LONG]
    assert [dropped.reason for dropped in reading.set_aside] == ["broken"]

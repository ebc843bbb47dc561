"""Text and JSON Lines in other encodings: advice that gives right letters, large files, and packed ones."""

import gzip
import json
import re
import shutil
import subprocess
from contextlib import contextmanager

import pytest

from builder.corpus.readers import sources, streams
from builder.corpus.readers.documents import read, read_documents
from builder.corpus.readers.encodings import Encoding, encoding_of, other_encoding
from builder.corpus.readers.sources import plan
from builder.records import KhabarError
from builder.schema.dataset import Fields
from tests.conftest import ROOT, SHARED

LONG = "افتتح وزير الثقافة صباح اليوم المعرض السنوي في العاصمة\nوقال إن الدخول مجاني للطلاب."
OTHERS = ["iso-8859-6", "cp720", "mac-arabic", "utf-32", "utf-32-le", "utf-32-be"]
WIDE = ["utf-16-le", "utf-16-be"]
ARTICLES = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "examples" / "articles").rglob("*.txt"))]


def fault(path, declared=None):
    with pytest.raises(KhabarError) as caught:
        read_documents([path], declared)
    (issue,) = caught.value.issues
    return issue


def advised(issue, path):
    """The text that the advised command makes of a file."""
    (command,) = re.findall(r"`(.*)`", issue.fix, re.DOTALL)
    made = path.with_name("made.txt")
    line = command.replace("OLD", str(path)).replace("NEW", str(made))
    subprocess.run(line, shell=True, check=True)  # noqa: S602 - the advice is what is tested
    return made.read_text(encoding="utf-8").removeprefix("\ufeff")


@pytest.mark.parametrize("declared", [None, "windows-1256", "utf-8"])
@pytest.mark.parametrize("encoding", OTHERS)
def test_advice_for_other_encodings_gives_right_letters(tmp_path, encoding, declared):
    (tmp_path / "a.txt").write_bytes(LONG.encode(encoding))
    issue = fault(tmp_path / "a.txt", declared)

    assert issue.message.startswith("not UTF-8 at byte ")
    if shutil.which("iconv") or "python3" in issue.fix:
        assert advised(issue, tmp_path / "a.txt") == LONG


@pytest.mark.parametrize("encoding", OTHERS)
def test_lines_in_another_encoding_are_one_fault(tmp_path, encoding):
    line = json.dumps({"text": LONG}, ensure_ascii=False) + "\n"
    (tmp_path / "a.jsonl").write_bytes((line * 50).encode(encoding))
    issue = fault(tmp_path / "a.jsonl")

    assert issue.message == "not UTF-8, UTF-16 or windows-1256"
    assert "it looks like" in issue.fix


def test_text_that_no_encoding_fits_gets_no_wrong_advice(tmp_path):
    (tmp_path / "a.txt").write_bytes("Министр открыл сегодня утром ежегодную книжную ярмарку".encode("koi8-r"))

    assert "looks like" not in fault(tmp_path / "a.txt").fix
    assert "iconv" not in fault(tmp_path / "a.txt").fix


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1256", *WIDE])
@pytest.mark.parametrize("text", ARTICLES, ids=range(len(ARTICLES)))
def test_supported_encodings_are_not_taken_for_others(text, encoding):
    assert other_encoding(text.encode(encoding, "replace")) is None


@pytest.mark.parametrize("encoding", ["windows-1256", *WIDE, "utf-8"])
@pytest.mark.parametrize("size", range(200, 212))
def test_sample_may_end_in_a_letter(encoding, size):
    content = LONG.encode(encoding) * 3

    assert encoding_of(content[:size], whole=False) == Encoding(
        encoding, "default" if encoding == "utf-8" else "detected"
    )


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("encoding", ["utf-8", "windows-1256", *WIDE])
def test_large_file_is_detected_once_and_split_like_the_whole(tmp_path, monkeypatch, encoding, mark):
    letter = "\u200a" if encoding != "windows-1256" else "\xa0"  # a byte of it is that of a newline in UTF-16
    lines = [
        json.dumps({"text": f"{LONG} {number} {letter}" + "ب" * (number % 57)}, ensure_ascii=False)
        for number in range(300)
    ]
    lines[150] = "{broken"
    mark = "" if encoding == "windows-1256" else mark
    (tmp_path / "a.jsonl").write_bytes((mark + "\n".join(lines)).encode(encoding))

    def found():
        parts = [part for piece in plan([str(tmp_path)], Fields()).pieces for part in read(piece)]
        aside = [(one.what, one.reason) for part in parts for one in part.set_aside]
        issues = [(issue.where, issue.message) for part in parts for issue in part.issues]
        return [(d.raw, d.origin, d.encoding) for part in parts for d in part.documents], aside, issues

    whole = found()
    monkeypatch.setattr(streams, "CHUNK", 4_096)
    monkeypatch.setattr(sources, "HEAVY", 6_000)
    pieces = plan([str(tmp_path)], Fields()).pieces
    samples = []
    monkeypatch.setattr(
        "builder.corpus.readers.text.sample",
        lambda file: samples.append(file) or ((tmp_path / "a.jsonl").read_bytes(), True),
    )

    assert found() == whole
    assert (len(whole[0]), len(whole[1])) == (299, 1)
    assert len(pieces) > 5
    assert len(samples) == 1


def test_part_reads_only_its_own_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "HEAVY", 20_000)
    monkeypatch.setattr(streams, "CHUNK", 4_096)
    line = json.dumps({"text": LONG}, ensure_ascii=False) + "\n"
    (tmp_path / "a.jsonl").write_text("".join(line.replace("سنوي", f"{n}") for n in range(2_000)), encoding="utf-8")
    pieces = plan([str(tmp_path)], Fields()).pieces
    opened = streams.opened
    taken = []

    class Counted:
        def __init__(self, stream):
            self.stream, self.seek = stream, stream.seek

        def readline(self, size):
            line = self.stream.readline(size)
            taken.append(len(line))
            return line

    def counting(file):
        with opened(file) as stream:
            yield Counted(stream)

    monkeypatch.setattr("builder.corpus.readers.objects.lines.opened", contextmanager(counting))
    assert next(iter(read(pieces[3]))).documents
    assert sum(taken) < 40_000


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("encoding", ["windows-1256", *WIDE])
def test_declared_encoding_holds_for_lines(tmp_path, encoding, packed):
    content = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in ("خبر", "آخر")).encode(encoding)
    path = tmp_path / ("a.jsonl.gz" if packed else "a.jsonl")
    path.write_bytes(gzip.compress(content) if packed else content)

    assert [(d.raw, d.encoding) for d in read_documents([path], encoding).documents] == [
        (text, f"{encoding}, declared") for text in ("خبر", "آخر")
    ]


@pytest.mark.parametrize("encoding", ["windows-1256", *WIDE])
def test_encoding_of_packed_lines_is_detected(tmp_path, encoding):
    content = (json.dumps({"text": LONG}, ensure_ascii=False) + "\n").encode(encoding)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(content))
    reading = read_documents([tmp_path / "a.jsonl.gz"])

    assert [(d.raw, d.encoding) for d in reading.documents] == [(LONG, f"{encoding}, detected")]
    assert [issue.code for issue in reading.issues] == ["encoding"]


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["windows-1256", "utf-16-le"])
def test_lines_of_40_megabytes_are_read_once_in_little_memory(tmp_path, measured, encoding):
    with (tmp_path / "a.jsonl").open("wb") as out:
        for number in range(40_000 if encoding == "windows-1256" else 20_000):
            text = json.dumps({"text": f"{number} {LONG * 11}"}, ensure_ascii=False) + "\n"
            out.write(text.encode(encoding))
    assert (tmp_path / "a.jsonl").stat().st_size > 36_000_000
    assert measured(tmp_path / "a.jsonl", 300_000_000) in (40_000, 20_000)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path, measured):
    with (tmp_path / "a.jsonl").open("w", encoding="utf-8") as out:
        for number in range(150_000):
            out.write(json.dumps({"text": f"{number} " + "x" * 2_000}) + "\n")

    assert measured(tmp_path / "a.jsonl", 200_000_000) == 150_000


CASES = SHARED.parent / "cases"


@pytest.mark.shared
def test_shared_lines_in_utf_16_are_read():
    path = CASES / "14-encoding-option-ignored" / "utf16le.jsonl.gz"

    assert len(read_documents([path], "utf-16-le").documents) == 3


@pytest.mark.shared
@pytest.mark.parametrize("declared", [None, "windows-1256"])
@pytest.mark.parametrize("name", ["cp720", "iso-8859-6", "mac", "utf-32"])
def test_shared_texts_in_other_encodings_get_right_advice(tmp_path, name, declared):
    path = tmp_path / f"{name}.txt"
    path.write_bytes((CASES / "18-other-encodings-wrong-advice" / path.name).read_bytes())
    texts = {advised(fault(path, declared), path).rstrip("\0\n").replace("®", ".").replace("أٌ", "ً")}

    assert "أعلنت بلدية مرفأ السدر أمس" in texts.pop()

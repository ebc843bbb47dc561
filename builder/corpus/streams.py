"""Bytes of files that may be anywhere and packed: never more of them in memory than one record may have."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Protocol, cast

import pyarrow as pa

from builder.corpus import store
from builder.corpus.rows import MAX_BYTES, File

CHUNK = 1 << 20
HARMLESS = 100_000_000
"""Bytes that may come out of a packed file before it is asked how many went in."""
MOST = 200
"""Times that packed text may grow: news grows 3 to 10 times, and what was made to fill a disk a thousand."""


class BrokenError(Exception):
    """A stream that cannot be read on: the reason that it is counted under, and what is wrong."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class _Readable(Protocol):
    def read1(self, size: int, /) -> bytes: ...


class _Inflated(io.RawIOBase):
    """What comes out of a packed stream, counted against what went in."""

    def __init__(self, inner: _Readable, packed: BinaryIO, name: str) -> None:
        self.inner, self.packed, self.name, self.out = inner, packed, name, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            data = self.inner.read1(len(buffer))  # read would go on to the fault, and give nothing
        except EOFError:
            raise BrokenError("truncated", f"the {self.name} stream ends in the middle") from None
        except (OSError, zlib.error, pa.ArrowException) as error:
            said = "ends in the middle" if "runcated" in str(error) else f"is broken: {error}"
            raise BrokenError(
                "truncated" if "runcated" in str(error) else "broken", f"the {self.name} stream {said}"
            ) from None
        self.out += len(data)
        if self.out > HARMLESS and self.out > MOST * max(self.packed.tell(), 1):
            raise BrokenError(
                "decompression bomb", f"{self.name}: more than {MOST} times as many bytes come out as went in"
            )
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def opened(file: File) -> Iterator[io.BufferedReader]:
    """The bytes of a file, unpacked; what is wrong with them is raised as BrokenError or OSError where it is read."""
    with store.opened(file.uri) as raw:
        if file.packing == "gz":
            yield io.BufferedReader(_Inflated(gzip.GzipFile(fileobj=raw), raw, "gzip"), CHUNK)
        elif file.packing == "zst":
            inner = pa.CompressedInputStream(pa.PythonFile(raw, "r"), "zstd")
            yield io.BufferedReader(_Inflated(inner, raw, "zstd"), CHUNK)
        else:
            yield io.BufferedReader(cast("io.RawIOBase", raw), CHUNK)


def line_ends(file: File, every: int) -> Iterator[tuple[int, int]]:
    """Where lines begin in a file that is not packed, about so many bytes apart: the byte, and how many lines are before."""
    with opened(file) as stream:
        number = place = wanted = 0
        while block := stream.read(CHUNK):
            end = block.find(b"\n", max(wanted + every - place, 0)) if wanted + every < place + len(block) else -1
            if end >= 0 and place + end + 1 < file.size:
                wanted = place + end + 1
                yield wanted, number + block.count(b"\n", 0, end + 1)
            number, place = number + block.count(b"\n"), place + len(block)


def content(stream: BinaryIO) -> bytes | None:
    """All of a stream, or None where that is more than one record may have."""
    found = stream.read(MAX_BYTES + 1)
    return found if len(found) <= MAX_BYTES else None


def lines(stream: BinaryIO, file: File) -> Iterator[tuple[int, int, bytes | None]]:
    """Each line with its number from 1 and the byte where it begins; None for one that is too long, which is passed by."""
    number, begin = file.before, file.begin
    if begin:
        stream.seek(begin)
    while (file.end is None or begin < file.end) and (line := stream.readline(MAX_BYTES + 1)):
        number, length = number + 1, len(line)
        yield number, begin, line if length <= MAX_BYTES else None
        while length > MAX_BYTES and not line.endswith(b"\n") and (line := stream.readline(CHUNK)):
            length += len(line)
        begin += length

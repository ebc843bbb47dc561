"""Byte streams of local, remote and compressed files; memory use is bounded by the size limit of one record."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Protocol, cast

import pyarrow as pa

from builder.corpus.readers.rows import MAX_BYTES, File
from builder.io.remote import open_file

CHUNK = 1 << 20

HARMLESS = 100_000_000
"""Decompressed bytes above which the compression ratio is checked."""

MAX_RATIO = 200
"""Highest compression ratio accepted; news has 3 to 10, and a decompression bomb about 1,000."""


class BrokenError(Exception):
    """A stream that cannot be read further; `reason` is the reason under which it is counted."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class _Readable(Protocol):
    """A stream that returns the bytes it has without reading ahead."""

    def read1(self, size: int, /) -> bytes: ...


class _Inflated(io.RawIOBase):
    """A decompressed stream that raises BrokenError when its compression ratio is too high."""

    def __init__(self, inner: _Readable, packed: BinaryIO, name: str) -> None:
        self.inner, self.packed, self.name, self.out = inner, packed, name, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            data = self.inner.read1(len(buffer))  # `read` would run into the fault and return nothing
        except EOFError:
            raise BrokenError("truncated", f"the {self.name} stream ends in the middle") from None
        except (OSError, zlib.error, pa.ArrowException) as error:
            fault = "ends in the middle" if "runcated" in str(error) else f"is broken: {error}"
            raise BrokenError(
                "truncated" if "runcated" in str(error) else "broken", f"the {self.name} stream {fault}"
            ) from None
        self.out += len(data)
        if self.out > HARMLESS and self.out > MAX_RATIO * max(self.packed.tell(), 1):
            raise BrokenError(
                "decompression bomb", f"{self.name}: more than {MAX_RATIO} times as many bytes come out as went in"
            )
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def opened(file: File) -> Iterator[io.BufferedReader]:
    """Open a file and decompress it; reading a faulty one raises BrokenError or OSError."""
    with open_file(file.uri) as raw:
        if file.packing == "gz":
            yield io.BufferedReader(_Inflated(gzip.GzipFile(fileobj=raw), raw, "gzip"), CHUNK)
        elif file.packing == "zst":
            inner = pa.CompressedInputStream(pa.PythonFile(raw, "r"), "zstd")
            yield io.BufferedReader(_Inflated(inner, raw, "zstd"), CHUNK)
        else:
            yield io.BufferedReader(cast(io.RawIOBase, raw), CHUNK)


def line_ends(file: File, size: int) -> Iterator[tuple[int, int]]:
    """Yield beginnings of lines in an uncompressed file, about `size` bytes apart, and the number of lines before."""
    with opened(file) as stream:
        number = offset = begin = 0
        while block := stream.read(CHUNK):
            end = block.find(b"\n", max(begin + size - offset, 0)) if begin + size < offset + len(block) else -1
            if end >= 0 and offset + end + 1 < file.size:
                begin = offset + end + 1
                yield begin, number + block.count(b"\n", 0, end + 1)
            number, offset = number + block.count(b"\n"), offset + len(block)


def content(stream: BinaryIO) -> bytes | None:
    """Return all of a stream, or None if it exceeds the size limit of a record."""
    data = stream.read(MAX_BYTES + 1)
    return data if len(data) <= MAX_BYTES else None


def lines(stream: BinaryIO, file: File) -> Iterator[tuple[int, int, bytes | None]]:
    """Yield each line with its number (from 1) and its first byte; a line that is too long is skipped as None."""
    number, begin = file.before, file.begin
    if begin:
        stream.seek(begin)
    while (file.end is None or begin < file.end) and (line := stream.readline(MAX_BYTES + 1)):
        number, length = number + 1, len(line)
        yield number, begin, line if length <= MAX_BYTES else None
        while length > MAX_BYTES and not line.endswith(b"\n") and (line := stream.readline(CHUNK)):
            length += len(line)
        begin += length

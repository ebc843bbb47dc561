"""Byte streams of local, remote and compressed files; memory use is bounded by the size limit of one record."""

import codecs
import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO, NamedTuple, Protocol, cast

import numpy as np
import pyarrow as pa

from builder.corpus.readers.encodings import Encoding
from builder.corpus.readers.rows import MAX_BYTES, File, Member
from builder.io.remote import open_file

CHUNK = 1 << 20

HARMLESS = 100_000_000
"""Decompressed bytes above which the compression ratio is checked."""

MOST_ASCII = 16 * CHUNK
"""Bytes after which a file that is ASCII so far is taken for UTF-8."""

NEWLINE = ord("\n")

UNITS = {"utf-16-le": "<u2", "utf-16-be": ">u2"}
"""The encodings whose code units have two bytes, as types of numpy."""

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
        except (OSError, zlib.error, pa.ArrowException, zipfile.BadZipFile) as error:
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


def _member(raw: BinaryIO, member: Member) -> BinaryIO:
    """Return the decompressed stream of a file in a zip archive."""
    raw.seek(member.offset)
    header = raw.read(30)
    if header[:4] != b"PK\x03\x04":
        raise BrokenError("broken", "the zip archive is broken: no file begins where its directory says")
    raw.seek(int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little"), io.SEEK_CUR)
    info = zipfile.ZipInfo(member.name)
    info.compress_type, info.compress_size, info.file_size, info.CRC = (
        member.method, member.packed, member.size, member.crc
    )  # fmt: skip
    inner = zipfile.ZipExtFile(cast(IO[bytes], raw), "r", info)
    return cast(BinaryIO, io.BufferedReader(_Inflated(inner, raw, "zip"), CHUNK))


@contextmanager
def opened(file: File) -> Iterator[io.BufferedReader]:
    """Open a file and decompress it; reading a faulty one raises BrokenError or OSError."""
    with open_file(file.uri) as whole:
        raw = _member(whole, file.member) if file.member else whole
        if file.packing == "gz":
            yield io.BufferedReader(_Inflated(gzip.GzipFile(fileobj=raw), raw, "gzip"), CHUNK)
        elif file.packing == "zst":
            inner = pa.CompressedInputStream(pa.PythonFile(raw, "r"), "zstd")
            yield io.BufferedReader(_Inflated(inner, raw, "zstd"), CHUNK)
        else:
            yield io.BufferedReader(cast(io.RawIOBase, raw), CHUNK)


def sample(file: File) -> tuple[bytes, bool]:
    """Return the first bytes of a file, up to a block that is not plain ASCII, and whether they are the whole file."""
    head = bytearray()
    with opened(file) as stream:
        try:
            while len(head) < CHUNK or (head.isascii() and 0 not in head and len(head) < MOST_ASCII):
                block = stream.read1(CHUNK)
                if not block:
                    return bytes(head), True
                head += block
        except BrokenError:  # reported when the file is read
            pass
    return bytes(head), False


def decoded_blocks(stream: io.BufferedReader, encoding: Encoding) -> Iterator[str]:
    """Yield the text of a stream in blocks, without losing what stands before a fault of the stream.

    Invalid bytes of UTF-8 become lone surrogates (`surrogateescape`), and those of UTF-16 replacement characters.
    """
    errors = "surrogateescape" if encoding.name == "utf-8" else "replace"
    decoder = codecs.getincrementaldecoder(encoding.codec)(errors)
    while block := stream.read1(CHUNK):
        yield decoder.decode(block)
    yield decoder.decode(b"", final=True)


def line_ends(file: File, size: int, encoding: Encoding) -> Iterator[tuple[int, int]]:
    """Yield beginnings of lines in an uncompressed file, about `size` bytes apart, and the number of lines before."""
    unit = np.dtype(UNITS.get(encoding.name, "u1"))
    with opened(file) as stream:
        number = offset = begin = 0
        while block := stream.read(CHUNK):
            units = np.frombuffer(block, unit, len(block) // unit.itemsize)
            ends = (np.flatnonzero(units == NEWLINE) + 1) * unit.itemsize + offset
            later = int(np.searchsorted(ends, begin + size))
            if later < len(ends) and ends[later] < file.size:
                begin = int(ends[later])
                yield begin, number + later + 1
            number, offset = number + len(ends), offset + len(block)


def content(stream: BinaryIO) -> bytes | None:
    """Return all of a stream, or None if it exceeds the size limit of a record."""
    data = stream.read(MAX_BYTES + 1)
    return data if len(data) <= MAX_BYTES else None


class Line(NamedTuple):
    """A line with its number (from 1) and its first byte; the content of one that is too long is None."""

    number: int
    begin: int
    content: bytes | None


def lines(stream: BinaryIO, file: File, encoding: Encoding) -> Iterator[Line]:
    """Yield each line of a file, or of a part of one."""
    number, begin = file.before, file.begin
    if begin:
        stream.seek(begin)
    while (file.end is None or begin < file.end) and (line := _line(stream, encoding, MAX_BYTES + 1)):
        number, length = number + 1, len(line)
        yield Line(number, begin, line if length <= MAX_BYTES else None)
        while length > MAX_BYTES and not _ends(line, encoding) and (line := _line(stream, encoding, CHUNK)):
            length += len(line)
        begin += length


def _line(stream: BinaryIO, encoding: Encoding, most: int) -> bytes:
    """Read a line with its newline, or about `most` bytes of it."""
    if encoding.name not in UNITS:
        return stream.readline(most)
    line = bytearray()
    while len(line) < most and (part := stream.readline(most)):
        line += part
        line += stream.read(len(line) % 2)  # the second byte of a newline in UTF-16-LE
        if _ends(line, encoding):
            break
    return bytes(line)


def _ends(line: bytes | bytearray, encoding: Encoding) -> bool:
    """Return whether a line ends with a newline in its encoding; in UTF-16 other characters hold such a byte too."""
    return line.endswith("\n".encode(encoding.codec))

"""Reader for text files, and what readers say of encodings."""

from collections.abc import Iterator

from builder.corpus.readers.detection.tags import ANNOTATIONS, is_conll
from builder.corpus.readers.encodings import Decoded, Encoding, decode, encoding_of, other_encoding
from builder.corpus.readers.rows import MAX_BYTES, BadRecord, File, Note, RawRecord, ReadItem
from builder.corpus.readers.streams import content, opened, sample

ICONV = {"iso-8859-6": "ISO-8859-6", "utf-32": "UTF-32", "utf-32-le": "UTF-32LE", "utf-32-be": "UTF-32BE"}
"""iconv's names of encodings that are not read; it has no cp720, and on Linux no Mac Arabic."""

UNKNOWN = (
    "find out in which encoding it was saved, and save it as UTF-8; if it is windows-1256, pass --encoding windows-1256"
)


def recoding(content: bytes) -> str:
    """Return how to make UTF-8 of bytes that no supported encoding fits."""
    other = other_encoding(content)
    if other is None:
        return UNKNOWN
    if other in ICONV:
        return f"it looks like {ICONV[other]}; save it as UTF-8 with `iconv -f {ICONV[other]} -t UTF-8 OLD > NEW`"
    python = f"import sys; sys.stdout.buffer.write(sys.stdin.buffer.read().decode('{other}').encode())"
    return f'it looks like {other}; save it as UTF-8 with `python3 -c "{python}" < OLD > NEW`'


def text(file: File, declared: str | None) -> Iterator[ReadItem]:
    """Yield the content of a text file, as one record."""
    with opened(file) as stream:
        raw = content(stream)
    if raw is None:
        yield BadRecord("", "too long", f"more than {MAX_BYTES:,} bytes in one text file",
                  "split the file; each file must be one article")  # fmt: skip
        return
    try:
        decoded = decode(raw, declared)
    except UnicodeDecodeError as error:
        yield decoding_fault(error, raw)
        return
    yield from encoding_warnings(decoded, declared)
    if is_conll(decoded.text):
        yield ANNOTATIONS
    else:
        yield RawRecord("", decoded.text, encoding=decoded.said)


def encoding_warnings(decoded: Decoded, declared: str | None) -> Iterator[Note]:
    """Yield a warning if an encoding was only detected, and one if bytes were replaced."""
    yield from detection_warnings(Encoding(decoded.encoding, decoded.known), declared)
    if decoded.lost:
        yield Note("damaged", f"{decoded.lost:,} places are not {decoded.encoding.upper()}; each became a replacement character",
                   "fetch the file again if these letters matter")  # fmt: skip


def detection_warnings(encoding: Encoding, declared: str | None) -> Iterator[Note]:
    """Yield a warning if an encoding was only detected."""
    if encoding.known == "detected":
        why = f"its bytes are, though {declared} was declared" if declared else "detected"
        other = "save it again as UTF-8" if declared else "name its encoding with --encoding, or save it as UTF-8"
        yield Note("encoding", f"read as {encoding.name}: {why}", f"if its letters look wrong, {other}")


def decoding_fault(error: UnicodeDecodeError, bytes_: bytes, line: int = 1, offset: int = 0) -> BadRecord:
    """Return the fault of a byte that cannot be decoded, with its line and column.

    `bytes_` start at line `line` (from 1) and byte `offset` of the file.
    """
    *above, current = bytes_[: error.start].decode(error.encoding).split("\n")
    fix = recoding(bytes_) if error.encoding == "utf-8" else "the file is truncated or damaged; fetch it again"
    encoding = error.encoding.upper()
    return BadRecord(f":{line + len(above)}:{len(current) + 1}", f"not {encoding}",
               f"not {encoding} at byte {offset + error.start} of the file", fix)  # fmt: skip


def file_encoding(file: File, declared: str | None) -> Encoding | BadRecord:
    """Return the encoding of a file that is read as a stream, or its fault if none is supported."""
    if file.encoding:
        return file.encoding
    head, whole = sample(file)
    encoding = encoding_of(head, declared, whole=whole)
    return encoding or BadRecord("", "not UTF-8", "not UTF-8, UTF-16 or windows-1256", recoding(head))

"""Members of zip archives, each read as a stream; hostile ones are refused by name."""

import stat
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import BinaryIO

from builder.corpus.readers.detection.kinds import UNPACKED, kind_of
from builder.corpus.readers.rows import File, Member, shown
from builder.corpus.readers.streams import HARMLESS, MAX_RATIO
from builder.io.remote import open_file
from builder.records import Dropped

MOST_MEMBERS = 1_000_000

NESTED = frozenset((".zip", ".7z", ".rar", ".tar", ".tgz", ".bz2", ".xz"))

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)

ENCRYPTED = 0x1
"""The flag of an encrypted member."""


def members(file: File) -> Iterator[File | Dropped]:
    """Yield the members of an archive in order of name, each as a file, or as dropped with the reason.

    The kind of a member is "" if its name tells none. Raises OSError, or ValueError if the archive is broken or as a
    whole a decompression bomb.
    """
    with open_file(file.uri) as raw:
        for info in _directory(raw, file):
            name, origin = info.filename, f"{file.origin}/{shown(info.filename)}"
            kind, packing = kind_of(PurePosixPath(name).name)
            reason = _refusal(info, kind)
            if reason:
                yield Dropped("ingest", origin, reason)
                continue
            member = Member(name, info.header_offset, info.compress_type, info.compress_size, info.file_size, info.CRC)
            yield replace(file, origin=origin, named=f"{file.named}/{shown(name)}", kind=kind, packing=packing,
                          size=info.file_size, member=member)  # fmt: skip


def _directory(raw: BinaryIO, file: File) -> list[zipfile.ZipInfo]:
    """Return the entries of an archive that are files."""
    try:
        with zipfile.ZipFile(raw) as archive:
            infos = sorted((info for info in archive.infolist() if not info.is_dir()), key=lambda info: info.filename)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
        raise ValueError(f"not a whole zip archive: {shown(str(error))}") from None
    total = sum(info.file_size for info in infos if not _refusal(info, ""))
    if len(infos) > MOST_MEMBERS:
        raise ValueError(f"more than {MOST_MEMBERS:,} files in one archive")
    if total > HARMLESS and total > MAX_RATIO * file.size:
        raise ValueError(f"a decompression bomb: its files would have more than {MAX_RATIO} times its size")
    return infos


def _refusal(info: zipfile.ZipInfo, kind: str) -> str:
    """Return the reason why a member is not read; empty if it may be."""
    path = PurePosixPath(info.filename.replace("\\", "/"))
    ratio = info.file_size / max(info.compress_size, 1)
    refusals = (
        (path.is_absolute() or ".." in path.parts or info.filename[1:2] == ":", "path climbs out of its archive"),
        (path.parts[:1] == ("__MACOSX",) or path.name.startswith("._"), "metadata of macOS"),
        (path.suffix.casefold() in NESTED, "archive in an archive"),
        (stat.S_ISLNK(info.external_attr >> 16), "link not followed"),
        (bool(info.flag_bits & ENCRYPTED), "encrypted"),
        (info.compress_type not in METHODS, "unknown compression"),
        (info.file_size > HARMLESS and ratio > MAX_RATIO, "decompression bomb"),
        (kind in UNPACKED, f"{kind} in an archive"),
    )
    return next((reason for is_refused, reason in refusals if is_refused), "")

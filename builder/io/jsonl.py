"""JSON Lines: strict reading with the place of each fault, atomic writing."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from builder.io.atomic import atomic_write, write_bytes
from builder.io.hashing import Versions, digest_of, note_digest, versions_of
from builder.io.plain import to_plain
from builder.records import Issue, KhabarError

R = TypeVar("R")


MAX_LINE = 50_000_000
"""Maximum bytes of one JSON line; a longer one is hostile or broken."""

FAULTS = 5
"""Maximum number of errors reported per line."""

RESTORE = "restore the line from git, or delete it"

MARKERS = (b"<<<<<<< ", b"||||||| ", b"=======", b">>>>>>> ")
"""Beginnings of the lines that git writes around a conflict."""

LONG_NUMBER = re.compile(rb"[0-9]{19}")
"""Digits that a number of more than 64 bits has."""

_LINES: dict[type, TypeAdapter[Any]] = {}


def read_lines(path: Path, record: type[R]) -> tuple[list[tuple[int, R]], list[Issue]]:
    """Read records with their line numbers, and return an Issue for each error of an invalid line.

    A missing file has no lines.
    """
    if not path.exists():
        return [], []
    digest, versions, distinct = hashlib.sha256(), versions_of([path]), set[int]()

    def noted(lines: Iterable[bytes]) -> Iterator[bytes]:
        for line in lines:
            digest.update(line)
            distinct.add(hash(line.strip()))
            yield line

    with path.open("rb") as lines:
        found = parse_lines(path, noted(lines), record)
    note_digest(path, versions, digest.hexdigest())
    note_digest(("lines", path), versions, str(len(distinct - {hash(b"")})))
    return found


def note_lines(path: Path, versions: Versions, content: bytes) -> None:
    """Keep the digest of a file that was read, and the number of its different lines, for count_lines."""
    note_digest(path, versions, hashlib.sha256(content).hexdigest())
    distinct = {hash(line.strip()) for line in content.split(b"\n")} - {hash(b"")}
    note_digest(("lines", path), versions, str(len(distinct)))


def parse_lines(path: Path, lines: Iterable[bytes], record: type[R]) -> tuple[list[tuple[int, R]], list[Issue]]:
    """Parse the lines of a file as records with their line numbers, with an Issue for each error of an invalid line."""
    records: list[tuple[int, R]] = []
    issues: list[Issue] = []
    adapter = _line_adapter(record)
    for number, line in enumerate(lines, 1):
        faults: Iterable[str] = ()
        if len(line) > MAX_LINE:
            faults = [f"the line has {len(line):,} bytes, more than the maximum of {MAX_LINE:,}"]
        elif line.strip():
            try:
                made = adapter.validate_json(line.strip(), strict=True)
            except ValidationError as error:
                faults = _said(record, line, error)
            else:
                faults = _too_large(record, made) if LONG_NUMBER.search(line) else ()
                records += [] if faults else [(number, made)]
        issues += [Issue("error", "record", fault, f"{path}:{number}", RESTORE) for fault in faults]
    return records, issues


def _too_large(record: type, made: object) -> list[str]:
    """Return an error for each number of a record that a table cannot hold."""
    return [f"not {_kind(record)}: {where}: more than 64 bits" for where, number in _numbers(made, "")
            if not -(1 << 63) <= number < 1 << 63][:FAULTS]  # fmt: skip


def _numbers(value: object, where: str) -> Iterator[tuple[str, int]]:
    """Yield the whole numbers in a value, each with its place."""
    if isinstance(value, int):
        yield where, value
    elif is_dataclass(value):
        for field in fields(value):
            yield from _numbers(getattr(value, field.name), f"{where}.{field.name}".lstrip("."))
    elif isinstance(value, tuple):
        for place, one in enumerate(value):
            yield from _numbers(one, f"{where}.{place}")


def count_lines(path: Path) -> int:
    """Count the different lines of a file that are not blank, without parsing them; an absent file has none."""

    def count() -> str:
        with path.open("rb") as lines:
            return str(len({hash(line.strip()) for line in lines} - {hash(b"")}))

    return int(digest_of(("lines", path), versions_of([path]), count)) if path.exists() else 0


def _said(record: type, line: bytes, error: ValidationError) -> Iterator[str]:
    """Yield the errors of a line, without quoting its content."""
    kind = _kind(record)
    if line.startswith(MARKERS):
        yield f"not {kind}: a conflict that git could not merge: keep the lines of both sides, and delete this one"
        return
    for detail in error.errors(include_url=False, include_input=False)[:FAULTS]:
        field = ".".join(map(str, detail["loc"]))
        known = {"unexpected_keyword_argument": "unknown field", "missing": "is missing"}
        reason = known.get(detail["type"], detail["msg"])
        if detail["type"] == "json_invalid":
            try:
                line.decode()
            except UnicodeDecodeError as fault:
                reason = f"not UTF-8 at byte {fault.start + 1} of the line"
        reason = re.sub(r" at line 1 column (\d+)$", r" at column \1", reason)
        yield f"not {kind}: {field + ': ' if field else ''}{reason}"


def _kind(record: type) -> str:
    return f"{'an' if record.__name__[0] in 'AEIOU' else 'a'} {record.__name__}"


def _line_adapter(record: type[R]) -> TypeAdapter[R]:
    """Return the adapter of a record type that rejects unknown fields, so that a mistyped name is not lost silently."""
    if record not in _LINES:
        _close(record)
        _LINES[record] = TypeAdapter(record)
    return _LINES[record]


def _close(kind: Any) -> None:
    """Make a record type, and the record types inside it, reject unknown fields."""
    if is_dataclass(kind):
        closed: Any = kind
        closed.__pydantic_config__ = ConfigDict(extra="forbid")
        for hint in get_type_hints(kind).values():
            _close(hint)
    for part in get_args(kind):
        _close(part)


def write_json(path: Path, value: object, *, mode: int = 0o644) -> None:
    """Write one JSON document, readable, keys in the given order."""
    write_bytes(path, json_bytes(value), mode=mode)


def json_bytes(value: object) -> bytes:
    """Return the content of the file that write_json writes."""
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def write_jsonl(path: Path, records: Iterable[object]) -> None:
    """Write records as JSON Lines, UTF-8, in the given order."""
    with atomic_write(path) as out:
        out.writelines((json.dumps(to_plain(record), ensure_ascii=False) + "\n").encode() for record in records)


def read_jsonl(path: Path, record: type[R]) -> list[R]:
    """Read JSON Lines; an absent file has no records.

    Raises KhabarError (exit code 2) with every malformed line.
    """
    found, issues = read_lines(path, record)
    if issues:
        raise KhabarError(*issues)
    return [one for _, one in found]

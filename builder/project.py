"""The project folder: the only owner of its files.

Writes are a temporary file and `os.replace`, under a lock, so that a kill loses nothing
that was acknowledged. Secrets come from the environment and are never written.
"""

import contextlib
import errno
import fcntl
import json
import os
import secrets
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar, get_type_hints

from pydantic import TypeAdapter

from builder.lines import read_lines
from builder.records import Account, Refused, SetAside, arrow_schema, refuse

if TYPE_CHECKING:
    import pyarrow as pa

    from builder.schema import Schema

R = TypeVar("R")
ENVIRONMENT = ("LABEL_STUDIO_API_KEY", "HF_TOKEN", "KHABAR_SECRET")

ROWS = 4_096
"""Records of a row group."""
PART = 512
"""Records that are read at once."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Faults of a write that found no room."""

_ADAPTERS: dict[type, TypeAdapter[Any]] = {}


def _adapter(record: type[R]) -> TypeAdapter[R]:
    if record not in _ADAPTERS:
        _ADAPTERS[record] = TypeAdapter(record)
    return _ADAPTERS[record]


def to_plain(record: object) -> dict[str, Any]:
    """A record as plain JSON values, fields in order."""
    plain: dict[str, Any] = _adapter(type(record)).dump_python(record, mode="json")
    return plain


def from_plain(record: type[R], plain: object) -> R:
    """Make a record of plain values; raises pydantic.ValidationError."""
    return _adapter(record).validate_python(plain)


@contextlib.contextmanager
def replacing(path: Path, *, mode: int = 0o644) -> Iterator[BinaryIO]:
    """Write a file so that readers see the old one or, once all is written, the new one; never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        blame(error, path)
        raise


def blame(error: BaseException, path: Path) -> None:
    """Say of a full disk what was being written there: a write that fails knows no name."""
    if isinstance(error, OSError) and error.errno in FULL and error.filename is None:
        error.filename = str(path)


def write_bytes(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a whole file, as `replacing` does."""
    with replacing(path, mode=mode) as out:
        out.write(content)


def write_json(path: Path, value: object, *, mode: int = 0o644) -> None:
    """Write one JSON document, readable, keys in the given order."""
    write_bytes(path, (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode(), mode=mode)


def write_jsonl(path: Path, records: Iterable[object]) -> None:
    """Write records as JSON Lines, UTF-8, in the given order."""
    lines = (json.dumps(to_plain(r), ensure_ascii=False) + "\n" for r in records)
    write_bytes(path, "".join(lines).encode())


def read_jsonl(path: Path, record: type[R]) -> list[R]:
    """Read JSON Lines; an absent file has no records.

    Raises Refused (exit code 2) with every malformed line.
    """
    found, issues = read_lines(path, record)
    if issues:
        raise Refused(*issues)
    return [one for _, one in found]


def write_table(path: Path, records: Sequence[object], record: type[Any]) -> None:
    """Write records as one Parquet file with the record type's Arrow schema."""
    write_batches(path, [records], record)


def write_batches(path: Path, batches: Iterable[Sequence[object]], record: type[Any]) -> None:
    """Write records as write_table does, a row group of ROWS at a time, so that memory does not grow with them."""
    import pyarrow.parquet as pq

    with replacing(path) as out, pq.ParquetWriter(out, arrow_schema(record), compression="zstd") as writer:
        waiting: list[object] = []
        for batch in batches:
            waiting += batch
            while len(waiting) >= ROWS:
                writer.write_table(to_table(waiting[:ROWS], record))
                del waiting[:ROWS]
        if waiting:
            writer.write_table(to_table(waiting, record))


def to_table(records: Iterable[object], record: type[Any]) -> "pa.Table":
    """Records as an Arrow table."""
    import pyarrow as pa

    dump = _adapter(record).dump_python
    return pa.Table.from_pylist([dump(one) for one in records], schema=arrow_schema(record))


def from_table(table: "pa.Table | pa.RecordBatch", record: type[R]) -> list[R]:
    """The rows of a table as records; columns that the record does not have are left out."""
    validate, known = _adapter(record).validate_python, {*get_type_hints(record)}
    own = table.select([name for name in table.column_names if name in known])
    return [validate(row) for row in own.to_pylist(maps_as_pydicts="strict")]


def read_batches(path: Path, record: type[R]) -> Iterator[list[R]]:
    """Read what write_table wrote, a part at a time; an absent file has no records."""
    import pyarrow.parquet as pq

    if not path.exists():
        return
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=PART):
            yield from_table(batch, record)


def read_table(path: Path, record: type[R]) -> list[R]:
    """Read all that write_table wrote; an absent file has no records."""
    return [one for batch in read_batches(path, record) for one in batch]


@dataclass(frozen=True)
class Project:
    """A dataset project: its folder, and where each kind of file is in it."""

    root: Path

    @cached_property
    def schema(self) -> "Schema":
        """The checked schema folder; raises Refused."""
        from builder.schema import load_schema  # workers that read no schema start without it

        return load_schema(self.root / "schema")

    @property
    def work(self) -> Path:
        """What stays on this machine: derived tables, the embedded Label Studio's data, the pseudonym key."""
        return self.root / ".khabar"

    @property
    def annotations(self) -> Path:
        """The source of truth: batches, judgements and decisions, in git."""
        return self.root / "annotations"

    def release(self, version: str) -> Path:
        """The folder of a built release."""
        return self.root / "dist" / f"v{version}"

    def batches(self) -> list[str]:
        """Names of the batches, sorted."""
        return sorted(p.parent.name for p in self.annotations.glob("*/batch.jsonl"))

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the project for writing; raises Refused (exit code 2) when another khabar has it."""
        self.work.mkdir(parents=True, exist_ok=True)
        with (self.work / "lock").open("a+") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                handle.seek(0)
                raise refuse(
                    "locked",
                    f"another khabar ({handle.read().strip() or 'unknown'}) works in this project",
                    where=str(self.root),
                    fix="wait until it ends, then run this again",
                ) from None
            handle.seek(0)
            handle.truncate()
            try:
                os.write(handle.fileno(), f"process {os.getpid()}".encode())
            except OSError as error:
                blame(error, self.work / "lock")
                raise
            for leftover in self.annotations.glob("**/.*.jsonl.*"):  # of a write that was killed
                leftover.unlink()
            yield

    def save_account(self, stage: str, accounts: Sequence[Account], set_aside: Sequence[SetAside] = ()) -> None:
        """Keep a stage's accounts and the list behind them, for `status` and the card.

        Raises Refused (exit code 1) where an account does not balance.
        """
        for account in accounts:
            if not account.balanced:
                raise refuse(
                    "unbalanced",
                    f"{account.stage}: {account.taken} {account.unit} came in, but "
                    f"{account.kept} kept and {dict(account.set_aside)} set aside do not add up",
                    fix="this is a fault of khabar: please report it",
                    exit_code=1,
                )
        write_jsonl(self.work / "accounts" / f"{stage}.jsonl", accounts)
        write_jsonl(self.work / "set_aside" / f"{stage}.jsonl", set_aside)

    def accounts(self, stage: str) -> list[Account]:
        """The accounts that a stage last saved."""
        return read_jsonl(self.work / "accounts" / f"{stage}.jsonl", Account)

    def stamp(self, stage: str, inputs: str) -> None:
        """Remember the hash of what a stage was made from."""
        write_bytes(self.work / "stamps" / stage, inputs.encode())

    def stamped(self, stage: str) -> str | None:
        """The hash that a stage was last made from, or None."""
        path = self.work / "stamps" / stage
        return path.read_text() if path.exists() else None

    def note(self, name: str, facts: Mapping[str, str]) -> None:
        """Keep facts about the outside, such as where a batch was sent."""
        write_json(self.work / "notes" / f"{name}.json", dict(facts))

    def noted(self, name: str) -> dict[str, str]:
        """Give back what `note` kept, or nothing."""
        path = self.work / "notes" / f"{name}.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def pseudonym_key(self) -> bytes:
        """The secret behind annotators' pseudonyms: KHABAR_SECRET, or a local one (mode 0600, not in git)."""
        given = os.environ.get("KHABAR_SECRET")
        if given:
            return given.encode()
        path = self.work / "pseudonym.key"
        if not path.exists():
            write_bytes(path, secrets.token_hex(32).encode(), mode=0o600)
        return path.read_bytes()


def find_project(start: Path) -> Project:
    """The project that holds a folder: the nearest one above with schema/dataset.yaml.

    Raises Refused (exit code 2) when there is none.
    """
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / "schema" / "dataset.yaml").is_file():
            return Project(folder)
    raise refuse(
        "no-project",
        f"no khabar project here: {start.resolve()} has no schema/dataset.yaml above it",
        where=str(start),
        fix="run `khabar init DIR` first, or name a project with -C DIR",
    )


def template() -> Path:
    """The folder of the project template: in the installed package, or the repository itself."""
    packaged = Path(__file__).parent / "template"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent

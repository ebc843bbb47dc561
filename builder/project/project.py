"""The project folder: the only owner of its files.

Writes are a temporary file and `os.replace`, under a lock, so that a kill loses nothing
that was acknowledged. Secrets come from the environment and are never written.
"""

import contextlib
import fcntl
import json
import os
import secrets
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

from builder.io.atomic import add_path_to_error, write_bytes
from builder.io.hashing import file_digest, small_text
from builder.io.journal import Journal, replay
from builder.io.jsonl import read_jsonl, write_json, write_jsonl
from builder.records import Dropped, StageCounts, user_error
from builder.schema.loading import Schema, load_schema

R = TypeVar("R")

WRITTEN = (".", "accounts", "set_aside", "sampled", "stamps/**", "notes/**")
"""The folders of .khabar/ that commands write small files into."""


@dataclass(frozen=True, slots=True)
class StepStamp:
    """What a command last read, by the name of the input, and its exit code: 0, or 1 if it had findings."""

    inputs: Mapping[str, str]
    exit_code: int = 0


@dataclass(frozen=True)
class Project:
    """A dataset project: its folder, and the paths of its files."""

    root: Path
    seen: dict[Hashable, Any] | None = field(default=None, compare=False, repr=False)
    """What a snapshot has read."""

    def snapshot(self) -> Self:
        """Return the project as one command sees it: what it reads with `once` is read once, and stays what it was."""
        frozen = replace(self, seen={})
        frozen.__dict__["schema"] = self.schema
        return frozen

    def once(self, name: Hashable, make: Callable[[], R]) -> R:
        """Return what `make` reads; in a snapshot, what it read at first."""
        if self.seen is None:
            return make()
        if name not in self.seen:
            self.seen[name] = make()
        found: R = self.seen[name]
        return found

    def digest(self, path: Path) -> str:
        """Return the sha256 of a file; in a snapshot, of what it read."""
        return self.once((path, "sha256"), lambda: file_digest(path))

    def live(self) -> Self:
        """Return the project without what a snapshot read, and make the snapshot read again: a command changes it."""
        if self.seen is not None:
            self.seen.clear()
        found = replace(self, seen=None)
        found.__dict__["schema"] = self.schema
        return found

    @cached_property
    def schema(self) -> Schema:
        """The validated schema folder. Raises KhabarError with every fault."""
        return load_schema(self.root / "schema")

    @property
    def work(self) -> Path:
        """The folder of what stays on this machine: derived tables, Label Studio's data, the pseudonym key."""
        return self.root / ".khabar"

    @property
    def annotations(self) -> Path:
        """The source of truth: batches, judgements and decisions, in git."""
        return self.root / "annotations"

    @property
    def journal(self) -> Journal:
        """The changes of several files at once, such as migrations: what was committed is finished under the lock."""
        return Journal(self.work / "migrations", self.root)

    def release(self, version: str) -> Path:
        """Return the folder of a built release."""
        return self.root / "dist" / f"v{version}"

    def batches(self) -> list[str]:
        """Names of the batches, sorted."""
        return sorted(p.parent.name for p in self.annotations.glob("*/batch.jsonl"))

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the project for writing. Raises KhabarError (exit code 2) if another khabar holds the lock."""
        self.work.mkdir(parents=True, exist_ok=True)
        with (self.work / "lock").open("a+") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                handle.seek(0)
                raise user_error(
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
                add_path_to_error(error, self.work / "lock")
                raise
            self._remove_leftovers()
            replay(self.journal)
            yield

    def _remove_leftovers(self) -> None:
        """Remove the temporary files of writes that were killed.

        Some commands write below .khabar/ without the lock, so only files of an hour ago are surely left over there.
        """
        for kind in ("jsonl", "json", "md"):
            for leftover in self.annotations.glob(f"**/.*.{kind}.*"):
                leftover.unlink()
        for leftover in [found for folder in WRITTEN for found in self.work.glob(f"{folder}/.*.*")]:
            if leftover.is_file() and time.time() - leftover.stat().st_mtime > 3600:
                leftover.unlink()

    def save_account(self, stage: str, accounts: Sequence[StageCounts], set_aside: Sequence[Dropped] = ()) -> None:
        """Keep a stage's accounts and the list behind them, for `status` and the card.

        Raises KhabarError (exit code 1) where an account does not balance.
        """
        for account in accounts:
            if not account.balanced:
                raise user_error(
                    "unbalanced",
                    f"{account.stage}: {account.taken} {account.unit} came in, but "
                    f"{account.kept} kept and {dict(account.set_aside)} set aside do not add up",
                    fix="this is a fault of khabar: please report it",
                    exit_code=1,
                )
        write_jsonl(self.work / "accounts" / f"{stage}.jsonl", accounts)
        write_jsonl(self.work / "set_aside" / f"{stage}.jsonl", set_aside)

    def accounts(self, stage: str) -> list[StageCounts]:
        """Read the counts that a stage last saved."""
        return read_jsonl(self.work / "accounts" / f"{stage}.jsonl", StageCounts)

    def stamp(self, stage: str, inputs: str) -> None:
        """Store the hash of the inputs that a stage was made from."""
        write_bytes(self.work / "stamps" / stage, inputs.encode())

    def stamped(self, stage: str) -> str | None:
        """Return the hash of the inputs that a stage was last made from, or None."""
        return small_text(self.work / "stamps" / stage)

    def stamp_step(self, step: str, inputs: Mapping[str, str], exit_code: int = 0) -> None:
        """Store the digests of what a command read, after it ended."""
        write_json(self._step(step), {"inputs": dict(inputs), "exit_code": exit_code})

    def stamped_step(self, step: str) -> StepStamp | None:
        """Return what a command last read, or None if nothing readable says so."""
        try:
            stored = json.loads(small_text(self._step(step)) or "")
            return StepStamp(dict(stored["inputs"]), int(stored["exit_code"]))
        except (ValueError, KeyError, TypeError):
            return None

    def changes(self, step: str, now: Mapping[str, str]) -> tuple[str, ...] | None:
        """Return the names of the inputs that changed since a command last ran, or None if it never ran here."""
        stamp = self.stamped_step(step)
        if stamp is None:
            return None
        before = stamp.inputs
        return tuple(name for name in (*now, *(before.keys() - now)) if before.get(name) != now.get(name))

    def _step(self, step: str) -> Path:
        return self.work / "stamps" / "steps" / f"{step}.json"

    def note(self, name: str, facts: Mapping[str, str]) -> None:
        """Store facts about the outside, such as where a batch was sent."""
        write_json(self.work / "notes" / f"{name}.json", dict(facts))

    def noted(self, name: str) -> dict[str, str]:
        """Return what `note` stored, or nothing."""
        path = self.work / "notes" / f"{name}.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def pseudonym_key(self) -> bytes:
        """Return the secret behind annotators' pseudonyms: KHABAR_SECRET, or a local one (mode 0600, not in git)."""
        given = os.environ.get("KHABAR_SECRET")
        if given:
            return given.encode()
        path = self.work / "pseudonym.key"
        if not path.exists():
            write_bytes(path, secrets.token_hex(32).encode(), mode=0o600)
        return path.read_bytes()


def said(names: Sequence[str]) -> str:
    """Return names as an English list.

    >>> said(["documents", "counts", "the profile"])
    'documents, counts and the profile'
    """
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def find_project(start: Path) -> Project:
    """Find the project that holds a folder: the nearest one above with schema/dataset.yaml.

    Raises KhabarError (exit code 2) when there is none.
    """
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / "schema" / "dataset.yaml").is_file():
            found = Project(folder)
            if found.journal.is_committed:  # a change was killed: no command sees a part of it
                with found.lock():
                    pass
            return found
    raise user_error(
        "no-project",
        f"no khabar project here: {start.resolve()} has no schema/dataset.yaml above it",
        where=str(start),
        fix="run `khabar init DIR` first, or name a project with -C DIR",
    )


def template() -> Path:
    """Return the folder of the project template: in the installed package, or the repository itself."""
    packaged = Path(__file__).parent.parent / "template"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent.parent

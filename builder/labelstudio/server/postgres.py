"""Postgres as the embedded Label Studio's database: its address, what is in it, its copy.

The password comes from PGPASSWORD or the address, and is never kept: it goes to Label Studio on standard
input, and to pg_dump and pg_restore in their environment. Neither shows in the list of processes.
"""

import json
import os
import shutil
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from builder.io.jsonl import write_json
from builder.labelstudio.server.install import OWNER, hardened_environment, installed, launch_command
from builder.records import KhabarError, user_error

FILE = "database.json"


@dataclass(frozen=True, slots=True)
class Database:
    """Where a Postgres database is, and as whom to log in; the password is secret."""

    user: str
    host: str
    port: int
    name: str
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"postgresql://{self.user}@{host}:{self.port}/{self.name}"


class Holding(BaseModel):
    """What a database holds: tables, whether they are Label Studio's, its annotators, its size in bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tables: int
    label_studio: bool
    annotators: int
    size: int


def database_of(url: str) -> Database:
    """Take an address apart; a password that it does not hold is that of PGPASSWORD.

    Raises Refused (exit code 2), never with the address in it: it may hold a password.

    >>> str(database_of("postgresql://khabar:secret@db.example.org/studio"))
    'postgresql://khabar@db.example.org:5432/studio'
    """
    try:
        parts = urlsplit(url)
        port = parts.port or 5432
    except ValueError:
        raise _not_an_address() from None
    name = unquote(parts.path.removeprefix("/"))
    if parts.scheme not in ("postgresql", "postgres") or not parts.username or not parts.hostname or not name:
        raise _not_an_address()
    if parts.query or parts.fragment or "/" in name or "=" in name:
        raise _not_an_address()
    return Database(unquote(parts.username), parts.hostname, port, name, _password(parts))


def _password(parts: SplitResult) -> str:
    return unquote(parts.password) if parts.password is not None else os.environ.get("PGPASSWORD", "")


def _not_an_address() -> KhabarError:
    return user_error(
        "database",
        "--database is not the address of a Postgres database",
        fix="such as postgresql://user@127.0.0.1:5432/name, with the password in PGPASSWORD",
    )


def remember(data: Path, database: Database) -> None:
    """Keep in a data folder which database it goes with, without the password."""
    plain = asdict(database)
    del plain["password"]
    write_json(data / FILE, plain, mode=0o600)


def remembered(data: Path) -> Database | None:
    """The database that a data folder goes with, with the password of PGPASSWORD; None for SQLite.

    Raises Refused (exit code 2) where what was kept cannot be read.
    """
    path = data / FILE
    if not path.exists():
        return None
    try:
        kept = json.loads(path.read_text())
        return Database(kept["user"], kept["host"], int(kept["port"]), kept["name"], os.environ.get("PGPASSWORD", ""))
    except (OSError, ValueError, KeyError, TypeError):
        message = "which database this Label Studio has cannot be read"
        raise user_error("database", message, where=str(path), fix="restore the file from a backup") from None


def holding(database: Database) -> Holding:
    """Log in and look; raises Refused (exit code 3) with what Postgres says, which holds no password."""
    order = json.dumps({"database": asdict(database), "owner": OWNER}).encode()
    done = subprocess.run(
        launch_command(installed(), "probe", Path("/")),
        input=order,
        env=hardened_environment(Path("/nonexistent")),
        capture_output=True,
        check=False,
    )
    try:
        return Holding.model_validate_json(done.stdout)
    except ValidationError:
        pass
    try:
        fault = str(json.loads(done.stdout)["fault"])
    except (ValueError, KeyError, TypeError):
        fault = "".join(done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:])
    raise user_error(
        "database",
        f"Postgres at {database} does not let us in: {fault[:300]}",
        fix="is it up, is there such a database, and is PGPASSWORD its user's password?",
        exit_code=3,
    )


def refuse_taken(database: Database) -> None:
    """Raise Refused (exit code 2) for a database that is not empty: a start would migrate what is in it."""
    found = holding(database)
    if found.tables:
        whose = "a Label Studio" if found.label_studio else f"{found.tables} tables of something else"
        raise user_error(
            "database",
            f"the database {database} holds {whose} already",
            fix="make an empty one: createdb NAME; to use another Label Studio, set LABEL_STUDIO_URL",
        )


def dump(database: Database, path: Path) -> None:
    """Write one consistent copy of the database while it is in use; raises Refused.

    In pg_dump's own format: its SQL format may hold commands that psql would run in a shell.
    """
    _run("pg_dump", database, ["--format=custom", "--no-owner", "--no-privileges", f"--file={path}"])


def load(database: Database, path: Path) -> None:
    """Put a copy in the place of what the database holds, in one transaction: whole, or nothing has changed."""
    options = ["--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]
    _run("pg_restore", database, [*options, str(path)])


def _run(program: str, database: Database, options: list[str]) -> None:
    found = shutil.which(program)
    if not found:
        message = f"{program} is not on this machine"
        raise user_error(
            "database", message, fix="install Postgres's client programs: apt-get install postgresql-client"
        )
    where = [f"--host={database.host}", f"--port={database.port}", f"--username={database.user}"]
    done = subprocess.run(
        [found, *where, f"--dbname={database.name}", "--no-password", *options],
        env={"PATH": os.defpath, "LANG": "C.UTF-8", "PGPASSWORD": database.password},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
        raise user_error(
            "database",
            f"{program} failed: {said[0][:300]}",
            where=str(database),
            exit_code=3,
            fix="see to the database, then run the same command again",
        )

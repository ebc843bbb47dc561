"""Postgres support of the embedded Label Studio: connection URL, inspection, dump and restore.

The password comes from PGPASSWORD or the URL and is never stored. Label Studio gets it on standard input; pg_dump and
pg_restore get it in their environment. Neither appears in the process list.
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
from builder.records import KhabarError, counted, user_error

FILE = "database.json"


@dataclass(frozen=True, slots=True)
class Database:
    """Connection parameters of a Postgres database; the password is secret."""

    user: str
    host: str
    port: int
    name: str
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"postgresql://{self.user}@{host}:{self.port}/{self.name}"


class DatabaseStats(BaseModel):
    """Contents of a database: number of tables, whether they are Label Studio's, annotators, size in bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tables: int
    label_studio: bool
    annotators: int
    size: int


def database_of(url: str) -> Database:
    """Parse a Postgres URL. A URL without a password gets that of PGPASSWORD.

    Raises KhabarError (exit code 2) for an invalid URL; the message does not quote it, because it may hold a password.

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
        "--database is not a valid Postgres URL",
        fix="pass a URL such as postgresql://user@127.0.0.1:5432/name, with the password in PGPASSWORD",
    )


def save_config(data: Path, database: Database) -> None:
    """Write the connection parameters, without the password, to a data folder."""
    plain = asdict(database)
    del plain["password"]
    write_json(data / FILE, plain, mode=0o600)


def load_config(data: Path) -> Database | None:
    """Return the database that a data folder is configured for, with the password of PGPASSWORD; None for SQLite.

    Raises KhabarError (exit code 2) if the configuration file cannot be read.
    """
    path = data / FILE
    if not path.exists():
        return None
    try:
        kept = json.loads(path.read_text())
        return Database(kept["user"], kept["host"], int(kept["port"]), kept["name"], os.environ.get("PGPASSWORD", ""))
    except (OSError, ValueError, KeyError, TypeError):
        message = "the database configuration of Label Studio cannot be read"
        raise user_error("database", message, where=str(path), fix="restore the file from a backup") from None


def inspect_database(database: Database) -> DatabaseStats:
    """Connect to the database and return its contents.

    Raises KhabarError (exit code 3) with the error message of Postgres, which contains no password.
    """
    order = json.dumps({"database": asdict(database), "owner": OWNER}).encode()
    done = subprocess.run(
        launch_command(installed(), "probe", Path("/")),
        input=order,
        env=hardened_environment(Path("/nonexistent")),
        capture_output=True,
        check=False,
    )
    try:
        return DatabaseStats.model_validate_json(done.stdout)
    except ValidationError:
        pass
    try:
        fault = str(json.loads(done.stdout)["fault"])
    except (ValueError, KeyError, TypeError):
        fault = "".join(done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:])
    raise user_error(
        "database",
        f"cannot connect to {database}: {fault[:300]}",
        fix="check that Postgres is running, that the database exists and that PGPASSWORD is the user's password",
        exit_code=3,
    )


def require_empty(database: Database) -> None:
    """Raise KhabarError (exit code 2) if the database is not empty, because a start would migrate its contents."""
    content = inspect_database(database)
    if content.tables:
        tables = (
            "tables of a Label Studio"
            if content.label_studio
            else f"{counted(content.tables, 'table')} of something else"
        )
        raise user_error(
            "database",
            f"the database {database} already contains {tables}",
            fix="create an empty one with `createdb NAME`; to use another Label Studio, set LABEL_STUDIO_URL",
        )


def dump(database: Database, path: Path) -> None:
    """Dump a consistent snapshot of the database to a file, even while it is in use; raises KhabarError if pg_dump fails.

    The dump uses pg_dump's custom format, because a dump in SQL may contain commands that psql runs in a shell.
    """
    _run("pg_dump", database, ["--format=custom", "--no-owner", "--no-privileges", f"--file={path}"])


def load(database: Database, path: Path) -> None:
    """Replace the contents of the database with a dump, in one transaction; raises KhabarError if pg_restore fails."""
    options = ["--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]
    _run("pg_restore", database, [*options, str(path)])


def _run(program: str, database: Database, options: list[str]) -> None:
    executable = shutil.which(program)
    if not executable:
        message = f"{program} is not installed"
        raise user_error(
            "database", message, fix="install the Postgres client programs: apt-get install postgresql-client"
        )
    where = [f"--host={database.host}", f"--port={database.port}", f"--username={database.user}"]
    done = subprocess.run(
        [executable, *where, f"--dbname={database.name}", "--no-password", *options],
        env={"PATH": os.defpath, "LANG": "C.UTF-8", "PGPASSWORD": database.password},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        reasons = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
        raise user_error(
            "database",
            f"{program} failed: {reasons[0][:300]}",
            where=str(database),
            exit_code=3,
            fix="check the database, then retry",
        )

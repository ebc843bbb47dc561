"""The embedded Label Studio: start and stop it on loopback, make accounts.

Each project has its own data, mode 0700. Nothing here talks to its API but to see that it is ready:
studio.py does, to any server.
"""

import contextlib
import http.client
import json
import os
import re
import secrets
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from builder.io.jsonl import write_json
from builder.labelstudio.server import data_dir, postgres
from builder.labelstudio.server.install import OWNER, VERSION, fault_in, hardened_environment, installed, launch_command
from builder.labelstudio.server.ports import choose_port, is_free, is_ours, running_state
from builder.records import Notify, user_error

PATIENCE = 240.0
"""Seconds that a start may take; a slow machine needs about 30."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running Label Studio; the token is secret."""

    url: str
    pid: int
    token: str = field(repr=False)


def logins(names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """An e-mail and a new password for each annotator; a plain name becomes an address that no mail reaches.

    Raises Refused (exit code 2) for what is neither a name nor an e-mail.
    """
    made: list[tuple[str, str]] = []
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,60}(@[A-Za-z0-9.-]{1,100})?", name):
            raise user_error("name", f"{name!r} is neither a name (a-z, 0-9, '.', '_', '-') nor an e-mail")
        email = name if "@" in name else f"{name}@khabar.localhost"
        made.append((email.lower(), secrets.token_urlsafe(12)))
    return tuple(made)


def accounts(work: Path, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Make annotators' accounts, or give those that exist a new password; nothing is stored here.

    Takes about seven seconds; the server may run meanwhile. Raises Refused where there is no server yet.
    """
    made = logins(names)
    _make_accounts(work, made)
    return made


def up(
    work: Path,
    *,
    port: int | None = None,
    accounts: Sequence[tuple[str, str]] = (),
    database: postgres.Database | None = None,
    progress: Notify,
) -> Server:
    """Start the project's Label Studio on 127.0.0.1, or find it running; its data stay in `work`.

    `accounts` (from `logins`) are made in the same start, which spares the seconds that `accounts()` takes.
    The first start chooses the database: `database`, or else SQLite; later ones keep to it.
    Raises Refused: exit code 2 when it is not installed or the port is busy, 3 when it does not start.
    """
    home = installed()
    data_dir.settle(work)
    database = data_dir.database_for(work, database)
    found = running_state(work)
    if found:
        progress(f"Label Studio is up already at {_url(found[1])}")
        server = _ready(work, *found, progress)
        if accounts:
            _make_accounts(work, accounts)
        return server
    chosen = choose_port(work, port, progress)
    if database and not postgres.holding(database).label_studio:
        progress(f"making Label Studio's tables in {database}: about a minute, once")
    data_dir.prepare(home, work, database)
    progress(f"starting Label Studio at {_url(chosen)}")
    pid = _spawn(home, work, chosen, _order(work, accounts, database))
    write_json(work / "state.json", {"pid": pid, "port": chosen}, mode=0o600)
    try:
        return _ready(work, pid, chosen, progress)
    except BaseException:
        down(work)
        raise


def status(work: Path) -> Server | None:
    """The project's running Label Studio, or None; what a crash left behind is not taken for one."""
    found = running_state(work)
    token = work / "token"
    if found is None or not token.exists() or _ask(found[1], "/health") is None:
        return None
    return Server(_url(found[1]), found[0], token.read_text())


def down(work: Path) -> bool:
    """Stop the project's Label Studio; its data stay. Gives back whether one was running."""
    found = running_state(work)
    if found is None:
        return False
    pid, port = found
    for number, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not is_ours(pid, work) and is_free(port):
                return True
            time.sleep(0.02)
    raise user_error("studio", f"process {pid} does not end", fix=f"end it yourself: kill -9 {pid}", exit_code=3)


def is_running(work: Path) -> bool:
    """Whether the project's Label Studio has a process, be it ready or not."""
    return running_state(work) is not None


def _order(work: Path, made: Sequence[tuple[str, str]], database: postgres.Database | None) -> bytes:
    """What launcher.py reads on standard input; far below a pipe's 64 KiB for any team."""
    order = {
        "owner": OWNER,
        "token": str(work.resolve() / "token"),
        "accounts": list(made),
        "database": asdict(database) if database else None,
    }
    return json.dumps(order).encode()


def _make_accounts(work: Path, made: Sequence[tuple[str, str]]) -> None:
    home = installed()
    if not (work / "data").exists():
        raise user_error(
            "studio", "this project has no Label Studio yet", where=str(work), fix="run `khabar studio up`"
        )
    database = postgres.remembered(work / "data")
    if database:
        postgres.holding(database)
    done = subprocess.run(
        launch_command(home, "accounts", work / "data"),
        input=_order(work, made, database),
        env=hardened_environment((work / "data").resolve()),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise user_error("studio", f"Label Studio could not make the accounts: {''.join(last)[:200]}", exit_code=3)


def _spawn(home: Path, work: Path, port: int, order: bytes) -> int:
    """Start the server in a session of its own, so that Ctrl-C for khabar is not meant for it."""
    reading, writing = os.pipe()
    try:
        os.write(writing, order)
        os.close(writing)
        log = str(work / "server.log")
        command = launch_command(home, "serve", work / "data", str(port))
        return os.posix_spawn(
            command[0],
            command,
            hardened_environment((work / "data").resolve()),
            file_actions=[
                (os.POSIX_SPAWN_DUP2, reading, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
    finally:
        os.close(reading)


def _ready(work: Path, pid: int, port: int, progress: Notify) -> Server:
    """Wait until the server answers and its token is there."""
    began = said = time.monotonic()
    while (now := time.monotonic()) - began < PATIENCE:
        if not is_ours(pid, work):
            break
        token = work / "token"
        if token.exists() and VERSION in (_ask(port, "/api/version") or "") and _takes(port, token.read_text()):
            return Server(_url(port), pid, token.read_text())
        if now - said >= 5:
            said = now
            progress(f"Label Studio is starting: {now - began:.0f} s")
        time.sleep(0.1)
    log = work / "server.log"
    raise user_error(
        "studio",
        f"Label Studio did not start: {fault_in(log)}",
        where=str(log),
        fix="read the log, then run `khabar studio up` again",
        exit_code=3,
    )


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _ask(port: int, path: str, *, body: str | None = None, bearer: str = "") -> str | None:
    """The body of a successful answer, or None; never through a proxy."""
    headers = {"Content-Type": "application/json"} if body else {}
    headers |= {"Authorization": f"Bearer {bearer}"} if bearer else {}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST" if body else "GET", path, body, headers)
        answer = connection.getresponse()
        said = answer.read(100_000).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return said if answer.status == 200 else None


def _takes(port: int, token: str) -> bool:
    """Whether the server knows the token yet: just after a crash it may answer before its database does."""
    fresh = _ask(port, "/api/token/refresh/", body=json.dumps({"refresh": token}))
    access = json.loads(fresh).get("access", "") if fresh else ""
    return bool(access) and _ask(port, "/api/current-user/whoami", bearer=access) is not None

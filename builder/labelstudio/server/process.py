"""Server process of the embedded Label Studio: start, stop and status on loopback, and annotator accounts.

Each project has its own data folder, mode 0700. `work` is the work folder of one server; it holds the data folder, the
token, the log and the state file. The API is used only to see whether the server is ready.
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

START_TIMEOUT = 240.0
"""Maximum seconds of a start; a slow machine needs about 30."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running embedded Label Studio; the token is secret."""

    url: str
    pid: int
    token: str = field(repr=False)


def new_credentials(names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return a lower-case e-mail and a new random password for each annotator.

    A plain name becomes an address under khabar.localhost, which receives no mail.
    Raises KhabarError (exit code 2) for a string that is neither a name nor an e-mail.
    """
    credentials: list[tuple[str, str]] = []
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,60}(@[A-Za-z0-9.-]{1,100})?", name):
            message = f"{name!r} is neither a name (a-z, 0-9, '.', '_', '-') nor an e-mail"
            raise user_error("name", message, fix="give a name such as salma, or an e-mail")
        email = name if "@" in name else f"{name}@khabar.localhost"
        credentials.append((email.lower(), secrets.token_urlsafe(12)))
    return tuple(credentials)


def accounts(work: Path, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Create annotators' accounts, or set a new password for existing ones; return e-mails and passwords.

    The passwords are not stored. This takes about seven seconds, and the server may be running.
    Raises KhabarError if there is no server yet.
    """
    credentials = new_credentials(names)
    _make_accounts(work, credentials)
    return credentials


def up(
    work: Path,
    *,
    port: int | None = None,
    accounts: Sequence[tuple[str, str]] = (),
    database: postgres.Database | None = None,
    progress: Notify,
) -> Server:
    """Start the project's Label Studio on 127.0.0.1, unless it is running, and return it.

    `accounts` (from `logins`) are created during the start, which saves the seconds that `accounts()` takes.
    The first start uses `database`, or SQLite if it is None; later starts use the same database.
    Raises KhabarError with exit code 2 if Label Studio is not installed or the port is in use, and 3 if it does not start.
    """
    home = installed()
    data_dir.recover_replace(work)
    database = data_dir.database_for(work, database)
    state = running_state(work)
    if state:
        progress(f"Label Studio is already running at {_url(state[1])}")
        server = _ready(work, *state, progress)
        if accounts:
            _make_accounts(work, accounts)
        return server
    chosen = choose_port(work, port, progress)
    if database and not postgres.inspect_database(database).label_studio:
        progress(f"creating Label Studio's tables in {database} (about a minute, once)")
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
    """Return the project's running Label Studio, or None; leftovers of a crash do not count."""
    state = running_state(work)
    token = work / "token"
    if state is None or not token.exists() or _ask(state[1], "/health") is None:
        return None
    return Server(_url(state[1]), state[0], token.read_text())


def down(work: Path) -> bool:
    """Stop the project's Label Studio, keep its data, and return whether it was running.

    Raises KhabarError (exit code 3) if the process cannot be stopped.
    """
    state = running_state(work)
    if state is None:
        return False
    pid, port = state
    for number, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not is_ours(pid, work) and is_free(port):
                return True
            time.sleep(0.02)
    raise user_error("studio", f"process {pid} did not stop", fix=f"stop it with `kill -9 {pid}`", exit_code=3)


def is_running(work: Path) -> bool:
    """Return whether the project's Label Studio has a process, ready or not."""
    return running_state(work) is not None


def _order(work: Path, credentials: Sequence[tuple[str, str]], database: postgres.Database | None) -> bytes:
    """Return the JSON that launcher.py reads from standard input; for any team it is far below a pipe's 64 KiB."""
    order = {
        "owner": OWNER,
        "token": str(work.resolve() / "token"),
        "accounts": list(credentials),
        "database": asdict(database) if database else None,
    }
    return json.dumps(order).encode()


def _make_accounts(work: Path, credentials: Sequence[tuple[str, str]]) -> None:
    home = installed()
    if not (work / "data").exists():
        raise user_error(
            "studio", "this project has no Label Studio yet", where=str(work), fix="run `khabar studio up`"
        )
    database = postgres.load_config(work / "data")
    if database:
        postgres.inspect_database(database)  # raises a clear error if the database cannot be reached
    done = subprocess.run(
        launch_command(home, "accounts", work / "data"),
        input=_order(work, credentials, database),
        env=hardened_environment((work / "data").resolve()),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        message = f"Label Studio could not create the accounts: {''.join(last)[:200]}"
        raise user_error("studio", message, fix="correct that, then run the command again", exit_code=3)


def _spawn(home: Path, work: Path, port: int, order: bytes) -> int:
    """Start the server in its own session, so that Ctrl-C in khabar does not reach it, and return its process id."""
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
    """Wait until the server responds and accepts its token; raises KhabarError (exit code 3) if it does not start."""
    began = reported = time.monotonic()
    while (now := time.monotonic()) - began < START_TIMEOUT:
        if not is_ours(pid, work):
            break
        token = work / "token"
        if token.exists() and VERSION in (_ask(port, "/api/version") or "") and _takes(port, token.read_text()):
            return Server(_url(port), pid, token.read_text())
        if now - reported >= 5:
            reported = now
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
    """Send a request without a proxy and return the body of a 200 response, or None."""
    headers = {"Content-Type": "application/json"} if body else {}
    headers |= {"Authorization": f"Bearer {bearer}"} if bearer else {}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST" if body else "GET", path, body, headers)
        response = connection.getresponse()
        content = response.read(100_000).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return content if response.status == 200 else None


def _takes(port: int, token: str) -> bool:
    """Return whether the server accepts the token; right after a crash it may respond before its database is ready."""
    refreshed = _ask(port, "/api/token/refresh/", body=json.dumps({"refresh": token}))
    access = json.loads(refreshed).get("access", "") if refreshed else ""
    return bool(access) and _ask(port, "/api/current-user/whoami", bearer=access) is not None

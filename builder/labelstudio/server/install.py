"""Installation of the pinned Label Studio into a virtual environment shared by all projects.

The installation includes a migrated template database; copying it shortens a project's first start to seconds.
"""

import contextlib
import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from builder.io.atomic import write_bytes
from builder.records import Notify, user_error

VERSION = "1.23.2"
"""The Label Studio version that constraints-studio.txt pins and launcher.py supports."""

OWNER = "owner@khabar.localhost"
"""The account of khabar's API token. It has no password, so nobody can log in as it."""

LAUNCHER = Path(__file__).with_name("launcher.py")


def studio_home() -> Path:
    """Return the folder of shared installations: $KHABAR_HOME, or `khabar` in the user's cache directory."""
    given, cache = os.environ.get("KHABAR_HOME"), os.environ.get("XDG_CACHE_HOME")
    return (Path(given) if given else Path(cache or Path.home() / ".cache") / "khabar").absolute()


def install(constraints: Path, progress: Notify) -> Path:
    """Install Label Studio and its template database if they are missing; return the installation folder.

    Raises KhabarError (exit code 3) with pip's error line if pip fails.
    """
    home = _folder()
    if _is_complete(home):
        return home
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting: another khabar is installing Label Studio")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_complete(home):
            (home / "install.log").unlink(missing_ok=True)
            _install_packages(home, constraints, progress)
            _make_template(home, progress)
            write_bytes(home / ".complete", VERSION.encode())
    return home


def installed() -> Path:
    """Return the installation folder; raises KhabarError (exit code 2) if Label Studio is not installed."""
    home = _folder()
    if not _is_complete(home):
        raise user_error("studio", "Label Studio is not installed", where=str(home), fix="run `khabar studio install`")
    return home


def _is_complete(home: Path) -> bool:
    """Return whether the installation is complete, and its Python exists.

    An upgrade of the system's Python can leave a virtual environment with a dangling link.
    """
    return (home / ".complete").exists() and _python(home).exists()


def _folder() -> Path:
    return studio_home() / f"studio-{VERSION}"


def _python(home: Path) -> Path:
    return home / "venv" / "bin" / "python"


def _install_packages(home: Path, constraints: Path, progress: Notify) -> None:
    progress(f"installing Label Studio {VERSION} into {home} (about 1 GB, one to three minutes, once)")
    shutil.rmtree(home / "venv", ignore_errors=True)
    environment = {name: value for name, value in os.environ.items() if name not in (*ENVIRONMENT, "PYTHONPATH")}
    options = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    for step in (
        [sys.executable, "-m", "venv", str(home / "venv")],
        [str(_python(home)), "-m", "pip", "install", *options, "-c", str(constraints), f"label-studio=={VERSION}"],
    ):
        _run(step, environment, home / "install.log", progress, "installing Label Studio")


def _make_template(home: Path, progress: Notify) -> None:
    """Create the template database by migrating an empty one: a start takes seconds with it, a minute without."""
    with tempfile.TemporaryDirectory(dir=home) as scratch:
        step = launch_command(home, "migrate", Path(scratch))
        _run(
            step, hardened_environment(Path(scratch)), home / "install.log", progress, "making Label Studio's database"
        )
        new = home / ".template.new"
        new.unlink(missing_ok=True)
        source, copy = sqlite3.connect(Path(scratch) / "label_studio.sqlite3"), sqlite3.connect(new)
        with contextlib.closing(source), contextlib.closing(copy):
            source.backup(copy)
        new.replace(home / "template.sqlite3")


def _run(command: Sequence[str], environment: dict[str, str], log: Path, progress: Notify, doing: str) -> None:
    """Run a command, append its output to the log and report progress every few seconds.

    Raises KhabarError (exit code 3) if the command fails.
    """
    began = time.monotonic()
    with (
        log.open("ab") as out,
        subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out) as process,
    ):
        try:
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=4)
                    break
                progress(f"{doing}: {time.monotonic() - began:.0f} s{_package(log)}")
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise user_error(
            "install",
            f"{doing} failed: {fault_in(log)}",
            where=str(log),
            fix="check the network and free disk space (1.5 GB), then run `khabar studio install` again",
            exit_code=3,
        )


def _tail(log: Path) -> list[str]:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 8000))
        return [line.strip() for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()]


def fault_in(log: Path) -> str:
    """Return the error line of a log: the last one that begins with ERROR, else the last line; at most 200 characters."""
    lines = _tail(log)
    return "".join(([line for line in lines if line.startswith("ERROR")] or lines)[-1:])[:200]


def _package(log: Path) -> str:
    """Return pip's latest action for a progress line, such as `, Collecting django`, or an empty string."""
    actions = [line for line in _tail(log) if line.startswith(("Collecting ", "Downloading ", "Installing "))]
    return f", {actions[-1].split(': ')[0][:50]}" if actions else ""


def launch_command(home: Path, verb: str, data: Path, *more: str) -> list[str]:
    """Return the command line of launcher.py in Label Studio's Python.

    It runs isolated (-I), because Label Studio has modules named `tasks` and `server`, as this folder has.
    """
    return [str(_python(home)), "-I", str(LAUNCHER), verb, str(data.resolve()), *more]


def hardened_environment(data: Path) -> dict[str, str]:
    """Return the complete environment of the server process: no variable of the user's, and no network access."""
    nowhere = "http://127.0.0.1:9"
    return {
        "PATH": os.defpath,
        "HOME": str(data),
        "LANG": "C.UTF-8",
        "LABEL_STUDIO_BASE_DATA_DIR": str(data),
        "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
        "LABEL_STUDIO_COLLECT_ANALYTICS": "false",
        "LABEL_STUDIO_LATEST_VERSION_CHECK": "false",
        "LABEL_STUDIO_ENABLE_LOCAL_FILES_STORAGE": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "CORS_ALLOW_ALL_ORIGINS": "false",
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "HTTPS_PROXY": nowhere,
        "HTTP_PROXY": nowhere,
        "NO_PROXY": "127.0.0.1,localhost",
    }


ENVIRONMENT = ("LABEL_STUDIO_API_KEY", "HF_TOKEN", "KHABAR_SECRET")

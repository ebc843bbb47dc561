"""Run a pre-annotation program: one JSON line in, one JSON line out for each article."""

import json
import os
import queue
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import IO, NoReturn

from builder.annotation.gazetteer import first_of
from builder.annotation.preannotate import KINDS, PROTOCOL, Predicted, parse_program_line
from builder.io.jsonl import MAX_LINE
from builder.records import Article, Issue, KhabarError, Span, user_error
from builder.schema.labels import Labels

PROGRAM_TIMEOUT = 600.0
"""Timeout in seconds of a program for each article, and for loading before the first one."""

SECRET_VARIABLES = frozenset({"LABEL_STUDIO_API_KEY", "KHABAR_SECRET"})
"""Environment variables with secrets, which are not passed to programs."""


def from_command(
    arguments: Sequence[str],
    articles: Sequence[Article],
    labels: Labels,
    *,
    folder: Path = Path(),
    silence: float = PROGRAM_TIMEOUT,
) -> Predicted:
    """Run a program once, in `folder` and without a shell, and return the spans it writes.

    For each article the program reads one line of JSON from standard input, `{"id", "title", "text"}` (title may be
    null), and writes one line in the same order, `{"id", "spans": [{"start", "end", "label"}]}`. Offsets are code
    points of `text`, end exclusive. Input ends after the last article, and the program may read all of it before it
    writes. The last line of its standard error is shown if it fails.

    Raises KhabarError (exit code 2) if the program cannot be started, fails, is silent for `silence` seconds, or writes
    bad lines, which are all reported by number.
    """
    known = frozenset(labels.entity_names)
    spans: dict[str, tuple[Span, ...]] = {}
    issues: list[Issue] = []
    with tempfile.TemporaryFile() as errors, closing(_run(arguments, articles, folder, errors, silence)) as lines:
        for number, article in enumerate(articles, 1):
            line = next(lines, b"")
            if not line:
                _refuse_program(arguments, f"ended after {number - 1} of {len(articles)} lines", errors)
            try:
                spans[article.id] = parse_program_line(line, article, known)
            except ValueError as error:
                where = f"line {number} of {arguments[0]}"
                issues.append(Issue("error", "predict-line", str(error), where=where, fix=PROTOCOL))
        if not issues and next(lines, b""):
            _refuse_program(arguments, f"wrote more than {len(articles)} lines", errors)
    if issues:
        raise KhabarError(*first_of(issues, f"the output of {arguments[0]}"))
    return Predicted(f"command {Path(arguments[0]).name}", spans)


def _run(
    arguments: Sequence[str], articles: Sequence[Article], folder: Path, errors: IO[bytes], silence: float
) -> Generator[bytes, None, None]:
    """Run a program and yield the lines it writes. Its whole process group is killed when the iterator ends."""
    try:
        child = subprocess.Popen(
            arguments,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            env={name: value for name, value in os.environ.items() if name not in SECRET_VARIABLES},
        )
    except (OSError, ValueError) as error:
        message = f"cannot be started: {getattr(error, 'strerror', None) or error}"
        raise user_error("predict", message, where=arguments[0], fix="give the program and its arguments") from None
    lines: queue.Queue[bytes] = queue.Queue(maxsize=64)
    threads = [
        threading.Thread(target=_feed, args=(child.stdin, articles), daemon=True),
        threading.Thread(target=_drain, args=(child.stdout, lines.put), daemon=True),
    ]
    for thread in threads:
        thread.start()
    try:
        while line := lines.get(timeout=silence):
            yield line
        if child.wait(timeout=silence):
            _refuse_program(arguments, f"failed with exit code {child.returncode}", errors)
    except (queue.Empty, subprocess.TimeoutExpired):
        _refuse_program(arguments, f"gave no answer for {silence:g} seconds", errors)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        _end(threads, lines)


def _end(threads: Sequence[threading.Thread], lines: queue.Queue[bytes]) -> None:
    """Wait up to 5 seconds for the threads to end, and empty the queue so that the reader can."""
    deadline = time.monotonic() + 5
    while any(thread.is_alive() for thread in threads) and time.monotonic() < deadline:
        with suppress(queue.Empty):
            lines.get(timeout=0.02)


def _feed(stream: IO[bytes], articles: Sequence[Article]) -> None:
    """Write the articles to a program's standard input."""
    with suppress(OSError), stream:
        for article in articles:
            line = {"id": article.id, "title": article.title, "text": article.text}
            stream.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")


def _drain(stream: IO[bytes], put: Callable[[bytes], None]) -> None:
    """Read a program's lines, each up to MAX_LINE bytes and one more, then put an empty one."""
    with stream:
        while line := stream.readline(MAX_LINE + 1):
            put(line)
    put(b"")


def _refuse_program(arguments: Sequence[str], what: str, errors: IO[bytes]) -> NoReturn:
    """Raise KhabarError with what a program did wrong, and the last line of its standard error."""
    errors.seek(0)
    lines = errors.read(1_000_000).decode("utf-8", "replace").strip().splitlines()
    last = f": {lines[-1][:300]}" if lines else ""
    raise user_error("predict", f"the program {what}{last}", where=arguments[0], fix=PROTOCOL)


def split_command(command: str) -> list[str]:
    """Split a command line into the program and its arguments, as a shell does."""
    try:
        arguments = shlex.split(command)
    except ValueError as error:
        raise user_error("predict", f"invalid command: {error}", fix="close its quotation marks") from None
    if not arguments:
        raise user_error("predict", "the command is empty", fix=f"use {KINDS[2]}")
    return arguments

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

SILENCE = 600.0
"""Seconds that a program may take for one article, or for loading before the first."""

KEPT_BACK = frozenset({"LABEL_STUDIO_API_KEY", "KHABAR_SECRET"})
"""Secrets of the environment that a program does not get."""


def from_command(
    arguments: Sequence[str],
    articles: Sequence[Article],
    labels: Labels,
    *,
    folder: Path = Path(),
    silence: float = SILENCE,
) -> Predicted:
    """The spans that a program gives: it is started once, in `folder`, without a shell.

    For each article it reads one line of JSON from standard input, `{"id", "title", "text"}` (title may be null),
    and writes one, in the same order: `{"id", "spans": [{"start", "end", "label"}]}`, offsets in code points of
    `text`, end exclusive. Input ends after the last article; it may read all before it writes. What it writes to
    standard error is shown where it fails.

    Raises Refused (exit code 2) where it cannot be started, fails, is silent for `silence` seconds, or writes a
    bad line; bad lines all at once, by number.
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
    """The lines that a program writes; its whole process group ends with the iterator."""
    try:
        child = subprocess.Popen(
            arguments,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            env={name: value for name, value in os.environ.items() if name not in KEPT_BACK},
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
    """Let the threads end, the reader of lines by making room for its last ones."""
    deadline = time.monotonic() + 5
    while any(thread.is_alive() for thread in threads) and time.monotonic() < deadline:
        with suppress(queue.Empty):
            lines.get(timeout=0.02)


def _feed(stream: IO[bytes], articles: Sequence[Article]) -> None:
    with suppress(OSError), stream:
        for article in articles:
            line = {"id": article.id, "title": article.title, "text": article.text}
            stream.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")


def _drain(stream: IO[bytes], put: Callable[[bytes], None]) -> None:
    with stream:
        while line := stream.readline(MAX_LINE + 1):
            put(line)
    put(b"")


def _refuse_program(arguments: Sequence[str], what: str, errors: IO[bytes]) -> NoReturn:
    errors.seek(0)
    said = errors.read(1_000_000).decode("utf-8", "replace").strip().splitlines()
    last = f": {said[-1][:300]}" if said else ""
    raise user_error("predict", f"the program {what}{last}", where=arguments[0], fix=PROTOCOL)


def split_command(command: str) -> list[str]:
    """Split a command line into its arguments, as a shell does."""
    try:
        arguments = shlex.split(command)
    except ValueError as error:
        raise user_error("predict", f"the command cannot be read: {error}", fix="close its quotation marks") from None
    if not arguments:
        raise user_error("predict", "the command is empty", fix=f"give {KINDS[2]}")
    return arguments

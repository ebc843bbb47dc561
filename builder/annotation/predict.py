"""Spans that annotators find on the page already: from an earlier release, a gazetteer, or a program of the user.

Offsets are code points of the article's text, end exclusive. Reads files and runs a program; does not
talk to Label Studio. What a prediction looks like there is in tasks.py.
"""

import hashlib
import json
import os
import queue
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from builder.annotation.carry import carry
from builder.annotation.gazetteer import first_of, mentions, parse_terms
from builder.lines import MAX_LINE
from builder.records import MANIFEST, Article, Issue, Refused, SetAside, Span, refuse
from builder.schema import Labels

SILENCE = 600.0
"""Seconds that a program may take for one article, or for loading before the first."""
MOST_SPANS = 10_000
"""Spans that a program may give for one article."""
KEPT_BACK = frozenset({"LABEL_STUDIO_API_KEY", "KHABAR_SECRET"})
"""Secrets of the environment that a program does not get."""
KINDS = ("release:DIR", "gazetteer:FILE", 'command:"PROGRAM ARGUMENTS"')


@dataclass(frozen=True, slots=True)
class Predicted:
    """Spans by article id, the name of where they are from, and what could not be used."""

    origin: str
    spans: Mapping[str, tuple[Span, ...]]
    set_aside: tuple[SetAside, ...] = ()


def predict(spec: str, articles: Sequence[Article], labels: Labels, folder: Path = Path()) -> Predicted:
    """The predictions that `release:DIR`, `gazetteer:FILE` or `command:"PROGRAM ARGUMENTS"` gives.

    Paths, and the program, are taken from `folder`. Raises Refused (exit code 2) with every fault.
    """
    kind, colon, rest = spec.partition(":")
    if not colon or not rest.strip():
        raise refuse("predict", f"{spec!r} names no predictions", fix=f"give {', '.join(KINDS)}")
    if kind == "release":
        return from_release(folder / rest, articles, labels)
    if kind == "gazetteer":
        return from_gazetteer(folder / rest, articles, labels)
    if kind == "command":
        return from_command(_arguments(rest), articles, labels, folder=folder)
    raise refuse("predict", f"predictions do not come from {kind!r}", fix=f"give {', '.join(KINDS)}")


# An earlier release


def from_release(folder: Path, articles: Sequence[Article], labels: Labels) -> Predicted:
    """The gold spans of a release folder; on a text that changed since, those whose words did not.

    Raises Refused (exit code 2) where the folder is not a release.
    """
    origin, rows = _release_rows(folder)
    known = set(labels.entity_names)
    spans: dict[str, tuple[Span, ...]] = {}
    aside: list[SetAside] = []
    for article in articles:
        if article.id not in rows:
            continue
        text, found = rows[article.id]
        carried = carry(text, article.text, found)
        spans[article.id] = tuple(span for span in carried.spans if span.label in known)
        lost = [(span, "its text changed") for span in carried.stale]
        lost += [(span, "unknown label") for span in carried.spans if span.label not in known]
        aside += [SetAside("predict", f"{article.id} {s.start}-{s.end} {s.label}", reason) for s, reason in lost]
    return Predicted(origin, spans, tuple(aside))


def _release_rows(folder: Path) -> tuple[str, dict[str, tuple[str, list[Span]]]]:
    """The name of a release, and text and spans of each article in its entities."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = sorted((folder / "entities").glob("*.parquet"))
    fix = "name a folder that `khabar build` made, such as release:dist/v1.0.0"
    if not files:
        raise refuse("predict", "no release with entities is here", where=str(folder), fix=fix)
    rows: dict[str, tuple[str, list[Span]]] = {}
    try:
        version = str(json.loads((folder / MANIFEST).read_bytes())["version"])
        for file in files:
            table = pq.read_table(file, columns=["id", "text", "spans"])
            features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
            names = features["spans"][0]["label"]["names"]
            for row in table.to_pylist():
                spans = [Span(span["start"], span["end"], names[span["label"]]) for span in row["spans"]]
                rows[row["id"]] = (row["text"], spans)
    except (OSError, ValueError, KeyError, TypeError, IndexError, pa.ArrowException) as error:
        message = f"not a release that khabar built: {type(error).__name__}"
        raise refuse("predict", message, where=str(folder), fix=fix) from None
    return f"release v{version}", rows


# A gazetteer


def from_gazetteer(path: Path, articles: Sequence[Article], labels: Labels) -> Predicted:
    """Each mention of a term of a TSV file, `term<TAB>label` on each line; raises Refused with every bad line.

    Of terms that overlap, the first and then the longest counts, and a match never goes over a line end.
    """
    content = _read(path)
    terms = parse_terms(content, str(path), labels.entity_names)
    origin = f"gazetteer {path.name} {hashlib.sha256(content).hexdigest()[:8]}"
    return Predicted(origin, {a.id: mentions(a.text, terms, expand=labels.clitics == "expand") for a in articles})


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise refuse("predict", f"cannot be read: {error.strerror}", where=str(path)) from None


# A program


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class SaidSpan(_Said):
    """One span in a program's answer."""

    start: Annotated[int, Field(ge=0)]
    end: int
    label: str


class SaidLine(_Said):
    """A program's answer for one article: one line of JSON."""

    id: str
    spans: Annotated[list[SaidSpan], Field(max_length=MOST_SPANS)]


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
                spans[article.id] = _said(line, article, known)
            except ValueError as error:
                where = f"line {number} of {arguments[0]}"
                issues.append(Issue("error", "predict-line", str(error), where=where, fix=PROTOCOL))
        if not issues and next(lines, b""):
            _refuse_program(arguments, f"wrote more than {len(articles)} lines", errors)
    if issues:
        raise Refused(*first_of(issues, f"the output of {arguments[0]}"))
    return Predicted(f"command {Path(arguments[0]).name}", spans)


PROTOCOL = 'write {"id": ID, "spans": [{"start": 0, "end": 4, "label": "NAME"}]} for each article, in order'


def _said(line: bytes, article: Article, known: frozenset[str]) -> tuple[Span, ...]:
    """One line of a program's answer; raises ValueError that says what is wrong, never what was written."""
    if len(line) > MAX_LINE:
        raise ValueError(f"longer than {MAX_LINE:,} bytes")
    try:
        said = SaidLine.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        at = ".".join(map(str, first["loc"]))
        raise ValueError(f"{at + ': ' if at else ''}{first['msg']}") from None
    if said.id != article.id:
        raise ValueError(f"not of article {article.id}, whose turn it is")
    for number, span in enumerate(said.spans):
        if not span.start < span.end <= len(article.text):
            size = len(article.text)
            raise ValueError(f"spans.{number}: {span.start}:{span.end} is not a span of {size} code points")
        if span.label not in known:
            raise ValueError(f"spans.{number}: not a label; there are {', '.join(sorted(known))}")
    return tuple(sorted({Span(span.start, span.end, span.label) for span in said.spans}))


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
        raise refuse("predict", message, where=arguments[0], fix="give the program and its arguments") from None
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
    raise refuse("predict", f"the program {what}{last}", where=arguments[0], fix=PROTOCOL)


def _arguments(command: str) -> list[str]:
    try:
        arguments = shlex.split(command)
    except ValueError as error:
        raise refuse("predict", f"the command cannot be read: {error}", fix="close its quotation marks") from None
    if not arguments:
        raise refuse("predict", "the command is empty", fix=f"give {KINDS[2]}")
    return arguments

"""Stream the tasks of a Label Studio export, one at a time, so that memory does not grow with the file.

Three shapes of JSON are read as one: tasks with `annotations`, the older tasks with `completions`, and the format of
storage targets, where each annotation holds its task.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from builder.labelstudio.exports.flat import flat_task, is_flat
from builder.records import KhabarError, user_error

CHUNK = 1 << 20
"""Characters that are read at a time, at least."""

MAX_TASK = 100_000_000
"""Maximum characters of one task; a longer one is hostile or broken."""

FIX = "in Label Studio choose Export, then JSON"

_TAIL = 6
"""Characters at the end of a window that may be the beginning of a longer word or escape."""

_DECODER = json.JSONDecoder()


@dataclass(slots=True)
class _Window:
    """The part of a file that is in memory, and the line and column of its beginning."""

    file: TextIO
    name: str
    text: str = ""
    at: int = 0
    line: int = 1
    column: int = 1
    values: int = 0


def is_json(path: Path) -> bool:
    """Return whether a file begins as JSON tasks do; one that cannot be read counts as such."""
    try:
        with path.open("rb") as file:
            return file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"[", b"{")
    except OSError:
        return True


def read_elements(path: Path) -> Iterator[object]:
    """Yield each element of an export: of a list, of the `tasks` of an object, or each object of JSON Lines.

    Raises KhabarError (exit code 2) if the file cannot be read, is not JSON or ends in the middle.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            window = _Window(file, path.name)
            yield from _list(window) if _peek(window) == "[" else _lines(window)
    except OSError as error:
        message, fix = f"cannot be read: {error.strerror}", "name the file of an export"
        raise user_error("export", message, where=str(path), fix=fix) from None
    except UnicodeDecodeError:
        raise user_error("export", "not JSON: not UTF-8", where=path.name, fix=FIX) from None


def _list(window: _Window) -> Iterator[object]:
    """Yield the elements of a list."""
    window.at += 1
    ended = _peek(window) == "]"
    while not ended:
        yield _value(window)
        if _peek(window) not in (",", "]"):
            raise _missing(window)
        ended = window.text[window.at] == "]"
        window.at += not ended
    window.at += 1
    if _peek(window):
        raise _fault(window, "not JSON: more text follows the end of the list", window.at)


def _lines(window: _Window) -> Iterator[object]:
    """Yield one object after the other; one that has a list of tasks stands for them."""
    while _peek(window):
        value = _value(window)
        tasks = value.get("tasks") if isinstance(value, dict) else None
        yield from tasks if isinstance(tasks, list) else [value]


def _peek(window: _Window) -> str:
    """Skip white space and return the next character, or "" at the end of the file."""
    while True:
        text = window.text
        while window.at < len(text) and text[window.at] in " \t\r\n":
            window.at += 1
        if window.at < len(text) or not _grow(window):
            return window.text[window.at : window.at + 1]


def _value(window: _Window) -> object:
    """Decode the next value, reading on while the window ends inside it."""
    _peek(window)
    while True:
        try:
            value, window.at = _DECODER.raw_decode(window.text, window.at)
        except json.JSONDecodeError as error:
            inside = error.msg.startswith("Unterminated") or len(window.text) - error.pos < _TAIL
            position = error.pos - window.at
            if inside and len(window.text) - window.at > MAX_TASK:
                raise _fault(window, f"a task of more than {MAX_TASK:,} characters", window.at) from None
            if inside and _grow(window):
                continue
            if inside and _is_cut(error.msg, window.text[window.at + position :].strip()):
                raise _cut(window) from None
            raise _fault(window, f"not JSON: {error.msg}", window.at + position) from None
        except (ValueError, RecursionError):
            raise _fault(window, "not JSON: a number is too long, or the nesting too deep", window.at) from None
        window.values += 1
        return value


def _is_cut(message: str, rest: str) -> bool:
    """Return whether a fault is that the file ends: inside a string, or where `rest` begins a word or an escape."""
    words = ("true", "false", "null", "NaN", "Infinity", "-Infinity")
    return message.startswith("Unterminated") or rest.startswith("\\") or any(word.startswith(rest) for word in words)


def _missing(window: _Window) -> KhabarError:
    if window.at == len(window.text):
        return _cut(window)
    return _fault(window, "not JSON: a comma or a bracket is missing", window.at)


def _cut(window: _Window) -> KhabarError:
    """Return the error for a file that ends in the middle."""
    message = f"not JSON: the file ends in the middle, after {window.values:,} whole tasks"
    return _fault(window, message, len(window.text))


def _grow(window: _Window) -> bool:
    """Drop the decoded text from the window and read at least as much again; return whether there was more."""
    _move(window, window.at)
    more = window.file.read(max(CHUNK, len(window.text)))
    window.text += more
    return bool(more)


def _move(window: _Window, position: int) -> None:
    """Begin the window at a position of it."""
    passed = window.text[:position]
    lines = passed.count("\n")
    window.line += lines
    window.column = len(passed) - passed.rfind("\n") if lines else window.column + len(passed)
    window.text, window.at = window.text[position:], 0


def _fault(window: _Window, message: str, position: int) -> KhabarError:
    """Return the error for a position of the window, with its line and column in the file."""
    _move(window, position)
    where = f"{window.name}:{window.line}:{window.column}"
    return user_error("export", message, where=where, fix=f"{FIX}, and check that the file is whole")


def task_of(element: object) -> Mapping[str, Any] | None:
    """Return an element as a task with `data`, and `annotations` if it has any; None if it is no task.

    The `completions` of versions before 1.0 become annotations, and so do an annotation that holds its task and a
    record of JSON-MIN.
    """
    if not isinstance(element, dict):
        return None
    held = element.get("task")
    if isinstance(held, dict) and "result" in element:
        annotation = {name: value for name, value in element.items() if name != "task"}
        return task_of({**held, "annotations": [annotation]})
    if not isinstance(element.get("data"), dict):
        return flat_task(element) if is_flat(element) else None
    completions = element.get("completions")
    if isinstance(completions, list) and not isinstance(element.get("annotations"), list):
        return {**element, "annotations": [_annotation(one) for one in completions]}
    return element


def _annotation(completion: object) -> object:
    """Return a completion as an annotation: its time is in seconds since 1970, and its person may be a name."""
    if not isinstance(completion, dict):
        return completion
    made = completion.get("created_at")
    dated = {"created_at": _iso(made)} if isinstance(made, int | float) else {}
    person = completion.get("completed_by", completion.get("created_username"))
    named = {} if person is None else {"completed_by": person}
    return {**completion, **dated, **named}


def _iso(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return ""

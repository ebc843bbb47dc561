"""Changes of several files at once: all of them or none, whenever the process is killed.

The new and the old contents are written beside each other in a folder of their own. One atomic write of a marker
commits the change. Then each file is replaced; a kill in between is made good by `replay`, which does the rest. The
contents stay, so that a change can be taken back.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from builder.io.atomic import write_bytes
from builder.io.jsonl import write_json

MARKER = "commit.json"
"""The file that commits a change. While it exists, files may be replaced in part."""

DONE = "done"
"""The file of a folder whose change was made, and not taken back."""

Side = Literal["new", "old"]
"""Which contents the files get."""


@dataclass(frozen=True, slots=True)
class Journal:
    """The changes of files below `root`, kept in numbered folders of `home`."""

    home: Path
    root: Path

    @property
    def is_committed(self) -> bool:
        """Return whether a change was committed that is not done."""
        return (self.home / MARKER).exists()


def change_files(journal: Journal, contents: Mapping[Path, bytes | None]) -> None:
    """Give files these contents, all or none; None deletes a file. `undo_last` takes the change back."""
    folder = journal.home / f"{_last(journal) + 1:04}"
    shutil.rmtree(folder, ignore_errors=True)  # of a change that was killed before it was committed
    names = []
    for number, (path, content) in enumerate(contents.items()):
        old = path.read_bytes() if path.exists() else None
        for side, held in (("old", old), ("new", content)):
            if held is not None:
                write_bytes(folder / side / str(number), held)
        names.append(path.relative_to(journal.root).as_posix())
    write_json(folder / "files.json", names)
    _commit(journal, folder, "new")


def undo_last(journal: Journal) -> tuple[str, ...]:
    """Give the files of the last change the contents that they had before, and return their names.

    The change is then forgotten.
    """
    folder = journal.home / f"{_last(journal):04}"
    names = tuple(_names(folder))
    _commit(journal, folder, "old")
    return names


def changed_since(journal: Journal) -> list[str]:
    """Return the files that are no longer what the last change made of them, or an empty list."""
    folder = journal.home / f"{_last(journal):04}"
    return [
        name
        for number, name in enumerate(_names(folder))
        if _content(folder / "new" / str(number)) != _content(journal.root / name)
    ]


def has_changes(journal: Journal) -> bool:
    """Return whether there is a change that can be taken back."""
    return _last(journal) > 0


def replay(journal: Journal) -> None:
    """Finish a change that was committed, if there is one. Replaying twice does no harm."""
    marker = journal.home / MARKER
    if not marker.exists():
        return
    said = json.loads(marker.read_text(encoding="utf-8"))
    folder = journal.home / said["folder"]
    for number, name in enumerate(_names(folder)):
        content, path = _content(folder / said["side"] / str(number)), journal.root / name
        if content is None:
            path.unlink(missing_ok=True)
        elif content != _content(path):
            write_bytes(path, content)
    if said["side"] == "new":
        write_bytes(folder / DONE, b"")
    else:
        (folder / DONE).unlink(missing_ok=True)
    marker.unlink()


def _commit(journal: Journal, folder: Path, side: Side) -> None:
    write_json(journal.home / MARKER, {"folder": folder.name, "side": side})
    replay(journal)


def _last(journal: Journal) -> int:
    """Return the number of the last change that was made, or 0."""
    return max((int(path.parent.name) for path in journal.home.glob(f"[0-9]*/{DONE}")), default=0)


def _names(folder: Path) -> list[str]:
    listed = _content(folder / "files.json")
    return list(json.loads(listed)) if listed else []


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None

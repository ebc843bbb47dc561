"""The command `init`: create a new dataset project from the template."""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from builder.cli.output import Console
from builder.cli.road import road
from builder.io.atomic import write_bytes
from builder.project.project import template
from builder.records import Line, Report, user_error
from builder.release.card.render import blank_prose
from builder.schema.dataset import OPEN, check_repo_id


@dataclass(frozen=True, slots=True, kw_only=True)
class InitReport(Report):
    """The report of `init`: the project's folder, and the files to edit."""

    folder: Path
    to_edit: tuple[str, ...] = ("schema/dataset.yaml", "schema/labels.yaml", "dataset_card.md")

    def lines(self) -> Iterator[Line]:
        """Return the folder, and what to edit there."""
        settings, *most, last = self.to_edit
        yield Line("project", str(self.folder))
        yield Line("to edit", f"{', '.join((f'{settings} (what is {OPEN})', *most))} and {last}")


@click.command("init")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--repo-id", help="The dataset's name on the Hub, such as my-org/my-dataset.")
@road
def cli(console: Console, directory: Path, repo_id: str | None) -> InitReport:
    """Create a new dataset project in DIRECTORY: schema, card template, .gitignore, .gitattributes."""
    console.folder /= directory
    return init(console.folder, repo_id=repo_id)


GITIGNORE = ".khabar/\ndist/\n"

GITATTRIBUTES = "annotations/**/*.jsonl merge=union\n"
"""How git merges the work of two annotation leads: the lines of both. khabar joins them when it reads them."""


def init(folder: Path, *, repo_id: str | None = None, card: Callable[[str], str] | None = None) -> InitReport:
    """Create a new project from the template. Overwrites nothing.

    The card's prose, the title and the licences are left to write, unless `card` says what becomes of the prose: then
    the project keeps the answers of the template.
    """
    for name in ("schema", "dataset_card.md", "annotations"):
        if (folder / name).exists():
            raise user_error("exists", f"{name} already exists", where=str(folder), fix="choose an empty folder")
    settings = (template() / "schema" / "dataset.yaml").read_text(encoding="utf-8")
    if card is None:
        settings = _left_open(settings)
    if repo_id:
        _refuse_name(repo_id)
        settings = re.sub(r"(?m)^repo_id: .*$", lambda _: f"repo_id: {repo_id}", settings)
    prose = (template() / "dataset_card.md").read_text(encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(template() / "schema", folder / "schema")
    write_bytes(folder / "schema" / "dataset.yaml", settings.encode())
    write_bytes(folder / "dataset_card.md", (card or blank_prose)(prose).encode())
    (folder / "annotations").mkdir()
    if not (folder / ".gitignore").exists():
        write_bytes(folder / ".gitignore", GITIGNORE.encode())
    _add_line(folder / ".gitattributes", GITATTRIBUTES)
    return InitReport("init", folder=folder)


def _left_open(settings: str) -> str:
    """Return settings in which the answers that only the user knows are open."""
    kept = re.sub(r"(?m)^title: .*$", f"title: {OPEN}", settings)
    kept = re.sub(r"(?m)^repo_id: .*$", f"repo_id: {OPEN}/{OPEN}", kept)
    return re.sub(r"(?m)^(  (?:text|annotations)): .*$", rf"\1: {OPEN}", kept)


def _refuse_name(repo_id: str) -> None:
    """Raise KhabarError (exit code 2) for a name that the Hub refuses."""
    try:
        check_repo_id(repo_id)
    except ValueError as refused:
        raise user_error("repo-id", str(refused), where="--repo-id", fix="such as my-org/my-dataset") from None


def _add_line(path: Path, line: str) -> None:
    """Add a line to the end of a file that lacks it; create the file if there is none."""
    given = path.read_text(encoding="utf-8") if path.exists() else ""
    if line.strip() not in given.splitlines():
        write_bytes(path, f"{given}{'' if not given or given.endswith(chr(10)) else chr(10)}{line}".encode())

"""Which Label Studio and which Hub a project talks to."""

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from builder.labelstudio import client
from builder.labelstudio.api.connection import Connection
from builder.labelstudio.api.projects import ProjectMark
from builder.labelstudio.client import Sent
from builder.labelstudio.server import data_dir
from builder.labelstudio.server.process import Server, status
from builder.local_hub.server import serve
from builder.project.annotations import project_title, read_batch_ids
from builder.project.project import Project
from builder.records import KhabarError, user_error


def connect(project: Project) -> Connection:
    """Connect to the Label Studio of the environment, or else to the embedded one. Raises KhabarError (exit code 3)."""
    url = os.environ.get("LABEL_STUDIO_URL")
    if url:
        key = os.environ.get("LABEL_STUDIO_API_KEY")
        if not key:
            raise user_error(
                "no-token",
                "LABEL_STUDIO_URL is set, but LABEL_STUDIO_API_KEY is not",
                exit_code=3,
                fix="set LABEL_STUDIO_API_KEY to a token of your Label Studio account",
            )
        return client.connect(url, key)
    running = status(project.work / "studio")
    if running is None:
        raise user_error(
            "studio-down",
            "Label Studio is not running for this project",
            exit_code=3,
            fix="run `khabar studio up`, or set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY",
        )
    return _embedded(project.work / "studio", running)


def _embedded(work: Path, running: Server) -> Connection:
    return replace(client.connect(running.url, running.token), data=data_dir.database_file(work))


def connections(project: Project) -> list[tuple[str, Connection]]:
    """Connect to every Label Studio of the project: with `isolated`, each annotator's pseudonym and server.

    Otherwise there is one, with an empty name. Raises KhabarError (exit code 3) if one is not running.
    """
    if not is_isolated(project):
        return [("", connect(project))]
    refuse_own_server("unset LABEL_STUDIO_URL, or set assignment in schema/dataset.yaml to pool or separate")
    works = data_dirs(project)
    if not works:
        raise nobody_invited()
    running = {work: status(work) for work in works}
    absent = [work.name for work, one in running.items() if one is None]
    if absent:
        raise user_error(
            "studio-down",
            f"{len(absent)} of {len(works)} annotators' servers are not running: {absent[0]}",
            fix="run `khabar studio up`",
            exit_code=3,
        )
    return [(work.name.removeprefix("studio-"), _embedded(work, one)) for work, one in running.items() if one]


def project_mark(project: Project, batch: str, annotator: str = "") -> ProjectMark:
    """Return what tells a batch's Label Studio project from others: the noted one, and the articles of the batch."""
    noted = project.noted(_note(batch, annotator))
    articles = frozenset(read_batch_ids(project, batch))
    number = noted.get("project_id", "")
    title = project_title(project, batch, annotator)
    return ProjectMark(title, batch, articles, int(number) if number.isdigit() else 0, noted.get("created_at", ""))


def note_sent(project: Project, batch: str, annotator: str, sent: Sent) -> None:
    """Note the Label Studio project that a batch was sent to."""
    place = {"url": sent.url, "project_id": sent.project_id, "created_at": sent.created_at}
    project.note(_note(batch, annotator), place)


def _note(batch: str, annotator: str) -> str:
    return f"sent/{batch}/{annotator}" if annotator else f"sent/{batch}"


def is_isolated(project: Project) -> bool:
    """Return whether each annotator has a server of their own."""
    return project.schema.dataset.assignment == "isolated"


def data_dirs(project: Project) -> list[Path]:
    """Return the data directories of the project's Label Studios: one, or with `isolated` one for each annotator."""
    if not is_isolated(project):
        return [project.work / "studio"]
    found = (work for work in project.work.glob("studio-a-*") if re.fullmatch(r"studio-a-[0-9a-f]{10}", work.name))
    return sorted(found)


def refuse_own_server(fix: str) -> None:
    """Raise KhabarError if the environment names a Label Studio that the user runs."""
    if os.environ.get("LABEL_STUDIO_URL"):
        raise user_error(
            "own-studio", "LABEL_STUDIO_URL names a Label Studio that you run: khabar does not own its data", fix=fix
        )


def nobody_invited() -> KhabarError:
    """Return the error for a project whose annotators have no server yet."""
    message = "no annotator has a Label Studio yet"
    return user_error("studio", message, fix="run `khabar studio invite NAME...`", exit_code=3)


@contextlib.contextmanager
def hub(project: Project, *, rehearse: bool) -> Iterator[tuple[str | None, str | None]]:
    """Yield endpoint and token of the Hub: the user's, or with `rehearse` a local one for the duration of the block."""
    if not rehearse:
        yield os.environ.get("HF_ENDPOINT"), os.environ.get("HF_TOKEN")
        return
    with serve(project.work / "hub") as rehearsal:
        yield rehearsal.url, "rehearsal"

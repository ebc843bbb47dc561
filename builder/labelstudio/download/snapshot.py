"""Export snapshots of Label Studio: create one, wait for it, download it, remove it."""

import json
import time
from typing import Any

import label_studio_sdk

from builder.labelstudio.api.connection import Connection
from builder.labelstudio.client import TIMEOUT
from builder.labelstudio.download import sqlite
from builder.records import user_error

TITLE = "khabar collect"
"""Title of the temporary views and exports on the server."""


def export_tasks(connection: Connection, project: int, tasks: list[int]) -> list[Any]:
    """Return tasks with annotations and annotators' e-mails, from the server's local SQLite file if possible."""
    if connection.data and (exported := sqlite.read_tasks(connection.data, project, tasks)) is not None:
        return exported
    return chosen_ids(take_snapshot(connection, project, tasks), tasks)


def chosen_ids(body: bytes, tasks: list[int]) -> list[Any]:
    """Return the tasks of an export that were asked for."""
    wanted = set(tasks)
    return [task for task in json.loads(body) if task["id"] in wanted]


def take_snapshot(connection: Connection, project: int, tasks: list[int]) -> bytes:
    """Return the JSON of an export snapshot of tasks, with annotators' e-mails; the snapshot is deleted on the server."""
    client, seconds = connection.client, {"timeout_in_seconds": int(TIMEOUT), "max_retries": 0}
    full, id_only = (
        label_studio_sdk.SerializationOptionRequest(only_id=False),
        label_studio_sdk.SerializationOptionRequest(only_id=True),
    )
    options = label_studio_sdk.SerializationOptionsRequest(
        annotations_completed_by=full, drafts=id_only, predictions=id_only
    )
    chosen = {"selected_items": {"all": False, "included": tasks}}
    view = client.views.create(
        project=project, data={"title": TITLE}, request_options={"additional_body_parameters": chosen, "max_retries": 0}
    )
    try:
        snapshot = client.projects.exports.create(
            project,
            title=TITLE,
            serialization_options=options,
            task_filter_options=label_studio_sdk.LseTaskFilterOptionsRequest(view=view.id),
            request_options=seconds,
        )
        _await(connection, project, snapshot.id)
        body = b"".join(client.projects.exports.download(project, snapshot.id, request_options=seconds))
        client.projects.exports.delete(project, snapshot.id)
    finally:
        client.views.delete(id=str(view.id))
    return body


def _await(connection: Connection, project: int, snapshot: int) -> None:
    """Wait until an export snapshot is complete; raises KhabarError (exit code 3) if it fails or takes over TIMEOUT seconds."""
    deadline = time.monotonic() + TIMEOUT
    while (state := connection.client.projects.exports.get(project, snapshot).status) != "completed":
        if state == "failed" or time.monotonic() > deadline:
            message = f"Label Studio's export of project {project} did not complete; its status is {state!r}"
            raise user_error("export", message, fix="check the log of Label Studio, then retry", exit_code=3)
        time.sleep(0.2)


def remove_old_snapshots(connection: Connection, project: int) -> None:
    """Delete the snapshots and views that a killed download left on the server, because snapshots contain e-mails."""
    for snapshot in connection.client.projects.exports.list(project):
        if snapshot.title == TITLE:
            connection.client.projects.exports.delete(project, snapshot.id)
    for view in connection.client.views.list(project=project):
        if isinstance(view.data, dict) and view.data.get("title") == TITLE:
            connection.client.views.delete(id=str(view.id))

"""Columns of a project's list of tasks: what people read there, and no markup, hashes or numbers of khabar."""

from typing import Any

from builder.labelstudio.api.connection import Connection

NOT_READ = ("article_id", "text_sha", "batch", "targets", "guide_html", "guideline", "schema", "page")
"""Fields of a task's data that say nothing to a reader."""

HIDDEN = (
    "inner_id", "annotations_results", "annotations_ids", "predictions_score", "predictions_model_versions",
    "predictions_results", "file_upload", "storage_filename", "created_at", "updated_at", "updated_by", "avg_lead_time",
    "draft_exists",
)  # fmt: skip
"""Columns that Label Studio hides by itself."""

NARROW = ("id", "completed_at", "cancelled_annotations", "total_predictions", "annotators")
"""Columns that it also hides beside an open task, as it does with fields that no control shows."""


def choose_columns(connection: Connection, project_id: int) -> None:
    """Hide the columns that nobody reads, unless somebody has chosen columns in this project before."""
    if connection.client.views.list(project=project_id):
        return
    hidden = [*(f"tasks:data.{name}" for name in NOT_READ), *(f"tasks:{name}" for name in HIDDEN)]
    beside = [*hidden, "tasks:data.title", "tasks:data.source_name", *(f"tasks:{name}" for name in NARROW)]
    # The SDK's model of a view lacks `hiddenColumns`, and passes on a plain dict as it is.
    data: Any = {"title": "Default", "type": "list", "target": "tasks",
                 "hiddenColumns": {"explore": hidden, "labeling": beside}}  # fmt: skip
    connection.client.views.create(project=project_id, data=data)

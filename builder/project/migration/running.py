"""Bring running projects on servers up to date with the present labels."""

from collections.abc import Mapping, Sequence

from builder.labelstudio.refresh import Behind, Refresh, refuse_stale, stale_projects, update_project
from builder.labelstudio.upload import AnnotatorProject
from builder.project.migration.state import note_versions, read_versions
from builder.project.project import Project
from builder.records import Article, Notify


def bring_up(
    project: Project, desks: Sequence[AnnotatorProject], articles: Mapping[str, Article], progress: Notify,
    *, refresh: bool, yes: bool, dry_run: bool,
) -> tuple[Behind, ...]:  # fmt: skip
    """Bring running projects up to date, if the lead agrees; return those that were behind.

    `refresh` is whether their tasks also get the present guidelines.
    """
    update = Refresh(project.schema, read_versions(project), articles, refresh)
    stale = stale_projects(desks, update)
    refuse_stale(stale, yes=yes or dry_run)
    if not dry_run:
        note_versions(project, {project.schema.guideline_version})
        for one in stale:
            update_project(one, update, progress=progress)
    return tuple(one.behind for one in stale)

"""Bring running projects on servers up to date with the present labels."""

from collections.abc import Iterable, Mapping, Sequence

from builder.labelstudio.refresh.projects import Behind, refuse_stale, stale_projects, update_project
from builder.labelstudio.refresh.updated import Refresh, Save
from builder.labelstudio.tasks import paged
from builder.labelstudio.upload import AnnotatorProject
from builder.project.annotations import read_judgements
from builder.project.migration.kept import read_versions
from builder.project.migration.state import note_versions
from builder.project.project import Project
from builder.records import Article, AskedPage, Judgement, Notify


def bring_up(
    project: Project, desks: Sequence[AnnotatorProject], articles: Mapping[str, Article], progress: Notify,
    *, refresh: bool, yes: bool, dry_run: bool,
) -> tuple[Behind, ...]:  # fmt: skip
    """Bring running projects up to date, if the lead agrees; return those that were behind.

    `refresh` is whether their tasks also get the present guidelines.
    """
    update = Refresh(project.schema, read_versions(project), articles, refresh, judged=_judged(project))
    stale = stale_projects(desks, update)
    refuse_stale(stale, "send", yes=yes or dry_run)
    if not dry_run:
        note_versions(project, {project.schema.guideline_version})
        for one in stale:
            update_project(one, update, progress=progress)
    return tuple(one.behind for one in stale)


def _judged(project: Project) -> dict[Save, Judgement]:
    """Return the collected judgements, if a migration was taken back: what it merged on servers is told by them."""
    if all(version.number for version in read_versions(project).values()):
        return {}
    return {Save(one.article_id, one.annotation_id, one.updated_at): one for one in read_judgements(project)}


def bring_up_pages(
    project: Project, desk: AnnotatorProject, pages: Iterable[AskedPage], progress: Notify, *, yes: bool
) -> tuple[Behind, ...]:
    """Bring an adjudication project up to date, if the lead agrees; return whether it was behind as `bring_up` does."""
    asked = {(page.article_id, paged(page.text_sha, page.page)): page for page in pages}
    update = Refresh(project.schema, read_versions(project), {}, pages=asked)
    stale = stale_projects([desk], update)
    refuse_stale(stale, "adjudicate --send", yes=yes)
    for one in stale:
        update_project(one, update, progress=progress)
    return tuple(one.behind for one in stale)

"""A batch of the articles that a migration marked to be annotated again."""

from builder.io.jsonl import write_jsonl
from builder.project.annotations import check_batch_name, read_batch, read_merged
from builder.project.cleaning import keep_basis
from builder.project.project import Project
from builder.records import BatchItem, Report, Requeued, user_error


def annotate_again(project: Project, batch: str) -> Report:
    """Make a batch of the marked articles, which are then no longer marked. Answers in it replace earlier ones.

    Raises KhabarError (exit code 2) if no article is marked, or the batch exists with other articles.
    """
    check_batch_name(batch, "again-1")
    with project.lock():
        path = project.annotations / "requeue.jsonl"
        marked = {one.article_id for one in read_merged(project, path, Requeued)}
        if not marked:
            raise user_error("requeue", "no article is marked to be annotated again", fix="run `khabar schema migrate`")
        known = {item.article_id: item for name in project.batches() for item in read_batch(project, name)}
        items = [BatchItem(batch, i.article_id, i.text_sha, i.group_id, i.source) for i in known.values() if i.article_id in marked]  # fmt: skip
        if batch in project.batches() and {i.article_id for i in read_batch(project, batch)} != marked:
            fix = "choose another name"
            raise user_error("batch", f"batch {batch} already exists with other articles", where=str(path), fix=fix)
        keep_basis(project, batch, items)
        write_jsonl(project.annotations / batch / "batch.jsonl", items)
        path.unlink()
    return Report(
        "schema migrate", facts={"batch": f"{batch}: {len(items)} articles; run `khabar send --batch {batch}`"}
    )

"""Which shards a project has of each stage, and whether what is cached of them for the batches is theirs.

Nothing here loads Arrow, so that `status` is quick.
"""

from builder.executor import storage
from builder.executor.markers import Shard, ShardResult, finished_shards, folder_digest
from builder.io.hashing import file_digest, sha16
from builder.io.remote import is_remote
from builder.project.project import Project


def corpus_root(project: Project) -> str:
    """Return where all sharded tables are: an absolute path or a URI."""
    place = project.schema.dataset.crawl
    return storage.absolute(place if place and is_remote(place) else project.root / (place or ".khabar/corpus"))


def stage_folder(project: Project, stage: str) -> str:
    """Return the folder of a stage's shards."""
    return f"{corpus_root(project)}/{stage}"


def done_shards(project: Project, stage: str) -> list[ShardResult]:
    """Read the markers of a stage's finished shards, sorted by name."""
    return project.once(("shards", stage), lambda: finished_shards(stage_folder(project, stage)))


def stage_shards(project: Project, stage: str) -> list[Shard]:
    """Return the finished shards of a stage, sorted by name."""
    return [result.shard for result in done_shards(project, stage)]


def stage_digest(project: Project, stage: str) -> str:
    """Return a hash of the content of all shards of a stage."""
    return project.once(("digest", stage), lambda: folder_digest(stage_folder(project, stage)))


def is_empty(project: Project, stage: str) -> bool:
    """Return whether a stage has no finished shard."""
    return stage_digest(project, stage) == sha16("")


def is_fresh(project: Project, stage: str) -> bool:
    """Return whether the rows of a stage that are cached for the batches are those of its shards."""
    path = project.work / "sampled" / f"{stage}.parquet"
    return path.exists() and project.stamped(f"sampled-{stage}") == cached_inputs(project, stage)


def cached_digest(project: Project, stage: str) -> str:
    """Return the digest of the rows of a stage that are cached for the batches, or an empty string for stale ones."""
    return file_digest(project.work / "sampled" / f"{stage}.parquet") if is_fresh(project, stage) else ""


def cached_inputs(project: Project, stage: str) -> str:
    """Return the hash of what the rows that are cached for the batches are taken from."""
    batches = (file_digest(project.annotations / batch / "batch.jsonl") for batch in project.batches())
    return sha16("\n".join([stage_digest(project, stage), *batches]))

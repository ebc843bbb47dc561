"""Near-duplicate groups and quality filters of a project's articles, brought up to date by the commands that need them."""

from collections import Counter
from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from builder.corpus.dedup import minhash, pipeline, spill
from builder.corpus.sampling import filters
from builder.corpus.sampling.filters import over_limit
from builder.corpus.sampling.hashing import hash_strings
from builder.corpus.sampling.page_filters import REFETCHED, fetched_again
from builder.corpus.sampling.sample import CANDIDATES
from builder.executor import shards
from builder.executor.start import LOCAL, ExecutorConfig, engine_for
from builder.io.hashing import sha16
from builder.project.batches import batch_groups
from builder.project.corpus import (
    all_dropped,
    iter_columns,
    read_columns,
    refuse_stale,
    run_stage,
    select_rows,
    stage_bytes,
    sum_counts,
)
from builder.project.project import Project
from builder.project.stages.corpus import dedup_inputs
from builder.project.stages.shards import done_shards, is_empty, stage_folder
from builder.records import Group, StageCounts
from builder.records.arrow import arrow_schema

KINDS = ("exact", "near", "contained", "related")


def groups_for(project: Project, articles: Collection[str]) -> list[Group]:
    """Return the groups of these articles, sorted by id. Groups are recomputed if an article changed."""
    ensure_groups(project, LOCAL)
    return sorted(select_rows(project, "groups", Group, "article_id", articles), key=lambda group: group.article_id)


def groups_of_batches(project: Project, articles: Collection[str]) -> list[Group]:
    """Return what `groups_for` does, of articles of batches, without reading the groups of all articles."""
    ensure_groups(project, LOCAL)
    return [group for group in batch_groups(project) if group.article_id in articles]


def ensure_groups(project: Project, run: ExecutorConfig) -> None:
    """Recompute groups that are out of date."""
    refuse_stale(project)
    inputs = dedup_inputs(project)
    if project.changes("dedup", inputs) == () and not is_empty(project, "groups"):
        return
    project = project.live()
    keys = run_stage(project, minhash.STAGE, None, run)
    scratch, home = stage_folder(project, "scratch"), stage_folder(project, "groups")
    spill.remove_folder(scratch)  # of a run that was killed
    spill.make_folder(scratch)
    with engine_for(run, stage_bytes(project, "keys")) as pmap:
        earlier = read_columns(project, "groups", ["article_id", "group_id"])
        found = pipeline.find_groups([shard.shard.uri for shard in keys], earlier, pmap, scratch)
    shards.replace_shards(found.paths, home, arrow_schema(Group), sha16(repr(sorted(inputs.items()))))
    spill.remove_folder(scratch)
    rows = sum(shard.rows for shard in done_shards(project, "groups"))
    project.save_account("dedup", [StageCounts("dedup", "articles", found.taken, rows)], found.set_aside)
    project.stamp_step("dedup", inputs)


def count_groups(project: Project) -> Counter[str]:
    """Return the number of groups, of those with several articles, and of articles of each kind."""
    groups = read_columns(project, "groups", ["group_id", "kind"])
    sizes = groups["group_id"].value_counts().field("counts")
    counts = Counter({row["values"]: row["counts"] for row in groups["kind"].value_counts().to_pylist()})
    counts.update(groups=len(sizes), shared=pc.sum(pc.greater(sizes, 1)).as_py() or 0)
    return counts


def apply_filters(project: Project, run: ExecutorConfig) -> StageCounts:
    """Run the quality filters of dataset.yaml over all articles. Articles that fail are flagged, never removed."""
    wanted = project.schema.dataset.filters
    filters.check_installed(wanted, wanted.language is None and _has_pages(project))
    done = run_stage(project, filters.STAGE, wanted, run)
    reasons = read_columns(project, "filters", ["reason"])["reason"].drop_null()
    counts = Counter({row["values"]: row["counts"] for row in reasons.value_counts().to_pylist()})
    counts.update(aside.reason for aside in all_dropped(done))
    account = StageCounts(
        "filter",
        "articles",
        sum(shard.taken for shard in done),
        sum_counts(done)["passed"],
        dict(sorted(counts.items())),
    )
    project.save_account("filter", [account])
    return account


def _has_pages(project: Project) -> bool:
    """Return whether an article of the project was read from HTML."""
    return any(
        table["html_sha"].null_count < table.num_rows for table in iter_columns(project, "articles", ["html_sha"])
    )


def candidates(project: Project) -> pa.Table:
    """Return the sampling candidates: one row for each article (schema: `corpus.sampling.sample.CANDIDATES`)."""
    names = ["id", "document_id", "text_sha", "source", "published_at", "characters", "url", "html_sha", "fetched_at"]
    table = read_columns(project, "articles", names)

    def joined(stage: str, key: str, name: str) -> pa.Array:
        other = read_columns(project, stage, [key, name])
        place = pc.index_in(table["id"], other[key].combine_chunks())
        return other[name].combine_chunks().take(place.combine_chunks())

    table = table.append_column("group_id", joined("groups", "article_id", "group_id"))
    reason, most = joined("filters", "id", "reason"), project.schema.dataset.filters.per_source
    again = pa.array(fetched_again(table))
    reason = pc.if_else(pc.and_(pc.is_null(reason), again), REFETCHED, reason)
    if most is not None:
        left = pc.indices_nonzero(pc.is_null(reason))
        own = table.select(["source", "group_id"]).take(left).combine_chunks()
        luck = hash_strings(own["group_id"], project.schema.dataset.sampling.seed)
        over = left.filter(
            pa.array(over_limit(own["source"].combine_chunks(), own["group_id"].combine_chunks(), luck, most))
        )
        mask = pc.is_in(pa.array(range(table.num_rows), left.type), over)
        reason = pc.if_else(mask, f"over {most} of one source", reason)
    return table.append_column("reason", reason).select(CANDIDATES.names).cast(CANDIDATES)

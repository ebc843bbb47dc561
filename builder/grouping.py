"""The groups of a project's articles: made by dedup, and again by each verb that rests on them and finds them out of date.

Reads and writes the project's bulk tables; prints nothing.
"""

from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING

from builder import crawl, state
from builder.crawl import HERE, Run
from builder.project import Project
from builder.records import Account, Group, arrow_schema, sha16

if TYPE_CHECKING:
    import pyarrow as pa

KINDS = ("exact", "near", "contained", "related")


def groups_of(project: Project, articles: Collection[str]) -> list[Group]:
    """The groups of these articles, sorted by id; all are made again where an article changed."""
    fresh(project, HERE)
    return sorted(crawl.where(project, "groups", Group, "article_id", articles), key=lambda group: group.article_id)


def fresh(project: Project, run: Run) -> Counter[str]:
    """See to it that each article has its group; how many there are of each kind."""
    from builder.corpus import duplicates, parts, shards, signatures

    state.refuse_stale(project)
    inputs = sha16(f"{crawl.digest(project, 'articles')} {signatures.STAGE.version} {duplicates.VERSION}")
    if project.stamped("dedup") != inputs or not crawl.done(project, "groups"):
        keys = crawl.make(project, signatures.STAGE, None, run)
        scratch, home = crawl.folder(project, "scratch"), crawl.folder(project, "groups")
        parts.remove(scratch)  # of a run that was killed
        parts.make(scratch)
        with crawl.started(run, crawl.weight(project, "keys")) as pmap:
            earlier = crawl.column(project, "groups", ["article_id", "group_id"])
            found = duplicates.find([one.shard.uri for one in keys], earlier, pmap, scratch)
        shards.publish(found.paths, home, arrow_schema(Group), inputs)
        parts.remove(scratch)
        rows = sum(one.rows for one in crawl.done(project, "groups"))
        project.save_account("dedup", [Account("dedup", "articles", found.taken, rows)], found.set_aside)
        project.stamp("dedup", inputs)
    return _counted(project)


def _counted(project: Project) -> Counter[str]:
    import pyarrow.compute as pc

    groups = crawl.column(project, "groups", ["group_id", "kind"])
    sizes = groups["group_id"].value_counts().field("counts")
    counts = Counter({row["values"]: row["counts"] for row in groups["kind"].value_counts().to_pylist()})
    counts.update(groups=len(sizes), shared=pc.sum(pc.greater(sizes, 1)).as_py() or 0)
    return counts


def filtered(project: Project, run: Run) -> Account:
    """Judge each article by the filters of dataset.yaml, and count it; what does not pass is marked, and stays."""
    from builder.corpus import filters

    wanted = project.schema.dataset.filters
    filters.check_installed(wanted)
    done = crawl.make(project, filters.STAGE, wanted, run)
    reasons = crawl.column(project, "filters", ["reason"])["reason"].drop_null()
    counts = Counter({row["values"]: row["counts"] for row in reasons.value_counts().to_pylist()})
    counts.update(aside.reason for aside in crawl.aside(done))
    account = Account(
        "filter",
        "articles",
        sum(one.taken for one in done),
        crawl.counted(done)["passed"],
        dict(sorted(counts.items())),
    )
    project.save_account("filter", [account])
    return account


def candidates(project: Project) -> "pa.Table":
    """One row for each article, with all that a sample goes by (builder.corpus.sample.CANDIDATES)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from builder.corpus.chance import chances
    from builder.corpus.filters import capped
    from builder.corpus.sample import CANDIDATES

    table = crawl.column(project, "articles", ["id", "document_id", "text_sha", "source", "published_at", "characters"])

    def joined(stage: str, key: str, name: str) -> "pa.Array":
        other = crawl.column(project, stage, [key, name])
        place = pc.index_in(table["id"], other[key].combine_chunks())
        return other[name].combine_chunks().take(place.combine_chunks())

    table = table.append_column("group_id", joined("groups", "article_id", "group_id"))
    reason, most = joined("filters", "id", "reason"), project.schema.dataset.filters.per_source
    if most is not None:
        left = pc.indices_nonzero(pc.is_null(reason))
        own = table.select(["source", "group_id"]).take(left).combine_chunks()
        luck = chances(own["group_id"], project.schema.dataset.sampling.seed)
        over = left.filter(
            pa.array(capped(own["source"].combine_chunks(), own["group_id"].combine_chunks(), luck, most))
        )
        mask = pc.is_in(pa.array(range(table.num_rows), left.type), over)
        reason = pc.if_else(mask, f"over {most} of one source", reason)
    return table.append_column("reason", reason).select(CANDIDATES.names).cast(CANDIDATES)

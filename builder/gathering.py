"""The verbs from files to a batch: ingest, clean, dedup, sample.

They run over shards, here or on a cluster; each holds the project's lock, and goes on where it was stopped.
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from builder import crawl, grouping, state
from builder.crawl import HERE, Run
from builder.project import Project, read_jsonl, write_jsonl
from builder.records import Account, Article, BatchItem, Refused, Report, SetAside, refuse, tally

if TYPE_CHECKING:
    from builder.annotation.next_up import Choice


def ingest(project: Project, inputs: Sequence[str | Path], *, encoding: str | None = None, run: Run = HERE) -> Report:
    """Add documents to the project; text that is already there adds nothing, and a broken record ends nothing.

    Raises Refused (exit code 2) with every fault of the request, and where nothing could be read, why.
    """
    from builder.corpus import intake, readers

    with project.lock():
        plan = readers.plan([str(one) for one in inputs], project.schema.dataset.fields, encoding)
        with crawl.started(run, sum(piece.size for piece in plan.pieces)) as pmap:
            watch = crawl.watching(run, "ingest", len(plan.pieces))
            taken = intake.take(plan.pieces, crawl.home(project), pmap, watch)
        aside = [*plan.set_aside, *taken.set_aside]
        reasons = Counter(one.reason for one in aside) + Counter({intake.AGAIN: taken.again})
        number = len(plan.set_aside) + taken.taken
        account = Account("ingest", "files and records", number, taken.kept, dict(sorted(reasons.items())))
        every = sum(one.rows for one in crawl.done(project, "documents"))
        project.save_account("ingest", [account], aside)
    return Report("ingest", (account,), taken.issues, {"documents in the project": str(every)}, set_aside=tuple(aside))


def clean(project: Project, run: Run = HERE) -> Report:
    """Clean every document into articles, with each removal recorded."""
    from builder.corpus import clean as cleaning
    from builder.corpus.boilerplate import check_examples

    with project.lock():
        rules = project.schema.boilerplate
        broken = check_examples(rules)
        if broken:
            raise Refused(*broken)
        state.refuse_empty(project)
        config = cleaning.Cleaning(state.profile_of(project), rules)
        done = crawl.make(project, cleaning.STAGE, config, run, digest=cleaning.digest(config))
        counts, aside = crawl.counted(done), crawl.aside(done)
        accounts = (
            tally("clean", "documents", sum(one.taken for one in done), counts["documents"], aside),
            Account("clean", "lines", counts["lines"], counts["kept"], cleaning.dropped(counts)),
        )
        project.save_account("clean", accounts, aside)
        project.stamp("clean", state.clean_inputs(project))
        judged = grouping.filtered(project, run)
    facts = {"articles": f"{counts['articles']}, of which {counts['embedded']} were embedded in the page of another"}
    return Report("clean", (*accounts, judged), tuple(crawl.issues(done)), facts, set_aside=tuple(aside))


def dedup(project: Project, run: Run = HERE) -> Report:
    """Group articles that say the same in the same words; mark them, remove none."""
    with project.lock():
        counts = grouping.fresh(project, run)
    facts = {"groups": f"{counts['groups']}, of which {counts['shared']} hold several articles "
                       f"({', '.join(f'{counts[kind]} {kind}' for kind in grouping.KINDS)})"}  # fmt: skip
    remarks = read_jsonl(project.work / "set_aside" / "dedup.jsonl", SetAside)
    if remarks:
        facts["remarks"] = f"{len(remarks)} articles are alike to several old groups, or stand twice: -v lists them"
    return Report("dedup", tuple(project.accounts("dedup")), facts=facts, set_aside=tuple(remarks))


def sample(
    project: Project, batch: str | None, size: int | None, run: Run = HERE, *, by_gold: bool = False
) -> Report:  # fmt: skip
    """Choose a batch; a batch that exists is kept as it is.

    With `by_gold`, those come first that the gold so far knows least about, with the reasons in next.jsonl beside it.
    Raises Refused: 1 no article is left, or there is no gold to learn from; 2 scikit-learn is not installed.
    """
    from builder.annotation import next_up
    from builder.corpus import sample as sampling

    name = batch or "batch-1"
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,30}", name):
        raise refuse("batch", f"{name!r} is not a batch name: a-z, 0-9, '-' and '_', at most 31", fix="such as batch-2")
    with project.lock():
        path = project.annotations / name / "batch.jsonl"
        if path.exists():
            items = read_jsonl(path, BatchItem)
            return Report("sample", facts={"batch": f"{name} has {len(items)} articles already and stays as it is"})
        state.refuse_stale(project)
        grouping.fresh(project, run)
        judged = grouping.filtered(project, run)
        candidates = grouping.candidates(project)
        earlier = [item for other in project.batches() for item in state.read_batch(project, other)]
        wanted = project.schema.dataset.sampling
        taken = {item.group_id for item in earlier}
        many, much = size or wanted.size, next_up.LOOKED_AT if by_gold else 1
        chosen = sampling.choose(candidates, name, many * much, wanted.seed, taken)
        items, account = chosen.items, chosen.account
        if by_gold and items:
            choices = _choices(project, items, earlier, many)
            items, account = sampling.narrowed(chosen, [choice.article_id for choice in choices])
            write_jsonl(path.with_name("next.jsonl"), choices)
        if not items:
            raise refuse("empty-batch", "no article is left to choose", fix="ingest and clean more documents")
        write_jsonl(path, items)
        project.save_account("sample", [account])
    facts = {"batch": f"{name}: {len(items)} articles in {path}"}
    return Report(
        "sample", (judged, account), facts=facts | ({"why": str(path.with_name("next.jsonl"))} if by_gold else {})
    )


def _choices(project: Project, items: Sequence[BatchItem], earlier: Sequence[BatchItem], size: int) -> "list[Choice]":
    """What to annotate next of a sample, by what the gold so far knows of it."""
    from builder.annotation.next_up import next_up

    groups = {item.article_id: item.group_id for item in (*items, *earlier)}
    annotated = state.sampled_articles(project)
    pool = crawl.where(project, "articles", Article, "id", [item.article_id for item in items])
    judgements, _ = state.canonical_judgements(project, annotated)
    golds = state.gold_of(project, annotated, judgements).golds
    dataset = project.schema.dataset
    return next_up(pool, annotated, golds, judgements, project.schema.labels, size, dataset.sampling.seed, groups)

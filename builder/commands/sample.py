"""The command `sample`: choose the articles to annotate."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from builder.annotation.active_learning import select
from builder.annotation.active_learning.select import Choice, select_articles
from builder.cli.options import batch_option, bulk
from builder.cli.output import Console
from builder.cli.road import project_of, road
from builder.corpus.sampling.sample import choose, restrict_to
from builder.executor.start import LOCAL, ExecutorConfig
from builder.io.jsonl import write_jsonl
from builder.project import groups
from builder.project.annotations import check_batch_name, read_batch, read_decisions
from builder.project.batches import batch_articles, batch_groups
from builder.project.cleaning import keep_basis
from builder.project.corpus import refuse_stale, select_rows
from builder.project.judgements import canonical_judgements, compute_gold, load_batch_inputs, save_accounts
from builder.project.project import Project
from builder.records import Article, BatchItem, Gold, Judgement, Line, Report, counted, user_error
from builder.records.arrow import records_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleReport(Report):
    """The report of `sample`: the batch, its articles, its file, whether it is new, and the file of reasons if there is one."""

    batch: str
    articles: int
    path: Path
    is_new: bool = True
    why: Path | None = None

    def lines(self) -> Iterator[Line]:
        """Return the batch, and where its reasons are."""
        if self.is_new:
            yield Line("batch", f"{self.batch}: {counted(self.articles, 'article')} in {self.path}")
        else:
            yield Line("batch", f"{self.batch} has {counted(self.articles, 'article')} already and stays as it is")
        if self.why:
            yield Line("why", str(self.why))


@click.command("sample")
@batch_option
@click.option("--size", type=click.IntRange(min=1), help="Articles in the batch (default: schema/dataset.yaml).")
@click.option(
    "--next",
    "by_gold",
    is_flag=True,
    help="Active learning: prefer articles the model is least certain about (needs khabar[select]).",
)
@bulk
@road
def cli(console: Console, batch: str | None, size: int | None, by_gold: bool) -> SampleReport:
    """Choose articles to annotate: seeded, one of each group, stratified by source, month and length.

    --next uses active learning: it trains a small model on the gold so far and prefers articles of which the model is
    least certain, with rare labels and targets, similar to disputed articles, and unlike those already chosen. The
    reason for each choice is written to annotations/<batch>/next.jsonl.
    """
    return sample(
        project_of(console),
        batch,
        size,
        ExecutorConfig(console.engine, console.workers, console.step),
        by_gold=by_gold,
    )


def sample(
    project: Project, batch: str | None, size: int | None, run: ExecutorConfig = LOCAL, *, by_gold: bool = False
) -> SampleReport:  # fmt: skip
    """Choose a batch. An existing batch is kept as it is.

    With `by_gold`, choose by active learning and write the reasons to next.jsonl beside the batch. Raises KhabarError
    with exit code 1 if no article is left or there is no gold to learn from, 2 if scikit-learn is not installed.
    """
    name = batch or "batch-1"
    check_batch_name(name, "batch-2")
    with project.lock():
        path = project.annotations / name / "batch.jsonl"
        if path.exists():
            items = read_batch(project, name)
            return SampleReport("sample", batch=name, articles=len(items), path=path, is_new=False)
        refuse_stale(project)
        groups.ensure_groups(project, run)
        judged = groups.apply_filters(project, run)
        candidates = groups.candidates(project)
        earlier = [item for other in project.batches() for item in read_batch(project, other)]
        wanted = project.schema.dataset.sampling
        taken = {item.group_id if wanted.one_of_each_group else item.article_id for item in earlier}
        many, much = size or wanted.size, select.LOOKED_AT if by_gold else 1
        chosen = choose(candidates, name, many * much, wanted.seed, taken,
                        min_length=wanted.min_length, one_of_each_group=wanted.one_of_each_group)  # fmt: skip
        items, account = chosen.items, chosen.account
        if by_gold and items:
            choices = _choices(project, items, earlier, many)
            items, account = restrict_to(chosen, [choice.article_id for choice in choices])
            write_jsonl(path.with_name("next.jsonl"), choices)
        if not items:
            raise user_error("empty-batch", "no article is left to choose", fix="ingest and clean more documents")
        keep_basis(project, name, items)
        write_jsonl(path, items)
        project.save_account("sample", [account])
        batch_articles(project)
        batch_groups(project)
    why = path.with_name("next.jsonl") if by_gold else None
    return SampleReport("sample", (judged, account), batch=name, articles=len(items), path=path, why=why)


def _choices(project: Project, items: Sequence[BatchItem], earlier: Sequence[BatchItem], size: int) -> list[Choice]:
    """Select what to annotate next of a sample by active learning."""
    alone = not project.schema.dataset.sampling.one_of_each_group
    groups = None if alone else {item.article_id: item.group_id for item in (*items, *earlier)}
    loaded = load_batch_inputs(project)
    annotated, canonical = loaded.articles, canonical_judgements(loaded)
    save_accounts(project, canonical)
    pool = select_rows(project, "articles", Article, "id", [item.article_id for item in items])
    judgements = records_of(canonical.table, Judgement)
    golds = records_of(compute_gold(loaded, read_decisions(project), canonical.table).golds, Gold)
    dataset = project.schema.dataset
    return select_articles(
        pool, annotated, golds, judgements, project.schema.labels, size, dataset.sampling.seed, groups
    )

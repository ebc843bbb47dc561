"""Inputs of a release: articles, judgements, gold, splits, and the hash of each input file."""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from builder.annotation.adjudication.adjudicate import AdjudicationResult
from builder.annotation.columns import coded
from builder.annotation.migration.asked import asked_of
from builder.io.hashing import read_hashed
from builder.io.json_rows import digest_of_sorted
from builder.io.parquet import to_table
from builder.io.plain import to_plain
from builder.project import groups
from builder.project.annotations import read_decisions, read_takedowns, read_withdrawals
from builder.project.batches import batch_articles, batch_documents, text_tables
from builder.project.cleaning import clean_accounts
from builder.project.corpus import profile_of
from builder.project.imports.released import Imports, as_published, load_imports, unmarked
from builder.project.judgements import (
    BatchInputs,
    CanonicalJudgements,
    canonical_judgements,
    compute_agreement,
    compute_gold,
    load_batch_inputs,
    save_accounts,
    without_repeats,
)
from builder.project.migration.state import guidelines_folder
from builder.project.project import Project
from builder.project.splits import read_borders, read_splits, traits_of
from builder.records import (
    Agreement,
    Article,
    Decision,
    Document,
    Group,
    Issue,
    Judgement,
    Leak,
    SplitAssignment,
    SplitBorder,
    StageCounts,
    Takedown,
    Withdrawal,
    user_error,
)
from builder.release.card.sections.imported import import_inputs
from builder.release.editions import extractors
from builder.release.redaction.redact import redact, redact_authors
from builder.release.redaction.tables import move_tables
from builder.release.splits.assign import split_articles
from builder.release.tables.inputs import TableInputs
from builder.release.tables.spill import TableSpill
from builder.text.profiles import Profile


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """The files that a release is built from, loaded once."""

    batch: BatchInputs
    """Of the articles that were not taken down."""
    articles: Sequence[Article]
    """The articles of all batches."""
    documents: Sequence[Document]
    decisions: Sequence[Decision]
    splits: Sequence[SplitAssignment]
    borders: Sequence[SplitBorder]
    takedowns: Sequence[Takedown]
    withdrawals: Sequence[Withdrawal]
    counts: bytes
    """The lines of the counts of all batches, sorted in each."""
    cleaning: Sequence[StageCounts]
    profile: Profile
    imports: Imports


@dataclass(frozen=True, slots=True)
class ReleaseInputs:
    """Everything a release is built from: table inputs, stage counts, agreement and the ledger of splits."""

    material: TableInputs
    accounts: tuple[StageCounts, ...]
    agreement: tuple[Agreement, ...]
    changes: Mapping[str, int]
    """What normalization changed in the pages of these articles, by Profile.changes."""
    ledger: tuple[SplitAssignment, ...]
    borders: tuple[SplitBorder, ...]
    issues: tuple[Issue, ...]
    """A warning for each article that cannot be assigned to a split, and for titles in several splits."""
    redacted: Mapping[str, int]
    """Number of redactions of each requested kind in texts and titles."""
    sources: Sources
    leaks: tuple[Leak, ...]
    """Similar articles that an imported set published in different splits."""
    asked: Mapping[str, tuple[str, ...]]
    """The labels that pages offered, by the versions of labels.yaml that did not offer all of them."""
    asked_targets: Mapping[str, tuple[str, ...]]
    """The targets that pages asked about, by the versions that did not ask about all of them."""
    new_questions: Mapping[str, tuple[str, ...]]
    """The questions on whole articles that were added later, by the versions that did not ask all of them."""
    guidelines: Mapping[str, str]
    """The guidelines that judgements were made under, by their path in the release."""


@dataclass(frozen=True, slots=True, eq=False)
class _Settled:
    """The canonical judgements of the articles, and the gold that votes and decisions make of them."""

    judgements: CanonicalJudgements
    gold: AdjudicationResult


def load_release_inputs(project: Project, spill: TableSpill | None = None) -> ReleaseInputs:
    """Load everything a release is built from; its texts and pages are in memory, or on disk if there is a spill.

    Raises KhabarError (exit code 1) if no article was annotated, or if similar articles have been in two splits since
    an earlier release.
    """
    sources = _load_sources(project)
    batch, documents, kinds = sources.batch, sources.documents, sources.batch.schema.dataset.redact
    redaction = redact(_chosen(sources), documents, kinds)
    chosen = [each.article for each in redaction.articles.values()]
    settled = _settle(project, sources)
    frozen = {a.article_id: a.split for a in sources.splits}
    parted = split_articles(chosen, groups.groups_of_batches(project, {article.id for article in chosen}), frozen, batch.schema.dataset.splits,
                  traits_of(chosen, documents, settled.gold.golds), sources.profile.fold_batch,
                  {border.split: border.newest for border in sources.borders},
                  as_published(sources.imports, batch.items))  # fmt: skip
    splits = {assignment.article_id: assignment.split for assignment in parted.ledger}
    moved = move_tables(redaction, settled.judgements.table, settled.gold.golds, settled.gold.disputes, kinds)
    project.save_account("redact", moved.accounts)
    labels, least = batch.schema.labels, batch.schema.dataset.adjudication.min_annotators
    if kinds:
        articles, pages = to_table(chosen, Article), to_table(redact_authors(documents, kinds), Document)
    else:
        articles, pages = text_tables(project, {article.id for article in chosen}, spill)
    material = TableInputs(
        articles, pages, to_table(parted.groups, Group), splits, moved.judgements, moved.golds, moved.disputes,
        labels, parted.aside, batch.schema.dataset.publish_authors,
        unmarked(sources.imports, settled.judgements.table, settled.gold.golds),
        asked_of(settled.judgements.table, batch.offers, labels.entity_names, least),
    )  # fmt: skip
    accounts = (
        *sources.cleaning,
        *settled.judgements.accounts,
        settled.gold.account,
        settled.gold.spans,
        *moved.accounts,
    )
    figures = compute_agreement(batch, settled.judgements.table)
    found: dict[str, int] = {kind: redaction.counts[kind] for kind in kinds}
    changes = _changes(sources.profile, chosen, documents)
    offers, names = batch.offers, coded(settled.judgements.table["schema"]).names
    return ReleaseInputs(
        material, accounts, figures, changes, parted.ledger, parted.borders, parted.issues, found, sources, parted.leaks,
        _named(offers.labels, names), _named(offers.targets, names), _named(offers.new_questions, names),
        _guidelines(project, settled.judgements.table),
    )  # fmt: skip


def _named(of: Mapping[str, frozenset[str]], versions: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return what those of some versions offered or lack, sorted."""
    return {version: tuple(sorted(names)) for version, names in sorted(of.items()) if version in versions}


def _guidelines(project: Project, judgements: pa.Table) -> dict[str, str]:
    """Return the kept texts of the guidelines that judgements were made under, by their path in the release."""
    paths = {version: guidelines_folder(project) / f"{version}.md" for version in coded(judgements["guideline"]).names}
    return {f"guidelines/{version}.md": path.read_text("utf-8") for version, path in paths.items() if path.is_file()}


def _load_sources(project: Project) -> Sources:
    takedowns = read_takedowns(project)
    counts = (project.annotations / name / "counts.jsonl" for name in project.batches())
    return Sources(
        load_batch_inputs(project, without={takedown.article_id for takedown in takedowns}),
        batch_articles(project),
        batch_documents(project),
        read_decisions(project),
        read_splits(project),
        read_borders(project),
        takedowns,
        read_withdrawals(project),
        b"\n".join(line for path in counts if path.exists() for line in sorted(read_hashed(path).splitlines())),
        clean_accounts(project),
        profile_of(project),
        load_imports(project),
    )


def _settle(project: Project, sources: Sources) -> _Settled:
    judgements = canonical_judgements(sources.batch)
    save_accounts(project, judgements)
    return _Settled(judgements, compute_gold(sources.batch, sources.decisions, judgements.table))


def _changes(table: Profile, chosen: Sequence[Article], documents: Sequence[Document]) -> Mapping[str, int]:
    pages = {article.document_id for article in chosen}
    made: Counter[str] = Counter()
    normalised = [one for one in documents if one.id in pages and (one.published_id is None or one.is_normalised)]
    for aligned in table.apply_batch([document.raw for document in normalised]):
        made.update(table.changes(aligned))
    return made


def _chosen(sources: Sources) -> list[Article]:
    gone = {takedown.article_id for takedown in sources.takedowns}
    sampled = {name for own in sources.batch.items.values() for name in own["article_id"].to_pylist()}
    items = sampled - gone
    if sampled and not items:
        raise user_error(
            "nothing-to-build", "every article of annotations/*/batch.jsonl was taken down", exit_code=1,
            fix="run `khabar sample` for a new batch",
        )  # fmt: skip
    chosen = [article for article in sources.batch.articles if article.id in items]
    missing = len(items) - len(chosen)
    if missing or not chosen:
        message = f"{missing} of the {len(items)} articles of annotations/*/batch.jsonl are not in this project"
        raise user_error(
            "nothing-to-build",
            message if items else "no batch was sampled",
            exit_code=1,
            fix="ingest and clean the files that the batch came from" if items else "run `khabar sample`",
        )
    return chosen


def hash_inputs(inputs: ReleaseInputs, card: str, tool: str) -> dict[str, str]:
    """Return the sha256 of each input of a release. Judgements are hashed without the server's clock and ids.

    What extracted texts from HTML is listed by name. Files of schema/ and the card template are hashed by their bytes.
    Of the ledger of releases only the previous release counts: its manifest is the input `since`.
    """
    sources, material = inputs.sources, inputs.material
    # Judgements are of the texts before anything was redacted.
    articles = sources.articles if sources.batch.schema.dataset.redact else sources.batch.articles
    once = without_repeats(replace(sources.batch, articles=articles)).table
    listed = {
        "articles": [[*row.values()] for row in material.articles.select(["id", "text_sha"]).to_pylist()],
        "decisions": _sorted(map(to_plain, sources.decisions)),
        "splits": sorted(material.splits.items()),
        "takedowns": _sorted(map(to_plain, sources.takedowns)),
    }
    if sources.withdrawals:  # releases before the first withdrawal have no such input
        listed["withdrawals"] = _sorted(map(to_plain, sources.withdrawals))
    if material.asked:  # releases whose articles were all asked for all labels have no such input
        listed["labels asked"] = sorted([article, *names] for article, names in material.asked.items())
    texts = {name: json.dumps(value, ensure_ascii=False, sort_keys=True) for name, value in listed.items()}
    contents = {name: text.encode() for name, text in (texts | {"card": card, "tool": tool}).items()}
    if sources.counts:
        contents["counts"] = sources.counts
    contents["cleaning"] = json.dumps([*map(to_plain, sources.cleaning)], sort_keys=True).encode()
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    hashes["judgements"] = digest_of_sorted(_without_server(once), Judgement)
    hashes |= {f"schema/{name}": digest for name, digest in sources.batch.schema.digests.items()}
    pages = {*material.articles["document_id"].to_pylist()}
    named = extractors.recorded(document for document in sources.documents if document.id in pages)
    return hashes | import_inputs(sources.imports.sets) | named | {"profile": sources.profile.digest}


def _without_server(judgements: pa.Table) -> pa.Table:
    """Return judgements without the server's clock and ids."""
    for name in ("created_at", "updated_at", "task_id", "annotation_id", "origin"):
        field = judgements.schema.field(name)
        nothing = pa.repeat(pa.scalar("" if pa.types.is_string(field.type) else 0, field.type), judgements.num_rows)
        judgements = judgements.set_column(judgements.column_names.index(name), field, nothing)
    return judgements


def _sorted(plain: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(plain, key=lambda one: json.dumps(one, sort_keys=True))

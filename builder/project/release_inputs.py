"""Inputs of a release: articles, judgements, gold, splits, and the hash of each input file."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from builder.io.hashing import read_hashed
from builder.io.plain import to_plain
from builder.project import groups
from builder.project.annotations import (
    read_batch,
    read_borders,
    read_decisions,
    read_judgements,
    read_splits,
    read_takedowns,
    read_withdrawals,
    taken_down,
)
from builder.project.batches import batch_articles, batch_documents
from builder.project.cleaning import clean_accounts
from builder.project.corpus import profile_of
from builder.project.judgements import canonical_judgements, compute_agreement, compute_gold, without_repeats
from builder.project.project import Project
from builder.records import (
    Agreement,
    Article,
    Document,
    Gold,
    Issue,
    SplitAssignment,
    SplitBorder,
    StageCounts,
    user_error,
)
from builder.release.editions import extractors
from builder.release.redaction.redact import move_annotations, redact, redact_authors
from builder.release.splits.assign import split_articles
from builder.release.splits.strategies import Traits
from builder.release.tables.inputs import TableInputs, instant

DECLARED = ", declared"
"""End of Document.encoding where the encoding was declared."""

DECLARES_ITSELF = re.compile(r"\.(?:html?|warc|rss|atom|xml)(?:\.gz|\.zst)?(?::\d+)?$", re.IGNORECASE)
"""The origin of a document whose format has a declaration of its own."""


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


def load_release_inputs(project: Project) -> ReleaseInputs:
    """Load everything a release is built from.

    Raises KhabarError (exit code 1) if no article was annotated, or if similar articles have been in two splits since
    an earlier release.
    """
    articles, gone = batch_articles(project), taken_down(project)
    every = [article for article in articles if article.id not in gone]
    documents, kinds = batch_documents(project), project.schema.dataset.redact
    redaction = redact(_chosen(project, every, gone), documents, kinds)
    chosen = [moved.article for moved in redaction.articles.values()]
    judgements, checked = canonical_judgements(project, every)
    result = compute_gold(project, every, judgements)
    frozen = {a.article_id: a.split for a in read_splits(project)}
    parted = split_articles(chosen, groups.groups_of_batches(project, {article.id for article in chosen}), frozen, project.schema.dataset.splits,
                  _traits(chosen, documents, result.golds), profile_of(project).fold_batch,
                  {border.split: border.newest for border in read_borders(project)})  # fmt: skip
    splits = {assignment.article_id: assignment.split for assignment in parted.ledger}
    said, golds, disputes, moved_spans = move_annotations(redaction, judgements, result.golds, result.disputes, kinds)
    redactions = [moved_spans] if kinds else []
    project.save_account("redact", redactions)
    material = TableInputs(
        chosen, redact_authors(documents, kinds), parted.groups, splits, said, golds, disputes, project.schema.labels,
        parted.aside, project.schema.dataset.publish_authors,
    )  # fmt: skip
    accounts = (*clean_accounts(project), *checked, result.account, result.spans, *redactions)
    figures = compute_agreement(project, every, judgements)
    found: dict[str, int] = {kind: redaction.counts[kind] for kind in kinds}
    return ReleaseInputs(material, accounts, figures, _changes(project, chosen, documents), parted.ledger, parted.borders,
                   parted.issues, found)  # fmt: skip


def _changes(project: Project, chosen: Sequence[Article], documents: Sequence[Document]) -> Mapping[str, int]:
    table = profile_of(project)
    pages = {article.document_id for article in chosen}
    made: Counter[str] = Counter()
    for aligned in table.apply_batch([document.raw for document in documents if document.id in pages]):
        made.update(table.changes(aligned))
    return made


def _chosen(project: Project, articles: Sequence[Article], gone: Collection[str]) -> list[Article]:
    sampled = {item.article_id for name in project.batches() for item in read_batch(project, name)}
    items = sampled - {*gone}
    if sampled and not items:
        raise user_error(
            "nothing-to-build", "every article of annotations/*/batch.jsonl was taken down", exit_code=1,
            fix="run `khabar sample` for a new batch",
        )  # fmt: skip
    chosen = [article for article in articles if article.id in items]
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


def _traits(chosen: Sequence[Article], documents: Sequence[Document], golds: Sequence[Gold]) -> dict[str, Traits]:
    pages = {document.id: document for document in documents}
    stances = {gold.article_id: tuple((stance.target, stance.value) for stance in gold.stances) for gold in golds}
    traits = {}
    for article in chosen:
        page = pages[article.document_id]
        moment = instant(page.published_at)
        date = moment.isoformat() if moment else None
        traits[article.id] = Traits(page.source, date, stances.get(article.id, ()))
    return traits


def declared_encodings(material: TableInputs) -> list[str]:
    """Return the encodings that `ingest --encoding` declared for the pages of these articles.

    Web pages and feeds declare their own.
    """
    used = {article.document_id for article in material.articles}
    encodings = {
        document.encoding.removesuffix(DECLARED)
        for document in material.documents
        if document.id in used and document.encoding.endswith(DECLARED) and not DECLARES_ITSELF.search(document.origin)
    }
    return sorted(encodings)


def hash_inputs(project: Project, material: TableInputs, card: str, tool: str) -> dict[str, str]:
    """Return the sha256 of each input of a release. Judgements are hashed without the server's clock and ids.

    What extracted texts from HTML is listed by name. Files of schema/ and the card template are hashed by their bytes. Of the ledger of releases only the previous
    release counts: its manifest is the input `since`.
    """
    # Judgements are of the texts before anything was redacted.
    articles = batch_articles(project) if project.schema.dataset.redact else material.articles
    once, _, _ = without_repeats(project, {article.id: article for article in articles}, read_judgements(project))
    said = [
        to_plain(replace(judgement, created_at="", updated_at="", task_id=0, annotation_id=0, origin=""))
        for judgement in once
    ]
    inputs = {
        "articles": [[article.id, article.text_sha] for article in material.articles],
        "judgements": sorted(said, key=lambda judgement: json.dumps(judgement, sort_keys=True)),
        "decisions": sorted(map(to_plain, read_decisions(project)), key=lambda one: json.dumps(one, sort_keys=True)),
        "splits": sorted(material.splits.items()),
        "takedowns": sorted(map(to_plain, read_takedowns(project)), key=lambda one: json.dumps(one, sort_keys=True)),
    }
    if gone := read_withdrawals(project):  # releases before the first withdrawal have no such input
        inputs["withdrawals"] = sorted(map(to_plain, gone), key=lambda one: json.dumps(one, sort_keys=True))
    texts = {name: json.dumps(value, ensure_ascii=False, sort_keys=True) for name, value in inputs.items()}
    contents = {name: text.encode() for name, text in (texts | {"card": card, "tool": tool}).items()}
    counts = [
        path for name in project.batches() for path in [project.annotations / name / "counts.jsonl"] if path.exists()
    ]
    if counts:
        contents["counts"] = b"\n".join(line for path in counts for line in sorted(read_hashed(path).splitlines()))
    contents["cleaning"] = json.dumps([*map(to_plain, clean_accounts(project))], sort_keys=True).encode()
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    hashes |= {f"schema/{name}": digest for name, digest in project.schema.digests.items()}
    pages = {article.document_id for article in material.articles}
    named = extractors.recorded(document for document in material.documents if document.id in pages)
    return hashes | named | {"profile": profile_of(project).digest}

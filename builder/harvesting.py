"""What a release is made from, gathered: articles, judgements, gold, splits, and the hash of each input.

Reads the project's files through builder.state; prints nothing.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from builder import grouping, state
from builder.project import Project, read_jsonl, to_plain
from builder.records import Account, Agreement, Article, Assignment, Document, Gold, Issue, Takedown, refuse
from builder.schema import FILES as SCHEMA_FILES

if TYPE_CHECKING:
    from builder.release.material import Material
    from builder.release.strategies import Traits


@dataclass(frozen=True, slots=True)
class Harvest:
    """All that a release is made from: its material, what came before, and the ledger of splits."""

    material: "Material"
    accounts: tuple[Account, ...]
    agreement: tuple[Agreement, ...]
    changes: Mapping[str, int]
    """What normalisation did to the pages of these articles, as Profile.changes names it."""
    ledger: tuple[Assignment, ...]
    issues: tuple[Issue, ...]
    """A warning for each article that can have no split."""
    redacted: Mapping[str, int]
    """How many stretches of each kind were taken out of texts and titles, of the kinds that were looked for."""


def harvest(project: Project) -> Harvest:
    """Gather what a release is made from.

    Raises Refused (exit code 1) when no article was annotated, or when articles that are alike have stood in two
    splits since an earlier release.
    """
    from builder.release.material import Material
    from builder.release.redact import move, redact
    from builder.release.splits import part

    articles, gone = state.sampled_articles(project), state.taken_down(project)
    every = [article for article in articles if article.id not in gone]
    documents, kinds = state.sampled_documents(project), project.schema.dataset.redact
    redaction = redact(_chosen(project, every, gone), documents, kinds)
    chosen = [moved.article for moved in redaction.articles.values()]
    judgements, checked = state.canonical_judgements(project, every)
    result = state.gold_of(project, every, judgements)
    frozen = {a.article_id: a.split for a in read_jsonl(project.annotations / "splits.jsonl", Assignment)}
    parted = part(chosen, grouping.groups_of(project, {article.id for article in chosen}), frozen, project.schema.dataset.splits,
                  _traits(chosen, documents, result.golds), state.profile_of(project).fold_batch)  # fmt: skip
    splits = {assignment.article_id: assignment.split for assignment in parted.ledger}
    said, golds, disputes, moved_spans = move(redaction, judgements, result.golds, result.disputes, kinds)
    redactions = [moved_spans] if kinds else []
    project.save_account("redact", redactions)
    material = Material(
        chosen, documents, parted.groups, splits, said, golds, disputes, project.schema.labels, parted.aside,
    )  # fmt: skip
    accounts = (*project.accounts("clean"), *checked, result.account, result.spans, *redactions)
    figures = state.agreement_of(project, every, judgements)
    found: dict[str, int] = {kind: redaction.counts[kind] for kind in kinds}
    return Harvest(material, accounts, figures, _changes(project, chosen, documents), parted.ledger, parted.issues,
                   found)  # fmt: skip


def _changes(project: Project, chosen: Sequence[Article], documents: Sequence[Document]) -> Mapping[str, int]:
    table = state.profile_of(project)
    pages = {article.document_id for article in chosen}
    made: Counter[str] = Counter()
    for aligned in table.apply_batch([document.raw for document in documents if document.id in pages]):
        made.update(table.changes(aligned))
    return made


def _chosen(project: Project, articles: Sequence[Article], gone: Collection[str]) -> list[Article]:
    items = {item.article_id for name in project.batches() for item in state.read_batch(project, name)} - {*gone}
    chosen = [article for article in articles if article.id in items]
    missing = len(items) - len(chosen)
    if missing or not chosen:
        message = f"{missing} of the {len(items)} articles of annotations/*/batch.jsonl are not in this project"
        raise refuse("nothing-to-build", message if items else "no batch was sampled", exit_code=1,
                     fix="ingest and clean the files that the batch came from" if items else "run `khabar sample`")  # fmt: skip
    return chosen


def _traits(chosen: Sequence[Article], documents: Sequence[Document], golds: Sequence[Gold]) -> dict[str, "Traits"]:
    from builder.release.material import instant
    from builder.release.strategies import Traits

    pages = {document.id: document for document in documents}
    stances = {gold.article_id: tuple((stance.target, stance.value) for stance in gold.stances) for gold in golds}
    traits = {}
    for article in chosen:
        page = pages[article.document_id]
        moment = instant(page.published_at)
        date = moment.isoformat() if moment else None
        traits[article.id] = Traits(page.source, date, stances.get(article.id, ()))
    return traits


def hash_inputs(project: Project, material: "Material", card: str, tool: str) -> dict[str, str]:
    """The sha256 of each thing that a release was made from; of judgements without the server's clock and ids.

    Files of schema/ and the card's template by their bytes. Of the ledger of releases only the release before counts:
    its manifest is the input `since`, where there is one.
    """
    # Judgements are of the texts before anything was redacted.
    articles = state.sampled_articles(project) if project.schema.dataset.redact else material.articles
    once, _, _ = state.said_once(project, {article.id: article for article in articles})
    said = [to_plain(replace(one, created_at="", updated_at="", task_id=0, annotation_id=0)) for one in once]
    inputs = {
        "articles": [[article.id, article.text_sha] for article in material.articles],
        "judgements": sorted(said, key=lambda judgement: json.dumps(judgement, sort_keys=True)),
        "decisions": sorted(
            map(to_plain, state.read_decisions(project)), key=lambda one: json.dumps(one, sort_keys=True)
        ),
        "splits": sorted(material.splits.items()),
        "takedowns": sorted(
            (to_plain(one) for one in read_jsonl(project.annotations / "takedowns.jsonl", Takedown)),
            key=lambda one: json.dumps(one, sort_keys=True),
        ),
    }
    texts = {name: json.dumps(value, ensure_ascii=False, sort_keys=True) for name, value in inputs.items()}
    contents = {name: text.encode() for name, text in (texts | {"card": card, "tool": tool}).items()}
    folder = project.root / "schema"
    contents |= {f"schema/{path.name}": path.read_bytes() for path in folder.iterdir() if path.name in SCHEMA_FILES}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    return hashes | {"profile": state.profile_of(project).digest}

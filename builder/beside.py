"""One function for each verb beside the road: they look at a project, and change nothing that the road goes by."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from builder import crawl, state
from builder.project import Project, write_bytes
from builder.records import Article, Document, Refused, Report, refuse
from builder.text.visible import visible

if TYPE_CHECKING:
    from builder.corpus.explain import Explanation

LISTED = 10
"""Documents in a message that lists what could be meant."""


def explain(project: Project, name: str, page: Path | None = None) -> "Explanation":
    """What became of each code point of one raw page, written as HTML too where `page` names a file.

    `name` is an id of a document or of one of its articles, at least 4 digits of it, or an origin.
    Raises Refused for a name that is unknown or could mean several, and where cleaning is out of date.
    """
    from builder.corpus.clean import clean
    from builder.corpus.explain import explain as explained
    from builder.corpus.explain_page import page as html

    document_id, part = _meant(project, name)
    state.refuse_stale(project)
    articles = crawl.where(project, "articles", Article, "document_id", [document_id])
    if part and document_id + part not in {article.id for article in articles}:
        known = ", ".join(article.id for article in articles)
        none = f"the page's own id, {document_id}: it has no article"
        raise _unknown(name, f"an id, or one of {known}" if known else none)
    table = state.profile_of(project)
    (document,) = crawl.where(project, "documents", Document, "id", [document_id])
    drops = () if articles else clean(document, table, project.schema.boilerplate).drops
    explanation = explained(document, articles, table, drops)
    if page:
        write_bytes(page, html(explanation).encode())
    return explanation


def _meant(project: Project, name: str) -> tuple[str, str]:
    """The document that a name means, and the article's number in it, such as -1, where the name has one."""
    state.refuse_empty(project)
    names = crawl.column(project, "documents", ["id", "origin"])
    names = names.sort_by("id")
    ids, origins = names["id"].to_pylist(), names["origin"].to_pylist()
    if name in origins:
        found = [document for document, origin in zip(ids, origins, strict=True) if origin == name]
        fix = "give the document's id"
    else:
        digits, part = _digits(name, origins)
        found = [document for document in ids if document.startswith(digits)]
        fix = "give more digits, or the origin"
        if part and found:
            return found[0], part
    if len(found) > 1:
        known = dict(zip(ids, origins, strict=True))
        listed = ", ".join(f"{document} ({visible(known[document])})" for document in found[:LISTED])
        more = f" and {len(found) - LISTED} more" if len(found) > LISTED else ""
        raise refuse("ambiguous", f"{name!r} could be {len(found)} documents: {listed}{more}", fix=fix)
    if not found:
        raise _unknown(name, f"an id, or an origin, such as {visible(origins[0])}")
    return found[0], ""


def _digits(name: str, origins: Sequence[str]) -> tuple[str, str]:
    """The digits of an id, and what makes it an article's."""
    whole = re.fullmatch(r"([0-9a-f]{16})(-\d+)|([0-9a-f]{1,16})", name.lower())
    if whole is None:
        raise _unknown(name, f"an id, or an origin, such as {visible(origins[0])}")
    digits = whole[1] or whole[3]
    if len(digits) < 4:
        raise refuse("no-document", f"{name!r} is too short for an id", fix="give at least 4 of its digits")
    return digits, whole[2] or ""


def _unknown(name: str, instead: str) -> Refused:
    return refuse("no-document", f"no document or article is called {name!r}", fix=f"give {instead}")


def schema_check(project: Project) -> Report:
    """Check all of schema/, and every boilerplate rule against its examples; exit code 1 where one fails.

    Raises Refused (exit code 2) with every fault of the files.
    """
    from builder.corpus.boilerplate import check_examples
    from builder.corpus.rules import every_rule

    schema = project.schema
    failed = check_examples(schema.boilerplate)
    rules = every_rule(schema.boilerplate)
    examples = sum(len(rule.examples.matches) + len(rule.examples.leaves) for rule in rules)
    facts = {
        "labels": f"{len(schema.labels.entities)} entity types, {len(schema.labels.target_ids)} stance targets",
        "profile": state.profile_of(project).id,
        "boilerplate": f"{len(rules)} rules, {examples} examples, of which {len(failed)} fail",
        "schema": schema.hash,
    }
    return Report("schema check", issues=tuple(failed), facts=facts, exit_code=1 if failed else 0)


def schema_render(project: Project, *, every: bool = False, page: Path | None = None) -> Report:
    """Say what the project's profile changes, by Unicode name, and how often it did in the project's documents.

    With `page`, also write there what annotators will see, of an article that asks the most of them.
    """
    from builder.text.profiles import describe

    if page:
        _write_preview(project, page)

    table = state.profile_of(project)
    pages = 0
    made: Counter[str] = Counter()
    for documents in crawl.batches(project, "documents", Document):
        pages += len(documents)
        for aligned in table.apply_batch([document.raw for document in documents]):
            made.update(table.changes(aligned))
    facts = {"profile": table.id}
    for policy in table.policies:
        size = f"{len(policy.changes)} characters" if policy.changes else "in context"
        lines = [f"    {policy.context}"] if policy.context else []
        if every:
            lines += [f"    U+{ord(c):04X} {describe(c, put)}" for c, put in sorted(policy.changes.items())]
        facts[policy.name] = "\n".join([f"    {size}", *lines]) if lines else size
    ranked = sorted(made.items(), key=lambda pair: (-pair[1], pair[0]))
    if pages:
        facts[f"changed in {pages} documents"] = "\n".join(f"{times:>8}  {what}" for what, times in ranked) or "nothing"
    return Report("schema render", facts=facts | ({"annotation page": str(page)} if page else {}))


def _write_preview(project: Project, page: Path) -> None:
    from builder.annotation.interface import guide_html, slots_of
    from builder.annotation.preview import SAMPLE, preview_page
    from builder.annotation.tasks import targets_for

    schema = project.schema
    labels = schema.labels
    article, source, most = SAMPLE, "", labels.stances.targets[: slots_of(labels)] if labels.stances else ()
    articles = next(crawl.batches(project, "articles", Article), [])
    if articles:
        asked = {one.id: targets_for(one, labels) for one in articles}
        article = max(articles, key=lambda one: len(asked[one.id]))
        (document,) = crawl.where(project, "documents", Document, "id", [article.document_id])
        source, most = document.source, asked[article.id]
    guide = guide_html(schema.guidelines, schema.guideline_version)
    html = preview_page(labels, guide, article.title or "", source, article.text, most)
    write_bytes(page, html.encode("utf-8", "replace"))


def learn(project: Project) -> Report:
    """Propose rules for lines that recur in many documents of one source; nothing is applied."""
    from builder.corpus.learn import as_yaml
    from builder.corpus.learn import learn as learned
    from builder.corpus.rules import compile_rules

    state.refuse_empty(project)
    rules = compile_rules(project.schema.boilerplate)
    documents = (one for batch in crawl.batches(project, "documents", Document) for one in batch)
    proposals = learned(documents, state.profile_of(project), rules)
    facts = {"proposals": f"{len(proposals)}; none is applied"}
    facts |= {
        f"{proposal.source}: {visible(proposal.example)}": f"{proposal.documents} of {proposal.of} documents, "
        f"{proposal.place}{'; ' if proposal.warning else ''}{proposal.warning}"
        for proposal in proposals
    }
    if proposals:
        facts["to paste under `sources:` of schema/boilerplate.yaml"] = as_yaml(proposals)
    return Report("clean --learn", facts=facts)

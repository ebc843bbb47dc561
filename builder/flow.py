"""The verbs init, build and status: read, stage, write.

The only place where corpus, annotation and release meet. Each function holds the
project's lock while it works, and gives the same result when it is run twice.
"""

import hashlib
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from builder import harvesting, servers, soundness, state
from builder.project import Project, read_jsonl, template, write_bytes, write_jsonl
from builder.records import MANIFEST, TOOL, Dispute, Judgement, Release, Report, Takedown, refuse
from builder.schema import Dataset
from builder.strict_yaml import parse_yaml

Progress = Callable[[str], None]
STAGES = ("ingest", "clean", "filter", "dedup", "sample", "send", "collect", "check", "adjudicate", "redact", "build")
GITIGNORE = ".khabar/\ndist/\n"


def init(folder: Path, *, repo_id: str | None = None, card: Callable[[str], str] | None = None) -> Report:
    """Make a new project from the template; its card's prose is left to write. Overwrites nothing."""
    from builder.release.card import blank

    for name in ("schema", "dataset_card.md", "annotations"):
        if (folder / name).exists():
            raise refuse("exists", f"{name} is there already", where=str(folder), fix="choose an empty folder")
    settings = (template() / "schema" / "dataset.yaml").read_text(encoding="utf-8")
    if repo_id:
        settings = re.sub(r"(?m)^repo_id: .*$", lambda _: f"repo_id: {repo_id}", settings)
        parse_yaml(settings, Dataset, "--repo-id")
    prose = (template() / "dataset_card.md").read_text(encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(template() / "schema", folder / "schema")
    write_bytes(folder / "schema" / "dataset.yaml", settings.encode())
    write_bytes(folder / "dataset_card.md", (card or blank)(prose).encode())
    (folder / "annotations").mkdir()
    if not (folder / ".gitignore").exists():
        write_bytes(folder / ".gitignore", GITIGNORE.encode())
    following = "edit schema/dataset.yaml, schema/labels.yaml and dataset_card.md, then `khabar ingest FILES`"
    return Report("init", facts={"project": str(folder), "next": following})


def build(project: Project, version: str, *, accept: str | None = None, since: str | None = None) -> Report:
    """Build a release into dist/: splits, tables, card, manifest; the same inputs give the same bytes.

    Raises Refused (exit code 1) where agreement does not reach a floor of dataset.yaml, unless `accept` says
    why it is released all the same; the card then prints the reason and the figures. Raises Refused (exit code 2)
    where the number is too small for what changed since the release before it, or since the one that `since` names.
    """
    from builder.annotation.agreement import headline
    from builder.annotation.floors import accepted, shortfalls
    from builder.release import editions, opening
    from builder.release.basis import Basis, card_of, facts_of, texts_of
    from builder.release.conll import columns
    from builder.release.extras import extras
    from builder.release.facts import below_floors
    from builder.release.folder import write_release
    from builder.release.scratch import scratch
    from builder.release.tables import build_tables
    from builder.release.versions import step

    check_version(version)
    with (
        project.lock(),
        servers.hub(project, rehearse=False) as hub,
        opening.since(project, version, since, hub) as past,
        scratch(project.work) as kept,
    ):
        schema = project.schema
        soundness.refuse_nonsense(project)
        dataset, fold = schema.dataset, state.profile_of(project).fold_batch
        gathered = harvesting.harvest(project)
        low = accepted(shortfalls(gathered.agreement, schema.dataset.floors, schema.labels), accept)
        material = gathered.material
        built = editions.of(dataset.text, build_tables(material, kept), material, fold)
        flat = columns(dataset.text, built.tables["entities"], schema.labels.entity_names)
        accounts, aside = (*built.accounts, *flat.accounts), (*built.set_aside, *flat.set_aside)
        prose = (project.root / "dataset_card.md").read_text(encoding="utf-8")
        basis = Basis(version, TOOL, prose, dataset, schema.labels,
                      tuple(figure for figure in gathered.agreement if headline(figure)), gathered.accounts,
                      accounts, built.cut_spans, built.cut_inner, dict(gathered.changes),
                      below_floors(low, accept or ""), dict(gathered.redacted), opening.before(project, version),
                      (accept or "") if low else "")  # fmt: skip
        facts = facts_of(basis, built.tables)
        card = card_of(basis, built.tables, facts)
        beside = extras(built, schema, flat, version=version, template=prose, facts=facts, agreement=basis.agreement)
        takedowns = read_jsonl(project.annotations / "takedowns.jsonl", Takedown)
        changelog, earlier = step(past, version, schema.dataset, built.tables, card, takedowns)
        kept.rest()
        inputs = harvesting.hash_inputs(project, material, prose, TOOL) | earlier
        release = Release(version, schema.dataset.repo_id, "", TOOL, schema.hash, material.articles[0].profile,
                          inputs, {}, {}, dataset.text)  # fmt: skip
        # Before the release: one that is there never lacks its ledger, whenever this is killed.
        write_jsonl(project.annotations / "splits.jsonl", gathered.ledger)
        folder = project.release(version)
        texts = texts_of(basis, card, built.tables, changelog)
        written = write_release(folder, built.tables, {**texts, **beside.files}, release,
                                frozen=bool(project.noted(f"pushed/v{version}")), rest=kept.rest,
                                describe=beside.describe, look=editions.audit(dataset.text, material, fold))  # fmt: skip
        opening.record(project, version)
        project.save_account("build", accounts, aside)
    rows = rows_of(written.release.splits)
    digest = hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
    said = {"release": f"{folder} ({written.state})", "manifest sha256": digest, "card": str(folder / "README.md")}
    if accept is not None:
        owned = f"{len(low)} floors not reached, and the card says why"
        said["agreement"] = owned if low else "reaches its floors: nothing to accept"
    return Report("build", accounts, gathered.issues, said | rows, set_aside=aside)


def status(project: Project) -> Report:
    """Say where the project stands; reads only."""
    accounts = tuple(account for stage in STAGES for account in project.accounts(stage))
    facts = {f"batch {name}": f"{len(state.read_batch(project, name))} articles, "
             f"{len(read_jsonl(project.annotations / name / 'judgements.jsonl', Judgement))} judgements"
             for name in project.batches()}  # fmt: skip
    disputes = read_jsonl(project.work / "disputes.jsonl", Dispute)
    facts["open disputes"] = str(len(disputes))
    texts = {article.id: article.text for article in state.last_sampled(project)}
    for dispute in disputes:
        answers = ", ".join(f"{who}: {answer}" for who, answer in sorted(dispute.answers.items()))
        facts[f"  {dispute.article_id} {_question(dispute.what, texts.get(dispute.article_id, ''))}"] = answers
    for release in sorted(project.root.glob("dist/v*/MANIFEST.json")):
        pushed = project.noted(f"pushed/{release.parent.name}")
        facts[f"release {release.parent.name}"] = f"pushed as {pushed['commit']}" if pushed else "built, not pushed"
    return Report("status", accounts, facts=facts)


def _question(what: str, text: str) -> str:
    """What a dispute is over; of a span, the words too."""
    kind, *places = what.split(":")
    return f"{what} «{text[int(places[0]) : int(places[1])]}»" if kind == "span" else what


def check_version(version: str) -> None:
    """Raise Refused (exit code 2) for what is not three numbers with points."""
    if not re.fullmatch(r"(0|[1-9]\d{0,5})(\.(0|[1-9]\d{0,5})){2}", version):
        raise refuse("version", f"{version!r} is not a version: three numbers with points", fix="such as 1.0.0")


def rows_of(counts: Mapping[str, Mapping[str, int]]) -> dict[str, str]:
    """The rows of each config and split, to show."""
    return {config: ", ".join(f"{split} {n}" for split, n in splits.items()) for config, splits in counts.items()}

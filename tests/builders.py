"""Projects and files that several tests build."""

import click
import pytest

from builder.annotation.simulate import parse_knowledge, simulate_answer
from builder.commands.clean import clean
from builder.commands.ingest import ingest
from builder.commands.init import init
from builder.commands.sample import sample
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.io.yaml import parse_yaml
from builder.project.corpus import read_articles
from builder.project.project import Project
from builder.records import (
    BatchItem,
    Judgement,
    KhabarError,
    SplitAssignment,
)
from builder.schema.labels import Labels
from tests.conftest import ROOT

KINDS = ("batch", "basis", "counts", "judgements", "decisions")
"""The files of a batch in annotations/."""

KNOWLEDGE = parse_knowledge((ROOT / "examples" / "simulation.yaml").read_text(encoding="utf-8"))


def walk(project, paths, size=None):
    """Ingest, clean, and sample the batch `pilot`."""
    ingest(project, paths)
    clean(project)
    sample(project, "pilot", size)


def judge(project, batch="pilot"):
    """Simulated judgements, straight into the file that collect writes."""
    schema = project.schema
    articles = {a.id: a for a in read_articles(project)}
    judgements = []
    for item in read_jsonl(project.annotations / batch / "batch.jsonl", BatchItem):
        for number in range(3):
            simulated = simulate_answer(articles[item.article_id], KNOWLEDGE, schema.labels, number, 13)
            judgements.append(Judgement(
                item.article_id, item.text_sha, batch, f"a-{number}", simulated.spans, simulated.stances,
                "skipped" if simulated.skipped else "submitted", simulated.seconds, "2026-01-01T00:00:00Z",
                "2026-01-01T00:00:00Z", schema.guideline_version, schema.label_hash, 1, len(judgements),
            ))  # fmt: skip
    write_jsonl(project.annotations / batch / "judgements.jsonl", judgements)


def snapshot(folder):
    """Every file of a folder with its bytes."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def fresh(path):
    """A new project as `khabar init` makes it."""
    init(path, card=str)
    return Project(path)


def kept(project):
    """Prepare the demonstration from the judgements kept in this repository; return its ledger of splits."""
    (project.annotations / "demo").mkdir()
    for name in (*(f"demo/{kind}.jsonl" for kind in KINDS), "splits.jsonl"):
        (project.annotations / name).write_bytes((ROOT / "annotations" / name).read_bytes())
    ingest(project, [ROOT / "examples" / "articles"])
    clean(project)
    return {one.article_id: one.split for one in read_jsonl(project.annotations / "splits.jsonl", SplitAssignment)}


def said(report):
    """The values that the text of a report shows, by their labels."""
    return {line.label: line.value for line in report.lines()}


def checks_of(report):
    """What became of each check of a release, by its name, from the JSON of a report."""
    return {check["name"]: f"{check['state']}: {check['said']}" for check in report["checks"]}


def with_floor(project, floor):
    """The project with another threshold of span F1."""
    settings = project.root / "schema" / "dataset.yaml"
    lines = settings.read_text(encoding="utf-8").splitlines()
    changed = [f"  span_f1: {floor}" if line.startswith("  span_f1:") else line for line in lines]
    settings.write_text("\n".join(changed) + "\n", encoding="utf-8")
    return Project(project.root)


def yaml_faults(text, model=Labels):
    """Places and messages of the faults in a YAML file."""
    with pytest.raises(KhabarError) as caught:
        parse_yaml(text, model, "labels.yaml")
    return [(issue.where, issue.message) for issue in caught.value.issues]


def leaves(command, words):
    """The commands under a command, itself included if it is no group, with the words that name them."""
    if not isinstance(command, click.Group):
        return [(command, words)]
    return [leaf for name, below in command.commands.items() for leaf in leaves(below, [*words, name])]

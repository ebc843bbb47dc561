"""Projects that publish a full or a stand-off edition."""

from dataclasses import replace

import pyarrow.parquet as pq

from builder.commands.build import build
from builder.commands.init import init
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.project.project import Project
from builder.records import Judgement
from builder.release.publish.folder import read_manifest
from builder.release.tables.shards import shards
from tests.builders import judge, walk
from tests.conftest import ROOT

PAGES = ROOT / "examples" / "articles"
PERSONS = ("desk@barq.example", "0599123456")


def make_project(root, text, remarks=()):
    """A judged project of an edition, with remarks on its first judgements."""
    init(root, card=str)
    settings = root / "schema" / "dataset.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + f"text: {text}\n", encoding="utf-8")
    project = Project(root)
    walk(project, [PAGES])
    judge(project)
    if remarks:
        path = project.annotations / "pilot" / "judgements.jsonl"
        judgements = read_jsonl(path, Judgement)
        written = [remark(project) if callable(remark) else remark for remark in remarks]
        write_jsonl(path, [replace(one, remark=written.pop(0)) if written else one for one in judgements])
    return project


def tables(folder):
    """The tables of a release by config and split."""
    found = shards(list(read_manifest(folder).files))
    return {(c, s): pq.ParquetFile(folder / path).read() for c, of in found.items() for s, (path,) in of.items()}


def both(root):
    """A project of each edition, built."""
    full, standoff = make_project(root / "full", "full"), make_project(root / "standoff", "standoff")
    build(full, "1.0.0")
    build(standoff, "1.0.0")
    return full, standoff


def build_redacted(root, page, text):
    """A project of an edition that redacts addresses and numbers, and the report of its build."""
    init(root, card=str)
    settings = root / "schema" / "dataset.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + f"text: {text}\nredact: [email, phone]\n", encoding="utf-8")  # fmt: skip
    project = Project(root)
    walk(project, [page])
    judge(project)
    return project, build(project, "1.0.0")


def release_text(folder):
    """Every text of a release: its plain files, and every value of its tables."""
    words = [path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.suffix not in {".parquet", ""}]
    return "\n".join(words + [str(pq.ParquetFile(path).read().to_pylist()) for path in folder.rglob("*.parquet")])

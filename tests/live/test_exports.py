"""What a release holds for other tools, read by those tools: mlcroissant and cffconvert, in their own environments."""

import json
import subprocess

import pyarrow.parquet as pq
import pytest

from builder.commands.build import build
from builder.release.card.citation import citation_cff
from builder.release.card.licences import SPDX
from builder.release.tables.shards import shards
from builder.schema.dataset import Licence
from tests.builders import judge, walk
from tests.conftest import ROOT
from tests.live.environments import python_with

pytestmark = [pytest.mark.live, pytest.mark.compat, pytest.mark.timeout(900)]
READ = """
import json, sys
from pathlib import Path
import mlcroissant
folder, dated = Path(sys.argv[1]), sys.argv[2:]
said = json.loads((folder / "croissant.json").read_bytes())
if dated:
    said["datePublished"] = dated[0]
files = {one["@id"]: str(folder / one["@id"]) for one in said["distribution"] if one["@type"] == "cr:FileObject"}
dataset = mlcroissant.Dataset(jsonld=said, mapping=files)
plain = lambda value: value.decode() if isinstance(value, bytes) else value.item() if hasattr(value, "item") else str(value)
rows = {one.id: list(dataset.records(one.id)) for one in dataset.metadata.record_sets}
issues = dataset.metadata.ctx.issues
print("FOUND" + json.dumps([sorted(issues.errors), sorted(issues.warnings), rows], default=plain))
"""
VALIDATE = """
import sys
from cffconvert import Citation
for text in sys.stdin.read().split("\\0"):
    citation = Citation(text)
    citation.validate()
    print("FOUND" + citation.as_bibtex().replace("\\n", " "))
"""


@pytest.fixture
def released(project):
    walk(project, [ROOT / "examples" / "articles"])
    judge(project)
    build(project, "1.0.0", accept="the annotators are simulated")
    return project.release("1.0.0")


def croissant(folder, *dated):
    python = python_with("mlcroissant-1.1.1", "mlcroissant==1.1.1", "pyarrow")
    done = subprocess.run([python, "-c", READ, folder, *dated], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.split("FOUND")[1])


def test_mlcroissant_finds_no_fault_and_streams_every_row(released):
    errors, warnings, rows = croissant(released)

    assert errors == []
    (only,) = warnings
    assert only.endswith('Property "https://schema.org/datePublished" is recommended, but does not exist.')
    sizes = 0
    for config, splits in shards([p.relative_to(released).as_posix() for p in released.glob("*/*.parquet")]).items():
        for split, paths in splits.items():
            table = [row for path in paths for row in pq.read_table(released / path).to_pylist()]
            found = rows[f"{config}/{split}"]
            own = f"{config}/{split}"
            assert len(found) == len(table)
            sizes += len(table)
            for row, record in zip(table, found, strict=True):
                assert record[f"{own}/split"] == split
                assert {f"{own}/{name}" for name in row} | {f"{own}/split"} == {*record}
                for name in set(row) - {"published_at"}:
                    assert record[f"{own}/{name}"] == nested(f"{own}/{name}", row[name])
    assert sizes > 100
    assert [row["labels/ner_tags/name"] for row in rows["labels/ner_tags"]][:3] == ["O", "B-PERS", "I-PERS"]


def nested(own, value):
    """A value as mlcroissant names the parts of a nested one."""
    if isinstance(value, list):
        return [nested(own, one) for one in value]
    if isinstance(value, dict):
        return {f"{own}/{name}": inner for name, inner in value.items()}
    return value


def test_a_date_is_all_that_mlcroissant_misses(released):
    errors, warnings, _ = croissant(released, "2026-01-01")

    assert (errors, warnings) == ([], [])


def test_cffconvert_finds_every_citation_valid(released, schema):
    python = python_with("cffconvert-2.0.0", "cffconvert==2.0.0")
    texts = [(released / "CITATION.cff").read_bytes()]
    for licence in [*sorted(SPDX), "on request: write to us"]:
        licences = Licence(text=licence, annotations=licence)
        texts.append(citation_cff(schema.dataset.model_copy(update={"licence": licences}), "1.0.0"))
    done = subprocess.run([python, "-c", VALIDATE], input=b"\0".join(texts), capture_output=True, check=False)

    assert done.returncode == 0, done.stderr.decode()
    found = done.stdout.decode().split("FOUND")[1:]
    assert len(found) == len(texts)
    assert "author = {khabar}" in found[0]
    assert all("author = {a}" in one for one in found[1:])
    assert "url = {https://huggingface.co/datasets/khabar/demo-news/tree/v1.0.0}" in found[0]

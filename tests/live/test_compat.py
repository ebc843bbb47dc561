"""A release is read by older `datasets` too, with its labels: real ones, each in an environment of its own."""

import json
import subprocess
import sys

import pytest

from builder.commands.build import build
from tests.builders import judge, walk
from tests.conftest import ROOT
from tests.live.environments import python_with

pytestmark = [pytest.mark.live, pytest.mark.compat, pytest.mark.timeout(600)]

READ = """
import json, sys
from datasets import load_dataset
found = {}
for config in ("entities", "stance", "annotations", "articles"):
    loaded = load_dataset(sys.argv[1], config)
    first = loaded["train"]
    found[config] = {
        "rows": {split: part.num_rows for split, part in loaded.items()},
        "version": str(first.info.version),
        "ids": [row.get("id") or row["article_id"] for row in first],
    }
entities = load_dataset(sys.argv[1], "entities")["train"].features
tags = [entities[layer].feature.names for layer in ("ner_tags", "ner_tags_inner")]
stance = load_dataset(sys.argv[1], "stance")["train"].features["stance"].names
print("FOUND" + json.dumps([found, tags, stance]))
"""


def reader(version):
    return python_with(f"datasets-{version}", f"datasets=={version}", "huggingface_hub<1", "pyarrow<21", "numpy<2.3")


def read(python, folder, tmp_path):
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_OFFLINE": "1",
    }
    done = subprocess.run(
        [python, "-c", READ, str(folder)], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.split("FOUND")[1])


@pytest.mark.parametrize("version", ["2.21.0", "3.6.0"])
def test_an_older_reader_gets_the_same_labels_version_and_rows(version, project, tmp_path):
    walk(project, [ROOT / "examples" / "articles"])
    judge(project)
    build(project, "1.0.0")
    folder = project.release("1.0.0")
    (tmp_path / "new").mkdir()
    (tmp_path / "old").mkdir()

    now = read(sys.executable, folder, tmp_path / "new")
    then = read(reader(version), folder, tmp_path / "old")

    assert then == now
    assert [names[:3] for names in now[1]] == [["O", "B-PERS", "I-PERS"]] * 2
    assert now[2] == ["favor", "against", "neutral", "unrelated"]
    assert now[0]["entities"]["version"] == "1.0.0"

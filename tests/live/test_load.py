"""A release of the examples as researchers load it: by tag, by commit, as a folder, streaming; each config and split."""

import json
import os
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from builder.commands.build import build
from builder.commands.init import init
from builder.commands.push import push
from builder.local_hub.server import serve
from builder.project.project import Project
from builder.release.publish.folder import read_manifest
from tests.builders import judge, walk
from tests.conftest import ROOT

pytestmark = pytest.mark.live

PROGRAM = """
import hashlib, json, sys
import datasets

def digest(rows):
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False, default=str).encode()).hexdigest()

found = {}
for path, revision, configs in json.loads(sys.argv[1]):
    for config, splits in configs.items():
        whole = datasets.load_dataset(path, config, revision=revision)
        stream = datasets.load_dataset(path, config, revision=revision, streaming=True)
        for split in splits:
            one = datasets.load_dataset(path, config, split=split, revision=revision)
            rows = one.to_list()
            found[f"{revision or 'folder'} {config} {split}"] = {
                "splits": [sorted(whole), sorted(stream)], "version": str(one.info.version),
                "rows": len(rows), "whole": digest(whole[split].to_list()) == digest(rows),
                "stream": digest(list(stream[split])) == digest(rows), "features": stream[split].features == one.features,
                "digest": digest(rows), "labels": [f.names for f in one.features.values() if hasattr(f, "names")],
            }
print(json.dumps(found))
"""


@pytest.fixture(scope="module", params=["lfs", "xet"])
def loaded(request, tmp_path_factory):
    """What a researcher's process read, and the folder that was built."""
    base = tmp_path_factory.mktemp(request.param)
    init(base / "project", card=str)
    project = Project(base / "project")
    walk(project, [ROOT / "examples" / "articles"])
    judge(project)
    build(project, "1.0.0")
    folder, xet = project.release("1.0.0"), request.param == "xet"
    repo_id, configs = project.schema.dataset.repo_id, read_manifest(folder).splits
    with serve(base / "hub", xet=xet) as hub, pytest.MonkeyPatch.context() as patch:
        switch = {"HF_ENDPOINT": hub.url, "HF_TOKEN": "t", "HF_HUB_DISABLE_XET": "0" if xet else "1"}
        for name, value in switch.items():
            patch.setenv(name, value)
        said = push(project, "1.0.0", rehearse=False, progress=lambda _: None)
        asked = [(repo_id, "v1.0.0", configs), (repo_id, said.pushed.commit, configs), (str(folder), None, configs)]
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, json.dumps(asked)],
            env=os.environ | {"HF_HOME": str(base / "home"), "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        calls = list(hub.planned.calls)
    assert done.returncode == 0, done.stderr
    return folder, configs, said.pushed.commit, json.loads(done.stdout), calls, xet


def test_every_way_to_load_gives_the_same_rows(loaded):
    folder, configs, commit, found, _, _ = loaded

    assert len(found) == 3 * sum(len(splits) for splits in configs.values())
    for config, splits in configs.items():
        for split, number in splits.items():
            places = [found[f"{place} {config} {split}"] for place in ("v1.0.0", commit, "folder")]
            rows = pq.read_metadata(folder / config / f"{split}-00000-of-00001.parquet").num_rows

            assert places[0] == places[1] == places[2]
            assert places[0]["rows"] == number == rows
            assert places[0]["splits"] == [sorted(splits), sorted(splits)]
            assert places[0]["version"] == "1.0.0"
            assert (places[0]["whole"], places[0]["stream"], places[0]["features"]) == (True, True, True)


def test_labels_keep_their_names(loaded):
    _, _, _, found, _, _ = loaded
    stances = {tuple(names) for key, one in found.items() if " stance " in key for names in one["labels"]}

    assert len(stances) == 1
    assert all(stances)


def test_large_files_went_the_way_that_the_hub_offers(loaded):
    _, _, _, _, calls, xet = loaded

    assert any("xet-write-token" in call for call in calls) == xet
    assert any("xet-read-token" in call for call in calls) == xet
    assert any(call.startswith("PUT /lfs/") for call in calls) != xet

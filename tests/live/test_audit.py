"""The audit of splits of a dataset on a Hub, by its name and revision."""

import json

import pytest

from builder.commands.build import build
from builder.commands.push import push
from builder.local_hub.server import serve
from tests.builders import kept

pytestmark = pytest.mark.live


def test_our_own_splits_share_nothing_wherever_they_are_read(project, khabar, tmp_path):
    kept(project)
    build(project, "1.0.0")
    with serve(tmp_path / "hub") as hub, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", hub.url)
        patch.setenv("HF_TOKEN", "t")
        push(project, "1.0.0", rehearse=False, progress=lambda _: None)
        name = f"{project.schema.dataset.repo_id}@v1.0.0"
        there = khabar("audit", name, "--json", cwd=tmp_path, HF_ENDPOINT=hub.url)
        absent = khabar("audit", "nobody/nothing", cwd=tmp_path, HF_ENDPOINT=hub.url)
    here = khabar("audit", project.release("1.0.0"), "--json", cwd=tmp_path)
    columns = json.loads(there.stdout)["columns"]

    assert (there.returncode, here.returncode, absent.returncode) == (0, 0, 3), there.stderr + absent.stderr
    assert json.loads(here.stdout)["columns"] == columns
    assert {one["name"]: (one["repeated"], one["texts"]) for one in columns}["articles.text"] == (0, 30)
    assert "load_dataset cannot read nobody/nothing" in absent.stderr

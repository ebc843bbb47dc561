"""Rows of a dataset on a Hub, and of a builder of `datasets`, become documents through the real clients."""

import json

import pytest

from builder.commands.build import build
from builder.commands.init import init
from builder.commands.push import push
from builder.local_hub.server import serve
from builder.project.batches import batch_articles, batch_documents
from builder.project.corpus import read_documents
from tests.builders import kept

pytestmark = pytest.mark.live


def test_a_published_dataset_is_read_back_as_documents(project, khabar, tmp_path):
    kept(project)
    build(project, "1.0.0")
    name = project.schema.dataset.repo_id
    init(tmp_path / "other", card=str)
    settings = tmp_path / "other" / "schema" / "dataset.yaml"
    plain = settings.read_text(encoding="utf-8")
    with serve(tmp_path / "hub") as hub, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", hub.url)
        patch.setenv("HF_TOKEN", "t")
        push(project, "1.0.0", rehearse=False, progress=lambda _: None)
        environment = {"cwd": tmp_path / "other", "HF_ENDPOINT": hub.url, "HF_TOKEN": "t"}
        place = f"hub://{name}?config=articles&revision=v1.0.0"
        read = khabar("ingest", place, "--json", **environment)
        again = khabar("ingest", place, "--json", **environment)
        train = khabar("ingest", f"{place}&split=nowhere", **environment)
        settings.write_text(plain + "fields:\n  text: body\n", encoding="utf-8")
        column = khabar("ingest", place, **environment)
        absent = khabar("ingest", "hub://nobody/nothing", **environment)
        settings.write_text(plain, encoding="utf-8")

    texts = {article.text for article in batch_articles(project)}
    other = type(project)(tmp_path / "other")
    assert read.returncode == 0, read.stderr
    assert {document.raw for document in read_documents(other)} == texts
    assert {document.source for document in read_documents(other)} == {
        document.source for document in batch_documents(project)
    }
    assert json.loads(again.stdout)["accounts"][0]["set_aside"] == {"already ingested": len(texts)}
    assert (train.returncode, column.returncode, absent.returncode) == (2, 2, 2)
    assert "split train has no column body; it has id, " in column.stderr
    assert "load_dataset cannot open it" in absent.stderr
    assert "Traceback" not in train.stderr + column.stderr + absent.stderr


def test_a_builder_of_datasets_is_read(project, khabar, tmp_path):
    (tmp_path / "rows.json").write_text(
        "".join(json.dumps({"text": text}) + "\n" for text in ("خبر أول", "خبر ثان")), encoding="utf-8"
    )
    done = khabar("ingest", f"hub://json?data_files={tmp_path}/rows.json", cwd=project.root)

    assert done.returncode == 0, done.stderr
    assert {document.raw for document in read_documents(project)} == {"خبر أول", "خبر ثان"}
    assert {document.origin for document in read_documents(project)} == {"json/train:1", "json/train:2"}

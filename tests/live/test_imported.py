"""An imported set on a real Label Studio: its gold as pre-annotations, and the server's export as a published set."""

import json

import pytest

from builder.commands.import_ import import_set
from builder.commands.send import send
from builder.io.jsonl import read_jsonl
from builder.labelstudio import annotator
from builder.project.annotations import labelstudio_project_of
from builder.project.corpus import read_articles
from builder.records import Judgement
from tests.builders import fresh
from tests.published import LABELS, PRESS, put

pytestmark = pytest.mark.live

MENTIONS = [("سامي الحداد", "PERS"), ("مرجانة", "LOC"), ("هيئة الميناء", "ORG")]


def test_gold_is_shown_and_what_the_server_exports_is_read_again(label_studio, tmp_path):
    project = fresh(tmp_path / "project")
    project.work.mkdir(exist_ok=True)
    (project.work / "studio").symlink_to(label_studio.work)
    folder, where = put(project, LABELS, press__txt=PRESS)
    import_set(project, [folder], "conll", where)
    send(project, "press", dry_run=False, progress=print, predict="import:press")
    place = labelstudio_project_of(project, "press")
    (email, password), *_ = label_studio.logins
    with annotator.log_in(place["url"], email, password) as person:
        seen = person.next_task(int(place["project_id"]))
    (shown,) = seen["predictions"]
    regions = [part for part in shown["result"] if part["type"] == "labels"]
    client = label_studio.connection.client
    client.annotations.create(id=seen["id"], result=regions)
    exported = list(client.projects.exports.as_json(int(place["project_id"])))
    other = fresh(tmp_path / "other")
    (tmp_path / "export.json").write_text(json.dumps(exported, ensure_ascii=False), encoding="utf-8")
    _, again = put(other, "labels: {PERS: PERS, LOC: LOC, ORG: ORG}\nrole: judgement\n", name="again")
    report = import_set(other, [tmp_path / "export.json"], "labelstudio", again)
    (article,) = read_articles(other)
    (judgement,) = read_jsonl(other.annotations / "again" / "judgements.jsonl", Judgement)

    assert [
        (seen["data"]["text"][r["value"]["start"] : r["value"]["end"]], *r["value"]["labels"]) for r in regions
    ] == MENTIONS
    assert article.text == read_articles(project)[0].text
    assert [(article.text[s.start : s.end], s.label) for s in judgement.spans] == MENTIONS
    assert all(account.balanced for account in report.accounts)

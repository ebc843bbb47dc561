"""A server for each annotator: nothing of another's can be reached, and all of it comes together in `collect`."""

import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from builder.annotation.pseudonyms import pseudonym
from builder.commands.collect import collect
from builder.commands.studio import down, invite
from builder.io.jsonl import read_jsonl
from builder.labelstudio import annotator, client
from builder.labelstudio.server.install import OWNER
from builder.project.annotations import labelstudio_project_of
from builder.project.corpus import read_articles
from builder.project.project import Project
from builder.records import Judgement, KhabarError
from builder.release.card.wording import ASSIGNMENTS
from tests.live.desks import ANSWER, REMARK, answer_some, enter, label, project_of, send, session_of, submit, told_by

pytestmark = pytest.mark.live
__all__ = ("enter",)


@dataclass(frozen=True)
class Apart:
    """A project whose two annotators have a server each; of four articles the first one has answered three."""

    project: Project
    logins: list[tuple[str, str]]
    names: list[str]
    works: list[Path]
    places: list[dict[str, str]]


@pytest.fixture(scope="module")
def apart(installed, tmp_path_factory):
    project = project_of(tmp_path_factory.mktemp("apart") / "port-news", "isolated", 4)
    try:
        invited = invite(project, ["zahra", "bilal"], progress=print).logins
        logins = [(one.email, one.password) for one in invited]
        names = [pseudonym(project.pseudonym_key(), email) for email, _ in logins]
        send(project)
        places = [labelstudio_project_of(project, "pilot", who) for who in names]
        assert [one.url for one in invited] == [place["url"] for place in places]
        answer_some(logins[0], places[0], 3)
        yield Apart(project, logins, names, [project.work / f"studio-{who}" for who in names], places)
    finally:
        down(project)


def test_an_annotator_can_reach_nothing_of_anothers(apart):
    theirs, own = (place["url"] for place in apart.places)
    email, password = apart.logins[1]
    traces = ["zahra", apart.names[0], "port-by-zahra", REMARK]
    with session_of(apart.logins[1], own) as session:
        told = told_by(session, [place["id"] for place in session.get("/api/projects").json()["results"]])
        emails = {one["email"] for one in session.get("/api/users").json()}
        token = session.post("/api/token/", json={}).raise_for_status().json()["token"]
        cookies = {cookie.name: cookie.value for cookie in session.cookies.jar}
    mine = client.connect(own, token).client.users.whoami().email
    refused = []
    for call in (lambda: client.connect(theirs, token), lambda: annotator.log_in(theirs, email, password).__enter__()):
        with pytest.raises(KhabarError) as caught:
            call()
        refused.append(caught.value.issues[0].code)
    with httpx.Client(base_url=theirs, cookies=cookies, trust_env=False) as stranger:
        answers = {stranger.get(path).status_code for path in ("/api/users", "/api/projects", "/api/tasks?project=1")}
    files = [path for path in apart.works[1].rglob("*") if path.is_file()]

    assert mine == email
    assert emails == {OWNER, email}
    assert len(told) == 5
    assert {path: word for path, said in told.items() for word in traces if word in said} == {}
    assert refused == ["token", "login"]
    assert answers == {401}
    assert len({urlsplit(url).port for url in (theirs, own)}) == len(set(apart.works)) == 2
    assert [oct((work / "data").stat().st_mode)[-3:] for work in apart.works] == ["700", "700"]
    assert len(files) > 3
    assert [path.name for path in files for word in traces if word.encode() in path.read_bytes()] == []
    assert "No annotator could reach the answers of another." in ASSIGNMENTS["isolated"]


def test_answers_are_pseudonymous_and_pass_check(apart, enter, khabar, tmp_path):
    project = apart.project
    window = enter(apart.logins[0], apart.places[0])
    label(window.page, tmp_path)
    submit(window.page)
    given = {one.id: ANSWER for one in read_articles(project)}
    submitted = annotator.annotate_as(
        apart.places[1]["url"], *apart.logins[1], int(apart.places[1]["project_id"]), given
    )
    first = khabar("collect", "--json", cwd=project.root)
    path = project.annotations / "pilot" / "judgements.jsonl"
    written = path.read_bytes()
    again = khabar("collect", "--full", cwd=project.root)
    checked = khabar("check", "--json", cwd=project.root)
    found = read_jsonl(path, Judgement)
    drawn = [one for one in found if len(one.spans) == 3]
    files = [one for one in project.root.rglob("*") if one.is_file() and "studio-" not in str(one)]

    assert submitted == 4
    assert (first.returncode, again.returncode, checked.returncode) == (0, 0, 0), first.stderr + checked.stderr
    assert [(one["taken"], one["kept"]) for one in json.loads(first.stdout)["accounts"]] == [(8, 8)]
    assert sorted((one.article_id, one.annotator) for one in found) == sorted(
        (article, who) for article in given for who in apart.names
    )
    assert [(one.annotator, one.remark) for one in drawn] == [(apart.names[0], REMARK)]
    assert {one.stances for one in found} == {ANSWER.stances}
    assert path.read_bytes() == written
    assert json.loads(checked.stdout)["issues"] == []
    assert [one.name for one in files if b"khabar.localhost" in one.read_bytes()] == []
    assert "khabar.localhost" not in first.stdout + first.stderr + again.stdout + again.stderr + checked.stdout


def test_later_invitation_does_not_block_collect(apart):
    collect(apart.project, None, prune=False)
    invite(apart.project, ["omar"], progress=print)
    report = collect(apart.project, None, prune=False)

    assert report.exit_code == 0
    assert len(list(apart.project.work.glob("studio-a-*"))) == 3

"""What one annotator can find out of another's answers: nothing in the label stream of a pool, nothing at all when isolated."""

import json

import pytest
from playwright.sync_api import Error, expect

from builder import annotate, judging, servers
from builder.annotation import collecting
from builder.annotation.annotator import log_in
from builder.annotation.tasks import pseudonym
from builder.project import read_jsonl
from builder.records import Judgement, Refused, Span
from tests.live.test_page import choose, drag_over, sent, stream
from tests.live.test_send import make, send

pytestmark = pytest.mark.live
__all__ = ("make", "sent")
REMARK = "ملاحظة لا يراها غيري"


def bodies(page):
    """What the server answered a page, as text; what has no body, or is a picture, is left out."""
    found = {}
    for answer in page.answered:
        try:
            found[answer.url] = answer.text()
        except (Error, UnicodeDecodeError):
            continue
    return found


def test_the_second_annotator_of_a_pool_meets_no_trace_of_the_first_in_the_stream(
    browser, label_studio, sent, tmp_path
):
    title, place = sent
    first, second = label_studio.logins[:2]
    with stream(browser, place, first) as page:
        page.keyboard.press("5")
        drag_over(page, "ميناء مرجانة")
        choose(page, 0, "معارض")
        choose(page, 1, "مؤيّد")
        page.fill(".kh-side textarea", REMARK)
        page.click("button:has-text('Submit')")
        expect(page.locator("body")).to_contain_text("No More Tasks", ignore_case=True)
    (judgement,) = collecting.collect(label_studio.connection, title, lambda who: pseudonym(b"k", who)).judgements
    (span,) = judgement.spans
    with stream(browser, place, second) as page:
        page.screenshot(path=tmp_path / "second.png")
        said = bodies(page)
        marks = page.locator(".kh-text .htx-highlight").count()
        chosen = page.locator(".kh-target input:checked:visible").count()
        shown = page.locator("body").inner_text()
        remark = page.locator(".kh-side textarea").input_value()

    assert (judgement.status, span.label) == ("submitted", "FAC")
    assert (marks, chosen, remark) == (0, 0, "")
    assert [trace for trace in (REMARK, span.id, first[0].split("@")[0]) if trace in shown] == []
    assert {url for url, body in said.items() if REMARK in body or span.id in body} == set()
    (offered,) = [json.loads(body) for url, body in said.items() if "id=next_task" in url]
    assert (offered["id"], offered["annotations"], offered["drafts"]) == (judgement.task_id, [], [])
    listed = [one for url, body in said.items() if "/api/tasks?" in url for one in json.loads(body)["tasks"]]
    # That somebody answered, and who, is told to those who read what the browser is sent; what they said is not.
    assert {(one["annotations_results"], one["total_annotations"]) for one in listed} == {("", 1)}


ODD = {Span(0, 3, "PERS", "odd1"): "leila", Span(1, 4, "GPE", "odd2"): "omar"}
"""A span that only one annotator gives: its id is what the other may find nowhere."""


def test_isolated_annotators_reach_nothing_of_each_other(installed, make, answer, monkeypatch):
    project = make(4, assignment="isolated")
    (project.work / "studio").unlink()
    try:
        facts = servers.invite(project, ["leila", "omar"], progress=print).facts
        people = [(name, facts[name], facts[f"{name} works at"]) for name in list(facts)[::2]]
        report = send(project)
        places = {who: annotate.state.place_of(project, "pilot", who) for who, _ in servers.connections(project)}
        for (email, password, url), (span, _) in zip(people, ODD.items(), strict=True):
            who = pseudonym(project.pseudonym_key(), email)
            assert places[who]["url"] == url
            with log_in(url, email, password) as me:
                while task := me.next_task(int(places[who]["project_id"])):
                    result = [{"type": "labels", "from_name": "ner", "to_name": "text", "id": span.id,
                               "value": {"start": span.start, "end": span.end, "labels": [span.label],
                                         "text": task["data"]["text"][span.start : span.end]}}]  # fmt: skip
                    me.submit(task, result, seconds=20.0, skipped=False)
        reachable = {}
        for (email, password, url), foreign in zip(people, list(ODD)[::-1], strict=True):
            other = next(one for one in people if one[0] != email)
            with log_in(url, email, password) as me:
                (number,) = [one["id"] for one in me.client.get(f"{url}/api/projects/").json()["results"]]
                everything = [
                    me.client.get(f"{url}{path}").text
                    for path in (
                        "/api/projects/", "/api/users/", "/api/current-user/whoami", f"/api/projects/{number}",
                        f"/api/tasks/?project={number}&fields=all&page_size=100",
                        f"/api/projects/{number}/export?exportType=JSON&download_all_tasks=true",
                    )
                ]  # fmt: skip
            reachable[email] = [trace for trace in (foreign.id, other[0]) if trace in "".join(everything)]
            assert any(span.id in "".join(everything) for span in ODD)  # their own, so that the look is not at nothing
            with pytest.raises(Refused, match="did not let"), log_in(other[2], email, password):
                pass
        collected = judging.collect(project, None, prune=False)
        judgements = read_jsonl(project.annotations / "pilot" / "judgements.jsonl", Judgement)
        again = judging.collect(project, None, prune=False)
        checked = judging.check(project)
    finally:
        servers.down(project)

    assert reachable == {email: [] for email, _, _ in people}
    assert len({url for _, _, url in people}) == 2
    assert all(work.stat().st_mode & 0o777 == 0o700 for work in (project.work / f"studio-{who}/data" for who in places))
    assert report.accounts[0].kept == 8
    assert sorted((j.annotator, j.article_id) for j in judgements) == sorted(
        (one.annotator, one.article_id) for one in annotate.state.read_assigned(project, "pilot")
    )
    assert {j.annotator for j in judgements} == {pseudonym(project.pseudonym_key(), email) for email, _, _ in people}
    assert {span.id for judgement in judgements for span in judgement.spans} == {span.id for span in ODD}
    assert [a.kept for a in collected.accounts] == [a.kept for a in again.accounts] == [8]
    assert {issue.annotator for issue in checked.issues if issue.annotator} <= {*places}
    assert not any(issue.code == "too-few-annotators" for issue in checked.issues)

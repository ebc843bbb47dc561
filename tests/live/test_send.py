"""Sending to a real Label Studio as the schema says who labels what: assignment, predictions, changed texts, kills."""

import random
import secrets
import signal
import time
from collections import Counter
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from builder.annotation.pseudonyms import pseudonym
from builder.commands import send as annotate
from builder.commands.init import init
from builder.io.hashing import sha16
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.labelstudio import annotator, upload
from builder.labelstudio import client as studio
from builder.labelstudio.server.install import OWNER
from builder.labelstudio.server.process import down, new_credentials, status, up
from builder.labelstudio.tasks import key_of
from builder.project.annotations import labelstudio_project_of, read_assigned
from builder.project.corpus import read_articles, read_documents
from builder.project.project import Project
from builder.records import (
    Article,
    BatchItem,
    Decision,
    Document,
    Judgement,
    KhabarError,
    Span,
    StageCounts,
    Takedown,
)
from tests.conftest import DAY, drawn
from tests.live.child import child_of
from tests.live.page import log_in
from tests.live.projects import put_batch, store

pytestmark = pytest.mark.live
HOSTILE = "</Text><script>window.hit = 1</script> $text {{ title }} {{{x}}} \N{GRINNING FACE} \"'\\ <b>و</b> \N{LEFT-TO-RIGHT MARK}"
BODY = f"{HOSTILE} قالت الوزيرة سلمى الراوي إن توسعة ميناء مرجانة رقم NUMBER تبدأ في مايو المقبل."


def pages_of(number, start=0):
    documents, articles = [], []
    for place in range(start, start + number):
        text = BODY.replace("NUMBER", str(place))
        document = Document(sha16(text), "sahel", None, None, f"خبر {HOSTILE}", text, f"x.jsonl:{place}")
        documents.append(document)
        articles.append(Article(f"{document.id}-0", document.id, 0, document.title, text, (), (), "p", sha16(text)))
    return documents, articles


@pytest.fixture
def make(label_studio, tmp_path, request):
    """Make a project with a batch of invented articles, on the session's server."""

    def made(number, *, name="", **dataset):
        folder = tmp_path / f"project{name}"
        init(folder, repo_id=f"khabar/{sha16(request.node.name + name)}", card=str)
        path = folder / "schema" / "dataset.yaml"
        fields = {"overlap": 2, "shared": 0} | dataset
        kept = [line for line in path.read_text().splitlines(keepends=True) if line.split(":")[0] not in fields]
        path.write_text("".join(kept) + "".join(f"{key}: {value}\n" for key, value in fields.items()))
        project = Project(folder)
        project.work.mkdir(exist_ok=True)
        (project.work / "studio").symlink_to(label_studio.work)
        documents, articles = pages_of(number)
        store(project, documents, articles)
        items = [BatchItem("pilot", one.id, one.text_sha, one.id, "sahel") for one in articles]
        put_batch(project, items)
        return project

    return made


@pytest.fixture
def emails(label_studio):
    return [email for email, _ in label_studio.logins]


def send(project, emails=(), **named):
    options = {"dry_run": False, "progress": print} | named
    return annotate.send(project, "pilot", annotators=emails, **options)


def tasks_in(label_studio, project, who=""):
    client = label_studio.connection.client
    place = labelstudio_project_of(project, "pilot", pseudonym(project.pseudonym_key(), who) if who else "")
    return list(client.tasks.list(project=int(place["project_id"]), fields="all", page_size=1000))


def desks_of(label_studio, project, emails):
    return {email: [key_of(task.data)[0] for task in tasks_in(label_studio, project, email)] for email in emails}


def created(report):
    return report.accounts[0].kept


def files_of(project):
    return [path for path in project.root.rglob("*") if path.is_file() and "studio" not in path.parts]


# Who labels what


def test_with_separate_each_article_is_on_exactly_k_desks_as_recorded(label_studio, make, emails):
    project = make(60, assignment="separate")
    planned = send(project, emails, dry_run=True)
    left = list(project.annotations.rglob("assignment.jsonl"))
    first = send(project, emails)
    again = send(project, emails)
    desks = desks_of(label_studio, project, emails)
    names = {email: pseudonym(project.pseudonym_key(), email) for email in emails}
    recorded = read_assigned(project, "pilot")

    assert left == []
    assert [created(one) for one in (planned, first, again)] == [120, 120, 0]
    assert Counter(article for own in desks.values() for article in own) == Counter(
        {one.id: 2 for one in read_articles(project)}
    )
    assert {len(own) for own in desks.values()} == {40}
    assert {(one.annotator, one.article_id) for one in recorded} == {
        (names[email], article) for email, own in desks.items() for article in own
    }
    assert recorded == sorted(recorded, key=lambda one: (one.article_id, one.annotator))


def test_article_that_was_taken_down_is_not_sent(label_studio, make):
    project = make(4)
    gone = read_articles(project)[1].id
    write_jsonl(project.annotations / "takedowns.jsonl", [Takedown(gone, "asked for")])
    batch = (project.annotations / "pilot" / "batch.jsonl").read_bytes()
    report = send(project)

    assert {key_of(task.data)[0] for task in tasks_in(label_studio, project)} == {
        one.id for one in read_articles(project) if one.id != gone
    }
    assert report.accounts[-1] == StageCounts("send", "articles of the batch", 4, 3, {"taken down": 1})
    assert (project.annotations / "pilot" / "batch.jsonl").read_bytes() == batch


def test_links_are_printed_by_person_without_stored_emails(label_studio, make, emails):
    project = make(4, assignment="separate")
    report = send(project, emails)
    titles = [one.title for one in label_studio.connection.client.projects.list(page_size=1000)]
    ours = [
        title
        for title in titles
        if project.schema.dataset.repo_id in title or sha16(project.schema.dataset.repo_id)[:8] in title
    ]
    link_of = {place.annotator: place.url for place in report.places}
    links = [link_of[email] for email in emails]

    assert len(set(ours)) == len(ours) == 3
    assert len(set(links)) == 3
    assert all(link.endswith("/data?labeling=1") for link in links)
    assert not any("@" in title or "annotator-" in title for title in titles)
    assert [path for path in files_of(project) if b"annotator-1" in path.read_bytes()] == []


def test_an_annotator_works_through_their_own_desk_calibration_first(label_studio, make, answer):
    email, password = label_studio.logins[1]
    project = make(9, assignment="separate", overlap=1, calibration=2)
    send(project, [one for one, _ in label_studio.logins])
    assigned = read_assigned(project, "pilot")
    own = pseudonym(project.pseudonym_key(), email)
    why = {one.article_id: one.why for one in assigned if one.annotator == own}
    place = labelstudio_project_of(project, "pilot", own)
    order = []
    with annotator.log_in(place["url"], email, password) as person:
        while task := person.next_task(int(place["project_id"])):
            order.append(key_of(task["data"])[0])
            person.submit(task, [], seconds=1, skipped=False)

    assert sorted(order) == sorted(why)
    assert [why[article] for article in order].count("calibration") == 2
    assert [why[article] for article in order[:2]] == ["calibration"] * 2


def test_known_articles_and_the_shared_share_go_to_all(label_studio, make, emails):
    project = make(12, assignment="separate", overlap=1, shared=0.2)
    articles = read_articles(project)
    write_jsonl(
        project.annotations / "pilot" / "known.jsonl", [Decision(articles[5].id, articles[5].text_sha, "lead", ())]
    )
    report = send(project, emails)
    desks = desks_of(label_studio, project, emails)
    seen = Counter(article for own in desks.values() for article in own)

    assert report.assigned == {"known": 1, "overlap": 9, "shared": 2}
    assert seen[articles[5].id] == 3
    assert sorted(seen.values()) == [1] * 9 + [3] * 3
    assert report.issues == ()


def test_an_annotator_who_joins_gets_new_articles_and_nobody_loses_one(label_studio, make, emails):
    project = make(10, assignment="separate", overlap=1)
    send(project, emails[:2])
    before = desks_of(label_studio, project, emails[:2])
    documents, articles = pages_of(16)
    store(project, documents, articles)
    put_batch(project, [BatchItem("pilot", one.id, one.text_sha, one.id, "sahel") for one in articles])
    send(project, emails)
    after = desks_of(label_studio, project, emails)

    assert all(set(before[email]) <= set(after[email]) for email in before)
    assert Counter(article for own in after.values() for article in own) == Counter({one.id: 1 for one in articles})
    assert len(after[emails[2]]) >= 5


def test_all_accounts_but_the_owners_annotate_where_none_is_named(label_studio, make):
    project = make(3, assignment="separate", overlap=1)
    report = send(project)
    people = {user.email for user in label_studio.connection.client.users.list()} - {OWNER}

    assert people >= {email for email, _ in label_studio.logins}
    assert {place.annotator for place in report.places} == people


def test_on_a_server_that_khabar_does_not_own_annotators_are_named_once(label_studio, make, emails, monkeypatch):
    monkeypatch.setattr(upload, "OWNER", "somebody@example.org")
    project = make(2, assignment="separate")
    with pytest.raises(KhabarError) as caught:
        send(project)
    send(project, emails[:2])
    again = send(project)

    assert str(caught.value) == f"cannot tell which accounts at {label_studio.running.url} are annotators"
    assert {place.annotator for place in again.places} == set(emails[:2])
    assert created(again) == 0


@pytest.mark.parametrize(
    ("mode", "names", "message"),
    [
        ("separate", ["nobody@example.org"], "has no account for nobody@example.org"),
        ("separate", ["annotator-1"], "each article needs 2 annotators, but there are only 1"),
        ("pool", ["annotator-1"], "--annotators requires assignment: separate, but the project uses pool"),
    ],
)
def test_people_who_cannot_annotate_are_refused(make, mode, names, message):
    project = make(2, assignment=mode)
    with pytest.raises(KhabarError, match=message):
        send(project, names)


def test_known_articles_outside_the_batch_are_refused(make):
    project = make(2, assignment="pool")
    known = project.annotations / "pilot" / "known.jsonl"
    article = read_articles(project)[0]
    write_jsonl(known, [Decision(article.id, "0" * 16, "lead", ())])
    codes = [issue.code for issue in send(project, dry_run=True).issues]
    write_jsonl(known, [Decision("nowhere-0", "0" * 16, "lead", ())])
    with pytest.raises(KhabarError) as caught:
        send(project)

    assert codes == ["known-stale", "known-pool"]
    assert str(caught.value) == "1 known articles are not in batch pilot, such as nowhere-0"


def test_with_isolated_each_annotator_has_a_server_of_their_own(installed, make):
    project = make(6, assignment="isolated", overlap=1)
    (project.work / "studio").unlink()
    works = {}
    try:
        for email, password in new_credentials(["leila", "omar"]):
            who = pseudonym(project.pseudonym_key(), email)
            work = project.work / f"studio-{who}"
            up(work, accounts=[(email, password)], progress=print)
            works[who] = (work, email)
        report, again = send(project), send(project)
        counts = {who: labelstudio_project_of(project, "pilot", who) for who in works}
        there = []
        for who, (work, _) in works.items():
            running = status(work)
            client = studio.connect(running.url, running.token).client
            assert [one.id for one in client.projects.list()] == [int(counts[who]["project_id"])]
            there += [(who, key_of(t.data)[0]) for t in client.tasks.list(project=int(counts[who]["project_id"]))]
    finally:
        for work, _ in works.values():
            down(work)

    assert (created(report), created(again)) == (6, 0)
    assert sorted(there) == sorted((one.annotator, one.article_id) for one in read_assigned(project, "pilot"))
    assert Counter(who for who, _ in there) == dict.fromkeys(works, 3)
    assert {email for _, email in works.values()} == {place.annotator for place in report.places}
    assert len({place["url"] for place in counts.values()}) == 2


# Hostile texts, predictions


def test_hostile_texts_and_predictions_are_unchanged(label_studio, make):
    project = make(3, assignment="pool")
    (project.root / "terms.tsv").write_text("ميناء مرجانة\tFAC\nسلمى الراوي\tPERS\n", encoding="utf-8")
    report = send(project, predict="gazetteer:terms.tsv")
    again = send(project, predict="gazetteer:terms.tsv")
    articles = {one.id: one for one in read_articles(project)}
    tasks = tasks_in(label_studio, project)
    (email, password), *_ = label_studio.logins
    place = labelstudio_project_of(project, "pilot")
    with annotator.log_in(place["url"], email, password) as person:
        seen = person.next_task(int(place["project_id"]))

    assert {key_of(task.data)[0]: (task.data["text"], task.data["title"]) for task in tasks} == {
        one.id: (one.text, one.title) for one in articles.values()
    }
    assert seen["data"]["text"] == articles[key_of(seen["data"])[0]].text
    (shown,) = seen["predictions"]
    regions = [part["value"] for part in shown["result"] if part["type"] == "labels"]
    assert [(seen["data"]["text"][r["start"] : r["end"]], r["labels"]) for r in regions] == [
        ("سلمى الراوي", ["PERS"]),
        ("ميناء مرجانة", ["FAC"]),
    ]
    unused = [part["from_name"] for part in shown["result"] if part["value"].get("choices") == ["_unused"]]
    assert len(unused) == sum(target["id"] == "-" for target in seen["data"]["targets"]) > 0
    assert (shown["model_version"],) == report.shown == again.shown
    assert created(again) == 0


def test_an_annotator_can_submit_a_predicted_task_in_the_browser(label_studio, make, browser):
    project = make(1, assignment="pool", overlap=1)
    (project.root / "terms.tsv").write_text("ميناء مرجانة\tFAC\n", encoding="utf-8")
    send(project, predict="gazetteer:terms.tsv")
    place = labelstudio_project_of(project, "pilot")
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="en-US")
    page = context.new_page()
    log_in(page, place["url"], label_studio.logins[0])
    page.goto(f"{place['url']}/projects/{place['project_id']}/data?labeling=1")
    expect(page.locator(".kh-text .lsf-htx-richtext")).to_contain_text(
        "</Text><script>window.hit = 1</script> $text {{ title }}"
    )
    page.wait_for_timeout(800)
    for question in range(page.locator(".kh-target:visible").count()):
        page.locator(".kh-target:visible").nth(question).locator("label").first.click()
    hit = page.evaluate("window.hit")
    page.click("button:has-text('Submit')")
    expect(page.locator("body")).to_contain_text("No More Tasks", ignore_case=True)
    context.close()
    (task,) = tasks_in(label_studio, project)
    (annotation,) = task.annotations
    spans = [part["value"] for part in annotation["result"] if part["type"] == "labels"]

    assert hit is None
    assert [(BODY.replace("NUMBER", "0")[s["start"] : s["end"]], s["labels"]) for s in spans] == [
        ("ميناء مرجانة", ["FAC"])
    ]


def test_the_command_line_names_people_and_refuses_what_is_no_prediction(label_studio, make, khabar):
    project = make(2, assignment="separate")
    done = khabar("send", "--annotators", "annotator-1,annotator-3@khabar.localhost", cwd=project.root)
    wrong = khabar("send", "--annotators", "annotator-1,annotator-3", "--predict", "model:x", cwd=project.root)

    assert (done.returncode, wrong.returncode) == (0, 2)
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == [
        "send", "assigned", *sorted(
            ["annotator-1@khabar.localhost", "annotator-3@khabar.localhost"],
            key=lambda email: pseudonym(project.pseudonym_key(), email),
        ), "next",
    ]  # fmt: skip
    assert "error[predict] unknown source of predictions 'model'" in wrong.stderr


# Changed texts


def judged(project, article, who, spans):
    return Judgement(
        article.id, article.text_sha, "pilot", pseudonym(project.pseudonym_key(), who), spans, (),
        "submitted", 1.0, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "g", "s", 1, 1,
    )  # fmt: skip


def change(project, old):
    """The article's text becomes another; its judgements stand in judgements.jsonl."""
    text = old.text.replace("قالت الوزيرة", "أعلنت وزيرة النقل").replace("ميناء مرجانة", "ميناء اللؤلؤة")
    new = replace(old, text=text, text_sha=sha16(text))
    articles = [new if one.id == old.id else one for one in read_articles(project)]
    store(project, read_documents(project), articles)
    return new


def stream_of(login, place):
    """The origins of the predictions on each task of an annotator's label stream, which is worked through."""
    offered = {}
    with annotator.log_in(place["url"], *login) as person:
        while task := person.next_task(int(place["project_id"])):
            offered[key_of(task["data"])] = [one["model_version"] for one in task["predictions"]]
            person.submit(task, [], seconds=1, skipped=False)
    return offered


@pytest.mark.parametrize("mode", ["pool", "separate"])
def test_a_changed_text_is_a_new_task_with_what_was_judged_carried_over(label_studio, make, emails, mode):
    project = make(3, assignment=mode, overlap=3)
    names = emails if mode == "separate" else ()
    send(project, names)
    old = read_articles(project)[1]
    person, port = old.text.index("سلمى الراوي"), old.text.index("ميناء مرجانة")
    spans = (Span(person, person + 11, "PERS", "r1"), Span(port, port + 12, "FAC", "r2"))
    path = project.annotations / "pilot" / "judgements.jsonl"
    write_jsonl(path, [judged(project, old, email, spans) for email in emails[:2]])
    new = change(project, old)
    with pytest.raises(KhabarError) as caught:
        send(project, names)
    planned = send(project, names, changed=True, dry_run=True)
    kept = read_jsonl(project.annotations / "pilot" / "batch.jsonl", BatchItem)
    report = send(project, names, changed=True)
    again = send(project, names)
    per_desk = [tasks_in(label_studio, project, email) for email in names] or [tasks_in(label_studio, project)]
    fresh = [task for tasks in per_desk for task in tasks if key_of(task.data) == (new.id, new.text_sha)]
    predicted = {p.model_version: p.result for task in fresh for p in task.predictions}
    pseudonyms = {pseudonym(project.pseudonym_key(), email) for email in emails[:2]}

    assert caught.value.issues[0].code == "stale-text"
    assert "`khabar send --changed`" in caught.value.issues[0].fix
    assert created(planned) == created(report) == len(per_desk)
    assert old.text_sha in {item.text_sha for item in kept}
    assert created(again) == 0
    assert {i.text_sha for i in read_jsonl(project.annotations / "pilot" / "batch.jsonl", BatchItem)} >= {new.text_sha}
    assert [len(tasks) for tasks in per_desk] == [4] * len(per_desk), "the old task stays"
    assert set(predicted) == pseudonyms
    for result in predicted.values():
        (region,) = [part["value"] for part in result if part["type"] == "labels"]
        assert new.text[region["start"] : region["end"]] == "سلمى الراوي"
    assert [(one.reason, one.detail) for one in report.set_aside] == [("stale: its text changed", "ميناء مرجانة")] * 2
    assert all(one.balanced for one in report.accounts)
    place = labelstudio_project_of(project, "pilot", pseudonym(project.pseudonym_key(), emails[0]))
    offered = stream_of(label_studio.logins[0], place)
    if mode == "pool":
        assert offered[new.id, new.text_sha] == [], "others' work is not shown"
        assert report.shown == ()
    else:
        assert offered[new.id, new.text_sha] == [pseudonym(project.pseudonym_key(), emails[0])]
        assert set(report.shown) == pseudonyms
        assert [len(task.predictions) for task in fresh] == [1, 1, 0]


def test_interrupted_send_of_changed_texts_resumes(label_studio, make, emails):
    project = make(2, assignment="separate", overlap=3)
    send(project, emails)
    old = read_articles(project)[0]
    person = old.text.index("سلمى الراوي")
    path = project.annotations / "pilot" / "judgements.jsonl"
    write_jsonl(path, [judged(project, old, email, (Span(person, person + 11, "PERS"),)) for email in emails])
    new = change(project, old)

    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        send(project, emails, changed=True, progress=stop)
    report = send(project, emails, changed=True)
    fresh = {
        email: [
            p.model_version
            for t in tasks_in(label_studio, project, email)
            if key_of(t.data)[1] == new.text_sha
            for p in t.predictions
        ]
        for email in emails
    }

    assert created(report) == 2
    assert fresh == {email: [pseudonym(project.pseudonym_key(), email)] for email in emails}


# Kills


SENDER = """
import sys
from pathlib import Path
from builder.commands import send
from builder.labelstudio import client
from builder.project.project import Project
import label_studio_sdk
label_studio_sdk.LabelStudio  # imported at first use
client.send.__kwdefaults__["batch_size"] = 7  # many imports, so that a kill falls between or into them
print("ready", flush=True)
sys.stdin.readline()
send.send(Project(Path(sys.argv[1])), "pilot", dry_run=False, progress=lambda _: None, annotators=sys.argv[2:])
print("done", flush=True)
"""


def test_send_killed_at_any_moment_assigns_each_article_twice(label_studio, make, emails, record_property):
    whole = make(60, name="-whole", assignment="separate")
    with child_of(SENDER, whole.root, *emails) as child:
        began = time.monotonic()
        assert child.stdout.readline() == "done\n"
        duration = time.monotonic() - began
    wanted = Counter({one.id: 2 for one in read_articles(whole)})
    present, seed = [], secrets.randbits(32)
    moments = random.Random(seed)  # noqa: S311 - moments, not secrets
    tenths = drawn(range(10), 2)
    record_property("drawn", f"kills in the tenths {[*tenths]}, KHABAR_DAY={DAY}")
    for number in tenths:
        project = make(60, name=f"-{number}", assignment="separate")
        with child_of(SENDER, project.root, *emails) as child:
            time.sleep(duration * (number + moments.random()) / 10)
            child.send_signal(signal.SIGKILL)
            child.wait(timeout=30)
        report = send(project, emails)
        present.append(report.accounts[0].set_aside.get("already there", 0))
        again = send(project, emails)
        desks = desks_of(label_studio, project, emails)

        assert Counter(article for own in desks.values() for article in own) == wanted, (number, seed)
        assert created(again) == 0
        assert created(report) + present[-1] == 120
    assert set(present) - {0, 120}, f"no kill came between imports: {present} of seed {seed}"

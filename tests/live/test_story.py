"""A pilot, its disputes, labels that change, and a second batch: two releases of one dataset, from start to end."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Page, expect

from builder.commands.adjudicate import adjudicate
from builder.commands.agree import agree
from builder.commands.build import build
from builder.commands.check import check
from builder.commands.clean import clean
from builder.commands.collect import collect
from builder.commands.diff import diff
from builder.commands.ingest import ingest
from builder.commands.init import init
from builder.commands.sample import sample
from builder.commands.schema_migrate import migrate
from builder.commands.send import send
from builder.commands.verify import verify
from builder.io.jsonl import read_jsonl
from builder.project.annotations import read_batch_ids, read_judgements
from builder.project.corpus import read_articles
from builder.project.migration.state import say
from builder.project.project import Project
from builder.records import Agreement, KhabarError
from builder.release.diff import text
from tests.live.story import (
    PILOT,
    SECOND,
    annotate,
    edit,
    line_of,
    number_of,
    open_stream,
    questions_of,
    rule,
    write_articles,
)

pytestmark = pytest.mark.live


@pytest.fixture
def template(project):
    """A fresh project, with all labels."""
    return project


def figures(project):
    """The agreement on each label, without its name."""
    agree(project)
    found = defaultdict(list)
    for one in read_jsonl(project.work / "agreement.jsonl", Agreement):
        if one.layer == "entities":
            found[one.label].append(replace(one, label=""))
    return found


def labels_given(project):
    return Counter(span.label for one in read_judgements(project) for span in one.spans)


def numbers_of(project):
    return {article.id: number_of(article.text) for article in read_articles(project)}


def rows_of(release, config):
    return [row for path in sorted((release / config).glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def marks_of(release):
    """The mentions of each article of a release, with the names of 2.0.0."""
    names = {"PER": "PERS"}
    labels = [one["name"] for one in json.loads((release / "facts.json").read_bytes())["labels"]["entities"]]
    found = [
        {(span["start"], span["end"], labels[span["label"]]) for span in row["spans"]}
        for row in rows_of(release, "entities")
    ]
    marks = [{(*place, names.get(label, label)) for *place, label in one if label != "MISC"} for one in found]
    return dict(zip((row["id"] for row in rows_of(release, "entities")), marks, strict=True))


def start(folder):
    """A project whose labels.yaml has PER and MISC, and as yet no DATE and no press law, and its forty articles."""
    init(folder / "story", repo_id="khabar/story", card=str)
    project = Project(folder / "story")
    gone = dict.fromkeys((line_of(project, "name: DATE"), line_of(project, "id: press-law")), "")
    edit(project, {"{name: PERS,": "{name: PER,", "{name: EVENT, ar: حدث,": "{name: MISC, ar: متفرقات,"} | gone)
    write_articles(folder / "articles.jsonl")
    project = Project(project.root)
    ingest(project, [folder / "articles.jsonl"])
    clean(project)
    sample(project, "pilot", PILOT)
    return project


def change_minds(project, dates, law):
    """Rename PER, retire MISC, add DATE and a target, and rewrite the guidelines."""
    misc = line_of(project, "name: MISC")
    retired = misc.replace("{name: MISC,", "{name: MISC, retired: true,")
    edit(project, {"{name: PER,": "{name: PERS, formerly: [PER],", misc: retired + dates})
    with (project.root / "schema" / "labels.yaml").open("a", encoding="utf-8") as labels:
        labels.write(law)
    (project.root / "schema" / "guidelines.md").write_text("# إرشادات جديدة\n\nظلّل التواريخ أيضا.\n", encoding="utf-8")
    return Project(project.root)


def errors(report):
    return [issue for issue in report.issues if issue.severity == "error"]


@dataclass(frozen=True)
class Pilot:
    """The pilot's release, what was measured and given in it, and the adjudicator's desk with the articles ruled on."""

    release: Path
    figures: dict
    given: Counter
    page: Page
    desk: int
    asked: dict
    ruled: list


def publish_pilot(project, studio, browser):
    """Three people annotate, and an adjudicator rules on all but two articles: 1.0.0."""
    send(project, "pilot", dry_run=False, progress=print)
    assert annotate(project, "pilot", studio.logins) == 3 * PILOT
    assert collect(project, "pilot", prune=False).judgements == 3 * PILOT
    assert errors(check(project)) == []
    numbers = [number for article, number in numbers_of(project).items() if article in read_batch_ids(project, "pilot")]
    sent = adjudicate(project, "pilot", send=True)
    desk = int(sent.sent.url.split("/projects/")[1].split("/")[0])
    asked = questions_of(studio, desk)
    assert sorted(asked) == sorted(n for n in numbers if n % 3 == 0 or n % 5 == 0)
    assert sent.open_disputes == sum((n % 3 == 0) + (n % 5 == 0) for n in numbers)
    page = open_stream(browser, studio, sent.sent.url)
    ruled = rule(page, asked, len(asked) - 2)
    assert adjudicate(project, "pilot", collect=True).rulings.decisions == len(ruled)
    release = build(project, "1.0.0").folder
    assert not any("labels_asked" in row for row in rows_of(release, "entities"))
    return Pilot(release, figures(project), labels_given(project), page, desk, asked, ruled)


def migrate_annotations(project, pilot):
    """What waits for the migration, its steps, and what it leaves unchanged; return the project after it."""
    spans = pilot.given["PER"] + sum(number % 3 == 0 for number in pilot.ruled)
    for waiting in (lambda: build(project, "2.0.0"), lambda: adjudicate(project, "pilot", send=True)):
        with pytest.raises(KhabarError, match=f"waits: label PER is renamed to PERS: {spans} spans have it"):
            waiting()
    steps = [say(step) for step in migrate(project).steps]
    project = Project(project.root)
    assert [step.split(":")[0] for step in steps] == [
        "label PER is renamed to PERS", "label MISC is retired", "label DATE is added", "target press-law is added",
    ]  # fmt: skip
    assert labels_given(project) == {"PERS" if name == "PER" else name: n for name, n in pilot.given.items()}
    measured = figures(project)
    assert measured["PERS"] == pilot.figures["PER"]
    assert all(row.value is None for row in measured.get("DATE", ()))
    return project


def rule_after_migration(project, studio, pilot, late):
    """The late ruling counts under the new name, and the page that is still open asks for it; return who was ruled on."""
    collected = adjudicate(project, "pilot", collect=True)
    done = len(pilot.ruled + late)
    assert (collected.rulings.decisions, collected.rulings.overrules, errors(collected)) == (done, 0, [])
    with pytest.raises(KhabarError, match="adjudicate --send would change what people work on"):
        adjudicate(project, "pilot", send=True)
    assert questions_of(studio, pilot.desk) == pilot.asked
    (behind,) = adjudicate(project, "pilot", send=True, yes=True).sent.behind
    assert (behind.tasks, behind.answers) == (len(pilot.asked), done)
    asked = questions_of(studio, pilot.desk)
    aliases = {option["alias"] for questions in asked.values() for one in questions for option in one["options"]}
    assert {"PER", "PERS"} & aliases == {"PERS"}
    assert adjudicate(project, "pilot", send=True).sent.behind == ()
    pilot.page.reload()
    expect(pilot.page.locator(".kh-target").first).to_be_visible(timeout=20_000)
    pilot.page.screenshot(path=project.work / "renamed.png")
    last = rule(pilot.page, asked, 1)
    collected = adjudicate(project, "pilot", collect=True)
    assert (collected.rulings.overrules, collected.open_disputes, errors(collected)) == (0, 0, [])
    assert sorted(pilot.ruled + late + last) == sorted(asked)
    return last


def refresh_pages(project):
    """The annotators' pages follow, with the new guidelines; no answer changes."""
    with pytest.raises(KhabarError, match="send would change what people work on"):
        send(project, "pilot", dry_run=False, progress=print, refresh=True)
    (behind,) = send(project, "pilot", dry_run=False, progress=print, refresh=True, yes=True).behind
    before = read_judgements(project)
    assert (behind.tasks, behind.answers) == (PILOT, 3 * PILOT)
    assert collect(project, "pilot", prune=False).judgements == 3 * PILOT
    assert read_judgements(project) == before


def publish_second(project, studio):
    """A second batch is asked for the new label and target: 2.0.0."""
    sample(project, "second", SECOND)
    send(project, "second", dry_run=False, progress=print)
    assert annotate(project, "second", studio.logins) == 3 * SECOND
    collect(project, "second", prune=False)
    assert errors(check(project)) == []
    assert {row.n for row in figures(project)["DATE"] if row.value is not None} == {SECOND}
    with pytest.raises(KhabarError, match=r"1\.1\.0 requires a major version bump"):
        build(project, "1.1.0")
    release = build(project, "2.0.0").folder
    assert verify(project, "dist/v2.0.0", base=project.root, rehearse=False, progress=print).exit_code == 0
    return release


def test_a_dataset_whose_labels_change_after_its_pilot(label_studio, browser, tmp_path, monkeypatch, template):
    monkeypatch.setenv("LABEL_STUDIO_URL", label_studio.running.url)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", label_studio.running.token)
    dates, law = (line_of(template, word) for word in ("name: DATE", "id: press-law"))
    project = start(tmp_path)

    first = publish_pilot(project, label_studio, browser)
    late = rule(first.page, first.asked, 1)  # submitted now, and collected only after the labels changed
    project = migrate_annotations(change_minds(project, dates, law), first)
    last = rule_after_migration(project, label_studio, first, late)
    refresh_pages(project)
    second = publish_second(project, label_studio)

    since = {article for article, number in numbers_of(project).items() if number in late + last}
    check_releases(project, first.release, second, since)


def check_releases(project, first, second, since):
    """Compare two releases: mentions, labels that were asked, guidelines, the card, and what `diff` says.

    `since` are the articles that were ruled on in between.
    """
    old, new = marks_of(first), marks_of(second)
    assert {article: marks for article, marks in new.items() if article in old and article not in since} == {
        article: marks for article, marks in old.items() if article not in since
    }
    seconds = {*read_batch_ids(project, "second")}
    assert new.keys() - old.keys() == since | (new.keys() & seconds)
    asked = {row["id"]: "DATE" in row["labels_asked"] for row in rows_of(second, "entities")}
    assert {article for article, was in asked.items() if was} == asked.keys() & seconds
    assert {label for article in old for *_, label in new[article]} == {"PERS", "ORG", "GPE"}
    assert {row["article_id"] for row in rows_of(second, "stance") if row["target"] == "press-law"} <= seconds
    assert {path.stem for path in (second / "guidelines").iterdir()} == {
        row["guideline"] for row in rows_of(second, "annotations")
    }
    card = (second / "README.md").read_text(encoding="utf-8")
    assert f"| `DATE` | {sum(asked.values())} of {len(asked)} | `second` |" in card
    found = diff(project, "1.0.0", "2.0.0", base=project.root)
    relabelled = Counter((one.old.label, one.new.label) for one in found.spans if one.kind == "relabelled")
    named = [label for marks in old.values() for *_, label in marks]
    assert relabelled == {("PER", "PERS"): named.count("PERS")}
    assert f"    PER -> PERS: {named.count('PERS')} spans" in text.lines(found)
    assert {one.old.label for one in found.spans if one.kind != "relabelled"} == {"MISC"}

"""What pages asked: a label or target that was added later is not asked in earlier articles, and not absent there."""

import json
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from builder.annotation.agreement.matching import SPAN_F1
from builder.annotation.migration.offered import EVERYTHING, Offers
from builder.commands.build import build
from builder.commands.check import check
from builder.commands.hydrate import hydrate
from builder.commands.sample import sample
from builder.commands.schema_migrate import migrate
from builder.commands.verify import verify
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.project.judgements import current_gold
from builder.project.migration.state import note_versions
from builder.project.project import Project
from builder.records import Judgement, Span
from tests.annotation.agreement.examples import LABELS
from tests.builders import judge, walk
from tests.conftest import ROOT
from tests.tables import agree, asked_of, without_unasked

pytestmark = pytest.mark.slow  # each test runs several commands on a project

NAMES = LABELS.entity_names
FIRST, SECOND = NAMES[:2]
OLDER = Offers({"old": frozenset(NAMES) - {SECOND}})


def judged(article, who, *spans, schema="new"):
    return Judgement(article, "t", "b", who, tuple(Span(*span) for span in spans), (), "submitted", 1.0, "", "", "g", schema, 1, 1)  # fmt: skip


def f1(judgements, offers=EVERYTHING, label="all", measure=SPAN_F1):
    lengths = {one.article_id: 100 for one in judgements}
    (found,) = [
        figure for figure in agree(judgements, LABELS, lengths, offers=offers, resamples=0)
        if (figure.label, figure.measure, figure.between, figure.layer) == (label, measure, "", "entities")
    ]  # fmt: skip
    return found.value, found.n


def test_a_judgement_that_was_not_asked_for_a_label_is_no_disagreement_over_it():
    both = [judged("x", "a", (0, 3, FIRST), schema="old"), judged("x", "b", (0, 3, FIRST), (5, 9, SECOND))]

    assert f1(both, measure=SPAN_F1) == (pytest.approx(2 / 3, abs=1e-6), 1)
    assert f1(both, OLDER, measure=SPAN_F1) == (1.0, 1)
    assert f1(both, OLDER, SECOND, SPAN_F1) == (None, 0)


def test_of_three_annotators_the_two_that_were_asked_count():
    three = [
        judged("x", "a", (0, 3, FIRST), schema="old"),
        judged("x", "b", (0, 3, FIRST), (5, 9, SECOND)),
        judged("x", "c", (0, 3, FIRST), (5, 9, SECOND)),
    ]
    two = three[1:]

    assert f1(three, OLDER, SECOND, SPAN_F1) == f1(two, label=SECOND, measure=SPAN_F1) == (1.0, 1)
    assert f1(three, label=SECOND, measure=SPAN_F1)[0] == pytest.approx(0.5)


def test_every_figure_of_an_added_label_is_that_of_the_asked_judgements_alone():
    asked = [judged("x", "b", (5, 9, SECOND), (20, 30, SECOND)), judged("x", "c", (5, 8, SECOND))]
    every = [judged("x", "a", (40, 44, FIRST), schema="old"), *asked]
    lengths = {"x": 100}

    def figures(judgements, offers):
        return {
            figure.measure: (figure.value, figure.n)
            for figure in agree(judgements, LABELS, lengths, offers=offers, resamples=0)
            if (figure.label, figure.between) == (SECOND, "") and figure.layer == "entities"
        }

    assert figures(every, OLDER) == figures(asked, EVERYTHING)
    assert len(figures(every, OLDER)) > 3


def test_pairs_of_annotators_leave_out_what_one_was_not_asked_for():
    three = [
        judged("x", "a", (0, 3, FIRST), schema="old"),
        judged("x", "b", (0, 3, FIRST), (5, 9, SECOND)),
        judged("x", "c"),
    ]
    values = {
        figure.between: figure.value
        for figure in agree(three, LABELS, {"x": 100}, offers=OLDER, resamples=0)
        if figure.measure == SPAN_F1 and figure.between
    }

    assert (values["a b"], values["b c"]) == (1.0, 0.0)


def test_which_labels_enough_annotators_were_asked_for():
    one_asked = [judged("x", "a", schema="old"), judged("x", "b"), judged("y", "a"), judged("y", "b")]
    two_asked = [*one_asked, judged("x", "c")]
    late = [judged("x", "a", (0, 3, SECOND), schema="old"), judged("x", "b")]

    assert asked_of(one_asked, OLDER, NAMES, 2) == {"x": [n for n in NAMES if n != SECOND], "y": [*NAMES]}
    assert asked_of(two_asked, OLDER, NAMES, 2) == {}
    assert asked_of(late, OLDER, NAMES, 2) == {}
    assert asked_of(one_asked, EVERYTHING, NAMES, 2) == {}


def test_spans_of_a_label_that_too_few_were_asked_for_are_left_out_and_counted():
    judgements = [judged("x", "a", (0, 3, FIRST), schema="old"), judged("x", "b", (0, 3, FIRST), (5, 9, SECOND))]
    kept, left_out = without_unasked(judgements, OLDER, NAMES, 2)

    assert [[span.label for span in one.spans] for one in kept] == [[FIRST], [FIRST]]
    assert left_out == 1
    assert without_unasked(judgements, EVERYTHING, NAMES, 2) == (judgements, 0)


@pytest.fixture
def grown(project):
    """A project whose second batch was annotated after VENUE and a target were added."""
    walk(project, [ROOT / "examples" / "articles"], size=8)
    judge(project)
    note_versions(project, {project.schema.guideline_version})
    path = project.root / "schema" / "labels.yaml"
    text = path.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if "name: DATE" in line)
    venue = line.replace("DATE", "VENUE").replace("تاريخ", "ملعب").replace('"9"', '"0"')
    text = text.replace(line, f"{line}\n{venue}") + "    - {id: news, ar: الخبر, en: News, keywords: [في]}\n"
    path.write_text(text, encoding="utf-8")
    project = Project(project.root)
    migrate(project)
    sample(project, "second", 4)
    judge(project, "second")
    return project


def marked_venue(project):
    """The second batch's judgements, in which all mark the beginning of each article as VENUE."""
    path = project.annotations / "second" / "judgements.jsonl"
    write_jsonl(path, [replace(one, spans=(Span(0, 5, "VENUE"),)) for one in read_jsonl(path, Judgement)])


def entities(project, version):
    found = [
        pq.read_table(path).to_pylist() for path in sorted((project.release(version) / "entities").glob("*.parquet"))
    ]
    return {row["id"]: row for part in found for row in part}


def test_a_target_that_was_added_later_is_no_fault(grown):
    issues = check(grown).issues
    missing = {(i.article_id, i.annotator) for i in issues if i.code == "stance-missing" and i.where == "stance news"}
    first = {
        (one.article_id, one.annotator)
        for one in read_jsonl(grown.annotations / "pilot" / "judgements.jsonl", Judgement)
    }

    assert not missing & first
    assert not [i for i in issues if i.code in ("migrate", "labels")]


def test_a_release_says_which_labels_were_asked(grown):
    marked_venue(grown)
    report = build(grown, "1.0.0", accept="a test")
    rows = entities(grown, "1.0.0")
    second = {one.article_id for one in read_jsonl(grown.annotations / "second" / "judgements.jsonl", Judgement)}
    card = (grown.release("1.0.0") / "README.md").read_text(encoding="utf-8")
    manifest = json.loads((grown.release("1.0.0") / "MANIFEST.json").read_text(encoding="utf-8"))

    assert {("VENUE" in row["labels_asked"]) == (article in second) for article, row in rows.items()} == {True}
    assert all("DATE" in row["labels_asked"] for row in rows.values())
    assert f"`VENUE` | {len(second & rows.keys())} of {len(rows)} | `second`" in card
    assert "- name: labels_asked" in card
    assert manifest["format"] == 3
    assert [name for name in manifest["files"] if name.startswith("guidelines/")]
    assert "labels asked" in manifest["inputs"]
    assert report.exit_code == 0
    checks = verify(Project(grown.root), "dist/v1.0.0", base=grown.root, rehearse=False, progress=print)
    assert [one for one in checks.checks if one.state == "failed"] == []


def test_a_release_whose_articles_were_asked_alike_has_no_such_column(project):
    walk(project, [ROOT / "examples" / "articles"], size=8)
    judge(project)
    note_versions(project)
    build(project, "1.0.0", accept="a test")
    manifest = json.loads((project.release("1.0.0") / "MANIFEST.json").read_text(encoding="utf-8"))

    assert "labels_asked" not in next(iter(entities(project, "1.0.0").values()))
    assert manifest["format"] == 2
    assert "asked" not in json.loads((project.release("1.0.0") / "facts.json").read_text(encoding="utf-8"))


def test_a_target_that_nobody_was_asked_about_is_no_dispute(grown):
    pilot = {one.article_id for one in read_jsonl(grown.annotations / "pilot" / "judgements.jsonl", Judgement)}
    golds = current_gold(grown)

    assert pilot & golds.keys()
    assert not [s for article in pilot & golds.keys() for s in golds[article].stances if s.target == "news"]
    build(grown, "1.0.0", accept="a test")
    aside = (grown.work / "set_aside" / "build.jsonl").read_text(encoding="utf-8")
    assert not [article for article in pilot if f"article {article} on news" in aside]


def test_the_stand_off_edition_says_it_too_and_hydrate_keeps_it(grown):
    marked_venue(grown)
    path = grown.root / "schema" / "dataset.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "\ntext: standoff\n", encoding="utf-8")
    project = Project(grown.root)
    build(project, "1.0.0", accept="a test")
    asked = {article: row["labels_asked"] for article, row in entities(project, "1.0.0").items()}
    back = project.root / "back"
    hydrate(project, str(project.release("1.0.0")), [ROOT / "examples" / "articles"], base=project.root, to=back)
    full = [row for file in sorted((back / "entities").glob("*.parquet")) for row in pq.read_table(file).to_pylist()]

    assert {row["id"]: row["labels_asked"] for row in full} == asked
    assert len({tuple(names) for names in asked.values()}) == 2

"""Editions as a build makes them: nothing quoted, nothing of persons, and the card says so."""

import json
import re
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from builder.commands import diff, hydrate
from builder.commands.build import build
from builder.commands.init import init
from builder.commands.verify import verify
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.project.corpus import profile_of, read_articles, read_documents
from builder.project.project import Project
from builder.records import Judgement, KhabarError
from builder.release.publish.folder import read_manifest
from builder.release.publish.readback import read_folder
from builder.release.publish.readback_client import Job
from builder.release.tables.shards import shards
from tests.conftest import ROOT
from tests.test_flow import judge, walk

pytestmark = pytest.mark.slow  # each walks a project through several verbs

PAGES = ROOT / "examples" / "articles"


def make(root, text, remarks=()):
    init(root, card=str)
    settings = root / "schema" / "dataset.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + f"text: {text}\n", encoding="utf-8")
    project = Project(root)
    walk(project, [PAGES])
    judge(project)
    if remarks:
        path = project.annotations / "pilot" / "judgements.jsonl"
        judgements = read_jsonl(path, Judgement)
        said = [remark(project) if callable(remark) else remark for remark in remarks]
        write_jsonl(path, [replace(one, remark=said.pop(0)) if said else one for one in judgements])
    return project


def tables(folder):
    found = shards(list(read_manifest(folder).files))
    return {(c, s): pq.ParquetFile(folder / path).read() for c, of in found.items() for s, (path,) in of.items()}


def both(root):
    """A project of each edition, built."""
    full, standoff = make(root / "full", "full"), make(root / "standoff", "standoff")
    build(full, "1.0.0")
    build(standoff, "1.0.0")
    return full, standoff


@pytest.fixture(scope="module")
def editions(tmp_path_factory):
    return both(tmp_path_factory.mktemp("editions"))


def words(text):
    return re.findall(r"\w+", re.sub(r"https?://\S+", " ", text))


def fivefold(text):
    found = words(text)
    return {tuple(found[i : i + 5]) for i in range(len(found) - 4)}


def every_string(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from every_string(inner)
    elif isinstance(value, list):
        yield " ".join(one for one in value if isinstance(one, str))
        for inner in value:
            yield from every_string(inner)


def test_no_file_of_the_stand_off_edition_has_five_words_of_an_article(editions):
    full, standoff = editions
    runs = set()
    for article in read_articles(full):
        runs |= fivefold(article.text)
    rows = [row for table in tables(standoff.release("1.0.0")).values() for row in table.to_pylist()]
    published = [one for row in rows for one in every_string(row)]
    published += [
        path.read_text(encoding="utf-8")
        for path in standoff.release("1.0.0").rglob("*")
        if path.is_file() and path.suffix != ".parquet"
    ]

    assert len(runs) > 1000
    assert sum(map(len, published)) > 10_000
    assert not [five for text in published for five in fivefold(text) & runs]
    whole = [one for table in tables(full.release("1.0.0")).values() for row in table.to_pylist() for one in every_string(row)]  # fmt: skip
    assert [five for text in whole for five in fivefold(text) & runs]


def test_load_dataset_reads_the_stand_off_edition_with_its_features(editions):
    folder = editions[1].release("1.0.0")
    release = read_manifest(folder)
    outcome = read_folder(Job(str(folder), release.repo_id, "1.0.0", release.files))

    assert release.edition == "standoff"
    assert outcome.findings == ()
    assert outcome.trouble == ""
    assert outcome.rows == {c: {s: n for s, n in of.items() if n} for c, of in release.splits.items()}


def test_verify_and_diff_work_on_a_stand_off_edition(editions, tmp_path):
    standoff = editions[1]
    folder = standoff.release("1.0.0")
    found = verify(standoff, str(folder), base=tmp_path, rehearse=False, progress=lambda _: None)
    difference = diff.diff(standoff, str(folder), str(editions[0].release("1.0.0")), base=tmp_path)

    assert found.exit_code == 0
    assert found.facts["rebuild"].startswith("done: ")
    assert found.facts["leaks"] == "not possible: a standoff edition holds no texts to compare"
    assert ("entities", "tokens") in {(one.config, one.column) for one in difference.features}
    assert not difference.spans
    assert not difference.texts


def test_a_sample_on_the_card_makes_the_build_fail(editions, tmp_path):
    project = make(tmp_path / "project", "standoff")
    article = next(a for a in read_articles(project) if any(
        row["id"] == a.id for (c, _), t in tables(editions[1].release("1.0.0")).items() if c == "articles" for row in t.to_pylist()))  # fmt: skip
    five = re.search(r"\w+(?: \w+){4}", article.text)
    card = project.root / "dataset_card.md"
    prose = card.read_text(encoding="utf-8")
    card.write_text(prose.replace("## Licence", f"For example: {five[0]}.\n\n## Licence"), encoding="utf-8")

    with pytest.raises(KhabarError) as refused:
        build(project, "1.0.0")

    issue, again = refused.value.issues
    assert refused.value.exit_code == 1
    assert (issue.where, again.where) == ("README.md", "facts.json")
    assert issue.message == (
        f"five consecutive words of article {article.id}, {five.start()}-{five.end()}, appear in a file of the stand-off edition"
    )
    assert not project.release("1.0.0").exists()


def test_a_remark_that_quotes_is_null_and_counted_and_another_stays(tmp_path):
    def quoting(project):
        article = read_articles(project)[0]
        for one in read_articles(project):
            if (project.annotations / "pilot" / "batch.jsonl").read_text().count(one.id):
                article = one
        return "قال: " + re.search(r"\w+(?: \w+){4}", article.text)[0]

    project = make(tmp_path / "project", "standoff", [quoting, "لست واثقا"])
    done = build(project, "1.0.0")

    remarks = [row["remark"] for (c, _), t in tables(project.release("1.0.0")).items() if c == "annotations" for row in t.to_pylist()]  # fmt: skip
    account = next(a for a in done.accounts if a.unit == "names and remarks in the stand-off edition")
    assert remarks.count(None) == 1
    assert remarks.count("لست واثقا") == 1
    assert account.set_aside == {"quotes an article": 1}


def test_a_card_that_does_not_say_what_the_edition_protects_is_refused(tmp_path):
    project = make(tmp_path / "project", "standoff")
    card = project.root / "dataset_card.md"
    card.write_text(card.read_text(encoding="utf-8").replace("{{edition}}", "Words."), encoding="utf-8")

    with pytest.raises(KhabarError, match="the card must say what a stand-off edition protects and what it does not"):
        build(project, "1.0.0")


def test_another_edition_of_the_same_data_asks_for_a_new_first_number(tmp_path):
    project = make(tmp_path / "project", "full")
    build(project, "1.0.0")
    settings = project.root / "schema" / "dataset.yaml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("text: full\n", "text: standoff\n"), encoding="utf-8")  # fmt: skip
    project = Project(project.root)

    with pytest.raises(KhabarError, match=r"columns changed.*that is a major change"):
        build(project, "1.1.0")
    build(project, "2.0.0")

    assert read_manifest(project.release("2.0.0")).edition == "standoff"


PERSONS = ("desk@barq.example", "0599123456")


@pytest.fixture
def personal(tmp_path):
    """Pages with an address and a number in their texts and titles."""
    lines = (PAGES / "barq.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines if line.strip()]
    made = [
        one | {"title": f"{one.get('title') or 'خبر'} {PERSONS[0]}", "text": one["text"].replace(".", f" ({PERSONS[0]}، {PERSONS[1]}).", 1)}
        for one in records
    ]  # fmt: skip
    path = tmp_path / "barq.jsonl"
    path.write_text("\n".join(json.dumps(one, ensure_ascii=False) for one in made), encoding="utf-8")
    return path


def release_of(root, page, text):
    init(root, card=str)
    settings = root / "schema" / "dataset.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + f"text: {text}\nredact: [email, phone]\n", encoding="utf-8")  # fmt: skip
    project = Project(root)
    walk(project, [page])
    judge(project)
    return project, build(project, "1.0.0")


def test_redacted_editions_hold_nothing_of_persons_and_hydrate_to_each_other(tmp_path, personal):
    full, _ = release_of(tmp_path / "full", personal, "full")
    standoff, _ = release_of(tmp_path / "standoff", personal, "standoff")
    back = hydrate.hydrate(standoff, "1.0.0", [personal], base=tmp_path, to=tmp_path / "back")
    wanted, found = tables(full.release("1.0.0")), tables(tmp_path / "back")

    assert back.exit_code == 0
    assert found.keys() == wanted.keys()
    assert all(found[name].equals(table) for name, table in wanted.items())
    for folder in (full.release("1.0.0"), standoff.release("1.0.0"), tmp_path / "back"):
        held = str([table.to_pylist() for table in tables(folder).values()])
        held += "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.*"))
        assert not any(person in held for person in PERSONS)
    assert len(wanted["articles", "train"]) > 5
    texts = wanted["articles", "train"]["text"].to_pylist()
    assert all("(REDACTED_EMAIL، REDACTED_PHONE)" in text for text in texts)
    rows = [row for (config, _), table in wanted.items() if config == "articles" for row in table.to_pylist()]
    said = " ".join(f"{row['title']} {row['text']}" for row in rows)
    card = (full.release("1.0.0") / "README.md").read_text(encoding="utf-8")
    assert (
        f"| email | `REDACTED_EMAIL` | {said.count('REDACTED_EMAIL')} |\n| phone | `REDACTED_PHONE` | {said.count('REDACTED_PHONE')} |"
        in card
    )
    (account,) = full.accounts("redact")
    assert account.balanced
    assert account.taken > 100
    assert f"| {account.unit} | {account.taken:,} | {account.kept:,} |" in card


def test_raw_places_lead_to_the_same_words_of_the_page_behind_a_redaction(tmp_path, personal):
    project, _ = release_of(tmp_path / "full", personal, "full")
    raws = {document.id: document.raw for document in read_documents(project)}
    fold = profile_of(project).apply
    rows = [row for (config, _), table in tables(project.release("1.0.0")).items() if config == "entities" for row in table.to_pylist()]  # fmt: skip
    spans = [(raws[row["id"].split("-")[0]], row["text"], span) for row in rows for span in row["spans"]]

    assert sum("REDACTED" in text[: span["start"]] for _, text, span in spans) > 20
    for raw, text, span in spans:
        assert text[span["start"] : span["end"]] == span["text"]
        assert fold(raw[span["raw_start"] : span["raw_end"]]).text == span["text"]

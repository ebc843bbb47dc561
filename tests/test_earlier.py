"""What was made stays readable: a project and releases of earlier versions of khabar, and today's command line."""

import hashlib
import json
import shutil
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builder import __version__
from builder.commands.verify import accepted_reason
from builder.project.annotations import read_batch
from builder.project.corpus import read_articles
from builder.project.project import Project
from builder.release.publish.folder import read_manifest
from tests.annotation.equality import of_project
from tests.builders import checks_of
from tests.conftest import ROOT
from tests.news import lines, news

pytestmark = pytest.mark.slow  # each walks a project through several verbs

EARLIER = ROOT / "tests" / "cases" / "earlier"
MADE = sorted(path.name for path in EARLIER.iterdir() if path.is_dir())


@pytest.fixture(params=MADE)
def made(request, tmp_path):
    """A copy of a project that an earlier version made, with its releases in dist/ and its stand-off edition."""
    kept, folder = EARLIER / request.param, tmp_path / "project"
    shutil.copytree(kept, folder, ignore=shutil.ignore_patterns("releases"))
    for packed in (kept / "releases").glob("*.zip"):
        with zipfile.ZipFile(packed) as release:
            release.extractall(folder / "dist" / packed.stem if packed.stem[0] == "v" else folder / packed.stem)
    return folder


@pytest.fixture
def cleaned(made, khabar):
    """The same, with its pages ingested, cleaned and grouped by today's code."""
    for command in (("ingest", "pages"), ("clean",), ("dedup",)):
        done = khabar(*command, cwd=made)
        assert done.returncode in (0, 1), done.stderr  # 1: a page was set aside, as it was then
    return made


def manifest(folder):
    return json.loads((folder / "MANIFEST.json").read_text(encoding="utf-8"))


def states(done):
    """What became of each check, by its name."""
    assert done.returncode == 0, done.stderr
    return checks_of(json.loads(done.stdout))


def releases(folder):
    return sorted(path.parent.relative_to(folder).as_posix() for path in folder.glob("**/MANIFEST.json"))


def test_every_release_is_verified_and_no_check_fails(made, khabar):
    names = releases(made)
    for name in names:
        assert read_manifest(made / name).format == 1
        said = states(khabar("verify", "--json", name, cwd=made))

        derived = ("manifest", "loads", "rows", "columns", "facts", "exports", "gold")
        assert {said[check].split(":")[0] for check in derived} == {"done"}
        assert said["leaks" if "standoff" not in name else "rows"].startswith("done")
        assert said["card"].startswith(f"not possible: the card was made by {manifest(made / name)['tool']}, this is ")

    assert len(names) == 3


def test_a_change_of_an_early_release_is_found_and_what_was_not_compared_is_named(made, khabar):
    folder = made / "dist" / "v2.0.0"
    path = next(folder.glob("entities/train-*.parquet"))
    table = pq.ParquetFile(path).read()
    rows = table.to_pylist()
    rows[0]["ner_tags"] = [0] * len(rows[0]["ner_tags"])
    pq.write_table(pa.Table.from_pylist(rows, table.schema), path)
    plain = manifest(folder)
    plain["files"][path.relative_to(folder).as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "MANIFEST.json").write_text(json.dumps(plain), encoding="utf-8")
    done = khabar("verify", "--json", "dist/v2.0.0", cwd=made)
    report = json.loads(done.stdout)

    assert done.returncode == 1
    assert [issue["message"] for issue in report["issues"]] == ["`ner_tags` is not the tags of `spans`, in 1 rows"]


def test_a_card_is_compared_within_one_version_and_agreement_always(made, khabar):
    done = khabar("card", "check", "--json", "dist/v1.0.0", cwd=made)
    said = states(done)

    assert said["card"].startswith("not possible: the card was made by khabar 0.1.0, this is khabar ")
    assert said["agreement"].startswith("done: ")


def test_agreement_that_was_changed_is_found_whatever_made_the_card(made, khabar):
    facts = made / "dist" / "v1.0.0" / "facts.json"
    plain = json.loads(facts.read_text(encoding="utf-8"))
    plain["agreement"][0]["value"] = 0.99
    facts.write_text(json.dumps(plain), encoding="utf-8")
    done = khabar("card", "check", "--json", "dist/v1.0.0", cwd=made)

    assert done.returncode == 1
    assert "the card says 0.99 (" in json.loads(done.stdout)["issues"][0]["message"]


def test_a_column_that_came_later_may_be_missing_in_a_release_of_another_version_only(made, khabar):
    folder = made / "dist" / "v1.0.0"
    for path in folder.glob("articles/*.parquet"):
        pq.write_table(pq.read_table(path).drop_columns("split_group"), path)
    older = khabar("card", "check", "--json", "dist/v1.0.0", cwd=made)
    running = states(older)["card"].rsplit("this is ", 1)[1].partition(";")[0]
    (folder / "MANIFEST.json").write_text(json.dumps(manifest(folder) | {"tool": running}), encoding="utf-8")
    same = khabar("card", "check", "--json", "dist/v1.0.0", cwd=made)

    assert states(older)["agreement"].startswith("done: ")
    assert same.returncode == 1
    assert checks_of(json.loads(same.stdout))["agreement"].startswith("failed: ")


def test_why_low_agreement_was_accepted_is_known_of_a_release_whose_card_alone_says_it(made):
    assert "accepted" not in json.loads((made / "dist" / "v1.0.0" / "facts.json").read_text(encoding="utf-8"))
    assert accepted_reason(made / "dist" / "v1.0.0") == "two annotators, and six articles: too few to say more"
    assert accepted_reason(made / "dist" / "v2.0.0") is None


def test_two_releases_are_compared(made, khabar):
    done = khabar("diff", "v1.0.0", "v2.0.0", cwd=made)

    assert done.returncode in (0, 1), done.stderr
    assert "d4e3157557b39b3a" in khabar("diff", "--json", "v1.0.0", "v2.0.0", cwd=made).stdout


def test_the_latest_release_is_reopened_with_every_answer(cleaned, khabar):
    done = khabar("reopen", "2.0.0", cwd=cleaned)
    batch = cleaned / "annotations" / "reopen-2-0-0"
    rows = manifest(cleaned / "dist" / "v2.0.0")["splits"]

    assert done.returncode == 0, done.stderr
    assert len((batch / "batch.jsonl").read_text(encoding="utf-8").splitlines()) == sum(rows["articles"].values())
    who = {json.loads(line)["who"] for line in (batch / "predictions.jsonl").read_text(encoding="utf-8").splitlines()}
    assert who >= {"a-1f0c9d27e4", "a-b83a5e6012"}


def hashes(folder):
    """The text hashes of the batches: as they were sampled, and as today's code cleans the pages."""
    project = Project(folder)
    now = {article.id: article.text_sha for article in read_articles(project)}
    items = [item for batch in project.batches() for item in read_batch(project, batch)]
    return {item.article_id: item.text_sha for item in items}, {item.article_id: now[item.article_id] for item in items}


def test_texts_of_its_batches_are_what_they_were_whatever_is_crawled_later(cleaned, khabar, tmp_path):
    then, now = hashes(cleaned)
    more = lines(
        tmp_path / "almidan" / "more.jsonl", [f"{news(n)}\nنسيم صوت الجزر البعيدة" for n in range(30)], "almidan"
    )
    for command in (("ingest", more), ("clean",)):
        assert khabar(*command, cwd=cleaned).returncode in (0, 1)
    later, grown = hashes(cleaned)

    assert len(then) > 5
    assert then == now == later == grown
    assert not [*cleaned.glob("annotations/*/basis.jsonl")]
    assert Project(cleaned).accounts("clean")[1].set_aside["recurs"] == 30


def test_a_new_batch_beside_its_batches_rests_on_counts_and_they_do_not(cleaned, khabar):
    done = khabar("sample", "--batch", "third", cwd=cleaned)
    before, after = hashes(cleaned)
    again = khabar("clean", cwd=cleaned)
    asked = khabar("clean", "--recount", "--dry-run", cwd=cleaned)

    assert done.returncode == 0, done.stderr
    assert again.returncode in (0, 1), again.stderr
    assert asked.returncode in (0, 1), asked.stderr
    assert [path.parent.name for path in cleaned.glob("annotations/*/basis.jsonl")] == ["third"]
    assert before == after
    assert hashes(cleaned) == (before, after)


@pytest.mark.xfail(
    reason="batches of 0.1 keep no account of cleaning: the card has that of the whole crawl", strict=True
)
def test_a_release_on_its_batches_is_verified_after_the_crawl_grew(cleaned, khabar, tmp_path):
    assert khabar("build", "2.1.0", cwd=cleaned).returncode == 0
    more = lines(
        tmp_path / "almidan" / "more.jsonl", [f"{news(n)}\nنسيم صوت الجزر البعيدة" for n in range(30)], "almidan"
    )
    for command in (("ingest", more), ("clean",)):
        assert khabar(*command, cwd=cleaned).returncode in (0, 1)
    done = khabar("verify", "--json", "dist/v2.1.0", cwd=cleaned)

    assert checks_of(json.loads(done.stdout))["rebuild"].startswith("done: ")


def rows_of(folder):
    """The rows of each table, whatever shards they are in."""
    return {path.relative_to(folder).as_posix(): pq.read_table(path).to_pylist() for path in folder.rglob("*.parquet")}


def test_the_stand_off_edition_and_the_pages_give_the_full_rows(made, khabar):
    done = khabar("hydrate", "standoff-v1.0.0", "--articles", "pages", "--to", "back", cwd=made)

    assert done.returncode == 0, done.stderr
    assert rows_of(made / "back") == rows_of(made / "dist" / "v2.0.0")


def test_the_next_version_is_built_on_it_and_moves_nothing(cleaned, khabar):
    before = (cleaned / "annotations" / "splits.jsonl").read_bytes()
    done = khabar("build", "2.1.0", cwd=cleaned)
    built, earlier = cleaned / "dist" / "v2.1.0", cleaned / "dist" / "v2.0.0"

    # A minor step: had a text, a span, a split or a column changed, the number would be refused.
    assert done.returncode == 0, done.stderr
    digest = hashlib.sha256((earlier / "MANIFEST.json").read_bytes()).hexdigest()
    assert manifest(built)["inputs"]["since"] == digest
    assert (cleaned / "annotations" / "splits.jsonl").read_bytes() == before
    changelog = (earlier / "CHANGELOG.md").read_text(encoding="utf-8").removeprefix("# Changelog\n\n")
    assert (built / "CHANGELOG.md").read_text(encoding="utf-8").endswith(changelog)
    said = states(khabar("verify", "--json", "dist/v2.1.0", cwd=cleaned))
    assert {name: found.split(":")[0] for name, found in said.items()} == dict.fromkeys(said, "done")
    assert "card" in said


def test_the_release_of_the_demonstration_holds_the_same_parquet(project, khabar):
    kept = json.loads((EARLIER / "demo-parquet.json").read_text(encoding="utf-8"))
    if kept["pyarrow"] != pa.__version__:
        pytest.skip(f"the hashes are those of pyarrow {kept['pyarrow']}, as constraints.txt has it")
    for name in ("demo/batch.jsonl", "demo/judgements.jsonl", "splits.jsonl"):
        (project.annotations / name).parent.mkdir(exist_ok=True)
        (project.annotations / name).write_bytes((ROOT / "annotations" / name).read_bytes())
    decisions = (EARLIER / "demo-decisions.jsonl").read_bytes()  # on all spans of an article
    (project.annotations / "demo" / "decisions.jsonl").write_bytes(decisions)
    settings = project.root / "schema" / "dataset.yaml"
    by_default = settings.read_text(encoding="utf-8")
    settings.write_text(f"{by_default}publish_authors: true\n", encoding="utf-8")  # as 3003190 always did
    for command in (("ingest", ROOT / "examples" / "articles"), ("clean",), ("build", "1.0.0")):
        done = khabar(*command, cwd=project.root)
        assert done.returncode == 0, done.stderr
    settings.write_text(by_default, encoding="utf-8")
    done = khabar("build", "1.0.1", cwd=project.root)
    assert done.returncode == 0, done.stderr
    named, nameless = (files_of(project.release(version)) for version in ("1.0.0", "1.0.1"))

    assert {path: hashlib.sha256(content).hexdigest() for path, content in named.items()} == kept["sha256"]
    assert all(path.startswith("articles/") for path in named if named[path] != nameless[path])
    rows = {path: without_authors(table) for path, table in rows_of(project.release("1.0.0")).items()}
    assert rows_of(project.release("1.0.1")) == rows


def files_of(folder):
    """The bytes of each Parquet file of a release."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.parquet")}


def without_authors(rows):
    """The rows, with null where they name an author."""
    return [row | {"author": None} if "author" in row else row for row in rows]


def test_the_version_that_is_told_is_that_of_the_code(khabar, tmp_path):
    assert khabar("--version", cwd=tmp_path).stdout == f"khabar, version {__version__}\n"


def test_judgements_as_columns_equal_plain_loops(cleaned):
    of_project(Project(cleaned))

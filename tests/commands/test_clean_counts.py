"""The counts that cleaning rests on: kept with each batch, so that its texts stay what they were, and changed on request."""

import json
import shutil
import subprocess
import sys

import pytest

from builder.commands.build import build
from builder.commands.check import check
from builder.commands.clean import clean
from builder.commands.dedup import dedup
from builder.commands.ingest import ingest
from builder.commands.sample import sample
from builder.commands.send import send
from builder.commands.verify import verify
from builder.io.hashing import sha16
from builder.io.jsonl import read_jsonl
from builder.project.annotations import read_batch
from builder.project.corpus import read_articles
from builder.project.project import Project
from builder.records import CleaningBasis, EdgeCount, KhabarError
from builder.release.publish.folder import read_manifest
from tests.builders import fresh, judge, said, snapshot
from tests.conftest import ROOT
from tests.news import news

pytestmark = pytest.mark.slow  # each test runs several commands on a project

ALWAYS = "نسيم صوت الجزر البعيدة"
RARE = [
    f"يصدر {what} عن دار الضفاف ويحرره بحارة السدر {when}"
    for what, when in zip(
        (
            "ملحق الصيد",
            "دفتر السفن",
            "باب الرحلات",
            "ركن الحكايات",
            "ديوان البحر",
            "كتاب الموانئ",
            "سجل المنارات",
            "بريد الجزر",
        ),
        (
            "صباح كل سبت",
            "مساء كل أحد",
            "في مطلع الشهر",
            "كلما عادت سفينة",
            "أيام العيد",
            "قبل الغروب",
            "بعد المطر",
            "طوال الصيف",
        ),
        strict=True,
    )
]
"""Lines below two pages each: one more page makes them recur."""
COUNT = 30


def crawl(path, texts, source="nasim"):
    """Write pages of one source as JSON Lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    records = [{"text": text, "source": source, "published_at": "2026-01-02"} for text in texts]
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
    return path


def text_of(number):
    rare = RARE[number // 2 : number // 2 + 1] if number < 2 * len(RARE) else []
    return "\n".join([news(number), *rare, ALWAYS])


PAGES = [text_of(number) for number in range(COUNT)]
MORE = "\n".join([news(900), *RARE, ALWAYS])
"""One page that makes all the rare lines recur."""


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """A project with a batch of fifteen of thirty pages, to be copied."""
    project = fresh(tmp_path_factory.mktemp("walked") / "project")
    ingest(project, [crawl(project.root / "pages" / "nasim.jsonl", PAGES)])
    clean(project)
    dedup(project)
    sample(project, "pilot", 15)
    return project.root


@pytest.fixture
def sampled(walked, tmp_path):
    return Project(shutil.copytree(walked, tmp_path / "sampled"))


@pytest.fixture
def grown(sampled):
    """The same with judgements, and one more page in its crawl, not cleaned yet."""
    judge(sampled)
    ingest(sampled, [crawl(sampled.root / "more" / "nasim.jsonl", [MORE])])
    return sampled


def texts(project):
    return {article.id: article.text for article in read_articles(project)}


def hashes(project, batch="pilot"):
    """The text hashes of a batch as sampled, and as cleaned."""
    now = {article.id: article.text_sha for article in read_articles(project)}
    items = read_batch(project, batch)
    return {item.article_id: item.text_sha for item in items}, {item.article_id: now[item.article_id] for item in items}


def clone(project, folder, pages):
    """A clone in git's manner: what git holds, and pages that are ingested again."""
    for name in ("schema", "annotations"):
        shutil.copytree(project.root / name, folder / name)
    shutil.copy2(project.root / "dataset_card.md", folder / "dataset_card.md")
    made = Project(folder)
    ingest(made, [crawl(folder / "pages" / "nasim.jsonl", pages)])
    clean(made)
    return made


def basis(project, batch="pilot"):
    (found,) = read_jsonl(project.annotations / batch / "basis.jsonl", CleaningBasis)
    return found


def test_a_line_that_recurs_goes_and_the_rest_stays(sampled):
    found = texts(sampled)

    assert len(found) == COUNT
    assert {text.count(ALWAYS) for text in found.values()} == {0}
    assert sum(line in text for text in found.values() for line in RARE) == 2 * len(RARE)


def test_a_second_run_changes_nothing(sampled):
    before = snapshot(sampled.root)
    report = clean(sampled)
    clean(sampled)
    after = snapshot(sampled.root)

    assert {name for name in before | after if before.get(name) != after.get(name)} <= {".khabar/lock"}
    assert report.counts.digest == basis(sampled).counts


def test_a_batch_keeps_the_keys_that_it_rested_on_and_no_words(sampled):
    everything = read_jsonl(sampled.work / "counts.jsonl", EdgeCount)
    kept = read_jsonl(sampled.annotations / "pilot" / "counts.jsonl", EdgeCount)
    (account, lines) = basis(sampled).accounts

    assert {*kept} < {*everything}
    assert 0 < len(kept) < 6
    assert basis(sampled).documents == tuple(sorted(item.article_id[:16] for item in read_batch(sampled, "pilot")))
    assert (account.taken, account.kept, lines.set_aside) == (COUNT, COUNT, {"recurs": COUNT})
    assert ALWAYS not in (sampled.annotations / "pilot" / "counts.jsonl").read_text(encoding="utf-8")


def test_texts_of_a_batch_do_not_move_when_the_crawl_grows(grown):
    before = {item.article_id: item.text_sha for item in read_batch(grown, "pilot")}
    rested = snapshot(grown.annotations)
    clean(grown)
    found = texts(grown)
    having = {name for name, text in found.items() if any(line in text for line in RARE)}

    assert hashes(grown) == (before, before)
    assert snapshot(grown.annotations) == rested
    assert len(having) > 0
    assert having <= before.keys()
    assert len(having) < 2 * len(RARE)


@pytest.mark.parametrize(
    "pages",
    [PAGES, PAGES[::-1], [*PAGES, MORE], [*PAGES, *(f"{news(n)}\n{RARE[n % 8]}" for n in range(500, 540))], PAGES * 2],
    ids=["the same", "in another order", "one more", "many more", "twice"],
)
def test_a_clone_gets_the_same_texts(sampled, tmp_path, pages):
    made = clone(sampled, tmp_path / "clone", pages)
    now, then = hashes(made)

    assert now == then == hashes(sampled)[0]


def test_a_clone_of_fewer_pages_gets_the_same_texts(sampled, tmp_path):
    wanted = {item.article_id for item in read_batch(sampled, "pilot")}
    raws = dict(zip(ids(), PAGES, strict=True))
    made = clone(sampled, tmp_path / "clone", [text for name, text in raws.items() if name in wanted])
    now, then = hashes(made)

    assert len(read_articles(made)) == 15
    assert str(clean(made).counts).startswith("none: too few pages of any source")
    assert now == then == hashes(sampled)[0]


def ids():
    """The ids of the articles of PAGES."""
    return [f"{sha16(text)}-0" for text in PAGES]


def test_a_second_batch_rests_on_its_own_counts(grown, tmp_path):
    clean(grown)
    dedup(grown)
    sample(grown, "second", 10)
    first, second = basis(grown), basis(grown, "second")

    assert first.counts != second.counts
    assert not {*first.documents} & {*second.documents}
    made = clone(grown, tmp_path / "clone", [*PAGES, MORE, *map(news, range(600, 610))])
    for batch in ("pilot", "second"):
        now, then = hashes(made, batch)
        assert now == then == hashes(grown, batch)[0]


# A count on request.


def test_a_dry_recount_changes_nothing_and_names_the_articles(grown):
    clean(grown)
    before = snapshot(grown.root)
    report = clean(grown, again=True, dry=True)
    after = snapshot(grown.root)
    having = {item.article_id for item in read_batch(grown, "pilot")} & {
        name for name, text in texts(grown).items() if any(line in text for line in RARE)
    }

    assert {name for name in before | after if before.get(name) != after.get(name)} <= {".khabar/lock"}
    assert said(report)["articles of batches"] == f"15, of which {len(having)} would change"
    assert {*report.recount.changed} == {*report.recount.judged} == having
    assert report.cleaned is None


def test_a_recount_refuses_to_change_judged_articles(grown):
    clean(grown)
    before, rested = texts(grown), snapshot(grown.annotations)
    with pytest.raises(KhabarError) as caught:
        clean(grown, again=True)
    (issue,) = caught.value.issues

    assert (caught.value.exit_code, issue.code) == (1, "judged")
    assert "--yes" in issue.fix
    assert texts(grown) == before
    assert snapshot(grown.annotations) == rested


def test_a_recount_of_unjudged_articles_needs_no_yes(sampled):
    ingest(sampled, [crawl(sampled.root / "more" / "nasim.jsonl", [MORE])])
    report = clean(sampled, again=True)
    now, then = hashes(sampled)

    assert now == then
    assert not any(line in text for text in texts(sampled).values() for line in RARE)
    assert report.recount.judged == ()
    assert basis(sampled).counts == read_stamp(sampled)


def read_stamp(project):
    return (project.work / "stamps" / "counts").read_text(encoding="utf-8")


def test_a_recount_with_yes_changes_texts_and_says_what_is_stale(grown, tmp_path):
    clean(grown)
    before = texts(grown)
    report = clean(grown, again=True, yes=True)
    after = texts(grown)
    changed = {name for name in before if before[name] != after[name]}
    stale = {issue.article_id for issue in check(grown).issues if issue.code == "stale-text"} or {
        issue.article_id for issue in check(grown).issues if "text" in issue.message and issue.article_id
    }

    assert changed
    assert changed <= {item.article_id for item in read_batch(grown, "pilot")}
    assert said(report)["articles of batches"] == f"15, of which {len(changed)} changed"
    assert not any(line in text for text in after.values() for line in RARE)
    assert basis(grown).counts == read_stamp(grown)
    assert stale == changed
    with pytest.raises(KhabarError) as caught:  # else `send --changed` has nothing to carry
        send(grown, "pilot", dry_run=True, progress=print)
    assert f"{len(changed)} of the 15 articles of batch pilot have another text now" in caught.value.issues[0].message
    made = clone(grown, tmp_path / "clone", PAGES)
    assert {name: text for name, text in texts(made).items() if name in hashes(grown)[0]} == {
        name: text for name, text in after.items() if name in hashes(grown)[0]
    }


def test_a_recount_may_be_repeated(grown):
    clean(grown, again=True, yes=True)
    before = snapshot(grown.root)
    report = clean(grown, again=True)
    after = snapshot(grown.root)

    assert said(report)["articles of batches"] == "15, of which 0 changed"
    assert {name for name in before | after if before.get(name) != after.get(name)} <= {".khabar/lock"}


def test_options_of_a_recount_need_it(project, khabar):
    for option in ("--yes", "--dry-run"):
        done = khabar("clean", option, cwd=project.root)

        assert done.returncode == 2
        assert "--yes and --dry-run belong to --recount" in done.stderr


# Counts of another project.


@pytest.fixture
def small(tmp_path):
    """A project of two pages."""
    made = fresh(tmp_path / "small")
    ingest(made, [crawl(made.root / "pages" / "nasim.jsonl", [f"{news(n)}\n{ALWAYS}" for n in (700, 701)])])
    return made


def test_a_small_project_has_no_counts_and_says_so(small):
    report = clean(small)

    assert str(report.counts).startswith("none: too few pages of any source")
    assert all(ALWAYS in text for text in texts(small).values())


@pytest.mark.parametrize("place", ["", ".khabar/counts.jsonl"])
def test_a_small_project_takes_the_counts_of_a_larger_one(small, sampled, khabar, place):
    done = khabar("clean", "--counts", sampled.root / place, cwd=small.root)

    assert done.returncode == 0, done.stderr
    assert not any(ALWAYS in text for text in texts(small).values())
    ingest(small, [crawl(small.root / "more" / "nasim.jsonl", [f"{news(702)}\n{ALWAYS}"])])
    clean(small)  # what was given stays
    assert not any(ALWAYS in text for text in texts(small).values())


def test_a_clone_of_a_project_with_given_counts_gets_the_same_texts(small, sampled, tmp_path):
    clean(small, given=sampled.root)
    dedup(small)
    sample(small, "pilot", 2)
    made = clone(small, tmp_path / "clone", [f"{news(n)}\n{ALWAYS}" for n in (700, 701)])

    assert hashes(made)[0] == hashes(made)[1] == hashes(small)[0]


def test_counts_that_are_not_there_are_refused(small, khabar, tmp_path):
    (tmp_path / "empty").mkdir()
    for place in ("nowhere", tmp_path / "empty"):
        done = khabar("clean", "--counts", place, cwd=small.root)

        assert done.returncode == 2
        assert "has no counts" in done.stderr
        assert "fix: name another project in which `khabar clean` ran" in done.stderr
        assert not (small.work / "given-counts.jsonl").exists()


def test_counts_of_another_profile_are_refused(small, sampled, khabar):
    set_profile(sampled, "light@1")
    clean(Project(sampled.root), again=True)
    before = snapshot(small.root)
    done = khabar("clean", "--counts", sampled.root, cwd=small.root)

    assert done.returncode == 2
    assert "these counts are of pages normalized with light@1+" in done.stderr
    assert "fix: use counts of a project with the same profile" in done.stderr
    assert {name for name, content in snapshot(small.root).items() if before.get(name) != content} <= {".khabar/lock"}


@pytest.mark.parametrize("content", ["{", '{"key": "x", "pages": 3, "profile": "PROFILE"}', "\x00"])
def test_broken_counts_are_refused(small, sampled, khabar, content):
    profile = read_jsonl(sampled.work / "counts.jsonl", EdgeCount)[0].profile
    path = small.root / "given.jsonl"
    path.write_text(content.replace("PROFILE", profile) + "\n", encoding="utf-8")
    done = khabar("clean", "--counts", "given.jsonl", cwd=small.root)

    assert done.returncode == 2
    assert "given.jsonl" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (small.work / "given-counts.jsonl").exists()


def set_profile(project, name):
    path = project.root / "schema" / "dataset.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("standard@1", name), encoding="utf-8")


def test_a_project_may_change_its_profile_after_it_sampled(grown, khabar):
    clean(grown)
    set_profile(grown, "light@1")
    done = khabar("clean", "--recount", "--yes", cwd=grown.root)
    again = khabar("clean", cwd=grown.root)

    assert done.returncode == 0, done.stderr
    assert again.returncode == 0, again.stderr


def test_counts_of_a_batch_that_are_missing_are_refused(grown, khabar):
    (grown.annotations / "pilot" / "counts.jsonl").unlink()
    refused = khabar("clean", cwd=grown.root)
    again = khabar("clean", "--recount", "--yes", cwd=grown.root)

    assert refused.returncode == 2
    assert "error[broken-counts] the counts that the texts of batch pilot rest on are missing" in refused.stderr
    assert "fix: restore the file from git, or count again with `khabar clean --recount`" in refused.stderr
    assert again.returncode == 0, again.stderr
    assert (grown.annotations / "pilot" / "counts.jsonl").exists()


@pytest.mark.parametrize("name", ["counts.jsonl", "basis.jsonl"])
def test_what_a_batch_rests_on_is_named_where_it_is_broken(grown, khabar, name):
    path = grown.annotations / "pilot" / name
    path.write_bytes(b"<<<<<<< HEAD\n" + path.read_bytes())
    done = khabar("clean", cwd=grown.root)

    assert done.returncode == 2
    assert f"annotations/pilot/{name}:1: error[record] not a" in done.stderr
    assert "fix: restore the line from git" in done.stderr


def test_a_dry_recount_does_not_keep_given_counts(small, sampled, khabar):
    clean(small)
    before = snapshot(small.root)
    done = khabar("clean", "--counts", sampled.root, "--recount", "--dry-run", cwd=small.root)

    assert done.returncode in (0, 2), done.stderr
    assert {name for name, content in snapshot(small.root).items() if before.get(name) != content} <= {".khabar/lock"}


# Releases.


def rebuilt(project, version="1.0.0"):
    folder = str(project.release(version))
    return said(verify(project, folder, base=project.root, rehearse=False, progress=lambda _: None))["rebuild"]


def test_an_older_release_is_verified_after_the_crawl_grew(sampled):
    judge(sampled)
    build(sampled, "1.0.0", accept="a test")
    assert rebuilt(sampled).startswith("done: ")

    ingest(sampled, [crawl(sampled.root / "more" / "nasim.jsonl", [MORE, *map(news, range(800, 830))])])
    clean(sampled)
    assert "byte for byte" in rebuilt(sampled)
    dedup(sampled)
    assert "byte for byte" in rebuilt(sampled)
    assert rebuilt(sampled).startswith("done: ")


def test_the_manifest_names_the_counts(sampled):
    judge(sampled)
    build(sampled, "1.0.0", accept="a test")
    first = read_manifest(sampled.release("1.0.0")).inputs["counts"]
    ingest(sampled, [crawl(sampled.root / "more" / "nasim.jsonl", [MORE])])
    clean(sampled, again=True, yes=True)
    judge(sampled)
    build(sampled, "2.0.0", accept="a test")

    assert len(first) == 64
    assert read_manifest(sampled.release("2.0.0")).inputs["counts"] not in ("", first)


def test_a_project_of_few_pages_builds_and_verifies(small):
    clean(small)
    dedup(small)
    sample(small, "pilot", 2)
    judge(small)
    build(small, "1.0.0", accept="a test")

    assert rebuilt(small).startswith("done: ")


# Kills.


KILLED = """
import contextlib, os, signal, sys
from pathlib import Path
import builder.io.jsonl as jsonl
from builder.commands.clean import clean
from builder.commands.sample import sample
from builder.project.project import Project
root, verb, name, when = sys.argv[1:]
write = jsonl.atomic_write
@contextlib.contextmanager
def dying(path, *given, **options):
    if path.name == name and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    with write(path, *given, **options) as out:
        yield out
    if path.name == name:
        os.kill(os.getpid(), signal.SIGKILL)
jsonl.atomic_write = dying
project = Project(Path(root))
sample(project, "pilot", 15) if verb == "sample" else clean(project, again=True, yes=True)
"""


def refusal(project):
    """The codes of what `clean` refuses, or nothing."""
    try:
        clean(project)
    except KhabarError as refused:
        return [issue.code for issue in refused.issues]
    return []


def killed(project, verb, name, when):
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(project.root), verb, name, when], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == -9, done.stderr


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("name", ["counts.jsonl", "basis.jsonl", "batch.jsonl"])
def test_a_sample_that_was_killed_is_made_again(sampled, name, when):
    whole = snapshot(sampled.annotations)
    shutil.rmtree(sampled.annotations / "pilot")
    killed(sampled, "sample", name, when)
    clean(sampled)
    sample(sampled, "pilot", 15)

    assert snapshot(sampled.annotations) == whole


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("name", ["counts.jsonl", "basis.jsonl"])
def test_a_recount_that_was_killed_is_made_again(grown, tmp_path, name, when):
    clean(grown)
    whole = Project(shutil.copytree(grown.root, tmp_path / "whole"))
    clean(whole, again=True, yes=True)
    killed(grown, "clean", name, when)
    codes = refusal(grown)
    assert codes in ([], ["broken-counts"])  # between the two files; nothing is lost, and the counts are made again
    if not codes:
        found = {*hashes(grown)[1].items()}
        assert found <= {*hashes(whole)[0].items(), *hashes(whole)[1].items(), *hashes(grown)[0].items()}
    clean(grown, again=True, yes=True)

    assert snapshot(grown.annotations) == snapshot(whole.annotations)
    assert texts(grown) == texts(whole)
    with pytest.raises(KhabarError, match="have another text now"):
        send(grown, "pilot", dry_run=True, progress=print)


def test_a_count_that_was_killed_is_made_again(grown, tmp_path):
    whole = Project(shutil.copytree(grown.root, tmp_path / "whole"))
    clean(whole)
    killed(grown, "clean", "counts.jsonl", "after")
    clean(grown)

    assert (grown.work / "counts.jsonl").read_bytes() == (whole.work / "counts.jsonl").read_bytes()
    assert texts(grown) == texts(whole)


def test_counts_of_a_batch_that_a_merge_changed_are_refused(grown, khabar):
    """Emptied, cut, doubled, or left without the file that says what they are: no text moves without a word."""
    counts, basis = (grown.annotations / "pilot" / name for name in ("counts.jsonl", "basis.jsonl"))
    kept = {path: path.read_bytes() for path in (counts, basis)}
    lines = kept[counts].splitlines(keepends=True)
    for path, content in ((counts, b""), (counts, b"".join(lines[:-1])), (basis, b""), (basis, kept[basis] * 2)):
        path.write_bytes(content)
        done = khabar("clean", cwd=grown.root)

        assert done.returncode == 2, content
        assert "error[broken-" in done.stderr
        assert "count again with `khabar clean --recount`" in done.stderr
        path.write_bytes(kept[path])


def test_a_recount_without_all_pages_is_refused(sampled, tmp_path, khabar):
    """What is not here cannot be counted on: the batch keeps what its texts rest on."""
    made = clone(sampled, tmp_path / "clone", [text_of(0)])
    before = snapshot(made.annotations)
    done = khabar("clean", "--recount", "--yes", cwd=made.root)

    assert done.returncode == 2
    assert "error[no-documents] " in done.stderr
    assert "documents of batch pilot are not in this project" in done.stderr
    assert snapshot(made.annotations) == before


def test_texts_that_another_rule_moves_are_named(sampled, khabar):
    rules = sampled.root / "schema" / "boilerplate.yaml"
    own = "sources:\n  nasim:\n    off: []\n    lines:\n      - id: first\n        match: '^.'\n        max_length: 90000\n"
    own += "        position: head\n        examples: {matches: [a], leaves: ['']}\n"
    rules.write_text(rules.read_text(encoding="utf-8").replace("sources: {}\n", own), encoding="utf-8")
    done = khabar("clean", cwd=sampled.root)

    assert done.returncode == 0, done.stderr
    assert "warning[text-moved] 15 articles of batches have another text than they were sampled with" in done.stderr


def test_a_file_that_is_none_of_counts_is_one_fault(small):
    """Whatever its lines are: one line of the report, not one for each of them."""
    (small.root / "notes.txt").write_text("سطر\n" * 2_000, encoding="utf-8")

    with pytest.raises(KhabarError) as refused:
        clean(small, given=small.root / "notes.txt")
    (issue,) = refused.value.issues
    assert (issue.code, issue.message) == ("broken-counts", "2000 lines of this file are no counts")
    with pytest.raises(KhabarError, match="the project's own counts"):
        clean(small, given=small.root)

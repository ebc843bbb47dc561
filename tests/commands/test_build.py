"""The command `build`: splits, agreement floors, versions and editions."""

import json
import re

import pytest

from builder.annotation.agreement.matching import SPAN_F1
from builder.commands.build import build
from builder.commands.clean import clean
from builder.commands.ingest import ingest
from builder.commands.sample import sample
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.project import release_inputs
from builder.project.cleaning import keep_basis
from builder.project.corpus import profile_of, read_articles, read_documents
from builder.project.project import Project
from builder.records import BatchItem, Judgement, KhabarError, SplitAssignment, Takedown
from builder.release.publish.folder import read_manifest
from builder.release.publish.readback import read_folder
from builder.release.publish.readback_client import Job
from tests.builders import judge, kept, said, snapshot, walk, with_floor
from tests.conftest import ROOT
from tests.editions import build_redacted, make_project, tables


@pytest.mark.slow
def test_failed_write_keeps_the_split_ledger(project, khabar):
    walk(project, [ROOT / "examples" / "articles"])
    judge(project)
    (project.root / "dist").write_text("in the way")

    done = khabar("build", "1.0.0", cwd=project.root)

    assert done.returncode == 2
    assert done.stderr.startswith(f"{project.root / 'dist'}: error[system] File exists\n")
    assert len((project.annotations / "splits.jsonl").read_text().splitlines()) == 30


@pytest.mark.slow
def test_articles_keep_their_splits(project):
    walk(project, [ROOT / "examples" / "articles"], size=12)
    judge(project)
    build(project, "1.0.0")
    first = {a.article_id: a.split for a in release_inputs.load_release_inputs(project).ledger}
    sample(project, "second", 12)
    judge(project, "second")

    build(project, "1.1.0")

    later = {a.article_id: a.split for a in release_inputs.load_release_inputs(project).ledger}
    assert first.items() <= later.items()
    assert len(later) == 24


@pytest.mark.slow
def test_project_without_a_batch_is_refused(project):
    ingest(project, [ROOT / "examples" / "articles"])
    clean(project)

    with pytest.raises(KhabarError, match="no batch was sampled") as caught:
        build(project, "1.0.0")

    assert caught.value.exit_code == 1


@pytest.mark.slow
def test_fresh_clone_builds_from_kept_judgements(project):
    source = ROOT / "annotations"
    (project.annotations / "demo").mkdir()
    for name in ("batch", "judgements", "decisions"):
        (project.annotations / "demo" / f"{name}.jsonl").write_bytes((source / "demo" / f"{name}.jsonl").read_bytes())
    ingest(project, [ROOT / "examples" / "articles"])
    clean(project)

    report = build(project, "1.0.0")

    assert (project.annotations / "splits.jsonl").read_bytes() == (source / "splits.jsonl").read_bytes()
    assert report.rows["entities"] == {"train": 21, "validation": 4, "test": 4}


def longest(project, split, ledger):
    return max((a for a in read_articles(project) if ledger.get(a.id) == split), key=lambda a: len(a.text))


@pytest.mark.slow
def test_article_that_bridges_splits_is_left_out(project, tmp_path):
    ledger = kept(project)
    build(project, "1.0.0")
    before = (project.annotations / "splits.jsonl").read_bytes()
    train, test = (longest(project, split, ledger) for split in ("train", "test"))
    page = {"source": "صدى المرفأ", "title": None, "text": f"{train.text}\n{test.text}"}
    (tmp_path / "bridge.jsonl").write_text(json.dumps(page, ensure_ascii=False), encoding="utf-8")
    ingest(project, [tmp_path / "bridge.jsonl"])
    clean(project)
    (bridge,) = (a for a in read_articles(project) if train.text[:40] in a.text and test.text[:40] in a.text)
    item = BatchItem("more", bridge.id, bridge.text_sha, bridge.id, "صدى المرفأ")
    keep_basis(project, "more", [item])
    write_jsonl(project.annotations / "more" / "batch.jsonl", [item])

    report = build(project, "1.1.0")

    (issue,) = report.issues
    assert issue.message.startswith(
        f"article {bridge.id} stays out of the release: its group bridges train and test, as "
    )
    assert (project.annotations / "splits.jsonl").read_bytes() == before
    (account,) = (one for one in report.accounts if one.unit == "articles in articles")
    assert account.set_aside == {"its group bridges train and test": 1}
    assert account.kept == len(ledger)


def test_similar_articles_in_two_splits_stop_a_build(project, tmp_path):
    ledger = kept(project)
    old = longest(project, "train", ledger)
    page = {"source": "صدى المرفأ", "title": None, "text": f"{old.text}\nزيادة في آخر النص."}
    (tmp_path / "copy.jsonl").write_text(json.dumps(page, ensure_ascii=False), encoding="utf-8")
    ingest(project, [tmp_path / "copy.jsonl"])
    clean(project)
    (copy,) = (a for a in read_articles(project) if a.text.startswith(old.text[:80]) and a.id != old.id)
    item = BatchItem("more", copy.id, copy.text_sha, copy.id, "ص")
    keep_basis(project, "more", [item])
    write_jsonl(project.annotations / "more" / "batch.jsonl", [item])
    build(project, "1.0.0")
    found = {one.article_id: one.split for one in read_jsonl(project.annotations / "splits.jsonl", SplitAssignment)}
    assert found == ledger | {copy.id: "train"}

    moved = sorted({**found, copy.id: "test"}.items())
    write_jsonl(project.annotations / "splits.jsonl", [SplitAssignment(*pair) for pair in moved])
    with pytest.raises(KhabarError) as caught:
        build(project, "2.0.0")

    messages = [issue.message for issue in caught.value.issues]
    assert any("train" in m and "test" in m and old.id in m and copy.id in m for m in messages)
    assert caught.value.exit_code == 1
    assert not project.release("2.0.0").exists()


def card_of(project):
    return (project.release("1.0.0") / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_low_agreement_stops_a_build(annotated):
    build(annotated, "1.0.0")
    before = card_of(annotated)
    strict = with_floor(annotated, 0.99)
    figure = next(
        f for f in release_inputs.load_release_inputs(strict).agreement if (f.measure, f.label) == (SPAN_F1, "all")
    )

    with pytest.raises(KhabarError) as caught:
        build(strict, "1.0.0")

    assert caught.value.exit_code == 1
    (issue,) = caught.value.issues
    assert issue.message.startswith(f"{SPAN_F1}: {figure.value:.3f} (95 % interval ")
    assert issue.message.endswith("is below the floor of 0.99")
    assert "--accept-low-agreement" in issue.fix
    assert card_of(strict) == before


@pytest.mark.slow
def test_accepted_low_agreement_is_on_the_card(annotated):
    build(annotated, "1.0.0")
    plain = card_of(annotated)
    strict = with_floor(annotated, 0.99)

    report = build(strict, "1.0.0", accept="a pilot <b> | of new annotators")
    accepted = card_of(strict)
    again = with_floor(annotated, 0.5)
    build(again, "1.0.0")

    assert said(report)["agreement"] == "1 floor not reached, and the card says why"
    assert "**Agreement does not reach the floors that were set for this dataset.**" in accepted
    assert "is below the floor of 0.99 (batch all)." in accepted
    assert "\n> a pilot &lt;b> \\| of new annotators\n" in accepted
    assert "floor" not in plain
    assert card_of(again) == plain


@pytest.mark.slow
def test_reason_without_low_agreement_is_not_on_the_card(annotated):
    report = build(annotated, "1.0.0", accept="in case")

    assert said(report)["agreement"] == "reaches its floors: nothing to accept"
    assert "in case" not in card_of(annotated)
    assert json.loads((annotated.release("1.0.0") / "facts.json").read_text(encoding="utf-8"))["accepted"] == ""


@pytest.mark.slow
def test_undefined_agreement_stops_a_build(annotated):
    path = annotated.annotations / "demo" / "judgements.jsonl"
    judgements = read_jsonl(path, Judgement)
    write_jsonl(path, [j for j in judgements if j.annotator == judgements[0].annotator])

    with pytest.raises(KhabarError) as caught:
        build(annotated, "1.0.0")

    assert caught.value.exit_code == 1
    assert [issue.message.split(": ", 1)[1].split(" (")[0] for issue in caught.value.issues] == ["undefined"] * 2


@pytest.mark.slow
def test_low_agreement_on_the_command_line(annotated, khabar):
    strict = with_floor(annotated, 0.99)

    refused = khabar("build", "1.0.0", cwd=strict.root)
    built = khabar("build", "1.0.0", "--accept-low-agreement", "a pilot", cwd=strict.root)

    assert refused.returncode == 1
    assert "error[below-floor]" in refused.stderr
    assert built.returncode == 0, built.stderr
    assert "> a pilot" in card_of(strict)


@pytest.mark.slow
def test_more_articles_are_a_minor_change(two_releases):
    manifest = read_manifest(two_releases.release("1.1.0"))
    text = (two_releases.release("1.1.0") / "CHANGELOG.md").read_text(encoding="utf-8")

    assert len(manifest.inputs["since"]) == 64
    assert "since" not in read_manifest(two_releases.release("1.0.0")).inputs
    assert text.startswith("# Changelog\n\n## 1.1.0\n\nSince 1.0.0:\n\n- 6 articles added (")
    assert "\n## 1.0.0\n" in text


@pytest.mark.slow
def test_rebuilt_version_has_the_same_bytes(two_releases):
    before = snapshot(two_releases.root / "dist"), (two_releases.annotations / "releases.jsonl").read_bytes()
    build(two_releases, "1.1.0")

    assert (snapshot(two_releases.root / "dist"), (two_releases.annotations / "releases.jsonl").read_bytes()) == before


@pytest.mark.slow
def test_too_small_a_version_writes_nothing(two_releases):
    path = two_releases.annotations / "pilot" / "judgements.jsonl"
    judgements = read_jsonl(path, Judgement)
    write_jsonl(path, [one for one in judgements if one.annotator != "a-2"])
    before = snapshot(two_releases.annotations), snapshot(two_releases.root / "dist")
    with pytest.raises(KhabarError) as caught:
        build(two_releases, "1.2.0")

    (issue,) = caught.value.issues
    assert caught.value.exit_code == 2
    assert issue.message.startswith("1.2.0 requires a major version bump from 1.1.0: ")
    assert " rows removed" in issue.message
    assert issue.fix == "build 2.0.0, or any higher version; `khabar diff` shows each change"
    assert (snapshot(two_releases.annotations), snapshot(two_releases.root / "dist")) == before


@pytest.mark.slow
def test_since_names_another_release(two_releases):
    build(two_releases, "3.0.0", since="dist/v1.0.0")
    text = (two_releases.release("3.0.0") / "CHANGELOG.md").read_text(encoding="utf-8")

    assert text.startswith("# Changelog\n\n## 3.0.0\n\nSince 1.0.0:\n")


@pytest.mark.slow
def test_since_on_the_command_line(two_releases, khabar):
    here = khabar("build", "1.1.1", "--since", "../dist/v1.1.0", cwd=two_releases.root / "schema")
    done = khabar("build", "1.1.2", "--since", "nowhere", cwd=two_releases.root)

    assert here.returncode == 0, here.stderr
    assert done.returncode == 2
    assert "'nowhere' is not a release" in done.stderr


@pytest.mark.slow
def test_changelog_counts_takedowns_by_reason(two_releases):
    removed = json.loads(
        (two_releases.annotations / "second" / "batch.jsonl").read_text(encoding="utf-8").splitlines()[0]
    )
    remaining = (two_releases.annotations / "second" / "batch.jsonl").read_text(encoding="utf-8").splitlines()[1:]
    (two_releases.annotations / "second" / "batch.jsonl").write_text("\n".join(remaining) + "\n", encoding="utf-8")
    write_jsonl(
        two_releases.annotations / "takedowns.jsonl", [Takedown(removed["article_id"], "the owner asked for it")]
    )
    build(two_releases, "2.0.0")
    text = (two_releases.release("2.0.0") / "CHANGELOG.md").read_text(encoding="utf-8")

    assert "- 1 article taken down: the owner asked for it.\n" in text
    assert removed["article_id"] not in text


def words(text):
    return re.findall(r"\w+", re.sub(r"https?://\S+", " ", text))


def five_word_runs(text):
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


@pytest.mark.slow
def test_standoff_files_hold_no_five_words_of_a_text(editions):
    full, standoff = editions
    runs = set()
    for article in read_articles(full):
        runs |= five_word_runs(article.text)
    rows = [row for table in tables(standoff.release("1.0.0")).values() for row in table.to_pylist()]
    published = [one for row in rows for one in every_string(row)]
    published += [
        path.read_text(encoding="utf-8")
        for path in standoff.release("1.0.0").rglob("*")
        if path.is_file() and path.suffix != ".parquet"
    ]

    assert len(runs) > 1000
    assert sum(map(len, published)) > 10_000
    assert not [five for text in published for five in five_word_runs(text) & runs]
    in_full = [one for table in tables(full.release("1.0.0")).values() for row in table.to_pylist() for one in every_string(row)]  # fmt: skip
    assert [five for text in in_full for five in five_word_runs(text) & runs]


@pytest.mark.slow
def test_load_dataset_reads_a_standoff_release(editions):
    folder = editions[1].release("1.0.0")
    release = read_manifest(folder)
    outcome = read_folder(Job(str(folder), release.repo_id, "1.0.0", release.files))

    assert release.edition == "standoff"
    assert outcome.findings == ()
    assert outcome.trouble == ""
    assert outcome.rows == {c: {s: n for s, n in of.items() if n} for c, of in release.splits.items()}


@pytest.mark.slow
def test_quote_on_a_standoff_card_stops_a_build(editions, tmp_path):
    project = make_project(tmp_path / "project", "standoff")
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


@pytest.mark.slow
def test_remark_that_quotes_is_removed_and_counted(tmp_path):
    def quoting(project):
        article = read_articles(project)[0]
        for one in read_articles(project):
            if (project.annotations / "pilot" / "batch.jsonl").read_text().count(one.id):
                article = one
        return "قال: " + re.search(r"\w+(?: \w+){4}", article.text)[0]

    project = make_project(tmp_path / "project", "standoff", [quoting, "لست واثقا"])
    done = build(project, "1.0.0")

    remarks = [row["remark"] for (c, _), t in tables(project.release("1.0.0")).items() if c == "annotations" for row in t.to_pylist()]  # fmt: skip
    account = next(a for a in done.accounts if a.unit == "names and remarks in the stand-off edition")
    assert remarks.count(None) == 1
    assert remarks.count("لست واثقا") == 1
    assert account.set_aside == {"quotes an article": 1}


@pytest.mark.slow
def test_standoff_card_says_what_it_protects(tmp_path):
    project = make_project(tmp_path / "project", "standoff")
    card = project.root / "dataset_card.md"
    card.write_text(card.read_text(encoding="utf-8").replace("{{edition}}", "Words."), encoding="utf-8")

    with pytest.raises(KhabarError, match="the card must say what a stand-off edition protects and what it does not"):
        build(project, "1.0.0")


@pytest.mark.slow
def test_other_edition_is_a_major_change(tmp_path):
    project = make_project(tmp_path / "project", "full")
    build(project, "1.0.0")
    settings = project.root / "schema" / "dataset.yaml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("text: full\n", "text: standoff\n"), encoding="utf-8")  # fmt: skip
    project = Project(project.root)

    with pytest.raises(KhabarError, match=r"requires a major version bump from 1.0.0: 9 columns changed"):
        build(project, "1.1.0")
    build(project, "2.0.0")

    assert read_manifest(project.release("2.0.0")).edition == "standoff"


@pytest.mark.slow
def test_raw_offsets_hold_after_a_redaction(tmp_path, personal):
    project, _ = build_redacted(tmp_path / "full", personal, "full")
    raws = {document.id: document.raw for document in read_documents(project)}
    fold = profile_of(project).apply
    rows = [row for (config, _), table in tables(project.release("1.0.0")).items() if config == "entities" for row in table.to_pylist()]  # fmt: skip
    spans = [(raws[row["id"].split("-")[0]], row["text"], span) for row in rows for span in row["spans"]]

    assert sum("REDACTED" in text[: span["start"]] for _, text, span in spans) > 20
    for raw, text, span in spans:
        assert text[span["start"] : span["end"]] == span["text"]
        assert fold(raw[span["raw_start"] : span["raw_end"]]).text == span["text"]

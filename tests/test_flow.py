"""The road without a server: each verb twice, and what it leaves behind."""

import json
from dataclasses import replace

import pytest

from builder.annotation.simulate import parse_knowledge, simulate_answer
from builder.commands.adjudicate import adjudicate
from builder.commands.agree import agree
from builder.commands.build import build
from builder.commands.check import check
from builder.commands.clean import clean
from builder.commands.dedup import dedup
from builder.commands.ingest import ingest
from builder.commands.init import init
from builder.commands.sample import sample
from builder.commands.send import send
from builder.commands.status import STAGES
from builder.io.hashing import sha16
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.project import groups, release_inputs
from builder.project.annotations import batch_name, read_batch
from builder.project.batches import batch_article_ids
from builder.project.corpus import read_articles, read_documents
from builder.project.project import Project
from builder.records import BatchItem, Decision, Judgement, KhabarError, Stance
from builder.text.aligned import unpack_edits
from tests.conftest import ROOT, SHARED

pytestmark = pytest.mark.slow  # each walks a project through several verbs

KNOWLEDGE = parse_knowledge((ROOT / "examples" / "simulation.yaml").read_text(encoding="utf-8"))


def walk(project, paths, size=None):
    ingest(project, paths)
    clean(project)
    sample(project, "pilot", size)


def judge(project, batch="pilot"):
    """Simulated judgements, straight into the file that collect writes."""
    schema = project.schema
    articles = {a.id: a for a in read_articles(project)}
    judgements = []
    for item in read_jsonl(project.annotations / batch / "batch.jsonl", BatchItem):
        for number in range(3):
            said = simulate_answer(articles[item.article_id], KNOWLEDGE, schema.labels, number, 13)
            judgements.append(Judgement(
                item.article_id, item.text_sha, batch, f"a-{number}", said.spans, said.stances,
                "skipped" if said.skipped else "submitted", said.seconds, "2026-01-01T00:00:00Z",
                "2026-01-01T00:00:00Z", schema.guideline_version, schema.label_hash, 1, len(judgements),
            ))  # fmt: skip
    write_jsonl(project.annotations / batch / "judgements.jsonl", judgements)


def snapshot(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_every_verb_can_be_run_twice_with_the_same_result(project):
    examples = [ROOT / "examples" / "articles"]
    walk(project, examples)
    judge(project)
    check(project)
    agree(project)
    adjudicate(project)
    build(project, "1.0.0")
    before = {
        k: v for k, v in snapshot(project.root).items() if "accounts/ingest" not in k and "set_aside/ingest" not in k
    }

    again = ingest(project, examples)
    clean(project)
    dedup(project)
    sample(project, "pilot", None)
    agree(project)
    adjudicate(project)
    build(project, "1.0.0")

    assert again.accounts[0].kept == 0
    after = {k: v for k, v in snapshot(project.root).items() if k in before}
    assert after == before


def test_every_account_of_the_road_balances(project):
    walk(project, [ROOT / "examples" / "articles"])
    judge(project)
    adjudicate(project)
    build(project, "1.0.0")

    accounts = [account for stage in STAGES for account in project.accounts(stage)]

    assert {account.stage for account in accounts} >= {
        "ingest",
        "clean",
        "dedup",
        "sample",
        "check",
        "adjudicate",
        "build",
    }
    assert all(account.balanced for account in accounts)


def test_what_was_set_aside_can_be_shown(project, khabar):
    done = khabar("ingest", "-v", ROOT / "examples" / "articles", cwd=project.root)
    cleaned = khabar("clean", "--json", cwd=project.root)

    assert "articles/sahel-news/12.txt: empty" in done.stdout
    assert [one["reason"] for one in json.loads(cleaned.stdout)["set_aside"]] == ["no body"]


def test_the_same_articles_in_another_order_give_the_same_release(project, tmp_path):
    init(tmp_path / "other", card=str)
    other = Project(tmp_path / "other")
    folders = sorted((ROOT / "examples" / "articles").iterdir())
    walk(project, folders)
    walk(other, folders[::-1])
    judge(project)
    judge(other)

    build(project, "1.0.0")
    build(other, "1.0.0")

    assert snapshot(project.release("1.0.0")) == snapshot(other.release("1.0.0"))


def test_a_change_of_the_rules_makes_later_verbs_ask_for_clean(project):
    walk(project, [ROOT / "examples" / "articles"])
    rules = project.root / "schema" / "boilerplate.yaml"
    rules.write_text(rules.read_text().replace("version: 1", "version: 2"))

    with pytest.raises(KhabarError, match="changed since the last `khabar clean`"):
        dedup(Project(project.root))


def test_a_copy_of_an_article_of_an_earlier_batch_is_not_chosen_though_its_id_sorts_first(project, tmp_path):
    walk(project, [ROOT / "examples" / "articles"], size=1)
    (item,) = read_batch(project, "pilot")
    text = next(a.text for a in read_articles(project) if a.id == item.article_id)
    for number in range(200):
        copy = f"{text}\n{number}"
        if sha16(copy) < item.group_id:
            break
    (tmp_path / "copy.txt").write_text(copy, encoding="utf-8")
    ingest(project, [tmp_path / "copy.txt"])
    clean(project)

    sample(project, "second", 100)

    ids = [article.id for article in read_articles(project)]
    group_of = {group.article_id: group.group_id for group in groups.groups_for(project, ids)}
    assert group_of[item.article_id] == group_of[f"{sha16(copy)}-0"] == item.group_id
    assert item.group_id not in {one.group_id for one in read_batch(project, "second")}


def test_of_several_batches_one_must_be_named(project):
    walk(project, [ROOT / "examples" / "articles"], size=2)
    sample(project, "second", 2)

    assert batch_name(project, "pilot") == "pilot"
    with pytest.raises(KhabarError, match="there are 2 batches: pilot, second"):
        batch_name(project, None)


def test_a_release_that_cannot_be_written_leaves_its_ledger(project, khabar):
    walk(project, [ROOT / "examples" / "articles"])
    judge(project)
    (project.root / "dist").write_text("in the way")

    done = khabar("build", "1.0.0", cwd=project.root)

    assert done.returncode == 2
    assert done.stderr.startswith(f"{project.root / 'dist'}: error[system] File exists\n")
    assert len((project.annotations / "splits.jsonl").read_text().splitlines()) == 30


def test_a_batch_whose_texts_changed_is_not_sent(project):
    walk(project, [ROOT / "examples" / "articles"])
    batch = project.annotations / "pilot" / "batch.jsonl"
    items = read_jsonl(batch, BatchItem)
    changed = [replace(items[0], text_sha="0" * 16), replace(items[1], article_id="nowhere-0"), *items[2:]]
    write_jsonl(batch, changed)

    with pytest.raises(KhabarError) as caught:
        send(project, "pilot", dry_run=True, progress=print)

    assert [issue.message for issue in caught.value.issues] == [
        "1 of the 30 articles of batch pilot are not in this project, such as nowhere-0",
        f"1 of the 30 articles of batch pilot have another text now, such as {items[0].article_id}",
    ]


def test_an_article_keeps_its_split_when_more_are_annotated(project):
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


def test_a_decision_settles_a_dispute(project):
    walk(project, [ROOT / "examples" / "articles"])
    judge(project)
    adjudicate(project)
    disputes = [json.loads(line) for line in (project.work / "disputes.jsonl").read_text().splitlines()]
    dispute = next(d for d in disputes if d["what"].startswith("stance:"))
    article = next(a for a in read_articles(project) if a.id == dispute["article_id"])
    stance = Stance(dispute["what"].removeprefix("stance:"), "neutral")
    decision = Decision(article.id, article.text_sha, "lead", None, (stance,))
    write_jsonl(project.annotations / "pilot" / "decisions.jsonl", [decision])

    adjudicate(project)

    left = [json.loads(line) for line in (project.work / "disputes.jsonl").read_text().splitlines()]
    assert dispute not in left
    assert len(left) == len(disputes) - 1


def test_agreement_below_a_floor_is_a_finding(project):
    walk(project, [ROOT / "examples" / "articles"])
    judge(project)
    settings = project.root / "schema" / "dataset.yaml"
    settings.write_text(settings.read_text().replace("span_f1: 0.5", "span_f1: 0.999"))

    report = agree(Project(project.root))

    assert report.exit_code == 1
    assert "below the floor of 0.999" in report.issues[0].message


def test_a_project_without_annotation_has_nothing_to_build(project):
    ingest(project, [ROOT / "examples" / "articles"])
    clean(project)

    with pytest.raises(KhabarError, match="no batch was sampled") as caught:
        build(project, "1.0.0")

    assert caught.value.exit_code == 1


def test_the_prose_of_a_new_project_is_left_to_write(tmp_path):
    init(tmp_path / "mine", repo_id="me/mine")
    project = Project(tmp_path / "mine")
    walk(project, [ROOT / "examples" / "articles"])
    judge(project)

    with pytest.raises(KhabarError, match="this part is not written yet: what this dataset is") as caught:
        build(project, "1.0.0")

    assert project.schema.dataset.repo_id == "me/mine"
    assert "annotations_creators" in str(caught.value)
    assert not project.release("1.0.0").exists()


def test_a_fresh_clone_builds_the_release_from_the_kept_judgements(project):
    kept = ROOT / "annotations"
    (project.annotations / "demo").mkdir()
    for name in ("batch", "judgements", "decisions"):
        (project.annotations / "demo" / f"{name}.jsonl").write_bytes((kept / "demo" / f"{name}.jsonl").read_bytes())
    ingest(project, [ROOT / "examples" / "articles"])
    clean(project)

    report = build(project, "1.0.0")

    assert (project.annotations / "splits.jsonl").read_bytes() == (kept / "splits.jsonl").read_bytes()
    assert report.facts["entities"].startswith("train ")


@pytest.mark.shared
def test_a_real_scraped_page_goes_the_whole_road(project):
    scraped = SHARED / "articles" / "scraped-000.txt"
    gold = json.loads((SHARED / "articles" / "scraped-000.gold.json").read_text(encoding="utf-8"))
    walk(project, [scraped])
    judge(project)
    adjudicate(project)
    build(project, "1.0.0", accept="one page says too little of agreement")
    articles = {a.part: a for a in read_articles(project)}
    raw = read_documents(project)[0].raw

    assert sorted(articles) == [0, 1]
    drops = {(d.start, d.end): d for a in articles.values() for d in a.drops}
    for line in gold["lines"]:
        place, label = (line["start"], line["end"]), line["label"]
        if label.startswith("body_article"):
            text = line["text"].strip().replace("\N{ARABIC FATHATAN}", "").replace("\N{ARABIC SHADDA}", "")
            article = articles[int(label[-1]) - 1]
            start = article.text.index(text)
            raw_start, raw_end = unpack_edits(article.text, raw, article.edits).raw_span(start, start + len(text))
            assert raw[raw_start:raw_end] == line["text"].strip()
        elif label != "blank":
            assert drops[place].rule
    assert [d.extracted for d in articles[0].drops if d.extracted] == [{"source_name": gold["source_name"]}]
    assert articles[1].title == next(x["text"] for x in gold["lines"] if x["label"] == "article_2_headline")
    links = [drops[x["start"], x["end"]].rule for x in gold["lines"] if x["label"] == "link_list_item"]
    assert len(links) == 10


def test_what_the_gold_knows_least_about_comes_next_with_its_reasons(project, khabar):
    walk(project, [ROOT / "examples" / "articles"], size=12)
    early = khabar("sample", "--next", "--batch", "second", cwd=project.root)
    judge(project)
    report = sample(project, "second", 5, by_gold=True)
    folder = project.annotations / "second"
    why = [json.loads(line) for line in (folder / "next.jsonl").read_text(encoding="utf-8").splitlines()]

    assert (early.returncode, (project.annotations / "second" / "batch.jsonl").exists()) == (1, True)
    assert "there is no gold to learn from" in early.stderr
    assert [one["article_id"] for one in why] == [item.article_id for item in read_batch(project, "second")]
    assert len(why) == 5
    assert all(0 <= one["score"] <= 1 and one["parts"] for one in why)
    assert {*batch_article_ids(project)} >= {one["article_id"] for one in why}
    assert report.facts["why"] == str(folder / "next.jsonl")
    assert report.accounts[1].set_aside["in an earlier batch"] == 12

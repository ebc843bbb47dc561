"""The command `import`: published sets become batches."""

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from builder.commands.adjudicate import adjudicate
from builder.commands.agree import agree
from builder.commands.build import build
from builder.commands.check import check
from builder.commands.import_ import import_set
from builder.io.jsonl import read_jsonl
from builder.project.corpus import read_articles, read_documents
from builder.project.project import Project
from builder.project.stages.states import next_step, states
from builder.records import (
    Decision,
    Dispute,
    ImportedSet,
    Judgement,
    KhabarError,
    NextStep,
    PublishedText,
    SplitAssignment,
)
from builder.release.exports.conll import read_wojood
from builder.release.publish.folder import read_manifest
from builder.release.verification.content import read_content
from builder.release.verification.rows import alike
from builder.text.aligned import unpack_edits
from tests.builders import snapshot
from tests.conftest import ROOT, SHARED
from tests.published import AQMAR, LABELS, PRESS, no_floors, put
from tests.tampering import messages, recheck

pytestmark = pytest.mark.slow  # each test runs several commands on a project


@pytest.fixture
def bare(project):
    return no_floors(project)


def run(project, rules, kind="conll", name="press", **files):
    folder, where = put(project, rules, name, **files)
    return import_set(project, [folder], kind, where)


def faults(project, rules, kind="conll", **files):
    with pytest.raises(KhabarError) as caught:
        run(project, rules, kind, **files)
    return caught.value.exit_code, [issue.message for issue in caught.value.issues]


def test_without_a_map_the_dry_run_drafts_one(bare):
    folder, where = put(bare, "", press__txt=PRESS)
    where.unlink()
    with pytest.raises(KhabarError) as caught:
        import_set(bare, [folder], "conll", where)
    report = import_set(bare, [folder], "conll", where, dry_run=True)

    assert caught.value.exit_code == 2
    assert (report.path, report.undecided) == (where, 5)
    assert '  "LOC": LOC\n  "ORG": ORG\n  "PER": "?"\n' in where.read_text(encoding="utf-8")
    with pytest.raises(KhabarError) as caught:
        import_set(bare, [folder], "conll", where)
    places = [issue.where.removeprefix("schema/import.yaml:") for issue in caught.value.issues]
    assert places == ["4:9", "5:17", "5:35", "6:11"]


def test_gold_becomes_decisions_and_texts_stay_as_published(bare):
    line = "شارك O\nالخبـر O\n\N{ARABIC LETTER ALEF}قَال O\n"
    report = run(bare, LABELS, press__txt=f"{PRESS}\n{line}")
    (article,) = read_articles(bare)
    (document,) = read_documents(bare)
    (decision,) = read_jsonl(bare.annotations / "press" / "decisions.jsonl", Decision)

    assert [(one.unit, one.taken, one.kept) for one in report.accounts] == [("tokens", 14, 14), ("mentions", 3, 3)]
    assert article.text == "عاد سامي الحداد إلى مرجانة.\nفتحت هيئة الميناء أبوابها.\nشارك الخبـر اقَال" == document.raw
    assert (article.profile, article.drops, document.published_id) == ("as-published", (), "press")
    assert [(article.text[s.start : s.end], s.label) for s in decision.spans] == [
        ("سامي الحداد", "PERS"), ("مرجانة", "LOC"), ("هيئة الميناء", "ORG"),
    ]  # fmt: skip


def test_a_dry_run_with_a_map_stores_nothing(bare):
    folder, where = put(bare, LABELS, press__txt=PRESS)
    before = snapshot(bare.annotations)
    report = import_set(bare, [folder], "conll", where, dry_run=True)

    assert (report.name, report.role) == ("press", "gold")
    assert (report.articles, report.mentions, report.stances) == (1, 3, 0)
    assert snapshot(bare.annotations) == before
    assert not (bare.work / "corpus").exists()


def test_a_second_run_changes_nothing(bare):
    run(bare, LABELS, press__txt=PRESS)
    before = snapshot(bare.annotations), snapshot(bare.work / "corpus")
    run(bare, LABELS, press__txt=PRESS)

    assert (snapshot(bare.annotations), snapshot(bare.work / "corpus")) == before


def test_another_map_under_the_same_name_is_refused(bare):
    run(bare, LABELS, press__txt=PRESS)
    code, said = faults(bare, LABELS.replace("ORG: ORG", "ORG: null"), press__txt=PRESS)

    assert (code, said) == (2, ["batch press exists and was imported from other files or with another map"])


@pytest.mark.slow
def test_an_import_that_was_killed_is_completed(bare, tmp_path):
    sentences = "\n".join(PRESS.replace("سامي", f"سامي{number}") for number in range(300))
    folder, _ = put(bare, LABELS + "articles: sentence\n", press__txt=sentences)
    clean = shutil.copytree(bare.root, tmp_path / "clean")
    call = [sys.executable, "-m", "builder", "import", str(folder), "--as", "conll"]
    begun = time.monotonic()
    subprocess.run(call, cwd=clean, env=_environment(), check=True, capture_output=True)
    whole = time.monotonic() - begun
    for share in (0.3, 0.5, 0.6, 0.7, 0.8, 0.9):
        child = subprocess.Popen(
            call, cwd=bare.root, env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(whole * share)
        child.send_signal(signal.SIGKILL)
        child.wait()
    subprocess.run(call, cwd=bare.root, env=_environment(), check=True, capture_output=True)

    assert snapshot(bare.annotations) == snapshot(clean / "annotations")
    assert [one.id for one in read_articles(bare)] == [one.id for one in read_articles(Project(clean))]


def _environment():
    return {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "KHABAR_SECRET": "x", "LANG": "C.UTF-8"}


def test_normalised_texts_keep_the_way_back(bare):
    run(bare, LABELS + "normalise: true\n", press__txt="عَادَ O\nسـامي B-PER\nأمس O\nمرجانـة B-LOC\n")
    (article,), (document,) = read_articles(bare), read_documents(bare)
    (decision,) = read_jsonl(bare.annotations / "press" / "decisions.jsonl", Decision)
    aligned = unpack_edits(article.text, document.raw, article.edits)

    assert (article.text, document.raw) == ("عاد سامي أمس مرجانة", "عَادَ سـامي أمس مرجانـة")
    assert [article.text[s.start : s.end] for s in decision.spans] == ["سامي", "مرجانة"]
    assert [document.raw[slice(*aligned.raw_span(s.start, s.end))] for s in decision.spans] == ["سـامي", "مرجانـة"]


def test_the_steps_of_the_road_do_not_wait_for_annotators(bare):
    run(bare, LABELS, press__txt=PRESS)
    left = [one.command for one in states(Project(bare.root)) if one.state != "done"]

    assert left == ["check", "agree", "adjudicate", "build", "push", "verify"]
    assert next_step(Project(bare.root)) == NextStep("khabar check", "not run yet")
    assert check(bare).issues == ()


def test_another_import_makes_the_checked_one_stale(bare):
    run(bare, LABELS, press__txt=PRESS)
    check(bare)
    run(Project(bare.root), LABELS, name="more", press__txt=PRESS)
    (found,) = [one for one in states(Project(bare.root)) if one.command == "check"]

    assert found.state == "stale"
    assert "imported sets" in found.why


def test_a_dry_run_ends_with_the_command_that_stores(khabar, bare):
    _, where = put(bare, LABELS, press__txt=PRESS)
    rules = where.read_bytes()
    where.unlink()
    words = ("import", "../published", "--as", "conll")
    drafted = khabar(*words, "--dry-run", cwd=bare.root)
    where.write_bytes(rules)
    found = [khabar(*words, *more, cwd=bare.root) for more in (["--dry-run"], [])]

    assert [done.stdout.splitlines()[-1] for done in (drafted, *found)] == [
        "next: khabar import ../published --as conll (once the map decides what is left open)",
        "next: khabar import ../published --as conll (stores what it reports here)",
        "next: khabar check (not run yet)",
    ]


@pytest.mark.slow
def test_a_release_names_its_source_files_and_map(bare):
    run(bare, LABELS + "tags: {OO: O}\n", press__txt=PRESS + "\nنعَم OO\n")
    adjudicate(bare)
    build(bare, "1.0.0")
    card = (bare.release("1.0.0") / "README.md").read_text(encoding="utf-8")
    inputs = read_manifest(bare.release("1.0.0")).inputs
    (done,) = read_jsonl(bare.annotations / "imports.jsonl", ImportedSet)

    assert "**`press` was imported from Marjana news, not judged anew.** 1 file (conll)." in card
    assert "Licence: text cc0-1.0, annotations cc0-1.0. Cite: invented" in card
    assert "- 'OO': 1 (press.txt:14), taken for no mention" in card
    assert "Profile: `as-published`." in card
    assert "Nothing had to be changed." in card
    assert inputs["import/press/press.txt"] == done.files["press.txt"]
    assert inputs["import/press/map"] == done.map
    assert inputs["import/press/splits"] == "ours"
    assert messages(recheck(bare.release("1.0.0"))) == []


@pytest.mark.slow
def test_published_splits_stay_with_their_leaks_on_the_card(bare):
    same = "".join(f"كلمة{number} O\n" for number in range(20))
    rules = LABELS + "articles: sentence\nsplits: as-published\n"
    report = run(
        bare, rules, train__txt=f"{PRESS}\n{same}", test__txt=f"{same}\nمرجانة B-LOC\nبعيدة O\n", dev__txt="نعم O\n"
    )
    adjudicate(bare)
    build(bare, "1.0.0")
    release = read_manifest(bare.release("1.0.0"))
    card = (bare.release("1.0.0") / "README.md").read_text(encoding="utf-8")
    ledger = read_jsonl(bare.annotations / "splits.jsonl", SplitAssignment)

    assert [issue.code for issue in report.issues] == ["leaks"]
    assert Counter(one.split for one in ledger) == {"train": 3, "test": 2, "validation": 1}
    assert release.splits["entities"] == {"train": 3, "validation": 1, "test": 2}
    assert "They leak: 1 groups of 2 articles that are equal or alike stand in several splits" in card
    assert alike(read_content(bare.release("1.0.0"), release)).state == "done"
    assert messages(recheck(bare.release("1.0.0"))) == []


@pytest.mark.slow
def test_our_splits_separate_what_leaks(bare):
    same = "".join(f"كلمة{number} O\n" for number in range(20))
    run(
        bare,
        LABELS + "articles: sentence\n",
        train__txt=f"{PRESS}\n{same}",
        test__txt=f"{same}\nمرجانة B-LOC\nبعيدة O\n",
    )
    adjudicate(bare)
    build(bare, "1.0.0")
    release = read_manifest(bare.release("1.0.0"))

    assert sum(release.splits["entities"].values()) == 5
    assert alike(read_content(bare.release("1.0.0"), release)).said.startswith(
        "of 5 articles none is alike to one in another split"
    )


def test_published_splits_need_names(bare):
    code, said = faults(bare, LABELS + "splits: as-published\n", press__txt=PRESS)

    assert (code, said) == (2, ["1 files name no split: press.txt"])


def test_columns_of_annotators_become_judgements_that_agree_measures(bare):
    rows = "".join(
        f"{n},توسعة الميناء {n},{a},{b}\n" for n, a, b in ((1, "yes", "yes"), (2, "yes", "no"), (3, "no", "no"))
    )
    rules = "role: judgement\nvalues: {yes: favor, no: against}\ntable: {text: text, id: id, stances: {port-expansion: [ali, mona]}}\n"
    run(bare, rules, "table", press__csv=f"id,text,ali,mona\n{rows}")
    judgements = read_jsonl(bare.annotations / "press" / "judgements.jsonl", Judgement)
    figures = agree(bare)

    assert len(judgements) == 6
    assert len({one.annotator for one in judgements}) == 2
    assert not any(name in (bare.annotations / "press" / "judgements.jsonl").read_text() for name in ("ali", "mona"))
    assert figures.exit_code == 0


def test_each_annotator_of_json_lines_has_the_answers_that_are_theirs(bare):
    records = [
        {"id": 1, "text": "عاد سامي", "label": [[4, 8, "PER"]], "annotator": "ali"},
        {"id": 1, "text": "عاد سامي", "label": [], "annotator": "mona"},
        {"id": 2, "text": "مرجانة بعيدة", "label": [[0, 6, "LOC"]], "annotator": "ali"},
    ]
    run(bare, LABELS + "role: judgement\n", "jsonl", press__jsonl="".join(json.dumps(one) + "\n" for one in records))
    judgements = read_jsonl(bare.annotations / "press" / "judgements.jsonl", Judgement)
    texts = {one.id: one.text for one in read_articles(bare)}

    assert Counter((texts[one.article_id], len(one.spans)) for one in judgements) == {
        ("عاد سامي", 1): 1, ("عاد سامي", 0): 1, ("مرجانة بعيدة", 1): 1,
    }  # fmt: skip


def test_an_export_of_label_studio_is_read_as_collect_reads_it(bare):
    export = (ROOT / "tests" / "cases" / "exports" / "plain.json").read_text(encoding="utf-8")
    report = run(bare, "labels: {FAC: FAC, GPE: GPE}\nrole: judgement\n", "labelstudio", plain__json=export)
    judgements = read_jsonl(bare.annotations / "press" / "judgements.jsonl", Judgement)
    texts = {one.id: one.text for one in read_articles(bare)}

    assert all(account.balanced for account in report.accounts)
    assert len(judgements) == len({(one.article_id, one.annotator) for one in judgements})
    assert len(judgements) == sum(
        not one["was_cancelled"] for task in json.loads(export) for one in task["annotations"]
    )
    assert {texts[j.article_id][s.start : s.end] for j in judgements for s in j.spans} >= {"ميناء مرجانة", "مرجانة"}


@pytest.mark.slow
def test_a_quarter_of_a_million_tokens_take_little_memory(bare):
    words = [f"كلمة{number}" for number in range(20_000)]
    lines = []
    for number in range(12_500):
        lines += [
            f"{words[hash((number, place)) % 20_000]} {tag}"
            for place, tag in enumerate(("B-PER", "I-PER", *["O"] * 17))
        ]
        lines += [". O", ""]
    folder, _ = put(bare, LABELS + "articles: sentence\n", press__txt="\n".join(lines))
    code = (
        "import sys; from builder.main import khabar\n"
        f"sys.argv = ['khabar', '-C', {str(bare.root)!r}, 'import', {str(folder)!r}, '--as', 'conll']\n"
        "try: khabar(standalone_mode=False)\n"
        "except SystemExit as done: print(done.code)\n"
        "print(*(line for line in open('/proc/self/status') if line.startswith('VmHWM')))"  # its own, not the parent's
    )
    done = subprocess.run([sys.executable, "-c", code], env=_environment(), capture_output=True, text=True, check=True)
    _, memory, unit = done.stdout.split()[-3:]

    assert "import: 250000 tokens in, 250000 kept" in done.stdout
    assert (int(memory) < 500_000, unit) == (True, "kB")


@pytest.mark.slow
@pytest.mark.shared
def test_aqmar_comes_in_whole(bare):
    _, where = put(bare, AQMAR, name="aqmar")
    report = import_set(bare, [SHARED / "entities" / "aqmar"], "conll", where)
    meant = {"B-MIS1`": "B-MIS1", "B-MISS1": "B-MIS1", "I--ORG": "I-ORG", "B-MIS-1": "B-MIS1", "B-MIS-2": "B-MIS2"}
    tokens = begun = orphans = 0
    for path in (SHARED / "entities" / "aqmar").glob("*.txt"):
        before = "O"
        for line in path.read_text(encoding="utf-8").split("\n"):
            tag = meant.get(line.split(" ")[-1], line.split(" ")[-1]) if line else "O"
            tag = tag if tag[:2] in ("B-", "I-") and tag[2:] not in ("ENGLISH", "SPANISH") else "O"
            tokens += bool(line)
            begun += tag.startswith("B-")
            orphans += tag.startswith("I-") and before[2:] != tag[2:]
            before = tag
    (tokens_in, mentions_in) = report.accounts
    odd = [issue for issue in report.issues if issue.code == "odd-tag"]

    assert (tokens_in.taken, mentions_in.taken) == (tokens, begun + orphans) == (73_853, 5_919)
    assert (mentions_in.kept, orphans) == (5_919, 67)  # 70 where the nine odd tags count as none
    assert len(odd) == 9
    assert len(read_jsonl(bare.annotations / "aqmar" / "decisions.jsonl", Decision)) == 28


@pytest.mark.slow
@pytest.mark.shared
def test_the_wojood_sample_comes_in_whole(bare):
    folder = SHARED / "entities" / "wojood-sample"
    published = [one for path in sorted(folder.glob("*.txt")) for one in read_wojood(path.read_text(encoding="utf-8"))]
    names = {mention.label for one in published for mention in one.mentions}
    schema = bare.root / "schema" / "labels.yaml"
    schema.write_text(_labels(sorted(names)), encoding="utf-8")
    rules = f"articles: sentence\nsplits: as-published\nconll: {{tags: rest}}\nrepairs: [inside begins]\nlabels: {json.dumps({name: name for name in names})}\n"
    _, where = put(bare, rules, name="wojood")
    report = import_set(Project(bare.root), [folder], "conll", where)
    texts = {one.id: one.text for one in read_articles(bare)}
    decisions = read_jsonl(bare.annotations / "wojood" / "decisions.jsonl", Decision)
    found = Counter(
        (texts[d.article_id][s.start : s.end].replace(" ", ""), s.label) for d in decisions for s in d.spans
    )
    wanted = Counter(
        ("".join(one.tokens[mention.first : mention.after]), mention.label)
        for one in published
        for mention in one.mentions
    )

    assert found == wanted
    assert sum(mention.begun for one in published for mention in one.mentions) == 4_222
    assert (report.accounts[1].taken, report.accounts[1].kept) == (4_223, 4_223)  # with the one that begins with I-
    assert len(decisions) == len(published) == 1_629


def _labels(names):
    keys = "1234567890abcdefghijklmnop"
    lines = [
        f'  - {{name: {name}, ar: {name}, en: {name}, colour: "#b3261e", key: "{key}", definition: {name}}}'
        for name, key in zip(names, keys, strict=False)
    ]
    return "\n".join(["version: 1", "entities:", *lines, ""])


def test_what_a_set_does_not_answer_is_not_in_dispute(bare):
    run(bare, LABELS, press__txt="المترو O\nفي O\nمرجانة B-LOC\n")
    adjudicate(bare)

    assert read_jsonl(bare.work / "disputes.jsonl", Dispute) == []


@pytest.mark.slow
def test_stances_of_a_table_are_released_without_entities(bare):
    rows = "id,text,stance\n1,توسعة الميناء مفيدة,favor\n2,توسعة الميناء مضرة,against\n"
    run(bare, "table: {text: text, id: id, stances: {port-expansion: [stance]}}\n", "table", press__csv=rows)
    adjudicate(bare)
    report = build(bare, "1.0.0")
    aside = {account.unit: account.set_aside for account in report.accounts}

    assert sum(read_manifest(bare.release("1.0.0")).splits["stance"].values()) == 2
    assert messages(recheck(bare.release("1.0.0"))) == []
    assert aside["articles in entities"] == {"nobody looked for its mentions": 2}
    assert '"stance", split="train"' in (bare.release("1.0.0") / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.shared
def test_arabic_news_stance_comes_in_whole(bare):
    folder = SHARED / "stance" / "ans"
    rules = """\
splits: as-published
table: {text: s2, title: s1, stances: {metro: [stance]}}
values: {agree: favor, disagree: against, other: neutral}
"""
    _, where = put(bare, rules, name="ans")
    report = import_set(bare, [folder], "table", where)
    contents = [path.read_text(encoding="utf-8") for path in folder.glob("*.csv")]
    rows = [row for content in contents for row in csv.DictReader(content.splitlines())]
    decisions = read_jsonl(bare.annotations / "ans" / "decisions.jsonl", Decision)
    texts = {one.article_id: one for one in read_jsonl(bare.annotations / "ans" / "published.jsonl", PublishedText)}
    ledger = Counter(one.split for one in read_jsonl(bare.annotations / "splits.jsonl", SplitAssignment))
    given = {"agree": "favor", "disagree": "against", "other": "neutral"}

    assert (report.accounts[0].taken, report.accounts[0].kept) == (len(rows), len(rows))
    assert Counter(one.stances[0].value for one in decisions) == Counter(given[row["stance"]] for row in rows)
    assert all(one.spans is None for one in decisions)  # nobody looked for mentions
    assert len(texts) == len(rows)
    assert ledger == {"train": 2_652, "validation": 755, "test": 379}

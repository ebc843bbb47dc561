"""The command `clean`: what it drops, its progress, and its refusals."""

import json

import pytest

from builder.commands.clean import clean
from builder.commands.dedup import dedup
from builder.commands.ingest import ingest
from builder.corpus.cleaning.clean import cut, dropped
from builder.executor import local
from builder.executor.start import ExecutorConfig
from builder.io.hashing import sha16
from builder.project.corpus import read_losses, sum_counts
from builder.project.stages.shards import done_shards
from builder.records import KhabarError, Progress
from tests.builders import said
from tests.conftest import ROOT
from tests.news import lines, news

pytestmark = pytest.mark.slow  # each test runs several commands on a project


def test_dropped_documents_are_listed(project, khabar):
    done = khabar("ingest", "-v", ROOT / "examples" / "articles", cwd=project.root)
    cleaned = khabar("clean", "--json", cwd=project.root)

    assert "articles/sahel-news/12.txt: empty" in done.stdout
    assert [one["reason"] for one in json.loads(cleaned.stdout)["set_aside"]] == ["no body"]


def test_progress_counts_shards_and_drops(project, tmp_path):
    steps = []
    paths = [lines(tmp_path / str(number) / "a.jsonl", [news(number), "", "خبر"]) for number in range(3)]
    for path in paths:
        ingest(project, [path], run=ExecutorConfig(say=steps.append))
    clean(project, ExecutorConfig(say=steps.append))
    cleaned = [step for step in steps if step.stage == "clean"]

    assert [(step.shards, step.of) for step in cleaned] == [(1, 3), (2, 3), (3, 3)]
    assert isinstance(cleaned[-1], Progress)
    assert steps[0].set_aside == {"empty": 1}
    assert cleaned[-1].taken == 4


def test_workers_start_first_unless_nothing_changed(project, tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(
        local, "_hired", lambda crew, modules=(), hire=local._hired: started.append(modules) or hire(crew, modules)
    )
    for number in range(2):
        ingest(project, [lines(tmp_path / str(number) / "a.jsonl", [news(number), news(number + 5)])])
    for _ in range(2):
        clean(project, ExecutorConfig(workers=2))

    modules = ("executor.worker", "corpus.cleaning.counts", "corpus.cleaning.stage", "corpus.sampling.filters")
    assert started == [tuple(f"builder.{name}" for name in modules)] * 2


def test_clean_and_dedup_need_documents(project):
    for verb in (clean, dedup):
        with pytest.raises(KhabarError, match="the project has no documents"):
            verb(project)


def test_learn_is_now_schema_suggest(project, khabar):
    done = khabar("clean", "--learn", cwd=project.root)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error[usage] --learn is now a command of its own\n    fix: run `khabar schema suggest`\n"


RULES = """\
version: 1
lines:
  - id: share
    evidence: hard
    match: '^شارك\\b'
    max_length: 200
    examples: {matches: ['شارك'], leaves: ['مشاركة']}
  - id: source
    evidence: hard
    match: '^المصدر: (?P<source_name>.+)$'
    examples: {matches: ['المصدر: نسيم'], leaves: ['قال المصدر']}
  - id: menu
    evidence: hard
    match: '^تصفح$'
    examples: {matches: ['تصفح'], leaves: ['تصفح الوزير']}
  - id: follow
    evidence: hard
    takes: suffix
    match: 'تابعنا$'
    max_length: 900
    examples: {matches: ['وصلت السفينة. تابعنا'], leaves: ['تابعنا السفينة']}
"""
LONG = f"شارك <b>\x1b[2J\N{RIGHT-TO-LEFT OVERRIDE}{' الخبر' * 12}"
PAGES = {
    "a.txt": f"وصلت السفينة إلى مرفأ السدر فجر اليوم.\n{LONG}",
    "b.txt": "وصلت سفينة أخرى إلى مرفأ السدر مساء. تابعنا\nالمصدر: نسيم",
    "empty\x1b.txt": "تصفح\nشارك\nشارك",
    "whole.txt": "عاد الصيادون إلى بيوتهم مع الغروب.",
}
EMPTIED, SHORTENED, DROPS = (
    "pages that ended with no text", "pages that lost more than a third", "rules with most drops",
)  # fmt: skip


@pytest.fixture
def lossy(project, tmp_path):
    """A project with a page that keeps no text, two that lose some and one that loses none, not yet cleaned."""
    (project.root / "schema" / "boilerplate.yaml").write_text(RULES, encoding="utf-8")
    (tmp_path / "pages").mkdir()
    for name, text in PAGES.items():
        (tmp_path / "pages" / name).write_text(text, encoding="utf-8")
    ingest(project, [tmp_path / "pages"])
    return project


def test_losses_stand_beside_the_account(lossy, khabar):
    done = khabar("clean", cwd=lossy.root)
    again = khabar("clean", "--json", cwd=lossy.root)
    _, _, empty, _ = PAGES
    ids = {name: sha16(text) for name, text in PAGES.items()}
    shown = f"شارك <b>⟨ESC⟩[2J⟨RLO⟩{' الخبر' * 12}"[:59]
    facts = {
        EMPTIED: f"    1 of 4\n        pages/empty\\x1b.txt {ids[empty]}: 12 characters, share 2 lines, menu 1 line",
        SHORTENED: f"    1 of 4\n        69% of pages/a.txt {ids['a.txt']}: share 85 characters",
        DROPS: (
            f"    3  share   «{shown}…»\n    1  follow  «تابعنا»\n"
            "    1  menu    only on pages that ended with no text\n    1  source  «المصدر: نسيم»"
        ),
        "more of them": "`khabar explain --worst 20` shows the pages that lost most",
    }

    assert "\x1b" not in done.stdout
    assert "".join(f"{name}:\n{text}\n" for name, text in facts.items() if name != "more of them") in done.stdout
    assert done.stdout.endswith(f"more of them: {facts['more of them']}\nnext: khabar dedup (not run yet)\n")
    losses = json.loads(again.stdout)["cleaned"]["losses"]
    assert [page["origin"] for page in losses["emptied"]] == [r"pages/empty\x1b.txt"]
    assert [page["origin"] for page in losses["shortened"]] == ["pages/a.txt", "pages/b.txt"]
    assert (losses["without_text"], losses["over_third"]) == (1, 1)
    assert [(rule["rule"], rule["drops"]) for rule in losses["rules"]] == [
        ("share", 3), ("source", 1), ("follow", 1), ("menu", 1),
    ]  # fmt: skip


def test_losses_count_what_the_account_counts(lossy):
    clean(lossy)
    losses = read_losses(lossy, 20)
    counted = sum_counts(done_shards(lossy, "articles"))

    assert {rule.rule: rule.drops for rule in losses.rules} == dropped(counted) | cut(counted)


def test_no_losses_are_said_in_a_line(project, tmp_path):
    ingest(project, [lines(tmp_path / "a.jsonl", [news(1)])])
    facts = said(clean(project))

    assert (facts[EMPTIED], facts[SHORTENED]) == ("none", "none")
    assert DROPS not in facts
    assert "more of them" not in facts


def test_every_page_is_boilerplate(project, tmp_path):
    (project.root / "schema" / "boilerplate.yaml").write_text(RULES, encoding="utf-8")
    ingest(project, [lines(tmp_path / "a.jsonl", ["تصفح\n" * number for number in range(1, 9)])])
    facts = said(clean(project))
    first, *listed = facts[EMPTIED].splitlines()

    assert first.strip() == "8 of 8"
    assert [line.split(": ")[1] for line in listed] == [
        f"{4 * number} characters, menu {number} lines" for number in (8, 7, 6, 5, 4)
    ]
    assert facts[DROPS] == "    36  menu  only on pages that ended with no text"

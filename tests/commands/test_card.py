"""The command `card check`: a card against its rows."""

import json
import re
import subprocess
import sys

import pytest
import yaml

from builder.commands import card as publishing
from builder.commands.build import build
from builder.commands.clean import clean
from builder.commands.ingest import ingest
from builder.commands.init import init
from builder.project.project import Project
from builder.records import KhabarError
from tests.builders import said
from tests.conftest import ROOT

pytestmark = pytest.mark.slow  # each test runs several commands on a project


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The demonstration's release, built from the judgements that are kept in this repository."""
    project = Project(tmp_path_factory.mktemp("card") / "project")
    init(project.root, card=str)
    (project.annotations / "demo").mkdir()
    for name in (
        "demo/batch.jsonl",
        "demo/basis.jsonl",
        "demo/counts.jsonl",
        "demo/judgements.jsonl",
        "demo/decisions.jsonl",
        "splits.jsonl",
    ):
        (project.annotations / name).write_bytes((ROOT / "annotations" / name).read_bytes())
    ingest(project, [ROOT / "examples" / "articles"])
    clean(project)
    build(project, "1.0.0")
    return project


@pytest.fixture
def card(made):
    """The built card; put back after the test."""
    path = made.release("1.0.0") / "README.md"
    kept = path.read_bytes()
    yield path
    path.write_bytes(kept)


def checked(project, name=None):
    report = publishing.card(project, name, base=project.root, rehearse=False, progress=print)
    return report.exit_code, [(issue.severity, issue.where, issue.message) for issue in report.issues]


def place(card, old):
    """Line and column where a text stands on the card."""
    text = card.read_text(encoding="utf-8")
    offset = text.index(old)
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def test_built_card_has_no_fault(made):
    assert checked(made) == (0, [])
    assert checked(made, "v1.0.0") == (0, [])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("| `articles` | 21 |", "| `articles` | 22 |"),
        ("0.832", "0.932"),
        ("    num_examples: 21", "    num_examples: 20"),
        ("88 judgements by", "99 judgements by"),
        ("- Text: [cc0-1.0]", "- Text: [mit]"),
        ('revision="v1.0.0")', 'revision="main")'),
        ("| 2026-03 |", "| 2026-02 |"),
        ("(seed 13)", "(seed 14)"),
    ],
)
def test_edited_number_is_named_with_its_place(made, card, old, new):
    line, column = place(card, old)
    at = next(i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b)
    card.write_text(card.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    code, ((severity, where, message),) = checked(made)

    assert (code, severity, where) == (1, "error", f"README.md:{line}:{column + at}")
    assert message.startswith("the card says «")
    assert new.strip()[:12] in message.split("», and its rows give «")[0] or new[at : at + 4] in message


def test_missing_row_is_an_error_and_edited_prose_a_warning(made, card):
    text = card.read_text(encoding="utf-8")
    row = re.search(r"^\| `GPE` \|.*\n", text, re.MULTILINE)[0]
    card.write_text(text.replace(row, "").replace("its topics are few", "its topics are very few"), encoding="utf-8")
    code, found = checked(made)

    assert code == 1
    assert sorted(severity for severity, _, _ in found) == ["error", "warning"]
    assert any("a line that the build wrote is missing: «| `GPE` |" in message for _, _, message in found)

    card.write_text(text.replace("its topics are few", "its topics are very few"), encoding="utf-8")
    code, ((severity, _, message),) = checked(made)
    assert (code, severity, message) == (0, "warning", "this prose was changed after the build")


def test_unfilled_slot_and_bad_metadata_are_named(made, card):
    text = card.read_text(encoding="utf-8")
    broken = text.replace("license: cc0-1.0", "license: free").replace(
        "# Use and limits", "# Use\n\n{{rows}}\n\n# Limits"
    )
    card.write_text(broken, encoding="utf-8")
    code, found = checked(made)
    messages = [message for _, _, message in found]

    assert code == 1
    assert (
        "license: 'free' is not a licence id of the Hub; for any other licence use `other` and a license_name"
        in messages
    )
    assert "this slot is not filled: {{rows}}" in messages


def test_changed_plot_is_named(made):
    plot = made.release("1.0.0") / "assets" / "entities.svg"
    kept = plot.read_bytes()
    plot.write_bytes(kept.replace(b">70<", b">99<"))
    try:
        code, ((_, where, message),) = checked(made)
    finally:
        plot.write_bytes(kept)

    assert b">70<" in kept
    assert (code, where, message) == (1, "assets/entities.svg", "the plot is not the one that the rows give")


def test_fault_exits_1(made, card, khabar):
    fine = khabar("card", "check", cwd=made.root)
    card.write_text(
        card.read_text(encoding="utf-8").replace("| `stance` | 20 |", "| `stance` | 91 |"), encoding="utf-8"
    )
    wrong = khabar("card", "check", "dist/v1.0.0", cwd=made.root)

    assert (fine.returncode, wrong.returncode) == (0, 1), fine.stderr
    assert "card: done: its numbers, head and plots are those of the rows" in fine.stdout
    assert re.search(r"README\.md:\d+:14: error\[card\] the card says «\| `stance` \| 91 \|", wrong.stderr)


@pytest.mark.parametrize("left_out", ["rows", "licence_text", "agreement", "splits"])
def test_template_without_a_required_fact_is_refused(made, left_out, tmp_path):
    template = made.root / "dataset_card.md"
    kept = template.read_text(encoding="utf-8")
    template.write_text(kept.replace(f"{{{{{left_out}}}}}", "312"), encoding="utf-8")
    try:
        with pytest.raises(KhabarError) as caught:
            build(made, "1.0.1")
    finally:
        template.write_text(kept, encoding="utf-8")

    (issue,) = caught.value.issues
    assert issue.message == f"the card does not show the required fact {left_out!r}"
    assert caught.value.exit_code == 2
    assert not made.release("1.0.1").exists()


def test_snippets_of_the_card_run(made, card, tmp_path):
    text = card.read_text(encoding="utf-8")
    snippets = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    repo_id = made.schema.dataset.repo_id
    folder = tmp_path / repo_id
    folder.parent.mkdir(parents=True)
    folder.symlink_to(made.release("1.0.0"))  # the name that the card gives, in the working folder

    assert snippets
    for snippet in snippets:
        done = subprocess.run(
            [sys.executable, "-c", snippet], cwd=tmp_path, capture_output=True, text=True, check=False,
            env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "HF_DATASETS_OFFLINE": "1"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def test_declared_annotators_are_on_the_card(made, tmp_path):
    settings = made.root / "schema" / "dataset.yaml"
    kept = settings.read_text(encoding="utf-8")
    settings.write_text(kept + "annotators:\n  native language: {Arabic: 3}\n  training: {two hours: 2, none: 1}\n")
    try:
        build(Project(made.root), "1.0.1")
        text = (made.release("1.0.1") / "README.md").read_text(encoding="utf-8")
    finally:
        settings.write_text(kept, encoding="utf-8")

    assert "| native language | Arabic | 3 |" in text
    assert "| training | none | 1 |" in text
    assert "This card is of version 1.0.1. Before it came 1.0.0; CHANGELOG.md says what changed." in text
    assert yaml.safe_load(text.split("---")[1])["configs"][0]["version"] == "1.0.1"


def test_agreement_is_measured_again(made):
    facts = made.release("1.0.0") / "facts.json"
    kept = facts.read_bytes()
    report = publishing.card(made, "v1.0.0", base=made.root, rehearse=False, progress=print)
    assert said(report)["agreement"] == "done: 27 figures with their intervals, measured again from `annotations`"

    plain = json.loads(kept)
    plain["agreement"][0]["value"] = 0.99
    facts.write_text(json.dumps(plain), encoding="utf-8")
    try:
        report = publishing.card(made, "v1.0.0", base=made.root, rehearse=False, progress=print)
    finally:
        facts.write_bytes(kept)

    assert report.exit_code == 1
    (issue,) = (one for one in report.issues if one.code == "agreement")
    assert "the card says 0.99 (" in issue.message
    assert ", the published judgements give 0." in issue.message

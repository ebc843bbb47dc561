"""The command `hydrate`: the same rows again from the pages."""

import json
import re
import shutil

import pytest

from builder.commands import hydrate
from builder.commands.push import push
from builder.project.project import Project
from builder.records import KhabarError
from builder.release.publish.folder import read_manifest
from builder.release.publish.readback import read_folder
from builder.release.publish.readback_client import Job
from tests.builders import snapshot
from tests.editions import PAGES, PERSONS, build_redacted, tables

pytestmark = pytest.mark.slow  # each test runs several commands on a project


@pytest.fixture
def pages(tmp_path):
    return shutil.copytree(PAGES, tmp_path / "pages")


def test_pages_give_back_identical_rows(editions, tmp_path, pages):
    full, standoff = editions
    done = hydrate.hydrate(standoff, "1.0.0", [pages], base=tmp_path, to=tmp_path / "back")
    expected, found = tables(full.release("1.0.0")), tables(tmp_path / "back")

    assert done.exit_code == 0
    assert all(account.balanced for account in done.accounts)
    assert found.keys() == expected.keys()
    for name, table in expected.items():
        assert found[name].schema.equals(table.schema, check_metadata=True), name
        assert found[name].equals(table), name
    release = read_manifest(tmp_path / "back")
    assert release.edition == "full"
    outcome = read_folder(Job(str(tmp_path / "back"), release.repo_id, "1.0.0", release.files))
    assert outcome.findings == ()
    assert outcome.rows == {c: {s: n for s, n in of.items() if n} for c, of in release.splits.items()}


def test_card_says_that_the_release_is_hydrated(editions, tmp_path, pages):
    hydrate.hydrate(editions[1], "1.0.0", [pages], base=tmp_path, to=tmp_path / "back")

    before = (editions[1].release("1.0.0") / "README.md").read_text(encoding="utf-8")
    after = (tmp_path / "back" / "README.md").read_text(encoding="utf-8")
    assert "This is a **stand-off edition**" in before
    assert "It is no anonymity" in before
    assert "This is a **stand-off edition**" not in after
    assert "**Hydrated** by `khabar hydrate`" in after
    drawn = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", after)
    assert drawn
    assert all((tmp_path / "back" / path).is_file() for path in drawn)


def test_hydrate_needs_neither_profile_nor_rules(editions, tmp_path, pages):
    alone = tmp_path / "alone"
    shutil.copytree(editions[1].release("1.0.0"), alone)

    done = hydrate.hydrate(Project(tmp_path / "none"), "alone", [pages], base=tmp_path)

    assert done.exit_code == 0
    assert tables(tmp_path / "hydrated" / "v1.0.0")["articles", "train"].equals(
        tables(editions[0].release("1.0.0"))["articles", "train"]
    )


def _published(standoff, lines):
    urls = {row["url"] for (c, _), t in tables(standoff.release("1.0.0")).items() if c == "articles" for row in t.to_pylist()}  # fmt: skip
    return next(number for number, line in enumerate(lines) if json.loads(line).get("url") in urls)


def test_changed_article_is_named_and_the_others_restored(editions, tmp_path, pages):
    full, standoff = editions
    path = min(pages.rglob("*.jsonl"))
    lines = path.read_text(encoding="utf-8").splitlines()
    number = _published(standoff, lines)
    record = json.loads(lines[number])
    lines[number] = json.dumps(record | {"text": record["text"] + "."}, ensure_ascii=False)
    path.write_text("\n".join(lines), encoding="utf-8")

    done = hydrate.hydrate(standoff, "1.0.0", [pages], base=tmp_path, to=tmp_path / "back")

    (issue,) = done.issues
    assert done.exit_code == 1
    assert f"({record['url']}): its text differs: pages/{path.relative_to(pages)}:{number + 1} has the hash" in issue.message  # fmt: skip
    lost = {row["id"] for (c, _), t in tables(full.release("1.0.0")).items() if c == "articles" for row in t.to_pylist() if row["document_id"] == issue.where}  # fmt: skip
    assert lost
    for (config, split), table in tables(tmp_path / "back").items():
        key = "article_id" if "article_id" in table.column_names else "id"
        rest = [row for row in tables(full.release("1.0.0"))[config, split].to_pylist() if row[key] not in lost]
        assert table.to_pylist() == rest


def test_missing_article_is_named(editions, tmp_path, pages):
    standoff = editions[1]
    path = min(pages.rglob("*.jsonl"))
    lines = path.read_text(encoding="utf-8").splitlines()
    number = _published(standoff, lines)
    url = json.loads(lines.pop(number))["url"]
    path.write_text("\n".join(lines), encoding="utf-8")

    done = hydrate.hydrate(standoff, "1.0.0", [pages], base=tmp_path, to=tmp_path / "back")

    (issue,) = done.issues
    assert done.exit_code == 1
    assert issue.message == f"document {issue.where} ({url}): not given"
    assert done.accounts[0].set_aside == {"not given": 1}


def test_missing_title_is_named_and_left_empty(editions, tmp_path, pages):
    standoff = editions[1]
    path = min(pages.rglob("*.jsonl"))
    lines = path.read_text(encoding="utf-8").splitlines()
    number = _published(standoff, lines)
    record = json.loads(lines[number])
    lines[number] = json.dumps({key: value for key, value in record.items() if key != "title"}, ensure_ascii=False)
    path.write_text("\n".join(lines), encoding="utf-8")

    done = hydrate.hydrate(standoff, "1.0.0", [pages], base=tmp_path, to=tmp_path / "back")

    (issue,) = done.issues
    assert re.fullmatch(r"title of [0-9a-f]{16}-0: the page that was given has not this title; the row holds null", issue.message)  # fmt: skip
    assert done.accounts[0].set_aside == {}


def test_pages_of_other_articles_write_nothing(editions, tmp_path):
    other = tmp_path / "other.jsonl"
    other.write_text('{"text": "خبر آخر"}\n', encoding="utf-8")

    with pytest.raises(KhabarError, match="nothing was written") as refused:
        hydrate.hydrate(editions[1], "1.0.0", [other], base=tmp_path, to=tmp_path / "back")

    assert refused.value.exit_code == 1
    assert len(refused.value.issues) == len({i.where for i in refused.value.issues}) > 20
    assert not (tmp_path / "back").exists()


def test_full_and_damaged_releases_are_refused(editions, tmp_path, pages):
    with pytest.raises(KhabarError, match="this is the full edition: it holds its texts"):
        hydrate.hydrate(editions[0], "1.0.0", [pages], base=tmp_path)
    shutil.copytree(editions[1].release("1.0.0"), tmp_path / "damaged")
    (tmp_path / "damaged" / "README.md").write_text("", encoding="utf-8")

    with pytest.raises(KhabarError, match="the bytes are not those of the manifest") as refused:
        hydrate.hydrate(editions[1], "damaged", [pages], base=tmp_path)

    assert refused.value.exit_code == 1


def test_folder_with_other_files_is_not_replaced(editions, tmp_path, pages):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine", encoding="utf-8")

    with pytest.raises(KhabarError, match="this already exists and is not a hydrated release"):
        hydrate.hydrate(editions[1], "1.0.0", [pages], base=tmp_path, to=tmp_path / "mine")

    assert (tmp_path / "mine" / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_hydrate_twice_gives_the_same_bytes(editions, tmp_path, pages):
    hydrate.hydrate(editions[1], "1.0.0", [pages], base=tmp_path, to=tmp_path / "back")
    first = snapshot(tmp_path / "back")
    again = hydrate.hydrate(editions[1], "1.0.0", [pages], base=tmp_path, to=tmp_path / "back")

    assert snapshot(tmp_path / "back") == first
    assert again.state == "same"


def test_articles_option_takes_several_files(editions, tmp_path, pages, khabar):
    shutil.copytree(editions[1].release("1.0.0"), tmp_path / "release")
    parts = sorted(path.name for path in pages.iterdir())

    done = khabar("hydrate", "release", "--to", "back", "--articles", *(f"pages/{part}" for part in parts), cwd=tmp_path)  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    assert "hydrate: 30 rows of articles in, 30 kept" in done.stdout
    assert (tmp_path / "back" / "README.md").is_file()


@pytest.mark.live
def test_revision_on_a_hub_is_hydrated(editions, tmp_path, pages):
    full, standoff = editions
    push(standoff, "1.0.0", rehearse=True, progress=lambda _: None)

    done = hydrate.hydrate(standoff, "@v1.0.0", [pages], base=tmp_path, to=tmp_path / "back", rehearse=True)

    assert done.exit_code == 0
    assert tables(tmp_path / "back")["entities", "train"].equals(tables(full.release("1.0.0"))["entities", "train"])


def test_redacted_editions_hydrate_to_each_other(tmp_path, personal):
    full, _ = build_redacted(tmp_path / "full", personal, "full")
    standoff, _ = build_redacted(tmp_path / "standoff", personal, "standoff")
    back = hydrate.hydrate(standoff, "1.0.0", [personal], base=tmp_path, to=tmp_path / "back")
    expected, found = tables(full.release("1.0.0")), tables(tmp_path / "back")

    assert back.exit_code == 0
    assert found.keys() == expected.keys()
    assert all(found[name].equals(table) for name, table in expected.items())
    for folder in (full.release("1.0.0"), standoff.release("1.0.0"), tmp_path / "back"):
        held = str([table.to_pylist() for table in tables(folder).values()])
        held += "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.*"))
        assert not any(person in held for person in PERSONS)
    assert len(expected["articles", "train"]) > 5
    texts = expected["articles", "train"]["text"].to_pylist()
    assert all("(REDACTED_EMAIL، REDACTED_PHONE)" in text for text in texts)
    rows = [row for (config, _), table in expected.items() if config == "articles" for row in table.to_pylist()]
    published = " ".join(f"{row['title']} {row['text']}" for row in rows)
    card = (full.release("1.0.0") / "README.md").read_text(encoding="utf-8")
    assert (
        f"| email | `REDACTED_EMAIL` | {published.count('REDACTED_EMAIL')} |\n| phone | `REDACTED_PHONE` | {published.count('REDACTED_PHONE')} |"
        in card
    )
    (account,) = full.accounts("redact")
    assert account.balanced
    assert account.taken > 100
    assert f"| {account.unit} | {account.taken:,} | {account.kept:,} |" in card

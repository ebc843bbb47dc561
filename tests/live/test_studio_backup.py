"""A backup of a running Label Studio, put back; and every file that must not be put back."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections import Counter
from contextlib import closing
from sqlite3 import connect as sqlite

import httpx
import pytest

from builder.annotation.pseudonyms import pseudonym
from builder.commands import studio
from builder.labelstudio import annotator, client
from builder.labelstudio.server import data_dir, process
from builder.labelstudio.server.backup import backup
from builder.labelstudio.server.install import VERSION
from builder.labelstudio.server.restore import restore
from builder.labelstudio.tasks import key_of
from builder.project.services import connections
from builder.records import KhabarError, Span, Stance

pytestmark = pytest.mark.live
TEXT = "قال المدير \N{GRINNING FACE} إن ميناء مرجانة رقم {} يعمل، ثم زار مترو العاصمة."


def silent(_):
    pass


def refusal(call, *arguments, **named):
    with pytest.raises(KhabarError) as caught:
        call(*arguments, **named)
    return caught.value.exit_code, str(caught.value), caught.value.issues[0].fix


def put_back(archive, root, **named):
    options = {"isolated": False, "database": None, "overwrite": False, "progress": silent} | named
    return restore(archive, root, **options)


def answers(connection, project_id):
    """Every annotation of a project, by article, as Label Studio keeps it."""
    listed = connection.client.tasks.list(project=int(project_id), fields="all")
    kept = ("id", "result", "completed_by", "was_cancelled", "lead_time", "created_at", "unique_id")
    return {t.data["article_id"]: [{k: a.get(k) for k in kept} for a in t.annotations] for t in listed}


def bytes_of(folder):
    """Every file below a folder, but the lock, with its content."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def tasks(article, task):
    def make(number):
        return [task(article(n, TEXT.replace("{}", str(n)))) for n in range(number)]

    return make


@pytest.fixture
def quiet_root(installed, tmp_path):
    """Data of a Label Studio that does not run: a migrated database, a secret, a token, an upload."""

    def make(folder="old", mark="one", names=("studio",)):
        root = tmp_path / folder
        for called in names:
            data_dir.prepare(installed, root / called, None)
            here = root / called / "data"
            (here / ".env").write_text(f"SECRET_KEY={mark}")
            (here / "media" / "upload" / "1").mkdir(parents=True)
            (here / "media" / "upload" / "1" / "ورقة.txt").write_text(mark)
            (root / called / "token").write_text(mark)
        return root

    return make


@pytest.fixture
def packed(quiet_root, tmp_path):
    """A good backup of a Label Studio that does not run."""
    backup([quiet_root() / "studio"], tmp_path / "good.zip", progress=silent)
    return tmp_path / "good.zip"


def rewritten(source, target, change):
    """The backup with its files changed by hand; its list is made anew unless `change` made one."""
    with zipfile.ZipFile(source) as old:
        files = {name: old.read(name) for name in old.namelist()}
    listed = json.loads(files.pop("manifest.json"))
    change(files, listed)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for called, content in files.items():
            new.writestr(called, content)
        new.writestr("manifest.json", json.dumps(listed))
    return target


def entry(content):
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}


# There and back


def test_what_was_annotated_comes_back_with_the_token_and_the_passwords(installed, tmp_path, config, tasks, answer):
    old, new, archive = tmp_path / "old" / "studio", tmp_path / "new", tmp_path / "b.zip"
    logins = process.new_credentials(["layla"])
    first = process.up(old, accounts=logins, progress=silent)
    try:
        connection = client.connect(first.url, first.token)
        sent = client.send(connection, "kept", config, tasks(3), overlap=1, progress=silent)
        start = TEXT.index("مرجانة")
        stances = (Stance("metro", "favor"), Stance("port", "against"))
        given = {t["data"]["article_id"]: answer((Span(start, start + 6, "GPE", "a"),), stances, 4.5) for t in tasks(3)}
        annotator.annotate_as(first.url, *logins[0], int(sent.project_id), given)
        before = answers(connection, sent.project_id)
        size = backup([old], archive, progress=silent)
    finally:
        process.down(old)
    names, issues = put_back(archive, new)
    second = process.up(new / "studio", progress=silent)
    try:
        connection = client.connect(second.url, first.token)
        after = answers(connection, sent.project_id)
        again = client.send(connection, "kept", config, tasks(3), overlap=1, progress=silent)
        left_to_do = annotator.annotate_as(second.url, *logins[0], int(sent.project_id), {})
    finally:
        process.down(new / "studio")

    assert [len(given) for given in before.values()] == [1, 1, 1]
    assert "GPE" in str(before)
    assert after == before
    assert (names, issues) == (("studio",), ())
    assert second.token == first.token
    assert re.fullmatch(r"SECRET_KEY=[\w-]{64}\n", (new / "studio" / "data" / ".env").read_text())
    assert (again.created, again.present, left_to_do) == (0, 3, 0)
    assert (size, oct(archive.stat().st_mode)[-3:]) == (archive.stat().st_size, "600")
    modes = {oct(p.stat().st_mode)[-3:] for p in (new / "studio" / "data").glob("*.sqlite3")}
    assert modes == {"600"}
    assert oct((new / "studio" / "data").stat().st_mode)[-3:] == "700"


def test_a_backup_made_while_tasks_come_in_is_one_moment_of_them(installed, tmp_path, config, tasks):
    old, new, batch = tmp_path / "old" / "studio", tmp_path / "new", tasks(900)
    running = process.up(old, progress=silent)
    try:
        connection = client.connect(running.url, running.token)
        come = []
        sender = threading.Thread(
            target=client.send,
            args=(connection, "busy", config, batch),
            kwargs={"overlap": 1, "progress": come.append, "batch_size": 30},
        )
        sender.start()
        sizes = []
        for number in range(3):
            while len(come) < 4 * (number + 1):
                time.sleep(0.01)
            backup([old], tmp_path / f"{number}.zip", progress=silent)
            sizes.append(len(come))
        sender.join()
    finally:
        process.down(old)
    put_back(tmp_path / "1.zip", new)
    restored = process.up(new / "studio", progress=silent)
    try:
        connection = client.connect(restored.url, restored.token)
        sent = client.send(connection, "busy", config, batch, overlap=1, progress=silent)
        listed = connection.client.tasks.list(project=int(sent.project_id), fields="task_only", page_size=1000)
        there = Counter(key_of(task.data) for task in listed)
    finally:
        process.down(new / "studio")

    assert sizes[0] < sizes[1] < 30, "the second backup was made while the send went on"
    assert 8 * 30 <= sent.present < 900
    assert sent.present % 30 == 0, "a batch of tasks is there, or not at all"
    assert there == Counter(key_of(task["data"]) for task in batch)


def test_uploads_token_and_key_come_back_byte_for_byte(quiet_root, tmp_path):
    root = quiet_root()
    (root / "pseudonym.key").write_text("k" * 64)
    (root / "studio" / "server.log").write_text("not in a backup")
    (root / "studio" / "data" / "export").mkdir()
    (root / "studio" / "data" / "export" / "1.json").write_text("not in a backup")
    (root / "studio" / "data" / "media" / "link").symlink_to("/etc/passwd")
    backup([root / "studio"], tmp_path / "b.zip", progress=silent)
    put_back(tmp_path / "b.zip", tmp_path / "new")
    expected = {path: content for path, content in bytes_of(root).items() if not path.endswith(("-wal", "-shm"))}
    for gone in ("studio/server.log", "studio/data/export/1.json", "studio/data/media/link"):
        del expected[gone]
    found = bytes_of(tmp_path / "new")
    base = "studio/data/label_studio.sqlite3"
    rows = [
        sqlite(folder / base).execute("select count(*) from django_migrations").fetchone()
        for folder in (root, tmp_path / "new")
    ]

    assert found.keys() == expected.keys()
    assert {k: v for k, v in found.items() if k != base} == {k: v for k, v in expected.items() if k != base}
    assert rows[0] == rows[1] > (100,)
    assert list((tmp_path / "new").glob("restore.*")) == list(root.glob("backup.*")) == []


def test_another_pseudonym_key_stays_and_is_said(quiet_root, tmp_path):
    root = quiet_root()
    (root / "pseudonym.key").write_text("theirs")
    backup([root / "studio"], tmp_path / "b.zip", progress=silent)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "pseudonym.key").write_text("ours")
    _, issues = put_back(tmp_path / "b.zip", tmp_path / "new")

    assert (tmp_path / "new" / "pseudonym.key").read_text() == "ours"
    assert [(i.severity, i.message) for i in issues] == [
        ("warning", "the backup has a different pseudonym key; the project keeps its own")
    ]


def test_a_backup_is_not_written_over_another_file(quiet_root, packed):
    before = packed.read_bytes()

    assert refusal(backup, [packed.parent / "old" / "studio"], packed, progress=silent) == (
        2,
        "the file already exists",
        "choose another name",
    )
    assert packed.read_bytes() == before


def test_without_data_there_is_nothing_to_copy(tmp_path):
    assert refusal(backup, [tmp_path / "studio"], tmp_path / "b.zip", progress=silent) == (
        2,
        "this project has no Label Studio yet",
        "run `khabar studio up`",
    )
    assert not (tmp_path / "b.zip").exists()


def test_a_broken_database_is_not_called_a_backup(quiet_root, tmp_path):
    root = quiet_root()
    base = root / "studio" / "data" / "label_studio.sqlite3"
    content = bytearray(base.read_bytes())
    content[8192:200_000] = bytes(200_000 - 8192)
    base.write_bytes(content)
    code, message, fix = refusal(backup, [root / "studio"], tmp_path / "b.zip", progress=silent)

    assert (code, fix) == (2, "restore a backup")
    assert message.startswith("the database is corrupt: ")
    assert not (tmp_path / "b.zip").exists()


def test_looking_at_the_data_changes_none_of_them(quiet_root, installed):
    root = quiet_root()
    before = bytes_of(root)
    found = data_dir.data_stats(root / "studio")
    after = {path: content for path, content in bytes_of(root).items() if not path.endswith(("-wal", "-shm"))}

    assert (found.database, found.annotators) == ("SQLite", 0)
    assert found.size == sum(len(content) for path, content in before.items() if "/data/" in path)
    assert after == before
    assert data_dir.data_stats(root / "other") is None


# What is not put back


def test_data_that_are_there_are_replaced_only_with_yes(quiet_root, packed, tmp_path):
    root = quiet_root("new", mark="two")
    before = bytes_of(root)

    assert refusal(put_back, packed, root) == (
        2,
        "this project's Label Studio has data already",
        "back up the data, then pass --yes to replace them",
    )
    assert bytes_of(root) == before
    put_back(packed, root, overwrite=True)
    assert (root / "studio" / "token").read_text() == "one"
    assert (root / "studio" / "data" / ".env").read_text() == "SECRET_KEY=one"
    assert sorted(p.name for p in (root / "studio").iterdir()) == ["data", "token"]


def test_a_running_label_studio_is_not_replaced(label_studio, packed):
    root = label_studio.work.parent

    assert refusal(put_back, packed, root, overwrite=True) == (
        2,
        "Label Studio is running for this project",
        "run `khabar studio down`, then retry",
    )
    assert process.status(label_studio.work) == label_studio.running


def other_version(files, listed):
    listed["label_studio"] = "1.13.0"


def upward(files, listed):
    files["studio/media/../../../evil"] = b"x"
    listed["files"]["studio/media/../../../evil"] = entry(b"x")


def absolute(files, listed):
    files["/var/evil"] = b"x"
    listed["files"]["/var/evil"] = entry(b"x")


def backslash(files, listed):
    files["studio/media/..\\evil"] = b"x"
    listed["files"]["studio/media/..\\evil"] = entry(b"x")


def other_folder(files, listed):
    files["studio/data/settings.py"] = b"x"
    listed["files"]["studio/data/settings.py"] = entry(b"x")


def bomb(files, listed):
    files["studio/media/upload/zeros"] = bytes(80 << 20)
    listed["files"]["studio/media/upload/zeros"] = entry(bytes(80 << 20))


def liar(files, listed):
    """Says two bytes, and holds more."""
    files["studio/token"] = b"xy" + bytes(100_000)
    listed["files"]["studio/token"] = entry(b"xy")


def other_content(files, listed):
    files["studio/.env"] = b"SECRET_KEY=two"


def unlisted(files, listed):
    files["studio/media/more"] = b"x"


def absent(files, listed):
    del files["studio/token"]


def no_database(files, listed):
    del files["studio/label_studio.sqlite3"], listed["files"]["studio/label_studio.sqlite3"]


def nothing(files, listed):
    files.clear()
    listed.update(files={}, servers={})


def no_list(files, listed):
    listed.clear()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (other_version, f"the backup is of Label Studio 1.13.0, but this khabar uses {VERSION}"),
        (upward, "the backup contains an unexpected file: 'studio/media/../../../evil'"),
        (absolute, "the backup contains an unexpected file: '/var/evil'"),
        (backslash, "the backup contains an unexpected file: 'studio/media/..\\\\evil'"),
        (other_folder, "the backup contains an unexpected file: 'studio/data/settings.py'"),
        (bomb, "{size:,} bytes would expand to {total:,}, more than any backup of khabar does"),
        (liar, "the backup is damaged: the sha256 of studio/token does not match the manifest"),
        (other_content, "the backup is damaged: the sha256 of studio/.env does not match the manifest"),
        (unlisted, "the backup is damaged: its files do not match its manifest"),
        (absent, "the backup is damaged: its files do not match its manifest"),
        (no_database, "the backup is damaged: its files do not match its manifest"),
        (nothing, "the backup is damaged: its files do not match its manifest"),
        (no_list, "the file is not a khabar backup"),
    ],
)
def test_incomplete_backup_is_refused(quiet_root, packed, tmp_path, change, message):
    root = quiet_root("new", mark="two")
    before = bytes_of(tmp_path / "new")
    changed = rewritten(packed, tmp_path / "changed.zip", change)
    with zipfile.ZipFile(changed) as archive:
        total = sum(info.file_size for info in archive.infolist() if info.filename != "manifest.json")
    code, said, _ = refusal(put_back, changed, root, overwrite=True)

    assert (code, said) == (2, message.format(size=changed.stat().st_size, total=total))
    assert bytes_of(tmp_path / "new") == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["changed.zip", "good.zip", "new", "old"]


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x05\x06" + bytes(18)])
def test_a_file_of_another_kind_is_refused(quiet_root, tmp_path, content):
    (tmp_path / "x.zip").write_bytes(content)
    code, said, _ = refusal(put_back, tmp_path / "x.zip", tmp_path / "new")

    assert code == 2
    assert said in (
        "the backup is damaged: it cannot be read: File is not a zip file",
        "the file is not a khabar backup",
    )


def test_a_backup_with_any_byte_changed_is_refused_or_the_same(quiet_root, packed, tmp_path):
    """Some bytes of a zip mean nothing, such as those of a date."""
    good = packed.read_bytes()
    put_back(packed, tmp_path / "good")
    expected = bytes_of(tmp_path / "good")
    refused = 0
    for number, at in enumerate(range(0, len(good), len(good) // 60)):
        bad, root = tmp_path / "bad.zip", tmp_path / f"r{number}"
        bad.write_bytes(good[:at] + bytes([good[at] ^ 0x55]) + good[at + 1 :])
        try:
            put_back(bad, root)
        except KhabarError:
            refused += 1
            assert not (root / "studio" / "data").exists()
        else:
            assert bytes_of(root) == expected

    assert refused > 50


def test_a_truncated_backup_is_refused(packed, tmp_path):
    cut = tmp_path / "cut.zip"
    cut.write_bytes(packed.read_bytes()[:-1000])

    assert refusal(put_back, cut, tmp_path / "new")[:2] == (
        2,
        "the backup is damaged: it cannot be read: File is not a zip file",
    )


def test_a_backup_of_another_assignment_is_refused(quiet_root, packed, tmp_path):
    own = quiet_root("isolated", names=("studio-a-0123456789", "studio-a-abcdef0123"))
    backup(sorted(own.iterdir()), tmp_path / "each.zip", progress=silent)

    assert refusal(put_back, packed, tmp_path / "new", isolated=True) == (
        2,
        "the backup is of one server for all, which does not match this project's assignment",
        "set assignment in schema/dataset.yaml: pool or separate",
    )
    assert refusal(put_back, tmp_path / "each.zip", tmp_path / "new") == (
        2,
        "the backup is of a server for each annotator, which does not match this project's assignment",
        "set assignment in schema/dataset.yaml: isolated",
    )
    assert put_back(tmp_path / "each.zip", tmp_path / "new", isolated=True)[0] == (
        "studio-a-0123456789",
        "studio-a-abcdef0123",
    )


# Killed


@pytest.mark.parametrize(
    ("there", "expected"),
    [(("data.old",), "old"), (("data", "data.old"), "new"), (("data",), "new")],
)
def test_what_a_killed_restore_left_is_settled(tmp_path, there, expected):
    for folder in there:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mark").write_text("old" if folder == "data.old" else "new")
    data_dir.recover_replace(tmp_path)

    assert [p.name for p in tmp_path.iterdir()] == ["data"]
    assert (tmp_path / "data" / "mark").read_text() == expected


RESTORER = """
import sys
from pathlib import Path
from builder.labelstudio.server import postgres, restore
print("ready", flush=True)
sys.stdin.readline()
restore.restore(Path(sys.argv[1]), Path(sys.argv[2]), isolated=False, database=None, overwrite=True, progress=print)
"""


def test_a_restore_that_is_killed_leaves_the_old_data_or_the_new(quiet_root, packed, tmp_path):
    root = quiet_root("new", mark="two")
    marks = Counter()
    for number in range(10):
        with subprocess.Popen(
            [sys.executable, "-c", RESTORER, str(packed), str(root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as child:
            child.stdout.readline()
            child.stdin.write("go\n")
            child.stdin.flush()
            time.sleep(number * 0.008)
            os.kill(child.pid, signal.SIGKILL)
        data_dir.recover_replace(root / "studio")
        folder = root / "studio" / "data"
        mark = (folder / ".env").read_text().removeprefix("SECRET_KEY=")
        with closing(sqlite(folder / "label_studio.sqlite3")) as base:
            sound = base.execute("pragma quick_check").fetchone()

        assert sound == ("ok",)
        assert (folder / "media" / "upload" / "1" / "ورقة.txt").read_text() == mark
        assert not (root / "studio" / "token").exists() or (root / "studio" / "token").read_text() == mark
        marks[mark] += 1
        (folder / ".env").write_text("SECRET_KEY=two")
        (folder / "media" / "upload" / "1" / "ورقة.txt").write_text("two")
        (root / "studio" / "token").write_text("two")

    put_back(packed, root, overwrite=True)

    assert min(marks["one"], marks["two"]) > 0, "some were killed before the data were replaced, some after"
    assert [p.name for p in root.iterdir()] == ["studio"], "nothing is left of those that were killed"


# A server for each annotator


@pytest.fixture
def isolated(project, installed):
    path = project.root / "schema" / "dataset.yaml"
    kept = [line for line in path.read_text().splitlines() if not line.startswith("assignment:")]
    path.write_text("\n".join([*kept, "assignment: isolated", ""]))
    yield type(project)(project.root)
    studio.down(project)


def test_each_annotator_has_a_server_that_the_others_cannot_enter(isolated, monkeypatch, installed):
    monkeypatch.setenv("KHABAR_HOME", str(installed.parent))
    key = isolated.pseudonym_key()
    nobody = refusal(connections, isolated)
    invited = studio.invite(isolated, ["layla", "Omar@Example.org"], progress=silent).logins
    logins = {one.email: (one.password, one.url) for one in invited}
    (first, (password, url)), (second, (_, other)) = logins.items()
    found = connections(isolated)
    found[0][1].client.projects.create(title="secret")
    titles = [[p.title for p in connection.client.projects.list()] for _, connection in found]
    ids = {pseudonym(key, who): address for who, (_, address) in logins.items()}

    assert nobody == (3, "no annotator has a Label Studio yet", "run `khabar studio invite NAME...`")
    assert {who: connection.url for who, connection in found} == ids
    assert len({url, other}) == 2
    assert titles == [["secret"], []]
    assert annotator.annotate_as(url, first, password, 1, {}) == 0
    assert refusal(annotator.annotate_as, other, first, password, 1, {})[:2] == (
        3,
        f"Label Studio at {other} rejected the login of {first}",
    )
    mine, theirs = (isolated.work / f"studio-{pseudonym(key, who)}" for who in (first, second))
    with httpx.Client(base_url=other, trust_env=False) as session:
        token = {"Authorization": f"Bearer {(mine / 'token').read_text()}"}
        refresh = session.post("/api/token/refresh/", json={"refresh": (mine / "token").read_text()})

        assert (session.get("/api/projects/", headers=token).status_code, refresh.status_code) == (401, 401)
    assert not [p.name for p in isolated.work.iterdir() if "layla" in p.name or "omar" in p.name]
    assert (mine / "data").exists() and (theirs / "data").exists()  # noqa: PT018

    servers = {server.name: server for server in studio.status(isolated).servers}
    archive = isolated.root / "each.zip"
    studio.backup(isolated, archive, progress=silent)
    stopped = studio.down(isolated).stopped
    down = refusal(connections, isolated)
    restored = studio.restore(isolated, archive, None, overwrite=True, progress=silent).servers
    up = {server.name: server.url for server in studio.up(isolated, None, progress=silent).servers}

    assert {*logins} == {"layla@khabar.localhost", "omar@example.org"}
    assert {servers[f"studio-{who}"].url for who in ids} == set(ids.values())
    assert [servers[f"studio-{who}"].data.annotators for who in ids] == [1, 1]
    assert stopped == 2
    assert down[:2] == (3, f"2 of 2 annotators' servers are not running: studio-{min(ids)}")
    assert restored == tuple(f"studio-{who}" for who in sorted(ids))
    assert {who: up[f"studio-{who}"] for who in ids} == ids, "each at its old address"
    assert annotator.annotate_as(url, first, password, 1, {}) == 0
    monkeypatch.setenv("LABEL_STUDIO_URL", url)
    assert refusal(connections, isolated)[0] == 2


def test_a_port_or_a_database_for_many_servers_is_refused(isolated):
    for port, database in ((9999, None), (None, "postgresql://a@b/c")):
        assert refusal(studio.up, isolated, port, database, progress=silent)[:2] == (
            2,
            "with assignment: isolated each annotator has a server and a SQLite of their own",
        )


# As the command line says it


def test_status_backup_and_restore_on_the_command_line(project, khabar, installed):
    home = {"KHABAR_HOME": str(installed.parent)}

    def run(*arguments, **environment):
        return khabar(*arguments, cwd=project.root, **home, **environment)

    idle = run("studio", "status")
    run("studio", "up")
    try:
        run("studio", "invite", "layla")
        (busy,) = json.loads(run("studio", "status", "--json").stdout)["servers"]
        made = run("studio", "backup", "b.zip")
        refused = run("studio", "restore", "b.zip", "--yes")
        own = run("studio", "status", LABEL_STUDIO_URL=busy["url"],
                  LABEL_STUDIO_API_KEY=(project.work / "studio" / "token").read_text())  # fmt: skip
        not_ours = run("studio", "backup", "c.zip", LABEL_STUDIO_URL=busy["url"])
    finally:
        run("studio", "down")
    restored, missing = run("studio", "restore", "b.zip", "--yes"), run("studio", "restore", "no.zip")

    assert (idle.returncode, idle.stdout) == (0, "Label Studio: not running\n")
    assert (busy["state"], busy["version"]) == ("running", VERSION)
    assert (busy["data"]["database"], busy["data"]["annotators"]) == ("SQLite", 1)
    assert made.returncode == 0
    assert made.stdout.startswith("backup: b.zip (")
    assert (refused.returncode, refused.stderr.split(": ", 1)[1]) == (2, (
        "error[studio-up] Label Studio is running for this project\n"
        "    fix: run `khabar studio down`, then retry\n"
    ))  # fmt: skip
    assert own.stdout.startswith(
        f"Label Studio: your own server (LABEL_STUDIO_URL)\naddress: {busy['url']}\nversion: {VERSION}\naccounts: 2\n"
    )
    assert (not_ours.returncode, not_ours.stderr.splitlines()[0]) == (
        2,
        "error[own-studio] LABEL_STUDIO_URL names a Label Studio that you run: khabar does not own its data",
    )
    assert (restored.returncode, restored.stdout) == (0, "restored: studio\nto start it: `khabar studio up`\n")
    assert missing.returncode == 2
    assert missing.stderr.startswith("no.zip: error[system] No such file or directory") or "no.zip" in missing.stderr
    assert "Traceback" not in missing.stderr

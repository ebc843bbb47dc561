"""The embedded Label Studio with a real Postgres, whose password is kept nowhere."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from builder.labelstudio import annotator, client
from builder.labelstudio.server import data_dir, postgres
from builder.labelstudio.server.backup import backup
from builder.labelstudio.server.process import accounts, down, new_credentials, up
from builder.labelstudio.server.restore import restore
from builder.labelstudio.tasks import key_of
from builder.main import _report_bug
from builder.records import KhabarError

pytestmark = pytest.mark.live
PASSWORD = "p@ss:w/rd-قمر"
AS_POSTGRES = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []


def silent(_):
    pass


def refusal(call, *arguments, **named):
    with pytest.raises(KhabarError) as caught:
        call(*arguments, **named)
    return caught.value.exit_code, str(caught.value), caught.value.issues[0].fix


@pytest.fixture(scope="module")
def cluster():
    """A Postgres of our own on loopback that asks for passwords; gives back a way to make a database."""
    (programs,) = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:]
    folder = Path(tempfile.mkdtemp(prefix="khabar-pg-", dir="/var/tmp"))  # user postgres must enter it
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "password").write_text(PASSWORD)
    if AS_POSTGRES:
        shutil.chown(folder, "postgres")
        shutil.chown(folder / "password", "postgres")

    def run(program, *arguments):
        subprocess.run(
            [*AS_POSTGRES, programs / program, *arguments], check=True, stdout=subprocess.DEVNULL, cwd=folder
        )

    run("initdb", "-D", folder / "data", "-U", "lead", "--auth=scram-sha-256", f"--pwfile={folder / 'password'}",
        "-E", "UTF8", "--locale=C.UTF-8")  # fmt: skip
    run("pg_ctl", "-D", folder / "data", "-w", "-l", folder / "log", "-o",
        f"-p {port} -h 127.0.0.1 -k {folder}", "start")  # fmt: skip

    def sql(command, name="postgres"):
        where = ["-h", "127.0.0.1", "-p", str(port), "-U", "lead", "-d", name]
        done = subprocess.run(
            [programs / "psql", *where, "-qAtc", command],
            env={"PGPASSWORD": PASSWORD}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    def made(name):
        sql(f"create database {name}")
        return postgres.Database("lead", "127.0.0.1", port, name, PASSWORD)

    made.sql, made.port = sql, port
    yield made
    run("pg_ctl", "-D", folder / "data", "-m", "immediate", "stop")
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def on_postgres(cluster, installed, tmp_path_factory):
    """A Label Studio whose first start migrated an empty Postgres."""
    work, database, said = tmp_path_factory.mktemp("pg") / "studio", cluster("studio"), []
    logins = new_credentials(["layla"])
    running = up(work, database=database, accounts=logins, progress=said.append)
    yield work, database, running, logins, said
    down(work)


def test_the_first_start_migrates_with_progress(on_postgres, cluster):
    _, database, _, _, said = on_postgres

    assert said[0] == f"creating Label Studio's tables in {database} (about a minute, once)"
    assert any(line.startswith("Label Studio is starting: ") for line in said)
    assert int(cluster.sql("select count(*) from django_migrations", "studio")) > 100


def test_the_password_is_nowhere_but_in_memory(on_postgres):
    work, database, running, _, said = on_postgres
    process = Path(f"/proc/{running.pid}")
    seen = process.joinpath("cmdline").read_bytes() + process.joinpath("environ").read_bytes()
    texts = {str(p): p.read_bytes() for p in work.rglob("*") if p.is_file()}
    words = [PASSWORD.encode(), b"p%40ss", PASSWORD.encode("unicode_escape")]

    assert texts[str(work / "data" / "database.json")].count(b"lead") == 1
    assert [p for p, content in texts.items() for word in words if word in content] == []
    assert [word for word in words if word in seen] == []
    assert PASSWORD not in " ".join([*said, repr(database), str(database)])


def test_what_runs_beside_it_asks_postgres_and_no_file(
    on_postgres, monkeypatch, cluster, config, article, task, answer
):
    work, database, running, logins, _ = on_postgres
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    batch = [task(article(n, f"نص مخترع رقم {n}")) for n in range(5)]
    connection = client.connect(running.url, running.token)
    sent = client.send(connection, "on postgres", config, batch, overlap=1, progress=silent)
    again = client.send(connection, "on postgres", config, batch, overlap=1, progress=silent)
    given = {item["data"]["article_id"]: answer(skipped=True) for item in batch}
    done = annotator.annotate_as(running.url, *logins[0], int(sent.project_id), given)
    ((_, second),) = accounts(work, ["omar"])
    looked = data_dir.data_stats(work)

    assert (sent.created, again.created, again.present, done) == (5, 0, 5, 5)
    assert cluster.sql("select count(*) from task_completion", "studio") == "5"
    assert not list((work / "data").glob("*.sqlite3*"))
    assert annotator.annotate_as(running.url, "omar@khabar.localhost", second, int(sent.project_id), given) == 5
    assert (looked.database, looked.annotators) == (str(database), 2)
    assert looked.size > 8_000_000
    assert up(work, database=database, progress=silent) == running


def test_postgres_is_remembered_and_restored(on_postgres, cluster, monkeypatch, config, article, task, tmp_path):
    work, _, running, _, _ = on_postgres
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    batch = [task(article(n, f"خبر مخترع رقم {n}")) for n in range(4)]
    connection = client.connect(running.url, running.token)
    sent = client.send(connection, "saved", config, batch, overlap=1, progress=silent)
    backup([work], tmp_path / "b.zip", progress=silent)
    connection.client.projects.delete(id=int(sent.project_id))
    down(work)
    options = {"isolated": False, "progress": silent}
    not_said = refusal(restore, tmp_path / "b.zip", work.parent, database=None, overwrite=False, **options)
    restore(tmp_path / "b.zip", work.parent, database=None, overwrite=True, **options)
    second = up(work, progress=silent)
    connection = client.connect(second.url, second.token)
    (project,) = [p for p in connection.client.projects.list() if p.title == "saved"]
    there = {key_of(t.data) for t in connection.client.tasks.list(project=project.id, fields="task_only")}

    assert not_said[:2] == (2, "this project's Label Studio has data already")
    assert (second.url, second.token) == (running.url, running.token)
    assert there == {key_of(t["data"]) for t in batch}

    elsewhere, other = tmp_path / "elsewhere", cluster("other")
    none = refusal(restore, tmp_path / "b.zip", elsewhere, database=None, overwrite=False, **options)
    restore(tmp_path / "b.zip", elsewhere, database=other, overwrite=False, **options)
    taken = refusal(restore, tmp_path / "b.zip", tmp_path / "c", database=other, overwrite=False, **options)

    assert none[:2] == (2, "the backup holds a Postgres database, but this project has none to restore into")
    assert taken[:2] == (2, f"the database {other} already contains tables of a Label Studio")
    assert cluster.sql("select count(*) from task", "other") == cluster.sql("select count(*) from task", "studio")
    third = up(elsewhere / "studio", progress=silent)
    try:
        assert client.connect(third.url, running.token).client.users.whoami().email == "owner@khabar.localhost"
    finally:
        down(elsewhere / "studio")


def test_a_restore_that_postgres_refuses_changes_nothing(on_postgres, cluster, monkeypatch, tmp_path):
    """A table of somebody else's hangs on one of Label Studio's, so that it cannot be dropped."""
    work, _, _, _, _ = on_postgres
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    backup([work], tmp_path / "b.zip", progress=silent)
    was_up = down(work)
    cluster.sql("create view hangs_on_it as select id from task", "studio")
    before = cluster.sql("select count(*), max(id) from htx_user", "studio"), (work / "token").read_text()
    found = refusal(
        restore, tmp_path / "b.zip", work.parent, isolated=False, database=None, overwrite=True, progress=silent
    )
    after = cluster.sql("select count(*), max(id) from htx_user", "studio"), (work / "token").read_text()
    cluster.sql("drop view hangs_on_it", "studio")

    assert was_up
    assert found[0] == 3
    assert found[1].startswith("pg_restore failed: ")
    assert after == before
    assert up(work, progress=silent).token == before[1]


# What is refused


def test_a_wrong_password_is_refused_before_anything_is_made(on_postgres, cluster, tmp_path):
    wrong = postgres.Database("lead", "127.0.0.1", cluster.port, "studio", "another-secret")
    code, message, fix = refusal(up, tmp_path / "studio", database=wrong, progress=silent)

    assert code == 3
    assert message.startswith(f"cannot connect to {wrong}: ")
    assert message.endswith('password authentication failed for user "lead"')
    assert fix == "check that Postgres is running, that the database exists and that PGPASSWORD is the user's password"
    assert "another-secret" not in message
    assert not (tmp_path / "studio").exists()


def test_nothing_answers(installed, tmp_path):
    nobody = postgres.Database("lead", "127.0.0.1", 9, "studio", "x")
    code, message, _ = refusal(up, tmp_path / "studio", database=nobody, progress=silent)

    assert code == 3
    assert message.endswith("port 9 failed: Connection refused")


def test_a_database_that_is_not_empty_is_not_migrated(on_postgres, cluster, tmp_path):
    full = cluster("shop")
    cluster.sql("create table orders (id int)", "shop")
    _, taken, _, _, _ = on_postgres
    fix = "create an empty one with `createdb NAME`; to use another Label Studio, set LABEL_STUDIO_URL"

    assert refusal(up, tmp_path / "a", database=full, progress=silent) == (
        2,
        f"the database {full} already contains 1 table of something else",
        fix,
    )
    assert refusal(up, tmp_path / "b", database=taken, progress=silent) == (
        2,
        f"the database {taken} already contains tables of a Label Studio",
        fix,
    )
    assert cluster.sql("select count(*) from pg_tables where schemaname = 'public'", "shop") == "1"


def test_another_database_than_the_first_is_refused(on_postgres, label_studio):
    work, database, _, _, _ = on_postgres
    other = postgres.Database("lead", "127.0.0.1", database.port, "elsewhere", PASSWORD)

    assert refusal(up, work, database=other, progress=silent)[:2] == (
        2,
        f"this project's Label Studio stores its data in {database} and cannot be switched to {other}",
    )
    assert refusal(up, label_studio.work, database=other, progress=silent)[:2] == (
        2,
        f"this project's Label Studio stores its data in SQLite and cannot be switched to {other}",
    )


def test_without_the_password_nothing_is_guessed(on_postgres, monkeypatch):
    work, _, _, _, _ = on_postgres
    monkeypatch.delenv("PGPASSWORD", raising=False)

    assert refusal(accounts, work, ["x"])[0] == 3
    assert (data_dir.data_stats(work).size, data_dir.data_stats(work).annotators) == (None, None)


@pytest.mark.parametrize(
    "url",
    ["", "studio", "mysql://a@b/c", "postgresql://b/c", "postgresql://a@/c", "postgresql://a@b", "postgresql://a@b/",
     "postgresql://a:secret@b:port/c", "postgresql://a:secret@b/c?sslmode=off", "postgresql://a@b/c=d", "postgresql://[a@b/c"],
)  # fmt: skip
def test_what_is_not_an_address_is_refused_and_not_repeated(url):
    found = refusal(postgres.database_of, url)

    assert found == (
        2,
        "--database is not a valid Postgres URL",
        "pass a URL such as postgresql://user@127.0.0.1:5432/name, with the password in PGPASSWORD",
    )


def test_an_address_is_taken_apart(monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "from the environment")
    given = postgres.database_of("postgres://a%40b:p%3Aw@[::1]:6000/my%20base")

    assert given == postgres.Database("a@b", "::1", 6000, "my base", "p:w")
    assert postgres.database_of("postgresql://a@b/c").password == "from the environment"


def test_a_report_of_a_bug_does_not_hold_the_password_of_an_address(monkeypatch):
    monkeypatch.setattr("sys.argv", ["khabar", "studio", "up", "--database", "postgresql://a:top@secret@b:1/c"])
    report = Path(_report_bug(ValueError("of ours")))
    text = report.read_text(encoding="utf-8")
    report.unlink()

    assert "command: studio up --database postgresql://a:***@b:1/c\n" in text


def test_the_password_of_an_address_is_neither_said_nor_kept(project, khabar, installed):
    done = khabar("studio", "up", "--database", "postgresql://a:topsecret@127.0.0.1:9/c", cwd=project.root,
                  KHABAR_HOME=str(installed.parent))  # fmt: skip

    assert done.returncode == 3
    assert "postgresql://a@127.0.0.1:9/c" in done.stderr
    assert "topsecret" not in done.stderr + done.stdout
    assert [p for p in project.root.rglob("*") if p.is_file() and b"topsecret" in p.read_bytes()] == []

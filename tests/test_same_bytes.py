"""Same inputs, same bytes: whatever the day, the place, the locale, the order; and whatever ended a build before.

Every build here is the real command line in a process of its own.
"""

import hashlib
import os
import random
import re
import shutil
import subprocess
import sys
import time

import pytest

from builder.commands import build as builds
from builder.commands.init import init
from builder.commands.sample import sample
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.project.project import Project
from builder.records import BatchItem, Decision, Dispute, SplitAssignment, Stance
from tests.builders import judge, walk
from tests.conftest import DAY, EVERY, ROOT

pytestmark = pytest.mark.slow  # each test runs several commands on a project

CLOCK = '''
"""A clock that is shifted by so many seconds: every way in which Python code asks for the time or the day."""
import ctypes
import datetime as days
import gc
import os
import time

SHIFT = float(os.environ["SHIFT"])
clocks = {name: getattr(time, name) for name in ("time", "time_ns", "localtime", "gmtime", "strftime")}
time.time = lambda: clocks["time"]() + SHIFT
time.time_ns = lambda: clocks["time_ns"]() + int(SHIFT * 1e9)
time.localtime = lambda *at: clocks["localtime"](*(at or (time.time(),)))
time.gmtime = lambda *at: clocks["gmtime"](*(at or (time.time(),)))
time.strftime = lambda form, *at: clocks["strftime"](form, *(at or (time.localtime(),)))


def put(kind, name, method):
    """In place of a method of a type of C code, which pyarrow and others hold by its address."""
    gc.get_referents(kind.__dict__)[0][name] = classmethod(method)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))


put(days.datetime, "now", lambda kind, tz=None: kind.fromtimestamp(time.time(), tz))
put(days.datetime, "utcnow", lambda kind: kind.fromtimestamp(time.time(), days.timezone.utc).replace(tzinfo=None))
put(days.datetime, "today", lambda kind: kind.fromtimestamp(time.time()))
put(days.date, "today", lambda kind: kind.fromtimestamp(time.time()))
'''
PLACES = {
    "here": {"LANG": "C.UTF-8", "TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "1", "SHIFT": "0"},
    # Two and a half years on, on the other side of the date line, in a locale that knows ASCII only.
    "there": {"LANG": "C", "LC_ALL": "C", "TZ": "America/Los_Angeles", "PYTHONHASHSEED": "97", "PYTHONUTF8": "0",
              "PYTHONCOERCECLOCALE": "0", "SHIFT": "79000000"},
}  # fmt: skip


def digest(folder):
    """One hash of a folder: names and contents."""
    found = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        found.update(f"{path.relative_to(folder)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A project that is ready to be built: two batches, all judged, and a decision."""
    folder = tmp_path_factory.mktemp("prepared") / "project"
    init(folder, card=str)
    project = Project(folder)
    walk(project, [ROOT / "examples" / "articles"], size=14)
    sample(project, "second", 12)
    judge(project)
    judge(project, "second")
    decide(project)
    return folder


def decide(project):
    from builder.commands.adjudicate import adjudicate

    adjudicate(project)
    disputes = [d for d in read_jsonl(project.work / "disputes.jsonl", Dispute) if d.what.startswith("stance:")]
    shas = {i.article_id: i.text_sha for name in project.batches() for i in
            read_jsonl(project.annotations / name / "batch.jsonl", BatchItem)}  # fmt: skip
    decisions = [
        Decision(d.article_id, shas[d.article_id], who, None, (Stance(d.what.removeprefix("stance:"), "neutral"),))
        for d in disputes[:2]
        for who in ("lead", "second lead")
    ]
    write_jsonl(project.annotations / "pilot" / "decisions.jsonl", decisions)


@pytest.fixture
def clock(tmp_path):
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock" / "sitecustomize.py").write_text(CLOCK, encoding="utf-8")
    return tmp_path / "clock"


def test_clock_is_shifted(clock):
    asked = (
        "import time, datetime; print(datetime.datetime.now().year, datetime.date.today().year, time.localtime()[0])"
    )
    env = {"PYTHONPATH": str(clock), "SHIFT": str(10 * 366 * 86400)}
    years = subprocess.run([sys.executable, "-c", asked], env=env, capture_output=True, text=True, check=True).stdout

    assert {int(year) - time.localtime()[0] for year in years.split()} == {10}


def shuffled(folder, seed):
    """Every file of annotations with its lines in another order, written in another order."""
    chance = random.Random(seed)  # noqa: S311 - a seeded order
    files = sorted(folder.rglob("*.jsonl"))
    chance.shuffle(files)
    for path in files:
        lines = path.read_bytes().splitlines(keepends=True)
        chance.shuffle(lines)
        path.unlink()
        path.write_bytes(b"".join(lines))


def test_folder_day_locale_and_order_do_not_matter(prepared, clock, tmp_path, khabar):
    pages = sorted(path for path in (ROOT / "examples" / "articles").rglob("*") if path.is_file())
    hashes = set()
    for number, (place, environment) in enumerate(PLACES.items()):
        folder = tmp_path / place / ("a" * 40 * number + "project")
        chance = random.Random(number)  # noqa: S311 - a seeded order
        other = [pages, chance.sample(pages, len(pages))][number]
        init(folder, card=str)
        (folder / "annotations").rmdir()
        for name in sorted(("pilot", "second"), reverse=bool(number)):  # made in another order
            shutil.copytree(prepared / "annotations" / name, folder / "annotations" / name)
        if number:
            shuffled(folder / "annotations", seed=7)
        own = environment | {"PYTHONPATH": f"{clock}{os.pathsep}{ROOT}"}
        rounds = [pages] if not number else [other[:9], other[9:]]
        for paths in rounds:
            assert khabar("ingest", *paths, cwd=folder, **own).returncode in (0, 1)
        steps = [("clean",), ("dedup",), ("adjudicate",)][: 1 + 2 * number]
        for step in (*steps, ("build", "1.0.0")):
            done = khabar(*step, cwd=folder, **own)
            assert done.returncode == 0, done.stderr
        hashes.add(digest(folder / "dist" / "v1.0.0"))

    assert len(hashes) == 1


KILLER = '''
"""Kills its own process, as kill -9 does, right before the so-manieth change of a file in a folder."""
import atexit
import os
import signal
import sys

left, root = int(os.environ["KILL_AT"]), os.environ["KILL_IN"]
CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "tempfile.mkstemp", "tempfile.mkdtemp"}


def changes(event, args):
    if event == "open":
        return isinstance(args[2], int) and bool(args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    return event in CHANGES


def watch(event, args):
    global left
    if changes(event, args) and any(isinstance(one, str) and root in one for one in args):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)


sys.addaudithook(watch)
atexit.register(lambda: os.write(2, b"changes left: %d\\n" % left))
'''


@pytest.fixture(scope="module")
def releases(prepared, tmp_path_factory):
    """A project with a release, and what that and the next build of it must be: hashes before and after."""
    folder = shutil.copytree(prepared, tmp_path_factory.mktemp("releases") / "project")
    project = Project(folder)
    builds.build(project, "1.0.0")
    before = digest(project.release("1.0.0"))
    next_build = Project(shutil.copytree(folder, folder.parent / "next_build"))
    edit_card(next_build)
    builds.build(next_build, "1.0.0")
    return folder, before, digest(next_build.release("1.0.0"))


def edit_card(project):
    card = project.root / "dataset_card.md"
    card.write_text(card.read_text(encoding="utf-8") + "\nرقم جديد.\n", encoding="utf-8")


@pytest.fixture
def disturbed(releases, tmp_path):
    """A copy of a project with a release, which has another card now; hashes of its release before and after."""
    folder, before, after = releases
    project = Project(shutil.copytree(folder, tmp_path / "project"))
    edit_card(project)
    return project, before, after


def assert_whole(project, before, after):
    """That there is one release, old or new, and no ledger lost a line; which one it is."""
    assert sorted(path.name for path in (project.root / "dist").iterdir() if path.name[0] != ".") == ["v1.0.0"]
    assert [line.article_id for line in read_jsonl(project.annotations / "splits.jsonl", SplitAssignment)] == LEDGER
    found = digest(project.release("1.0.0"))
    assert found in (before, after)
    return "new" if found == after else "old"


LEDGER = []


@pytest.fixture(autouse=True)
def ledger(releases):
    LEDGER[:] = [one.article_id for one in read_jsonl(releases[0] / "annotations" / "splits.jsonl", SplitAssignment)]
    assert len(LEDGER) == 26


def assert_recovers(project, after):
    """The next build gives what an undisturbed one gives, and leaves nothing of the one before."""
    builds.build(Project(project.root), "1.0.0")
    assert digest(project.release("1.0.0")) == after
    assert [path.name for path in (project.root / "dist").iterdir()] == ["v1.0.0"]
    assert not list(project.annotations.rglob(".*"))
    assert not list(project.work.glob(".tables*"))


@pytest.fixture
def killed(tmp_path, khabar):
    """Run a build that is killed right before the so-manieth change of a file; its exit code."""
    (tmp_path / "killer").mkdir()
    (tmp_path / "killer" / "sitecustomize.py").write_text(KILLER, encoding="utf-8")

    def build(project, number):
        path = f"{tmp_path / 'killer'}{os.pathsep}{ROOT}"
        done = khabar(
            "build", "1.0.0", cwd=project.root, PYTHONPATH=path, KILL_AT=str(number), KILL_IN=str(project.root)
        )
        return done.returncode, done.stderr

    return build


@pytest.fixture
def changes(releases, killed, tmp_path):
    """How often a build that replaces a release changes a file or folder of its project."""
    project = Project(shutil.copytree(releases[0], tmp_path / "counted"))
    edit_card(project)
    code, output = killed(project, 10_000)
    assert code == 0
    return 10_000 - int(re.search(r"changes left: (\d+)", output)[1])


def test_killed_build_leaves_one_whole_release(disturbed, killed, changes):
    project, before, after = disturbed
    chance = random.Random(5)  # noqa: S311 - the same moments each time
    moments = sorted({*chance.sample(range(changes - 8), 8), changes - 8, changes - 1})
    found = [(killed(project, number)[0], assert_whole(project, before, after)) for number in moments]
    assert_recovers(project, after)

    assert [code for code, _ in found] == [-9] * len(moments)
    assert {state for _, state in found} == {"old", "new"}


def points(changes):
    """The changes before which a build is killed: each with KHABAR_ALL_FAULTS, else the day's, and the last ones, which count."""
    return range(changes) if EVERY else sorted({*range(DAY % 14, changes, 14), *range(changes - 5, changes)})


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_build_killed_before_any_file_change(disturbed, killed, changes, tmp_path, record_property):
    project, before, after = disturbed
    record_property("drawn", f"the changes {[*points(changes)]} of {changes}, KHABAR_DAY={DAY}")
    states = []
    for number in points(changes):
        fresh = Project(shutil.copytree(project.root, tmp_path / f"copy-{number}"))
        assert killed(fresh, number)[0] == -9
        states.append(assert_whole(fresh, before, after))
        assert_recovers(fresh, after)

    assert states == sorted(states, reverse=True)  # old, then new
    assert {*states} == {"old", "new"}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_first_build_killed_at_any_moment(disturbed, killed, changes, tmp_path, record_property):
    project, before, after = disturbed
    record_property("drawn", f"the changes {[*points(changes)[::2]]} of {changes}, KHABAR_DAY={DAY}")
    shutil.rmtree(project.root / "dist")
    (project.annotations / "releases.jsonl").unlink()
    (project.annotations / "splits.jsonl").unlink()
    for number in points(changes)[::2]:
        fresh = Project(shutil.copytree(project.root, tmp_path / f"copy-{number}"))
        killed(fresh, number)
        if (fresh.root / "dist" / "v1.0.0").exists():
            assert assert_whole(fresh, before, after) == "new"
        assert_recovers(fresh, after)


@pytest.mark.slow
def test_half_written_folder_is_no_release(disturbed, khabar):
    project, before, after = disturbed
    partial = 0
    for moment in (0.0, 0.001, 0.002, 0.004):
        with subprocess.Popen(
            [sys.executable, "-m", "builder", "build", "1.0.0"], cwd=project.root,
            env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL,
        ) as child:  # fmt: skip
            while child.poll() is None and not list((project.root / "dist").glob(".v1.0.0.*")):
                time.sleep(0.001)
            time.sleep(moment)
            child.kill()
        partial += bool(list((project.root / "dist").glob(".v1.0.0.*")))
        assert_whole(project, before, after)
        assert "v1.0.0" in khabar("status", cwd=project.root).stdout
    assert_recovers(project, after)

    assert partial


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
sys.argv = ["khabar", "build", "1.0.0"]
from builder.main import main
main()
"""


@pytest.mark.parametrize("most", [0, pytest.param(1_000, marks=pytest.mark.slow), 5_000])
def test_file_size_limit_changes_nothing(disturbed, most):
    project, before, after = disturbed
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(most)],
        cwd=project.root,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(str(project.root))  # what could not be written
    assert ": error[system] File too large\n" in done.stderr
    assert "    fix: check free disk space and permissions" in done.stderr
    assert assert_whole(project, before, after) == "old"
    assert_recovers(project, after)


@pytest.fixture
def disk(tmp_path):
    """A disk of its own, of eight megabytes, where whoever runs this may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a disk needs root: RLIMIT_FSIZE is tested above")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_full_disk_keeps_the_old_release(disturbed, disk, khabar):
    made, before, after = disturbed
    project = Project(shutil.copytree(made.root, disk / "project"))
    filler = disk / "filler"
    ended = []
    for room in (16_384, 131_072):
        filler.write_bytes(b"")
        free = shutil.disk_usage(disk).free
        filler.write_bytes(b"x" * (free - room))
        done = khabar("build", "1.0.0", cwd=project.root, TMPDIR=str(made.root))
        ended.append(done.returncode)
        assert done.returncode == 0 or ": error[system] No space left on device\n" in done.stderr, done.stderr
        assert assert_whole(project, before, after) == ("old" if done.returncode else "new")
    filler.unlink()
    assert_recovers(project, after)

    assert ended == [2, 2]

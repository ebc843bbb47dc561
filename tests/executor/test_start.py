"""Engines run every item once, whatever happens to the workers."""

import os
import signal
import subprocess
import sys
import time
from multiprocessing import active_children
from pathlib import Path

import pytest

from builder.executor.environment import numpy_environment
from builder.executor.pmap import Expected
from builder.executor.start import engine
from builder.records import KhabarError
from tests.executor import poison

pytestmark = pytest.mark.slow


def test_each_item_runs_once_and_one_worker_stays_in_process():
    with engine("local", 1) as pmap:
        assert list(pmap(poison.square, range(5))) == [0, 1, 4, 9, 16]
        assert {pid for pid, *_ in pmap(poison.where, range(3))} == {os.getpid()}


def test_single_item_starts_no_pool():
    with engine("local", 2) as pmap:
        assert [pid for pid, *_ in pmap(poison.where, [1])] == [os.getpid()]
        assert list(pmap(poison.where, [])) == []


@pytest.mark.parametrize(("items", "started"), [(0, 0), (1, 0), (2, 2), (9, 2)])
def test_workers_start_at_once_for_work_that_is_expected(items, started):
    with engine("local", 2, Expected(items, ("sqlite3.dump",))):
        assert len(active_children()) == started
    assert not active_children()


def test_expected_workers_import_modules_before_the_first_item():
    with engine("local", 2, Expected(2, ("sqlite3.dump",))) as pmap:
        assert list(pmap(poison.has_module, ["sqlite3.dump"] * 2)) == [True] * 2
    with engine("local", 2) as pmap:
        assert list(pmap(poison.has_module, ["sqlite3.dump"] * 2)) == [False] * 2


def test_workers_are_reused_with_one_thread_each():
    with engine("local", 2) as pmap:
        assert sorted(pmap(poison.square, range(50))) == [n * n for n in range(50)]
        seen = [*pmap(poison.where, range(10)), *pmap(poison.where, range(10))]
    pids = {pid for pid, *_ in seen}
    assert os.getpid() not in pids
    assert len(pids) <= 2
    assert {(threads, cpus) for _, threads, cpus in seen} == {("1", 1)}
    assert not any(_alive(pid) for pid in pids)


def test_workers_start_without_pandas_but_can_import_it():
    with engine("local", 2) as pmap:
        assert next(pmap(poison.pandas, range(2))) == (False, True, (1.5,))


@pytest.mark.parametrize(
    ("vendor", "family", "less"), [("AuthenticAMD", 25, True), ("AuthenticAMD", 26, False), ("GenuineIntel", 25, False)]
)
def test_numpy_avoids_avx512_sorting_only_on_zen_4(monkeypatch, vendor, family, less):
    about = f"vendor_id\t: {vendor}\ncpu family\t: {family}\nmodel\t\t: 17\n"
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: about)
    monkeypatch.delenv("NPY_DISABLE_CPU_FEATURES", raising=False)

    named = numpy_environment().get("NPY_DISABLE_CPU_FEATURES")
    assert (named is not None) is less
    assert all(name.startswith(("AVX512", "X86_V4")) for name in (named or "").split())
    monkeypatch.setenv("NPY_DISABLE_CPU_FEATURES", "AVX2")
    assert numpy_environment() == {}


def test_killed_worker_is_replaced_and_its_item_rerun(tmp_path):
    items = [str(tmp_path / str(number)) for number in range(4)]
    with engine("local", 2) as pmap:
        assert sorted(pmap(poison.die_once, items)) == items


def test_item_that_kills_every_worker_is_named():
    with engine("local", 2) as pmap:
        with pytest.raises(KhabarError) as caught:
            list(pmap(poison.die, range(6)))
        assert sorted(pmap(poison.square, range(3))) == [0, 1, 4]
    [issue] = caught.value.issues
    assert caught.value.exit_code == 5
    assert issue.code == "worker-died"
    assert issue.message == "every worker that ran 3 died (SIGKILL); the other results are kept"
    assert issue.fix.endswith("then rerun the command to resume")


def test_error_of_a_function_is_raised_with_its_traceback():
    with engine("local", 2) as pmap:
        with pytest.raises(KeyError, match="two") as caught:
            list(pmap(poison.fail, range(4)))
        assert "in fail" in caught.value.__notes__[0]
        with pytest.raises(RuntimeError, match="Odd: a"):
            list(pmap(poison.odd, range(2)))
        assert sorted(pmap(poison.square, range(3))) == [0, 1, 4]


def test_closing_early_leaves_no_worker_busy(tmp_path):
    with engine("local", 2) as pmap:
        coming = pmap(poison.square, iter(range(1000)))
        next(coming)
        coming.close()
        assert sorted(pmap(poison.square, range(3))) == [0, 1, 4]


@pytest.mark.parametrize("how", ["group", "parent"])
def test_ctrl_c_or_death_of_parent_ends_the_workers(tmp_path, how):
    code = (
        "import sys\nfrom builder.executor.start import engine\nfrom tests.executor import poison\n"
        "if __name__ == '__main__':\n"
        "    with engine('local', 2) as pmap:\n"
        "        list(pmap(poison.linger, sys.argv[1:]))\n"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    flags = [tmp_path / "a", tmp_path / "b"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    child = subprocess.Popen(
        [sys.executable, str(script), *map(str, flags)], env=environment, cwd=Path(poison.__file__).parents[2],
        start_new_session=True, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    _wait(lambda: all(flag.exists() and flag.read_text() for flag in flags))
    if how == "group":
        os.killpg(child.pid, signal.SIGINT)
    else:
        child.kill()
    said = child.communicate(timeout=20)[1]
    _wait(lambda: not any(_alive(int(flag.read_text())) for flag in flags))
    assert child.returncode != 0
    assert said.count("Traceback") == (1 if how == "group" else 0)  # this process's own; workers say nothing


@pytest.mark.parametrize("name", ["ray", "dask"])
def test_missing_engine_says_how_to_install_it(name, monkeypatch):
    monkeypatch.setitem(sys.modules, {"ray": "ray", "dask": "distributed"}[name], None)
    with pytest.raises(KhabarError) as caught, engine(name):
        pass
    [issue] = caught.value.issues
    assert (caught.value.exit_code, issue.code) == (2, "no-engine")
    assert (issue.message, issue.fix) == (f"the engine {name} is not installed", f"pip install 'khabar[{name}]'")


def test_unknown_engine_and_zero_workers_are_refused():
    with pytest.raises(KhabarError, match="there is no engine spark") as caught, engine("spark"):
        pass
    assert caught.value.issues[0].fix == "choose one of: local, ray, dask"
    with pytest.raises(KhabarError, match="0 workers cannot do any work"), engine("local", 0):
        pass


def _alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _wait(true):
    for _ in range(400):
        if true():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come true in 20 s")


def test_no_worker_hears_ctrl_c():
    with engine("local", 2) as pmap:
        masks = {mask for _, mask in pmap(poison.blocked_signals, range(4))}

    assert all(mask & 1 << (signal.SIGINT - 1) for mask in masks)

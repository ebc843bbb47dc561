"""The command `hub`: a local Hub in a process of its own."""

import json
import urllib.error
import urllib.request

import pytest

pytestmark = pytest.mark.slow  # each test runs several commands on a project


@pytest.fixture
def address(project, khabar):
    """The address of the project's running local Hub; it is stopped after the test."""
    done = khabar("hub", "up", "--json", cwd=project.root)
    assert done.returncode == 0, done.stderr
    yield json.loads(done.stdout)["url"]
    khabar("hub", "down", cwd=project.root)


def test_hub_answers_until_it_is_stopped(project, khabar, address):
    again = khabar("hub", "up", cwd=project.root)
    asked = urllib.request.Request(f"{address}/api/whoami-v2", headers={"Authorization": "Bearer rehearsal"})
    with urllib.request.urlopen(asked) as answer:
        status = answer.status
    stopped = khabar("hub", "down", cwd=project.root)
    absent = khabar("hub", "down", cwd=project.root)

    assert address.startswith("http://127.0.0.1:")
    assert status == 200
    assert "was running already" in again.stdout
    assert "rehearsal Hub: stopped" in stopped.stdout
    assert "rehearsal Hub: was not running" in absent.stdout
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(asked)


def test_running_hub_is_not_started_in_another_way(project, khabar, address):
    done = khabar("hub", "up", "--xet", cwd=project.root)

    assert (done.returncode, done.stdout) == (2, "")
    assert f"at {address}" in done.stderr
    assert "run `khabar hub down` first" in done.stderr

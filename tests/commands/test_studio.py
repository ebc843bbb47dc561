"""The command `studio`: what it says and refuses before a server runs."""

import socket

import pytest

pytestmark = pytest.mark.slow  # each test runs several commands on a project


def test_busy_port_is_refused(project, khabar, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = khabar("studio", "up", "--port", port, cwd=project.root, KHABAR_HOME=str(tmp_path / "none"))

    assert done.returncode == 2
    assert f"port {port} on 127.0.0.1 is in use by another program" in done.stderr
    assert not (tmp_path / "none").exists()


def test_status_of_a_project_without_a_server(project, khabar):
    done = khabar("studio", "status", cwd=project.root)

    assert (done.returncode, done.stderr) == (0, "")
    assert "Label Studio: not running" in done.stdout


def test_down_without_a_server(project, khabar):
    done = khabar("studio", "down", cwd=project.root)

    assert (done.returncode, done.stderr) == (0, "")
    assert "Label Studio: was not running" in done.stdout


def test_backup_without_a_server_is_refused(project, khabar):
    done = khabar("studio", "backup", "backup.zip", cwd=project.root)

    assert (done.returncode, done.stdout) == (2, "")
    assert "error[studio] this project has no Label Studio yet\n    fix: run `khabar studio up`\n" in done.stderr
    assert not (project.root / "backup.zip").exists()

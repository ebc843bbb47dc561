"""Consent to changes of running projects: a yes on a terminal, and no question anywhere else."""

import io
import os

import pytest

from builder.cli.consent import ask_first
from builder.labelstudio.refresh.projects import RUNNING
from builder.records import KhabarError, user_error


def change(agreed):
    if not agreed:
        raise user_error(RUNNING, "send would change what people work on", fix="--yes", exit_code=1)
    return "changed"


@pytest.fixture
def terminal(monkeypatch):
    """Sit at a terminal, and type something."""
    master, slave = os.openpty()
    with os.fdopen(slave) as keyboard:
        monkeypatch.setattr("sys.stdin", keyboard)
        yield lambda words: os.write(master, words)
    os.close(master)


def test_a_yes_on_a_terminal_goes_on(terminal, capsys):
    terminal(b"y\n")

    assert ask_first(change, agreed=False) == "changed"
    assert "send would change what people work on. Go on? [y/N]" in capsys.readouterr().err


def test_a_no_on_a_terminal_changes_nothing(terminal):
    terminal(b"n\n")

    with pytest.raises(KhabarError, match="send would change what people work on"):
        ask_first(change, agreed=False)


def test_without_a_terminal_nothing_is_asked(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(KhabarError, match="send would change what people work on"):
        ask_first(change, agreed=False)

    assert ask_first(change, agreed=True) == "changed"


def test_another_refusal_is_not_asked_about(terminal):
    terminal(b"y\n")

    def refuse(_):
        raise user_error("token", "refused", fix="", exit_code=3)

    with pytest.raises(KhabarError, match="refused"):
        ask_first(refuse, agreed=False)

"""Consent to changes of running projects: asked for on a terminal, elsewhere given by `--yes`."""

import sys
from collections.abc import Callable
from typing import TypeVar

import click

from builder.labelstudio.refresh.projects import RUNNING
from builder.records import KhabarError

T = TypeVar("T")


def ask_first(run: Callable[[bool], T], *, agreed: bool) -> T:
    """Run a command; if it refuses to change what people work on, ask on a terminal, and run it again on a yes.

    `run` takes whether the lead agreed. Raises KhabarError as `run` does.
    """
    try:
        return run(agreed)
    except KhabarError as refused:
        if refused.issues[0].code != RUNNING or not sys.stdin.isatty():
            raise
        if not click.confirm(f"{refused.issues[0].message}. Go on?", err=True):
            raise
    return run(True)

"""The decorator of commands that work on a project's state: their reports end with the command to run next."""

import functools
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Concatenate, ParamSpec

import click

from builder.cli.options import verb
from builder.cli.output import Console
from builder.project.project import Project, find_project
from builder.project.stages import states
from builder.records import KhabarError, NextStep, Report

P = ParamSpec("P")


def project_of(console: Console) -> Project:
    """Find the project that holds the command's folder, once. Raises KhabarError (exit code 2) when there is none."""
    found = click.get_current_context().meta
    if "project" not in found:
        found["project"] = find_project(console.folder)
    project: Project = found["project"]
    return project


def road(function: Callable[Concatenate[Console, P], Report]) -> Callable[..., None]:
    """Turn a function into a command as `verb` does. Its report ends with the command to run next, and why.

    A report that says itself what comes next keeps it: only `push` knows of an open pull request.
    """

    @verb
    @functools.wraps(function)
    def with_next(console: Console, /, *args: P.args, **kwargs: P.kwargs) -> Report:
        report = function(console, *args, **kwargs)
        return replace(report, next=_placed(report.next or _next(console), console.folder))

    return with_next


def _next(console: Console) -> NextStep | None:
    """Return the next step of the project, or None where there is no project, or one that is too broken to tell."""
    try:
        return states.next_step(project_of(console).snapshot())
    except KhabarError:
        return None


def _placed(step: NextStep | None, folder: Path) -> NextStep | None:
    """Return a step with the option that names the project's folder, unless that is where the command runs."""
    if step is None or folder == Path():
        return step
    return replace(step, command=step.command.replace("khabar ", f"khabar -C {shlex.quote(str(folder))} ", 1))

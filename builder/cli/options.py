"""Options that commands share, and the decorator that turns a function into a command."""

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import click

from builder.cli.output import Console, show
from builder.records import Report, user_error

F = TypeVar("F", bound=Callable[..., Any])
P = ParamSpec("P")


batch_option = click.option("--batch", help="Name of the batch (default: the only one; for sample, batch-1).")

rehearse_option = click.option("--rehearse", is_flag=True, help="Use a local Hub, kept in .khabar/hub.")


def moved_option(*names: str, instead: str, flag: bool = False) -> Callable[[F], F]:
    """Add a hidden option that ends with a message naming the command that replaced it."""

    def refuse(_context: click.Context, _option: click.Parameter, value: object) -> None:
        if value:
            raise user_error("usage", f"{names[0]} is now a command of its own", fix=f"run `khabar {instead}`")

    return click.option(*names, is_flag=flag, hidden=True, expose_value=False, callback=refuse)


def _store_option(context: click.Context, option: click.Parameter, value: object) -> None:
    setattr(context.ensure_object(Console), str(option.name), value)


def bulk(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a command that may run on a cluster."""
    for option in (
        click.option("--workers", type=click.IntRange(min=1), callback=_store_option, expose_value=False,
                     help="Number of processes (default: one for each core)."),
        click.option("--engine", type=click.Choice(["local", "ray", "dask"]), default="local", show_default=True,
                     callback=_store_option, expose_value=False,
                     help="Where the work runs; RAY_ADDRESS or DASK_SCHEDULER_ADDRESS names a cluster."),
    ):  # fmt: skip
        function = option(function)
    return function


def common(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that every command has."""
    for option in (
        click.option("-v", "--verbose", is_flag=True, help="Print every dropped record and every warning."),
        click.option("-q", "--quiet", is_flag=True, help="Print no progress."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout."),
        click.option("-C", "folder", type=click.Path(path_type=Path), help="Work as if started in this folder."),
    ):
        function = option(function)
    return function


def verb(function: Callable[Concatenate[Console, P], Report | None]) -> Callable[..., None]:
    """Turn a function that returns a Report, or prints its result, into a command with common options and exit code."""

    @common
    @click.pass_obj
    @functools.wraps(function)
    def command(
        console: Console,
        /,
        folder: Path | None,
        as_json: bool,
        quiet: bool,
        verbose: bool,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> None:
        console.folder = folder or console.folder
        console.as_json |= as_json
        console.quiet |= quiet
        console.verbose |= verbose
        report = function(console, *args, **kwargs)
        if report:
            show(report, console)
        sys.exit(report.exit_code if report else 0)

    return command

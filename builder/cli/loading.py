"""The one place that imports the modules of commands, when they run."""

import importlib
from types import ModuleType


def command_module(name: str) -> ModuleType:
    """Import a module of builder.commands."""
    return importlib.import_module(f"builder.commands.{name}")

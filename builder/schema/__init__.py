"""The dataset's configuration: models and loader of the files in schema/.

A name is imported on first use (PEP 562), as workers that only normalize text need none of the models.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builder.schema.boilerplate import Boilerplate
    from builder.schema.loading import FILES, Schema, load_schema
    from builder.schema.profiles import Profiles

__all__ = ("FILES", "Boilerplate", "Profiles", "Schema", "load_schema")

_MODULES = {"Boilerplate": "boilerplate", "Profiles": "profiles"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"builder.schema.{_MODULES.get(name, 'loading')}"), name)

"""The public API of khabar. A name is imported on first use (PEP 562), so `import khabar` loads no heavy library.

>>> from khabar import Span
>>> Span(0, 4, "PERS").label
'PERS'
"""

from importlib import import_module
from typing import TYPE_CHECKING

from builder import __version__

if TYPE_CHECKING:
    from builder.commands.adjudicate import adjudicate
    from builder.commands.agree import agree
    from builder.commands.audit import audit
    from builder.commands.build import build
    from builder.commands.check import check
    from builder.commands.clean import clean
    from builder.commands.collect import collect
    from builder.commands.dedup import dedup
    from builder.commands.diff import diff
    from builder.commands.explain import explain
    from builder.commands.hydrate import hydrate
    from builder.commands.ingest import ingest
    from builder.commands.init import init
    from builder.commands.push import push
    from builder.commands.reopen import reopen
    from builder.commands.sample import sample
    from builder.commands.send import send
    from builder.commands.status import status
    from builder.commands.takedown import takedown
    from builder.commands.verify import verify
    from builder.project.project import Project, find_project
    from builder.records import (
        Article,
        Decision,
        Dispute,
        Document,
        Gold,
        Issue,
        Judgement,
        KhabarError,
        Release,
        Report,
        Span,
        StageCounts,
        Stance,
    )
    from builder.text.aligned import AlignedText
    from builder.text.profiles import profile

__all__ = (
    "AlignedText",
    "Article",
    "Decision",
    "Dispute",
    "Document",
    "Gold",
    "Issue",
    "Judgement",
    "KhabarError",
    "Project",
    "Release",
    "Report",
    "Span",
    "StageCounts",
    "Stance",
    "__version__",
    "adjudicate",
    "agree",
    "audit",
    "build",
    "check",
    "clean",
    "collect",
    "dedup",
    "diff",
    "explain",
    "find_project",
    "hydrate",
    "ingest",
    "init",
    "profile",
    "push",
    "reopen",
    "sample",
    "send",
    "status",
    "takedown",
    "verify",
)

_MODULES = {
    "AlignedText": "builder.text.aligned",
    "Project": "builder.project.project",
    "find_project": "builder.project.project",
    "profile": "builder.text.profiles",
}


def _module_of(name: str) -> str:
    """Return the module that defines a public name: a record, or the command of the same name."""
    return _MODULES.get(name) or ("builder.records" if name[0].isupper() else f"builder.commands.{name}")


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'khabar' has no attribute {name!r}")
    return getattr(import_module(_module_of(name)), name)


def __dir__() -> list[str]:
    return sorted(__all__)

"""A connection to a Label Studio server."""

from dataclasses import dataclass, field
from pathlib import Path

import label_studio_sdk


@dataclass(frozen=True, slots=True)
class Connection:
    """An authenticated connection to a Label Studio; `data` is the SQLite file of an embedded one that uses SQLite."""

    url: str
    client: "label_studio_sdk.LabelStudio" = field(repr=False)
    data: Path | None = None

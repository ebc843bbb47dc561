"""States of Label Studio servers: the user's own and the embedded ones, their addresses and accounts."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from builder.labelstudio.client import connect, translate_errors
from builder.labelstudio.server import data_dir, process
from builder.labelstudio.server.install import VERSION
from builder.records import Line


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """A running server: the name of its data directory, and its address."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Login:
    """An annotator's account; with `isolated`, also the address of their server."""

    email: str
    password: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class OwnServer:
    """A Label Studio that the user runs; its version and accounts are None where no key is set."""

    url: str
    version: str | None = None
    accounts: int | None = None

    def lines(self) -> Iterator[Line]:
        """Return its address, version and accounts."""
        yield Line("Label Studio", "your own server (LABEL_STUDIO_URL)")
        yield Line("address", self.url)
        yield Line("version", self.version or "unknown: LABEL_STUDIO_API_KEY is not set")
        if self.accounts is not None:
            yield Line("accounts", str(self.accounts))


@dataclass(frozen=True, slots=True)
class ServerState:
    """An embedded server: its data directory's name, its state, its address and version if it runs, and its data."""

    name: str
    state: Literal["running", "starting", "not running"]
    url: str | None
    version: str | None
    data: data_dir.DataStats | None

    def lines(self) -> Iterator[Line]:
        """Return what is known of it."""
        yield Line("Label Studio", self.state)
        if self.url and self.version:
            yield Line("address", self.url)
            yield Line("version", self.version)
        if self.data:
            unknown = "unknown: Postgres refused the connection; check PGPASSWORD"
            yield Line("database", self.data.database)
            yield Line("data", unknown if self.data.size is None else f"{self.data.size / 1e6:.2f} MB")
            yield Line("annotators", unknown if self.data.annotators is None else str(self.data.annotators))


def own_server(url: str, key: str | None) -> OwnServer:
    """Return the version and the number of accounts of a Label Studio that the user runs."""
    if not key:
        return OwnServer(url.rstrip("/"))
    client = connect(url, key).client
    with translate_errors(url):
        return OwnServer(url.rstrip("/"), client.versions.get().release, len(client.users.list()))


def server_state(work: Path) -> ServerState:
    """Return the state of the embedded server of a data directory."""
    running, kept = process.status(work), data_dir.data_stats(work)
    if running:
        return ServerState(work.name, "running", running.url, VERSION, kept)
    return ServerState(work.name, "starting" if process.is_running(work) else "not running", None, None, kept)

"""Local Hub server: the Hugging Face Hub's HTTP protocol over git repositories, for trying out a push.

The server listens on 127.0.0.1 only, and any token may write. This module has the sockets and the routing; the
endpoints modules answer requests, and gitstore.py and xetstore.py store the files.
"""

import argparse
import contextlib
import errno
import ipaddress
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import parse_qs, unquote, urlsplit

from builder.local_hub import xet_storage
from builder.local_hub.faults import DROP, LOSE, PORTAL, Fault
from builder.local_hub.http import (
    CONTROL,
    HttpError,
    HubRequest,
    HubResponse,
    LocalHub,
    fault_endpoint,
    inject,
    token_of,
)
from builder.local_hub.routes import Route, find_route
from builder.records import KhabarError, user_error

IN_MEMORY = 1_000_000
"""The largest request body in bytes that is held in memory; a larger one goes to a temporary file."""

IDLE = 60
"""The timeout of an idle connection in seconds."""


class _Server(ThreadingHTTPServer):
    """An HTTP server that tracks its open connections, so that it can close those that clients keep alive."""

    daemon_threads = False
    request_queue_size = 64

    def __init__(self, port: int, hub: Callable[[str], LocalHub]) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.hub = hub(f"http://127.0.0.1:{self.server_address[1]}")
        self.open: set[socket.socket] = set()

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        self.open.add(cast(socket.socket, request))
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        self.open.discard(cast(socket.socket, request))
        super().shutdown_request(request)

    def hang_up(self) -> None:
        for connection in list(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE
    disable_nagle_algorithm = True  # otherwise each body waits 40 ms for the client to acknowledge its headers

    def do_GET(self) -> None:
        hub = cast("_Server", self.server).hub
        try:
            with tempfile.SpooledTemporaryFile(IN_MEMORY) as body:
                answer = self._answer(hub, cast(BinaryIO, body))
        except HttpError as failed:
            answer = _sorry(failed)
        if answer is None:
            self.close_connection = True
            return
        self._send(answer)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the names that http.server calls

    def _answer(self, hub: LocalHub, body: BinaryIO) -> HubResponse | None:
        """Return the response, or None if an injected fault closes the connection instead."""
        _check_host(self.headers.get("Host", ""))
        address = urlsplit(self.path)
        is_control = bool(hub.control) and address.path == CONTROL
        route, parts = _CONTROL if is_control else find_route(self.command, address.path)
        try:
            self._read(body, route.largest)
        except HttpError:
            self.close_connection = True
            raise
        headers = {name.title(): value for name, value in self.headers.items()}
        parts = {"rev": "main"} | {name: unquote(value) for name, value in parts.items()}
        call = HubRequest(hub, parts, parse_qs(address.query), headers, body)
        if is_control:
            return route.answer(call)
        token = token_of(headers)
        if token in hub.deny:
            raise HttpError(401, "Invalid credentials in Authorization header")
        if route.writes and not token:
            raise HttpError(401, "Invalid username or password.")
        fault = hub.planned.next_call(f"{self.command} {address.path}") or hub.faults.get(route.name, 0)
        inject(fault)
        if fault == DROP:
            return None
        if fault == PORTAL:
            return HubResponse(b"<!DOCTYPE html><title>Log in</title>", {"Content-Type": "text/html"})
        answer = _answered(route, call)
        return None if fault == LOSE else answer

    def _read(self, body: BinaryIO, largest: int) -> None:
        length = self.headers.get("Content-Length", "0")
        if self.headers.get("Transfer-Encoding") or not length.isdecimal():
            raise HttpError(411, "a request with a body needs a Content-Length")
        remaining = int(length)
        if remaining > largest:
            raise HttpError(413, f"the request is larger than {largest:,} bytes")
        while remaining and (chunk := self.rfile.read(min(remaining, IN_MEMORY))):
            remaining -= len(chunk)
            body.write(chunk)
        body.seek(0)

    def _send(self, answer: HubResponse) -> None:
        size = answer.body.stat().st_size if isinstance(answer.body, Path) else len(answer.body)
        ranged = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")) if answer.status == 200 else None
        start, end = (int(ranged[1]), min(int(ranged[2] or size), size - 1) + 1) if ranged else (0, size)
        if ranged and start >= end:
            answer, start, end, ranged = _sorry(HttpError(416, "the requested range is empty")), 0, 0, None
        self.send_response(206 if ranged else answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if ranged:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        self.send_header("Content-Length", str(end - start))
        self.end_headers()
        if self.command == "HEAD":
            return
        if isinstance(answer.body, bytes):
            self.wfile.write(answer.body[start:end])
            return
        with answer.body.open("rb") as content:
            content.seek(start)
            if ranged:
                self.wfile.write(content.read(end - start))
            else:
                shutil.copyfileobj(content, self.wfile)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Log nothing, because a request is no event that the user has to see."""


def _check_host(host: str) -> None:
    # Against DNS rebinding: a web page can point its own name at 127.0.0.1, but its requests still carry that name.
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return
    try:
        local = ipaddress.ip_address(name).is_loopback
    except ValueError:
        local = False
    if not local:
        raise HttpError(403, "this Hub accepts only requests to a loopback address, such as 127.0.0.1")


def _answered(route: Route, call: HubRequest) -> HubResponse:
    try:
        return route.answer(call)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise HttpError(400, f"malformed request: {type(error).__name__}") from None
    except subprocess.CalledProcessError as error:
        raise HttpError(500, f"git failed: {error.stderr.decode(errors='replace').strip()}") from None


_CONTROL: tuple[Route, dict[str, str]] = (Route("control", "POST", re.compile(CONTROL), fault_endpoint), {})


def _sorry(failed: HttpError) -> HubResponse:
    message = re.sub(r"[^\x20-\x7e]", "?", str(failed))
    headers = {"Content-Type": "application/json", "X-Error-Message": message, **failed.headers}
    if failed.code:
        headers["X-Error-Code"] = failed.code
    return HubResponse(json.dumps({"error": str(failed)}).encode(), headers, failed.status)


def _listen(root: Path, port: int, xet: bool, hub: Callable[[str], LocalHub]) -> _Server:
    if shutil.which("git") is None:
        raise user_error(
            "no-git", "the local Hub needs git, which is not installed", fix="install git (apt install git)"
        )
    if xet:
        xet_storage.check()
    root.mkdir(parents=True, exist_ok=True)
    try:
        return _Server(port, hub)
    except OSError as error:
        if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
            raise
        why = "is taken by another program" if error.errno == errno.EADDRINUSE else "requires administrator rights"
        raise user_error(
            "port", f"port {port} on 127.0.0.1 {why}", fix="choose another --port, or leave it out"
        ) from None


@contextlib.contextmanager
def serve(
    root: Path, port: int = 0, *, deny: Iterable[str] = (), faults: dict[str, Fault] | None = None,
    xet: bool = False, control: str = "",
) -> Iterator[LocalHub]:  # fmt: skip
    """Run a local Hub on 127.0.0.1 for the duration of the block, with its data under `root`.

    Port 0 chooses a free port. Requests with a token in `deny` are answered with 401. Raises KhabarError (exit code 2) if
    git or hf_xet is missing or the port is busy.
    """

    def hub(url: str) -> LocalHub:
        return LocalHub(url, root.resolve(), frozenset(deny), faults if faults is not None else {}, xet, control)

    server = _listen(root, port, xet, hub)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="local Hub")
    thread.start()
    try:
        yield server.hub
    finally:
        server.shutdown()
        server.hang_up()
        server.server_close()
        thread.join()


def main() -> int:
    """Serve until killed, and print the address as the first line on stdout."""
    parser = argparse.ArgumentParser(prog="python -m builder.local_hub.server", description=main.__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--xet", action="store_true", help="store large files as Xet storage does")
    args = parser.parse_args()
    try:
        with serve(args.root, args.port, xet=args.xet, control=os.environ.get("KHABAR_HUB_CONTROL", "")) as hub:
            sys.stdout.write(f"{hub.url}\n")
            sys.stdout.flush()
            threading.Event().wait()
    except KhabarError as refused:
        sys.stderr.write(f"{refused}\n")
        return refused.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

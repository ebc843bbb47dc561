"""A loopback Hub for rehearsing a push: real git behind the Hugging Face Hub's HTTP protocol.

Any token may write, and nobody outside this machine is answered. What it answers is in the
endpoints, what it keeps in gitstore.py and xetstore.py; here are only the sockets, and the faults that a test plans.
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
from builder.local_hub.faults import DROP, LOSE, Fault
from builder.local_hub.http import CONTROL, Answer, Call, Failed, Hub, control, suffer, token_of
from builder.local_hub.routes import Route, find_route
from builder.records import KhabarError, user_error

IN_MEMORY = 1_000_000
"""Bytes of a request that are held in memory; a longer one goes through a temporary file."""

IDLE = 60
"""Seconds that a connection may be silent."""


class _Server(ThreadingHTTPServer):
    """Keeps its open connections, to end them: a kept-alive one would outlive the server."""

    daemon_threads = False
    request_queue_size = 64

    def __init__(self, port: int, hub: Callable[[str], Hub]) -> None:
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
    disable_nagle_algorithm = True  # else each body waits 40 ms for the client to acknowledge its headers

    def do_GET(self) -> None:
        hub = cast("_Server", self.server).hub
        try:
            with tempfile.SpooledTemporaryFile(IN_MEMORY) as body:
                answer = self._answer(hub, cast(BinaryIO, body))
        except Failed as failed:
            answer = _sorry(failed)
        if answer is None:
            self.close_connection = True
            return
        self._send(answer)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the names that http.server calls

    def _answer(self, hub: Hub, body: BinaryIO) -> Answer | None:
        """The answer, or None where a fault has the connection drop."""
        _check_host(self.headers.get("Host", ""))
        address = urlsplit(self.path)
        controls = bool(hub.control) and address.path == CONTROL
        route, parts = _CONTROL if controls else find_route(self.command, address.path)
        try:
            self._read(body, route.largest)
        except Failed:
            self.close_connection = True
            raise
        headers = {name.title(): value for name, value in self.headers.items()}
        parts = {"rev": "main"} | {name: unquote(value) for name, value in parts.items()}
        call = Call(hub, parts, parse_qs(address.query), headers, body)
        if controls:
            return route.answer(call)
        token = token_of(headers)
        if token in hub.deny:
            raise Failed(401, "Invalid credentials in Authorization header")
        if route.writes and not token:
            raise Failed(401, "Invalid username or password.")
        fault = hub.planned.meet(f"{self.command} {address.path}") or hub.faults.get(route.name, 0)
        suffer(fault)
        if fault == DROP:
            return None
        answer = _answered(route, call)
        return None if fault == LOSE else answer

    def _read(self, body: BinaryIO, largest: int) -> None:
        length = self.headers.get("Content-Length", "0")
        if self.headers.get("Transfer-Encoding") or not length.isdecimal():
            raise Failed(411, "a body needs its Content-Length")
        left = int(length)
        if left > largest:
            raise Failed(413, f"a request of more than {largest:,} bytes")
        while left and (chunk := self.rfile.read(min(left, IN_MEMORY))):
            left -= len(chunk)
            body.write(chunk)
        body.seek(0)

    def _send(self, answer: Answer) -> None:
        whole = answer.body.stat().st_size if isinstance(answer.body, Path) else len(answer.body)
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")) if answer.status == 200 else None
        start, end = (int(asked[1]), min(int(asked[2] or whole), whole - 1) + 1) if asked else (0, whole)
        if asked and start >= end:
            answer, start, end, asked = _sorry(Failed(416, "no such range")), 0, 0, None
        self.send_response(206 if asked else answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{whole}")
        self.send_header("Content-Length", str(end - start))
        self.end_headers()
        if self.command == "HEAD":
            return
        if isinstance(answer.body, bytes):
            self.wfile.write(answer.body[start:end])
            return
        with answer.body.open("rb") as content:
            content.seek(start)
            if asked:
                self.wfile.write(content.read(end - start))
            else:
                shutil.copyfileobj(content, self.wfile)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing: requests name no fault of the user."""


def _check_host(host: str) -> None:
    # A web page may point its own name at 127.0.0.1; its requests still carry that name.
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return
    try:
        local = ipaddress.ip_address(name).is_loopback
    except ValueError:
        local = False
    if not local:
        raise Failed(403, "this Hub answers on loopback only")


def _answered(route: Route, call: Call) -> Answer:
    try:
        return route.answer(call)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Failed(400, f"a malformed request: {type(error).__name__}") from None
    except subprocess.CalledProcessError as error:
        raise Failed(500, f"git failed: {error.stderr.decode(errors='replace').strip()}") from None


_CONTROL: tuple[Route, dict[str, str]] = (Route("control", "POST", re.compile(CONTROL), control), {})


def _sorry(failed: Failed) -> Answer:
    message = re.sub(r"[^\x20-\x7e]", "?", str(failed))
    headers = {"Content-Type": "application/json", "X-Error-Message": message, **failed.headers}
    if failed.code:
        headers["X-Error-Code"] = failed.code
    return Answer(json.dumps({"error": str(failed)}).encode(), headers, failed.status)


def _listen(root: Path, port: int, xet: bool, hub: Callable[[str], Hub]) -> _Server:
    if shutil.which("git") is None:
        raise user_error(
            "no-git", "the rehearsal Hub needs git, and there is none", fix="install git (apt install git)"
        )
    if xet:
        xet_storage.check()
    root.mkdir(parents=True, exist_ok=True)
    try:
        return _Server(port, hub)
    except OSError as error:
        if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
            raise
        why = "is taken by another program" if error.errno == errno.EADDRINUSE else "may not be used by this account"
        raise user_error("port", f"port {port} on 127.0.0.1 {why}", fix="choose another --port, or none") from None


@contextlib.contextmanager
def serve(
    root: Path, port: int = 0, *, deny: Iterable[str] = (), faults: dict[str, Fault] | None = None,
    xet: bool = False, control: str = "",
) -> Iterator[Hub]:  # fmt: skip
    """Run a rehearsal Hub on 127.0.0.1 that keeps its data under `root`; port 0 takes a free one.

    Tokens in `deny` are answered with 401. Raises Refused (exit code 2): no git, no hf_xet, a busy port.
    """

    def hub(url: str) -> Hub:
        return Hub(url, root.resolve(), frozenset(deny), faults if faults is not None else {}, xet, control)

    server = _listen(root, port, xet, hub)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="rehearsal Hub")
    thread.start()
    try:
        yield server.hub
    finally:
        server.shutdown()
        server.hang_up()
        server.server_close()
        thread.join()


def main() -> int:
    """Serve until killed; the first line on stdout is the address."""
    parser = argparse.ArgumentParser(prog="python -m builder.local_hub.server", description=main.__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--xet", action="store_true", help="store large files as Xet storage does")
    given = parser.parse_args()
    try:
        with serve(given.root, given.port, xet=given.xet, control=os.environ.get("KHABAR_HUB_CONTROL", "")) as hub:
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

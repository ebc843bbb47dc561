"""Nothing leaves this machine: what the browser asks for, and whom the server talks to."""

import contextlib
import ipaddress
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from builder.labelstudio import annotator, client
from tests.live.page import log_in

pytestmark = pytest.mark.live
PAGES = (
    "/", "/projects/", "/projects/{id}/data", "/projects/{id}/data?labeling=1", "/projects/{id}/settings",
    "/projects/{id}/settings/labeling", "/projects/{id}/settings/annotation", "/projects/{id}/settings/ml",
    "/projects/{id}/settings/predictions", "/projects/{id}/settings/storage", "/projects/{id}/settings/webhooks",
    "/projects/{id}/settings/danger-zone", "/organization", "/user/account", "/models",
)  # fmt: skip


def address(hexadecimal):
    """The address in a row of /proc/net: words of four bytes, each in the machine's order."""
    words = [hexadecimal[at : at + 8] for at in range(0, len(hexadecimal), 8)]
    return ipaddress.ip_address(b"".join(int(word, 16).to_bytes(4, sys.byteorder) for word in words))


def outside(pid):
    """The addresses beyond this machine that a process has a socket to, TCP or UDP."""
    sockets = set()
    with contextlib.suppress(FileNotFoundError):  # the process may have ended
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                sockets.add(str(link.readlink()))
    found = set()
    for family in ("tcp", "tcp6", "udp", "udp6"):
        for row in (line.split() for line in Path(f"/proc/net/{family}").read_text().splitlines()[1:]):
            host, port = row[2].split(":")
            there = address(host)
            there = getattr(there, "ipv4_mapped", None) or there
            if f"socket:[{row[9]}]" in sockets and int(port, 16) and not there.is_loopback:
                found.add(str(there))
    return found


@contextlib.contextmanager
def watched(pid):
    """Look at a process's connections a few hundred times a second; gives a set that fills."""
    found, stop, looks = set(), threading.Event(), []

    def look():
        while not stop.is_set():
            found.update(outside(pid))
            looks.append(1)
            time.sleep(0.002)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found, looks
    finally:
        stop.set()
        thread.join()


CALLER = """
import socket, sys, time
sys.stdin.readline()
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.connect(("192.0.2.1", 443))
    time.sleep(0.1)
"""


def test_the_watch_sees_a_process_that_calls_out():
    if not reachable():
        pytest.skip("this machine has no route to the outside, so that nothing can call out")
    with (
        subprocess.Popen([sys.executable, "-c", CALLER], stdin=subprocess.PIPE) as child,
        watched(child.pid) as (found, _),
    ):
        child.stdin.write(b"go\n")
        child.stdin.flush()
        child.wait()

    assert found == {"192.0.2.1"}


def reachable():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        return probe.connect_ex(("192.0.2.1", 443)) == 0


def test_an_address_is_read_as_the_kernel_writes_it():
    assert str(address("0100007F")) == "127.0.0.1"
    assert str(address("00000000000000000000000001000000")) == "::1"


@pytest.fixture
def asked(browser, label_studio, config, article, task, request):
    """Every request of a browser that an annotator and lead uses, and the server's connections meanwhile."""
    title = re.sub(r"\W+", " ", request.node.name)[-45:].strip()
    batch = [task(article(n, f"زار المدير ميناء مرجانة للمرة {n}، ثم مترو العاصمة.")) for n in (1, 2)]
    place = client.send(label_studio.connection, title, config, batch, overlap=1, progress=print)
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="en-US")
    urls, seen = [], {}
    context.on("request", lambda request: urls.append(request.url))
    page = context.new_page()
    page.on("websocket", lambda opened: urls.append(opened.url))
    with watched(label_studio.running.pid) as (called, looks):
        log_in(page, place.url, label_studio.logins[0])
        for path in PAGES:
            page.goto(place.url + path.replace("{id}", place.project_id), wait_until="networkidle")
            seen[path] = page.url.removeprefix(place.url), page.locator("body").inner_text()
        page.goto(f"{place.url}/projects/{place.project_id}/data?labeling=1", wait_until="networkidle")
        for question in page.locator(".kh-target:visible").all():
            question.locator("label").first.click()
        page.click("button:has-text('Submit')")
        expect(page.locator(".kh-text .lsf-htx-richtext")).to_contain_text("ميناء مرجانة")
        page.wait_for_load_state("networkidle")
    yield urls, called, looks, seen, place
    context.close()


def test_neither_browser_nor_server_leaves_this_machine(asked, label_studio):
    urls, called, looks, seen, place = asked
    hosts = {urlsplit(url).netloc for url in urls if urlsplit(url).scheme not in ("data", "blob")}
    listed = label_studio.connection.client.tasks.list(project=int(place.project_id), fields="all")

    assert sum(len(task.annotations) for task in listed) == 1, "the submission reached the server"
    assert "ميناء مرجانة" in seen["/projects/{id}/data?labeling=1"][1]
    assert {path: where for path, (where, text) in seen.items() if "login" in where or len(text) < 20} == {}
    assert len(urls) > 150
    assert hosts == {urlsplit(place.url).netloc}
    assert len(looks) > 300
    assert called == set()


def test_the_log_of_the_server_names_nobody(label_studio, config, article, task):
    """Label Studio writes the e-mail of whoever comes to the end of a label stream."""
    sent = client.send(label_studio.connection, "log", config, [], overlap=1, progress=print)
    with annotator.log_in(label_studio.connection.url, *label_studio.logins[0]) as person:
        assert person.next_task(int(sent.project_id)) is None
    log = (label_studio.work / "server.log").read_text(encoding="utf-8")

    assert "There are no tasks for (somebody)" in log
    assert "khabar.localhost" not in log
    assert not re.findall(r"[\w.+-]+@[\w-]+\.\w+", log)

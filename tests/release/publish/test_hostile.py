"""Releases at hostile addresses: nothing that they list or name is written outside of the folder it is copied to."""

import io
import json
import tarfile
import tempfile
import threading
import zipfile
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from builder.commands.audit import audit
from builder.commands.diff import diff
from builder.commands.hydrate import hydrate
from builder.commands.verify import verify
from builder.io.jsonl import write_json
from builder.local_hub import git
from builder.local_hub.server import serve
from builder.project.project import Project
from builder.records import MANIFEST, KhabarError
from builder.release.publish import storage
from builder.release.publish.folder import read_manifest
from builder.release.publish.open import ReleaseRef, open_release
from tests.live.small import make_release

LISTED = "entities/../../../evil.parquet"
"""A file that is in the folder of a config by its beginning, so that readers would load it."""

NAMED = "../../../evil.parquet"
"""A file that the manifest names."""


@pytest.fixture
def folder(tmp_path):
    make_release(tmp_path / "built" / "v1.0.0")
    return tmp_path / "built" / "v1.0.0"


def change_manifest(folder, **changes):
    content = json.loads((folder / MANIFEST).read_bytes())
    content["files"] |= changes.pop("files", {})
    write_json(folder / MANIFEST, content | changes)


def contents(folder, hostile):
    """The files of a release by path, with a hostile one among them."""
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return found | {hostile: b"evil"}


def zipped(folder, files):
    with zipfile.ZipFile(folder.parent / "x.zip", "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return f"zip://::file://{folder.parent / 'x.zip'}"


def tarred(folder, files):
    with tarfile.open(folder.parent / "x.tar", "w") as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return f"tar://::file://{folder.parent / 'x.tar'}"


def stored(_, files):
    """An object store, where a key is any string."""
    import fsspec
    from fsspec.implementations.memory import MemoryFile

    store = fsspec.filesystem("memory")
    for path, content in files.items():
        key = f"/hostile/v1.0.0/{path}"
        store.store[key] = MemoryFile(store, key, content)
    return "memory://hostile/v1.0.0"


class Handler(BaseHTTPRequestHandler):
    """A web server whose pages of links name what they like."""

    def __init__(self, files, *arguments):
        self.files = files
        super().__init__(*arguments)

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = self.path.removeprefix("/v1.0.0").strip("/")
        links = "".join(f'<a href="/v1.0.0/{name}">x</a>' for name in self.files)
        body = self.files[path] if path in self.files else links.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/octet-stream" if path in self.files else "text/html")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def served():
    pytest.importorskip("aiohttp")
    servers = []

    def serve(_, files):
        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, files)))
        threading.Thread(target=servers[0].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[0].server_address[1]}/v1.0.0"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(params=["zip", "tar", "memory", "http"])
def publish(request):
    """Put files where a scheme reads them, and return the address."""
    if request.param == "http":
        yield request.getfixturevalue("served")
        return
    yield {"zip": zipped, "tar": tarred, "memory": stored}[request.param]
    if request.param == "memory":
        import fsspec

        fsspec.filesystem("memory").store.clear()


def refused(url, tmp_path):
    scratch = tmp_path / "outside" / "in" / "scratch"
    scratch.mkdir(parents=True)
    with pytest.raises(KhabarError) as caught, storage.fetched(url, scratch):
        pass
    assert not [path for path in tmp_path.rglob("evil*") if path.name == "evil.parquet"]
    return caught.value


def test_named_path_that_leaves_the_folder_is_refused(folder, publish, tmp_path):
    change_manifest(folder, files={NAMED: "0" * 64})
    error = refused(publish(folder, contents(folder, NAMED)), tmp_path)

    assert error.exit_code == 1
    assert [(issue.code, issue.message) for issue in error.issues] == [
        ("unsafe-path", f"{NAMED!r} is not a path inside the release")
    ]


def test_listed_path_that_leaves_the_folder_is_refused(folder, publish, tmp_path):
    url = publish(folder, contents(folder, LISTED))
    scratch = tmp_path / "outside" / "in" / "scratch"
    scratch.mkdir(parents=True)
    try:
        with storage.fetched(url, scratch):
            pass
    except KhabarError as error:
        assert (error.exit_code, [issue.code for issue in error.issues]) == (1, ["unsafe-path"])  # noqa: PT017
    else:
        assert url.startswith(("zip", "tar")), "the others list what is refused"

    assert not [path for path in tmp_path.rglob("*") if path.name == "evil.parquet"]


@pytest.mark.parametrize("content", [b"[]", b"{", b"<html>Log in</html>", b'{"files": 3}', b"null"])
def test_manifest_that_is_none_is_named(folder, publish, tmp_path, content):
    url = publish(folder, contents(folder, "x") | {MANIFEST: content})
    error = refused(url, tmp_path)

    assert (error.exit_code, error.issues[0].message, error.issues[0].where) == (2, "not a valid manifest", url)


def test_version_of_a_manifest_is_no_path(folder):
    change_manifest(folder, version="1.0.0/../../../../x")
    with pytest.raises(KhabarError, match="not a valid manifest"):
        read_manifest(folder)


@pytest.mark.parametrize(
    "path", ["assets/../../../evil.svg", "/evil.svg", "assets\\..\\evil.svg", "assets/\x1bevil.svg"]
)
def test_no_command_opens_a_folder_whose_manifest_names_others(folder, tmp_path, path):
    change_manifest(folder, files={path: "0" * 64})
    project = Project(tmp_path / "none")
    with pytest.raises(KhabarError, match="is not a path inside the release"):
        hydrate(project, str(folder), (str(tmp_path),), base=tmp_path, to=tmp_path / "out", rehearse=False)
    with (
        pytest.raises(KhabarError, match="is not a path inside the release"),
        open_release(ReleaseRef(folder), None, None),
    ):
        pass
    with pytest.raises(KhabarError, match="is not a path inside the release"):
        verify(project, str(folder), base=tmp_path, rehearse=False, progress=print)


def hostile_commit(repo, path, content):
    """Commit a file whose path git's own commands refuse to check out."""
    made = git.git(repo, "hash-object", "-w", "--stdin", stdin=content).decode().strip()
    kind = "100644 blob"
    for part in reversed(path.split("/")):
        siblings = git.git(repo, "ls-tree", "main").decode() if part == path.split("/")[0] else ""
        lines = [line for line in siblings.splitlines() if line.split("\t")[1] != part]
        tree = "\n".join([*lines, f"{kind} {made}\t{part}"]) + "\n"
        made, kind = git.git(repo, "mktree", stdin=tree.encode()).decode().strip(), "040000 tree"
    commit = git.git(repo, "commit-tree", made, "-p", "main", "-m", "hostile").decode().strip()
    assert git.set_ref(repo, "refs/heads/main", commit, git.refs(repo)["refs/heads/main"])


def test_listing_of_a_hub_that_leaves_the_folder_is_refused(folder, tmp_path, monkeypatch):
    with serve(tmp_path / "hub") as running:
        repo = running.repository("a/b")
        git.create(repo)
        files = {path: content for path, content in contents(folder, "x").items() if not path.endswith(".parquet")}
        git.commit(repo, "main", git.refs(repo)["refs/heads/main"], files, (), "by hand")
        hostile_commit(repo, LISTED, b"evil")
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        project = Project(tmp_path / "none")
        with pytest.raises(KhabarError, match="is not a path inside the release"):
            verify(project, "a/b@main", base=tmp_path, rehearse=False, progress=print)
        with pytest.raises(KhabarError, match="is not a path inside the release"):
            hydrate(project, "a/b@main", (str(tmp_path),), base=tmp_path, to=tmp_path / "out", rehearse=False)

    assert not list(tmp_path.rglob("evil.parquet"))


DEEPER = "entities/train-00001-of-00002.parquet/../../../../../../evil.parquet"
"""A file that the data files of a card match by their beginning."""


@pytest.mark.slow
def test_audit_of_a_hub_whose_listing_leaves_the_folder(folder, tmp_path, monkeypatch):
    evil = (folder / "entities" / "train-00000-of-00001.parquet").read_bytes()
    card = "---\nconfigs:\n- config_name: entities\n  data_files:\n  - {split: train, path: 'entities/**'}\n---\n"
    (tmp_path / "deep" / "in" / "it").mkdir(parents=True)
    with serve(tmp_path / "hub") as running:
        repo = running.repository("a/b")
        git.create(repo)
        files = contents(folder, "x") | {"README.md": card.encode()}
        git.commit(repo, "main", git.refs(repo)["refs/heads/main"], files, (), "by hand")
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "deep" / "in" / "it"))
        audit("a/b@main", base=tmp_path)  # without a hostile name it is read
        for path in (LISTED, DEEPER):
            hostile_commit(repo, path, evil)
            with pytest.raises(KhabarError, match="Data files don't belong to a/b") as caught:
                audit("a/b@main", base=tmp_path)

            assert caught.value.exit_code == 3

    assert not list(tmp_path.rglob("evil.parquet"))
    assert not list((tmp_path / "deep").rglob("*.parquet"))


@pytest.mark.parametrize("address", ["memory://hostile/v1.0.0", "s3://bucket/v1.0.0", "zip://::file:///x.zip"])
def test_audit_of_a_storage_is_refused(folder, tmp_path, address):
    stored(folder, contents(folder, LISTED))
    with pytest.raises(KhabarError, match="is not a local folder or a Hub dataset") as caught:
        audit(address, base=tmp_path)

    assert caught.value.exit_code == 2


@pytest.mark.parametrize("command", ["verify", "hydrate", "diff"])
def test_object_store_whose_keys_leave_the_folder_is_refused(folder, tmp_path, command):
    """What fsspec lists of s3:// is any string, as here."""
    url, project = stored(folder, contents(folder, LISTED)), Project(tmp_path / "none")
    run = {
        "verify": lambda: verify(project, url, base=tmp_path, rehearse=False, progress=print),
        "diff": lambda: diff(project, str(folder), url, base=tmp_path),
        "hydrate": lambda: hydrate(project, url, (str(tmp_path),), base=tmp_path, to=tmp_path / "out", rehearse=False),
    }
    with pytest.raises(KhabarError) as caught:
        run[command]()

    assert [issue.code for issue in caught.value.issues] in (["unsafe-path"], ["no-release"])
    assert (caught.value.issues[0].code == "unsafe-path") == (command == "verify")
    assert not list(tmp_path.rglob("evil.parquet"))


@pytest.mark.parametrize("archive", ["nowhere.zip", "http://127.0.0.1:9/nowhere.zip"])
def test_an_archive_that_is_not_there_is_named(archive, tmp_path):
    address = f"zip://release::{archive if '://' in archive else tmp_path / archive}"
    with pytest.raises(KhabarError) as refused, storage.fetched(address, tmp_path):
        pass

    (issue,) = refused.value.issues
    assert (issue.code, refused.value.exit_code) == ("target", 3)
    assert issue.message == f"{address} cannot be used: its archive does not exist, or cannot be reached"

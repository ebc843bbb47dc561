"""The rehearsal Hub as a stranger, a client and a browser meet it: over plain HTTP, and through huggingface_hub."""

import hashlib
import http.client
import json
import subprocess
import sys
import threading
from base64 import b64encode
from urllib.parse import urlsplit

import pytest

from builder.local_hub import git
from builder.local_hub.server import serve
from builder.records import KhabarError

pytestmark = pytest.mark.live

API = "/api/datasets/org/akhbar"
README = "# أخبار\n".encode()


@pytest.fixture
def hub(tmp_path):
    with serve(tmp_path / "hub", deny=["hf_expired"]) as running:
        yield running


ANY = "hf_any"


def ask(hub, method, path, body=None, token=ANY, **headers):
    """Status, headers and body of one request."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    sent = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    connection = http.client.HTTPConnection(urlsplit(hub.url).netloc, timeout=20)
    try:
        connection.request(method, path, body=sent, headers=headers)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    found = json.loads(content) if answer.headers.get("Content-Type") == "application/json" and content else content
    return answer.status, answer.headers, found


def create(hub):
    return ask(hub, "POST", "/api/repos/create", {"type": "dataset", "organization": "org", "name": "akhbar"})


def commit(hub, *items, parent=None):
    header = {"summary": "a commit", "description": ""} | ({"parentCommit": parent} if parent else {})
    lines = [{"key": "header", "value": header}, *({"key": key, "value": value} for key, value in items)]
    return ask(hub, "POST", f"{API}/commit/main", "\n".join(map(json.dumps, lines)).encode())


def file(path, content=README):
    return "file", {"path": path, "content": b64encode(content).decode(), "encoding": "base64"}


def large(hub, content):
    """Send a large file; the answer to its upload."""
    oid = hashlib.sha256(content).hexdigest()
    batch = {"operation": "upload", "objects": [{"oid": oid, "size": len(content)}]}
    _, _, said = ask(hub, "POST", "/datasets/org/akhbar.git/info/lfs/objects/batch", batch)
    return oid, urlsplit(said["objects"][0]["actions"]["upload"]["href"])


def test_a_repository_is_made_once_and_then_says_where_it_is(hub):
    assert create(hub)[0] == 200
    status, _, said = create(hub)

    assert (status, said["url"]) == (409, f"{hub.url}/datasets/org/akhbar")
    assert [one.title for one in git.log(hub.repository("org/akhbar"), "main")] == ["initial commit"]


def test_the_repository_is_one_that_git_itself_clones(hub, tmp_path):
    create(hub)
    commit(hub, file("README.md"), file("entities/note.txt", b"x"))
    clone = ["git", "clone", "--quiet", str(hub.repository("org/akhbar")), str(tmp_path / "clone")]
    subprocess.run(clone, check=True, capture_output=True)

    assert (tmp_path / "clone" / "README.md").read_bytes() == README


def test_what_the_hub_keeps_outlives_it(hub, tmp_path):
    create(hub)
    made = commit(hub, file("README.md"))[2]["commitOid"]
    with serve(tmp_path / "hub") as again:
        assert ask(again, "GET", API)[2]["sha"] == made


def test_a_stale_parent_is_refused_and_the_head_stays(hub):
    create(hub)
    first = ask(hub, "GET", API)[2]["sha"]
    second = commit(hub, file("README.md"), parent=first)[2]["commitOid"]
    status, _, said = commit(hub, file("README.md", b"late"), parent=first)

    assert (status, said["error"]) == (412, "A commit has happened since. Please refresh and try again.")
    assert ask(hub, "GET", API)[2]["sha"] == second


def test_of_many_commits_at_once_on_one_parent_only_one_gets_in(hub):
    create(hub)
    parent = ask(hub, "GET", API)[2]["sha"]
    found = []

    def one(number):
        found.append(commit(hub, file("README.md", b"%d" % number), parent=parent)[0])

    threads = [threading.Thread(target=one, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found) == [200, 412, 412, 412, 412, 412]
    assert len(git.log(hub.repository("org/akhbar"), "main")) == 2


def test_a_tag_stays_where_it_was_set(hub):
    create(hub)
    first = ask(hub, "GET", API)[2]["sha"]
    assert ask(hub, "POST", f"{API}/tag/{first}", {"tag": "v1.0.0"})[0] == 200
    commit(hub, file("README.md"))

    assert ask(hub, "POST", f"{API}/tag/main", {"tag": "v1.0.0"})[0] == 409
    assert ask(hub, "GET", f"{API}/revision/v1.0.0")[2]["sha"] == first
    tag = {"name": "v1.0.0", "ref": "refs/tags/v1.0.0", "targetCommit": first}
    assert ask(hub, "GET", f"{API}/refs")[2]["tags"] == [tag]
    assert ask(hub, "POST", f"{API}/commit/v1.0.0", b"")[1]["X-Error-Code"] == "RevisionNotFound"


@pytest.mark.parametrize(
    "path", ["../escape", "/etc/passwd", "a//b", "a/./b", ".git/config", "a/.GIT/hooks/x", "a\\b", "a\nb", "", "a/.."]
)
def test_a_path_that_leaves_the_repository_is_refused(hub, path):
    create(hub)
    status, _, said = commit(hub, file(path))

    assert (status, said["error"]) == (400, f"{path!r} is not a path inside a repository")


@pytest.mark.parametrize("name", ["..", "a/b", ".hidden", "x.git", "a..b", "", "n" * 97, "a b"])
def test_a_name_that_leaves_the_folder_is_refused(hub, name):
    asked = {"type": "dataset", "organization": "org", "name": name}
    status, _, said = ask(hub, "POST", "/api/repos/create", asked)

    assert (status, said["error"]) == (400, f"{name!r} is not a name")


def test_encoded_dots_reach_no_file_outside(hub):
    create(hub)
    (hub.root / "secret").write_text("secret")
    for path in (
        "/datasets/org/akhbar/resolve/main/%2e%2e/%2e%2e/secret", "/datasets/%2e%2e/secret/resolve/main/x",
        "/datasets/org/akhbar/resolve/%2e%2e%2f%2e%2e/README.md", "/lfs/..%2f..%2fsecret", "/../secret",
    ):  # fmt: skip
        status, _, said = ask(hub, "GET", path)
        assert status in {400, 404}
        assert b"secret" not in json.dumps(said).encode().replace(b"..%2f..%2fsecret", b"").replace(b"/../secret", b"")


def test_a_page_of_another_host_is_not_answered(hub):
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "192.168.1.2", ""):
        assert ask(hub, "GET", "/api/whoami-v2", Host=host)[0] == 403
    assert ask(hub, "GET", "/api/whoami-v2", Host="localhost:1")[0] == 200


def test_writing_needs_a_token_and_reading_does_not(hub):
    create(hub)
    asked = {"type": "dataset", "organization": "org", "name": "other"}

    assert ask(hub, "POST", "/api/repos/create", asked, token=None)[0] == 401
    assert ask(hub, "POST", f"{API}/commit/main", b"", token=None)[0] == 401
    assert ask(hub, "POST", f"{API}/tag/main", {"tag": "v1"}, token="")[0] == 401
    assert ask(hub, "GET", API, token=None)[0] == 200
    assert ask(hub, "GET", "/api/datasets/org/none", token=None)[0] == 401
    assert ask(hub, "GET", "/api/datasets/org/none")[0] == 404
    status, headers, _ = ask(hub, "GET", API, token="hf_expired")
    assert (status, headers["X-Error-Message"]) == (401, "Invalid credentials in Authorization header")


def test_a_large_file_is_kept_whole_under_its_hash_and_read_in_parts(hub):
    create(hub)
    content = bytes(range(256)) * 8000
    oid, address = large(hub, content)
    assert ask(hub, "PUT", f"{address.path}?{address.query}", content, token=None)[0] == 200
    size = len(content)
    assert ask(hub, "POST", f"{address.path}/verify", {"oid": oid, "size": size})[0] == 200
    assert ask(hub, "POST", f"{address.path}/verify", {"oid": oid, "size": size + 1})[0] == 404
    commit(hub, ("lfsFile", {"path": "a/x.parquet", "algo": "sha256", "oid": oid, "size": size}))
    at = "/datasets/org/akhbar/resolve/main/a/x.parquet"
    status, headers, body = ask(hub, "GET", at)

    assert (status, body == content, headers["X-Linked-Etag"]) == (200, True, f'"{oid}"')
    status, headers, body = ask(hub, "GET", at, Range="bytes=10-19")
    assert (status, body, headers["Content-Range"]) == (206, content[10:20], f"bytes 10-19/{size}")
    status, headers, body = ask(hub, "HEAD", at)
    assert (status, body, headers["Content-Length"]) == (200, b"", str(size))
    assert ask(hub, "GET", at, Range=f"bytes={size}-")[0] == 416


def test_large_file_needs_its_own_address_and_bytes(hub):
    create(hub)
    oid, address = large(hub, b"the bytes")

    assert ask(hub, "PUT", f"{address.path}?key=0", b"the bytes", token=None)[0] == 403
    assert ask(hub, "PUT", f"{address.path}?{address.query}", b"others", token=None)[0] == 400
    assert not git.large_file_path(hub.root, oid).exists()
    status, _, said = commit(hub, ("lfsFile", {"path": "a/x.parquet", "oid": oid, "size": 9}))
    assert (status, said["error"]) == (400, f"the large file {oid} was never sent")


def test_a_request_that_is_too_long_or_malformed_is_refused(hub):
    create(hub)

    assert ask(hub, "POST", f"{API}/preupload/main", Content_Length="256000001")[0] == 413
    assert ask(hub, "POST", f"{API}/preupload/main", Content_Length="-1")[0] == 411
    assert ask(hub, "POST", f"{API}/preupload/main", b"{")[0] == 400
    assert ask(hub, "POST", f"{API}/preupload/main", {"files": [{}]})[0] == 400
    assert ask(hub, "POST", f"{API}/commit/main", b"[1]")[0] == 400
    assert commit(hub, ("deletedFile", {"path": "none"}))[1]["X-Error-Code"] == "EntryNotFound"
    assert ask(hub, "GET", "/api/models/org/akhbar")[0] == 404


def test_huggingface_hub_understands_what_is_listed(hub):
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RemoteEntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError

    create(hub)
    made = commit(hub, file("README.md"), file("a/b.txt", b"b"))[2]["commitOid"]
    api = HfApi(endpoint=hub.url, token="hf_any")
    kind = {"repo_type": "dataset"}

    assert api.whoami()["name"] == "rehearsal"
    assert api.list_repo_files("org/akhbar", **kind) == [".gitattributes", "README.md", "a/b.txt"]
    assert [entry.path for entry in api.list_repo_tree("org/akhbar", "a", **kind)] == ["a/b.txt"]
    assert [info.size for info in api.get_paths_info("org/akhbar", ["README.md", "none"], **kind)] == [len(README)]
    assert [c.title for c in api.list_repo_commits("org/akhbar", **kind)] == ["a commit", "initial commit"]
    assert api.list_repo_refs("org/akhbar", **kind).branches[0].target_commit == made
    with pytest.raises(RemoteEntryNotFoundError):
        list(api.list_repo_tree("org/akhbar", "none", **kind))
    with pytest.raises(RevisionNotFoundError):
        api.repo_info("org/akhbar", revision="v9", **kind)
    with pytest.raises(RepositoryNotFoundError):
        api.repo_info("org/none", **kind)


def test_a_busy_port_is_said(hub, tmp_path):
    port = urlsplit(hub.url).port
    with pytest.raises(KhabarError) as refused, serve(tmp_path / "other", port):
        pass

    assert refused.value.exit_code == 2
    assert str(refused.value) == f"port {port} on 127.0.0.1 is taken by another program"


def test_leaving_ends_connections_that_are_kept_open(tmp_path):
    with serve(tmp_path / "hub") as running:
        connection = http.client.HTTPConnection(urlsplit(running.url).netloc, timeout=20)
        connection.request("GET", "/api/whoami-v2")
        connection.getresponse().read()
    left = connection.sock.recv(1)
    connection.close()

    assert left == b""


def test_as_a_program_it_prints_its_address_and_serves_until_it_is_ended(tmp_path):
    command = [sys.executable, "-m", "builder.local_hub.server", str(tmp_path / "hub")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        netloc = urlsplit(server.stdout.readline().strip()).netloc
        connection = http.client.HTTPConnection(netloc, timeout=20)
        connection.request("GET", "/api/whoami-v2", headers={"Authorization": "Bearer t"})
        said = json.loads(connection.getresponse().read())
        server.terminate()
        connection.close()

    assert said["name"] == "rehearsal"


def test_huggingface_hub_proposes_merges_branches_and_deletes(hub):
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    create(hub)
    commit(hub, file("old/a.txt", b"a"), file("old/b.txt", b"b"))
    api, kind = HfApi(endpoint=hub.url, token=ANY), {"repo_type": "dataset"}
    operations = [CommitOperationAdd("README.md", README), CommitOperationDelete("old/")]
    made = api.create_commit("org/akhbar", operations, commit_message="proposed", create_pr=True, **kind)

    assert (made.pr_num, made.pr_revision) == (1, "refs/pr/1")
    assert api.repo_info("org/akhbar", revision="refs/pr/1", **kind).sha == made.oid
    assert api.list_repo_files("org/akhbar", revision="refs/pr/1", **kind) == [".gitattributes", "README.md"]
    assert "README.md" not in api.list_repo_files("org/akhbar", **kind)
    (listed,) = api.list_repo_refs("org/akhbar", include_pull_requests=True, **kind).pull_requests
    assert (listed.ref, listed.target_commit) == ("refs/pr/1", made.oid)

    api.merge_pull_request("org/akhbar", 1, **kind)
    assert api.list_repo_files("org/akhbar", **kind) == [".gitattributes", "README.md"]

    api.create_branch("org/akhbar", branch="draft", **kind)
    api.create_tag("org/akhbar", tag="v1", **kind)
    refs = api.list_repo_refs("org/akhbar", **kind)
    assert ([b.name for b in refs.branches], [t.name for t in refs.tags]) == (["draft", "main"], ["v1"])
    api.delete_branch("org/akhbar", branch="draft", **kind)
    api.delete_tag("org/akhbar", tag="v1", **kind)
    refs = api.list_repo_refs("org/akhbar", **kind)
    assert ([b.name for b in refs.branches], refs.tags) == (["main"], [])

    api.delete_repo("org/akhbar", **kind)
    assert not api.repo_exists("org/akhbar", **kind)


def test_a_pull_request_that_conflicts_is_not_merged(hub):
    create(hub)
    parent = commit(hub, file("README.md"))[2]["commitOid"]
    header = {"key": "header", "value": {"summary": "theirs", "parentCommit": parent}}
    key, value = file("README.md", b"theirs\n")
    lines = "\n".join(map(json.dumps, [header, {"key": key, "value": value}])).encode()
    assert ask(hub, "POST", f"{API}/commit/main?create_pr=1", lines)[0] == 200
    head = commit(hub, file("README.md", b"ours\n"))[2]["commitOid"]

    assert ask(hub, "POST", f"{API}/discussions/1/merge", {})[0] == 409
    assert ask(hub, "POST", f"{API}/discussions/2/merge", {})[0] == 404
    assert ask(hub, "GET", API)[2]["sha"] == head


def test_the_main_branch_cannot_be_deleted(hub):
    create(hub)

    assert ask(hub, "DELETE", f"{API}/branch/main")[0] == 403
    assert ask(hub, "DELETE", f"{API}/branch/draft")[0] == 404
    assert ask(hub, "DELETE", f"{API}/tag/v1")[0] == 404
    assert ask(hub, "DELETE", f"{API}/tag/v1", token=None)[0] == 401
    assert ask(hub, "DELETE", "/api/repos/delete", {"type": "dataset", "organization": "org", "name": "no"})[0] == 404


def test_a_private_dataset_is_hidden_from_strangers(hub):
    asked = {"type": "dataset", "organization": "org", "name": "akhbar", "visibility": "private"}
    assert ask(hub, "POST", "/api/repos/create", asked)[0] == 200
    commit(hub, file("README.md"))

    assert ask(hub, "GET", API)[2]["private"] is True
    assert ask(hub, "GET", API, token=None)[0] == 401
    assert ask(hub, "GET", "/datasets/org/akhbar/resolve/main/README.md", token=None)[0] == 401
    assert ask(hub, "GET", "/datasets/org/akhbar/resolve/main/README.md")[0] == 200


def test_xet_tokens_are_given_only_where_there_is_xet(hub, tmp_path):
    create(hub)
    assert ask(hub, "GET", f"{API}/xet-read-token/main")[0] == 404
    with serve(tmp_path / "other", xet=True) as other:
        create(other)
        status, headers, said = ask(other, "GET", f"{API}/xet-write-token/main")

        assert (status, said["casUrl"]) == (200, f"local://{tmp_path / 'other'}/xet-store")
        assert headers["X-Xet-Cas-Url"] == said["casUrl"]
        assert ask(other, "GET", f"{API}/xet-write-token/main", token=None)[0] == 401


def test_faults_are_planned_by_those_alone_who_have_the_key(hub, tmp_path):
    assert ask(hub, "POST", "/rehearsal/faults", {})[0] == 404
    with serve(tmp_path / "other", control="key") as other:
        assert ask(other, "POST", "/rehearsal/faults", {"at": 1, "kind": 503}, X_Control="guess")[0] == 403
        assert ask(other, "GET", "/api/whoami-v2")[0] == 200

        plan = {"at": 2, "kind": 429, "lasting": False}
        assert ask(other, "POST", "/rehearsal/faults", plan, X_Control="key")[2] == {"calls": ["GET /api/whoami-v2"]}
        found = [ask(other, "GET", "/api/whoami-v2") for _ in range(3)]
        assert [status for status, _, _ in found] == [200, 429, 200]
        assert found[1][1]["Retry-After"] == "1"

        ask(other, "POST", "/rehearsal/faults", plan | {"kind": 500, "lasting": True}, X_Control="key")
        assert [ask(other, "GET", "/api/whoami-v2")[0] for _ in range(3)] == [200, 500, 500]


def test_the_hub_of_a_project_is_put_up_and_down(project, khabar):
    up = khabar("hub", "up", "--json", cwd=project.root)
    first = json.loads(up.stdout)
    netloc = urlsplit(first["url"]).netloc
    try:
        again = json.loads(khabar("hub", "up", "--json", cwd=project.root).stdout)
        shown = khabar("hub", "up", cwd=project.root).stdout
        other = khabar("hub", "up", "--xet", cwd=project.root)
        connection = http.client.HTTPConnection(netloc, timeout=20)
        connection.request("GET", "/api/whoami-v2", headers={"Authorization": "Bearer t"})
        said = json.loads(connection.getresponse().read())
        connection.close()
    finally:
        down = khabar("hub", "down", cwd=project.root)

    assert said["name"] == "rehearsal"
    assert (first["xet"], first["was_running"]) == (False, False)
    assert f"export HF_ENDPOINT={first['url']} HF_TOKEN=rehearsal HF_HUB_DISABLE_XET=1" in shown
    assert (again["was_running"], again["url"]) == (True, first["url"])
    assert (other.returncode, "in another way" in other.stderr) == (2, True)
    assert down.stdout == "rehearsal Hub: stopped\n"
    assert khabar("hub", "down", cwd=project.root).stdout == "rehearsal Hub: was not running\n"
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection(netloc, timeout=20).request("GET", "/")

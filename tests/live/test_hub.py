"""Publishing through the real huggingface_hub and datasets, to a rehearsal Hub of real git."""

import dataclasses
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builder.local_hub import git
from builder.local_hub.http import LocalHub
from builder.local_hub.server import serve
from builder.records import KhabarError, Release
from builder.release.publish import client, commit
from builder.release.publish import hub as hubs
from builder.release.publish.client import Remote, raise_hub_error
from builder.release.publish.revert import revert
from tests.live.small import REPO, ROWS, make_release

pytestmark = pytest.mark.live

TOKEN = "hf_rehearsalSecret"
SHARD = "entities/train-00000-of-00001.parquet"


@dataclasses.dataclass
class Stage:
    """A Hub, a release folder, and what a push of it said."""

    hub: LocalHub
    folder: Path
    release: Release
    said: list[str] = dataclasses.field(default_factory=list)

    def push(self, token=TOKEN, **options):
        kept = {"endpoint": self.hub.url, "progress": self.said.append}
        kept |= {name: options.pop(name) for name in list(options) if name in kept}
        return hubs.push(self.folder, self.release, token=token, way=hubs.PushOptions(**options), **kept)

    def verify(self, revision="v1.0.0", token=TOKEN):
        return commit.verify(
            self.folder, self.release, endpoint=self.hub.url, token=token, revision=revision, progress=self.said.append
        )

    @property
    def repo(self):
        return self.hub.repository(REPO)

    def refs(self):
        return git.refs(self.repo)

    def commits(self):
        return [one.title for one in git.log(self.repo, self.refs()["refs/heads/main"])]

    def put(self, files):
        """Commit behind the Hub's back, large files as pointers."""
        pointers = {}
        for path, content in files.items():
            sha = hashlib.sha256(content).hexdigest()
            large = git.large_file_path(self.hub.root, sha)
            large.parent.mkdir(parents=True, exist_ok=True)
            large.write_bytes(content)
            pointers[path] = git.pointer(sha, len(content))
        return git.commit(self.repo, "main", self.refs()["refs/heads/main"], pointers, (), "by hand")


@pytest.fixture
def stage(tmp_path):
    """A new Hub, and a release that nobody pushed."""
    release = make_release(tmp_path / "v1.0.0")
    with serve(tmp_path / "hub", deny={"hf_expired"}) as running:
        yield Stage(running, tmp_path / "v1.0.0", release)


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    """A release that was pushed once, for all tests here: its Hub's files, its folder, what was said."""
    base = tmp_path_factory.mktemp("published")
    release = make_release(base / "v1.0.0")
    with serve(base / "hub") as running:
        first = Stage(running, base / "v1.0.0", release)
        pushed = first.push()
    return base, release, pushed


@pytest.fixture
def published(once, tmp_path):
    """A Hub of its own that holds v1.0.0."""
    base, release, _ = once
    shutil.copytree(base / "hub", tmp_path / "hub")
    with serve(tmp_path / "hub") as running:
        yield Stage(running, base / "v1.0.0", release)


def refusal(refused):
    return "\n".join(f"{i.where} {i.message} {i.fix}" for i in refused.value.issues)


def test_a_push_is_one_commit_and_a_tag_on_it(published, once):
    pushed = once[2]

    assert published.commits() == ["Release v1.0.0", "initial commit"]
    assert published.refs()["refs/tags/v1.0.0"] == published.refs()["refs/heads/main"] == pushed.commit
    assert (pushed.created, pushed.already, pushed.tag, pushed.deleted) == (True, False, "v1.0.0", ())
    assert pushed.uploaded == (
        "MANIFEST.json", "README.md", "entities/test-00000-of-00001.parquet", SHARD,
        "stance/test-00000-of-00001.parquet", "stance/train-00000-of-00001.parquet",
    )  # fmt: skip


def test_every_file_of_the_hub_is_that_of_the_release_byte_for_byte(published):
    tree = git.tree(published.repo, published.refs()["refs/tags/v1.0.0"])
    files = {path: entry for path, entry in tree.items() if entry.kind == "file" and path != ".gitattributes"}

    assert set(files) == {*published.release.files, "MANIFEST.json"}
    for path, entry in files.items():
        large = git.large_file_path(published.hub.root, entry.lfs)
        content = large.read_bytes() if entry.lfs else git.read(published.repo, entry.oid)
        assert content == (published.folder / path).read_bytes()


def test_a_researcher_loads_the_tag_with_its_labels_and_version(published, tmp_path):
    program = f"""
import json, datasets
loaded = datasets.load_dataset({REPO!r}, "entities", revision="v1.0.0")
train = loaded["train"]
print(json.dumps([str(train.info.version), train.features["spans"].feature["label"].names, train.to_list()]))
"""
    environment = os.environ | {"HF_ENDPOINT": published.hub.url, "HF_HOME": str(tmp_path / "home")}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)

    assert json.loads(done.stdout) == ["1.0.0", ["PERS", "LOC"], ROWS["entities"]["train"]]


def test_pushing_again_commits_nothing_and_leaves_the_tag(published):
    before = published.refs()
    pushed = published.push()

    assert (pushed.already, pushed.commit, pushed.uploaded) == (True, before["refs/tags/v1.0.0"], ())
    assert published.refs() == before


def test_verify_counts_the_files_and_rows_that_it_compared(published):
    verified = published.verify()

    assert verified == commit.Verified(
        "v1.0.0", published.refs()["refs/tags/v1.0.0"], 6,
        {"entities": {"train": 3, "test": 1}, "stance": {"train": 2, "test": 1}},
    )  # fmt: skip


def test_a_dry_run_says_what_it_would_do_and_does_nothing(stage):
    pushed = stage.push(dry_run=True)
    sizes = {path: (stage.folder / path).stat().st_size for path in pushed.uploaded}
    card = (stage.folder / "README.md").read_text(encoding="utf-8").split("---\n")[1].rstrip("\n")

    assert (pushed.commit, pushed.created, pushed.tag) == ("", True, "v1.0.0")
    assert stage.said[1:] == [
        f"would create the dataset {stage.hub.url}/datasets/{REPO}",
        *(f"would add {path} ({size:,} bytes)" for path, size in sizes.items()),
        f"{sum(sizes.values()):,} bytes in 6 files",
        f"the metadata of the card:\n{card}",
        "would read the commit back and tag it v1.0.0",
    ]
    assert not stage.repo.exists()


def test_pull_request_is_untagged_until_merged(published, tmp_path):
    published.folder = tmp_path / "v1.1.0"
    rows = ROWS | {"stance": {"train": ROWS["stance"]["train"]}}
    published.release = make_release(published.folder, "1.1.0", rows)
    before = published.refs()
    pushed = published.push(pull_request=True)

    assert (pushed.pull_request, pushed.tag) == ("refs/pr/1", "")
    assert pushed.deleted == ("stance/test-00000-of-00001.parquet",)
    assert pushed.url == f"{published.hub.url}/datasets/{REPO}/discussions/1"
    assert published.refs() == before | {"refs/pr/1": pushed.commit}
    assert published.said[-1] == "reading refs/pr/1 back with load_dataset"

    again = published.push(pull_request=True)
    assert (again.pull_request, again.commit) == ("refs/pr/1", pushed.commit)
    assert "refs/pr/1 already holds exactly these files" in published.said

    git.merge(published.repo, "main", pushed.commit, "merged")
    head = published.refs()["refs/heads/main"]
    assert published.push(pull_request=True).pull_request == ""
    tagged = published.push()
    assert (tagged.tag, tagged.commit, tagged.uploaded) == ("v1.1.0", head, ())
    assert published.refs()["refs/tags/v1.1.0"] == published.refs()["refs/heads/main"] == head


def test_a_pull_request_whose_answer_is_lost_is_not_opened_twice(published, tmp_path):
    published.folder = tmp_path / "v1.1.0"
    published.release = make_release(published.folder, "1.1.0")
    published.hub.faults["commit"] = "lose"

    assert published.push(pull_request=True).pull_request == "refs/pr/1"
    assert sorted(published.refs()) == ["refs/heads/main", "refs/pr/1", "refs/tags/v1.0.0"]


def test_a_private_dataset_is_seen_with_a_token_alone(stage):
    pushed = stage.push(private=True)

    assert git.is_private(stage.repo)
    assert stage.refs()["refs/tags/v1.0.0"] == pushed.commit
    with pytest.raises(KhabarError) as refused:
        stage.verify(token=None)
    assert "was refused (401): no token was given" in refusal(refused)


def test_a_private_dataset_of_others_is_not_pushed_to(stage):
    git.create(stage.repo)
    git.make_private(stage.repo, "hf_of_another")
    with pytest.raises(KhabarError) as refused:
        stage.push()

    assert refused.value.exit_code == 3
    assert refusal(refused) == (
        f"{stage.hub.url}/datasets/{REPO} {REPO} exists on {stage.hub.url}, but this token may not see it: it is private "
        "set HF_TOKEN to a token with access to it, or choose another repo_id; the same call cannot succeed"
    )
    assert stage.commits() == ["initial commit"]
    assert "hf_of_another" not in refusal(refused)


def test_a_private_dataset_of_others_is_not_read(published):
    git.make_private(published.repo, "hf_of_another")
    with pytest.raises(KhabarError) as refused:
        published.verify()

    assert refused.value.exit_code == 3
    assert "not found (404)" in refusal(refused)
    assert refusal(refused).endswith("a private dataset needs an HF_TOKEN that may read it")


def test_private_does_not_pretend_of_a_dataset_that_is_public(published, tmp_path):
    published.folder = tmp_path / "v1.1.0"
    published.release = make_release(published.folder, "1.1.0")
    with pytest.raises(KhabarError) as refused:
        published.push(private=True)

    page = f"{published.hub.url}/datasets/{REPO}"
    assert refused.value.exit_code == 2
    assert refusal(refused) == (
        f"{page} {REPO} exists and is public: --private only applies to a new dataset "
        f"leave --private out, or make the dataset private at {page}/settings"
    )
    assert published.commits() == ["Release v1.0.0", "initial commit"]


def test_a_second_version_removes_stale_shards_and_leaves_the_first_tag(published, tmp_path):
    published.put({"entities/train-00000-of-00002.parquet": b"PAR1 stale", "notes/by-hand.parquet": b"kept"})
    first = published.refs()["refs/tags/v1.0.0"]
    rows = ROWS | {"stance": {"train": ROWS["stance"]["train"]}}
    published.folder = tmp_path / "v1.1.0"
    published.release = make_release(published.folder, "1.1.0", rows)
    pushed = published.push()

    assert pushed.deleted == ("entities/train-00000-of-00002.parquet", "stance/test-00000-of-00001.parquet")
    assert pushed.uploaded == ("MANIFEST.json", "README.md")
    assert published.commits() == ["Release v1.1.0", "by hand", "Release v1.0.0", "initial commit"]
    assert "notes/by-hand.parquet" in git.tree(published.repo, pushed.commit)
    assert published.refs()["refs/tags/v1.0.0"] == first
    assert published.refs()["refs/tags/v1.1.0"] == pushed.commit


def test_a_config_that_a_new_version_drops_goes_with_its_folder(published, tmp_path):
    published.folder = tmp_path / "v2.0.0"
    published.release = make_release(published.folder, "2.0.0", {"entities": ROWS["entities"]})

    assert published.push().deleted == ("stance/test-00000-of-00001.parquet", "stance/train-00000-of-00001.parquet")


def test_a_denied_token_is_named_with_the_fix_and_never_printed(stage):
    with pytest.raises(KhabarError) as refused:
        stage.push(token="hf_expired")

    assert refused.value.exit_code == 3
    assert refusal(refused) == (
        f" reading {REPO} on {stage.hub.url} was refused (401): the token in HF_TOKEN was not accepted; "
        "the Hub says: Invalid credentials in Authorization header "
        f"set HF_TOKEN to a token that may write to khabar-tests ({stage.hub.url}/settings/tokens)"
    )
    assert "hf_expired" not in refusal(refused) + "".join(stage.said) + repr(refused.value)


def test_a_stranger_is_told_to_set_a_token_for_what_is_not_there(stage):
    # The client says RepositoryNotFoundError with status 401 here, as it does for every 401 of an https Hub.
    with pytest.raises(KhabarError) as refused:
        stage.push(token=None)

    assert refused.value.exit_code == 3
    assert f"reading {REPO} on {stage.hub.url} was refused (401): no token was given" in refusal(refused)
    assert not stage.repo.exists()


def test_a_push_without_a_token_is_refused(published, tmp_path):
    published.folder = tmp_path / "v1.1.0"
    published.release = make_release(published.folder, "1.1.0")
    with pytest.raises(KhabarError) as refused:
        published.push(token=None)

    assert refused.value.exit_code == 3
    assert f"committing to {REPO} on {published.hub.url} was refused (401): no token was given" in refusal(refused)
    assert published.commits() == ["Release v1.0.0", "initial commit"]


def test_a_tag_on_other_bytes_is_a_conflict_and_nothing_is_committed(stage):
    git.create(stage.repo)
    git.set_ref(stage.repo, "refs/tags/v1.0.0", stage.refs()["refs/heads/main"])
    with pytest.raises(KhabarError) as refused:
        stage.push()

    assert refused.value.exit_code == 4
    assert "v1.0.0 of khabar-tests/akhbar is published already" in refusal(refused)
    assert stage.commits() == ["initial commit"]


def _tampered(published, edit):
    """The tag moved to a commit whose entities/train is edited; returns the refusal of verify."""
    table = edit(pq.read_table(published.folder / SHARD))
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    made = published.put({SHARD: sink.getvalue().to_pybytes()})
    before = published.refs()["refs/tags/v1.0.0"]
    assert git.set_ref(published.repo, "refs/tags/v1.0.0", made, before)
    with pytest.raises(KhabarError) as refused:
        published.verify()
    assert refused.value.exit_code == 1
    return refusal(refused)


def test_a_changed_cell_is_found_with_its_config_split_row_and_column(published):
    def edit(table):
        rows = table.to_pylist()
        rows[1]["text"] = "نص آخر"
        rows[2]["spans"][0]["end"] += 1
        return pa.Table.from_pylist(rows, schema=table.schema)

    found = _tampered(published, edit)

    assert f"{REPO}@v1.0.0 {SHARD} the bytes differ" in found
    assert f"{REPO}@v1.0.0 entities/train row a2: column text is 'نص آخر', not 'زارت" in found
    assert "entities/train row a3: column spans is" in found
    assert "row a1" not in found
    assert "stance" not in found


def test_a_missing_row_is_found(published):
    found = _tampered(published, lambda table: table.slice(0, 2))

    assert "entities load_dataset fails: NonMatchingSplitsSizesError" in found


def test_a_card_that_renames_a_label_is_found(published):
    card = (published.folder / "README.md").read_bytes().replace(b"LOC", b"PLACE")
    head = published.refs()["refs/heads/main"]
    made = git.commit(published.repo, "main", head, {"README.md": card.replace(b"1.0.0", b"9.9.9")}, (), "by hand")
    with pytest.raises(KhabarError) as refused:
        published.verify(revision=made)

    assert refused.value.exit_code == 1
    assert "README.md the bytes differ" in refusal(refused)
    assert "entities/train the version is 9.9.9, not 1.0.0" in refusal(refused)
    assert "entities/train column spans is List(" in refusal(refused)
    assert "'PLACE'" in refusal(refused)


def test_a_stray_shard_that_readers_would_load_is_found(published):
    made = published.put({"entities/train-00001-of-00002.parquet": (published.folder / SHARD).read_bytes()})
    with pytest.raises(KhabarError) as refused:
        published.verify(revision=made)

    assert "entities/train-00001-of-00002.parquet the file is not part of the release" in refusal(refused)


def test_a_revision_that_is_not_there_is_said(published):
    with pytest.raises(KhabarError) as refused:
        published.verify(revision="v7.0.0")

    assert refused.value.exit_code == 3
    assert "not found (404): Invalid rev id: v7.0.0" in refusal(refused)


def test_a_folder_that_changed_since_the_build_is_not_pushed(stage):
    (stage.folder / SHARD).write_bytes(b"PAR1")
    (stage.folder / "README.md").unlink()
    with pytest.raises(KhabarError) as refused:
        stage.push()

    assert refused.value.exit_code == 1
    assert f"{stage.folder / SHARD} the file is not the one that was built" in refusal(refused)
    assert f"{stage.folder / 'README.md'} the file is missing" in refusal(refused)
    assert not stage.repo.exists()


def test_an_answer_that_is_lost_after_the_commit_is_no_loss(stage):
    stage.hub.faults["commit"] = "lose"
    pushed = stage.push()

    assert stage.commits() == ["Release v1.0.0", "initial commit"]
    assert stage.refs()["refs/tags/v1.0.0"] == pushed.commit


def test_a_commit_that_fails_leaves_no_tag_and_can_be_run_again(stage):
    for fault, said in ((503, "failed (503): injected fault"), ("drop", "failed: RemoteProtocolError")):
        stage.hub.faults["commit"] = fault
        with pytest.raises(KhabarError) as refused:
            stage.push()
        assert refused.value.exit_code == 3
        assert f"committing to {REPO} on {stage.hub.url} {said}" in refusal(refused)
    assert list(stage.refs()) == ["refs/heads/main"]


def test_concurrent_repository_change_is_a_conflict(published, tmp_path):
    def progress(message):
        if message.startswith("sending"):
            published.put({"notes/by-hand.parquet": b"kept"})

    published.folder = tmp_path / "v1.1.0"
    published.release = make_release(published.folder, "1.1.0")
    with pytest.raises(KhabarError) as refused:
        published.push(progress=progress)

    assert refused.value.exit_code == 4
    assert "conflicts with a change that someone else made meanwhile (412)" in refusal(refused)
    assert published.commits() == ["by hand", "Release v1.0.0", "initial commit"]


def test_a_server_that_repeats_the_token_does_not_get_it_printed():
    echo = client.Remote(None, "https://hub.example", REPO, TOKEN)
    for fault in (OSError(f"no such user: {TOKEN}"), ValueError(f"bad: {TOKEN}"), RuntimeError(TOKEN)):
        with pytest.raises(KhabarError) as refused, client.translate_hub_errors(echo, "reading"):
            raise fault
        assert "***" in refusal(refused)
        assert TOKEN not in refusal(refused) + repr(echo)


def test_a_commit_without_its_tag_is_resumed_and_not_repeated(stage):
    stage.hub.faults["tag"] = 500
    with pytest.raises(KhabarError) as refused:
        stage.push()
    head = stage.refs()["refs/heads/main"]

    assert refused.value.exit_code == 5
    assert f"commit {head[:12]} is on the Hub, but is not tagged" in refusal(refused)
    assert "run the same command again to resume" in refusal(refused)

    stage.hub.faults.clear()
    pushed = stage.push()

    assert (pushed.uploaded, pushed.already, pushed.created) == ((), False, False)
    assert stage.refs() == {"refs/heads/main": head, "refs/tags/v1.0.0": head}


def test_a_tag_whose_answer_is_lost_is_there(stage):
    stage.hub.faults["tag"] = "lose"

    assert stage.push().commit == stage.refs()["refs/tags/v1.0.0"]


def test_a_push_killed_between_commit_and_tag_is_finished_by_the_next(stage, tmp_path):
    program = """
import json, os, signal, sys
from pathlib import Path
from builder.io.plain import from_plain
from builder.records import Release
from builder.release.publish import hub

def progress(message):
    if message.startswith("reading commit"):
        os.kill(os.getpid(), signal.SIGKILL)

folder = Path(sys.argv[1])
release = from_plain(Release, json.loads((folder / "MANIFEST.json").read_text()))
hub.push(folder, release, endpoint=sys.argv[2], token="t", progress=progress)
"""
    arguments = [sys.executable, "-c", program, str(stage.folder), stage.hub.url]
    left = os.environ | {"TMPDIR": str(tmp_path)}
    killed = subprocess.run(arguments, env=left, capture_output=True, text=True, check=False)
    head = stage.refs()["refs/heads/main"]

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert list(stage.refs()) == ["refs/heads/main"]

    assert stage.push().commit == head
    assert stage.commits() == ["Release v1.0.0", "initial commit"]
    assert stage.refs()["refs/tags/v1.0.0"] == head


def test_a_hub_that_is_not_there_is_said(stage):
    with pytest.raises(KhabarError) as refused:
        stage.push(endpoint="http://127.0.0.1:9")

    assert refused.value.exit_code == 3
    assert f"reading {REPO} on http://127.0.0.1:9 failed: ConnectError" in refusal(refused)


def test_a_hub_that_dies_after_the_commit_leaves_a_push_to_resume(tmp_path):
    folder, root = tmp_path / "v1.0.0", tmp_path / "hub"
    release = make_release(folder)
    server = subprocess.Popen(
        [sys.executable, "-m", "builder.local_hub.server", str(root)], stdout=subprocess.PIPE, text=True
    )
    said = []

    def progress(message):
        said.append(message)
        if message.startswith("reading commit"):
            server.kill()
            server.wait()

    with server, pytest.raises(KhabarError) as refused:
        hubs.push(folder, release, endpoint=server.stdout.readline().strip(), token=TOKEN, progress=progress)

    assert refused.value.exit_code == 5
    assert "is on the Hub, but is not tagged" in refusal(refused)
    with serve(root) as again:
        stage = Stage(again, folder, release)
        assert stage.push().commit == stage.refs()["refs/tags/v1.0.0"]
        assert stage.commits() == ["Release v1.0.0", "initial commit"]


def test_a_reading_process_that_dies_leaves_a_push_to_resume(stage):
    def progress(message):
        if message.startswith("reading commit"):
            children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
            (reader,) = [
                c for c in children if b"builder.release.publish.readback" in Path(f"/proc/{c}/cmdline").read_bytes()
            ]
            os.kill(int(reader), signal.SIGKILL)

    with pytest.raises(KhabarError) as refused:
        stage.push(progress=progress)

    assert refused.value.exit_code == 5
    assert "stopped: no message run the same command again" in refusal(refused)


def _edit_card(stage, old, new):
    card = (stage.folder / "README.md").read_text(encoding="utf-8")
    assert old in card
    (stage.folder / "README.md").write_text(card.replace(old, new), encoding="utf-8")
    sha = hashlib.sha256((stage.folder / "README.md").read_bytes()).hexdigest()
    stage.release = dataclasses.replace(stage.release, files=stage.release.files | {"README.md": sha})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("configs:", "configs: [", "entities load_dataset fails: "),
        ("version: 1.0.0", "version: 2.0.0", "entities/train the version is 2.0.0, not 1.0.0"),
        ("num_examples: 3", "num_examples: 4", "entities load_dataset fails: NonMatchingSplitsSizesError"),
        ("name: text", "name: texte", "entities load_dataset fails: DatasetGenerationError"),
    ],
)
def test_a_folder_that_does_not_load_is_never_published(stage, old, new, said):
    _edit_card(stage, old, new)
    with pytest.raises(KhabarError) as refused:
        stage.push()

    assert refused.value.exit_code == 1
    assert f"{stage.folder} {said}" in refusal(refused)
    assert not stage.repo.exists()


def test_an_empty_split_that_datasets_cannot_load_is_never_published(tmp_path):
    rows = ROWS | {"stance": {"train": ROWS["stance"]["train"], "test": []}}
    release = make_release(tmp_path / "v1.0.0", rows=rows)
    with serve(tmp_path / "hub") as running, pytest.raises(KhabarError) as refused:
        Stage(running, tmp_path / "v1.0.0", release).push()

    assert refused.value.exit_code == 1
    assert f"{tmp_path / 'v1.0.0'} stance load_dataset fails: DatasetGenerationError" in refusal(refused)


def test_a_name_that_the_hub_cannot_have_is_refused(stage):
    stage.release = dataclasses.replace(stage.release, repo_id="khabar--tests/akhbar")
    with pytest.raises(KhabarError) as refused:
        stage.push()

    assert refused.value.exit_code == 2
    assert "huggingface_hub rejected the request: Cannot have -- or .. in repo_id" in refusal(refused)


def test_the_module_loads_no_client_library():
    heavy = "{'datasets', 'huggingface_hub', 'pyarrow'}"
    program = f"import sys; import builder.release.publish.hub; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_unverified_commit_is_reverted_and_a_tagged_one_is_not(published, tmp_path):
    release = make_release(tmp_path / "v1.1.0", "1.1.0", {"entities": {"train": ROWS["entities"]["train"]}})
    later = Stage(published.hub, tmp_path / "v1.1.0", release)
    before = git.tree(later.repo, later.refs()["refs/heads/main"])
    with pytest.raises(KhabarError) as refused:
        revert(published.release, endpoint=later.hub.url, token=TOKEN)
    assert (refused.value.exit_code, refused.value.issues[0].code) == (4, "no-revert")

    later.push()
    git.git(later.repo, "update-ref", "-d", "refs/tags/v1.1.0")
    commit = revert(release, endpoint=later.hub.url, token=TOKEN)

    assert git.tree(later.repo, commit) == before
    assert later.commits()[:2] == ["Revert release v1.1.0", "Release v1.1.0"]
    with pytest.raises(KhabarError, match=r"but «Revert release v1\.1\.0»"):
        revert(release, endpoint=later.hub.url, token=TOKEN)
    assert later.push().tag == "v1.1.0"


def test_foreign_file_that_breaks_the_reading_is_named(stage):
    git.create(stage.repo)
    broken = {"dataset_infos.json": b"{"}
    git.commit(stage.repo, "main", stage.refs()["refs/heads/main"], broken, (), "by hand")
    with pytest.raises(KhabarError) as refused:
        stage.push()

    assert refused.value.exit_code == 1
    assert "beside the release the repository holds dataset_infos.json" in refusal(refused)
    assert "and main shows it to readers" in refusal(refused)
    assert "`khabar push 1.0.0 --revert` commits the files from before it" in refusal(refused)
    revert(stage.release, endpoint=stage.hub.url, token=TOKEN)
    assert {*git.tree(stage.repo, stage.refs()["refs/heads/main"])} == {".gitattributes", "dataset_infos.json"}


def test_loading_script_is_named_before_anything_is_sent(stage):
    name = "akhbar.py"
    git.create(stage.repo)
    git.commit(stage.repo, "main", stage.refs()["refs/heads/main"], {name: b"import datasets\n"}, (), "by hand")
    with pytest.raises(KhabarError) as refused:
        stage.push()

    (issue,) = refused.value.issues
    assert (refused.value.exit_code, issue.code) == (4, "foreign-file")
    assert issue.message == f"{REPO} holds {name}, with which load_dataset does not load the release"
    assert stage.commits() == ["by hand", "initial commit"]


def test_tag_that_a_login_page_takes_is_not_believed(stage):
    stage.hub.faults["tag"] = "portal"
    with pytest.raises(KhabarError) as refused:
        stage.push()

    assert refused.value.exit_code == 5
    assert [issue.code for issue in refused.value.issues] == ["tag-not-set", "not-tagged"]
    assert refused.value.issues[0].message.startswith("the tag v1.0.0 does not exist after it was set at ")
    stage.hub.faults.clear()
    assert stage.push().tag == "v1.0.0"


@pytest.mark.parametrize(
    ("status", "fix"),
    [
        (400, "the same call cannot succeed: correct what the Hub names, build again, then push"),
        (
            402,
            "the same call cannot succeed: free storage of khabar-tests, or change its plan (http://h/settings/billing)",
        ),
        (413, "the same call cannot succeed: publish fewer or smaller files, or ask the Hub for a higher limit"),
        (422, "the same call cannot succeed: change what the Hub names first"),
        (429, "the same call can succeed: try again later"),
        (503, "the same call can succeed: try again later"),
    ],
)
def test_advice_says_whether_the_same_call_can_succeed(status, fix):
    with pytest.raises(KhabarError) as refused:
        raise_hub_error(Remote(None, "http://h", REPO, None), "committing to", status, "no")

    assert (refused.value.exit_code, refused.value.issues[0].fix) == (3, fix)

"""Storage of the local Hub: bare git repositories, and large files named by their sha256.

It runs the git command line. The caller validates paths.
"""

import functools
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:(?P<sha>[0-9a-f]{64})\nsize (?P<size>\d+)\n"
)

LONGEST_POINTER = 200

ATTRIBUTES = b"*.parquet filter=lfs diff=lfs merge=lfs -text\n"

NO_OBJECT = "0" * 40


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder of a commit; for a large file, `size` is that of its content and `lfs` its sha256."""

    kind: str
    oid: str
    size: int = 0
    lfs: str = ""
    pointer_size: int = 0


def git(repo: Path, *arguments: str, stdin: bytes = b"", index: Path | None = None) -> bytes:
    """Run git in a bare repository, ignoring the user's git configuration, and return its standard output.

    Raises CalledProcessError if git fails.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "TZ": "UTC"}
    for role in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{role}_NAME": "rehearsal", f"GIT_{role}_EMAIL": "rehearsal@localhost"}
    if index is not None:
        environment["GIT_INDEX_FILE"] = str(index)
    command = ["git", "--git-dir", str(repo), *arguments]
    return subprocess.run(command, input=stdin, env=environment, capture_output=True, check=True).stdout


def create(repo: Path) -> bool:
    """Create a repository with an initial commit, as the Hub does, and return False if it exists already."""
    repo.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=repo.parent) as scratch:
        fresh = Path(scratch) / "new"
        git(fresh, "init", "--quiet", "--bare", "--initial-branch=main")
        commit(fresh, "main", None, {".gitattributes": ATTRIBUTES}, (), "initial commit")
        try:
            fresh.rename(repo)
        except OSError:
            if repo.is_dir():
                return False
            raise
    return True


def remove(repo: Path) -> None:
    """Delete a repository."""
    with tempfile.TemporaryDirectory(dir=repo.parent) as scratch:
        repo.rename(Path(scratch) / "old")


PRIVATE = "khabar-private"
"""The file whose presence in a repository makes it private. It holds the only token that may see it, or nothing."""


def make_private(repo: Path, token: str = "") -> None:
    """Make a repository visible only to requests with this token, or with any token if it is empty."""
    (repo / PRIVATE).write_text(token, encoding="utf-8")


def may_see(repo: Path, token: str) -> bool:
    """Return whether requests with a token, or without any if it is empty, may see a repository."""
    if not is_private(repo):
        return True
    return bool(token) and (repo / PRIVATE).read_text(encoding="utf-8") in ("", token)


def is_private(repo: Path) -> bool:
    """Return whether a repository is private."""
    return (repo / PRIVATE).exists()


def refs(repo: Path) -> dict[str, str]:
    """Map every branch, tag and pull request, by full name such as refs/heads/main, to its commit."""
    line_format = "--format=%(refname) %(objectname) %(*objectname)"
    output = git(repo, "for-each-ref", line_format, "refs/heads", "refs/tags", "refs/pr")
    return {parts[0]: parts[-1] for line in output.decode().splitlines() if (parts := line.split())}


def resolve(repo: Path, revision: str) -> str | None:
    """Return the commit of a branch, tag, pull request (such as refs/pr/1) or full commit id, or None."""
    if re.fullmatch(r"[0-9a-f]{40}", revision):
        try:
            tree(repo, revision)
        except subprocess.CalledProcessError:
            return None
        return revision
    known = refs(repo)
    return known.get(f"refs/heads/{revision}") or known.get(f"refs/tags/{revision}") or known.get(revision)


@functools.lru_cache(maxsize=64)
def tree(repo: Path, commit_id: str) -> Mapping[str, Entry]:
    """Map the path of every file and folder of a commit to its entry; cached, because a commit never changes."""
    entries: dict[str, Entry] = {}
    for line in git(repo, "ls-tree", "-r", "-t", "-l", "-z", f"{commit_id}^{{commit}}").decode().split("\0")[:-1]:
        fields, path = line.split("\t", 1)
        _, kind, oid, size = fields.split()
        entries[path] = Entry("directory", oid) if kind == "tree" else Entry("file", oid, int(size))
        if kind == "blob" and int(size) <= LONGEST_POINTER and (pointer := POINTER.fullmatch(read(repo, oid))):
            entries[path] = Entry("file", oid, int(pointer["size"]), pointer["sha"].decode(), int(size))
    return entries


def read(repo: Path, oid: str) -> bytes:
    """Return the bytes of a git blob."""
    return git(repo, "cat-file", "blob", oid)


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: its id, its date (UTC, ISO 8601, whole seconds) and its title."""

    oid: str
    date: str
    title: str


def log(repo: Path, commit_id: str) -> list[Commit]:
    """Return a commit and its ancestors, newest first."""
    output = git(repo, "log", "-z", "--date=format-local:%Y-%m-%dT%H:%M:%S.000Z", "--format=%H%n%cd%n%s", commit_id)
    rows = [row.split("\n", 2) for row in output.decode().split("\0") if row]
    return [Commit(*row) for row in rows]


def commit(
    repo: Path, branch: str, parent: str | None, puts: Mapping[str, bytes], deletes: Iterable[str], message: str
) -> str | None:
    """Commit files to a branch and return the commit, or None if the head of the branch is no longer `parent`."""
    commit_id = _written(repo, parent, puts, deletes, message)
    return commit_id if set_ref(repo, f"refs/heads/{branch}", commit_id, parent or NO_OBJECT) else None


def propose(
    repo: Path, parent: str, puts: Mapping[str, bytes], deletes: Iterable[str], message: str
) -> tuple[int, str]:
    """Commit files as a new pull request, and return its number and the commit."""
    commit_id = _written(repo, parent, puts, deletes, message)
    number = 1 + sum(ref.startswith("refs/pr/") for ref in refs(repo))
    while not set_ref(repo, f"refs/pr/{number}", commit_id):
        number += 1
    return number, commit_id


def merge(repo: Path, branch: str, theirs: str, message: str) -> str | None:
    """Merge a commit into a branch and return the merge commit, or None if it conflicts or the branch has moved."""
    ours = refs(repo)[f"refs/heads/{branch}"]
    try:
        merged = _text(git(repo, "merge-tree", "--write-tree", ours, theirs))
    except subprocess.CalledProcessError as error:
        if error.returncode == 1:
            return None
        raise
    commit_id = _text(git(repo, "commit-tree", merged, "-p", ours, "-p", theirs, "-m", message))
    return commit_id if set_ref(repo, f"refs/heads/{branch}", commit_id, ours) else None


def _written(repo: Path, parent: str | None, puts: Mapping[str, bytes], deletes: Iterable[str], message: str) -> str:
    """Write a commit that no ref points to yet, and return its id."""
    oids = {path: _text(git(repo, "hash-object", "-w", "--stdin", stdin=content)) for path, content in puts.items()}
    lines = [f"0 {NO_OBJECT}\t{path}\0" for path in deletes]
    lines += [f"100644 {oid}\t{path}\0" for path, oid in oids.items()]
    with tempfile.TemporaryDirectory() as scratch:
        index = Path(scratch) / "index"
        git(repo, "read-tree", parent or "--empty", index=index)
        git(repo, "update-index", "-z", "--index-info", stdin="".join(lines).encode(), index=index)
        tree_id = _text(git(repo, "write-tree", index=index))
    parents = ("-p", parent) if parent else ()
    return _text(git(repo, "commit-tree", tree_id, *parents, "-F", "-", stdin=message.encode()))


def set_ref(repo: Path, ref: str, commit_id: str, before: str = NO_OBJECT) -> bool:
    """Set a ref if it still points to `before` (by default: does not exist), and return whether it was set."""
    try:
        git(repo, "update-ref", ref, commit_id, before)
    except subprocess.CalledProcessError:
        if refs(repo).get(ref, NO_OBJECT) == before:
            raise
        return False
    return True


def delete_ref(repo: Path, ref: str, before: str) -> None:
    """Delete a ref that points to `before`; raises CalledProcessError if it has moved."""
    git(repo, "update-ref", "-d", ref, before)


def pointer(sha: str, size: int) -> bytes:
    """Return the LFS pointer that git stores in place of a large file.

    >>> POINTER.fullmatch(pointer("0" * 64, 5))["size"]
    b'5'
    """
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha}\nsize {size}\n".encode()


def large_file_path(root: Path, sha: str) -> Path:
    """Return the path under which a large file is stored."""
    return root / "lfs" / sha[:2] / sha


def store_large_file(root: Path, sha: str, content: BinaryIO) -> bool:
    """Store a large file, or return False if its bytes do not have this sha256."""
    digest = hashlib.sha256()
    content.seek(0)
    while chunk := content.read(1 << 20):
        digest.update(chunk)
    if digest.hexdigest() != sha:
        return False
    content.seek(0)
    target = large_file_path(root, sha)
    target.parent.mkdir(parents=True, exist_ok=True)
    # The same file may be uploaded twice at the same time, so each upload writes its own copy before the rename.
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as out:
        shutil.copyfileobj(content, out)
    Path(out.name).replace(target)
    return True


def _text(output: bytes) -> str:
    return output.decode().strip()

"""What the rehearsal Hub keeps: bare git repositories, and large files by their sha256.

Real git, through its command line. Knows nothing of HTTP; paths are checked by the caller.
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
    """A file or folder of a commit; a large file's `size` is that of its content, and `lfs` its sha256."""

    kind: str
    oid: str
    size: int = 0
    lfs: str = ""
    pointer_size: int = 0


def git(repo: Path, *arguments: str, stdin: bytes = b"", index: Path | None = None) -> bytes:
    """Run git in a bare repository, deaf to the user's own git settings; raises CalledProcessError."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "TZ": "UTC"}
    for who in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{who}_NAME": "rehearsal", f"GIT_{who}_EMAIL": "rehearsal@localhost"}
    if index is not None:
        environment["GIT_INDEX_FILE"] = str(index)
    command = ["git", "--git-dir", str(repo), *arguments]
    return subprocess.run(command, input=stdin, env=environment, capture_output=True, check=True).stdout


def create(repo: Path) -> bool:
    """Make a repository with one first commit, as the Hub does; False where it is there already."""
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
"""The file in a repository that says it is private."""


def make_private(repo: Path) -> None:
    """Have a repository seen by those alone who have a token."""
    (repo / PRIVATE).touch()


def is_private(repo: Path) -> bool:
    """Whether a repository is seen by those alone who have a token."""
    return (repo / PRIVATE).exists()


def refs(repo: Path) -> dict[str, str]:
    """Every branch, tag and pull request with its commit, such as refs/heads/main."""
    shape = "--format=%(refname) %(objectname) %(*objectname)"
    shown = git(repo, "for-each-ref", shape, "refs/heads", "refs/tags", "refs/pr")
    return {parts[0]: parts[-1] for line in shown.decode().splitlines() if (parts := line.split())}


def resolve(repo: Path, revision: str) -> str | None:
    """The commit that a branch, a tag, a pull request (such as refs/pr/1) or a full commit id names."""
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
    """All files and folders of a commit by path; cached, for a commit never changes."""
    found: dict[str, Entry] = {}
    for line in git(repo, "ls-tree", "-r", "-t", "-l", "-z", f"{commit_id}^{{commit}}").decode().split("\0")[:-1]:
        facts, path = line.split("\t", 1)
        _, kind, oid, size = facts.split()
        found[path] = Entry("directory", oid) if kind == "tree" else Entry("file", oid, int(size))
        if kind == "blob" and int(size) <= LONGEST_POINTER and (pointer := POINTER.fullmatch(read(repo, oid))):
            found[path] = Entry("file", oid, int(pointer["size"]), pointer["sha"].decode(), int(size))
    return found


def read(repo: Path, oid: str) -> bytes:
    """The bytes of a file that is kept in git itself."""
    return git(repo, "cat-file", "blob", oid)


def log(repo: Path, commit_id: str) -> list[tuple[str, str, str]]:
    """Commit id, date (seconds of UTC, ISO 8601) and title of a commit and of all before it."""
    shown = git(repo, "log", "-z", "--date=format-local:%Y-%m-%dT%H:%M:%S.000Z", "--format=%H%n%cd%n%s", commit_id)
    rows = [row.split("\n", 2) for row in shown.decode().split("\0") if row]
    return [(row[0], row[1], row[2]) for row in rows]


def commit(
    repo: Path, branch: str, parent: str | None, puts: Mapping[str, bytes], deletes: Iterable[str], message: str
) -> str | None:
    """Commit files onto a branch whose head is `parent`, or None where the head is another by now."""
    made = _written(repo, parent, puts, deletes, message)
    return made if point(repo, f"refs/heads/{branch}", made, parent or NO_OBJECT) else None


def propose(
    repo: Path, parent: str, puts: Mapping[str, bytes], deletes: Iterable[str], message: str
) -> tuple[int, str]:
    """Commit files for a new pull request; its number and the commit."""
    made = _written(repo, parent, puts, deletes, message)
    number = 1 + sum(ref.startswith("refs/pr/") for ref in refs(repo))
    while not point(repo, f"refs/pr/{number}", made):
        number += 1
    return number, made


def merge(repo: Path, branch: str, theirs: str, message: str) -> str | None:
    """Merge a commit into a branch, or None where git finds conflicts or the branch moved meanwhile."""
    ours = refs(repo)[f"refs/heads/{branch}"]
    try:
        merged = _text(git(repo, "merge-tree", "--write-tree", ours, theirs))
    except subprocess.CalledProcessError as error:
        if error.returncode == 1:
            return None
        raise
    made = _text(git(repo, "commit-tree", merged, "-p", ours, "-p", theirs, "-m", message))
    return made if point(repo, f"refs/heads/{branch}", made, ours) else None


def _written(repo: Path, parent: str | None, puts: Mapping[str, bytes], deletes: Iterable[str], message: str) -> str:
    """A commit that no ref names yet."""
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


def point(repo: Path, ref: str, commit_id: str, before: str = NO_OBJECT) -> bool:
    """Set a ref, if it still is what it was before (by default: absent)."""
    try:
        git(repo, "update-ref", ref, commit_id, before)
    except subprocess.CalledProcessError:
        if refs(repo).get(ref, NO_OBJECT) == before:
            raise
        return False
    return True


def unpoint(repo: Path, ref: str, before: str) -> None:
    """Take a ref away."""
    git(repo, "update-ref", "-d", ref, before)


def pointer(sha: str, size: int) -> bytes:
    """The small text that git keeps in place of a large file.

    >>> POINTER.fullmatch(pointer("0" * 64, 5))["size"]
    b'5'
    """
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha}\nsize {size}\n".encode()


def large(root: Path, sha: str) -> Path:
    """Where a large file is kept."""
    return root / "lfs" / sha[:2] / sha


def keep_large(root: Path, sha: str, content: BinaryIO) -> bool:
    """Keep a large file; False where its bytes are not those that its sha256 names."""
    digest = hashlib.sha256()
    content.seek(0)
    while chunk := content.read(1 << 20):
        digest.update(chunk)
    if digest.hexdigest() != sha:
        return False
    content.seek(0)
    target = large(root, sha)
    target.parent.mkdir(parents=True, exist_ok=True)
    # Equal files arrive at the same time: each writes its own, and the last rename wins.
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as out:
        shutil.copyfileobj(content, out)
    Path(out.name).replace(target)
    return True


def _text(shown: bytes) -> str:
    return shown.decode().strip()

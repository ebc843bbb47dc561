"""Pushes releases one after another in one process, as told on stdin; says on stdout how each went.

Everything is as in a push of its own, but for two things that only take time: the reading back happens
here and not in a child process, and huggingface_hub does not sleep before it tries again.
"""

import contextlib
import functools
import json
import sys
import time
import traceback
import types
from dataclasses import dataclass, replace
from pathlib import Path

from builder.io.plain import from_plain
from builder.records import KhabarError, Release
from builder.release.publish import commit, hub, readback_client
from builder.release.publish.client import Remote
from builder.release.publish.readback import read_back, read_folder
from builder.release.publish.readback_client import Job


@dataclass(frozen=True)
class Here:
    """What reader.Reader is, in this process."""

    job: Job
    remote: Remote

    def compare_folder(self):
        folder_loads(self.job.folder, self.job.version, tuple(self.job.files.items()))

    def compare_revision(self, revision):
        outcome = read_back(self.job, revision)
        readback_client.refuse_differing(outcome, revision, self.remote)
        return outcome


@functools.cache
def folder_loads(folder, version, files):
    outcome = read_folder(Job(folder, "any/name", version, dict(files)))
    assert not outcome.findings


@contextlib.contextmanager
def reading(job, remote):
    yield Here(job, remote)


def push(folder, repo_id, endpoint):
    release = from_plain(Release, json.loads((Path(folder) / "MANIFEST.json").read_text()))
    release = replace(release, repo_id=repo_id)
    try:
        pushed = hub.push(Path(folder), release, endpoint=endpoint, token="t", progress=lambda _: None)
    except KhabarError as refused:
        return {"exit": refused.exit_code, "said": str(refused)}
    except Exception:  # noqa: BLE001 - a traceback is what the test must see
        return {"exit": -1, "said": traceback.format_exc()}
    return {"exit": 0, "commit": pushed.commit, "already": pushed.already}


def main():
    from datasets.utils import file_utils
    from huggingface_hub.utils import _http

    hub.start_readback = commit.start_readback = reading
    hurried = types.SimpleNamespace(**vars(time) | {"sleep": lambda _: None})
    _http.time = hurried
    file_utils.time = hurried
    for line in sys.stdin:
        with contextlib.redirect_stdout(sys.stderr):
            said = push(**json.loads(line))
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

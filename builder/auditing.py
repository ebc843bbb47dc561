"""The verb `check --splits`, beside the road: whether the splits of any dataset share texts; changes nothing."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from builder.project import from_plain, to_plain
from builder.records import Report, refuse


def audit(name: str, *, base: Path) -> Report:
    """What stands in two splits of a dataset, ours or not: a folder below `base`, or NAME/DATASET[@REVISION] on a Hub.

    The report's exit code is 1 where something does. Raises Refused: 2 for what is neither, 3 where it cannot be loaded.
    """
    from builder.release.auditing import Asked, Audit
    from builder.release.opening import REPOSITORY
    from builder.release.remote import connect, environment, scrubbed

    folder, found = base / name, REPOSITORY.fullmatch(name)
    if folder.is_dir():
        asked = Asked(str(folder.resolve()))
    elif found:
        asked = Asked(found["repo"], found["revision"])
    else:
        raise refuse("no-dataset", f"{name!r} is neither a folder nor NAME/DATASET[@REVISION]", fix="give one of both")
    remote = connect(os.environ.get("HF_ENDPOINT"), os.environ.get("HF_TOKEN"), asked.path)
    with tempfile.TemporaryDirectory(prefix="khabar-audit-", ignore_cleanup_errors=True) as home:
        done = subprocess.run(
            [sys.executable, "-m", "builder.release.auditing"], env=environment(remote, home), capture_output=True,
            input=json.dumps(to_plain(asked)), text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        raise refuse("audit", scrubbed(f"the audit ended: {done.stderr.strip()[-300:]}", remote.token), exit_code=3)
    result = from_plain(Audit, json.loads(done.stdout))
    if result.trouble:
        raise refuse("no-dataset", f"load_dataset cannot read {name}: {scrubbed(result.trouble, remote.token)}",
                     exit_code=2 if folder.is_dir() else 3, fix="is it there, and a dataset?")  # fmt: skip
    facts: dict[str, str] = {}
    for column in result.columns:
        said = [f"{column.repeated} of {column.texts} texts stand in more than one split"]
        said += [
            f"{n} of {rows} rows of {split} share one with {column.of}" for split, (n, rows) in column.shared.items()
        ]
        said += [f"{number} {kind} pairs" for kind, number in sorted(column.alike.items())]
        facts[column.name] = "; ".join(said)
    for why in dict.fromkeys(result.skipped.values()):
        facts[f"not compared, as {why}"] = ", ".join(name for name, own in result.skipped.items() if own == why)
    return Report("check", issues=result.issues, facts=facts, exit_code=1 if result.issues else 0)

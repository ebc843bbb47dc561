"""Python environments of their own, for packages that the project's own cannot hold."""

import fcntl
import subprocess
import sys

from builder.labelstudio.server.install import studio_home


def python_with(name, *pins):
    """Python in an environment with these packages, installed once and kept beside Label Studio's.

    Test processes that run beside each other wait for the first to install it.
    """
    home = studio_home() / name
    python = home / "bin" / "python"
    home.parent.mkdir(parents=True, exist_ok=True)
    with (home.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / ".complete").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
            subprocess.run([python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", *pins], check=True)
            (home / ".complete").touch()
    return python

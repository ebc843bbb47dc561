"""Python environments of their own, for packages that the project's own cannot hold."""

import subprocess
import sys

from builder.labelstudio.server.install import studio_home


def python_with(name, *pins):
    """Python in an environment with these packages, installed once and kept beside Label Studio's."""
    home = studio_home() / name
    python = home / "bin" / "python"
    if not (home / ".complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        subprocess.run([python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", *pins], check=True)
        (home / ".complete").touch()
    return python

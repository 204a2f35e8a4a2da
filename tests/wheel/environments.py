"""Makes empty environments and installs into them, as somebody does who has nothing but Python."""

import os
import subprocess
import sys
from pathlib import Path


def make_environment(folder: Path) -> Path:
    """Make an empty virtual environment; return the folder of its commands."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder / "bin"


def pip(python: Path, *arguments: str | Path) -> None:
    """Run pip, and show what it said when it fails."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr

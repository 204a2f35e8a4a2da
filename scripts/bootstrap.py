"""Sets up all that `make` needs: a virtual environment, the package, its bundles and, with `--browser`, Chromium.

Runs on any Python 3 with nothing installed, so that it can say in plain words what is missing. A second run is quick:
a stamp in `.venv` holds what the environment was made from.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - an older Python may run this file, and should hear why it cannot
    sys.exit(
        "Intarsia needs Python 3.11 or newer, and {} is {}.{}. Name another one: make PYTHON=python3.12 ...".format(
            sys.executable, *sys.version_info[:2]
        )
    )

import hashlib
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / ".intarsia-made-from"
HEADLESS_SHELL = "chromium-headless-shell"
NO_SHELL = VENV / ".no-headless-shell"


def make_environment() -> None:
    """Make `.venv` and install Intarsia into it, unless it was made from the same files in the same place."""
    made_from = describe_environment()
    if STAMP.is_file() and STAMP.read_text() == made_from and PYTHON.exists():
        return
    if importlib.util.find_spec("ensurepip") is None:
        install_with_apt("python3-venv")
    print("Making .venv and installing Intarsia into it (about a minute)", flush=True)
    run([sys.executable, "-m", "venv", "--clear", VENV])
    run([PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--editable", f"{ROOT}[dev]"])
    STAMP.write_text(made_from)


def describe_environment() -> str:
    """Name what the environment depends on: scripts in it hold the path of this folder, too."""
    digest = hashlib.sha256()
    for text in (sys.version, sys.executable, str(ROOT), (ROOT / "pyproject.toml").read_text(encoding="utf-8")):
        digest.update(text.encode())
    return digest.hexdigest()


def bundle() -> None:
    """Bundle the View and the host page: whoever edits TypeScript wants to see it."""
    bundled = subprocess.run([PYTHON, "-m", "scripts.bundle"], cwd=ROOT, check=False)
    if bundled.returncode:
        sys.exit(bundled.returncode)


def find_browser() -> None:
    """Make sure that there is a Chromium to test with, and that Playwright can drive it."""
    if not works("-m", "playwright", "--version"):
        install_with_apt("libatomic1")  # a bare Debian lacks it, and Playwright's own Node is linked to it
    if not works("scripts/chromium.py"):
        install_with_apt("chromium", "fonts-liberation", otherwise=".venv/bin/playwright install --with-deps chromium")
    find_headless_shell()


def find_headless_shell() -> None:
    """Try once to install Chromium's headless shell: `make test` takes half as long in it, and works without it."""
    is_given = shutil.which(HEADLESS_SHELL) is not None or "INTARSIA_CHROMIUM" in os.environ
    if is_given or not can_use_apt() or NO_SHELL.is_file():
        return
    try:
        install_with_apt(HEADLESS_SHELL)
    except SystemExit:
        print(f"There is no {HEADLESS_SHELL}; browser tests take longer without it.", flush=True)
        NO_SHELL.touch()


def can_use_apt() -> bool:
    """Say whether Debian packages can be installed without asking anybody."""
    return shutil.which("apt-get") is not None and os.geteuid() == 0


def works(*arguments: str) -> bool:
    """Say whether the environment's Python can run something."""
    return subprocess.run([PYTHON, *arguments], cwd=ROOT, capture_output=True, check=False).returncode == 0


def install_with_apt(*packages: str, otherwise: str = "") -> None:
    """Install Debian packages as root; for anybody else, print the commands and stop."""
    names = " ".join(packages)
    if not can_use_apt():
        commands = "\n".join(f"    {line}" for line in (f"sudo apt-get install {names}", otherwise) if line)
        sys.exit(
            f"{packages[0]} is missing. One of these installs it on Debian or Ubuntu; then run make again:\n{commands}"
        )
    print(f"Installing {names}", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-qq"], quiet)
    run(["apt-get", "install", "-qq", "--yes", "--no-install-recommends", *packages], quiet)


def run(command: Sequence[str | Path], environment: dict[str, str] | None = None) -> None:
    """Run a command quietly; when it fails, show what it said and stop."""
    finished = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if finished.returncode:
        sys.exit(f"{finished.stdout}\nSetting up stopped at: {' '.join(map(str, command))}")


if __name__ == "__main__":
    make_environment()
    bundle()
    if "--browser" in sys.argv[1:]:
        find_browser()

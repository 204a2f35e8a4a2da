"""Two versions of this repository side by side: an older commit and the working tree, each set up by its own `make`.

What measures them runs in a process of each version (`Worker`), but is always this tree's: `enter` lets such a process
import the other tree's package, examples and benchmarks after its own tools are loaded.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "out" / "benchmarks" / "versions"
"""Where older versions are checked out and stay set up, from run to run."""
LANDED = "benchmarks/results/view.json"
"""The commit that wrote this last is the one whose figures landed."""

_OF_A_TREE = ("benchmarks", "examples", "scripts", "tests")
_LIBRARIES = ("mcp", "pydantic", "jinja2", "sqlalchemy", "aiosqlite", "starlette", "anyio")

Json = dict[str, Any]


class VersionError(RuntimeError):
    """A version cannot be had or does not run; the message says why."""


@dataclass(frozen=True)
class Version:
    """A tree that can be measured."""

    name: str
    """What it is called in reports."""
    root: Path
    """Where it is."""
    python: Path
    """The Python of its environment."""


def working_tree() -> Version:
    """Return this tree, with the environment that runs this process."""
    return Version("working tree", ROOT, Path(sys.executable))


def check_out(revision: str) -> Version:
    """Check out a commit and set it up, or find it as an earlier run left it.

    Args:
        revision: What git calls the commit.

    Raises:
        VersionError: There is no such commit, or its own set-up fails.
    """
    commit = _git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").decode().strip()
    root = KEPT / commit
    if not (root / "pyproject.toml").is_file():
        _unpack(_git("archive", commit), root)
    finished = subprocess.run(
        [sys.executable, "scripts/bootstrap.py"], cwd=root, capture_output=True, text=True, check=False
    )
    if finished.returncode:
        message = f"The version {commit[:10]} could not be set up:\n{finished.stdout}{finished.stderr}"
        raise VersionError(message)
    return Version(commit[:10], root, root / ".venv" / "bin" / "python")


def landed_revision() -> str:
    """Return the commit whose figures landed last.

    Raises:
        VersionError: No commit in reach wrote figures.
    """
    commit = _git("log", "-1", "--format=%H", "--", LANDED).decode().strip()
    if not commit:
        message = f"No commit here wrote {LANDED}; name one with --old."
        raise VersionError(message)
    return commit


def _git(*arguments: str) -> bytes:
    git = shutil.which("git")
    if git is None:
        message = "git is missing; older versions come from it."
        raise VersionError(message)
    finished = subprocess.run([git, *arguments], cwd=ROOT, capture_output=True, check=False)
    if finished.returncode:
        message = f"git {' '.join(arguments)} failed. {finished.stderr.decode().strip()}".strip()
        raise VersionError(message)
    return finished.stdout


def _unpack(archive: bytes, root: Path) -> None:
    """Unpack a tree in one step, so that a run that was stopped leaves no half of one."""
    fresh = root.with_name(f".{root.name}.{os.getpid()}")
    with tarfile.open(fileobj=BytesIO(archive)) as tar:
        tar.extractall(fresh, filter="data")
    fresh.replace(root)


class Worker:
    """A process that measures one version: it takes an order a line, and answers each with a line.

    Args:
        version: The version.
        process: The process.
    """

    def __init__(self, version: Version, process: "subprocess.Popen[str]") -> None:
        self.version = version
        self._process = process

    def ask(self, **order: Any) -> Json:
        """Give an order and wait for the answer.

        Raises:
            VersionError: The process ended; its reason is above.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = ""
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        if not line:
            message = f"The process that measures {self.version.name} ended; its reason is above."
            raise VersionError(message)
        answer: Json = json.loads(line)
        return answer


@contextmanager
def running_worker(version: Version, module: str) -> Generator[Worker]:
    """Run a module of this tree's benchmarks on a version while the block runs.

    Args:
        version: What is measured.
        module: The module's name, such as `benchmarks.stage_worker`.
    """
    # The same order of sets and dicts on both sides: otherwise each process is a little quicker or slower by luck.
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
    command = [str(version.python), "-P", "-W", "ignore", "-m", module, str(version.root)]
    process = subprocess.Popen(
        command, cwd=version.root, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Worker(version, process)
    finally:
        process.kill()
        with suppress(BrokenPipeError):  # what it was never told
            process.communicate()


def enter(root: Path) -> str:
    """Let this process import the package and the benchmarks of another tree, and return the package's name.

    Args:
        root: The tree; modules that this process holds already stay this tree's.
    """
    sys.path[:] = [str(root), *(path for path in sys.path if Path(path or ".").resolve() not in (ROOT, root))]
    for name in [name for name in sys.modules if name.partition(".")[0] in _OF_A_TREE]:
        del sys.modules[name]
    os.environ["PYTHONPATH"] = str(root)  # for what this process starts in its turn
    about = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return str(about["project"]["name"])


def load(root: Path, name: str) -> ModuleType:
    """Import a module of a tree that was entered.

    Raises:
        VersionError: It came from elsewhere.
    """
    module = import_module(name)
    if not Path(module.__file__ or "").is_relative_to(root):
        message = f"{name} came from {module.__file__}, not from {root}."
        raise VersionError(message)
    return module


def describe_libraries() -> dict[str, str]:
    """Return the versions of Python and of the libraries that this process uses."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415  # only asked once

    found = {"python": sys.version.partition(" ")[0]}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


def note_differences(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """Say which libraries differ, since a ratio is then not of our code alone."""
    return [
        f"{name} is {old.get(name) or 'missing'} in the old version and {new.get(name) or 'missing'} in the new."
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]

"""The wheel, built once for all tests in this folder."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.wheel.environments import pip

ROOT = Path(__file__).resolve().parent.parent.parent
NOT_SOURCE = shutil.ignore_patterns(".git", ".venv", "node_modules", "dist", "__pycache__", ".*_cache", "*.db*")


@pytest.fixture(scope="session")
def workshop() -> Iterator[Path]:
    """Make a folder with a space in its name."""
    with TemporaryDirectory(prefix="intarsia wheel ") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def wheel(workshop: Path) -> Path:
    """Build from a copy, because a build replaces the bundles that other tests are reading."""
    shutil.copytree(ROOT, workshop / "source", ignore=NOT_SOURCE)
    pip(Path(sys.executable), "wheel", "--no-deps", "--wheel-dir", workshop / "built", workshop / "source")
    (built,) = (workshop / "built").glob("*.whl")
    return built

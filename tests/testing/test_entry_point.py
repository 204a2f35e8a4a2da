"""pytest finds the kit by itself, in every project of an environment that has it: projects without widgets too."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

STRANGER = """
import sys

HEAVY = {"hatchling", "jinja2", "mcp", "playwright", "pydantic", "sqlalchemy", "starlette", "uvicorn"}


def test_nothing_heavy_was_loaded(pytestconfig):
    assert pytestconfig.pluginmanager.hasplugin("intarsia")
    assert HEAVY & set(sys.modules) == set()


def test_a_fixture_of_the_same_name_is_the_projects_own(host):
    assert host == "my own host"
"""

CONFTEST = """
import pytest


@pytest.fixture
def host():
    return "my own host"
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "two workers"])
def test_a_project_without_widgets_does_not_notice(tmp_path: Path, workers: tuple[str, ...]) -> None:
    (tmp_path / "test_own.py").write_text(STRANGER, encoding="utf-8")
    (tmp_path / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    mine = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}

    # Hypothesis is left out, because it loads what it finds.
    command = [sys.executable, "-m", "pytest", "-W", "error", "-p", "no:hypothesispytest", *workers]
    finished = subprocess.run(command, cwd=tmp_path, env=mine, capture_output=True, text=True, check=False)

    assert "2 passed" in finished.stdout, finished.stdout + finished.stderr
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".py" or "intarsia" in path.name) == [
        "conftest.py",
        "test_own.py",
    ]

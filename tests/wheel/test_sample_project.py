"""From `pip install` to green: the sample project in an empty environment, with nothing beside it but a Chromium."""

import ast
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from intarsia.testing.chromium import find_chromium
from tests.wheel.environments import make_environment, pip

SAMPLE = Path(__file__).resolve().parent.parent.parent / "sample_project"
SECONDS = 300

pytestmark = [pytest.mark.wheel, pytest.mark.xdist_group("wheel")]


@pytest.fixture(scope="module")
def project(workshop: Path, wheel: Path) -> Path:
    """Copy the folder, and install what its requirements name: Intarsia is the wheel, all else comes from the index."""
    folder = workshop / "a project"
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    binaries = make_environment(folder / ".venv")
    pip(binaries / "python", "install", "-r", folder / "requirements.txt", wheel)
    return folder


@pytest.fixture(scope="module")
def environment(project: Path, workshop: Path) -> Mapping[str, str]:
    """Give the environment's commands and a Chromium, whose own launcher is a script that needs the system's tools."""
    chromium = find_chromium()
    assert chromium is not None
    only = workshop / "only chromium"
    only.mkdir()
    launcher = only / "chromium"
    launcher.write_text(f'#!/bin/sh\nPATH={shlex.quote(os.defpath)} exec {shlex.quote(chromium)} "$@"\n')
    launcher.chmod(0o755)
    path = os.pathsep.join(map(str, (project / ".venv/bin", only)))
    assert [name for name in ("node", "npm", "google-chrome") if shutil.which(name, path=path)] == []
    return {"PATH": path, "HOME": str(workshop)}


def run_tests(project: Path, environment: Mapping[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [project / ".venv/bin/pytest", *arguments],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


def test_the_sample_project_is_green(project: Path, environment: Mapping[str, str]) -> None:
    finished = run_tests(project, environment, "-v", "-W", "error")

    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "test_a_chore_is_dragged_to_done PASSED" in finished.stdout
    assert "3 passed" in finished.stdout
    assert sorted(path.name for path in project.iterdir() if not path.name.startswith((".", "__"))) == [
        "README.md",
        "app.py",
        "pytest.ini",
        "requirements.txt",
        "test_app.py",
    ]


def test_a_broken_expectation_goes_red_and_shows_what_happened(project: Path, environment: Mapping[str, str]) -> None:
    text = (project / "test_app.py").read_text(encoding="utf-8")
    broken = text.replace("Moved Water the plants to Done.", "Moved Water the plants to the cellar.")
    assert broken != text
    (project / "test_broken.py").write_text(broken, encoding="utf-8")

    finished = run_tests(project, environment, "test_broken.py")
    (project / "test_broken.py").unlink()

    assert finished.returncode == pytest.ExitCode.TESTS_FAILED, finished.stdout + finished.stderr
    assert "1 failed, 2 passed" in finished.stdout
    shown = sections_of(finished.stdout)
    picture = Path(shown["screenshot"].strip())
    assert picture.is_relative_to(project / ".intarsia-failures")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "move_chore" in shown["traffic"]
    assert set(shown) == {"screenshot", "traffic", "server log", "console"}


def sections_of(report: str) -> dict[str, str]:
    """Take what the kit adds to a failure's report apart, by its titles."""
    return dict(re.findall(r"(?ms)^-+ Captured intarsia: ([a-z ]+) \w+ -+\n(.*?)(?=^[-=]{3,})", report))


def test_the_browser_test_of_the_sample_has_fewer_than_ten_lines() -> None:
    (test,) = (
        node
        for node in ast.parse((SAMPLE / "test_app.py").read_text(encoding="utf-8")).body
        if isinstance(node, ast.AsyncFunctionDef) and "host" in {argument.arg for argument in node.args.args}
    )

    assert test.end_lineno is not None
    assert test.end_lineno - test.lineno + 1 < 10


def test_the_sample_is_set_up_with_three_commands_that_a_reader_can_copy() -> None:
    (commands,) = re.findall(r"```sh\n(.*?)```", (SAMPLE / "README.md").read_text(encoding="utf-8"), re.DOTALL)

    assert commands.splitlines() == [
        "python3 -m venv .venv",
        ".venv/bin/pip install -r requirements.txt ..",
        ".venv/bin/pytest",
    ]

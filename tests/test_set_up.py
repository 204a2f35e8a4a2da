"""What people are told when a machine lacks something, and what the bundler makes of a tree."""

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from scripts import bundle

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Copy what the bootstrap reads into a folder with a space in its name."""
    folder = tmp_path / "a clone"
    (folder / "scripts").mkdir(parents=True)
    shutil.copy(ROOT / "scripts/bootstrap.py", folder / "scripts")
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the bundler work on a small tree, with the installed packages."""
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules", target_is_directory=True)
    monkeypatch.setattr(bundle, "ROOT", tmp_path)
    plant(tmp_path, "intarsia/ui_templates/view/main.ts", 'console.log("main");')
    plant(tmp_path, "intarsia/ui_templates/view/base.css", "body { margin: 0; }")
    return tmp_path


def plant(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


def set_up_where(condition: str, clone: Path) -> "subprocess.CompletedProcess[str]":
    """Run the bootstrap where something is different, with no apt-get in reach."""
    program = f"import runpy, sys; {condition}; runpy.run_path('scripts/bootstrap.py', run_name='__main__')"
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=clone, env={"PATH": ""}, capture_output=True, text=True, check=False)


def test_an_old_python_is_told_which_one_is_wanted(clone: Path) -> None:
    finished = set_up_where("sys.version_info = (3, 9, 2, 'final', 0)", clone)

    assert finished.returncode == 1
    assert "Intarsia needs Python 3.11 or newer" in finished.stderr
    assert "is 3.9. Name another one: make PYTHON=python3.12" in finished.stderr


def test_a_machine_that_cannot_make_environments_is_told_the_command(clone: Path) -> None:
    finished = set_up_where("sys.modules['ensurepip'] = None", clone)

    assert finished.returncode == 1
    assert "python3-venv is missing." in finished.stderr
    assert "sudo apt-get install python3-venv" in finished.stderr
    assert not (clone / ".venv").exists()


def view_bundle() -> bundle.Bundle:
    return next(made for made in bundle.list_bundles() if made.name == "view")


def test_a_new_widget_joins_the_bundle_by_being_there(tree: Path) -> None:
    plant(tree, "intarsia/ui_templates/card_pile/behavior.ts", 'console.log("card pile");')
    plant(tree, "intarsia/ui_templates/card_pile/style.css", ".intarsia-card-pile { gap: 4px; }")

    bundle.make_bundle(view_bundle())

    script = (tree / "intarsia/ui_templates/view/dist/view.js").read_text()
    assert script.index("card pile") < script.index("main")
    assert (
        tree / "intarsia/ui_templates/view/dist/view.css"
    ).read_text() == "body{margin:0}.intarsia-card-pile{gap:4px}\n"


def test_every_custom_property_that_the_views_style_needs_is_there() -> None:
    style = (ROOT / "intarsia/ui_templates/view/dist/view.css").read_text("utf-8")
    needed, there = re.findall(r"var\((--[\w-]+)\)", style), re.findall(r"(--[\w-]+):", style)

    set_by_the_preview = {"--accent", "--on-accent", "--link", "--surface", "--text"}
    assert set(needed) - set(there) == set_by_the_preview


def test_a_script_of_others_is_shipped_as_it_is_with_its_license(tree: Path) -> None:
    (axe,) = bundle.list_copies()

    bundle.make_copy(axe)

    assert (tree / "intarsia/testing/dist/axe.js").read_bytes() == (
        ROOT / "node_modules/axe-core/axe.min.js"
    ).read_bytes()
    assert "Mozilla Public License" in (tree / "intarsia/testing/dist/axe.licenses.txt").read_text(encoding="utf-8")


def test_an_unchanged_bundle_is_left_alone(tree: Path) -> None:
    bundle.make_bundle(view_bundle())
    script = tree / "intarsia/ui_templates/view/dist/view.js"
    before = script.stat().st_ino

    bundle.make_bundle(view_bundle())

    assert script.stat().st_ino == before


def test_a_missing_entry_is_named(tree: Path) -> None:
    (tree / "intarsia/ui_templates/view/main.ts").unlink()

    with pytest.raises(bundle.BundleError) as refused:
        bundle.make_bundle(view_bundle())

    reason = "The view bundle cannot be made, because intarsia/ui_templates/view/main.ts is missing."
    assert str(refused.value) == reason


def test_a_mistake_in_a_script_stops_the_bundle(tree: Path, capfd: pytest.CaptureFixture[str]) -> None:
    plant(tree, "intarsia/ui_templates/view/main.ts", "const = 1;")

    with pytest.raises(bundle.BundleError, match="its reason is above"):
        bundle.make_bundle(view_bundle())

    assert 'Expected identifier but found "="' in capfd.readouterr().err
    assert not (tree / "intarsia/ui_templates/view/dist/view.js").exists()


@pytest.mark.parametrize(
    ("target", "arguments"),
    [
        ("test", ["--tier fast -n 4 --dist worksteal"]),
        ("test-slow", ["--tier slow -n 4 --dist loadgroup"]),
        ("guards", ["--tier guards --record-guards -n 4"]),
        ("test-all", ["--tier fast -n 4", "--tier slow -n 4"]),
    ],
)
def test_each_tier_is_a_target_on_four_workers_in_a_random_order(
    pytestconfig: pytest.Config, target: str, arguments: list[str]
) -> None:
    make = shutil.which("make")
    assert make is not None

    said = subprocess.run([make, "-n", target], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    runs = [line.partition(" -m pytest ")[2] for line in said.splitlines() if " -m pytest " in line]
    assert [run for run, wanted in zip(runs, arguments, strict=True) if not run.startswith(wanted)] == []
    assert {"randomly", "xdist"} <= {plugin.name for plugin in entry_points(group="pytest11")}
    assert "no:randomly" not in " ".join([*runs, *pytestconfig.getini("addopts")])


@pytest.mark.parametrize("red", ["", "lint", "types", "test", "test-slow"])
def test_ci_runs_both_tiers_and_is_red_when_anything_is(tmp_path: Path, red: str) -> None:
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    (tmp_path / "make").write_text(f'#!/bin/sh\necho "$1"\ntest "$1" != "{red}"\n', encoding="utf-8")
    (tmp_path / "make").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.defpath}"

    finished = subprocess.run([tmp_path / ".ci/run"], env={"PATH": path}, capture_output=True, text=True, check=False)

    assert (finished.returncode == 0) is (red == "")
    checks = ["lint", "types", "test", "test-slow"]
    stops_after = checks.index(red) + 1 if red in ("lint", "types") else len(checks)
    assert finished.stdout.split() == checks[:stops_after]


def set_up_the_browser(apt: int, clone: Path, tmp_path: Path) -> "subprocess.CompletedProcess[str]":
    """Let the bootstrap look for the headless shell, as root, where `apt-get` ends like this."""
    (tmp_path / "apt-get").write_text(f'#!/bin/sh\necho "apt-get $*" >> "{tmp_path}/asked"\nexit {apt}\n')
    (tmp_path / "apt-get").chmod(0o755)
    (clone / ".venv").mkdir(exist_ok=True)
    program = (
        "import os, runpy; os.geteuid = lambda: 0; runpy.run_path('scripts/bootstrap.py')['find_headless_shell']()"
    )
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=clone, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)


def test_the_headless_shell_is_installed_where_apt_can(clone: Path, tmp_path: Path) -> None:
    finished = set_up_the_browser(0, clone, tmp_path)

    assert finished.returncode == 0, finished.stderr
    assert "Installing chromium-headless-shell" in finished.stdout
    assert "install" in (tmp_path / "asked").read_text().splitlines()[-1]


def test_a_machine_without_a_headless_shell_is_asked_once(clone: Path, tmp_path: Path) -> None:
    first = set_up_the_browser(100, clone, tmp_path)
    second = set_up_the_browser(100, clone, tmp_path)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert "browser tests take longer without it" in first.stdout
    assert second.stdout == ""
    assert len((tmp_path / "asked").read_text().splitlines()) == 1

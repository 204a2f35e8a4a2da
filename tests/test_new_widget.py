"""A new widget by the steps of CONTRIBUTING: with all of them it is green, and without one it is said which."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands import ROOT
from tests.security.access_matrix import offering
from tests.security.new_widgets import FOLDER, Catalog
from tests.widget_rules import complain_about_widget_steps

DOOR = "intarsia/widgets/__init__.py"
NEEDED = (
    "intarsia",
    "tests/widgets",
    "tests/widget_rules.py",
    "tests/house_rules.py",
    "pyproject.toml",
    "CONTRIBUTING.md",
)


def add_pile(root: Path) -> None:
    """Add the widget `Pile` to a tree, by the steps and by nothing else."""
    shutil.copy(FOLDER / "pile.py", root / "intarsia/widgets/pile.py")
    module = root / "intarsia/widgets/pile.py"
    module.write_text(
        module.read_text("utf-8").replace(
            "from intarsia.widgets import Heading, Metric, Text, Widget",
            "from intarsia.widgets.heading import Heading\nfrom intarsia.widgets.metric import Metric\n"
            "from intarsia.widgets.text import Text\nfrom intarsia.widgets.widget import Widget",
        ),
        "utf-8",
    )
    shutil.copytree(FOLDER / "pile", root / "intarsia/ui_templates/pile")
    replace(
        root / DOOR,
        "from intarsia.widgets.select import",
        "from intarsia.widgets.pile import Pile\nfrom intarsia.widgets.select import",
    )
    replace(root / DOOR, "    Grid,\n", "    Grid,\n    Pile,\n")
    replace(root / DOOR, '    "PendingTile",\n', '    "PendingTile",\n    "Pile",\n')
    (root / "tests/widgets/test_pile.py").write_text("def test_it() -> None:\n    assert 1 + 1 == 2\n")
    in_tree(root, "-m", "tests.widgets.snapshots")


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert text.count(old) == 1, (file, old)
    file.write_text(text.replace(old, new), "utf-8")


def in_tree(root: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run Python on a tree, with the package of that tree."""
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=root, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this tree with the widget added."""
    root = tmp_path_factory.mktemp("whole")
    for name in NEEDED:
        source = ROOT / name
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, root / name)
    add_pile(root)
    return root


def test_with_every_step_it_is_tested_like_every_other(whole: Path) -> None:
    files = ("tests/widgets/test_every_widget.py", "tests/widgets/test_snapshots.py")
    ran = in_tree(whole, "-m", "pytest", *files, "-q", "-k", "pile or Pile", "-p", "no:cacheprovider", "-n", "0")

    assert complain_about_widget_steps(whole) == []
    assert ran.returncode == 0, ran.stdout
    passed = re.search(r"(\d+) passed", ran.stdout)
    assert passed is not None
    assert int(passed[1]) >= 19, ran.stdout  # shape, promises and snapshots of both examples


def without_file(path: str) -> Callable[[Path], None]:
    return lambda root: (root / path).unlink()


def without_text(path: str, old: str, new: str = "") -> Callable[[Path], None]:
    return lambda root: replace(root / path, old, new)


STEPS: dict[str, tuple[Callable[[Path], None], str]] = {
    "its name": (
        without_text("intarsia/widgets/pile.py", "class Pile(", "class Heap("),
        "intarsia/widgets/pile.py defines Heap, and none of it is called Pile.",
    ),
    "its import": (
        without_text(DOOR, "from intarsia.widgets.pile import Pile\n"),
        f"Pile is not imported in {DOOR}. Add `from intarsia.widgets.pile import Pile`.",
    ),
    "its place in the gallery": (
        without_text(DOOR, "    Pile,\n"),
        f"Pile is not in WIDGETS of {DOOR}. Add it: without, it is not tested, and no tool may return it.",
    ),
    "its export": (without_text(DOOR, '    "Pile",\n'), f"Pile is not in __all__ of {DOOR}. Add it."),
    "its examples": (
        without_text("intarsia/widgets/pile.py", '"default"', '"usual"'),
        "Pile has no example 'default'. Return one by examples() in intarsia/widgets/pile.py.",
    ),
    "its HTML": (
        without_file("intarsia/ui_templates/pile/view.html"),
        "Pile has no intarsia/ui_templates/pile/view.html. Write its HTML.",
    ),
    "its text form": (
        without_file("intarsia/ui_templates/pile/text.md"),
        "Pile has no intarsia/ui_templates/pile/text.md. Write its text form, which is all that a model sees.",
    ),
    "its style": (
        without_file("intarsia/ui_templates/pile/style.css"),
        "Pile has no intarsia/ui_templates/pile/style.css. Write its style, if only for the class of its root.",
    ),
    "its snapshot as HTML": (
        without_file("tests/widgets/snapshots/pile.html"),
        "Pile has no tests/widgets/snapshots/pile.html. Run `python -m tests.widgets.snapshots`.",
    ),
    "its snapshot as text": (
        without_file("tests/widgets/snapshots/pile.md"),
        "Pile has no tests/widgets/snapshots/pile.md. Run `python -m tests.widgets.snapshots`.",
    ),
    "its tests": (
        without_file("tests/widgets/test_pile.py"),
        "Pile has no tests/widgets/test_pile.py. Test there what it alone can do.",
    ),
}


@pytest.mark.parametrize("step", STEPS)
def test_without_a_step_it_is_said_which(whole: Path, tmp_path: Path, step: str) -> None:
    take_away, complaint = STEPS[step]
    for name in ("intarsia/widgets", "intarsia/ui_templates/pile", "tests/widgets"):
        shutil.copytree(whole / name, tmp_path / name)
    for folder in (ROOT / "intarsia/ui_templates").iterdir():
        if folder.is_dir() and (folder / "view.html").is_file():
            shutil.copytree(folder, tmp_path / "intarsia/ui_templates" / folder.name)
    assert complain_about_widget_steps(tmp_path) == []

    take_away(tmp_path)

    assert complain_about_widget_steps(tmp_path) == [complaint]


def test_an_action_that_is_not_among_those_that_are_decided_about_is_named() -> None:
    missing = r"CatalogRow offers on_open: add a function of that name to .*access_matrix\.py"
    with pytest.raises(AssertionError, match=missing):
        offering(Catalog.examples()["default"], {}, "open")


def test_contributing_names_every_step(whole: Path) -> None:
    said = (whole / "CONTRIBUTING.md").read_text("utf-8")

    for word in (
        "intarsia/widgets/task_board.py", "`view.html`", "`text.md`", "`style.css`", "`behavior.ts`", "`examples()`",
        "`WIDGETS`", "`__all__`", "tests/widgets/test_task_board.py", "python -m tests.widgets.snapshots",
        "Sends({...})", "`stand_in`", "`redacted`", "tests/security/access_matrix.py",
    ):  # fmt: skip
        assert word in said, word

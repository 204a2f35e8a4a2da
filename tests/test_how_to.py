"""Every fenced block of README, docs/host.md and docs/how-to/*.md is run, word for word. A page is written for that:

* A block of `python`, `toml`, `ini`, `nginx` or `caddyfile` is a file: its first line is a comment that names it, such
  as `# app.py`, `# test_app.py`, `# conftest.py` or `# pytest.ini`. Blocks with the same name are one file, in the
  order of the page, so a file may grow from section to section. A name may hold a folder (`# shop/app.py`): each
  folder with tests is a project of its own, in which pytest must be green.
* The comment `<!-- app.py is sample_project/app.py -->`, which no reader sees, brings a file of this repository.
* A file `test_broken*.py` must go red, and each line of the block of `text` that follows it must stand in what pytest
  said; `...` in a line stands for anything.
* A block of `sh` holds commands, a line each. `pytest` runs in the folder of the file before it, `pip install` must
  name what there is, `intarsia dev` and `intarsia serve` must say where they answer, `make` must have such a
  target. Another command has to be taught to `try_command`.
* There are no other blocks.
"""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner
from packaging.requirements import Requirement

from intarsia.cli import main
from tests.commands import running
from tests.how_to_pages import Command, Page, PageError, read_page

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 300
WHEEL = re.compile(r"^intarsia-([\d.]+)-py3-none-any\.whl(\[\w+\])?$")

PAGES = {
    path.stem: read_page(path.read_text(encoding="utf-8"), ROOT)
    for path in [ROOT / "README.md", ROOT / "docs/host.md", *sorted((ROOT / "docs/how-to").glob("*.md"))]
}

RUNS = [
    pytest.param(page, project, words, id=f"{name}: {' '.join(words)} in {project}")
    for name, page in PAGES.items()
    for project in page.projects
    for words in dict.fromkeys(
        [one.words for one in page.commands if one.words[0] == "pytest" and one.folder == project] or [("pytest",)]
    )
]
BROKEN = [pytest.param(page, path, id=f"{name}: {path}") for name, page in PAGES.items() for path in page.broken]
COMMANDS = [
    pytest.param(page, command, id=f"{name}: {' '.join(command.words)}")
    for name, page in PAGES.items()
    for command in page.commands
    if command.words[0] != "pytest"
]


def run_pytest(words: tuple[str, ...], folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run pytest as a reader would, with nothing of this run around it."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [Path(sys.executable).with_name(words[0]), *words[1:]],
        cwd=folder,
        env={**mine, "PYTHONPATH": str(ROOT), "HOME": str(folder), "INTARSIA_STATE": str(folder / "state")},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


@pytest.mark.parametrize(("page", "project", "words"), RUNS)
@pytest.mark.browser
def test_the_tests_of_a_page_are_green(page: Page, project: Path, words: tuple[str, ...], tmp_path: Path) -> None:
    page.write(tmp_path, page.project_of(project))

    finished = run_pytest(words, tmp_path)

    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert re.search(r"\d+ passed", finished.stdout)


@pytest.mark.parametrize(("page", "path"), BROKEN)
@pytest.mark.browser
def test_what_a_page_breaks_goes_red_and_says_what_the_page_shows(page: Page, path: Path, tmp_path: Path) -> None:
    others = [other for other in page.project_of(path.parent) if not other.name.startswith("test_")]
    page.write(tmp_path, [path, *others])

    finished = run_pytest(("pytest", path.name), tmp_path)

    assert finished.returncode == pytest.ExitCode.TESTS_FAILED, finished.stdout + finished.stderr
    assert page.reports[path]
    assert [line for line in page.reports[path] if not stands_in(line, finished.stdout)] == [], finished.stdout


def stands_in(line: str, report: str) -> bool:
    """Say whether a line of a page stands in a report."""
    pattern = ".*".join(re.escape(part.strip()) for part in line.split("..."))
    return re.search(pattern, report) is not None


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_a_command_of_a_page_works(
    page: Page, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.write(tmp_path, page.project_of(command.folder))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("INTARSIA_STATE", str(tmp_path / "state"))
    # Each page has an `app` of its own, and some commands load it here.
    monkeypatch.setattr(sys, "path", list(sys.path))
    for module in [path.stem for path in page.files if path.suffix == ".py"]:
        monkeypatch.delitem(sys.modules, module, raising=False)

    try_command(command)

    for module in [path.stem for path in page.files if path.suffix == ".py"]:
        sys.modules.pop(module, None)


def try_command(command: Command) -> None:
    """Do what a command of a page does, as far as a test may."""
    match command.words:
        case ["pip", "install", *requirements]:
            for requirement in requirements:
                check_requirement(Requirement(WHEEL.sub(r"intarsia\2==\1", requirement)))
        case ["intarsia", ("dev" | "serve") as verb, target, *options]:
            with running(verb, target, *options, "--port", "0") as (_, said):
                assert "is ready" in said
        case ["intarsia", ("users" | "clients") as kept, *words]:
            done = CliRunner().invoke(main, [kept, *words], input="a long password\n")
            assert done.exit_code == 0, done.output
        case ["intarsia", ("audit" | "migrate" | "switches") as asked, *words]:
            done = CliRunner().invoke(main, [asked, *words])
            assert done.exit_code == 0, done.output
        case ["make", target]:
            assert f"\n{target}:" in (ROOT / "Makefile").read_text(encoding="utf-8")
        case _:
            pytest.fail(f"Line {command.line}: test_how_to.py does not know how to try {' '.join(command.words)!r}.")


def check_requirement(requirement: Requirement) -> None:
    """Complain about a distribution that is not installed here, and about an extra that Intarsia has not."""
    assert requirement.specifier.contains(version(requirement.name)), requirement
    if requirement.name == "intarsia":
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        assert requirement.extras <= set(extras), f"Intarsia has no extra {requirement.extras - set(extras)}."


PAGE = """\
```python
# shop/app.py
first = 1
```

Then:

```python
# shop/app.py
second = first
```

```python
# shop/test_broken.py
def test_it() -> None: ...
```

```text
E   ... == 2
```

```sh
pip install 'intarsia[testing]'  # once
pytest -q
```
"""


def test_blocks_of_one_name_are_one_file(tmp_path: Path) -> None:
    page = read_page(PAGE, ROOT)

    page.write(tmp_path, page.project_of(Path("shop")))

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"app.py": "first = 1\n\n\nsecond = first\n"}


def test_commands_and_reports_belong_to_what_stands_before_them() -> None:
    page = read_page(PAGE, ROOT)

    assert [command.words for command in page.commands] == [("pip", "install", "intarsia[testing]"), ("pytest", "-q")]
    assert {command.folder for command in page.commands} == {Path("shop")}
    assert page.reports == {Path("shop/test_broken.py"): ["E   ... == 2"]}
    assert page.projects == []


def test_a_comment_brings_a_file_of_the_repository() -> None:
    page = read_page("<!-- shop/app.py is sample_project/app.py -->", ROOT)

    assert page.files == {Path("shop/app.py"): (ROOT / "sample_project/app.py").read_text(encoding="utf-8")}


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        ("```python\nprint()\n```", "Line 1: the first line of a block of python names its file"),
        ("```python\n# ../app.py\n```", "Line 1: ../app.py is outside the page's folder."),
        ("\n```json\n{}\n```", "Line 2: a block of json cannot be run here."),
        ("```text\nE   assert 1 == 2\n```", "Line 1: a block of text cannot be run here."),
        ("```\nls\n```", "Line 1: a block of no language cannot be run here."),
    ],
)
def test_a_block_that_cannot_be_run_is_named(block: str, complaint: str) -> None:
    with pytest.raises(PageError) as refused:
        read_page(f"{block}\n", ROOT)

    assert str(refused.value).startswith(complaint)

"""What `scripts/structure.py` finds: circles, arrows both ways, crowded folders, doubled names, and a click's way."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import click_path, structure
from scripts.click_path import ClickPath, Tracer, count_changes
from scripts.module_graph import arrows_inside, find_circles, modules_per_folder, python_graph, typescript_graph

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Make a small tree with a package named `shelf`, in which every rule is kept."""
    plant(tmp_path, "pyproject.toml", '[project]\nname = "shelf"\n')
    for folder in ("", "server/", "server/calls/", "host/", "ui_templates/view/"):
        plant(tmp_path, f"shelf/{folder}__init__.py", "")
    plant(tmp_path, "shelf/server/catalog.py", "class Catalog: ...\nclass _Row: ...\n")
    plant(tmp_path, "shelf/server/calls/handler.py", "from shelf.server.catalog import Catalog\nclass _Row: ...\n")
    plant(tmp_path, "shelf/host/app.py", "from shelf import __version__\nfrom shelf.server.calls import handler\n")
    plant(tmp_path, "shelf/ui_templates/view/main.ts", 'import { run } from "./run";\n')
    plant(tmp_path, "shelf/ui_templates/view/run.ts", "export const run = () => 1;\n")
    return tmp_path


def plant(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("rule", structure.RULES, ids=lambda rule: rule.__name__.removeprefix("complain_about_"))
def test_a_tree_in_order_is_welcome(tree: Path, rule: Callable[[Path], list[str]]) -> None:
    assert rule(tree) == []


@pytest.mark.parametrize(
    "line",
    [
        "from shelf.server.calls import handler",
        "from shelf.server.calls.handler import answer",
        "import shelf.server.calls.handler",
        "from .calls import handler",
        "from .calls.handler import answer",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from shelf.server.calls.handler import answer",
        "def later():\n    from shelf.server.calls import handler",
    ],
)
def test_a_circle_of_imports_is_found_however_it_is_written(tree: Path, line: str) -> None:
    plant(tree, "shelf/server/catalog.py", line)

    assert structure.complain_about_circles(tree) == [
        "2 modules import each other: shelf/server/calls/handler.py, shelf/server/catalog.py."
    ]


@pytest.mark.parametrize(
    "line",
    [
        'import { main } from "./main";',
        'import type { Main } from "./main";',
        'import {\n  one,\n  two,\n} from "./main";',
        'export * from "./main";',
        'import "./main";',
        'const late = () => import("./main");',
        'import { main } from "../view/main.ts";',
    ],
)
def test_a_circle_of_typescript_is_found_however_it_is_written(tree: Path, line: str) -> None:
    plant(tree, "shelf/ui_templates/view/run.ts", f"{line}\n")

    assert structure.complain_about_circles(tree) == [
        "2 modules import each other: shelf/ui_templates/view/main.ts, shelf/ui_templates/view/run.ts."
    ]


def test_an_import_that_is_only_a_comment_is_none(tree: Path) -> None:
    plant(tree, "shelf/ui_templates/view/run.ts", '/*\nimport "./main";\n*/\n// import "./main";\n')

    assert structure.complain_about_circles(tree) == []


def test_a_circle_beside_the_package_is_found(tree: Path) -> None:
    plant(tree, "benchmarks/load.py", "from benchmarks.page import write")
    plant(tree, "benchmarks/page.py", "from benchmarks.load import Figures")

    assert structure.complain_about_circles(tree) == [
        "2 modules import each other: benchmarks/load.py, benchmarks/page.py."
    ]


def test_circles_are_groups_that_reach_each_other() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e", "gone"}, "e": {"d"}, "f": {"a"}}

    assert find_circles(graph) == [["a", "b", "c"], ["d", "e"]]


def test_folders_that_import_each_other_are_found_where_no_modules_do(tree: Path) -> None:
    plant(tree, "shelf/server/storage/store.py", "from shelf.server.calls import handler")
    plant(tree, "shelf/server/calls/keys.py", "from shelf.server.storage import tables")
    plant(tree, "shelf/server/storage/tables.py", "")

    assert structure.complain_about_circles(tree) == []
    assert structure.complain_about_arrows(tree) == ["In shelf/server/, imports go both ways between calls/, storage/."]


def test_arrows_run_between_the_children_of_a_folder(tree: Path) -> None:
    graph = python_graph(tree, "shelf")

    assert arrows_inside(graph, "shelf/server") == {
        "__init__.py": frozenset(),
        "calls/": {"catalog.py"},
        "catalog.py": frozenset(),
    }
    assert arrows_inside(graph, "shelf")["host/"] == {"server/"}


def test_a_crowded_folder_is_found_and_folders_of_widgets_are_exempt(tree: Path) -> None:
    for number in range(structure.MAX_MODULES_PER_FOLDER + 1):
        plant(tree, f"shelf/widgets/widget_{number}.py", "")
        plant(tree, f"shelf/ui_templates/view/dom/part_{number}.ts", "")
        plant(tree, f"shelf/ui_templates/view/dist/made_{number}.ts", "")
    assert modules_per_folder(python_graph(tree, "shelf"))["shelf/widgets"] == 13

    assert structure.complain_about_crowded_folders(tree) == [
        "shelf/ui_templates/view/dom/ has 13 modules, and 12 are the most; make folders by meaning."
    ]


def test_a_class_name_that_occurs_twice_is_found_and_private_ones_may(tree: Path) -> None:
    plant(tree, "shelf/host/catalog.py", "class Catalog: ...\n")

    assert structure.complain_about_class_names(tree) == [
        "The class name Catalog occurs 2 times: shelf/host/catalog.py, shelf/server/catalog.py."
    ]


def test_a_long_way_of_a_click_is_found() -> None:
    short = ClickPath("2025-11-25", modules=25, entries=500, changes=100, entries_of={})
    long = ClickPath("2026-07-28", modules=26, entries=500, changes=100, entries_of={})
    winding = ClickPath("2026-07-28", modules=7, entries=500, changes=101, entries_of={})

    assert structure.complain_about_click([short]) == []
    assert structure.complain_about_click([long, winding]) == [
        "A click in 2026-07-28 enters 26 modules with 100 changes; 25 and 100 are the most.",
        "A click in 2026-07-28 enters 7 modules with 101 changes; 25 and 100 are the most.",
    ]


def test_the_tracer_notes_each_function_once_in_whichever_thread(tmp_path: Path) -> None:
    plant(
        tmp_path,
        "room/steps.py",
        "def walk():\n    inner()\n    return list(pause())\n"
        "def inner(): ...\n"
        "def pause():\n    yield 1\n    yield 2\n",
    )
    steps: dict[str, Callable[[], object]] = {}
    source = tmp_path / "room/steps.py"
    exec(compile(source.read_text(encoding="utf-8"), str(source), "exec"), steps)  # noqa: S102  # a module of our own
    tracer = Tracer(tmp_path / "room")
    threading.setprofile(tracer.profile)
    try:
        with tracer.tracing():
            thread = threading.Thread(target=steps["inner"])
            thread.start()
            thread.join()
            steps["walk"]()
        steps["walk"]()
    finally:
        threading.setprofile(None)

    assert tracer.entered == ["steps.py"] * 4
    assert sys.getprofile() is None


def test_changes_of_module_are_counted_along_the_way() -> None:
    assert count_changes(["a", "a", "b", "a", "c", "c"]) == 3
    assert count_changes([]) == 0


def test_a_click_is_traced_through_this_package_in_both_eras() -> None:
    paths = click_path.measure_clicks(ROOT)

    assert [path.era for path in paths] == list(click_path.ERAS)
    for path in paths:
        assert path.changes >= path.modules - 1 > 5
        assert path.entries >= path.changes
        assert any(name.startswith("server/") for name in path.entries_of)
        assert any(name.startswith("widgets/") for name in path.entries_of)


def test_a_tree_in_which_no_click_works_says_why(tree: Path) -> None:
    with pytest.raises(RuntimeError, match="could not be traced"):
        click_path.measure_clicks(tree)


@pytest.mark.parametrize("folder", structure.BESIDE_THE_PACKAGE)
def test_what_is_beside_the_package_imports_in_no_circle(folder: str) -> None:
    assert find_circles(python_graph(ROOT, folder)) == []


def test_the_typescript_of_the_view_imports_in_no_circle() -> None:
    graph = typescript_graph(ROOT, f"{click_path.find_package(ROOT)}/ui_templates")

    assert len(graph) > 20
    assert find_circles(graph) == []


def test_the_script_prints_the_figures_and_ends_with_1_when_a_rule_is_broken(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["structure", "--no-click", "--root", str(tree)])
    structure.main()

    assert "import circles: 0\n" in capsys.readouterr().out

    plant(tree, "shelf/host/catalog.py", "class Catalog: ...\n")
    with pytest.raises(SystemExit) as ended:
        structure.main()

    assert ended.value.code == 1
    assert "1 rules are broken:\n    The class name Catalog occurs 2 times" in capsys.readouterr().out

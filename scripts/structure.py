"""Prints how the code hangs together, and ends with 1 where a rule of the layout is broken.

`python -m scripts.structure` looks at this tree, `--root FOLDER` at another version of it: circles of imports, arrows
between folders and whether they go one way, modules in each folder, public class names that occur twice, and the way of
one click (`click_path.py`). `docs/decisions/0035-measured-structure.md` says what each figure counts.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from scripts.click_path import ClickPath, find_package, measure_clicks
from scripts.module_graph import (
    Graph,
    arrows_inside,
    find_circles,
    folders_of,
    modules_per_folder,
    public_classes,
    python_graph,
    typescript_graph,
)

MAX_MODULES_PER_FOLDER = 12
LIMITED_FOLDERS = ("server", "host", "ui_templates/view")
"""Where the limit holds: the other folders have one module or folder for each widget."""
MAX_CLICK_MODULES, MAX_CLICK_CHANGES = 25, 100
BESIDE_THE_PACKAGE = ("benchmarks", "examples", "scripts", "tests")
"""Folders of Python whose imports go in no circle either."""

ROOT = Path(__file__).resolve().parent.parent


def complain_about_circles(root: Path) -> list[str]:
    """No modules import each other in a circle, for types or inside functions either."""
    return [
        f"{len(circle)} modules import each other: {', '.join(circle)}."
        for graph in _graphs(root)
        for circle in find_circles(graph)
    ]


def complain_about_arrows(root: Path) -> list[str]:
    """In every folder of the package, imports between its children go one way."""
    package = find_package(root)
    return [
        f"In {folder}/, imports go both ways between {', '.join(circle)}."
        for graph in (python_graph(root, package), typescript_graph(root, package))
        for folder in folders_of(graph)
        for circle in find_circles(arrows_inside(graph, folder))
    ]


def complain_about_crowded_folders(root: Path) -> list[str]:
    """A folder of the server, of the host or of the View has few modules."""
    return [
        f"{folder}/ has {count} modules, and {MAX_MODULES_PER_FOLDER} are the most; make folders by meaning."
        for folder, count in sorted(_limited_folders(root).items())
        if count > MAX_MODULES_PER_FOLDER
    ]


def complain_about_class_names(root: Path) -> list[str]:
    """No two public classes of the package have one name."""
    return [
        f"The class name {name} occurs {len(paths)} times: {', '.join(paths)}."
        for name, paths in sorted(public_classes(root, find_package(root)).items())
        if len(paths) > 1
    ]


def complain_about_click(paths: Iterable[ClickPath]) -> list[str]:
    """The way of one click is short."""
    return [
        f"A click in {path.era} enters {path.modules} modules with {path.changes} changes; "
        f"{MAX_CLICK_MODULES} and {MAX_CLICK_CHANGES} are the most."
        for path in paths
        if path.modules > MAX_CLICK_MODULES or path.changes > MAX_CLICK_CHANGES
    ]


RULES: tuple[Callable[[Path], list[str]], ...] = (
    complain_about_circles,
    complain_about_arrows,
    complain_about_crowded_folders,
    complain_about_class_names,
)


def _graphs(root: Path) -> list[Graph]:
    package = find_package(root)
    return [
        python_graph(root, package),
        typescript_graph(root, package),
        *(python_graph(root, folder) for folder in BESIDE_THE_PACKAGE),
    ]


def _limited_folders(root: Path) -> dict[str, int]:
    package = find_package(root)
    counts = modules_per_folder(python_graph(root, package))
    for folder, count in modules_per_folder(typescript_graph(root, package)).items():
        counts[folder] = counts.get(folder, 0) + count
    roots = tuple(f"{package}/{folder}" for folder in LIMITED_FOLDERS)
    return {folder: count for folder, count in counts.items() if f"{folder}/".startswith(tuple(f"{r}/" for r in roots))}


def describe(root: Path) -> list[str]:
    """Write the figures of the layout, one line each."""
    package = find_package(root)
    python, limited = python_graph(root, package), _limited_folders(root)
    arrows = arrows_inside(python, f"{package}/server")
    largest = [
        max((count, name) for name, count in limited.items() if f"{name}/".startswith(f"{package}/{folder}/"))
        for folder in LIMITED_FOLDERS
    ]
    circles = [len(circle) for graph in _graphs(root) for circle in find_circles(graph)]
    classes = [name for name, paths in public_classes(root, package).items() if len(paths) > 1]
    lines = [
        f"import circles: {len(circles)}{_sizes(circles)}",
        f"children of server/: {len(arrows)}, arrows between them: {sum(map(len, arrows.values()))}",
        f"folders in which imports go both ways: {len(complain_about_arrows(root))}",
        *(f"largest folder of {folder}/: {count} modules ({name}/)" for folder, (count, name) in _zip(largest)),
        f"public class names that occur twice: {len(classes)}",
    ]
    return [*lines, *_list_layers(python, package)]


def _zip(largest: Sequence[tuple[int, str]]) -> Iterable[tuple[str, tuple[int, str]]]:
    return zip(LIMITED_FOLDERS, largest, strict=True)


def _sizes(circles: Sequence[int]) -> str:
    return f" (of {', '.join(map(str, circles))} modules)" if circles else ""


def _list_layers(graph: Graph, package: str) -> list[str]:
    """Write what each child of the package, and of its server, imports."""
    lines: list[str] = []
    for folder in (package, f"{package}/server"):
        lines.append(f"imports in {folder}/:")
        for child, others in sorted(arrows_inside(graph, folder).items()):
            lines.append(f"    {child} -> {', '.join(sorted(others)) or 'nothing'}")
    return lines


def describe_click(path: ClickPath) -> list[str]:
    """Write the way of a click, with the modules that are entered most."""
    busiest = ", ".join(f"{name} {entries}" for name, entries in list(path.entries_of.items())[:10])
    figures = f"{path.modules} modules entered, {path.entries} entries, {path.changes} changes of module"
    return [
        f"one click, {path.era}: {figures}",
        f"    most entries: {busiest}",
    ]


def main() -> None:
    """Print the figures and what breaks a rule; end with 1 when something does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, help="the tree to look at (default: this one)")
    parser.add_argument("--no-click", action="store_true", help="leave out the way of a click, which runs the server")
    options = parser.parse_args()
    root: Path = options.root.resolve()
    paths = [] if options.no_click else measure_clicks(root)
    lines = [*describe(root), *(line for path in paths for line in describe_click(path))]
    print("\n".join(lines))
    complaints = [complaint for rule in RULES for complaint in rule(root)] + complain_about_click(paths)
    if complaints:
        print(f"\n{len(complaints)} rules are broken:")
        print("\n".join(f"    {complaint}" for complaint in complaints))
        sys.exit(1)


if __name__ == "__main__":
    main()

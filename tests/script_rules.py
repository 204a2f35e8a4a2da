"""The rules of the house for TypeScript, and for circles of imports. Each returns complaints, one sentence each."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

SORTED = ("intarsia/ui_templates/view", "intarsia/host/page")
"""Folders of scripts whose parts, folders and single modules, import each other in one direction."""

FOLDER_LIMIT = 12
_SCRIPTS = ("intarsia", "examples", "tests", "benchmarks", "scripts")
_TOOLS = ("benchmarks", "scripts")
_MADE_BY_TOOLS = frozenset({"dist", "node_modules", "__pycache__"})
_IMPORT = re.compile(r"""^\s*(?:import|export)\s+(?:[\w*{][^"';=]*?\bfrom\s*)?["'](\.[^"']+)["']""", re.MULTILINE)
_IMPORT_CALL = re.compile(r"""\bimport\(\s*["'](\.[^"']+)["']""")

_SUPERLATIVE = re.compile(r"^\s*(?:export )?const ((?:MOST|LEAST|LONGEST|SHORTEST|SOONEST)_\w+)", re.MULTILINE)

Graph = Mapping[str, Iterable[str]]
"""What imports what."""


def complain_about_directions(root: Path) -> list[str]:
    """The parts of a page of scripts import each other in one direction, types included."""
    modules = _script_imports(root)
    complaints: list[str] = []
    for folder in SORTED:
        inside = {module: targets for module, targets in modules.items() if module.startswith(f"{folder}/")}
        parts: dict[str, set[str]] = {_part_of(module, folder): set() for module in inside}
        for module, targets in inside.items():
            own = _part_of(module, folder)
            parts[own] |= {part for target in targets & inside.keys() if (part := _part_of(target, folder)) != own}
        for circle in circles(parts):
            between = [
                f"{module.removeprefix(f'{folder}/')} imports {target.removeprefix(f'{folder}/')}"
                for module, targets in inside.items()
                for target in sorted(targets & inside.keys())
                if _part_of(module, folder) != _part_of(target, folder)
                and {_part_of(module, folder), _part_of(target, folder)} <= set(circle)
            ]
            complaints.append(f"{folder}: {', '.join(circle)} import each other: {'; '.join(between)}.")
    return complaints


def complain_about_circles(root: Path) -> list[str]:
    """No script imports itself over others, and no tool of ours, types included."""
    graph: dict[str, set[str]] = {**_script_imports(root), **_tool_imports(root)}
    return [f"{', '.join(circle)} import each other." for circle in circles(graph)]


def complain_about_full_folders(root: Path) -> list[str]:
    """A folder is seen at a glance."""
    counts: dict[Path, int] = {}
    for folder in SORTED:
        for path in _written(root, (folder,), ".ts"):
            counts[path.parent] = counts.get(path.parent, 0) + 1
    return [
        f"{path.relative_to(root)} has {count} modules; sort them into folders, {FOLDER_LIMIT} are enough."
        for path, count in counts.items()
        if count > FOLDER_LIMIT
    ]


def complain_about_names(root: Path) -> list[str]:
    """Modules are named by nouns, and limits by MAX and MIN."""
    complaints: list[str] = []
    for path in _written(root, _SCRIPTS, ".ts"):
        name = path.relative_to(root)
        if path.stem.endswith("ing"):
            complaints.append(f"{name} is named by what is done; name it by what it is.")
        complaints += [
            f"{name} has a constant {constant}; limits begin with MAX_ or MIN_."
            for constant in _SUPERLATIVE.findall(path.read_text(encoding="utf-8"))
        ]
    return complaints


def circles(graph: Graph) -> list[list[str]]:
    """Find what can be reached from itself: the strongly connected components with more than one member."""
    reached = {name: _reachable(name, graph) for name in graph}
    found: list[list[str]] = []
    for name in sorted(graph):
        circle = sorted({name} | {other for other in reached[name] & graph.keys() if name in reached[other]})
        if len(circle) > 1 and circle not in found:
            found.append(circle)
    return found


def _reachable(start: str, graph: Graph) -> set[str]:
    seen: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += graph.get(name, ())
    return seen


def _part_of(module: str, folder: str) -> str:
    """Name the folder inside another that a module is in, or the module itself."""
    return module.removeprefix(f"{folder}/").partition("/")[0]


def _script_imports(root: Path) -> dict[str, set[str]]:
    return {
        path.relative_to(root).as_posix(): {_resolve(path, target, root) for target in _targets(path)}
        for path in _written(root, _SCRIPTS, ".ts")
    }


def _targets(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    return [*_IMPORT.findall(text), *_IMPORT_CALL.findall(text)]


def _resolve(path: Path, target: str, root: Path) -> str:
    found = (path.parent / target).resolve().relative_to(root.resolve()).as_posix()
    return found if found.endswith(".ts") else f"{found}.ts"


def _tool_imports(root: Path) -> dict[str, set[str]]:
    modules = {path.relative_to(root).with_suffix("").as_posix(): path for path in _written(root, _TOOLS, ".py")}
    return {
        module: {target for target in _python_targets(path) if target in modules and target != module}
        for module, path in modules.items()
    }


def _python_targets(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.replace(".", "/") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.replace(".", "/")
            yield from (f"{node.module}.{alias.name}".replace(".", "/") for alias in node.names)


def _written(root: Path, folders: Iterable[str], suffix: str) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((root / folder).rglob(f"*{suffix}")):
            if not _MADE_BY_TOOLS & set(path.relative_to(root).parts):
                yield path

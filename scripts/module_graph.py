"""Who imports whom, which imports go in a circle, and which arrows between folders point both ways.

Reads the source text and runs none of it. Every import counts: those for types alone, and those inside functions.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

Graph = dict[str, frozenset[str]]
"""The path of a module, from the root of the tree, to the paths of the modules that it imports."""

GENERATED = frozenset({"dist", "node_modules", "__pycache__"})

_TYPESCRIPT_IMPORT = re.compile(
    r"""^[ \t]*(?:import|export)\b[^;'"`]*?from\s*["'](?P<source>\.[^"']*)["']"""
    r"""|^[ \t]*import\s*["'](?P<effect>\.[^"']*)["']"""
    r"""|\bimport\(\s*["'](?P<dynamic>\.[^"']*)["']\s*\)""",
    re.MULTILINE,
)
_TYPESCRIPT_COMMENT = re.compile(r"/\*.*?\*/|^[ \t]*//[^\n]*", re.DOTALL | re.MULTILINE)


def source_files(root: Path, folder: str, suffix: str) -> list[str]:
    """List the source files of one kind below a folder, as paths from the root; generated files are left out."""
    return sorted(
        path.relative_to(root).as_posix()
        for path in (root / folder).rglob(f"*{suffix}")
        if path.is_file() and not GENERATED & set(path.relative_to(root).parts)
    )


def python_graph(root: Path, folder: str) -> Graph:
    """Return the imports among the Python modules of a folder.

    An import counts for the deepest module that it names: `from package.module import name` for `package.module`,
    and `from package import module` for the module, not for the package around it.

    Args:
        root: The root that absolute imports start from.
        folder: The package, as a path from the root.
    """
    modules = {_dotted(path): path for path in source_files(root, folder, ".py")}
    graph: Graph = {}
    for name, path in modules.items():
        is_package = path.endswith("/__init__.py")
        package = name if is_package else name.rpartition(".")[0]
        tree = ast.parse((root / path).read_text(encoding="utf-8"))
        found = {_deepest(target, modules) for node in ast.walk(tree) for target in _targets(node, package)}
        graph[path] = frozenset(modules[target] for target in found if target) - {path}
    return graph


def _dotted(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")


def _targets(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        parent = package.rsplit(".", node.level - 1)[0] if node.level else ""
        base = ".".join(name for name in (parent, node.module) if name)
        # `from package import __version__` needs no more of the package than that it is there.
        yield from (f"{base}.{alias.name}" for alias in node.names if not alias.name.startswith("__"))


def _deepest(target: str, modules: Mapping[str, str]) -> str:
    """Return the module that an import names, or the one that holds the name; empty when it is none of them."""
    if target in modules:
        return target
    parent = target.rpartition(".")[0]
    return parent if parent in modules else ""


def typescript_graph(root: Path, folder: str) -> Graph:
    """Return the imports among the TypeScript modules of a folder, type imports included.

    Args:
        root: The root of the tree.
        folder: The folder, as a path from the root.
    """
    files = set(source_files(root, folder, ".ts"))
    graph: Graph = {}
    for path in sorted(files):
        text = _TYPESCRIPT_COMMENT.sub("", (root / path).read_text(encoding="utf-8"))
        found = (next(filter(None, match.groups())) for match in _TYPESCRIPT_IMPORT.finditer(text))
        targets = (_resolve(path, specifier) for specifier in found)
        graph[path] = frozenset(
            name for target in targets for name in (f"{target}.ts", f"{target}/index.ts") if name in files
        )
    return graph


def _resolve(importer: str, specifier: str) -> str:
    words: list[str] = []
    for word in (PurePosixPath(importer).parent / specifier).parts:
        if word == "..":
            words.pop()
        else:
            words.append(word)
    return "/".join(words).removesuffix(".ts")


def find_circles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Return the groups of nodes that reach each other, the largest first."""
    reached = {node: _reached_from(node, graph) for node in graph}
    groups = {
        tuple(sorted(other for other in others if node in reached.get(other, ())))
        for node, others in reached.items()
        if node in others
    }
    return sorted(map(list, groups), key=lambda circle: (-len(circle), circle))


def _reached_from(start: str, graph: Mapping[str, Iterable[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        node = waiting.pop()
        if node not in reached:
            reached.add(node)
            waiting += graph.get(node, ())
    return reached


def arrows_inside(graph: Graph, folder: str) -> dict[str, frozenset[str]]:
    """Return which children of a folder import which: modules of its own, and folders with all that is in them.

    Args:
        graph: The imports of modules.
        folder: The folder, as a path from the root.
    """
    arrows: dict[str, set[str]] = defaultdict(set)
    for path, targets in graph.items():
        child = _child_of(path, folder)
        if child is None:
            continue
        arrows[child] |= {other for target in targets if (other := _child_of(target, folder)) and other != child}
    return {child: frozenset(others) for child, others in arrows.items()}


def _child_of(path: str, folder: str) -> str | None:
    """Return the child of a folder that a module is in: a name that ends in a slash, or the module itself."""
    if not path.startswith(f"{folder}/"):
        return None
    first, slash, _rest = path[len(folder) + 1 :].partition("/")
    return f"{first}{slash}"


def folders_of(graph: Graph) -> list[str]:
    """Return every folder that holds modules, directly or further down, as paths from the root."""
    return sorted({parent.as_posix() for path in graph for parent in PurePosixPath(path).parents} - {"."})


def modules_per_folder(graph: Graph) -> dict[str, int]:
    """Count the modules directly in each folder; `__init__.py`, which only makes a folder a package, is none."""
    counts: dict[str, int] = defaultdict(int)
    for path in graph:
        parent, _, name = path.rpartition("/")
        if name != "__init__.py":
            counts[parent] += 1
    return dict(counts)


def public_classes(root: Path, folder: str) -> dict[str, list[str]]:
    """Return the public classes of a folder's Python modules, by name, with the modules that define them.

    Args:
        root: The root of the tree.
        folder: The package, as a path from the root.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for path in source_files(root, folder, ".py"):
        for node in ast.parse((root / path).read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(path)
    return dict(found)

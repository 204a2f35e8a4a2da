"""The rules about the shape of the package: who may import whom, how large folders are, and what things are called.

Each takes the root of a tree and returns complaints, one sentence each. `test_structure_rules.py` applies them to this
repository, and shows on planted mistakes that each one bites.
"""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

from tests.house_rules import imports_of, product_modules

FOLDER_ORDER: Mapping[str, tuple[str, ...]] = {
    "intarsia.server": (
        "wire", "changes", "tools", "storage", "audit", "switches", "rendering", "views", "catalog", "calls",
        "pages", "auth", "mcp_server", "admin", "http", "connector", "attach",
    ),
    "intarsia.server.auth": ("caller", "resource_server", "authorization_server"),
    "intarsia.server.auth.authorization_server": ("accounts", "clients", "oauth", "pages", "server"),
}  # fmt: skip
"""What stands in a folder of the server, from the lowest to the highest: each imports only what stands before it."""

MAX_MODULES_PER_FOLDER = 12
LIMITED_FOLDERS = ("intarsia/server", "intarsia/host")
"""Where the limit holds: `widgets/` and `ui_templates/` have one module or folder for each widget."""

FIELD_WORDS = frozenset({"rendering", "testing", "polling", "heading"})
"""Words in -ing that the field uses as nouns, and that may end the name of a module."""

_PRIVATE_WORDS = re.compile(r"_?(MOST|LEAST|LONGEST|SHORTEST|SOONEST|LARGEST|SMALLEST|HIGHEST|LOWEST|FEWEST)(_|$)")


def complain_about_circles(root: Path) -> list[str]:
    """No modules import each other in a circle; imports for types alone, and those inside functions, count too."""
    return [f"{' imports '.join(circle)}." for circle in _circles(_graph(root))]


def _circles(graph: Mapping[str, frozenset[str]]) -> Iterator[list[str]]:
    left = {module: set(targets) for module, targets in graph.items()}
    while True:
        try:
            TopologicalSorter(left).prepare()
        except CycleError as error:
            circle: list[str] = error.args[1]
            yield circle[::-1]
            for one, other in pairwise(circle):
                left[other].discard(one)
        else:
            return


def complain_about_folder_order(root: Path) -> list[str]:
    """Imports between the folders of the server go one way: down."""
    complaints: list[str] = []
    graph = _graph(root)
    for folder, order in FOLDER_ORDER.items():
        for module, targets in graph.items():
            own = _child(folder, module)
            if own is None:
                continue
            if own not in order:
                complaints.append(f"{folder}.{own} has no place in FOLDER_ORDER.")
                continue
            complaints += [
                f"{module} imports {target}, which is above it: {folder}.{other} stands after {own} in FOLDER_ORDER."
                for target in sorted(targets)
                if (other := _child(folder, target)) in order and order.index(other) > order.index(own)
            ]
    return complaints


def arrows(root: Path) -> set[tuple[str, str]]:
    """Return which children of `server/` import which others."""
    found = {
        (_child("intarsia.server", module), _child("intarsia.server", target))
        for module, targets in _graph(root).items()
        for target in targets
    }
    return {(one, other) for one, other in found if one and other and one != other}


def _child(folder: str, module: str) -> str | None:
    return module[len(folder) + 1 :].partition(".")[0] if module.startswith(f"{folder}.") else None


def _graph(root: Path) -> dict[str, frozenset[str]]:
    """Return which module of the product imports which others, each import by the deepest module that it names."""
    modules = product_modules(root)
    return {
        module: frozenset(
            target for found in imports_of(path, module) if (target := _deepest(found.target, modules)) is not None
        )
        - {module}
        for module, path in modules.items()
    }


def _deepest(target: str, modules: Mapping[str, Path]) -> str | None:
    parent = target.rpartition(".")[0]
    return next((name for name in (target, parent) if name in modules), None)


def complain_about_crowds(root: Path) -> list[str]:
    """A folder of the server or of the host has few modules."""
    counts = Counter(
        path.parent.relative_to(root).as_posix()
        for folder in LIMITED_FOLDERS
        for path in (root / folder).rglob("*.py")
        if path.name != "__init__.py"
    )
    return [
        f"{folder}/ has {count} modules, and {MAX_MODULES_PER_FOLDER} are the most; make folders by meaning."
        for folder, count in sorted(counts.items())
        if count > MAX_MODULES_PER_FOLDER
    ]


def complain_about_class_names(root: Path) -> list[str]:
    """No two public classes of the package have one name."""
    homes: dict[str, list[str]] = defaultdict(list)
    for module, path in product_modules(root).items():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and module.startswith("intarsia"):
                homes[node.name].append(module)
    return [f"{name} is a class in {' and in '.join(found)}." for name, found in homes.items() if len(found) > 1]


def complain_about_constants(root: Path) -> list[str]:
    """Limits are named as everywhere else: `MAX_`, `MIN_` and `DEFAULT_`."""
    return [
        f"{module}:{node.lineno} names a limit {node.id}; write MAX_ or MIN_, with its unit."
        for module, path in product_modules(root).items()
        if module.startswith("intarsia")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and _PRIVATE_WORDS.match(node.id)
    ]


def complain_about_module_names(root: Path) -> list[str]:
    """A module is named by a noun, or by a verb and what it acts on, and not by what goes on in it."""
    return [
        f"{module} is named by what goes on in it; name it by what it is, or add the word to FIELD_WORDS."
        for module in product_modules(root)
        if module.startswith("intarsia")
        and (word := re.split(r"[._]", module)[-1]).endswith("ing")
        and word not in FIELD_WORDS
    ]


def needed_arrows(root: Path) -> set[tuple[str, str]]:
    """Return the arrows of `server/` without those that others imply: from `a` to `c` where `a` needs `b`, `b` `c`."""
    found = arrows(root)
    below: dict[str, set[str]] = defaultdict(set)
    for name in FOLDER_ORDER["intarsia.server"]:
        for one, other in found:
            if one == name:
                below[name] |= {other} | below[other]
    return {
        (one, other)
        for one, other in found
        if not any(other in below[between] for start, between in found if start == one and between != other)
    }

"""The rules about widgets: every edit that a new one needs, and who may know of it.

They read a tree and import nothing of it, so that a widget that is half written is told what it lacks.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.house_rules import imports_of, product_modules, stem_of

WIDGETS = Path("intarsia/widgets")
TEMPLATES = Path("intarsia/ui_templates")
TESTS = Path("tests/widgets")

_PARTS = {
    "view.html": "its HTML",
    "text.md": "its text form, which is all that a model sees",
    "style.css": "its style, if only for the class of its root",
}


@dataclass(frozen=True)
class WidgetModule:
    """A module that defines classes of widgets."""

    path: Path
    classes: dict[str, ast.ClassDef]

    @property
    def stem(self) -> str:
        """Its name."""
        return self.path.stem

    @cached_property
    def whole(self) -> str | None:
        """The class that the module is called after; the others are pieces of it."""
        return next((name for name in self.classes if stem_of(name) == self.stem), None)


def complain_about_widget_steps(root: Path) -> list[str]:
    """A new widget has every edit that CONTRIBUTING names; what is missing is said."""
    return [complaint for module in widget_modules(root) for complaint in _missing(root, module)]


def complain_about_widgets_in_server(root: Path) -> list[str]:
    """No module of the server knows a class of widgets by name: what it must know of one, the widget says."""
    names = {name for module in widget_modules(root) for name in module.classes}
    stems = {stem_of(name) for name in names}
    complaints: list[str] = []
    for module, path in product_modules(root).items():
        if not module.startswith("intarsia.server."):
            continue
        complaints += [
            f"{module}:{found.line} names the widget {name}. {_REMEDY}"
            for found in imports_of(path, module)
            if found.target.startswith("intarsia.widgets.") and (name := found.target.rpartition(".")[2]) in names
        ]
        complaints += [f"{module}:{line} {what}. {_REMEDY}" for line, what in _told_apart(path, names, stems)]
    return complaints


_REMEDY = "Let the widgets say what differs, by a method or a constant of `Widget`, so that a new one is asked too"


def widget_modules(root: Path) -> list[WidgetModule]:
    """Return the modules that define widgets, with their classes."""
    known = {"Widget"}
    trees = {
        path: ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted((root / WIDGETS).glob("*.py"))
        if path.stem not in ("__init__", "widget")
    }
    found: dict[Path, dict[str, ast.ClassDef]] = {}
    before = -1
    while before < len(known):  # a class may be defined before the module that its base is in
        before = len(known)
        for path, tree in trees.items():
            for node in tree.body:
                if isinstance(node, ast.ClassDef) and {ast.unparse(base) for base in node.bases} & known:
                    known.add(node.name)
                    found.setdefault(path, {})[node.name] = node
    return [WidgetModule(path, classes) for path, classes in sorted(found.items())]


def _missing(root: Path, module: WidgetModule) -> Iterator[str]:
    name, stem = module.whole, module.stem
    if name is None:
        wanted = "".join(word.capitalize() for word in stem.split("_"))
        yield f"{WIDGETS}/{stem}.py defines {', '.join(module.classes)}, and none of it is called {wanted}."
        return
    yield from _not_exported(root, module, name)
    if "default" not in _examples(module.classes[name]):
        yield f"{name} has no example 'default'. Return one by examples() in {WIDGETS}/{stem}.py."
    for file, what in _PARTS.items():
        if not (root / TEMPLATES / stem / file).is_file():
            yield f"{name} has no {TEMPLATES}/{stem}/{file}. Write {what}."
    for form in ("html", "md"):
        if not (root / TESTS / "snapshots" / f"{stem}.{form}").is_file():
            yield f"{name} has no {TESTS}/snapshots/{stem}.{form}. Run `python -m tests.widgets.snapshots`."
    if not (root / TESTS / f"test_{stem}.py").is_file():
        yield f"{name} has no {TESTS}/test_{stem}.py. Test there what it alone can do."


def _not_exported(root: Path, module: WidgetModule, name: str) -> Iterator[str]:
    door = root / WIDGETS / "__init__.py"
    tree = ast.parse(door.read_text(encoding="utf-8")) if door.is_file() else ast.Module([], [])
    lists = {
        ast.unparse(target): node.value
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    }
    where = f"{WIDGETS}/__init__.py"
    imported = {alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    exported = {inner.value for inner in _walk(lists.get("__all__")) if isinstance(inner, ast.Constant)}
    shown = {inner.id for inner in _walk(lists.get("WIDGETS")) if isinstance(inner, ast.Name)}
    if name not in imported:
        yield f"{name} is not imported in {where}. Add `from intarsia.widgets.{module.stem} import {name}`."
    if name not in shown:
        yield f"{name} is not in WIDGETS of {where}. Add it: without, it is not tested, and no tool may return it."
    if name not in exported:
        yield f"{name} is not in __all__ of {where}. Add it."


def _walk(node: ast.AST | None) -> Iterator[ast.AST]:
    return iter(()) if node is None else ast.walk(node)


def _examples(node: ast.ClassDef) -> set[object]:
    functions = [inner for inner in node.body if isinstance(inner, ast.FunctionDef) and inner.name == "examples"]
    return {part.value for function in functions for part in ast.walk(function) if isinstance(part, ast.Constant)}


def _told_apart(path: Path, names: set[str], stems: set[str]) -> Iterator[tuple[int, str]]:
    """Find where widgets are told apart by the name of their class or of their kind."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr in names and ast.unparse(node.value).endswith("widgets"):
            yield node.lineno, f"names the widget {node.attr}"
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        attributes = {side.attr for side in sides if isinstance(side, ast.Attribute)}
        told = [part.value for side in sides for part in ast.walk(side) if isinstance(part, ast.Constant)]
        for value in told:
            if ("kind" in attributes and value in stems) or ("__name__" in attributes and value in names):
                yield node.lineno, f"tells widgets apart by {value!r}"

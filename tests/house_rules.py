"""The rules that a machine can hold. Each takes the root of a tree and returns complaints, one sentence each.

`test_house.py` applies them to this repository, and shows on planted mistakes that each one bites.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from intarsia.testing.markup import REMEDIES, complaints_about_template

ROOMS = {
    "widgets": "intarsia/widgets",
    "server": "intarsia/server",
    "ui_templates": "intarsia/ui_templates",
    "examples": "examples",
    "tests": "tests",
}
"""The rooms of decision 0001, and where they are."""

LAYERS = {
    "intarsia.errors": 0,
    "intarsia.version": 0,
    "intarsia.permissions": 1,
    "intarsia.widgets": 2,
    "intarsia.ui_templates": 3,
    "intarsia.server": 4,
    "intarsia.checks": 5,
    "intarsia.host": 5,
    "intarsia.testing": 5,
    "intarsia.cli": 5,
    "examples": 6,
}
"""Who may import whom: only downward, or within a layer."""

ABOVE_ALL = frozenset({"sample_project", "tests", "benchmarks", "scripts"})
"""What no module of the product may import."""

_PROTOCOL = frozenset({"starlette", "mcp"})

UNKNOWN_TO = {
    "intarsia.widgets": frozenset({"jinja2", "starlette", "mcp"}),
    "intarsia.server.wire.diff": _PROTOCOL,
    "intarsia.server.wire.messages": _PROTOCOL,
    "intarsia.server.changes": _PROTOCOL,
    "intarsia.server.tools": _PROTOCOL,
    "intarsia.server.switches": _PROTOCOL,
    "intarsia.server.rendering": _PROTOCOL,
    "intarsia.server.views": _PROTOCOL,
    "intarsia.server.catalog": _PROTOCOL,
    "intarsia.server.calls": _PROTOCOL,
    "intarsia.server.auth.resource_server.claims": frozenset({"starlette", "mcp", "httpx2", "jwt"}),
    "intarsia.server.auth.resource_server.verifier": _PROTOCOL,
}
"""Libraries that stay unknown to a module, directly and through what it imports."""

LINE_LIMIT = 500
_FOLDERS = ("intarsia", "examples", "sample_project", "tests", "benchmarks", "scripts", "docs", ".ci")
_MADE_BY_TOOLS = frozenset({"dist", "node_modules", "__pycache__"})
# Written in two halves, so that this file keeps its own rule.
_UNFINISHED = re.compile(
    r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "Not" + "ImplementedError"]) + r")\b"
)
_ALWAYS_TRUE = (ast.List, ast.ListComp, ast.Tuple, ast.Dict, ast.DictComp, ast.Set, ast.SetComp, ast.GeneratorExp)
_CLOCK = re.compile(r"\b(time\." + r"sleep|wait_for_" + r"timeout)\(")


@dataclass(frozen=True)
class Import:
    """One import statement's target, and whether the program runs it."""

    target: str
    line: int
    is_for_types_only: bool


def complain_about_layers(root: Path) -> list[str]:
    """Imports point downward."""
    complaints: list[str] = []
    for module, path in product_modules(root).items():
        if module == "intarsia":  # the door: it names what is above it, and loads it only when asked
            continue
        own = layer_of(module)
        if own is None:
            complaints.append(f"{module} has no layer; give it one in LAYERS.")
            continue
        for found in imports_of(path, module):
            complaint = _why_not(own, found)
            if complaint:
                complaints.append(f"{module}:{found.line} imports {found.target}, {complaint}.")
    return complaints


def _why_not(own: int, found: Import) -> str | None:
    if found.target.partition(".")[0] in ABOVE_ALL:
        return "which is not part of the product"
    if found.target.startswith("intarsia.") or found.target.partition(".")[0] == "examples":
        other = layer_of(found.target)
        return "which is above it" if other is not None and other > own else None
    if found.target == "intarsia" and own < LAYERS["examples"]:
        return "whose names come from everywhere; import from their own modules"
    return None


def complain_about_strangers(root: Path) -> list[str]:
    """Data and decisions know neither the web nor templates, not even through somebody else."""
    modules = product_modules(root)
    complaints: list[str] = []
    for module in modules:
        unknown = next((names for name, names in UNKNOWN_TO.items() if _is_inside(module, name)), frozenset[str]())
        for loaded, via in _loaded_by(module, modules):
            if loaded.partition(".")[0] in unknown:
                complaints.append(f"{module} loads {loaded} through {via}.")
    return complaints


def _loaded_by(module: str, modules: Mapping[str, Path]) -> Iterator[tuple[str, str]]:
    """Walk everything that importing a module loads, with the module that loads it."""
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        for found in imports_of(modules[current], current):
            if found.is_for_types_only:
                continue
            yield found.target, current
            # `from package import name` may name a module, and loads the packages around it.
            words = found.target.split(".")
            waiting += [name for name in (".".join(words[:end]) for end in range(1, len(words) + 1)) if name in modules]


def complain_about_rooms(root: Path) -> list[str]:
    """The rooms are where decision 0001 says, and the README maps them to folders."""
    decision = (root / "docs/decisions/0001-layout.md").read_text(encoding="utf-8")
    readme = (root / "README.md").read_text(encoding="utf-8")
    complaints: list[str] = []
    for room, path in ROOMS.items():
        if not (root / path).is_dir():
            complaints.append(f"The room {room} is missing: there is no folder {path}/.")
        if f"| {room} | `{path}/`" not in decision:
            complaints.append(f"Decision 0001 does not say that {room} is {path}/.")
        if f"| {room} | [`{path}/`]({path}) |" not in readme:
            complaints.append(f"The README does not map {room} to {path}/.")
    return complaints


def complain_about_stems(root: Path, widgets: Mapping[str, str]) -> list[str]:
    """A widget has one name: class, module, templates, style. What it needs besides says `tests/widget_rules.py`.

    Args:
        root: The tree.
        widgets: The names of widget classes, and of the modules they are defined in.
    """
    complaints: list[str] = []
    for name, module in widgets.items():
        stem = stem_of(name)
        folder = root / "intarsia/ui_templates" / stem
        if module != f"intarsia.widgets.{stem}":
            complaints.append(f"{name} is defined in {module}, and belongs into intarsia.widgets.{stem}.")
        root_class = f"intarsia-{stem.replace('_', '-')}"
        # A style may name only what is inside the root (`intarsia-task-board__card`), when the root's own is shared.
        for file, end in (("view.html", r"(?![\w-])"), ("style.css", "(?![a-z0-9])")):
            path = folder / file
            if path.is_file() and not re.search(rf"\b{root_class}{end}", path.read_text(encoding="utf-8")):
                complaints.append(f"{path.relative_to(root)} does not use the class {root_class}.")
    return complaints + _strangers_among_templates(root, {stem_of(name) for name in widgets})


def _strangers_among_templates(root: Path, stems: set[str]) -> list[str]:
    folders = {path.parent.name for path in (root / "intarsia/ui_templates").glob("*/view.html")}
    return [f"intarsia/ui_templates/{folder}/ belongs to no widget." for folder in sorted(folders - stems)]


def complain_about_length(root: Path) -> list[str]:
    """A file is read in one sitting."""
    return [
        f"{path.relative_to(root)} has {lines} lines; split it by meaning; the limit is {LINE_LIMIT}."
        for path in written_files(root, ".py", ".ts", ".css", ".html")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > LINE_LIMIT
    ]


def complain_about_unfinished(root: Path) -> list[str]:
    """What is committed is finished."""
    return list(_hits(root, _UNFINISHED, "is unfinished", ".py", ".ts", ".css", ".html", ".md", ".sh", ".toml"))


def complain_about_clocks(root: Path) -> list[str]:
    """Nobody waits by the clock: wait for a condition, with a bound."""
    return list(_hits(root, _CLOCK, "waits by the clock", ".py"))


def complain_about_asserts(root: Path) -> list[str]:
    """A list or a tuple with something in it is always true, whatever is in it: compare it."""
    return [
        f"{path.relative_to(root)}:{node.lineno} checks nothing: what is asserted is true whatever happened."
        for path in written_files(root, ".py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assert) and isinstance(node.test, _ALWAYS_TRUE)
    ]


def complain_about_templates(root: Path) -> list[str]:
    """Templates escape everything and hold no script."""
    templates = [path for path in written_files(root, ".html", ".jinja") if _is_template(path.relative_to(root))]
    return [
        f"{path.relative_to(root)}:{number} has {what}. {REMEDIES[what]}"
        for path in templates
        for number, what in complaints_about_template(path.read_text(encoding="utf-8"))
    ]


def _is_template(path: Path) -> bool:
    """Say whether a file is drawn inside a widget; the View's own document holds the one script there is."""
    return path.parts[:2] == ("intarsia", "ui_templates") and path.parts[2] != "view"


def complain_about_decisions(root: Path) -> list[str]:
    """Decisions are numbered without gaps, and say their number."""
    complaints: list[str] = []
    for expected, path in enumerate(sorted((root / "docs/decisions").glob("*.md")), start=1):
        title = path.read_text(encoding="utf-8").partition("\n")[0]
        if not re.fullmatch(rf"{expected:04}-[a-z0-9-]+\.md", path.name):
            complaints.append(f"docs/decisions/{path.name} should start with {expected:04}-.")
        if not title.startswith(f"# {path.name[:4]}: "):
            complaints.append(f"docs/decisions/{path.name} should open with '# {path.name[:4]}: '.")
    return complaints


def product_modules(root: Path) -> dict[str, Path]:
    """Name every module of the package and of the examples."""
    return {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
        for folder in ("intarsia", "examples")
        for path in sorted((root / folder).rglob("*.py"))
        if not _MADE_BY_TOOLS & set(path.parts)
    }


def layer_of(module: str) -> int | None:
    """Return the layer of a module; None when it has none."""
    return next((layer for name, layer in LAYERS.items() if _is_inside(module, name)), None)


@cache
def imports_of(path: Path, module: str) -> tuple[Import, ...]:
    """Read the imports of a module, those inside functions too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for statement in node.body
        for inner in ast.walk(statement)
    }
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return tuple(
        Import(target, node.lineno, id(node) in for_types)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for target in _targets(node, package)
    )


def _targets(node: ast.Import | ast.ImportFrom, package: str) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    parent = package.rsplit(".", node.level - 1)[0] if node.level else ""
    base = ".".join(name for name in (parent, node.module) if name)
    # The door's own names (`intarsia.__version__`) are harmless; whatever else comes through it may come from anywhere.
    return [base if base == "intarsia" and alias.name[0] != "_" else f"{base}.{alias.name}" for alias in node.names]


def stem_of(name: str) -> str:
    """Spell a class name as a stem: `TaskBoard` is `task_board`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def written_files(root: Path, *suffixes: str) -> Iterator[Path]:
    """Walk the files that people write."""
    for folder in _FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in suffixes and path.is_file() and not _MADE_BY_TOOLS & set(path.relative_to(root).parts):
                yield path


def _is_inside(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def _numbered(path: Path) -> Iterator[tuple[int, str]]:
    return iter(enumerate(path.read_text(encoding="utf-8").splitlines(), start=1))


def _hits(root: Path, pattern: re.Pattern[str], verdict: str, *suffixes: str) -> Iterator[str]:
    for path in written_files(root, *suffixes):
        for number, line in _numbered(path):
            found = pattern.search(line)
            if found:
                yield f"{path.relative_to(root)}:{number} {verdict}: {found.group()}."

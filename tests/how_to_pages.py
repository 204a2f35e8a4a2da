"""Takes pages apart into files, commands and reports; `test_how_to.py` says how a page is written."""

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

FILES = frozenset({"python", "toml", "ini", "nginx", "caddyfile"})
"""Languages whose blocks are files."""

_FENCE = re.compile(r"^```(?P<language>[\w-]*)[^\n]*\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE)
_BROUGHT = re.compile(r"^<!-- (?P<path>[\w./-]+) is (?P<source>[\w./-]+) -->$", re.MULTILINE)
_NAME = re.compile(r"^# (?P<path>[\w./-]+\.(?:py|toml|ini|conf|caddyfile))$")


class PageError(ValueError):
    """A page is not written as `test_how_to.py` says; the message names the line."""


@dataclass(frozen=True)
class Block:
    """What stands between two fences."""

    language: str
    text: str
    line: int
    """Where it starts in its page."""


@dataclass(frozen=True)
class Command:
    """One line of a `sh` block."""

    words: tuple[str, ...]
    line: int
    folder: Path
    """The project it belongs to, as a path inside the page's folder."""


@dataclass
class Page:
    """A how-to, taken apart.

    Args:
        files: What each file holds, by its path.
        commands: In the order of the page.
        reports: The lines that pytest must say of a broken test file, by the file's path.
    """

    files: dict[Path, str] = field(default_factory=dict[Path, str])
    commands: list[Command] = field(default_factory=list[Command])
    reports: dict[Path, list[str]] = field(default_factory=dict[Path, list[str]])

    @property
    def broken(self) -> list[Path]:
        """The test files that must go red."""
        return [path for path in self.files if path.name.startswith("test_broken")]

    @property
    def projects(self) -> list[Path]:
        """The folders that hold tests which must be green."""
        tests = (path for path in self.files if path.name.startswith("test_") and path not in self.broken)
        return sorted({path.parent for path in tests})

    def project_of(self, folder: Path) -> list[Path]:
        """The files of one project, without the tests that must go red."""
        return [path for path in self.files if path.parent == folder and path not in self.broken]

    def write(self, folder: Path, paths: Iterable[Path]) -> None:
        """Write files of one project into a folder."""
        for path in paths:
            (folder / path.name).write_text(self.files[path], encoding="utf-8")


def read_page(text: str, root: Path) -> Page:
    """Take a page apart.

    Args:
        text: Its Markdown.
        root: Where files are that its comments bring.

    Raises:
        PageError: A block has no name or a language that nothing can be done with.
    """
    brought = {Path(found["path"]): root / found["source"] for found in _BROUGHT.finditer(text)}
    page = Page({path: source.read_text(encoding="utf-8") for path, source in brought.items()})
    last: Path | None = None
    for block in blocks_of(text):
        if block.language in FILES:
            last = _take_file(page, block)
        elif block.language == "sh":
            page.commands += _commands_of(block, last.parent if last else Path())
        elif block.language == "text" and last in page.broken:
            page.reports[last] = block.text.splitlines()
        else:
            message = (
                f"Line {block.line}: a block of {block.language or 'no language'} cannot be run here. Name a file in "
                "its first line (python, toml, ini, nginx, caddyfile), write commands (sh), or show a broken test's "
                "report (text)."
            )
            raise PageError(message)
    return page


def blocks_of(text: str) -> Iterator[Block]:
    """Walk the fenced blocks of a page."""
    for found in _FENCE.finditer(text):
        yield Block(found["language"], found["body"], text.count("\n", 0, found.start()) + 1)


def _take_file(page: Page, block: Block) -> Path:
    first, _, rest = block.text.partition("\n")
    named = _NAME.match(first)
    if named is None:
        message = (
            f"Line {block.line}: the first line of a block of {block.language} names its file, such as '# app.py'."
        )
        raise PageError(message)
    path = Path(named["path"])
    if path.is_absolute() or ".." in path.parts:
        message = f"Line {block.line}: {path} is outside the page's folder."
        raise PageError(message)
    before = page.files.get(path)
    page.files[path] = rest if before is None else f"{before}\n\n{rest}"
    return path


def _commands_of(block: Block, folder: Path) -> Iterator[Command]:
    for offset, line in enumerate(block.text.splitlines(), start=1):
        words = shlex.split(line, comments=True)
        if words:
            yield Command(tuple(words), block.line + offset, folder)

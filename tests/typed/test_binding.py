"""mypy and pyright, both strict, see what `partial(action, ...)` binds, and what the decorators are given.

Each line of the snippet that ends in `# wrong` must have an error, and no other line may.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SNIPPET = '''\
# pyright: strict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from intarsia import BoundAction, Connector, Done, Grant
from intarsia.widgets import BoardColumn, Button, Checkbox, Dashboard, Metric, TaskBoard


@asynccontextmanager
async def lifespan(connector: Connector) -> AsyncGenerator[None]:
    print(connector.name)
    yield


@asynccontextmanager
async def without_connector() -> AsyncGenerator[None]:
    yield


app = Connector("Typed", lifespan=lifespan)
Connector("Typed", lifespan=without_connector)  # wrong


@app.action
async def move_card(project: str, card: str, column: str, index: int = 0) -> Done:
    """Move."""
    return Done("Moved.", undo=partial(move_card, project=project, card=card, column=column, index=index))


@app.action(scopes={"cards:write"}, title="Sort")
def sort_cards(grant: Grant, project: str, *, times: int = 1) -> Done:
    """Sort."""
    with app.change() as connection:
        plain: Connection = connection
        print(plain, grant)
        return Done("Sorted.", undo=partial(sort_cards, project=project, times=times))


@app.action
async def mark(value: bool) -> Done:
    """Mark."""
    async with app.change() as connection:
        later: AsyncConnection = connection
        print(later, value)
        return Done("Marked.", undo=mark.bind(value=not value))


@app.tile(timeout_seconds=2)
def cpu(core: int) -> Metric:
    """Read."""
    return Metric("CPU", core)


@app.tile
async def memory() -> Metric:
    """Read."""
    return Metric("Memory", 1)


@app.widget(refresh_seconds=5)
def machine() -> Dashboard:
    """Show."""
    return Dashboard(title="Machine", tiles=[cpu(1), memory()])


@app.widget
async def board(project: str) -> TaskBoard:
    """Show."""
    return TaskBoard(columns=[], on_move=partial(move_card, project=project))


async def called() -> None:
    shown: TaskBoard = await board("apollo")
    read: Dashboard = machine()
    moved: Done = await move_card("apollo", "T-1", column="done")
    done: Done = sort_cards(Grant("ada"), "apollo")
    offered: BoundAction | None = shown.on_move
    print(read, moved, done, offered)


columns = [BoardColumn("todo", "To do", [])]
TaskBoard(columns=columns, on_move=move_card)
TaskBoard(columns=columns, on_move=partial(move_card, project="apollo"))
TaskBoard(columns=columns, on_move=partial(move_card, "apollo"))
TaskBoard(columns=columns, on_move=partial(partial(move_card, project="apollo"), index=1))
TaskBoard(columns=columns, on_move=move_card.bind(project="apollo"))
TaskBoard(columns=columns, on_move=None)
Button("Sort", on_click=partial(sort_cards, project="apollo", times=2))
Checkbox("x", on_change=mark)

TaskBoard(columns=columns, on_move=partial(move_card, projct="apollo"))  # wrong
TaskBoard(columns=columns, on_move=partial(move_card, project=3))  # wrong
TaskBoard(columns=columns, on_move=partial(move_card, 3))  # wrong
TaskBoard(columns=columns, on_move=partial(print, "x"))  # wrong
TaskBoard(columns=columns, on_move=partial(board, project="apollo"))  # wrong
TaskBoard(columns=columns, on_move=board)  # wrong
TaskBoard(columns=columns, on_move="move_card")  # wrong
TaskBoard(columns=columns, on_mve=move_card)  # wrong
Button("Sort", on_click=partial(sort_cards, project="apollo", tims=2))  # wrong
Button("Sort", on_click=partial(sort_cards, project="apollo", times="2"))  # wrong
Button("Sort", on_click=None)  # wrong
Done("Sorted.", undo=partial(sort_cards, projct="apollo"))  # wrong
Done("Sorted.", undo=partial(sort_cards, project=1))  # wrong
Done("Sorted.", undo="no")  # wrong
cpu("1")  # wrong
app.widget(scope={"x"})  # wrong
app.action(destructive="yes")  # wrong
app.tile(width=3)  # wrong


@app.action  # wrong
async def returns_nothing() -> None:
    """Return nothing."""


@app.widget  # wrong
def returns_text() -> str:
    """Return text."""
    return ""
'''


def mypy_errors(snippet: Path) -> set[int]:
    """Return the lines that mypy reports."""
    cache = ROOT / ".mypy_cache" / "typed"  # what the snippet imports is read once
    command = [sys.executable, "-m", "mypy", "--strict", "--output", "json", "--cache-dir", str(cache), snippet.name]
    told = subprocess.run(command, cwd=snippet.parent, env=_here(), capture_output=True, text=True, check=False)
    found = [json.loads(line) for line in told.stdout.splitlines() if line.startswith("{")]
    assert found, told.stdout + told.stderr
    return {each["line"] for each in found if each["severity"] == "error"}


def pyright_errors(snippet: Path) -> set[int]:
    """Return the lines that pyright reports."""
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, str(snippet)]
    told = subprocess.run(command, cwd=snippet.parent, env=_here(), capture_output=True, text=True, check=False)
    found = json.loads(told.stdout)["generalDiagnostics"]
    return {each["range"]["start"]["line"] + 1 for each in found if each["severity"] == "error"}


def _here() -> dict[str, str]:
    return {**os.environ, "MYPYPATH": str(ROOT)}


@pytest.mark.parametrize("errors_of", [mypy_errors, pyright_errors])
def test_every_mistake_in_what_is_bound_is_reported_and_nothing_else(
    errors_of: Callable[[Path], set[int]], tmp_path: Path
) -> None:
    snippet = tmp_path / "snippet.py"
    snippet.write_text(SNIPPET)
    wrong = {number for number, line in enumerate(SNIPPET.splitlines(), 1) if line.endswith("# wrong")}

    assert errors_of(snippet) == wrong

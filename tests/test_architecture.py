"""The page about the architecture is true: paths exist, the drawing shows the imports, a click goes where it says."""

import json
import re
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import httpx2
import pytest

from examples.team_tasks import connector
from intarsia.server.rendering import shared_flight
from tests.server.view_state import Shown
from tests.structure_rules import FOLDER_ORDER, needed_arrows

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
CLICK = re.findall(r"^\d\. `(intarsia/[^`]+\.py)`", PAGE, re.MULTILINE)
HEADERS = {
    "accept": "application/json, text/event-stream",
    "content-type": "application/json",
    "mcp-protocol-version": "2025-11-25",
}


def test_every_path_exists() -> None:
    paths = set(re.findall(r"`((?:intarsia|docs|tests)/[^` ]*)`", PAGE))

    assert len(paths) > 30
    assert sorted(path for path in paths if not (ROOT / path).exists()) == []


def test_every_name_is_in_a_file_that_stands_beside_it() -> None:
    wrong: list[str] = []
    for line in PAGE.splitlines():
        for name, path in re.findall(r"`(\w+)`(?: and `\w+`)? (?:in|\() ?`(intarsia/[^`]+\.(?:py|ts))`", line):
            if not re.search(rf"\b{name}\b", (ROOT / path).read_text(encoding="utf-8")):
                wrong.append(f"{name} is not in {path}")

    assert wrong == []


def test_the_table_names_everything_in_the_server() -> None:
    section = PAGE.partition("| in `intarsia/server/` |")[2].partition("\n\n")[0]
    named = {cell.strip("/").removesuffix(".py") for cell in re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)}

    assert named == set(FOLDER_ORDER["intarsia.server"])


def test_the_drawing_shows_the_imports_that_there_are() -> None:
    drawing = PAGE.partition("```mermaid")[2].partition("```")[0]

    assert set(re.findall(r"^ +(\w+) --> (\w+)$", drawing, re.MULTILINE)) == needed_arrows(ROOT)


async def test_a_click_goes_where_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector.store, "path", tmp_path / "store.db")
    monkeypatch.setattr(shared_flight, "MAX_RENDER_SECONDS", 30)  # tracing takes its time
    app = connector.app()
    entered: set[str] = set()
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            shown = await call(client, "task_board", {"project": "apollo"}, {})
            board = Shown(shown["_meta"]["dev.intarsia/parts"])
            said = {**board.meta(), "dev.intarsia/view": shown["_meta"]["dev.intarsia/view"]}
            move = {"project": "apollo", "card": "T-32", "column": "review", "index": 0, "version": 1}
            with noting(entered):
                answer = await call(client, "move_card", move, {**said, "dev.intarsia/id": "a-click-0001"})

    assert "dev.intarsia/done" in answer["_meta"]
    assert "dev.intarsia/parts" in answer["_meta"]
    assert len(CLICK) == 7
    assert [path for path in CLICK if path not in entered] == []


async def call(client: httpx2.AsyncClient, tool: str, arguments: dict[str, Any], meta: dict[str, Any]) -> Any:
    params = {"name": tool, "arguments": arguments, "_meta": meta}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    answer = await client.post("/mcp", headers=HEADERS, json=message)
    line = next(line for line in answer.text.splitlines() if line.removeprefix("data: ").startswith("{"))
    return json.loads(line.removeprefix("data: "))["result"]


@contextmanager
def noting(entered: set[str]) -> Generator[None]:
    """Note every module of the package in which a function begins to run."""

    def note(frame: FrameType, event: str, _argument: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(ROOT / "intarsia"):
            entered.add(path.relative_to(ROOT).as_posix())

    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(None)

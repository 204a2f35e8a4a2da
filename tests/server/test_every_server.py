"""Whatever server a connector is on, its clients are sent the same, to the letter."""

from pathlib import Path
from typing import Any, cast

import pytest
from mcp import Client
from mcp.server.apps import EXTENSION_ID

from tests.server.conftest import PANEL, fill
from tests.server.server_kinds import ERAS, KINDS, Served
from tests.server.view_state import PARTS, Shown

OTHERS = [kind for kind in KINDS if kind != "own"]
OURS = {"task_board", "move_card", "break_down", "panel", "save_panel", "intarsia_draft"}
CHANGING = {"revision", "dev.intarsia/view"}
ADDED = {"io.modelcontextprotocol/serverInfo", "fastmcp", "dev.intarsia/tool"}
"""What servers put into `_meta` besides ours."""


async def everything(served: Served, era: str, *, shows_apps: bool) -> dict[str, Any]:
    """Ask for all that there is, and return what came, without what differs between servers by design."""
    PANEL["radius"] = 8.0
    async with served.client(era, shows_apps=shows_apps) as client:
        await fill(served.connector)
        tools = [tool for tool in (await client.list_tools()).tools if tool.name in OURS]
        views = (await client.list_resources()).resources
        came: dict[str, Any] = {
            "tools": {tool.name: plain(tool) for tool in tools},
            "views": [{**plain(view), "size": None} for view in views],
            "read": plain((await client.read_resource("ui://team-tasks/view-0.html")).contents[0]),
        }
        return {**came, **await every_call(client)}


async def every_call(client: Client) -> dict[str, Any]:
    board = await client.call_tool("task_board", {})
    shown = Shown((board.meta or {})[PARTS]) if board.meta and PARTS in board.meta else None
    seen: dict[str, Any] = {**shown.meta(), "dev.intarsia/id": "key-00000001"} if shown else {}
    move: dict[str, Any] = {"card": "T-1", "column": "done", "index": 0, "version": 1}
    draft = {"tool": "panel", "arguments": {}, "values": {"radius": 12}}
    handle = {name: value for name, value in (board.meta or {}).items() if name == "dev.intarsia/view"}
    calls: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
        "read": ("task_board", {"stage": "todo"}, {}),
        "unknown argument": ("task_board", {"stages": "todo"}, {}),
        "wrong argument": ("move_card", {**move, "index": "first"}, {}),
        "moved": ("move_card", move, seen),
        "sent again": ("move_card", move, seen),
        "too late": ("move_card", move, {}),
        "refused": ("move_card", {**move, "card": "T-99"}, {}),
        "carried by an argument": ("task_board", {"_intarsia": {"seen": seen.get("dev.intarsia/seen")}}, {}),
        "failed": ("break_down", {}, {}),
        "draft of nobody": ("intarsia_draft", draft, {}),
        "draft": ("intarsia_draft", draft, handle),
        "panel": ("panel", {}, {}),
    }
    answers: dict[str, Any] = {"board": plain(board)}
    for name, (tool, arguments, meta) in calls.items():
        sent: Any = meta or None
        answers[name] = plain(await client.call_tool(tool, arguments, meta=sent))
    return answers


def plain(model: Any) -> Any:
    """Return what was sent, without revisions and handles, which hold the time, and without what servers add."""
    return without(model.model_dump(mode="json", by_alias=True, exclude_none=True))


def without(value: object) -> Any:
    if isinstance(value, list):
        return [without(inner) for inner in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    fields = {key: without(inner) for key, inner in cast("dict[str, Any]", value).items() if key not in ADDED}
    return {key: inner for key, inner in fields.items() if key not in CHANGING and (key, inner) != ("_meta", {})}


@pytest.mark.parametrize("shows_apps", [True, False], ids=["apps", "text"])
@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("kind", OTHERS)
async def test_its_clients_are_sent_what_our_own_server_sends(
    tmp_path: Path, kind: str, era: str, *, shows_apps: bool
) -> None:
    # A stateless server of the earlier era does not know what its client shows; one in memory does.
    like = "2026-07-28" if kind == "MCPServer in memory" else era
    ours = await everything(KINDS["own"](tmp_path / "own.db"), like, shows_apps=shows_apps)
    theirs = await everything(KINDS[kind](tmp_path / "other.db"), era, shows_apps=shows_apps)

    for name, sent in ours.items():
        assert theirs[name] == sent, name
    assert "T-12" in str(theirs["board"])
    assert "secret detail" not in str(theirs)


@pytest.mark.parametrize("kind", KINDS)
async def test_the_extension_is_advertised_in_both_eras(tmp_path: Path, kind: str) -> None:
    served = KINDS[kind](tmp_path / "store.db")
    async with served.running():
        for era in ("legacy", "auto"):
            async with served.connected(era) as client:
                assert EXTENSION_ID in (client.server_capabilities.extensions or {}), era


@pytest.mark.parametrize("kind", OTHERS)
async def test_the_authors_own_tool_is_still_there(tmp_path: Path, kind: str) -> None:
    async with KINDS[kind](tmp_path / "store.db").client("auto") as client:
        assert "add" in {tool.name for tool in (await client.list_tools()).tools}
        assert (await client.call_tool("add", {"a": 40, "b": 2})).structured_content == {"result": 42}

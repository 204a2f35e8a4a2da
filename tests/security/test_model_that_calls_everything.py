"""A host that approves everything, and a model that calls everything, listed and unlisted: nothing is destroyed.

The model knows what a model knows: what is listed, and what answers say in text and `structuredContent`.
"""

import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, cast

import pytest
from mcp.client import Client, advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from sqlalchemy import func, select

from examples import brand_studio, machine_monitor, team_tasks
from examples.team_tasks.tables import CARDS
from intarsia import Connector
from intarsia.server.mcp_server.server import build_server
from intarsia.server.storage.tables import CONFIRMATIONS
from intarsia.server.tools.tool import ActionTool
from tests.security.bookshelf_connector import BOOKS, build_bookshelf, fill

ERAS = ["legacy", "2026-07-28"]
EXAMPLES = {"team tasks": team_tasks, "brand studio": brand_studio, "machine monitor": machine_monitor}
GUESSES: dict[str, list[Any]] = {
    "string": ["apollo", "T-1", "T-32", "B-1", "todo", "local", "main", ""],
    "integer": [1, 0, 2],
    "number": [1.0],
    "boolean": [True],
    "object": [{}],
    "array": [[]],
}
UNLISTED = ["intarsia_draft", "intarsia_access", "intarsia_view", "intarsia_confirm", "delete", "delete_everything"]
BY_NAME = {
    "project": "apollo",
    "card": "T-32",
    "book": "B-1",
    "column": "todo",
    "version": 1,
    "done": True,
    "confirm": True,
}


@pytest.fixture(params=[*EXAMPLES, "shelf"])
async def connector(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Connector]:
    if request.param == "shelf":
        built = build_bookshelf(tmp_path / "shelf.db")
    else:
        built = EXAMPLES[request.param].connector
        monkeypatch.setattr(built.store, "path", tmp_path / "store.db")
    async with built.running():
        if request.param == "shelf":
            await fill(built)
        yield built


def guesses(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Arguments that a model makes of a schema, with what it may hope that a yes looks like."""
    properties: dict[str, Any] = schema.get("properties", {})
    apt = {
        name: BY_NAME.get(name, GUESSES.get(str(one.get("type")), [None])[0])
        for name, one in properties.items()
        if name in schema.get("required", [])
    }
    proofs: list[dict[str, Any]] = [
        {"confirmation": "yes"},
        {"view": "yes", "confirmation": True},
        {"view": "A" * 96, "id": "0123456789abcdef", "confirmation": "A" * 75},
    ]
    others = [{**apt, name: value} for name in apt for value in GUESSES["string"]]
    return [apt, {**apt, "confirm": True}, *others, *({**apt, "_intarsia": proof} for proof in proofs)]


async def rows(connector: Connector) -> int:
    """Count what could be destroyed."""
    tables = {"team-tasks": CARDS, "shelf": BOOKS}
    table = tables.get(connector.catalog.slug)
    if table is None:
        return 0
    async with connector.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("shows_apps", [True, False], ids=["apps", "text"])
async def test_nothing_is_destroyed_without_a_person(connector: Connector, era: str, *, shows_apps: bool) -> None:
    ran: list[str] = []
    actions = [cast("ActionTool[..., Any]", tool) for tool in connector.tools.values() if isinstance(tool, ActionTool)]
    destroyers = [tool for tool in actions if tool.destructive]
    with pytest.MonkeyPatch.context() as watching:
        for tool in destroyers:
            watching.setattr(tool, "run", _noted(tool, ran))
        before = await rows(connector)
        made = await call_everything(connector, era, shows_apps=shows_apps)

    assert made > len(connector.tools)
    assert ran == []
    assert await rows(connector) >= before
    async with connector.read() as connection:
        assert (await connection.execute(select(CONFIRMATIONS))).first() is None


async def call_everything(connector: Connector, era: str, *, shows_apps: bool) -> int:
    """Call every tool that is listed or may be there, again with what answers said, and return how often."""
    made, heard = 0, set[str]()
    async with AsyncExitStack() as stack:
        apps = [advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})] if shows_apps else None
        client = await stack.enter_async_context(Client(build_server(connector.catalog), mode=era, extensions=apps))
        listed = {tool.name: tool.input_schema for tool in (await client.list_tools()).tools}
        hidden = {name: tool.schema for name, tool in connector.tools.items() if name not in listed}
        for name, schema in {**listed, **hidden, **{name: {} for name in UNLISTED}}.items():
            said = [
                {**guesses(schema)[0], "_intarsia": {"view": one, "confirmation": one}} for one in sorted(heard)[:20]
            ]
            for arguments in [*guesses(schema), *said]:
                answer = await client.call_tool(name, arguments)
                made += 1
                words = json.dumps([block.model_dump() for block in answer.content]) + json.dumps(
                    answer.structured_content
                )
                heard |= set(re.findall(r"[\w-]{40,}", words))
    return made


def _noted(tool: ActionTool[..., Any], ran: list[str]) -> Any:
    run = tool.run

    async def noting(*given: Any) -> Any:
        ran.append(tool.name)
        return await run(*given)

    return noting

"""An open View follows changes on whatever server its connector is, in both eras."""

import asyncio
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from intarsia.server.changes.change_log import CHANGE_LOG
from intarsia.widgets import Metric
from tests.server.server_kinds import ERAS, KINDS
from tests.server.view_state import PARTS, Shown

LONG = 20.0


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_view_hears_of_a_change(tmp_path: Path, kind: str, era: str) -> None:
    served = KINDS[kind](tmp_path / "store.db")
    readings = count(1)

    @served.connector.widget(topics="weather:{place}")
    async def weather(place: str) -> Metric:
        """Show the weather of a place."""
        return Metric(place, next(readings))

    async with served.client(era) as client:
        assert "intarsia_view" in {tool.name for tool in (await client.list_tools()).tools}
        opened = (await client.call_tool("weather", {"place": "Berlin"})).meta or {}
        shown = Shown(opened[PARTS])
        meta: Any = {**shown.meta(revision=opened[PARTS]["revision"]), "dev.intarsia/view": opened["dev.intarsia/view"]}
        before = CHANGE_LOG.waiting
        waiting = asyncio.create_task(client.call_tool("intarsia_view", {"wait_seconds": LONG}, meta=meta))
        while CHANGE_LOG.waiting == before:  # noqa: ASYNC110  # it is waited for that somebody waits
            await asyncio.sleep(0)
        served.connector.changed("weather:Rome", "weather:Berlin")

        answer = await asyncio.wait_for(waiting, LONG / 2)

    assert ">2<" in str((answer.meta or {})[PARTS])


@pytest.mark.parametrize("kind", KINDS)
async def test_where_nothing_can_be_followed_nothing_is_listed_for_it(tmp_path: Path, kind: str) -> None:
    async with KINDS[kind](tmp_path / "store.db").client("2026-07-28") as client:
        assert "intarsia_view" not in {tool.name for tool in (await client.list_tools()).tools}

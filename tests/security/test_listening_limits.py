"""T45, T76: what another process turns off ends streams and polls here; one person's streams leave room for others."""

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import SubscriptionFilter, SubscriptionsListenRequestParams, SubscriptionsListenResult

from intarsia import Grant
from intarsia.server.changes.change_log import CHANGE_LOG
from intarsia.server.mcp_server import subscriptions
from intarsia.server.mcp_server.subscriptions import MAX_PER_USER, Subscriptions
from intarsia.server.wire.messages import PARTS, PROBLEM, VIEW
from tests.security.connector_server import build_connector
from tests.security.other_process import turn_off_in_other_process
from tests.server.view_state import Shown

LISTENS = 1_100
SOON = 12
FOLLOWED = 8
"""More than it takes to follow another process, and less than is left of a poll of 25 seconds."""


class Handler:
    """Keeps a stream open, as that of the SDK does, but over no connection."""

    def __init__(self, _bus: object, **_options: object) -> None:
        self._closed = asyncio.Event()

    async def __call__(self, _request: object, _params: object) -> SubscriptionsListenResult:
        await self._closed.wait()
        return SubscriptionsListenResult.model_construct()

    def close(self) -> None:
        self._closed.set()


class Everything:
    """All may be read."""

    def may_read(self, uri: str, grant: Grant) -> bool:
        return bool(uri and grant)


async def test_t76_eleven_hundred_listens_of_one_person_leave_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "ListenHandler", Handler)
    who = Grant("ada")
    streams = Subscriptions(Everything(), lambda: (who, True))
    params = SubscriptionsListenRequestParams(notifications=SubscriptionFilter(tools_list_changed=True))
    request = cast("ServerRequestContext[Any, Any]", None)

    hers = [asyncio.create_task(streams.listen(request, params)) for _ in range(LISTENS)]
    refused, is_open = await asyncio.wait(hers, timeout=SOON, return_when=asyncio.FIRST_COMPLETED)

    assert (len(refused), len(is_open), streams.count) == (LISTENS - MAX_PER_USER, MAX_PER_USER, MAX_PER_USER)
    assert {type(each.exception()) for each in refused} == {MCPError}
    who = Grant("bob")
    his = [asyncio.create_task(streams.listen(request, params)) for _ in range(MAX_PER_USER)]
    while CHANGE_LOG.waiting < 2 * MAX_PER_USER:  # noqa: ASYNC110 - it is waited for that all are open
        await asyncio.sleep(0)
    assert [each.done() for each in his] == [False] * MAX_PER_USER
    CHANGE_LOG.wake_all()
    await asyncio.wait_for(asyncio.gather(*is_open, *his), SOON)
    assert streams.count == 0


async def test_t45_a_poll_is_answered_when_another_process_turns_its_widget_off(tmp_path: Path) -> None:
    here = build_connector(tmp_path / "shared.db", [])
    ada = Grant("ada", scopes={"tasks:read"})
    async with here.running():
        opened = await here.calls.answer("task_board", {}, {}, ada)
        parts = opened.meta[PARTS]
        meta = {VIEW: opened.meta[VIEW], **Shown(parts).meta(revision=parts["revision"])}
        waiting = asyncio.create_task(here.calls.answer("intarsia_view", {"wait_seconds": 25}, meta, ada))
        while not CHANGE_LOG.waiting:  # noqa: ASYNC110 - it is waited for that it waits
            await asyncio.sleep(0)
        await turn_off_in_other_process(tmp_path / "shared.db", "tool:task_board")
        answer = await asyncio.wait_for(waiting, FOLLOWED)

    assert answer.meta[PROBLEM]["kind"] == "off"
    assert PARTS not in answer.meta

"""Connectors that somebody adds to the host page: signing in there, calling as that person, and leaving again."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from tests.host_connectors import READ, WRITE, World, opened_world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened_world(tmp_path) as opened:
        yield opened


async def test_a_person_adds_a_connector_signs_in_and_calls_it(world: World) -> None:
    connector = await world.add()
    assert (await world.one(connector))["state"] == "not_connected"

    page = await world.sign_in(connector)
    assert "Tasks is connected. You can close this tab." in page.text
    assert (await world.told(f"/{connector}/wait"))["connector"]["state"] == "connected"
    assert "Water the plants" in (await world.call(connector, "task_board")).text
    assert (await world.one(connector))["scopes"] == ["offline_access", READ, WRITE]


async def test_what_was_not_granted_is_asked_for_and_then_allowed(world: World) -> None:
    connector = await world.add()
    await world.sign_in(connector, untick=(WRITE,))
    refused = await world.call(connector, "add_task", title="Rest")
    assert refused.status_code == 403
    assert f'scope="{READ} {WRITE}"' in refused.headers["www-authenticate"]
    assert refused.json()["error"]["data"]["missing_scopes"] == [WRITE]

    await world.sign_in(connector, WRITE)
    assert set(httpx2.URL(world.callbacks[-1]).params["scope"].split()) == {READ, WRITE, "offline_access"}
    assert "Added Rest." in (await world.call(connector, "add_task", title="Rest")).text


async def test_no_token_and_no_secret_gets_to_the_page_or_into_a_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        connector = await world.add(client_id="made-up", client_secret="very-secret-indeed")
        refused = await world.ask(f"/{connector}/connect")
        await world.told(f"/{connector}/remove")
        connector = await world.add()
        page = await world.sign_in(connector)
        told = [await world.one(connector), await world.told(f"/{connector}/wait"), page.text, refused.text]
        await world.call(connector, "task_board")

    assert "Bearer" not in str(told)
    assert "very-secret-indeed" not in str(told)
    assert [line for line in caplog.messages if "very-secret-indeed" in line or "Bearer ey" in line] == []

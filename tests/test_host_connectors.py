"""Connectors that somebody adds to the host page: signing in there, calling as that person, and leaving again."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from argon2 import PasswordHasher

from intarsia import Connector
from intarsia.host import running_host
from intarsia.server.auth.authorization_server.accounts import accounts
from intarsia.server.http.request_limits import LOCAL_HOSTS
from tests.connected_host_page import READ, WRITE, World, running_host_page
from tests.security.mutation import Guard, Mutants, Mutation, each_guard

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    # No time is spent here on what makes real passwords slow to guess.
    monkeypatch.setattr(accounts, "_hasher", lambda: PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    async with running_host_page(tmp_path) as opened:
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
    with caplog.at_level(logging.DEBUG, logger="mcp"), caplog.at_level(logging.DEBUG, logger="intarsia"):
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


@pytest.mark.parametrize("headers", [{"Origin": "http://127.0.0.1:1"}, {"Origin": ""}, {"Sec_Fetch_Site": "same-site"}])
async def test_only_the_page_may_ask(world: World, headers: dict[str, str]) -> None:
    connector = await world.add()
    await world.sign_in(connector)
    asked = {path: await world.ask(path, {}, **headers) for path in (
        "", "/blocked", *(f"/{connector}/{what}" for what in ("connect", "wait", "disconnect", "remove", "mcp")),
    )}  # fmt: skip
    assert {path: answer.status_code for path, answer in asked.items()} == dict.fromkeys(asked, 403)
    assert (await world.one(connector))["state"] == "connected"


@pytest.mark.parametrize(
    "url", ["http://tasks.example.com/mcp", "javascript:alert(1)", "https://a@example.com/mcp", "ftp://example.com", ""]
)
async def test_an_address_that_cannot_be_one_is_refused_in_words(world: World, url: str) -> None:
    answer = await world.ask("", {"name": "Bad", "url": url})
    assert answer.status_code == 400
    assert "The address of a connector" in answer.json()["error"]


async def test_a_person_comes_back_once_and_only_from_a_sign_in_that_was_begun(world: World) -> None:
    connector = await world.add()
    address = (await world.told(f"/{connector}/connect"))["address"]
    told = await world.browser.consent(address)
    stranger = await world.come_back(address, {**told, "state": "made-up"})
    assert (stranger.status_code, (await world.one(connector))["state"]) == (400, "not_connected")
    assert (await world.come_back(address, told)).status_code == 200
    again = await world.come_back(address, told)
    assert again.status_code == 400
    assert "is unknown or has ended" in again.text


async def test_what_an_owner_blocks_is_not_passed_on(world: World) -> None:
    connector = await world.add()
    await world.sign_in(connector)
    known = await world.told("/blocked", {"connector": connector, "tool": "task_board", "blocked": True})
    assert known["blocked"] == {connector: ["task_board"]}
    answer = await world.call(connector, "task_board")
    assert answer.json()["error"]["message"] == "task_board is blocked for everyone by an owner of this organization."
    await world.told("/blocked", {"connector": connector, "tool": "task_board", "blocked": False})
    assert "Water the plants" in (await world.call(connector, "task_board")).text


async def test_a_page_that_others_reach_has_no_connectors_to_add(tmp_path: Path) -> None:
    own = Connector("Own", store=tmp_path / "own.db")
    hosts = (*LOCAL_HOSTS, "host.example.com")
    async with running_host(own.app(), hosts=hosts) as addresses, httpx2.AsyncClient() as http:
        config = (await http.get(f"{addresses.page}host/config.json")).json()
        answer = await http.get(f"{addresses.page}host/connectors")
    assert (config["connectors"], answer.status_code) == (None, 404)


PAGE_ONLY, CONNECTING = "intarsia/host/same_origin.py", "intarsia/host/connectors/oauth_client.py"
ROUTES, SERVING = "intarsia/host/connectors/routes.py", "intarsia/host/server.py"
HERE, UNIT = "tests/test_host_connectors.py", "tests/test_host_connecting.py"
GUARDS = {
    "page": (f"{HERE} -k only_the_page", Mutation(ROUTES, "for_the_page(_in_words(asked))", "_in_words(asked)")),
    "private": (f"{HERE} -k others_reach", Mutation(SERVING, "if _is_private(host, hosts) else None", "")),
    "opened": (f"{UNIT} -k not_safe", Mutation(CONNECTING, "if not self._may_ask(address):", "if not address:")),
    "asked": (f"{UNIT} -k not_safe", Mutation(CONNECTING, "if not self._may_ask(str(request.url)):", "if False:")),
    "late": (f"{UNIT} -k late", Mutation(CONNECTING, "if self.is_open and authorization == current:", "if True:")),
    "down": (f"{UNIT} -k costs_nobody", Mutation(CONNECTING, "== 429 or answer.status_code >= 500", "== 1")),
}  # fmt: skip


@each_guard(GUARDS)
async def test_each_guard_is_needed(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)

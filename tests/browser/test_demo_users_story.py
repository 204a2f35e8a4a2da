"""The demo's people in the host page: who they are, what they grant on the way, and what they take back."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.async_api import Browser, Page, expect

from intarsia import Connector
from intarsia.cli import demo_connector
from intarsia.host import HostAddresses, running_host, with_demo_users
from intarsia.testing import View
from intarsia.testing.console import Console
from intarsia.testing.fixtures import isolated
from intarsia.testing.page import HostPage, patient
from tests.browser.story_support import Board, server_order
from tests.browser.view_scripts import ROOT
from tests.security.connector_server import ERAS, Served

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

WRITE = "tasks:write"
SIGNED_OUT = "You are signed out of this connector. Connect again."


@dataclass
class Demo:
    """A demo in a browser, used as a user would."""

    connector: Connector
    host: HostPage
    page: Page

    async def board(self) -> Board:
        return Board(await View(self.host, await self.host.call("task_board", {"project": "apollo"})).settled())

    async def open_panel(self) -> None:
        await self.page.locator(".who-button").click()

    async def become(self, name: str) -> None:
        await self.page.locator(".who-user", has_text=name).click()
        await expect(self.page.get_by_text(f"Signed in as {name}.")).to_be_visible()

    async def answer(self, *, allow: bool) -> None:
        await self.page.get_by_role("button", name="Allow" if allow else "Not now", exact=True).click()


@pytest.fixture
async def demo(browser: Browser, tmp_path: Path) -> AsyncIterator[Demo]:
    connector = demo_connector()
    with isolated(connector, tmp_path):
        async with running_host(with_demo_users(connector)) as addresses:
            context = patient(await browser.new_context(viewport={"width": 1200, "height": 900}))
            console = Console()
            console.listen(context)
            console.expect("status of 40[13]")  # what the browser notes about each refusal
            as_reader = HostAddresses(f"{addresses.page}?user=reader", addresses.mcp, addresses.sandbox)
            host = HostPage(await context.new_page(), as_reader, console, "", has_touch=False)
            await host.load({})
            yield Demo(connector, host, host.page)
            assert console.unexpected() == []
            await context.close()


async def test_a_reader_grants_access_in_the_widget_and_moves_a_card_in_it(demo: Demo) -> None:
    board = await demo.board()
    todo, review = await server_order(demo.connector, "todo"), await server_order(demo.connector, "review")
    frame = board.view.frame
    assert f"need {WRITE}," in board.view.text
    assert await board.view.body.get_by_role("button", name="Move").count() == 0

    await board.view.press(f"Grant access to {WRITE}")
    question = demo.page.get_by_role("group", name=f"Allow {WRITE}?")
    await expect(question).to_contain_text(
        "Move card needs tasks:write, a permission you don't have. You are signed in as Rea Okafor, reader."
    )
    await expect(question).to_be_focused()
    await demo.answer(allow=True)
    await expect(board.handle(todo[0])).to_be_visible()
    await board.drag(todo[0], onto=review[0])
    await board.expect_order("review", [todo[0], review[0]])

    await board.view.settled()
    assert (await server_order(demo.connector, "review"))[:2] == [todo[0], review[0]]
    assert board.view.frame is frame
    await demo.open_panel()
    await expect(demo.page.get_by_role("checkbox", name="Change tasks")).to_be_checked()


async def test_a_no_leaves_everything_as_it_was_and_says_why(demo: Demo) -> None:
    board = await demo.board()
    await board.view.press(f"Grant access to {WRITE}")
    await demo.answer(allow=False)
    await expect(board.view.locator("body")).to_contain_text(
        "Move card needs tasks:write, a permission you don't have."
    )
    assert await board.view.body.get_by_role("button", name="Move").count() == 0
    await demo.open_panel()
    await expect(demo.page.get_by_role("checkbox", name="Change tasks")).not_to_be_checked()


async def test_what_is_taken_back_is_refused_at_the_next_act_and_undone_there(demo: Demo) -> None:
    await demo.open_panel()
    await demo.become("Edda Lindqvist")
    await demo.page.keyboard.press("Escape")
    # The open board would notice by itself: here the user is quicker.
    await demo.host.set({"faults": {"hold": "request", "only": ["intarsia_view"]}})
    board = await demo.board()
    todo, review = await server_order(demo.connector, "todo"), await server_order(demo.connector, "review")
    await demo.open_panel()
    await demo.page.get_by_role("checkbox", name="Change tasks").uncheck()
    await expect(demo.page.get_by_text(f"Revoked {WRITE}. This takes effect within 5 seconds.")).to_be_visible()
    await demo.page.keyboard.press("Escape")
    refused = demo.page.get_by_role("group", name=f"Allow {WRITE}?")
    await ends(demo, "move_card")
    await board.drag(todo[0], onto=review[0])
    await expect(refused).to_be_visible()
    await demo.answer(allow=False)

    await board.expect_order("todo", todo[:2])
    assert f"needs {WRITE}" in (await board.view.settled()).problem
    assert await server_order(demo.connector, "todo") == todo
    assert await server_order(demo.connector, "review") == review


async def test_an_editor_without_the_scope_sees_why_and_a_forged_call_with_the_same_token_changes_nothing(
    demo: Demo,
) -> None:
    sent: list[str] = []
    demo.page.on("request", lambda request: sent.append(request.headers.get("authorization", "")))
    await demo.open_panel()
    await demo.become("Edda Lindqvist")
    await demo.page.get_by_role("checkbox", name="Change tasks").uncheck()
    await expect(demo.page.get_by_text(f"Revoked {WRITE}. This takes effect within 5 seconds.")).to_be_visible()
    await demo.page.keyboard.press("Escape")
    await ends(demo, "move_card")
    board = await demo.board()
    todo, review = await server_order(demo.connector, "todo"), await server_order(demo.connector, "review")
    assert f"need {WRITE}," in board.view.text
    assert await board.view.body.get_by_role("button", name="Move").count() == 0

    given = {"project": "apollo", "card": todo[0], "column": "review", "index": 0, "version": 1}
    for era in ERAS:
        answer = await forged(demo, [header for header in sent if header][-1], era, "move_card", given)
        assert answer.status_code == 403
        assert WRITE in answer.headers["www-authenticate"]
        assert answer.json()["error"]["data"]["missing_scopes"] == [WRITE]
    assert await server_order(demo.connector, "todo") == todo
    assert await server_order(demo.connector, "review") == review


async def forged(demo: Demo, authorization: str, era: str, tool: str, arguments: dict[str, Any]) -> httpx2.Response:
    """Call a tool past the page, with what the page proves itself by."""
    assert authorization.startswith("Bearer ")
    async with httpx2.AsyncClient() as http:
        served = Served([demo.host.addresses.mcp.removesuffix("/mcp")], http, [])
        proof = {"Authorization": authorization}
        return await served.call(era, tool=tool, arguments=arguments, headers=proof)


async def ends(demo: Demo, tool: str) -> None:
    """Wait until the connector refuses a tool to the token that the page has, at most 5 seconds."""
    ask = """async ([tool, address]) => {
        const params = { name: tool, arguments: {} };
        const headers = { "Content-Type": "application/json", Accept: "application/json, text/event-stream",
                          "MCP-Protocol-Version": "2025-11-25" };
        const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params });
        const sent = intarsiaHost.access.fetch(address, { method: "POST", headers, body });
        const answer = await sent.catch((error) => error);
        return answer instanceof Error;
    }"""
    asked = [tool, demo.host.addresses.mcp]
    async with asyncio.timeout(5):
        while not await demo.page.evaluate(ask, asked):  # noqa: ASYNC110  # it says nothing by itself
            await asyncio.sleep(0.1)


async def test_an_open_board_goes_on_as_whoever_is_chosen_and_ends_for_whoever_leaves(demo: Demo) -> None:
    board = await demo.board()
    frame = board.view.frame
    await demo.open_panel()
    await demo.become("Amir Haddad")
    await expect(board.view.body.get_by_role("button", name="Move").first).to_be_visible()
    await demo.become("Rea Okafor")
    await expect(board.view.body.get_by_role("button", name=f"Grant access to {WRITE}")).to_be_visible()
    assert board.view.frame is frame

    await demo.page.get_by_role("button", name="Disconnect").click()
    await expect(board.view.locator("body")).to_contain_text(re.compile("signed out|access was withdrawn"))
    await expect(board.view.body.get_by_role("button", name="Grant access")).to_have_count(0)
    await expect(demo.page.get_by_role("button", name="Signed out")).to_be_visible()
    await demo.page.evaluate("() => intarsiaHost.call('task_board', { project: 'apollo' })")
    await expect(demo.page.locator(".turn").last.locator(".failure")).to_have_text(SIGNED_OUT)

    await demo.page.get_by_role("button", name="Connect", exact=True).click()
    await expect(board.view.body.get_by_role("button", name=f"Grant access to {WRITE}")).to_be_visible()


async def test_a_page_that_opens_signed_out_says_so_and_connects(demo: Demo) -> None:
    await demo.open_panel()
    await demo.page.get_by_role("button", name="Disconnect").click()
    await expect(demo.page.get_by_role("button", name="Signed out")).to_be_visible()
    await demo.page.reload()
    await expect(demo.page.get_by_role("alert")).to_have_text(SIGNED_OUT)
    await demo.open_panel()
    await demo.page.get_by_role("button", name="Connect", exact=True).click()
    await expect(demo.page.locator(".offer").first).to_be_visible()


async def test_no_token_is_shown_or_kept(demo: Demo) -> None:
    board = await demo.board()
    sent: list[str] = []
    demo.page.on("request", lambda request: sent.append(request.headers.get("authorization", "")))
    await board.view.press(f"Grant access to {WRITE}")
    await demo.answer(allow=True)
    await expect(board.view.body.get_by_role("button", name="Move").first).to_be_visible()
    kept: str = await demo.page.evaluate(
        """() => JSON.stringify(
            [{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href, document.body.outerHTML])"""
    )
    noted = json.dumps(await demo.host.traffic())
    tokens = {header.removeprefix("Bearer ") for header in sent} - {""}

    assert len(tokens) == 2
    assert [token for token in tokens if token in kept or token in noted] == []
    assert [frame.url for frame in demo.page.frames if any(token in frame.url for token in tokens)] == []


async def test_everything_can_be_done_with_the_keyboard(demo: Demo) -> None:
    button = demo.page.get_by_role("button", name="Signed in as Rea Okafor reader")
    await button.focus()
    await demo.page.keyboard.press("Enter")
    await demo.page.keyboard.press("Tab")
    await demo.page.keyboard.press("Tab")
    await expect(demo.page.get_by_role("button", name="Edda Lindqvist editor")).to_be_focused()
    await demo.page.keyboard.press("Enter")
    await expect(demo.page.get_by_text("Signed in as Edda Lindqvist.")).to_be_visible()
    box = demo.page.get_by_role("checkbox", name="Change tasks")
    await box.focus()
    await demo.page.keyboard.press("Space")
    await expect(demo.page.get_by_text(f"Revoked {WRITE}.")).to_be_visible()
    await expect(box).not_to_be_checked()
    await expect(box).to_be_focused()
    await demo.page.keyboard.press("Escape")
    await expect(demo.page.locator(".who-panel")).to_be_hidden()
    await expect(demo.page.get_by_role("button", name="Signed in as Edda Lindqvist editor")).to_be_focused()


@pytest.mark.sampled(2)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 760, 1200])
async def test_the_panel_and_the_question_are_there_for_everybody(demo: Demo, theme: str, width: int) -> None:
    await demo.page.set_viewport_size({"width": width, "height": 800})
    await demo.host.set({"theme": theme})
    board = await demo.board()
    await board.view.press(f"Grant access to {WRITE}")
    await expect(demo.page.get_by_role("group", name=f"Allow {WRITE}?")).to_be_visible()
    await demo.open_panel()

    await demo.page.evaluate((ROOT / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8"))
    barriers = (
        "async () => (await axe.run({ exclude: ['iframe'] })).violations.map(({ id, nodes }) => [id, nodes[0].html])"
    )
    assert await demo.page.evaluate(barriers) == []
    overflow = "() => document.documentElement.scrollWidth - innerWidth"
    assert await demo.page.evaluate(overflow) <= 0
    panel = await demo.page.locator(".who-panel").bounding_box()
    assert panel is not None
    assert 0 <= panel["x"] <= panel["x"] + panel["width"] <= width

"""The admin pages in a real browser, with an issuer that is not ours: in, a tool off, out; in no frame."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from intarsia import Connector
from intarsia.host.server import Listener, open_socket, running, running_server
from tests.admin.issuer_admin_site import BOARD, resource_server
from tests.security.connector_server import build_connector
from tests.security.issuer import RunningIssuer, make_keys, running_issuer

pytestmark = [pytest.mark.anyio, pytest.mark.browser]


@dataclass
class Team:
    """A connector on this machine, and the issuer of its team."""

    origin: str
    connector: Connector
    issuer: RunningIssuer

    async def sign_in(self, page: Page, name: str) -> None:
        """Go to the admin page, and sign in where that leads."""
        await page.goto(f"{self.origin}/admin")
        assert page.url.startswith(self.issuer.url)
        await page.locator('input[name="login"]').fill(name)
        await page.locator('input[name="password"]').fill("made-up-password")
        await page.locator('button[type="submit"]').click()
        await page.locator('button[type="submit"]').click()  # consent
        await page.wait_for_url(f"{self.origin}/**")

    async def board_is(self) -> str:
        return {row.what: row.position.value for row in await self.connector.switches.rows()}.get(BOARD, "on")


@pytest.fixture
async def team(tmp_path: Path) -> AsyncIterator[Team]:
    async with AsyncExitStack() as stack:
        issuer = await stack.enter_async_context(running_issuer(make_keys("team")))
        listening = open_socket("127.0.0.1", 0)
        origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
        connector = build_connector(tmp_path / "store.db", [])
        app = connector.app(auth=resource_server(issuer.url, resource=f"{origin}/mcp"))
        await stack.enter_async_context(running([Listener(app, listening)]))
        yield Team(origin, connector, issuer)


async def test_an_admin_signs_in_turns_a_tool_off_and_signs_out(team: Team, page: Page) -> None:
    await team.sign_in(page, "ruth")
    await expect(page).to_have_url(f"{team.origin}/admin")
    await expect(page.get_by_role("link", name="Audit log")).to_be_visible()
    await expect(page.get_by_role("link", name="People")).to_have_count(0)

    board = page.locator("form").filter(has=page.locator(f'[name="tool"][value="{BOARD}"]')).first
    await board.locator('button[value="off"]').click()
    await expect(page.locator("#status")).to_contain_text("Task board")
    assert await team.board_is() == "off"

    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Signed out")).to_be_visible()
    await page.get_by_role("link", name="Sign in again").click()
    await expect(page.locator('input[name="login"]')).to_be_visible()


async def test_t44_who_lacks_the_role_is_told_so_and_who_loses_it_is_out(team: Team, browser: Browser) -> None:
    eve, ruth = await browser.new_context(), await browser.new_context()
    try:
        refused, page = await eve.new_page(), await ruth.new_page()
        await team.sign_in(refused, "eve")
        await expect(refused.get_by_role("heading", name="Admins only")).to_be_visible()

        await team.sign_in(page, "ruth")
        await expect(page.get_by_role("link", name="Audit log")).to_be_visible()
        await team.issuer.tell("roles", account="ruth", roles=["editor"])

        async def is_out() -> bool:
            await page.goto(f"{team.origin}/admin")
            return await page.get_by_role("heading", name="Admins only").is_visible()

        for _ in range(200):  # what the issuer said is used for four seconds
            if await is_out():
                break
        assert await page.get_by_role("heading", name="Admins only").is_visible()
    finally:
        await eve.close()
        await ruth.close()


async def test_t43_the_pages_cannot_be_framed(team: Team, page: Page) -> None:
    async def framing(_request: Request) -> Response:
        return HTMLResponse(f"<iframe src='{team.origin}/admin'></iframe>")

    await team.sign_in(page, "ruth")
    async with running_server(Starlette(routes=[Route("/", framing)])) as address:
        await page.goto(address)
        await page.wait_for_load_state("networkidle")

        _, framed = page.frames
        assert "Switches" not in await framed.content()

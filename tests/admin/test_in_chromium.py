"""The pages of an admin in a real browser: for everybody, on a phone, by keyboard, without script, and in no frame."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.async_api import Browser, Locator, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from intarsia import EmbeddedIssuer
from intarsia.host.server import Listener, open_socket, running, running_server
from intarsia.server.admin.access import ADMIN
from intarsia.testing.accessibility import STANDARDS
from tests.authorization_server.accounts import with_account
from tests.authorization_server.browser import PASSWORD, opened
from tests.authorization_server.test_in_chromium import AXE, BARRIERS
from tests.security.connector_server import build_connector

pytestmark = pytest.mark.browser

WIDTHS = (375, 760)


@dataclass
class Office:
    """A connector with admins, behind a real server, and a page of somebody else."""

    origin: str
    framing: str

    @asynccontextmanager
    async def visited(self, browser: Browser, account: str = "root", **options: Any) -> AsyncGenerator[Page]:
        """Sign somebody in in a browser of their own."""
        context = await browser.new_context(**options)
        page = await context.new_page()
        await page.goto(f"{self.origin}/admin")
        await page.get_by_label("Name").fill(account)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("heading", level=1).wait_for()
        try:
            yield page
        finally:
            await context.close()


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    for name, roles in (("root", [ADMIN]), ("ruth", [ADMIN]), ("ada", ["editor"])):
        await with_account(tmp_path / "accounts.db", name, roles=roles)

    async def framing(request: Request) -> Response:
        return HTMLResponse(f"<iframe src='{request.query_params['page']}'></iframe>")

    async with AsyncExitStack() as stack:
        bound = stack.enter_context(open_socket("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{bound.getsockname()[1]}"
        app = build_connector(tmp_path / "store.db", []).app(
            auth=EmbeddedIssuer(origin, accounts=tmp_path / "accounts.db")
        )
        await stack.enter_async_context(running([Listener(app, bound)]))
        others = Starlette(routes=[Route("/framing", framing)])
        yield Office(origin, await stack.enter_async_context(running_server(others)))


def switch(page: Page, tool: str, position: str) -> Locator:
    group = page.get_by_role("group", name=tool, exact=True)
    return group.get_by_role("button", name=position, exact=True)


async def assert_for_everybody(page: Page) -> None:
    """Nothing is wider than the window, and axe-core complains about nothing."""
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.evaluate(f"{AXE.read_text(encoding='utf-8')}\n;undefined")
    assert await page.evaluate(BARRIERS, list(STANDARDS)) == []


async def connect_an_app(office: Office) -> None:
    async with opened(office.origin) as person:
        metadata = {"client_name": "A chat with a rather long name", "redirect_uris": ["http://127.0.0.1:9/callback"]}
        client_id = (await person.http.post("/register", json=metadata)).json()["client_id"]
        query = {
            "response_type": "code", "client_id": client_id, "redirect_uri": "http://127.0.0.1:9/callback",
            "state": "s", "code_challenge": "aTHcuf1dzpEf1zNTFBMtRAg5g90QcrIBm3OIExpj7a0", "scope": "tasks:read",
            "code_challenge_method": "S256",
        }  # fmt: skip
        told = await person.consent(f"/authorize?{urlencode(query)}")
        form = {"grant_type": "authorization_code", "client_id": client_id, "code": told["code"],
                "code_verifier": "a-verifier-that-is-long-enough-for-the-rule-of-43"}  # fmt: skip
        assert (await person.http.post("/token", data=form)).status_code == 200


@pytest.mark.sampled(1)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_everybody_can_use_every_page_in_every_state(
    browser: Browser, office: Office, scheme: Any, width: int
) -> None:
    await connect_an_app(office)
    options: dict[str, Any] = {"color_scheme": scheme, "viewport": {"width": width, "height": 700}}
    async with office.visited(browser, "ada", **options) as page:
        await expect(page.get_by_role("heading", name="Admins only")).to_be_visible()
        await assert_for_everybody(page)
    async with office.visited(browser, **options) as page:
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        states: dict[str, Callable[[], Awaitable[object]]] = {
            "switches": lambda: page.goto(f"{office.origin}/admin"),
            "turned off": lambda: switch(page, "Task board", "Off").click(),
            "nothing found": lambda: page.get_by_label("Find tools").fill("nothing of that name"),
            "preview": lambda: page.goto(f"{office.origin}/admin/preview?tool=task_board"),
            "log": lambda: page.goto(f"{office.origin}/admin/log"),
            "verified": lambda: page.get_by_role("link", name="Verify").click(),
            "nothing in the log": lambda: page.goto(f"{office.origin}/admin/log?who=nobody"),
            "people": lambda: page.goto(f"{office.origin}/admin/people"),
        }
        shown = {
            "switches": "3 of 3 tools", "turned off": "Task board: off.", "nothing found": "No tool matches.",
            "preview": "made-up data", "log": "on the admin pages", "verified": "the log is intact",
            "nothing in the log": "No matching entries", "people": "A chat with a rather long name",
        }  # fmt: skip
        for name, act in states.items():
            await act()
            await expect(page.locator("main")).to_contain_text(shown[name])
            await assert_for_everybody(page)
        await page.goto(f"{office.origin}/admin")
        await page.get_by_label("Select Task board").check()
        await page.locator("#several").get_by_label("Position").select_option("text only")
        await page.locator("#several").get_by_label("For").fill("editor")
        await page.get_by_role("button", name="Review changes").click()
        await expect(page.get_by_text("1 account: ada")).to_be_visible()
        await assert_for_everybody(page)
        await page.get_by_role("button", name="Change", exact=True).click()
        await expect(page.get_by_role("group", name="Task board for editor")).to_be_visible()
        await assert_for_everybody(page)
        assert complaints == []


async def test_by_keyboard_alone_and_the_focus_stays_where_it_was(browser: Browser, office: Office) -> None:
    async with office.visited(browser, viewport={"width": 375, "height": 700}) as page:
        button = switch(page, "Task board", "Text only")
        for _ in range(100):
            await page.keyboard.press("Tab")
            if await button.evaluate("(button) => button === document.activeElement"):
                break
        before = await page.evaluate("scrollY")
        await page.keyboard.press("Space")

        await expect(page.get_by_role("status")).to_have_text("Task board: text only.")
        await expect(button).to_have_attribute("aria-pressed", "true")
        await expect(button).to_be_focused()
        assert abs(await page.evaluate("scrollY") - before) < 60  # the line that says who set it came in
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_have_text("Task board: off.")


async def test_tools_are_found_while_somebody_types(browser: Browser, office: Office) -> None:
    async with office.visited(browser) as page:
        await page.get_by_label("Find tools").press_sequentially("board")
        await expect(page.get_by_role("heading", name="1 of 3 tools")).to_be_visible()
        await expect(page.get_by_label("Find tools")).to_be_focused()
        await page.get_by_label("Find tools").fill("")
        await page.get_by_label("Kind").select_option("actions")
        await expect(page.get_by_role("heading", name="2 of 3 tools")).to_be_visible()
        assert "kind=action" in page.url


async def test_without_script_everything_works_too(browser: Browser, office: Office) -> None:
    async with office.visited(browser, java_script_enabled=False) as page:
        await switch(page, "Task board", "Off").click()
        await expect(page.get_by_role("status")).to_have_text("Task board: off.")
        await page.get_by_label("Find tools").fill("add")
        await page.get_by_role("button", name="Search").click()
        await expect(page.get_by_role("heading", name="1 of 3 tools")).to_be_visible()
        await page.get_by_label("Select Add task").check()
        await page.get_by_role("button", name="Review changes").click()
        await expect(page.get_by_text("3 accounts: ada, root, ruth")).to_be_visible()


async def test_t44_the_slower_of_two_admins_is_told_in_the_page(browser: Browser, office: Office) -> None:
    async with office.visited(browser, "root") as root, office.visited(browser, "ruth") as ruth:
        await switch(root, "Task board", "Off").click()
        await expect(root.get_by_role("status")).to_have_text("Task board: off.")
        await switch(ruth, "Task board", "Text only").click()

        await expect(ruth.get_by_role("heading", name="Someone else made a change")).to_be_visible()
        await expect(ruth.get_by_text("root set tool:task_board to off.")).to_be_visible()
        await assert_for_everybody(ruth)
        await ruth.get_by_role("link", name="Back to switches").click()
        await expect(switch(ruth, "Task board", "Off")).to_have_attribute("aria-pressed", "true")


async def test_t43_no_page_is_shown_in_a_frame_of_others(browser: Browser, office: Office) -> None:
    async with office.visited(browser) as page:
        told: list[str] = []
        page.on("console", lambda message: told.append(message.text))
        for path in ("/admin", "/admin/people", "/admin/log", "/admin/example?tool=task_board"):
            told.clear()
            await page.goto(f"{office.framing}/framing?{urlencode({'page': office.origin + path})}")
            frame = page.frames[-1]
            await frame.wait_for_load_state()
            assert await frame.locator("main").count() == 0
            assert any("frame-ancestors" in text for text in told), told


async def test_the_preview_is_shown_and_runs_nothing(browser: Browser, office: Office) -> None:
    async with office.visited(browser) as page:
        await page.get_by_role("link", name="Preview of Task board").click()
        example = page.frame_locator("#example")
        await expect(example.get_by_text("Fix login")).to_be_visible()
        await page.get_by_role("link", name="text is markup").click()
        await expect(example.get_by_text("<img src=x").first).to_be_visible()
        assert await page.frames[-1].evaluate("document.scripts.length") == 0

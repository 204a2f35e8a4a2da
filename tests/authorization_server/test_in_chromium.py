"""The pages in a real browser: without script, in no frame, on a phone, for everybody, and on to the app."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from playwright.async_api import Browser, Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from intarsia import EmbeddedIssuer, testing
from intarsia.host.server import Listener, open_socket, running, running_server
from intarsia.testing.accessibility import STANDARDS
from tests.authorization_server.accounts import with_account
from tests.authorization_server.browser import PASSWORD
from tests.authorization_server.sign_in_site import CHALLENGE, VERIFIER
from tests.security.connector_server import build_connector

pytestmark = pytest.mark.browser

AXE = Path(testing.__file__).parent / "dist" / "axe.js"
# A frame of an opaque origin cannot be looked into, and axe would complain on the console that it cannot ask there.
BARRIERS = """async (tags) => {
  const { violations } = await axe.run(document, { runOnly: { type: "tag", values: tags }, iframes: false });
  return violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.html}`));
}"""


@dataclass
class Site:
    """A connector, and an app that sends people there."""

    origin: str
    app: str
    came_back: "asyncio.Queue[dict[str, str]]"

    async def register(self, **changed: Any) -> str:
        async with httpx2.AsyncClient(base_url=self.origin) as http:
            metadata = {"client_name": "Chat", "redirect_uris": [f"{self.app}/callback"], **changed}
            client_id: str = (await http.post("/register", json=metadata)).json()["client_id"]
            return client_id

    def asks(self, client_id: str) -> str:
        query = {
            "response_type": "code", "client_id": client_id, "redirect_uri": f"{self.app}/callback", "state": "s",
            "code_challenge": CHALLENGE, "code_challenge_method": "S256", "scope": "tasks:read tasks:write",
        }  # fmt: skip
        return f"{self.origin}/authorize?{urlencode(query)}"

    async def redeem(self, client_id: str, code: str) -> dict[str, Any]:
        form = {"grant_type": "authorization_code", "client_id": client_id, "code": code, "code_verifier": VERIFIER}
        async with httpx2.AsyncClient(base_url=self.origin) as http:
            tokens: dict[str, Any] = (await http.post("/token", data=form)).json()
            return tokens


@pytest.fixture(scope="module")
async def site(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:  # noqa: ARG001 - an async fixture of a module must name it
    folder = tmp_path_factory.mktemp("site")
    await with_account(folder / "accounts.db", "ada")
    came_back: asyncio.Queue[dict[str, str]] = asyncio.Queue()

    async def callback(request: Request) -> Response:
        await came_back.put(dict(request.query_params))
        # Apps send people on, to a scheme or a site of theirs: that must not fail because it began with a form.
        return RedirectResponse(f"http://localhost:{request.url.port}/done")

    async def framing(request: Request) -> Response:
        return HTMLResponse(f"<iframe src='{request.query_params['page']}'></iframe>")

    async def done(_request: Request) -> Response:
        return HTMLResponse("<h1>Back in the app</h1>")

    app = Starlette(routes=[Route("/callback", callback), Route("/framing", framing), Route("/done", done)])
    async with AsyncExitStack() as stack:
        bound = stack.enter_context(open_socket("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{bound.getsockname()[1]}"
        connector = build_connector(folder / "store.db", []).app(
            auth=EmbeddedIssuer(origin, accounts=folder / "accounts.db")
        )
        await stack.enter_async_context(running([Listener(connector, bound)]))
        yield Site(origin, await stack.enter_async_context(running_server(app)), came_back)


@asynccontextmanager
async def opened(browser: Browser, **options: Any) -> AsyncGenerator[Page]:
    context = await browser.new_context(**options)
    try:
        yield await context.new_page()
    finally:
        await context.close()


async def sign_in(page: Page) -> None:
    await page.get_by_label("Name").fill("ada")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
async def test_a_person_connects_an_app_and_withdraws_it(browser: Browser, site: Site, *, scripts: bool) -> None:
    client_id = await site.register()
    phone = {"width": 320, "height": 640}
    async with opened(browser, java_script_enabled=scripts, viewport=phone, has_touch=True) as page:
        await page.goto(site.asks(client_id))
        await sign_in(page)
        await page.get_by_label("Change tasks").uncheck()
        await page.get_by_role("button", name="Allow").click()
        await page.get_by_role("heading", name="Back in the app").wait_for()

        told = await asyncio.wait_for(site.came_back.get(), 10)
        assert (told["state"], told["iss"]) == ("s", site.origin)
        tokens = await site.redeem(client_id, told["code"])
        assert tokens["scope"] == "tasks:read"

        await page.goto(f"{site.origin}/apps")
        await page.get_by_role("button", name="Remove access of Chat").click()
        await page.get_by_text("No connected apps.").wait_for()
        await page.get_by_role("button", name="Sign out").click()
        await page.get_by_role("heading", name="Sign in").wait_for()


async def test_who_cancels_is_told_so_and_sent_back(browser: Browser, site: Site) -> None:
    async with opened(browser) as page:
        await page.goto(site.asks(await site.register()))
        await sign_in(page)
        await page.get_by_role("button", name="Cancel").click()
        await page.get_by_role("heading", name="Back in the app").wait_for()

    told = await asyncio.wait_for(site.came_back.get(), 10)
    assert told == {"error": "access_denied", "state": "s", "iss": site.origin}


async def test_t43_no_page_is_shown_in_a_frame(browser: Browser, site: Site) -> None:
    async with opened(browser) as page:
        await page.goto(site.asks(await site.register()))
        await sign_in(page)
        told: list[str] = []
        page.on("console", lambda message: told.append(message.text))
        for address in (page.url, f"{site.origin}/apps"):
            told.clear()
            await page.goto(f"{site.app}/framing?{urlencode({'page': address})}")
            frame = page.frames[-1]
            await frame.wait_for_load_state()
            assert await frame.locator("form").count() == 0
            assert any("frame-ancestors" in text for text in told), told


async def test_t17_nothing_of_an_apps_name_is_run(browser: Browser, site: Site) -> None:
    name = '"><img src=x onerror=alert(1)><script>alert(1)</script><svg onload=alert(1)>'
    client_id = await site.register(client_name=name, logo_uri="https://evil.example/logo.png")
    async with opened(browser) as page:
        dialogs: list[str] = []
        requests: list[str] = []
        page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        page.on("request", lambda request: requests.append(request.url))
        await page.goto(site.asks(client_id))
        await sign_in(page)
        await page.get_by_role("heading", name="Connect").wait_for()
        await page.get_by_text("This name is not verified.").wait_for()

    assert dialogs == []
    assert [request for request in requests if not request.startswith((site.origin, "data:"))] == []


@pytest.mark.sampled(1)
@pytest.mark.parametrize("width", [320, 760])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_everybody_can_use_the_pages(browser: Browser, site: Site, scheme: Any, width: int) -> None:
    client_id = await site.register(client_name="A rather long name of an app that somebody wrote for a demo")
    async with opened(browser, color_scheme=scheme, viewport={"width": width, "height": 640}) as page:
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))

        async def look() -> None:
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
            await page.evaluate(f"{AXE.read_text(encoding='utf-8')}\n;undefined")
            assert await page.evaluate(BARRIERS, list(STANDARDS)) == []

        await page.goto(site.asks(client_id))
        await look()
        await page.keyboard.type("ada")  # the first field has the focus
        await page.keyboard.press("Tab")
        await page.keyboard.type(PASSWORD)
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="Connect").wait_for()
        await look()
        await page.goto(f"{site.origin}/apps")
        await look()
        await page.goto(site.asks("unknown"))
        await look()

    assert [text for text in complaints if "400" not in text] == []

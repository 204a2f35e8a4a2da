"""The host in a test: one server, and a host page in the browser for each user."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page
from starlette.applications import Starlette

from intarsia.host import HostAddresses, running_host
from intarsia.permissions import Grant
from intarsia.testing.console import Console
from intarsia.testing.faults import Fault, settings_of, window_of
from intarsia.testing.page import HostPage, Json, context_options, patient
from intarsia.testing.users import TestUsers, with_test_users
from intarsia.testing.view import View


class Host:
    """A local MCP Apps host in a browser. Everything that a test opens is closed when the test ends.

    Args:
        app: The application that serves `/mcp`.
        browser: The browser; each user has a separate context.
        user: The default user. With `None` there is no sign-in, and the application is served unchanged.
        faults: The simulated faults, from the fixtures that the test names.
        log: The lines that the server logs during the test.
    """

    def __init__(
        self, app: Starlette, browser: Browser, *, user: Grant | None, faults: list[Fault], log: list[str]
    ) -> None:
        self.user = user
        self.log = log
        self._app = app
        self._browser = browser
        self._faults = faults
        self._users = TestUsers() if user else None
        self._opened = AsyncExitStack()
        self._window: dict[str, Any] = {}
        self._settings: Json = {}
        self._script: Path | None = None
        self._addresses: HostAddresses | None = None
        self._pages: dict[str, HostPage] = {}
        self._expected: list[str] = []

    async def call(self, tool: str, /, *, as_: Grant | None = None, **arguments: Any) -> View:
        """Call a widget tool in the conversation, as the model does, and wait until its View is settled.

        Args:
            tool: The tool's name.
            as_: The user of the conversation; by default `user`.
            arguments: The arguments of the call.

        Raises:
            AssertionError: The tool shows no View, or it does not settle.
        """
        page = await self.page_of(as_)
        return await View(page, await page.call(tool, arguments)).settled()

    async def start(self, tool: str, /, *, as_: Grant | None = None, **arguments: Any) -> None:
        """Call a tool like `call`, without waiting. `view()` returns its View."""
        page = await self.page_of(as_)
        await page.start(tool, arguments)

    def view(self, number: int = 1, *, as_: Grant | None = None) -> View:
        """Return a View of a user with an open page, by its number from 1."""
        return View(self._pages[self._key(as_)], number)

    async def open(
        self,
        *,
        width: int = 1200,
        height: int = 900,
        touch: bool = False,
        script: Path | None = None,
        **settings: Any,
    ) -> None:
        """Open the page before the first call, with these window options.

        Args:
            width: The width of a window in pixels.
            height: The height of a window in pixels.
            touch: Whether the device has a touch screen.
            script: Another bundle of the host page.
            settings: As for `set`.

        Raises:
            AssertionError: A page is already open.
        """
        assert self._addresses is None, "host.open(...) must come before the first call."
        self._window = {"width": width, "height": height, "touch": touch}
        self._script = script
        await self.set(**settings)
        await self.page_of()

    async def set(self, **settings: Any) -> None:
        """Change settings and faults of all pages, including pages that open later (see `docs/host.md`).

        Args:
            settings: Such as `theme="dark"`, `width="320"`, `sandbox="opaque"` or `faults={"slow_ms": 500}`.
        """
        faults = {**self._settings.get("faults", {}), **settings.get("faults", {})}
        self._settings = {**self._settings, **settings, **({"faults": faults} if faults else {})}
        for page in self._pages.values():
            await page.set(settings)

    async def page_of(self, grant: Grant | None = None) -> HostPage:
        """Return the host page of a user. The first call opens it."""
        key = self._key(grant)
        if key not in self._pages:
            self._pages[key] = await self._open_page(key)
        return self._pages[key]

    @property
    def page(self) -> Page:
        """The open page of the default user in the browser."""
        return self._pages[self._key(None)].page

    @property
    def pages(self) -> list[HostPage]:
        """The open host pages."""
        return list(self._pages.values())

    @property
    def addresses(self) -> HostAddresses:
        """The addresses of the page, the server and the sandbox, after a page is open."""
        assert self._addresses is not None, "Nothing is served before the first call."
        return self._addresses

    def token_of(self, grant: Grant | None = None) -> str:
        """Return the test token of a user, for other clients of `addresses.mcp`."""
        return self._key(grant)

    def regrant(self, grant: Grant, now: Grant | None, *, is_noticed: bool = True) -> None:
        """Change the grant of a user while widgets are open.

        Args:
            grant: The user, as in `as_=`.
            now: The new grant, or `None` to revoke everything.
            is_noticed: Whether open widgets are notified, as a server does within five seconds; otherwise they
                notice it with their next call.
        """
        self._known_users().change(grant, now, is_noticed=is_noticed)

    async def answer(self, *, allow: bool, as_: Grant | None = None) -> None:
        """Wait for a question of the host, and answer it."""
        page = await self.page_of(as_)
        await page.wait_until("() => intarsiaHost.approvals.waiting > 0", about="a question of the host")
        await page.page.evaluate("(allow) => intarsiaHost.answer(allow)", allow)

    async def wait_for_held(self, count: int = 1, *, as_: Grant | None = None) -> None:
        """Wait until this many calls are held (fault `hold`)."""
        page = await self.page_of(as_)
        await page.wait_until("(count) => intarsiaHost.calls.held >= count", count, about=f"{count} held calls")

    async def release(self, count: int | None = None, *, as_: Grant | None = None) -> None:
        """Release held calls, oldest first."""
        page = await self.page_of(as_)
        await page.page.evaluate("(count) => intarsiaHost.release(count ?? undefined)", count)

    async def traffic(self, *, as_: Grant | None = None) -> list[Json]:
        """Return all messages between View, host and server on a user's page."""
        return await (await self.page_of(as_)).traffic()

    def expect_console(self, pattern: str) -> None:
        """Allow console messages that match a regular expression; all others fail the test."""
        self._expected.append(pattern)
        for page in self._pages.values():
            page.console.expect(pattern)

    def complaints(self) -> list[str]:
        """Return the unexpected console messages."""
        return [line for page in self._pages.values() for line in page.console.unexpected()]

    async def close(self) -> None:
        """Close all windows, then the server."""
        await self._opened.aclose()

    def _known_users(self) -> TestUsers:
        assert self._users is not None, "This host has no sign-in: pass a user with open_host(app, user)."
        return self._users

    def _key(self, grant: Grant | None) -> str:
        """Return the token of a user; empty without sign-in."""
        user = grant or self.user
        return self._known_users().token_of(user) if user else ""

    async def _open_page(self, token: str) -> HostPage:
        if self._addresses is None:
            app = with_test_users(self._app, self._users) if self._users else self._app
            served = running_host(app, script=self._script)
            self._addresses = await self._opened.enter_async_context(served)
        window: Json = {"width": 1200, "height": 900, "touch": False, **window_of(self._faults), **self._window}
        context = patient(await self._browser.new_context(**context_options(**window)))
        self._opened.push_async_callback(context.close)
        console = Console()
        console.listen(context)
        for pattern in self._expected:
            console.expect(pattern)
        page = await context.new_page()
        opened = HostPage(page, self._addresses, console, token, has_touch=bool(window["touch"]))
        await opened.load(_merged(settings_of(self._faults), self._settings))
        return opened


def _merged(first: Json, second: Json) -> Json:
    faults = {**first.get("faults", {}), **second.get("faults", {})}
    return {**first, **second, **({"faults": faults} if faults else {})}

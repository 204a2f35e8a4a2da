"""The fixture of the browser tests: a fresh host in a fresh browser context."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext
from starlette.applications import Starlette

from inlay.host import running_host
from tests.browser.bundling import bundle_test_script
from tests.browser.driver import WAIT_MS, Console, HostPage, OpenHost


@pytest.fixture
async def open_host(browser: Browser, tmp_path: Path) -> AsyncIterator[OpenHost]:
    """Open hosts; when the test is over, all are closed and an unexpected console message fails it."""
    consoles: list[Console] = []

    async with contextlib.AsyncExitStack() as opened:

        async def open_one(
            connector: Starlette,
            *,
            width: int = 1200,
            height: int = 900,
            touch: bool = False,
            bridge_1: bool = False,
            **settings: Any,
        ) -> HostPage:
            script = _script_of_bridge_1(tmp_path) if bridge_1 else None
            addresses = await opened.enter_async_context(running_host(connector, script=script))
            context = await browser.new_context(viewport={"width": width, "height": height}, has_touch=touch)
            opened.push_async_callback(context.close)
            console = _listen(context)
            consoles.append(console)
            host = HostPage(await context.new_page(), addresses, console)
            await host.load(**settings)
            return host

        yield open_one

    complaints = [complaint for console in consoles for complaint in console.unexpected()]
    assert not complaints, "The browser complained:\n" + "\n".join(complaints)


def _listen(context: BrowserContext) -> Console:
    context.set_default_timeout(WAIT_MS)
    console = Console()
    context.on("console", console.hear)
    context.on("weberror", lambda web_error: console.hear_error(web_error.error))
    return console


def _script_of_bridge_1(folder: Path) -> Path:
    path = folder / "host-1.js"
    path.write_text(bundle_test_script("host_1"), encoding="utf-8")
    return path

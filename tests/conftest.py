"""What every test may use: one event loop, one Chromium for each worker, and pages that report what went wrong."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, async_playwright

from scripts.chromium import ARGUMENTS, find_chromium


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Inlay runs on asyncio, and so do its tests."""
    return "asyncio"


@pytest.fixture(scope="session")
async def browser(anyio_backend: str) -> AsyncIterator[Browser]:  # noqa: ARG001 - an async session fixture must name it
    """Start Chromium once for each worker."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=find_chromium(), args=list(ARGUMENTS))
        yield chromium
        await chromium.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Open an empty page in a context of its own."""
    context = await browser.new_context()
    yield await context.new_page()
    await context.close()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Send the tests that use a browser to one worker, before xdist looks at the groups."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
            item.add_marker(pytest.mark.xdist_group("browser"))

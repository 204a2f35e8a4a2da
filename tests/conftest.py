"""What every test may use besides the fixtures of `inlay.testing`, which brings the event loop and the Chromium."""

from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser, Page

from tests.log_scan import LogScan


@pytest.fixture(scope="session", autouse=True)
def no_secret_is_logged() -> Iterator[None]:
    """Listen to every logger from the first test to the last, and fail when one of them was told a secret."""
    scan = LogScan()
    with scan.listening():
        yield
    assert scan.leaks == []


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

"""What every test may use besides the fixtures of `intarsia.testing`, which brings the event loop and the Chromium."""

import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

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


@pytest.fixture(autouse=True)
def clock_as_it_was() -> Iterator[None]:
    """Take back what a test did to the clock of this process: others would be read at a time that is yet to come."""
    yield
    change_log = cast("Any", sys.modules.get("intarsia.server.changes.change_log"))
    now = time.time_ns() // 1_000
    if change_log and vars(change_log.REVISIONS)["_last"] > now + 1_000_000:
        vars(change_log.REVISIONS)["_last"] = now
        changed_at = cast("dict[str, int]", vars(change_log.CHANGE_LOG)["_at"])
        for topic, at in changed_at.items():
            changed_at[topic] = min(at, now)

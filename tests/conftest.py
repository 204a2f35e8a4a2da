"""What every test may use besides the fixtures of `intarsia.testing`, which brings the event loop and the Chromium."""

import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path
from shutil import disk_usage, rmtree
from tempfile import mkdtemp
from typing import Any, cast

import httpcore2
import pytest
from playwright.async_api import Browser, Page

from tests import tiers
from tests.log_scan import LogScan
from tests.security.mutation import Mutants, mutating

MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes a folder of its own there
ROOM_BYTES = 4 * 2**30
STATE = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the two tiers."""
    tiers.add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Let `--tier` choose the tests, and keep temporary files in memory where there is room.

    Stores wait for the disk at each commit, as they should, and tests make thousands: on a disk that is a third of the
    time of those that serve.
    """
    tiers.register(config)
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and disk_usage(MEMORY).free > ROOM_BYTES:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    # Stores without a path, here and in the processes that are started, are not those of who runs the tests.
    state = config.stash[STATE] = mkdtemp(prefix="intarsia-state-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT"))
    os.environ["INTARSIA_STATE"] = os.environ["XDG_STATE_HOME"] = state


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the state of this run."""
    if state := config.stash.get(STATE, ""):
        rmtree(state, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def no_secret_is_logged() -> Iterator[None]:
    """Listen to every logger from the first test to the last, and fail when one of them was told a secret."""
    scan = LogScan()
    with scan.listening():
        yield
    assert scan.leaks == []


@pytest.fixture(scope="session", autouse=True)
def _one_set_of_authorities() -> Iterator[None]:
    """Read the public certificate authorities once and not for each HTTP client, which takes 40 ms."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpcore2, "default_ssl_context", cache(httpcore2.default_ssl_context))
        yield


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Open an empty page in a context of its own."""
    context = await browser.new_context()
    yield await context.new_page()
    await context.close()


@pytest.fixture(scope="session")
async def mutants(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mutants]:  # noqa: ARG001 - an async session fixture must name it
    """Copies of the source, for the tests that take a guard away."""
    async with mutating(tmp_path_factory.mktemp("mutants")) as running:
        yield running


@pytest.fixture(autouse=True)
def clock_as_it_was() -> Iterator[None]:
    """Take back what a test did to the clock of this process: others would be read at a time that is yet to come."""
    yield
    change_log = cast("Any", sys.modules.get("intarsia.server.changes.change_log"))
    now = time.time_ns() // 1_000
    if change_log and vars(change_log.REVISIONS)["_last"] > now + 1_000_000:
        vars(change_log.REVISIONS)["_last"] = now
        log = cast("dict[str, Any]", vars(change_log.CHANGE_LOG))
        log["_forgotten_at"] = min(log["_forgotten_at"], now)
        changed_at = cast("dict[str, int]", log["_at"])
        for topic, at in changed_at.items():
            changed_at[topic] = min(at, now)

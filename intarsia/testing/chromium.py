"""Finds and starts Chromium for tests."""

import os
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Error, async_playwright

from intarsia.errors import SettingError

ARGUMENTS = (
    "--no-sandbox",  # Chromium refuses to start as root with it, and CI runs as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""The command line arguments of Chromium."""

_COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """Find the system's Chromium, or the one in `INTARSIA_CHROMIUM`. If there is none, Playwright uses its own."""
    named = os.environ.get("INTARSIA_CHROMIUM")
    if named:
        return named
    return next((found for command in _COMMANDS if (found := shutil.which(command))), None)


@asynccontextmanager
async def running_chromium() -> AsyncGenerator[Browser]:
    """Run Chromium while the block runs.

    Raises:
        SettingError: Chromium cannot be started; the message says how to install it.
    """
    async with async_playwright() as playwright:
        try:
            browser = await playwright.chromium.launch(executable_path=find_chromium(), args=list(ARGUMENTS))
        except Error as error:
            message = (
                "Chromium cannot be started. Install it with `playwright install chromium`, or with "
                "`apt-get install chromium` on Debian, or name one in INTARSIA_CHROMIUM. "
                f"{error.message.splitlines()[0]}"
            )
            raise SettingError(message) from None
        yield browser
        await browser.close()

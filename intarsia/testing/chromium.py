"""Finds the Chromium that tests drive, and starts it."""

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
"""How Chromium is started: quiet, and working as root."""

_COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """Find the system's Chromium; `INTARSIA_CHROMIUM` names another. Without any, Playwright looks for its own."""
    named = os.environ.get("INTARSIA_CHROMIUM")
    if named:
        return named
    return next((found for command in _COMMANDS if (found := shutil.which(command))), None)


@asynccontextmanager
async def running_chromium() -> AsyncGenerator[Browser]:
    """Start Chromium, and end it after the block.

    Raises:
        SettingError: There is none, and how to get one.
    """
    async with async_playwright() as playwright:
        try:
            browser = await playwright.chromium.launch(executable_path=find_chromium(), args=list(ARGUMENTS))
        except Error as error:
            message = (
                "There is no Chromium that can be started. Install one with `playwright install chromium`, or with "
                "`apt-get install chromium` on Debian, or name one in INTARSIA_CHROMIUM. "
                f"{error.message.splitlines()[0]}"
            )
            raise SettingError(message) from None
        yield browser
        await browser.close()

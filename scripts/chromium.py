"""Finds the Chromium that browser tests and benchmarks drive: `python scripts/chromium.py` prints where it is."""

import os
import shutil
import sys
from pathlib import Path

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
    """Find the system's Chromium, else Playwright's own; `INLAY_CHROMIUM` names another."""
    named = os.environ.get("INLAY_CHROMIUM")
    if named:
        return named
    for command in _COMMANDS:
        found = shutil.which(command)
        if found:
            return found
    return _find_playwrights_own()


def _find_playwrights_own() -> str | None:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - half a second that a system's Chromium saves

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).is_file() else None


if __name__ == "__main__":
    chromium = find_chromium()
    if chromium is None:
        sys.exit("There is no Chromium on this machine.")
    print(chromium)

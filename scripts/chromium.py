"""Says where the Chromium is that tests and benchmarks drive, or that there is none: `python scripts/chromium.py`."""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from intarsia.testing.chromium import find_chromium


def find_any_chromium() -> str | None:
    """Find the Chromium that `intarsia.testing` starts: the system's, else Playwright's own."""
    return find_chromium() or _find_playwrights_own()


def _find_playwrights_own() -> str | None:
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).is_file() else None


if __name__ == "__main__":
    chromium = find_any_chromium()
    if chromium is None:
        sys.exit("There is no Chromium on this machine.")
    print(chromium)

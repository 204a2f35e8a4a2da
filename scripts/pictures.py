"""Takes the pictures of the three examples: `python -m scripts.pictures` writes `docs/pictures/`.

Each is the widget as it stands in the local host, light and dark, at the widths of a phone and of a wide chat.
"""

import asyncio
import os
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

from playwright.async_api import Browser

from inlay.testing.chromium import running_chromium
from scripts.bundle import ROOT

FOLDER = ROOT / "docs" / "pictures"
WIDGETS: dict[str, dict[str, Any]] = {
    "task_board": {"project": "apollo"},
    "machine_monitor": {},
    "brand_panel": {"brand": "northwind"},
}
THEMES = ("light", "dark")
WIDTHS = ("320", "760")
MARGIN_PX = 12


async def take_pictures(folder: Path) -> list[Path]:
    """Take every picture.

    Args:
        folder: Where they go.

    Returns:
        Their paths.
    """
    from inlay.cli import demo_connector  # noqa: PLC0415 - the examples choose their stores when they are imported
    from inlay.host import running_host  # noqa: PLC0415 - as above

    async with running_host(demo_connector().app()) as addresses, running_chromium() as browser:
        return [
            await _take(browser, addresses.page, folder, tool, theme, width)
            for tool, theme, width in product(WIDGETS, THEMES, WIDTHS)
        ]


async def _take(browser: Browser, page_address: str, folder: Path, tool: str, theme: str, width: str) -> Path:
    page = await browser.new_page(viewport={"width": 1200, "height": 900})
    await page.goto(page_address)
    await page.evaluate("() => inlayHost.ready")
    await page.evaluate("(settings) => inlayHost.set(settings)", {"theme": theme, "width": width})
    number = await page.evaluate("([tool, given]) => inlayHost.call(tool, given)", [tool, WIDGETS[tool]])
    frame = page.locator(f'iframe[name="view-{number}"]')
    await frame.content_frame.locator("iframe").content_frame.locator("#w").wait_for()
    await _wait_until_still(page, number)
    box = await frame.bounding_box()
    assert box, f"{tool} is not on the page"  # noqa: S101 - a picture of nothing must not be taken
    clip = {
        "x": max(0.0, box["x"] - MARGIN_PX),
        "y": max(0.0, box["y"] - MARGIN_PX),
        "width": box["width"] + 2 * MARGIN_PX,
        "height": box["height"] + 2 * MARGIN_PX,
    }
    path = folder / f"{tool}-{theme}-{width}.png"
    await page.screenshot(path=path, clip=clip)  # type: ignore[arg-type]  # a plain dict has these keys
    await page.close()
    return path


async def _wait_until_still(page: Any, number: int) -> None:
    """Wait until the View has told its size twice the same, so that nothing moves any more."""
    await page.wait_for_function(
        """(number) => {
            const height = inlayHost.view(number).sizes.at(-1)?.height;
            const now = performance.now();
            if (height !== window.lastHeight) [window.lastHeight, window.lastChange] = [height, now];
            return height > 0 && now - window.lastChange > 1500;
        }""",
        arg=number,
    )


def main() -> None:
    """Take the pictures with a new state folder, so that they show what a new user sees."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as state:
        os.environ["INLAY_STATE"] = state
        for path in asyncio.run(take_pictures(FOLDER)):
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()

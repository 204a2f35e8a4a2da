"""Takes the pictures of the three examples: `python -m scripts.pictures` writes `docs/pictures/`.

Each is the widget as it stands in the local host, light and dark, at the widths of a phone and of a wide chat. Those of
the admin's pages are the switches of the first example.
"""

import asyncio
import os
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

from playwright.async_api import Browser

from intarsia.server.switches.positions import Position
from intarsia.server.switches.service import Change
from intarsia.testing.chromium import running_chromium
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
ADMIN = (("light", 760), ("dark", 375))
PASSWORD = "of nobody and nowhere"  # noqa: S105 - of an account that is gone after the pictures


async def take_pictures(folder: Path) -> list[Path]:
    """Take every picture.

    Args:
        folder: Where they go.

    Returns:
        Their paths.
    """
    from intarsia.cli import demo_connector  # noqa: PLC0415 - the examples choose their stores when they are imported
    from intarsia.host import running_host  # noqa: PLC0415 - as above

    async with running_host(demo_connector().app()) as addresses, running_chromium() as browser:
        return [
            await _take(browser, addresses.page, folder, tool, theme, width)
            for tool, theme, width in product(WIDGETS, THEMES, WIDTHS)
        ]


async def take_admin_pictures(folder: Path, state: Path) -> list[Path]:
    """Take the pictures of the admin's pages.

    Args:
        folder: Where they go.
        state: Where accounts are kept for it.

    Returns:
        Their paths.
    """
    from examples.team_tasks import connector  # noqa: PLC0415 - the examples choose their stores when they are imported
    from intarsia import EmbeddedIssuer  # noqa: PLC0415 - as above
    from intarsia.host.server import Listener, open_socket, running  # noqa: PLC0415 - as above

    await _make_admin(state / "accounts.db")
    with open_socket("127.0.0.1", 0) as bound:
        origin = f"http://127.0.0.1:{bound.getsockname()[1]}"
        app = connector.app(auth=EmbeddedIssuer(origin, accounts=state / "accounts.db"))
        async with running([Listener(app, bound)]), running_chromium() as browser:
            await connector.switches.set(
                [Change("tool:delete_card", Position.OFF)], who="ruth", by="admin", why="Cards are counted this week"
            )
            await connector.switches.set(
                [Change("tool:task_board", Position.TEXT_ONLY, "intern")], who="ruth", by="admin"
            )
            return [await _take_admin(browser, origin, folder, theme, width) for theme, width in ADMIN]


async def _make_admin(path: Path) -> None:
    from intarsia.server.auth.authorization_server.accounts.accounts import Accounts  # noqa: PLC0415 - as above
    from intarsia.server.auth.authorization_server.accounts.tables import accounts_store  # noqa: PLC0415 - as above

    async with accounts_store(path).open() as store:
        await Accounts(store).add("ruth", PASSWORD, ["intarsia:admin"])


async def _take_admin(browser: Browser, origin: str, folder: Path, theme: Any, width: int) -> Path:
    page = await browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
    await page.goto(f"{origin}/admin")
    await page.get_by_label("Name").fill("ruth")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("heading", name="Switches").wait_for()
    path = folder / f"admin-{theme}-{width}.png"
    await page.screenshot(path=path)
    await page.close()
    return path


async def _take(browser: Browser, page_address: str, folder: Path, tool: str, theme: str, width: str) -> Path:
    page = await browser.new_page(viewport={"width": 1200, "height": 900})
    await page.goto(page_address)
    await page.evaluate("() => intarsiaHost.ready")
    await page.evaluate("(settings) => intarsiaHost.set(settings)", {"theme": theme, "width": width})
    number = await page.evaluate("([tool, given]) => intarsiaHost.call(tool, given)", [tool, WIDGETS[tool]])
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
            const height = intarsiaHost.view(number).sizes.at(-1)?.height;
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
        os.environ["INTARSIA_STATE"] = state
        for path in asyncio.run(_take_all(Path(state))):
            print(path.relative_to(ROOT))


async def _take_all(state: Path) -> list[Path]:
    return [*await take_pictures(FOLDER), *await take_admin_pictures(FOLDER, state)]


if __name__ == "__main__":
    main()

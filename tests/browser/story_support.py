"""What the stories of the three widgets share: the examples on a store of their own, and how a board is read."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Locator, expect

from intarsia import Connector
from intarsia.server.wire.messages import CallResponse
from intarsia.testing import View

SANDBOXES = ("spec", "opaque", "loose")


@asynccontextmanager
async def served(connector: Connector, folder: Path) -> AsyncGenerator[Connector]:
    """Run an example on a new store in a folder, and give its own store back afterwards."""
    own = connector.store.path
    connector.store.path = folder / f"{connector.catalog.slug}.db"
    try:
        async with connector.running():
            yield connector
    finally:
        connector.store.path = own


async def call(connector: Connector, tool: str, **arguments: Any) -> CallResponse:
    """Call a tool as another person would, past the browser."""
    return await connector.calls.answer(tool, arguments, {}, connector.local)


class Board:
    """A task board in a View, read and used as a person would."""

    def __init__(self, view: View) -> None:
        self.view = view

    def column(self, name: str) -> Locator:
        """The list of a column's cards, by the column's id."""
        return self.view.locator(f'[id="w-cards-{name}"]')

    def card(self, card: str) -> Locator:
        """A card by its id."""
        return self.view.locator(f'[id="w-card-{card}"]')

    def handle(self, card: str) -> Locator:
        """What moves a card."""
        return self.card(card).get_by_role("button", name="Move").first

    async def order(self, name: str) -> list[str]:
        """The ids of a column's cards, from top to bottom."""
        ids: list[str] = await self.column(name).locator("> li").evaluate_all("(items) => items.map((item) => item.id)")
        return [one.removeprefix("w-card-") for one in ids]

    async def expect_order(self, name: str, cards: list[str]) -> None:
        """Wait until a column starts with these cards."""
        for place, card in enumerate(cards, start=1):
            await expect(self.column(name).locator(f"> li:nth-child({place})")).to_have_id(f"w-card-{card}")

    async def drag(self, card: str, onto: str) -> None:
        """Drag a card with the mouse to the upper half of another, so that it comes before it."""
        await drag_to(self.view, self.card(card).locator("p").first, self.card(onto), share=0.2)


async def drag_to(view: View, start: Locator, end: Locator, *, share: float) -> None:
    """Drag with the mouse to a place in an element, given as a share of its height."""
    mouse = view.host.page.mouse
    await end.hover(trial=True)  # waits until it stands still
    await start.hover()
    last = await end.bounding_box()
    assert last
    await mouse.down()
    await mouse.move(last["x"] + last["width"] / 2, last["y"] + last["height"] * share, steps=8)
    await mouse.up()


async def server_order(connector: Connector, column: str, project: str = "apollo") -> list[str]:
    """The ids of a column's cards as the server has them."""
    parts = (await call(connector, "task_board", project=project)).meta["dev.intarsia/parts"]
    order: list[str] = parts["lists"][f"w-cards-{column}"]["order"]
    return order

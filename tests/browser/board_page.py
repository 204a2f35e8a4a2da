"""A board in the host's page, in the words of a person."""

from typing import Any

from playwright.async_api import Locator, expect
from starlette.applications import Starlette

from intarsia.testing import Host, View
from intarsia.testing.fixtures import OpenHost
from intarsia.testing.page import center
from tests.browser.task_board_app import Tasks, board_app


class BoardPage:
    """What a person sees of a board and does with it."""

    def __init__(self, host: Host, view: View, tasks: Tasks) -> None:
        self.host = host
        self.view = view
        self.tasks = tasks
        self.mouse = host.page.mouse
        self.keyboard = host.page.keyboard

    def card(self, name: str) -> Locator:
        """Find a card by its id."""
        return self.view.locator(f"#w-card-{name}")

    def handle(self, name: str) -> Locator:
        """Find the handle of a card."""
        return self.card(name).locator("> button")

    def column(self, name: str) -> Locator:
        """Find the list of a column."""
        return self.view.locator(f"#w-cards-{name}")

    def button(self, name: str) -> Locator:
        """Find a button by its name."""
        return self.view.body.get_by_role("button", name=name, exact=True)

    def tab(self, name: str) -> Locator:
        """Find a tab by the beginning of its name."""
        return self.view.body.get_by_role("tab", name=name)

    async def shows(self, column: str, *cards: str) -> None:
        """Wait until a column shows these cards, in order; what is on another page does not count."""
        shown = self.column(column).locator("> li:not([hidden])")
        await expect(shown).to_have_count(len(cards))
        for index, name in enumerate(cards):
            await expect(shown.nth(index)).to_have_id(f"w-card-{name}")

    async def says(self, text: str) -> None:
        """Wait for the status line."""
        await expect(self.view.locator(".intarsia-status__message")).to_have_text(text)

    async def announces(self, text: str) -> None:
        """Wait for what a screen reader is told."""
        await expect(self.view.locator("[aria-live=polite].intarsia-visually-hidden").last).to_contain_text(text)

    async def lift_with_mouse(self, name: str) -> None:
        """Take a card by its title and move it a little."""
        at_x, at_y = await center(self.card(name).locator("p"))
        await self.mouse.move(at_x, at_y)
        await self.mouse.down()
        await self.mouse.move(at_x + 8, at_y + 2, steps=2)
        await expect(self.view.locator(".intarsia-task-board__ghost")).to_be_visible()

    async def move_beside(self, name: str, *, below: bool) -> None:
        """Move the mouse over the upper or the lower part of a card."""
        at_x, at_y = await center(self.card(name))
        await self.mouse.move(at_x, at_y + (12 if below else -12), steps=4)

    async def drag(self, name: str, beside: str, *, below: bool) -> None:
        """Drag a card with the mouse beside another one, and let go."""
        await self.lift_with_mouse(name)
        await self.move_beside(beside, below=below)
        await self.mouse.up()

    async def moves(self) -> list[dict[str, object]]:
        """Return the arguments of each move that was asked of the server."""
        return [call.arguments for call in (await self.view.settled()).calls_of("move_card")]


async def open_board(
    open_host: OpenHost,
    tasks: Tasks,
    app: Starlette | None = None,
    *,
    touch: bool = False,
    room: str = "760",
    **settings: Any,
) -> BoardPage:
    """Open a host and in it the board over these tasks.

    Args:
        open_host: The fixture.
        tasks: What the board shows.
        app: A connector other than the usual one.
        touch: Whether the browser has a touch screen.
        room: How wide the widget is: 320, 480, 760 pixels or full.
        **settings: Settings of the host.
    """
    host = open_host(app or board_app(tasks))
    await host.open(touch=touch, **settings)
    await host.set(width=room)
    view = await host.call("task_board")
    await expect(view.locator(".intarsia-task-board")).to_be_visible()
    return BoardPage(host, view, tasks)

"""Long lists in a browser: a person reaches what is not there yet, by mouse and by keyboard."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from intarsia import Connector
from intarsia.testing.accessibility import assert_accessible, assert_fits_inline
from intarsia.testing.fixtures import OpenHost
from intarsia.testing.view import View
from intarsia.widgets import Heading, Stack, Table, TableColumn
from tests.browser.board_page import BoardPage, open_board
from tests.browser.task_board_app import Task, Tasks

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

ROWS = 5_000


def crowded(count: int = 130) -> Tasks:
    """Give a board with more cards in its first column than one window has."""
    todo = [Task(f"T-{number}", f"Task {number}") for number in range(count)]
    return Tasks({"todo": todo, "doing": [Task("D-1", "One"), Task("D-2", "Two")]}, titles={"todo": "To do"})


def files_connector(path: Path) -> Connector:
    connector = Connector("Files", store=path)
    columns = [TableColumn("name", "Name"), TableColumn("size", "Size", type="number", unit="kilobyte")]
    rows: list[dict[str, Any]] = [
        {"id": number, "name": f"report-{number}.txt", "size": number * 3} for number in range(ROWS)
    ]

    @connector.widget(scopes=set())
    def files() -> Stack:
        """Show all files."""
        return Stack([Heading("Files"), Table(columns=columns, rows=rows, row_key="id", caption="All files")])

    return connector


async def open_files(open_host: OpenHost, tmp_path: Path, *, width: str = "760", **settings: Any) -> View:
    host = open_host(files_connector(tmp_path / "files.db").app())
    await host.open(**settings)
    await host.set(width=width)
    view = await host.call("files")
    await expect(view.locator("tbody > tr")).to_have_count(50)
    return view


@pytest.mark.parametrize("sandbox", ["spec", "opaque", "loose"])
async def test_more_of_a_table_is_shown_by_keyboard(open_host: OpenHost, tmp_path: Path, sandbox: str) -> None:
    view = await open_files(open_host, tmp_path, sandbox=sandbox)
    more = view.body.get_by_role("button", name="Show 50 more of 5,000 rows of All files", exact=True)

    await more.focus()
    await view.key("Enter")

    await expect(view.locator("tbody > tr")).to_have_count(100)
    await expect(view.locator("tbody > tr").nth(50)).to_be_focused()
    await expect(view.locator("tbody > tr").nth(50)).to_contain_text("report-50.txt")
    await view.until(lambda: "50 more shown, up to 100 of 5000." in view.announcements)
    await expect(more).to_be_visible()


async def test_beyond_the_maximum_the_window_moves_on_and_back(open_host: OpenHost, tmp_path: Path) -> None:
    view = await open_files(open_host, tmp_path)
    for count in (100, 150, 200):
        await view.press("Show 50 more of 5,000 rows of All files")
        await expect(view.locator("tbody > tr")).to_have_count(count)

    await view.press("Show 50 more of 5,000 rows of All files")
    await expect(view.locator("tbody > tr").first).to_contain_text("report-50.txt")
    await expect(view.locator("tbody > tr").last).to_contain_text("report-249.txt")
    await view.press("Show 50 before rows of All files")

    await expect(view.locator("tbody > tr").first).to_contain_text("report-0.txt")
    await expect(view.locator("tbody > tr").first).to_be_focused()
    await expect(view.locator("tbody > tr")).to_have_count(200)


@pytest.mark.parametrize("width", ["320", "760"])
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_buttons_are_accessible_and_nothing_scrolls(
    open_host: OpenHost, tmp_path: Path, width: str, theme: str
) -> None:
    view = await open_files(open_host, tmp_path, width=width, theme=theme)
    for _click in range(4):
        await view.press("Show 50 more of 5,000 rows of All files")
        await view.settled()

    await assert_accessible(view)
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await view.frame.evaluate(overflow) <= 0


async def test_what_cannot_be_shown_is_said_and_the_rest_stays(open_host: OpenHost, tmp_path: Path) -> None:
    connector = Connector("Fat", store=tmp_path / "fat.db")
    rows: list[dict[str, Any]] = [
        {"id": number, "name": "x" * (140_000 if number == 50 else 4)} for number in range(60)
    ]

    @connector.widget(scopes=set())
    def fat() -> Table:
        """Show a row that is too large."""
        return Table(columns=[TableColumn("name", "Name")], rows=rows, row_key="id", caption="Fat")

    host = open_host(connector.app())
    view = await host.call("fat")
    await view.press("Show 10 more of 60 rows of Fat")

    await view.until(lambda: "the item w-row-50 alone takes 140" in view.problem)
    await expect(view.locator("tbody > tr")).to_have_count(50)


async def last_loaded_page(board: BoardPage) -> None:
    """Turn the pages of "To do" until the last card that is here is shown."""
    last = board.column("todo").locator("> li").nth(49)
    while not await last.is_visible():
        await board.button("Next cards in To do").click()


async def test_turning_the_last_page_of_a_column_fetches_the_next_one(open_host: OpenHost) -> None:
    board = await open_board(open_host, crowded())
    place = board.view.locator("#w-column-todo .intarsia-pager__place")
    await expect(place).to_contain_text("of 130")
    await expect(board.view.locator("#w-column-todo [data-count]")).to_have_text("130")
    await last_loaded_page(board)

    await board.button("Next cards in To do").click()

    await expect(board.column("todo").locator("> li")).to_have_count(100)
    await expect(board.card("T-50")).to_be_visible()
    await expect(board.button("Next cards in To do")).to_be_focused()
    await expect(board.handle("T-50")).to_have_accessible_name("Move Task 50, 51 of 130 in To do")
    await assert_fits_inline(board.view)


async def test_a_card_dropped_behind_the_last_one_of_a_window_goes_there_and_stays_in_sight(
    open_host: OpenHost,
) -> None:
    board = await open_board(open_host, crowded())
    await last_loaded_page(board)

    await board.drag("D-1", "T-49", below=True)

    await board.says("Moved D-1 to To do.")
    assert board.tasks.order("todo")[48:52] == ["T-48", "T-49", "D-1", "T-50"]
    await expect(board.column("todo").locator("> li")).to_have_count(51)
    await expect(board.view.locator("#w-column-todo [data-count]")).to_have_text("131")


async def test_a_card_moved_in_a_window_that_moved_on_lands_where_it_was_put(open_host: OpenHost) -> None:
    board = await open_board(open_host, crowded(400))
    await board.host.set(display="fullscreen")
    more = board.view.locator("#w-column-todo > .intarsia-more button").last
    for count in (100, 150, 200):
        await more.click()
        await expect(board.column("todo").locator("> li")).to_have_count(count)
    await more.click()
    await expect(board.column("todo").locator("> li").first).to_have_id("w-card-T-50")

    await board.handle("T-60").focus()
    for key in ("Space", "ArrowUp", "ArrowUp", "Space"):
        await board.keyboard.press(key)

    await board.says("Moved T-60 to To do.")
    assert board.tasks.order("todo")[57:61] == ["T-57", "T-60", "T-58", "T-59"]
    await board.announces("Dropped Task 60, 59 of 400 in To do.")


async def test_in_fullscreen_more_cards_are_shown_by_a_button(open_host: OpenHost) -> None:
    board = await open_board(open_host, crowded())
    await board.host.set(display="fullscreen")
    more = board.view.body.get_by_role("button", name="Show 50 more of 130 cards in To do", exact=True)

    await more.focus()
    await board.keyboard.press("Enter")

    await expect(board.card("T-50")).to_be_focused()
    await assert_accessible(board.view)

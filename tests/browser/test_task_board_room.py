"""A board keeps to the room it has: pages instead of scrolling, tabs instead of narrow columns."""

import pytest
from playwright.async_api import Locator, expect

from intarsia.testing.fixtures import OpenHost
from intarsia.testing.page import center
from tests.browser.board_page import BoardPage, open_board
from tests.browser.task_board_app import Task, Tasks, large, small

pytestmark = [pytest.mark.anyio, pytest.mark.browser]


def even(cards: int = 12) -> Tasks:
    """Give two columns of cards that are all equally high."""
    columns = {name: [Task(f"{name}-{at}", f"Card {at}") for at in range(cards)] for name in ("one", "two")}
    return Tasks(columns)


def pager(board: BoardPage, column: str) -> Locator:
    return board.view.locator(f"#w-column-{column} .intarsia-pager")


async def page_size(board: BoardPage, column: str) -> int:
    return await board.column(column).locator("> li:not([hidden])").count()


@pytest.mark.sampled(2)
@pytest.mark.parametrize("phone", [False, True])
@pytest.mark.parametrize("room", ["320", "480", "760"])
async def test_it_is_never_higher_than_500_pixels(open_host: OpenHost, room: str, *, phone: bool) -> None:
    tasks = large()
    board = await open_board(open_host, tasks, room=room, touch=phone, phone=phone)
    assert await page_size(board, "backlog") >= 2

    await board.card("T-101").locator("input").click()
    await board.says("Completed T-101.")
    await board.handle("T-101").click()
    await expect(board.button("Cancel")).to_be_visible()

    heights = [size["height"] for size in (await board.view.settled()).sizes]
    assert max(heights) <= 500
    assert await board.view.locator("html").evaluate("(page) => page.scrollWidth <= innerWidth")


async def test_pages_turn_and_say_where_they_are(open_host: OpenHost) -> None:
    board = await open_board(open_host, even())
    size = await page_size(board, "one")
    assert 2 <= size < 12
    await expect(pager(board, "one").locator("span")).to_have_text(f"1\u2013{size} of 12")
    await expect(board.button("Previous cards in One")).to_have_attribute("aria-disabled", "true")

    await board.button("Next cards in One").click()

    await expect(board.card(f"one-{size}")).to_be_visible()
    await expect(board.card("one-0")).to_be_hidden()
    await board.announces(f"{size + 1}\u2013{min(size * 2, 12)} of 12")
    await expect(board.card("two-0")).to_be_visible()
    await board.button("Previous cards in One").click()
    await expect(board.card("one-0")).to_be_visible()


async def test_the_page_stays_when_an_answer_arrives(open_host: OpenHost) -> None:
    board = await open_board(open_host, even())
    size = await page_size(board, "one")
    await board.button("Next cards in One").click()

    await board.card(f"one-{size}").locator("input").check()
    await board.says(f"Completed one-{size}.")

    await expect(board.card(f"one-{size}")).to_be_visible()
    await expect(board.card("one-0")).to_be_hidden()


async def test_a_card_moved_by_keyboard_turns_the_page(open_host: OpenHost) -> None:
    board = await open_board(open_host, even())
    await board.handle("one-0").focus()

    await board.keyboard.press("Space")
    await board.keyboard.press("End")
    await expect(board.card("one-0")).to_be_visible()
    await expect(board.card("one-1")).to_be_hidden()
    await board.announces("12 of 12 in One.")
    await board.keyboard.press("Space")

    await board.says("Moved one-0 to One.")
    await expect(board.handle("one-0")).to_be_focused()
    await expect(pager(board, "one").locator("span")).to_contain_text("\u201312 of 12")
    assert board.tasks.order("one")[-1] == "one-0"


async def test_resting_on_a_pager_while_dragging_turns_the_page(open_host: OpenHost) -> None:
    board = await open_board(open_host, even(7))  # two pages, so that resting longer turns no further
    size = await page_size(board, "two")

    await board.lift_with_mouse("one-0")
    await board.mouse.move(*await center(board.button("Next cards in Two")), steps=4)
    await expect(board.card(f"two-{size}")).to_be_visible()
    await board.move_beside(f"two-{size}", below=False)
    await board.mouse.up()

    await board.says("Moved one-0 to Two.")
    assert board.tasks.order("two")[size] == "one-0"


async def test_a_new_card_is_shown_on_its_page(open_host: OpenHost) -> None:
    board = await open_board(open_host, even())
    field = board.view.body.get_by_label("Add a card to One")

    await field.fill("The last one")
    await field.press("Enter")

    await expect(board.card("N-25")).to_be_visible()
    await expect(board.card("one-0")).to_be_hidden()
    await expect(field).to_be_focused()


async def test_columns_are_behind_tabs_where_it_is_narrow(open_host: OpenHost) -> None:
    board = await open_board(open_host, small(), room="320")
    tabs = board.view.body.get_by_role("tab")
    await expect(tabs).to_have_text(["To do3", "Doing2", "Done0"])
    await expect(board.card("T-4")).to_be_hidden()
    panel = board.view.body.get_by_role("tabpanel", name="To do")
    await expect(panel).to_be_visible()
    await expect(board.tab("To do")).to_have_attribute("aria-controls", "w-column-todo")

    await board.tab("Doing").click()
    await expect(board.card("T-4")).to_be_visible()
    await expect(panel).to_be_hidden()
    await board.keyboard.press("ArrowRight")
    await expect(board.tab("Done")).to_be_focused()
    await expect(board.view.locator("#w-column-done .intarsia-task-board__empty")).to_be_visible()
    await board.keyboard.press("ArrowRight")
    await expect(board.tab("To do")).to_have_attribute("aria-selected", "true")
    await board.keyboard.press("End")

    await expect(board.tab("Done")).to_be_focused()
    assert await tabs.evaluate_all("(tabs) => tabs.map((tab) => tab.tabIndex)") == [-1, -1, 0]


async def test_a_card_moved_by_keyboard_switches_the_tab(open_host: OpenHost) -> None:
    board = await open_board(open_host, small(), room="320")
    await board.handle("T-2").focus()

    await board.keyboard.press("Space")
    await board.keyboard.press("ArrowRight")
    await expect(board.tab("Doing")).to_have_attribute("aria-selected", "true")
    await expect(board.handle("T-2")).to_be_focused()
    await board.keyboard.press("Escape")
    await expect(board.tab("To do")).to_have_attribute("aria-selected", "true")
    await expect(board.handle("T-2")).to_be_focused()
    await board.keyboard.press("Space")
    await board.keyboard.press("ArrowRight")
    await board.keyboard.press("Space")

    await board.says("Moved T-2 to Doing.")
    await board.shows("doing", "T-4", "T-2", "T-5")


async def test_a_card_dropped_on_a_tab_goes_to_the_end_of_that_column(open_host: OpenHost) -> None:
    board = await open_board(open_host, small(), room="320")

    await board.lift_with_mouse("T-1")
    await board.mouse.move(*await center(board.tab("Doing")), steps=4)
    await board.mouse.up()

    await board.says("Moved T-1 to Doing.")
    assert board.tasks.order("doing") == ["T-4", "T-5", "T-1"]
    await expect(board.tab("Doing")).to_contain_text("3")


async def test_resting_on_a_tab_while_dragging_opens_its_column(open_host: OpenHost) -> None:
    board = await open_board(open_host, small(), room="320", touch=True)

    async def rest() -> None:
        await expect(board.card("T-4")).to_be_visible()

    await board.lift_with_mouse("T-1")
    await board.mouse.move(*await center(board.tab("Doing")), steps=4)
    await rest()
    await board.move_beside("T-5", below=False)
    await board.mouse.up()

    await board.says("Moved T-1 to Doing.")
    await board.shows("doing", "T-4", "T-1", "T-5")


async def test_fullscreen_shows_everything(open_host: OpenHost) -> None:
    board = await open_board(open_host, even(30))
    assert await page_size(board, "one") < 30

    await board.host.set(display="fullscreen")

    await expect(board.column("one").locator("> li:not([hidden])")).to_have_count(30)
    await expect(pager(board, "one")).to_be_hidden()
    await board.host.set(display="inline")
    await expect(pager(board, "one")).to_be_visible()


async def test_more_room_brings_the_columns_side_by_side(open_host: OpenHost) -> None:
    board = await open_board(open_host, small(), room="320")
    await board.tab("Doing").click()

    await board.host.set(width="760")

    await expect(board.view.body.get_by_role("tablist")).to_be_hidden()
    for card in ("T-1", "T-4"):
        await expect(board.card(card)).to_be_visible()


async def test_a_lower_host_gets_a_lower_board(open_host: OpenHost) -> None:
    board = await open_board(open_host, even(), max_height=360)

    assert 1 <= await page_size(board, "one") <= 3
    assert max(size["height"] for size in (await board.view.settled()).sizes) <= 360

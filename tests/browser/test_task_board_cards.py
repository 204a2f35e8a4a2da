"""Cards of the task board are completed, reopened, added and filtered in a real host."""

import pytest
from playwright.async_api import expect

from intarsia.testing.fixtures import OpenHost
from tests.browser.board_page import open_board
from tests.browser.task_board_app import board_app, small

pytestmark = [pytest.mark.anyio, pytest.mark.browser]


async def test_a_card_is_completed_and_reopened(open_host: OpenHost) -> None:
    board = await open_board(open_host, small())
    box = board.view.body.get_by_role("checkbox", name="Complete Order paper")

    await box.check()
    await board.says("Completed T-2.")
    await expect(box).to_be_checked()
    assert board.tasks.find("T-2")[2].done
    await box.uncheck()
    await board.says("Reopened T-2.")

    await expect(box).not_to_be_checked()
    assert not board.tasks.find("T-2")[2].done


async def test_a_refused_completion_is_taken_back(open_host: OpenHost) -> None:
    board = await open_board(open_host, small())
    board.tasks.refusal = "Only Ada completes cards."
    box = board.card("T-2").locator("input")

    await box.click()

    await board.says("Only Ada completes cards.")
    await expect(box).not_to_be_checked()
    await expect(board.card("T-2")).to_have_attribute("data-refused", "")


async def test_what_cannot_be_reopened_says_so(open_host: OpenHost) -> None:
    tasks = small()
    board = await open_board(open_host, tasks, board_app(tasks, reopens=False))
    box = board.card("T-2").locator("input")

    await box.check()
    await board.says("Completed T-2.")

    await expect(box).to_be_disabled()
    await expect(box).to_have_attribute("title", "Completed cards can't be reopened.")


async def test_cards_are_added_one_after_the_other(open_host: OpenHost) -> None:
    board = await open_board(open_host, small())
    field = board.view.body.get_by_label("Add a card to Doing")

    await field.fill("Buy <b>nails</b>")
    await field.press("Enter")
    await board.shows("doing", "T-4", "T-5", "N-6")
    await expect(field).to_have_value("")
    await expect(field).to_be_focused()
    await field.fill("Buy screws")
    await board.button("Add").click()

    await board.shows("doing", "T-4", "T-5", "N-6", "N-7")
    await expect(field).to_be_focused()
    await expect(board.card("N-6").locator("p")).to_have_text("Buy <b>nails</b>")


async def test_the_text_of_a_refused_card_is_kept(open_host: OpenHost) -> None:
    board = await open_board(open_host, small())
    board.tasks.refusal = "The board is full."
    field = board.view.body.get_by_label("Add a card to To do")

    await field.fill("One more")
    await field.press("Enter")

    await board.says("The board is full.")
    await expect(field).to_have_value("One more")
    await expect(field).to_be_focused()
    await expect(field).to_be_editable()


async def test_one_row_adds_where_the_action_takes_no_column(open_host: OpenHost) -> None:
    tasks = small()
    board = await open_board(open_host, tasks, board_app(tasks, adds_to_columns=False))
    field = board.view.body.get_by_label("Add a card", exact=True)

    await field.fill("Buy nails")
    await field.press("Enter")

    await board.shows("todo", "T-1", "T-2", "T-3", "N-6")


async def test_a_filter_shows_one_persons_cards(open_host: OpenHost) -> None:
    board = await open_board(open_host, small())

    await board.view.body.get_by_label("Assignee").select_option("Ada Lovelace")

    await board.shows("todo", "T-2")
    await board.shows("doing", "T-5")

"""Moving cards in a real board: by mouse, touch and keyboard, and when the server says no."""

import pytest
from playwright.async_api import expect

from intarsia.testing.fixtures import OpenHost
from intarsia.testing.page import center
from tests.browser.board_page import open_board
from tests.browser.task_board_app import Task, small

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

FLAVORS = ["spec", "opaque", "loose"]
GHOST = ".intarsia-task-board__ghost"
LINE = ".intarsia-task-board__line"


# -- With the mouse --


@pytest.mark.parametrize("flavor", FLAVORS)
async def test_a_card_is_dragged_to_a_place_in_another_column(open_host: OpenHost, flavor: str) -> None:
    board = await open_board(open_host, small(), sandbox=flavor)

    await board.drag("T-1", "T-5", below=False)

    await board.says("Moved T-1 to Doing.")
    await board.shows("doing", "T-4", "T-1", "T-5")
    await board.shows("todo", "T-2", "T-3")
    assert board.tasks.order("doing") == ["T-4", "T-1", "T-5"]
    assert await board.moves() == [{"card": "T-1", "column": "doing", "index": 1, "version": 1}]


async def test_a_card_is_dragged_within_its_column_and_undo_brings_it_back(open_host: OpenHost) -> None:
    board = await open_board(open_host, small())

    await board.drag("T-1", "T-2", below=True)

    await board.shows("todo", "T-2", "T-1", "T-3")
    await board.says("Moved T-1 to To do.")
    assert board.tasks.order("todo") == ["T-2", "T-1", "T-3"]
    await board.button("Undo").click()
    await board.shows("todo", "T-1", "T-2", "T-3")
    assert board.tasks.order("todo") == ["T-1", "T-2", "T-3"]


async def test_a_card_is_dragged_to_the_end_and_into_an_empty_column(open_host: OpenHost) -> None:
    board = await open_board(open_host, small())

    await board.drag("T-1", "T-5", below=True)
    await board.shows("doing", "T-4", "T-5", "T-1")
    await board.lift_with_mouse("T-2")
    await board.mouse.move(*await center(board.view.locator("#w-column-done .intarsia-task-board__empty")), steps=4)
    await expect(board.view.locator(LINE)).to_be_visible()
    await board.mouse.up()

    await board.shows("done", "T-2")
    await board.says("Moved T-2 to Done.")
    assert [board.tasks.order(column) for column in board.tasks.columns] == [["T-3"], ["T-4", "T-5", "T-1"], ["T-2"]]


async def test_a_card_let_go_where_it_was_or_beside_the_board_asks_nothing(open_host: OpenHost) -> None:
    board = await open_board(open_host, small())

    await board.drag("T-2", "T-3", below=False)
    await board.announces("Put back Order paper, 2 of 3 in To do.")
    await board.lift_with_mouse("T-2")
    await board.mouse.move(4, 4, steps=3)
    await expect(board.view.locator(LINE)).to_be_hidden()
    await board.mouse.up()

    await expect(board.view.locator(GHOST)).to_have_count(0)
    await board.shows("todo", "T-1", "T-2", "T-3")
    assert await board.moves() == []


async def test_escape_a_lost_pointer_and_a_lost_window_end_a_drag(open_host: OpenHost) -> None:
    board = await open_board(open_host, small())
    ends = {
        "blur": "window.dispatchEvent(new Event('blur'))",
        "cancel": "document.dispatchEvent(new PointerEvent('pointercancel', {pointerId: 1}))",
    }
    for end in ("escape", "blur", "cancel"):
        await board.lift_with_mouse("T-1")
        await board.move_beside("T-5", below=True)
        if end == "escape":
            await board.keyboard.press("Escape")
        else:
            await board.view.frame.evaluate(f"() => {ends[end]}")
        await expect(board.view.locator(GHOST)).to_have_count(0)
        await board.mouse.up()
        await board.shows("todo", "T-1", "T-2", "T-3")

    assert await board.moves() == []
    await board.drag("T-1", "T-5", below=True)  # nothing of the ended drags is left
    await board.shows("doing", "T-4", "T-5", "T-1")


async def test_a_second_pointer_neither_moves_nor_ends_a_drag(open_host: OpenHost) -> None:
    board = await open_board(open_host, small())
    await board.lift_with_mouse("T-1")
    await board.move_beside("T-4", below=False)

    await board.card("T-3").evaluate(
        """(card) => { for (const type of ["pointerdown", "pointermove", "pointerup"]) card.dispatchEvent(
            new PointerEvent(type, {pointerId: 77, pointerType: "mouse", bubbles: true, clientX: 5, clientY: 5})) }"""
    )

    await expect(board.view.locator(GHOST)).to_have_count(1)
    await board.mouse.up()
    await board.shows("doing", "T-1", "T-4", "T-5")


async def test_a_press_on_a_control_or_a_click_on_a_card_is_no_drag(open_host: OpenHost) -> None:
    board = await open_board(open_host, small())

    await board.card("T-1").locator("p").click()
    box_x, box_y = await center(board.card("T-1").locator("input"))
    await board.mouse.move(box_x, box_y)
    await board.mouse.down()
    await board.mouse.move(box_x + 40, box_y + 60, steps=4)

    await expect(board.view.locator(GHOST)).to_have_count(0)
    await board.mouse.up()
    assert (await board.view.settled()).calls == []


# -- With a finger --


@pytest.mark.parametrize("flavor", FLAVORS)
async def test_a_card_is_dragged_by_its_handle_with_a_finger(open_host: OpenHost, flavor: str) -> None:
    board = await open_board(open_host, small(), touch=True, sandbox=flavor)

    await board.host.pages[0].touch_drag(board.handle("T-1"), board.card("T-5").locator("small"))

    await board.says("Moved T-1 to Doing.")
    await board.shows("doing", "T-4", "T-5", "T-1")
    assert board.tasks.order("doing") == ["T-4", "T-5", "T-1"]


async def test_a_finger_on_the_card_itself_scrolls_and_moves_nothing(open_host: OpenHost) -> None:
    board = await open_board(open_host, small(), touch=True)

    await board.host.pages[0].touch_drag(board.card("T-3").locator("p"), board.card("T-1").locator("p"))

    await board.shows("todo", "T-1", "T-2", "T-3")
    assert await board.moves() == []
    styles = await board.card("T-1").evaluate(
        "(card) => [card, card.querySelector('button')].map((each) => getComputedStyle(each).touchAction)"
    )
    assert styles == ["auto", "none"]


async def test_a_tap_on_the_handle_offers_buttons_that_move(open_host: OpenHost) -> None:
    board = await open_board(open_host, small(), touch=True, phone=True, room="320")

    await board.handle("T-1").tap()
    await board.button("Down").tap()
    await board.announces("2 of 3 in To do.")
    await board.button("To Doing").tap()
    await expect(board.tab("Doing")).to_have_attribute("aria-selected", "true")
    await board.announces("2 of 3 in Doing.")
    await board.button("Drop").tap()

    await board.says("Moved T-1 to Doing.")
    assert board.tasks.order("doing") == ["T-4", "T-1", "T-5"]
    sizes = await board.view.locator("button:visible, input:visible").evaluate_all(
        "(controls) => controls.map((each) => each.getBoundingClientRect().height)"
    )
    assert min(sizes) >= 44


# -- With the keyboard --


async def test_a_card_is_moved_by_keyboard_alone(open_host: OpenHost) -> None:
    board = await open_board(open_host, small())
    await board.handle("T-2").focus()
    await expect(board.handle("T-2")).to_have_accessible_name("Move Order paper, 2 of 3 in To do")

    await board.keyboard.press("Space")
    await board.announces("Lifted Order paper, 2 of 3 in To do. Arrow keys move it")
    await board.keyboard.press("ArrowRight")
    await board.announces("2 of 3 in Doing.")
    await board.keyboard.press("End")
    await board.announces("3 of 3 in Doing.")
    await board.keyboard.press("ArrowUp")
    await board.shows("doing", "T-4", "T-2", "T-5")
    await expect(board.handle("T-2")).to_be_focused()
    await board.keyboard.press("Enter")

    await board.says("Moved T-2 to Doing.")
    await expect(board.handle("T-2")).to_be_focused()
    await expect(board.handle("T-2")).to_have_accessible_name("Move Order paper, 2 of 3 in Doing")
    assert board.tasks.order("doing") == ["T-4", "T-2", "T-5"]
    assert await board.moves() == [{"card": "T-2", "column": "doing", "index": 1, "version": 1}]


async def test_escape_and_leaving_put_a_lifted_card_back(open_host: OpenHost) -> None:
    board = await open_board(open_host, small())
    await board.handle("T-1").focus()

    await board.keyboard.press("Enter")
    await board.keyboard.press("ArrowRight")
    await board.keyboard.press("ArrowDown")
    await board.shows("doing", "T-4", "T-1", "T-5")
    await board.keyboard.press("Escape")
    await board.shows("todo", "T-1", "T-2", "T-3")
    await board.announces("Put back Write the plan, 1 of 3 in To do.")
    await expect(board.handle("T-1")).to_be_focused()
    await board.keyboard.press("Enter")
    await board.keyboard.press("End")
    await board.shows("todo", "T-2", "T-3", "T-1")
    await board.card("T-5").locator("p").click()

    await board.shows("todo", "T-1", "T-2", "T-3")
    assert await board.moves() == []


async def test_in_right_to_left_the_left_arrow_goes_to_the_next_column(open_host: OpenHost) -> None:
    board = await open_board(open_host, small(), locale="ar-EG")
    await board.handle("T-1").focus()

    await board.keyboard.press("Space")
    await board.keyboard.press("ArrowRight")
    await board.shows("todo", "T-1", "T-2", "T-3")
    await board.keyboard.press("ArrowLeft")
    await board.shows("doing", "T-1", "T-4", "T-5")
    await board.keyboard.press("Escape")
    await board.shows("todo", "T-1", "T-2", "T-3")
    await expect(board.button("Cancel")).to_be_hidden()
    await board.drag("T-1", "T-5", below=False)

    await board.shows("doing", "T-4", "T-1", "T-5")
    assert board.tasks.order("doing") == ["T-4", "T-1", "T-5"]


# -- When the server has another opinion --


async def test_a_refused_move_goes_back_and_says_why(open_host: OpenHost) -> None:
    board = await open_board(open_host, small())
    board.tasks.refusal = "Ada has frozen this board."

    await board.drag("T-1", "T-5", below=True)

    await board.says("Ada has frozen this board.")
    await board.shows("todo", "T-1", "T-2", "T-3")
    await board.shows("doing", "T-4", "T-5")
    await expect(board.card("T-1")).to_have_attribute("data-refused", "")
    await expect(board.view.locator("#w-top-doing [data-count]")).to_have_text("2")
    board.tasks.refusal = None
    await board.drag("T-1", "T-5", below=True)
    await board.shows("doing", "T-4", "T-5", "T-1")
    await expect(board.card("T-1")).not_to_have_attribute("data-refused", "")


async def test_a_stale_move_ends_with_the_true_board(open_host: OpenHost) -> None:
    board = await open_board(open_host, small())
    moved = board.tasks.columns["todo"].pop(0)
    moved.version += 1
    board.tasks.columns["done"].append(moved)

    await board.drag("T-1", "T-5", below=True)

    await board.says("Grace changed T-1 meanwhile.")
    await board.shows("done", "T-1")
    await board.shows("doing", "T-4", "T-5")
    await board.shows("todo", "T-2", "T-3")


async def test_an_unreachable_server_puts_the_card_back(open_host: OpenHost) -> None:
    board = await open_board(open_host, small())
    await board.host.set(faults={"refuse_calls": "error"})

    await board.drag("T-1", "T-5", below=True)

    await expect(board.card("T-1")).to_have_attribute("data-refused", "")
    await board.shows("todo", "T-1", "T-2", "T-3")
    await board.shows("doing", "T-4", "T-5")


async def test_the_server_may_put_a_card_elsewhere(open_host: OpenHost) -> None:
    board = await open_board(open_host, small())
    board.tasks.sorts = True

    await board.drag("T-1", "T-5", below=True)

    await board.says("Moved T-1 to Doing.")
    await board.shows("doing", "T-1", "T-4", "T-5")


async def test_two_moves_in_a_row_both_stay_where_they_were_dropped(open_host: OpenHost) -> None:
    board = await open_board(open_host, small())
    await board.host.set(faults={"hold": "request"})

    await board.drag("T-1", "T-5", below=True)
    await expect(board.card("T-1")).to_have_attribute("aria-busy", "true")
    await board.drag("T-2", "T-5", below=False)
    await board.shows("doing", "T-4", "T-2", "T-5", "T-1")
    await board.host.wait_for_held()
    await board.host.release()
    await board.says("Moved T-1 to Doing.")
    await board.shows("doing", "T-4", "T-2", "T-5", "T-1")
    await board.host.wait_for_held()
    await board.host.release()

    await board.says("Moved T-2 to Doing.")
    await board.shows("doing", "T-4", "T-2", "T-5", "T-1")
    assert board.tasks.order("doing") == ["T-4", "T-2", "T-5", "T-1"]
    await expect(board.view.locator("[aria-busy]")).to_have_count(0)


async def test_an_answer_that_arrives_during_a_drag_waits_for_its_end(open_host: OpenHost) -> None:
    board = await open_board(open_host, small())
    await board.host.set(faults={"hold": "answer"})
    await board.card("T-3").locator("input").check()
    await board.host.wait_for_held()
    board.tasks.columns["doing"].insert(0, Task("T-9", "Sweep the floor"))

    await board.lift_with_mouse("T-1")
    await board.move_beside("T-5", below=True)
    await board.host.set(faults={"hold": False})
    await board.host.release()
    await board.view.wait_for_calls(1, "complete_card")
    await board.shows("doing", "T-4", "T-5")
    await board.mouse.up()

    await board.says("Moved T-1 to Doing.")
    await board.shows("doing", "T-9", "T-4", "T-1", "T-5")

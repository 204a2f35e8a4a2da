"""Open widgets that follow what others do and what people granted, with nothing pressed and nothing opened again."""

import json

import pytest
from playwright.async_api import expect

from examples.team_tasks import connector as team_tasks
from intarsia import Connector
from intarsia.testing import Grant, Host, View, assert_accessible, assert_fits_inline
from tests.browser.story_support import SANDBOXES, Board, call, server_order

READ, WRITE = "tasks:read", "tasks:write"
READER, EDITOR = Grant("edda", scopes={READ}), Grant("edda", scopes={READ, WRITE})
JOHN = Grant("john", scopes={READ, WRITE})
NOTICED_MS = 5_000

HIDE = """(value) => {
  Object.defineProperty(document, "hidden", { value: Boolean(value), configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture
def connector() -> Connector:
    return team_tasks


@pytest.mark.parametrize("sandbox", SANDBOXES)
async def test_an_open_board_becomes_read_only_editable_and_none_at_all_by_itself(host: Host, sandbox: str) -> None:
    await host.set(sandbox=sandbox)
    view = await host.call("task_board", as_=EDITOR, project="apollo")
    frame = view.frame
    move = view.body.get_by_role("button", name="Move").first
    await expect(move).to_be_visible()

    host.regrant(EDITOR, READER)
    await expect(move).not_to_be_attached(timeout=NOTICED_MS)
    await view.until(f"need {WRITE},")

    host.regrant(EDITOR, EDITOR)
    await expect(move).to_be_visible(timeout=NOTICED_MS)

    await view.until(lambda: view.calls_of("intarsia_view")[-1].state == "waiting")
    host.regrant(EDITOR, None)
    await view.until("Your access was withdrawn")
    assert await view.locator(".intarsia-card").count() == 0
    assert view.frame is frame

    host.regrant(EDITOR, EDITOR)
    await view.press("Try again")
    await expect(move).to_be_visible()
    assert view.frame is frame


async def test_a_person_does_not_wait_for_the_call_that_waits(host: Host, running_connector: Connector) -> None:
    await host.set(faults={"serialize": True})
    view = await host.call("task_board", as_=EDITOR, project="apollo")
    board = Board(view)
    todo, review = await server_order(running_connector, "todo"), await server_order(running_connector, "review")
    await view.until(lambda: any(call.state == "waiting" for call in view.calls_of("intarsia_view")))

    await board.drag(todo[0], onto=review[0])
    await board.expect_order("review", [todo[0], review[0]])

    await view.settled()
    states = [call.state for call in view.calls_of("intarsia_view")]
    assert "cancelled" in states
    assert "failed" not in states
    await view.until(lambda: view.calls_of("intarsia_view")[-1].state == "waiting")


async def test_never_are_two_calls_that_wait_under_way(host: Host) -> None:
    view = await host.call("task_board", as_=EDITOR, project="apollo")

    async def until_there_are(count: int) -> None:
        await view.until(lambda: len(view.calls_of("intarsia_view")) >= count)

    for count, now in enumerate((READER, EDITOR, READER, EDITOR), 1):
        await until_there_are(count)
        assert [call.state for call in view.calls_of("intarsia_view")].count("waiting") <= 1
        host.regrant(EDITOR, now)
    await until_there_are(5)


async def test_a_board_that_nobody_sees_asks_for_nothing(host: Host) -> None:
    view = await host.call("task_board", as_=EDITOR, project="apollo")
    await view.until(lambda: any(call.state == "waiting" for call in view.calls_of("intarsia_view")))
    page = (await host.page_of(EDITOR)).page
    await view.frame.evaluate(HIDE, 1)
    await view.until(lambda: all(call.state != "waiting" for call in view.calls_of("intarsia_view")))
    count = len(view.calls_of("intarsia_view"))
    await view.settled()
    await page.evaluate("() => new Promise((done) => setTimeout(done, 1500))")
    await view.settled()
    assert len(view.calls_of("intarsia_view")) == count

    await view.frame.evaluate(HIDE, 0)
    await view.until(lambda: len(view.calls_of("intarsia_view")) == count + 1)


async def test_two_people_on_one_board_see_each_others_moves(host: Host, running_connector: Connector) -> None:
    hers = Board(await host.call("task_board", as_=EDITOR, project="apollo"))
    theirs = Board(await host.call("task_board", as_=JOHN, project="apollo"))
    todo, review = await server_order(running_connector, "todo"), await server_order(running_connector, "review")

    await hers.drag(todo[0], onto=review[0])
    await theirs.expect_order("review", [todo[0], review[0]])
    await theirs.drag(todo[1], onto=todo[0])
    await hers.expect_order("review", [todo[1], todo[0], review[0]])

    assert [one.name for one in (await theirs.view.settled()).calls] == ["move_card"]
    assert await server_order(running_connector, "review") == [todo[1], todo[0], *review]


async def test_who_did_not_sign_in_sees_what_models_and_others_do(host: Host, running_connector: Connector) -> None:
    board = Board(await host.call("task_board", project="apollo"))
    todo = await server_order(running_connector, "todo")
    version = await board.card(todo[0]).get_attribute("data-item")
    assert version

    await call(
        running_connector, "archive_card", project="apollo", card=todo[0], version=json.loads(version)["version"]
    )

    await expect(board.card(todo[0])).not_to_be_attached()
    await board.expect_order("todo", todo[1:3])


async def test_a_card_in_the_hand_is_not_pulled_away(host: Host, running_connector: Connector) -> None:
    board = Board(await host.call("task_board", as_=EDITOR, project="apollo"))
    todo, review = await server_order(running_connector, "todo"), await server_order(running_connector, "review")
    mouse = board.view.host.page.mouse
    await board.card(review[0]).hover(trial=True)
    await board.card(todo[0]).locator("p").first.hover()
    place = await board.card(review[0]).bounding_box()
    assert place
    await mouse.down()
    await mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] * 0.2, steps=8)
    before = len(board.view.calls_of("intarsia_view"))

    await call(running_connector, "add_card", project="apollo", column="review", title="From somebody else")
    await board.view.until(lambda: answered_calls(board.view) >= before)
    assert "From somebody else" not in board.view.text
    await mouse.up()

    await expect(board.card(todo[0])).to_be_visible()
    await board.expect_order("review", [todo[0], review[0]])
    await expect(board.column("review").get_by_text("From somebody else")).to_be_attached()
    assert (await server_order(running_connector, "review"))[:2] == [todo[0], review[0]]


async def until_waiting(view: View) -> None:
    await view.until(lambda: [one.state for one in view.calls_of("intarsia_view")][-1:] == ["waiting"])


def answered_calls(view: View) -> int:
    return [call.state for call in view.calls_of("intarsia_view")].count("answered")


async def test_a_board_that_is_opened_again_goes_quiet_keeps_what_was_typed_and_can_be_the_latest(
    host: Host, running_connector: Connector
) -> None:
    older = await host.call("task_board", as_=EDITOR, project="apollo")
    field = older.locator("input[name=title]").first
    await field.fill("Half a thought")
    newer = await host.call("task_board", as_=EDITOR, project="apollo")

    line, other = older.locator(".intarsia-freshness"), newer.locator(".intarsia-freshness")
    await expect(line).to_contain_text("A newer copy is open. Last updated")
    await expect(field).to_have_value("Half a thought")
    await expect(older.locator(".intarsia-card, [id^=w-card-]").first).to_be_visible()
    await older.settled()
    count = len(older.calls_of("intarsia_view"))
    await call(running_connector, "add_card", project="apollo", column="todo", title="Later")
    await newer.until(lambda: "Later" in newer.text or answered_calls(newer) > 0)
    await older.settled()
    assert len(older.calls_of("intarsia_view")) == count
    await assert_accessible(older)
    await assert_fits_inline(older)

    await older.press("Open latest")
    await expect(other).to_contain_text("A newer copy is open.")
    await expect(line).to_contain_text("Updated")
    await expect(field).to_have_value("Half a thought")
    await until_waiting(older)


async def test_a_view_that_is_made_anew_and_that_of_somebody_else_are_not_superseded(host: Host) -> None:
    first = await host.call("task_board", as_=EDITOR, project="apollo")
    others = await host.call("task_board", as_=JOHN, project="apollo")
    await first.recreate()

    for view in (first, others):
        await until_waiting(view)
        assert "A newer copy" not in view.text


@pytest.mark.usefixtures("strips_meta")
async def test_a_view_whose_result_lost_its_meta_is_superseded_too(host: Host) -> None:
    older = await host.call("task_board", as_=EDITOR, project="apollo")
    await until_waiting(older)
    newer = await host.call("task_board", as_=EDITOR, project="apollo")

    await older.until("A newer copy is open.")
    await until_waiting(newer)

"""Open widgets that follow what people granted, with nothing pressed and nothing opened again."""

import pytest
from playwright.async_api import expect

from examples.team_tasks import connector as team_tasks
from inlay import Connector
from inlay.testing import Grant, Host
from tests.browser.stories import SANDBOXES, Board, server_order

READ, WRITE = "tasks:read", "tasks:write"
READER, EDITOR = Grant("edda", scopes={READ}), Grant("edda", scopes={READ, WRITE})
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
    await view.until(f"need {WRITE}.")

    host.regrant(EDITOR, EDITOR)
    await expect(move).to_be_visible(timeout=NOTICED_MS)

    await view.until(lambda: view.calls_of("inlay_view")[-1].state == "waiting")
    host.regrant(EDITOR, None)
    await view.until("Your access was withdrawn")
    assert await view.locator(".inlay-card").count() == 0
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
    await view.until(lambda: any(call.state == "waiting" for call in view.calls_of("inlay_view")))

    await board.drag(todo[0], onto=review[0])
    await board.expect_order("review", [todo[0], review[0]])

    await view.settled()
    states = [call.state for call in view.calls_of("inlay_view")]
    assert "cancelled" in states
    assert "failed" not in states
    await view.until(lambda: view.calls_of("inlay_view")[-1].state == "waiting")


async def test_never_are_two_calls_that_wait_under_way(host: Host) -> None:
    view = await host.call("task_board", as_=EDITOR, project="apollo")

    async def until_there_are(count: int) -> None:
        await view.until(lambda: len(view.calls_of("inlay_view")) >= count)

    for count, now in enumerate((READER, EDITOR, READER, EDITOR), 1):
        await until_there_are(count)
        assert [call.state for call in view.calls_of("inlay_view")].count("waiting") <= 1
        host.regrant(EDITOR, now)
    await until_there_are(5)


async def test_a_board_that_nobody_sees_asks_for_nothing(host: Host) -> None:
    view = await host.call("task_board", as_=EDITOR, project="apollo")
    await view.until(lambda: any(call.state == "waiting" for call in view.calls_of("inlay_view")))
    page = (await host.page_of(EDITOR)).page
    await view.frame.evaluate(HIDE, 1)
    host.regrant(EDITOR, READER)  # ends the call that waits
    await view.until(lambda: all(call.state != "waiting" for call in view.calls_of("inlay_view")))
    count = len(view.calls_of("inlay_view"))
    await view.settled()
    await page.evaluate("() => new Promise((done) => setTimeout(done, 1500))")
    await view.settled()
    assert len(view.calls_of("inlay_view")) == count

    await view.frame.evaluate(HIDE, 0)
    await view.until(lambda: len(view.calls_of("inlay_view")) == count + 1)

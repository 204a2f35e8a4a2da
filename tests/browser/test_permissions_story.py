"""What people granted, in open widgets: what they see and can do, and what changes when they grant more or less."""

import json
from pathlib import Path
from typing import cast

import pytest
from playwright.async_api import expect

from examples.machine_monitor import connector as machine_monitor
from examples.team_tasks import connector as team_tasks
from intarsia import Connector
from intarsia.testing import Grant, Host, View
from tests.browser.story_support import SANDBOXES, Board, server_order
from tests.security.hidden_data_connector import ISSUER, MARKS, build_hidden_data_connector, canary

READ, WRITE = "tasks:read", "tasks:write"
RITA = Grant("rita", scopes={READ})
EDITOR = Grant("edda", scopes={READ, WRITE})


@pytest.fixture
def connector(request: pytest.FixtureRequest, tmp_path: Path) -> Connector:
    test = cast("pytest.Item", request.node)  # pyright: ignore[reportUnknownMemberType] - pytest does not say
    if "canar" in test.name:
        return build_hidden_data_connector(tmp_path / "shop.db")
    return machine_monitor if "monitor" in test.name else team_tasks


async def until_it_waits(view: View) -> None:
    """Wait until an open View waits for changes: what changes unnoticed now is found out at its next call."""
    await view.until(lambda: any(call.state == "waiting" for call in view.calls_of("intarsia_view")))


@pytest.mark.parametrize("sandbox", SANDBOXES)
async def test_who_may_not_write_sees_why_and_after_granting_it_the_same_board_can_be_used(
    host: Host, running_connector: Connector, sandbox: str
) -> None:
    await host.set(sandbox=sandbox)
    view = await host.call("task_board", as_=RITA, project="apollo")
    board = Board(view)
    todo, review = await server_order(running_connector, "todo"), await server_order(running_connector, "review")

    assert await view.body.get_by_role("button", name="Move").count() == 0
    assert await view.body.get_by_role("checkbox").and_(view.locator(":enabled")).count() == 0
    assert f"need {WRITE}," in view.text
    await board.drag(todo[0], onto=review[0])
    assert view.calls_of("move_card") == []

    await until_it_waits(view)
    host.regrant(RITA, Grant("rita", scopes={READ, WRITE}), is_noticed=False)
    frame = view.frame
    await view.press(f"Grant access to {WRITE}")
    await expect(board.handle(todo[0])).to_be_visible()
    await board.drag(todo[0], onto=review[0])
    await board.expect_order("review", [todo[0], review[0]])

    assert view.frame is frame
    assert WRITE not in (await view.settled()).text
    assert (await server_order(running_connector, "review"))[:2] == [todo[0], review[0]]


@pytest.mark.parametrize("sandbox", SANDBOXES)
async def test_a_move_goes_back_when_the_scope_was_withdrawn_after_the_board_was_drawn(
    host: Host, running_connector: Connector, sandbox: str
) -> None:
    await host.set(sandbox=sandbox)
    view = await host.call("task_board", as_=EDITOR, project="apollo")
    board = Board(view)
    todo, review = await server_order(running_connector, "todo"), await server_order(running_connector, "review")
    await until_it_waits(view)
    host.regrant(EDITOR, Grant("edda", scopes={READ}), is_noticed=False)
    await board.drag(todo[0], onto=review[0])
    await view.settled()

    assert [call.sent for call in view.calls_of("move_card")] == [True]
    assert f"needs {WRITE}" in view.problem
    await board.expect_order("todo", todo[:2])
    assert await view.body.get_by_role("button", name="Move").count() == 0
    assert await server_order(running_connector, "todo") == todo
    assert await server_order(running_connector, "review") == review


async def test_two_people_before_one_board_each_have_their_own_controls(host: Host) -> None:
    hers = await host.call("task_board", as_=RITA, project="apollo")
    theirs = await host.call("task_board", as_=EDITOR, project="apollo")

    assert await hers.body.get_by_role("button", name="Move").count() == 0
    assert await theirs.body.get_by_role("button", name="Move").count() > 0
    assert WRITE in hers.text
    assert WRITE not in theirs.text


async def test_the_monitor_leaves_out_on_the_server_what_a_person_may_not_see(host: Host) -> None:
    await host.set(display="fullscreen")
    guest = Grant("guest", scopes={"metrics:read"})
    view = await host.call("machine_monitor", as_=guest)
    whole = await host.call("machine_monitor")

    assert "needs metrics:processes" in view.text
    assert await view.locator("table caption").filter(has_text="Busiest processes").count() == 0
    assert await whole.locator("table caption").filter(has_text="Busiest processes").count() > 0
    sent = str([entry for entry in await host.traffic(as_=guest) if entry["method"] == "tools/call"])
    assert "Busiest processes" not in sent


@pytest.mark.sampled(2)
@pytest.mark.parametrize("widget", ["fields", "rows", "cards", "overview", "panel"])
async def test_of_two_people_with_one_widget_each_gets_the_canaries_of_their_own_scopes_alone(
    host: Host, widget: str
) -> None:
    for name, own in zip(("ada", "bob"), MARKS, strict=False):
        person = Grant(name, "chat", {"shop:read", own}, issuer=ISSUER)
        view = await host.call(widget, as_=person)
        frame = await view.locator("html").evaluate("(element) => element.outerHTML")
        came = json.dumps(await host.traffic(as_=person))
        page = await (await host.page_of(person)).page.content()
        for where in (frame, came, page):
            assert [scope for scope in MARKS if canary(scope) in where and scope != own] == [], name
        assert canary(own) in came
        assert all(f"needs {scope}" in view.text for scope in MARKS if scope != own)


async def test_whoever_is_turned_away_is_told_and_nothing_is_done(host: Host, running_connector: Connector) -> None:
    host.expect_console("401")
    view = await host.call("task_board", as_=EDITOR, project="apollo")
    board = Board(view)
    todo, review = await server_order(running_connector, "todo"), await server_order(running_connector, "review")
    await until_it_waits(view)
    host.regrant(EDITOR, None, is_noticed=False)
    await board.drag(todo[0], onto=review[0])
    await view.settled()

    assert view.problem
    await board.expect_order("todo", todo[:2])
    assert await server_order(running_connector, "todo") == todo

"""Hosts that misbehave: each ends with the true widget, and each action is applied once."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect
from sqlalchemy import func, select

from examples.team_tasks import connector as team_tasks
from intarsia import Connector
from intarsia.server.storage.tables import KEYS
from intarsia.testing.fixtures import OpenHost
from tests.browser.story_support import SANDBOXES, Board, served, server_order


@pytest.fixture
async def tasks(tmp_path: Path) -> AsyncIterator[Connector]:
    async with served(team_tasks, tmp_path) as connector:
        yield connector


async def applied(connector: Connector) -> int:
    """How many actions were applied."""
    async with connector.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(KEYS))).scalar_one())


@pytest.mark.sampled(2)
@pytest.mark.parametrize("sandbox", SANDBOXES)
@pytest.mark.parametrize(
    "faults",
    [
        {"no_arguments": True},
        {"strip_result_meta": True, "strip_request_meta": True, "no_arguments": True, "no_tool_info": True},
    ],
    ids=["sends no arguments", "all of it"],
)
async def test_the_board_is_true_and_a_move_is_applied_once(
    tasks: Connector, open_host: OpenHost, faults: dict[str, Any], sandbox: str
) -> None:
    host = open_host(tasks.app())
    await host.open(sandbox=sandbox, faults=faults)
    board = Board(await host.call("task_board", project="apollo"))
    todo, review = await server_order(tasks, "todo"), await server_order(tasks, "review")
    await board.expect_order("todo", todo[:2])

    await board.drag(todo[0], onto=review[0])

    await expect(board.view.locator(".intarsia-status")).to_contain_text(f"Moved {todo[0]} to Review.")
    await board.expect_order("review", [todo[0], review[0]])
    assert await server_order(tasks, "review") == [todo[0], *review]
    assert await applied(tasks) == 1


@pytest.mark.parametrize("kind", ["error", "never"])
async def test_a_lost_answer_is_asked_for_again_and_applied_once(
    tasks: Connector, open_host: OpenHost, kind: str
) -> None:
    host = open_host(tasks.app())
    await host.open()
    board = Board(await host.call("task_board", project="apollo"))
    opened = await host.page.evaluate("() => performance.now()")
    todo, review = await server_order(tasks, "todo"), await server_order(tasks, "review")
    await host.set(faults={"lose_answers": kind, "only": ["move_card"]})

    await board.drag(todo[0], onto=review[0])
    await board.view.wait_for_calls(1, "move_card", state=None)
    if kind == "never":
        # What a host pushes again within two seconds is taken for new: wait until it is older than that.
        await host.pages[0].wait_until("(opened) => performance.now() > opened + 2_000", opened)
        await board.view.recreate(abrupt=True)
        await expect(board.column("review").locator("> li").first).to_be_visible()
    else:
        await host.pages[0].wait_until(
            "() => intarsiaHost.view(1).calls.filter((call) => call.name === 'move_card').length >= 2"
        )
    await host.set(faults={"lose_answers": False})

    await board.expect_order("review", [todo[0], review[0]])
    assert (await server_order(tasks, "review")).count(todo[0]) == 1
    assert await applied(tasks) == 1


async def test_a_lost_answer_is_forgotten_when_the_board_shows_what_was_done(
    tasks: Connector, open_host: OpenHost
) -> None:
    host = open_host(tasks.app())
    await host.open()
    board = Board(await host.call("task_board", project="apollo"))
    await host.set(faults={"lose_answers": "error", "only": ["move_card", "task_board", "intarsia_view"]})
    todo, review = await server_order(tasks, "todo"), await server_order(tasks, "review")
    await board.drag(todo[0], onto=review[0])
    status, line = board.view.locator(".intarsia-status__message"), board.view.locator(".intarsia-freshness")
    await expect(status).to_have_text("The server did not respond.")
    await expect(line).to_have_attribute("data-state", "stale")

    await host.set(faults={"lose_answers": False})
    await line.get_by_role("button", name="Try again").click()

    await board.expect_order("review", [todo[0], review[0]])
    await expect(status).to_have_text("")
    await expect(line).to_have_attribute("data-state", "fresh")
    assert await applied(tasks) == 1


@pytest.mark.parametrize("held", ["request", "answer"])
async def test_a_view_recreated_in_the_middle_of_a_move_shows_the_truth(
    tasks: Connector, open_host: OpenHost, held: str
) -> None:
    host = open_host(tasks.app())
    await host.open()
    board = Board(await host.call("task_board", project="apollo"))
    todo, review = await server_order(tasks, "todo"), await server_order(tasks, "review")
    await host.set(faults={"hold": held, "only": ["move_card"]})

    await board.drag(todo[0], onto=review[0])
    await host.wait_for_held()
    await board.view.recreate()
    await host.set(faults={"hold": False})
    await host.release()
    await expect(board.column("review").locator("> li").first).to_be_visible()

    again = Board(await host.call("task_board", project="apollo"))
    truth = await server_order(tasks, "review")
    await again.expect_order("review", truth[:2])
    assert truth in ([todo[0], *review], review)
    assert await applied(tasks) == (1 if truth[0] == todo[0] else 0)

"""The board in a real host, through the official AppBridge, in each sandbox."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.async_api import expect

from examples.team_tasks import connector as team_tasks
from intarsia import Connector
from intarsia.server.audit.log import AuditQuery
from intarsia.server.storage import wait_budget
from intarsia.testing.fixtures import OpenHost
from tests.browser.story_support import SANDBOXES, Board, call, drag_to, served, server_order

HOSTILE = '<img src=x onerror="document.title=1">'


@pytest.fixture
async def tasks(tmp_path: Path) -> AsyncIterator[Connector]:
    async with served(team_tasks, tmp_path) as connector:
        yield connector


@pytest.mark.parametrize("sandbox", SANDBOXES)
async def test_cards_are_dragged_undone_kept_completed_filtered(
    tasks: Connector, open_host: OpenHost, sandbox: str
) -> None:
    host = open_host(tasks.app())
    await host.open(sandbox=sandbox)
    view = await host.call("task_board", project="apollo")
    board = Board(view)
    todo, review = await server_order(tasks, "todo"), await server_order(tasks, "review")
    card = todo[0]

    await board.drag(card, onto=review[1])
    await expect(view.locator(".intarsia-status")).to_contain_text(f"Moved {card} to Review.")
    await board.expect_order("review", [review[0], card, review[1]])
    assert (await server_order(tasks, "review"))[:3] == [review[0], card, review[1]]

    await view.locator(".intarsia-status__undo").click()
    await board.expect_order("todo", todo[:2])
    assert await server_order(tasks, "todo") == todo
    assert await server_order(tasks, "review") == review

    await board.drag(card, onto=review[0])
    await view.wait_for_calls(3, "move_card")
    again = Board(await host.call("task_board", project="apollo"))
    await again.expect_order("review", [card, review[0]])

    await again.card(card).get_by_role("checkbox").check()
    await again.expect_order("done", [card])
    await expect(again.card(card).get_by_role("checkbox")).to_be_checked()

    select = again.view.locator('select[name="assignee"]')
    name = await select.locator("option").nth(1).inner_text()
    before = await again.view.locator("li[data-item]").count()
    await select.select_option(name)
    await expect(again.view.locator(f'[role=img][title]:not([title="{name}"])')).to_have_count(0)
    assert 0 < await again.view.locator("li[data-item]").count() < before
    calls = (await again.view.settled()).calls_of("task_board")
    assert calls[-1].arguments["assignee"] == name


@pytest.mark.parametrize("sandbox", SANDBOXES)
async def test_a_card_is_dragged_by_touch(tasks: Connector, open_host: OpenHost, sandbox: str) -> None:
    host = open_host(tasks.app())
    await host.open(sandbox=sandbox, touch=True, phone=True)
    board = Board(await host.call("task_board", project="apollo"))
    todo = await server_order(tasks, "todo")

    await host.pages[0].touch_drag(board.handle(todo[0]), board.handle(todo[2]))
    await expect(board.view.locator(".intarsia-status")).to_contain_text("Moved")

    after = await server_order(tasks, "todo")
    assert after != todo
    assert sorted(after) == sorted(todo)
    await board.expect_order("todo", after[:3])


@pytest.mark.parametrize("sandbox", SANDBOXES)
async def test_a_card_is_moved_by_keyboard_alone(tasks: Connector, open_host: OpenHost, sandbox: str) -> None:
    host = open_host(tasks.app())
    await host.open(sandbox=sandbox)
    board = Board(await host.call("task_board", project="apollo"))
    todo, doing = await server_order(tasks, "todo"), await server_order(tasks, "doing")
    keyboard = host.page.keyboard

    await board.handle(todo[0]).focus()
    for key in ("Space", "ArrowRight", "Space"):
        await keyboard.press(key)
    await expect(board.view.locator(".intarsia-status")).to_contain_text(f"Moved {todo[0]} to In progress.")
    assert todo[0] in await server_order(tasks, "doing")
    await expect(board.card(todo[0]).locator(":focus")).to_have_count(1)

    await board.handle(todo[1]).focus()
    for key in ("Space", "ArrowDown", "ArrowRight", "Escape"):
        await keyboard.press(key)
    await board.expect_order("todo", todo[1:3])
    assert len((await board.view.settled()).calls_of("move_card")) == 1
    assert doing


@pytest.mark.parametrize("sandbox", SANDBOXES)
async def test_a_stale_move_goes_back_with_its_reason_and_the_true_board(
    tasks: Connector, open_host: OpenHost, sandbox: str
) -> None:
    host = open_host(tasks.app())
    await host.open(sandbox=sandbox)
    # The board would follow the other's move before anybody could drag what is no longer there.
    await host.set(faults={"hold": "request", "only": ["intarsia_view"]})
    board = Board(await host.call("task_board", project="apollo"))
    todo, review = await server_order(tasks, "todo"), await server_order(tasks, "review")
    moved = await call(tasks, "move_card", project="apollo", card=todo[0], column="done", index=0, version=1)
    assert not moved.is_error, moved.text

    await board.drag(todo[0], onto=review[0])

    await expect(board.view.locator(".intarsia-status")).to_contain_text("moved it to Done")
    await board.expect_order("done", [todo[0]])
    assert await board.order("review") == review
    assert await server_order(tasks, "review") == review


@pytest.mark.parametrize("sandbox", SANDBOXES)
async def test_stored_markup_is_shown_as_text(tasks: Connector, open_host: OpenHost, sandbox: str) -> None:
    await call(tasks, "add_card", project="apollo", column="doing", title=HOSTILE)
    host = open_host(tasks.app())
    await host.open(sandbox=sandbox, display="fullscreen")
    view = await host.call("task_board", project="apollo")

    await expect(view.locator("li").filter(has_text=HOSTILE)).to_have_count(1)
    assert await view.locator("img[src=x]").count() == 0
    add = view.locator(".intarsia-task-board__add input").nth(1)
    await add.fill(HOSTILE + "2")
    await add.press("Enter")
    await expect(view.locator("li").filter(has_text=HOSTILE + "2")).to_have_count(1)
    assert await view.locator("img[src=x]").count() == 0
    await expect(host.page.locator("img[src=x]")).to_have_count(0)


async def test_a_drop_on_nothing_changes_nothing(tasks: Connector, open_host: OpenHost) -> None:
    host = open_host(tasks.app())
    await host.open()
    board = Board(await host.call("task_board", project="apollo"))
    todo = await server_order(tasks, "todo")

    await drag_to(board.view, board.card(todo[0]).locator("p").first, board.card(todo[0]), share=0.5)

    assert (await board.view.settled()).calls_of("move_card") == []
    await board.expect_order("todo", todo[:2])


async def test_a_click_is_sent_again_while_another_process_holds_the_database(
    tasks: Connector, open_host: OpenHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wait_budget, "MAX_WAIT_SECONDS", 0.1)
    host = open_host(tasks.app())
    await host.open()
    board = Board(await host.call("task_board", project="apollo"))
    status, card = board.view.locator(".intarsia-status"), (await server_order(tasks, "todo"))[0]
    with closing(sqlite3.connect(tasks.store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await board.card(card).get_by_role("checkbox").click()
        await expect(status).to_contain_text("The server is busy. Still trying…")
        other.execute("ROLLBACK")

    await expect(status).to_contain_text(f"Completed {card}.")
    await board.expect_order("done", [card])
    assert len((await board.view.settled()).calls_of("complete_card")) > 1
    assert len(await tasks.audit.rows(AuditQuery(event="action", what="complete_card"))) == 1

"""A host pushes results of other calls to an open widget: it stays, and is read again."""

from typing import Any

import pytest
from playwright.async_api import expect

from tests.view.conftest import Lab

CARDS = ["T-1", "T-2", "T-3"]
PROBLEM = {"dev.intarsia/problem": {"kind": "refused", "message": "Not allowed."}}
FOREIGN: dict[str, dict[str, Any]] = {
    "an error": {"isError": True, "content": [{"type": "text", "text": "Broken."}]},
    "a refused action": {"isError": True, "content": [{"type": "text", "text": "No."}], "_meta": PROBLEM},
    "plain text": {"content": [{"type": "text", "text": "It is sunny."}]},
    "nothing": {"content": []},
    "another widget without its parts": {
        "content": [{"type": "text", "text": "# tiles\n\nView: `tiles {}`"}],
        "structuredContent": {"tool": "tiles", "arguments": {}, "revision": "1.a"},
    },
    "the same widget with other arguments": {
        "content": [{"type": "text", "text": "# board"}],
        "structuredContent": {"tool": "board", "arguments": {"project": "q"}, "revision": "1.a"},
    },
}


async def open_board(lab: Lab) -> None:
    await lab.open()
    await lab.order("todo", CARDS)
    await lab.view.locator("#w-card-T-1 .own").fill("mine")


async def rename(lab: Lab) -> None:
    """Let somebody change a card on the server."""
    await lab.run("() => { lab.board.columns.todo[1].title = 'Order ink' }")


async def shows_the_board_read_again(lab: Lab) -> None:
    await lab.shows(["Write the plan", "Order ink", "Call Ada"], "#w-cards-todo .title")
    await expect(lab.view.locator("#w-card-T-1 .own")).to_have_value("mine")
    (call,) = await lab.calls()
    assert (call["name"], call["arguments"]["project"]) == ("board", "p")


@pytest.mark.parametrize("what", FOREIGN)
async def test_a_result_of_another_call_never_replaces_an_open_widget(lab: Lab, what: str) -> None:
    await open_board(lab)
    await rename(lab)
    await lab.run("(result) => lab.bridge.sendToolResult(result)", FOREIGN[what])

    await shows_the_board_read_again(lab)


async def test_another_whole_widget_never_replaces_an_open_one(lab: Lab) -> None:
    await open_board(lab)
    await rename(lab)
    await lab.run("() => lab.push('tiles', {})")

    await shows_the_board_read_again(lab)
    await expect(lab.view.locator("#w-cpu")).to_have_count(0)


async def test_the_input_and_the_end_of_another_call_leave_an_open_widget_alone(lab: Lab) -> None:
    await open_board(lab)
    for message in ("tool-input", "tool-cancelled", "tool-input-partial"):
        method = f"ui/notifications/{message}"
        await lab.run("(method) => lab.say({jsonrpc: '2.0', method, params: {arguments: {}}})", method)
    await lab.settle()

    await lab.order("todo", CARDS)
    await expect(lab.view.locator("#w-card-T-1 .own")).to_have_value("mine")


async def test_the_same_call_is_taken_as_it_is_pushed(lab: Lab) -> None:
    await open_board(lab)
    await rename(lab)
    await lab.run("() => lab.push('board', {project: 'p'})")

    await lab.shows(["Write the plan", "Order ink", "Call Ada"], "#w-cards-todo .title")
    assert await lab.calls() == []


async def test_many_results_of_other_calls_cost_few_reads(lab: Lab) -> None:
    await open_board(lab)
    await lab.run("() => lab.pause()")
    await lab.run(
        "async (result) => { for (let i = 0; i < 20; i++) await lab.bridge.sendToolResult(result) }",
        FOREIGN["an error"],
    )
    await lab.settle()
    await rename(lab)
    await lab.run("() => lab.resume()")

    await lab.shows(["Write the plan", "Order ink", "Call Ada"], "#w-cards-todo .title")
    assert len(await lab.calls()) <= 2


async def test_a_result_of_another_call_does_not_take_the_place_of_a_widget_that_is_on_its_way(lab: Lab) -> None:
    await lab.open(push="none")
    await lab.run("() => lab.pause()")
    await lab.run("() => lab.push('board', {project: 'p'}, 'stripped')")
    await lab.run("(result) => lab.bridge.sendToolResult(result)", FOREIGN["an error"])
    await lab.settle()
    await expect(lab.view.locator(".intarsia-state")).to_have_count(0)
    await lab.run("() => lab.resume()")

    await lab.order("todo", CARDS)


async def test_a_widget_without_access_any_more_leaves_the_screen_when_it_is_read_again(lab: Lab) -> None:
    await open_board(lab)
    twist = "(_meta) => { lab.server.twist = () => ({isError: true, content: [], _meta}) }"
    await lab.run(twist, PROBLEM)
    await lab.run("(result) => lab.bridge.sendToolResult(result)", FOREIGN["plain text"])

    await lab.shows(["Not allowed."], ".intarsia-state__text")


async def test_a_host_that_withdraws_a_widget_says_why_in_its_place(lab: Lab) -> None:
    """It pushes the reason, and refuses to read the widget again."""
    await open_board(lab)
    await lab.run("() => { lab.bridge.oncalltool = async () => { throw new Error('Not any more.') } }")
    await lab.run("(result) => lab.bridge.sendToolResult(result)", FOREIGN["an error"])

    await lab.shows(["Broken."], ".intarsia-state__text")
    await expect(lab.view.locator("#w")).to_have_count(0)


async def test_a_widget_that_cannot_be_read_again_after_a_result_of_another_call_stays(lab: Lab) -> None:
    await open_board(lab)
    await lab.run("() => { lab.loses = 2 }")
    await lab.run("(result) => lab.bridge.sendToolResult(result)", FOREIGN["an error"])

    await expect(lab.view.locator('[data-state="stale"]')).to_contain_text("Update failed.")
    await lab.order("todo", CARDS)

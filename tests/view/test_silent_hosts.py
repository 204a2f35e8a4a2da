"""Hosts that push nothing, or name the tool by another name: the View helps itself, or says why it cannot."""

from typing import Any

import pytest
from playwright.async_api import expect

from tests.view.conftest import Lab

NEEDS_PROJECT = {"type": "object", "properties": {"project": {"type": "string"}}, "required": ["project"]}


def announced(name: str = "board", schema: object = None) -> dict[str, Any]:
    """Return a host context that announces a tool."""
    meta = {"dev.intarsia/widget": "task_board"}
    return {"toolInfo": {"tool": {"name": name, "inputSchema": schema or {"type": "object"}, "_meta": meta}}}


async def test_from_the_handshake_on_there_is_a_skeleton(lab: Lab) -> None:
    await lab.open(push="none")

    await expect(lab.view.locator(".intarsia-skeleton")).to_have_attribute("data-kind", "task_board")
    assert await lab.calls() == []


async def test_when_nothing_is_pushed_the_view_calls_the_tool_that_needs_no_arguments(timed_lab: Lab) -> None:
    await timed_lab.open(push="none", context=announced())
    await timed_lab.pass_time(4)
    assert await timed_lab.calls() == []
    await timed_lab.pass_time(2)

    await timed_lab.order("todo", ["T-1", "T-2", "T-3"])
    (call,) = await timed_lab.calls()
    assert (call["name"], call["arguments"]) == ("board", {})


async def test_when_only_the_arguments_are_pushed_the_view_calls_the_tool_with_them(timed_lab: Lab) -> None:
    await timed_lab.open(push="none", context=announced(schema=NEEDS_PROJECT))
    await timed_lab.pass_time(3)
    await timed_lab.run("() => lab.bridge.sendToolInput({arguments: {project: 'p'}})")
    await timed_lab.pass_time(3)
    assert await timed_lab.calls() == [], "each message of the host gives it more time"
    await timed_lab.pass_time(3)

    await timed_lab.order("todo", ["T-1", "T-2", "T-3"])
    (call,) = await timed_lab.calls()
    assert call["arguments"] == {"project": "p"}


async def test_without_the_arguments_the_view_says_so_and_tries_again_when_asked(timed_lab: Lab) -> None:
    await timed_lab.open(push="none", context=announced(schema=NEEDS_PROJECT))
    await timed_lab.pass_time(6)
    await timed_lab.shows(["Nothing to show yet"], ".intarsia-state__title")
    assert await timed_lab.calls() == []

    await timed_lab.view.get_by_role("button", name="Try again").click()
    await expect(timed_lab.view.locator(".intarsia-skeleton")).to_be_visible()
    await timed_lab.run("() => lab.push('board', {project: 'p'})")
    await timed_lab.order("todo", ["T-1", "T-2", "T-3"])


async def test_without_tool_information_the_view_says_so(timed_lab: Lab) -> None:
    await timed_lab.open(push="none", context={"toolInfo": None})
    await timed_lab.pass_time(6)

    await timed_lab.shows(["Nothing to show yet"], ".intarsia-state__title")
    assert await timed_lab.calls() == []


async def test_a_host_that_lets_widgets_call_nothing_is_said_to_and_nothing_is_offered(timed_lab: Lab) -> None:
    await timed_lab.open(push="none", capabilities={}, context=announced())
    await timed_lab.pass_time(6)

    await expect(timed_lab.view.locator(".intarsia-state__text")).to_contain_text("Ask for it again in the chat.")
    await expect(timed_lab.view.get_by_role("button")).to_have_count(0)


async def test_a_result_that_comes_after_the_deadline_is_shown(timed_lab: Lab) -> None:
    await timed_lab.open(push="none", context=announced(schema=NEEDS_PROJECT))
    await timed_lab.pass_time(6)
    await timed_lab.run("() => lab.push('board', {project: 'p'})")

    await timed_lab.order("todo", ["T-1", "T-2", "T-3"])


async def test_a_widget_that_was_pushed_in_time_is_not_called(timed_lab: Lab) -> None:
    await timed_lab.open()
    await timed_lab.order("todo", ["T-1", "T-2", "T-3"])
    await timed_lab.pass_time(6)

    assert await timed_lab.calls() == []


async def test_a_call_of_the_view_that_fails_says_why_and_a_widget_that_came_meanwhile_stays(timed_lab: Lab) -> None:
    await timed_lab.open(push="none", context=announced())
    await timed_lab.run("() => { lab.refusal = 'Not now.'; lab.pause() }")
    await timed_lab.run("() => { lab.bridge.oncalltool = () => new Promise((_, no) => (lab.fail = no)) }")
    await timed_lab.pass_time(6)
    await timed_lab.until("() => lab.fail")
    await timed_lab.run("() => lab.push('board', {})")
    await timed_lab.order("todo", ["T-1", "T-2", "T-3"])
    await timed_lab.run("() => lab.fail(new Error('Not now.'))")
    await timed_lab.settle()

    await timed_lab.order("todo", ["T-1", "T-2", "T-3"])


@pytest.mark.parametrize("push", ["stripped", "text"])
async def test_of_a_prefixed_name_the_one_in_the_result_comes_first(lab: Lab, push: str) -> None:
    """Hosts put the server's name before that of its tool."""
    await lab.open(push="none", context=announced("server__board"))
    await lab.run("() => lab.bridge.sendToolInput({arguments: {project: 'p'}})")
    if push == "stripped":
        await lab.run("() => lab.push('board', {project: 'p'}, 'stripped')")
    else:
        structured = {"tool": "board", "arguments": {"project": "p"}, "revision": "1.a"}
        result = {"content": [{"type": "text", "text": "Only words."}], "structuredContent": structured}
        await lab.run("(result) => lab.bridge.sendToolResult(result)", result)

    await lab.order("todo", ["T-1", "T-2", "T-3"])
    assert [call["name"] for call in await lab.calls()] == ["board"]


@pytest.mark.parametrize("name", ["server__board", "mcp__server__board", "server.board", "server/board"])
async def test_an_announced_name_with_a_prefix_is_tried_without_it(timed_lab: Lab, name: str) -> None:
    await timed_lab.open(push="none", context=announced(name))
    await timed_lab.pass_time(6)

    await timed_lab.order("todo", ["T-1", "T-2", "T-3"])
    names = [call["name"] for call in await timed_lab.calls()]
    assert (names[0], names[-1]) == (name, "board")


async def test_a_tool_that_refuses_is_not_asked_under_another_name(timed_lab: Lab) -> None:
    await timed_lab.run(
        """() => { lab.server.twist = () => ({isError: true, content: [{type: "text", text: "No access."}],
          _meta: {"dev.intarsia/problem": {kind: "refused", message: "No access."}}}) }"""
    )
    await timed_lab.open(push="none", context=announced("server__board"))
    await timed_lab.pass_time(6)

    await timed_lab.shows(["No access."], ".intarsia-state__text")
    assert len(await timed_lab.calls()) == 1

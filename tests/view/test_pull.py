"""Hosts lose things on the way: each ends with the true widget, or with words."""

import pytest
from playwright.async_api import expect

from tests.view.conftest import Flavor, Lab
from tests.view.test_actions import move

FLAVORS: tuple[Flavor, ...] = ("same", "opaque", "loose")
CARDS = ("T-1", "T-2", "T-3")


@pytest.mark.parametrize("flavor", FLAVORS)
async def test_a_host_that_strips_the_pushed_result_is_answered_by_a_call(lab: Lab, flavor: Flavor) -> None:
    await lab.open(flavor, push="stripped")

    await lab.order("todo", CARDS)
    (call,) = await lab.calls()
    assert call == {"name": "board", "arguments": {"project": "p"}}


@pytest.mark.parametrize("flavor", FLAVORS)
async def test_a_host_that_drops_request_metadata_acts_once_and_is_found_out(lab: Lab, flavor: Flavor) -> None:
    await lab.open(flavor, dropsRequestMeta=True)
    await move(lab, "T-2", "done")
    await move(lab, "T-1", "done")

    await lab.order("done", ["T-1", "T-2"])
    assert await lab.run("() => lab.server.runs") == ["move", "move"]
    calls = await lab.calls()
    assert [call["name"] for call in calls] == ["move", "move"]
    assert all(len(call["arguments"]["_intarsia"]["id"]) == 32 for call in calls)


async def test_a_host_that_keeps_request_metadata_gets_the_argument_once_only(lab: Lab) -> None:
    await lab.open()
    await move(lab, "T-2", "done")
    await move(lab, "T-1", "done")

    first, second = await lab.calls()
    assert first["arguments"]["_intarsia"] == {
        "seen": first["_meta"]["dev.intarsia/seen"],
        "id": first["_meta"]["dev.intarsia/id"],
    }
    assert "_intarsia" not in second["arguments"]
    assert "dev.intarsia/id" in second["_meta"]


async def test_a_host_found_to_drop_metadata_is_sent_the_argument_alone(lab: Lab) -> None:
    await lab.open(dropsRequestMeta=True)
    await move(lab, "T-2", "done")
    await lab.run("() => { lab.messages.length = 0 }")
    await move(lab, "T-1", "done")

    (message,) = await lab.run("() => lab.messages.filter(({method}) => method === 'tools/call')")
    assert "_meta" not in message["params"]
    assert "_intarsia" in message["params"]["arguments"]


@pytest.mark.parametrize("push", ["whole", "stripped"])
async def test_a_host_that_sends_no_arguments_shows_the_widget(lab: Lab, push: str) -> None:
    await lab.open(push=push, sendsArguments=False)

    await lab.order("todo", CARDS)
    arguments = [call["arguments"] for call in await lab.calls()]
    assert arguments == ([] if push == "whole" else [{"project": "p"}])


async def test_without_tool_information_the_reference_in_the_text_names_the_tool(lab: Lab) -> None:
    await lab.open(push="stripped", sendsArguments=False, context={"toolInfo": None})

    await lab.order("todo", CARDS)


async def test_only_the_last_line_of_a_text_is_believed_to_be_its_reference(lab: Lab) -> None:
    await lab.open(push="none", context={"toolInfo": None})
    await lab.run(
        """() => lab.bridge.sendToolResult({content: [{type: "text",
          text: "A card:\\nView: `evil {}`\\n\\nView: `board {\\"project\\":\\"p\\"}`"}]})"""
    )

    await lab.order("todo", CARDS)
    assert [call["name"] for call in await lab.calls()] == ["board"]


async def test_a_result_that_the_host_kept_is_shown_and_read_again(lab: Lab) -> None:
    """A chat that is opened again pushes what it kept, which may be long out of date."""
    await lab.run("() => { lab.server.revision -= 60_000_000 }")
    await lab.open()
    await lab.order("todo", CARDS)

    await lab.until("() => lab.server.calls.length === 1")
    [call] = await lab.calls()
    assert call["name"] == "board"
    assert call["_meta"]["dev.intarsia/seen"]["tool"] == "board"


async def test_a_result_of_a_server_whose_clock_is_ahead_is_read_again_at_once(lab: Lab) -> None:
    """What a host kept may look as if it came from the future; its age cannot be told, so it is read again."""
    await lab.run("() => { lab.server.revision += 60_000_000 }")
    await lab.open()
    await lab.order("todo", CARDS)

    await lab.until("() => lab.server.calls.length === 1")
    [call] = await lab.calls()
    assert call["name"] == "board"


async def test_a_view_made_again_in_the_middle_of_an_action_shows_the_truth(lab: Lab) -> None:
    await lab.open()
    await lab.inside("() => void probe.view.act('boost', {}, document.getElementById('w-card-T-1'))")
    await lab.until("() => lab.server.runs.length === 1")
    await lab.open(push="stripped")

    await lab.shows(["Write the plan!", "Order paper", "Call Ada"], "#w-cards-todo .title")
    assert await lab.run("() => lab.server.runs") == ["boost"]


async def test_words_are_shown_as_plain_text_when_there_is_nothing_else(lab: Lab) -> None:
    await lab.open(push="text", context={"toolInfo": None})

    await expect(lab.view.locator(".intarsia-plain")).to_have_text("# board\n\n<b>Only</b> words.", use_inner_text=True)
    await expect(lab.view.locator(".intarsia-plain b")).to_have_count(0)


async def test_a_host_that_lets_the_view_call_nothing_shows_the_text_without_its_reference(lab: Lab) -> None:
    await lab.open(push="stripped", capabilities={})

    await expect(lab.view.locator(".intarsia-plain")).to_have_text("# board A widget as text.")
    assert await lab.calls() == []


async def test_a_failing_pull_says_so_with_the_text_and_tries_again_when_asked(lab: Lab) -> None:
    await lab.run("() => { lab.server.twist = () => ({isError: true, content: [{type: 'text', text: 'Broken.'}]}) }")
    await lab.open(push="stripped")
    await lab.shows(["Something went wrong"], ".intarsia-state__title")
    await lab.shows(["Broken."], ".intarsia-state__text")
    await lab.shows(["# board A widget as text."], ".intarsia-plain")

    await lab.run("() => { lab.server.twist = null }")
    await lab.view.get_by_role("button", name="Try again").click()
    await lab.order("todo", CARDS)


async def test_a_host_that_strips_every_answer_shows_the_text(lab: Lab) -> None:
    await lab.run("() => { lab.server.twist = ({content}) => ({content}) }")
    await lab.open(push="stripped")

    await lab.shows(["# board A widget as text."], ".intarsia-plain")


async def test_the_skeleton_has_the_shape_of_the_tool_until_the_result_comes(lab: Lab) -> None:
    await lab.open(push="none")
    await lab.run("() => lab.bridge.sendToolInput({arguments: {project: 'p'}})")

    await expect(lab.view.locator(".intarsia-skeleton")).to_have_attribute("data-kind", "task_board")
    await expect(lab.view.locator("#intarsia-root")).to_have_attribute("aria-busy", "true")
    await lab.run("() => lab.push('board', {project: 'p'})")
    await expect(lab.view.locator("#w-head")).to_be_visible()
    await expect(lab.view.locator(".intarsia-skeleton")).to_have_count(0)
    await expect(lab.view.locator("#intarsia-root")).not_to_have_attribute("aria-busy", "true")


async def test_a_cancelled_call_says_so(lab: Lab) -> None:
    await lab.open(push="none")
    await lab.run("() => lab.bridge.sendToolInput({arguments: {}})")
    await lab.run("() => lab.bridge.sendToolCancelled({reason: 'stopped'})")

    await lab.shows(["Canceled"], '[data-state="cancelled"] .intarsia-state__title')


@pytest.mark.parametrize(
    ("kind", "state", "title"),
    [
        ("off", "off", "Turned off by an admin"),
        ("refused", "refused", "Not allowed"),
        ("failed", "error", "Something went wrong"),
        ("unknown_tool", "off", "Turned off or removed"),
        ("nonsense", "error", "Something went wrong"),
    ],
)
async def test_a_refused_widget_is_a_plain_state_with_the_reason(lab: Lab, kind: str, state: str, title: str) -> None:
    await lab.open(push="none")
    await lab.run(
        """(kind) => lab.bridge.sendToolResult({isError: true, content: [{type: "text", text: "<i>Because.</i>"}],
          _meta: {"dev.intarsia/problem": {kind, message: "<i>Because.</i>"}}})""",
        kind,
    )

    await lab.shows([title], f'[data-state="{state}"] .intarsia-state__title')
    await lab.shows(["<i>Because.</i>"], ".intarsia-state__text")

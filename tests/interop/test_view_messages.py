"""What the View says and what it is told, recorded in a real browser, against the official schema of MCP Apps."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from intarsia import Connector
from intarsia.testing import Host, View
from intarsia.testing.fixtures import OpenHost
from tests.browser.story_support import Board
from tests.browser.view_scripts import script_of_bridge_1
from tests.interop.apps_schema import AppsSchema, Generation, apps_schema

pytestmark = pytest.mark.browser

SAID_BY_EVERY_VIEW = {
    "ui/initialize",
    "ui/notifications/initialized",
    "ui/notifications/size-changed",
    "tools/call",
    "ui/resource-teardown",  # the answer
}
SAID_BY_SOME_VIEW = {
    "ui/update-model-context",
    "ui/request-display-mode",
    "ui/open-link",
    "notifications/cancelled",
}
TOLD = {
    "ui/initialize",  # the answer
    "ui/notifications/tool-input",
    "ui/notifications/tool-result",
    "ui/notifications/host-context-changed",
    "ui/resource-teardown",
}


async def use_the_board(host: Host) -> View:
    view = await host.call("task_board", project="apollo")
    board = Board(view)
    todo, review = await board.order("todo"), await board.order("review")
    await board.drag(todo[0], onto=review[0])
    await expect(view.locator(".intarsia-status")).to_contain_text(f"Moved {todo[0]} to Review.")
    await view.locator(".intarsia-status__undo").click()
    await board.expect_order("todo", todo[:2])
    await host.set(faults={"hold": "request", "only": ["task_board"]})
    for person in (1, 2):  # the second choice cancels the first
        await view.locator('select[name="assignee"]').select_option(index=person)
        await view.wait_for_calls(person, "task_board", state=None)
    await host.set(faults={"hold": False})
    await host.release()
    await view.wait_for_calls(1, "task_board")
    await host.pages[0].wait_until("([id]) => intarsiaHost.view(id).modelContext !== null", [view.number])
    return view


async def use_the_dashboard(host: Host) -> View:
    view = await host.call("machine_monitor")
    await expect(view.locator("#w-tile-memory")).to_contain_text("GB")
    await view.locator('select[name="order"]').select_option("memory")
    await view.wait_for_calls(3, "machine_monitor")
    await view.locator("#w").evaluate("(root) => root.insertAdjacentHTML('beforeend', '<a href=https://a.test>A</a>')")
    await view.locator("#w > a").click()
    await host.answer(allow=False)
    await expect(view.locator(".intarsia-status")).to_contain_text("couldn't be opened")
    await view.locator(".intarsia-pager__full").click()
    await expect(view.locator("html")).to_have_attribute("data-display", "fullscreen")
    await host.page.get_by_role("button", name="Close").click()
    await expect(view.locator("html")).to_have_attribute("data-display", "inline")
    return view


async def use_the_panel(host: Host) -> View:
    view = await host.call("brand_panel", brand="northwind")
    slider = view.locator('input[type=range][name="radius"]')
    await slider.focus()
    await host.page.keyboard.press("ArrowRight")
    await view.wait_for_calls(1, "intarsia_draft")
    await view.locator('[data-do="save"]').click()
    await expect(view.locator(".intarsia-status")).to_contain_text("Saved radius of Northwind.")
    return view


def complain(schema: AppsSchema, entry: dict[str, Any]) -> list[str]:
    is_answer = entry["kind"] in {"answer", "error"}
    found = (
        schema.complain_about_answer(entry["method"], entry["message"])
        if is_answer
        else schema.complain_about_message(entry["message"])
    )
    return [f"{entry['from']} to {entry['to']}, {entry['kind']} {entry['method']}: {complaint}" for complaint in found]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("generation", ["2", "1"])
async def test_every_message_is_as_the_official_schema_says(
    demo: Connector, open_host: OpenHost, tmp_path: Path, generation: Generation
) -> None:
    host = open_host(demo.app())
    await host.open(script=script_of_bridge_1(tmp_path) if generation == "1" else None)
    views = [await use_the_board(host), await use_the_dashboard(host), await use_the_panel(host)]
    await host.set(theme="dark", locale="de-DE", width="480")
    for view in views:
        await expect(view.locator("html")).to_have_attribute("lang", "de-DE")
        await view.recreate()
        await expect(view.locator("#w")).to_be_visible()

    schema = apps_schema(generation)
    traffic = [entry for entry in await host.traffic() if entry["view"] is not None]
    complaints = [complaint for entry in traffic for complaint in complain(schema, entry)]
    assert complaints == []
    for view in views:
        assert methods(traffic, "view", view.number) >= SAID_BY_EVERY_VIEW
        assert methods(traffic, "host", view.number) >= TOLD
    assert methods(traffic, "view") >= SAID_BY_SOME_VIEW


def methods(traffic: list[dict[str, Any]], who: str, view: int | None = None) -> set[str]:
    return {entry["method"] for entry in traffic if entry["from"] == who and view in {None, entry["view"]}}

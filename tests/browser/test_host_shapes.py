"""The three examples in the local host in the shape of each host that renders widgets."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from examples.brand_studio import connector as brand_studio
from examples.machine_monitor import connector as machine_monitor
from examples.team_tasks import connector as team_tasks
from intarsia import Connector
from intarsia.testing import Host as OpenedHost
from intarsia.testing.fixtures import OpenHost
from scripts.host_table import Host, acts, load_hosts
from tests.browser.story_support import Board, served, server_order

HOSTS = {name: host for name, host in load_hosts().items() if host["widgets"]}
CAPABILITIES = ("serverTools", "openLinks", "message", "updateModelContext")
EXAMPLES: dict[str, tuple[Connector, dict[str, Any]]] = {
    "task_board": (team_tasks, {"project": "apollo"}),
    "machine_monitor": (machine_monitor, {}),
    "brand_panel": (brand_studio, {"brand": "northwind"}),
}
NOTE = "Read-only: this app can't run actions from a widget. Ask for changes in the chat."


@pytest.fixture
async def connector(tool: str, tmp_path: Path) -> AsyncIterator[Connector]:
    async with served(EXAMPLES[tool][0], tmp_path) as running:
        yield running


async def open_as(opened: OpenedHost, host: Host) -> None:
    """Give the local host the shape of another."""
    size, modes = host.get("size", {}), host.get("display_modes", [])
    wide = size.get("width", size.get("maxWidth", 760))
    lacks = [name for name in CAPABILITIES if name not in host.get("capabilities", {})]
    await opened.open()
    await opened.set(
        width="480" if wide < 500 else "760",
        max_height=int(size.get("maxHeight", size.get("height", 0))),
        display=host.get("opens_in", "inline"),
        faults={
            "lacks": [*lacks, *(["fullscreen"] if "fullscreen" not in modes else [])],
            "no_tool_info": not host.get("tool_info"),
        },
    )


@pytest.mark.sampled(6)
@pytest.mark.parametrize("tool", EXAMPLES)
@pytest.mark.parametrize("name", HOSTS)
async def test_an_example_comes_up_and_offers_what_the_host_can_do(
    open_host: OpenHost, connector: Connector, name: str, tool: str
) -> None:
    host = HOSTS[name]
    opened = open_host(connector.app())
    await open_as(opened, host)
    view = await opened.call(tool, **EXAMPLES[tool][1])
    await expect(view.locator("#w")).to_be_visible()

    if not acts(host):
        await expect(view.locator("[data-act], [hx-post], [data-filter], [data-outlet]")).to_have_count(0)
        # A monitor without filters has nothing that could be turned off.
        has_controls = tool != "machine_monitor" or await view.locator("main :disabled").count() > 0
        await expect(view.locator("#intarsia-read-only")).to_have_text([NOTE] if has_controls else [])
        assert view.calls == []
    else:
        await expect(view.locator("#intarsia-read-only")).to_have_count(0)
        if tool == "task_board":
            board, todo = Board(view), await server_order(connector, "todo")
            await board.card(todo[0]).get_by_role("checkbox").click()
            await expect(view.locator(".intarsia-status__message")).not_to_have_text("")
    if "fullscreen" not in host.get("display_modes", []):
        await expect(view.locator(".intarsia-pager__full:visible")).to_have_count(0)
    assert opened.complaints() == []


@pytest.mark.parametrize("tool", ["task_board"])
async def test_a_board_in_a_reopened_chat_comes_up_by_itself(
    open_host: OpenHost, connector: Connector, tool: str
) -> None:
    opened = open_host(connector.app())
    await opened.open(faults={"push_nothing": True, "name_prefix": "server__", "lacks": ["fullscreen"]})
    await opened.start(tool, project="apollo")
    view = opened.view()

    # The board's project is required and unknown, and no guess is made.
    await expect(view.locator(".intarsia-state__title")).to_have_text("Nothing to show yet", timeout=9_000)
    await opened.set(faults={"push_nothing": False})
    await view.recreate()
    await expect(view.locator("#w")).to_be_visible()


@pytest.mark.parametrize("tool", ["machine_monitor"])
async def test_a_widget_that_needs_no_arguments_is_read_by_itself_in_a_reopened_chat(
    open_host: OpenHost, connector: Connector, tool: str
) -> None:
    opened = open_host(connector.app())
    await opened.open(faults={"push_nothing": True})
    await opened.start(tool)

    await expect(opened.view().locator("#w")).to_be_visible(timeout=9_000)

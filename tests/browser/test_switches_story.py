"""An admin turns a tool off while somebody has its widget open."""

import pytest
from playwright.async_api import expect

from examples.team_tasks import connector as team_tasks
from intarsia import Connector
from intarsia.server.switches.positions import Position
from intarsia.server.switches.service import Change
from intarsia.testing import Grant, Host, View, assert_accessible, assert_fits_inline
from tests.browser.story_support import SANDBOXES

PERSON = Grant("edda", scopes={"tasks:read", "tasks:write"})
FOLLOWS_MS = 2_000


@pytest.fixture
def connector() -> Connector:
    return team_tasks


async def turn(connector: Connector, position: str) -> None:
    change = Change("tool:task_board", Position(position))
    await connector.switches.set([change], who="root", by="shell")


async def until_waiting(view: View) -> None:
    await view.until(lambda: [call.state for call in view.calls_of("intarsia_view")][-1:] == ["waiting"])


@pytest.mark.parametrize("sandbox", SANDBOXES)
async def test_the_open_board_follows_each_switch_and_keeps_what_was_being_typed(
    host: Host, running_connector: Connector, sandbox: str
) -> None:
    await host.set(sandbox=sandbox)
    view = await host.call("task_board", as_=PERSON, project="apollo")
    frame, card = view.frame, view.locator('[id^="w-card-"]').first
    await until_waiting(view)
    field = view.locator("input[type=text], input:not([type])").first
    await field.fill("Water the plants before noon")

    await turn(running_connector, "off")
    await expect(view.locator("body")).to_contain_text("Turned off by an admin", timeout=FOLLOWS_MS)
    await expect(view.locator("body")).to_contain_text("Water the plants before noon")
    await expect(card).not_to_be_attached()
    assert await view.locator(".intarsia-plain").evaluate("(kept) => getComputedStyle(kept).userSelect") != "none"
    await assert_accessible(view)
    await assert_fits_inline(view)

    await turn(running_connector, "text_only")
    await expect(view.locator("body")).to_contain_text("Ask in the chat for its text version", timeout=FOLLOWS_MS)
    await expect(view.locator("body")).to_contain_text("Water the plants before noon")

    await turn(running_connector, "on")
    await expect(card).to_be_visible(timeout=FOLLOWS_MS)
    await expect(field).to_have_value("Water the plants before noon")
    await until_waiting(view)

    await turn(running_connector, "text_only")
    await expect(view.locator("body")).to_contain_text("Ask in the chat for its text version", timeout=FOLLOWS_MS)
    await expect(card).not_to_be_attached()
    await turn(running_connector, "on")
    await expect(card).to_be_visible(timeout=FOLLOWS_MS)
    await expect(field).to_have_value("Water the plants before noon")
    assert view.frame is frame


async def test_a_board_that_is_called_from_an_old_list_says_that_it_may_be_turned_off(
    host: Host, running_connector: Connector
) -> None:
    view = await host.call("task_board", as_=PERSON, project="apollo")
    await turn(running_connector, "off")
    await view.recreate()
    await expect(view.locator("body")).to_contain_text("Turned off by an admin", timeout=FOLLOWS_MS)

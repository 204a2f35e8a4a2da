"""What the View says ends when it is no longer true, and what a user typed lasts while a widget is away."""

import pytest
from playwright.async_api import expect

from tests.view.conftest import Lab

LOST = "The server did not respond."
OFF = """() => { lab.server.twist = () => ({isError: true, content: [{type: "text", text: "Off."}],
  _meta: {"dev.intarsia/problem": {kind: "off", message: "Off."}}}) }"""
ON = "() => { lab.server.twist = null }"
FIELDS = """<section id="w" data-refresh="5"><input id="a" value="one"><textarea name="t"></textarea>
  <div id="box"><input type="search" name="q"><input type="search" name="q"></div>
  <form id="f" data-act="save"><input type="password" id="pass" autocomplete="off">
  <select name="s"><option selected>1</option><option>2</option></select>
  <input type="checkbox" name="c"></form><p>{}</p></section>"""


async def boost(lab: Lab, losses: int) -> None:
    """Boost a card while so many responses get lost after the server has handled the call."""
    await lab.open()
    await lab.order("todo", ["T-1", "T-2", "T-3"])
    await lab.run("(losses) => { lab.loses = losses }", losses)
    await lab.inside("() => void probe.view.act('boost', {}, document.getElementById('w-card-T-1'))")


async def test_a_lost_response_is_forgotten_when_the_next_read_shows_the_action_done(lab: Lab) -> None:
    await boost(lab, losses=2)

    await lab.status().to_have_text(LOST)
    await lab.shows(["Write the plan!", "Order paper", "Call Ada"], "#w-cards-todo .title")
    await lab.status().to_have_text("")
    assert len(await lab.calls()) == 3
    assert await lab.run("() => lab.server.runs") == ["boost"]


async def test_the_message_of_a_lost_response_goes_when_a_later_read_shows_the_action_done(lab: Lab) -> None:
    await boost(lab, losses=3)
    await lab.status().to_have_text(LOST)
    await expect(lab.view.locator('[data-state="stale"]')).to_have_count(1)
    await lab.view.locator('[data-state="stale"]').get_by_role("button", name="Try again").click()

    await lab.shows(["Write the plan!", "Order paper", "Call Ada"], "#w-cards-todo .title")
    await lab.status().to_have_text("")
    await expect(lab.view.locator('[data-state="stale"]')).to_have_count(0)
    await lab.inside("() => void probe.view.act('boost', {}, document.getElementById('w-card-T-1'))")
    await lab.shows(["Write the plan!!", "Order paper", "Call Ada"], "#w-cards-todo .title")


async def test_the_message_stays_while_the_action_is_not_known_to_be_done(lab: Lab) -> None:
    await lab.open()
    await lab.order("todo", ["T-1", "T-2", "T-3"])
    await lab.run("() => { lab.handle = lab.bridge.oncalltool }")
    await lab.run("() => { lab.bridge.oncalltool = async () => { throw new Error('fetch failed') } }")
    await lab.inside("() => void probe.view.act('boost', {}, document.getElementById('w-card-T-1'))")
    await lab.status().to_have_text(LOST)
    await lab.run("() => { lab.bridge.oncalltool = lab.handle }")
    await lab.view.locator('[data-state="stale"]').get_by_role("button", name="Try again").click()
    await expect(lab.view.locator('[data-state="stale"]')).to_have_count(0)

    await lab.status().to_have_text(LOST)
    (call,) = await lab.calls("board")
    assert len(call["_meta"]["dev.intarsia/unanswered"]) == 1


async def test_another_message_is_not_taken_back(lab: Lab) -> None:
    await boost(lab, losses=3)
    await lab.status().to_have_text(LOST)
    await lab.inside("() => probe.view.status.problem('Something else.')")
    await lab.view.locator('[data-state="stale"]').get_by_role("button", name="Try again").click()

    await lab.shows(["Write the plan!", "Order paper", "Call Ada"], "#w-cards-todo .title")
    await lab.status().to_have_text("Something else.")


async def test_a_field_is_empty_again_when_what_was_sent_from_it_turns_out_to_be_done(lab: Lab) -> None:
    """Else the same words would be sent a second time."""
    await lab.open()
    await lab.run("() => { lab.loses = 3 }")
    field = lab.view.locator("#w-add [name=title]")
    await field.fill("Buy nails")
    await field.press("Enter")
    await lab.status().to_have_text(LOST)
    await expect(field).to_have_value("Buy nails")
    await lab.view.locator('[data-state="stale"]').get_by_role("button", name="Try again").click()

    await lab.status().to_have_text("")
    await expect(field).to_have_value("")
    assert await lab.run("() => lab.server.runs") == ["add"]


async def type_everywhere(lab: Lab) -> None:
    await lab.view.locator("#a").fill("mine")
    await lab.view.locator("textarea").fill("my\ntext")
    await lab.view.locator("[name=q]").nth(1).fill("second")
    await lab.view.locator("#pass").fill("secret")
    await lab.view.locator("[name=s]").select_option("2")
    await lab.view.locator("[name=c]").check()


async def test_what_was_typed_is_back_in_its_fields_when_a_widget_is_on_again(timed_lab: Lab) -> None:
    await timed_lab.open_html(FIELDS.format(1))
    await timed_lab.shows(["1"], "#w p")
    await type_everywhere(timed_lab)
    await timed_lab.run(OFF)
    await timed_lab.pass_time(6)
    await expect(timed_lab.view.locator(".intarsia-plain")).to_contain_text("mine")
    await expect(timed_lab.view.locator(".intarsia-plain")).not_to_contain_text("secret")
    await timed_lab.run(ON)
    await timed_lab.serve("given", FIELDS.format(2))
    await timed_lab.view.get_by_role("button", name="Try again").click()

    await timed_lab.shows(["2"], "#w p")
    await expect(timed_lab.view.locator("#a")).to_have_value("mine")
    await expect(timed_lab.view.locator("textarea")).to_have_value("my\ntext")
    await expect(timed_lab.view.locator("[name=q]").nth(0)).to_have_value("")
    await expect(timed_lab.view.locator("[name=q]").nth(1)).to_have_value("second")
    await expect(timed_lab.view.locator("[name=s]")).to_have_value("2")
    await expect(timed_lab.view.locator("[name=c]")).to_be_checked()
    await expect(timed_lab.view.locator("#pass")).to_have_value("")


@pytest.mark.parametrize("turns", [1, 3])
async def test_what_was_typed_survives_every_switch(timed_lab: Lab, turns: int) -> None:
    await timed_lab.open_html(FIELDS.format(0))
    await timed_lab.shows(["0"], "#w p")
    await timed_lab.view.locator("#a").fill("mine")
    for turn in range(turns):
        await timed_lab.run(OFF)
        await timed_lab.pass_time(6)
        await timed_lab.shows(["Off."], ".intarsia-state__text")
        await timed_lab.run(ON)
        await timed_lab.serve("given", FIELDS.format(turn + 1))
        await timed_lab.view.get_by_role("button", name="Try again").click()
        await timed_lab.shows([str(turn + 1)], "#w p")

    await expect(timed_lab.view.locator("#a")).to_have_value("mine")


async def test_where_the_field_is_gone_nothing_else_is_filled(timed_lab: Lab) -> None:
    await timed_lab.open_html('<section id="w" data-refresh="5"><input id="a"></section>')
    await timed_lab.view.locator("#a").fill("mine")
    await timed_lab.run(OFF)
    await timed_lab.pass_time(6)
    await timed_lab.shows(["Off."], ".intarsia-state__text")
    await timed_lab.run(ON)
    await timed_lab.serve("given", '<section id="w"><input id="b"></section>')
    await timed_lab.view.get_by_role("button", name="Try again").click()

    await expect(timed_lab.view.locator("#b")).to_have_value("")

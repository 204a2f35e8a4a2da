"""Markup that got past every escape: it must neither run, nor navigate, nor call a tool."""

import pytest
from playwright.async_api import expect

from tests.view.conftest import Flavor, Lab

FLAVORS: tuple[Flavor, ...] = ("same", "opaque", "loose")
HOSTILE = {
    "a script": "<script>parent.hacked = window.hacked = 1</script><svg><script>window.hacked = 1</script></svg>",
    "a handler": '<img src="data:," onerror="window.hacked = 1"><svg onload="window.hacked = 1"></svg>',
    "a handler in a template": '<template><img src="data:," onerror="window.hacked = 1"></template>',
    "a frame": '<iframe srcdoc="<script>parent.hacked = 1</script>"></iframe><object data="data:text/html,x"></object>',
    "a base and a refresh": '<base href="https://evil.test/"><meta http-equiv="refresh" content="0;url=https://evil.test">',
    "hx-on": '<b hx-on:click="window.hacked = 1" hx-on::after:process="window.hacked = 1" id="trap">x</b>',
    "a trigger filter": '<b hx-post="tool:boost" hx-trigger="click[window.hacked = 1]" id="trap">x</b>',
    "js values": '<b hx-post="tool:boost" hx-vals="js:{a: window.hacked = 1}" id="trap">x</b>',
    "a call on load": '<b hx-post="tool:boost" hx-trigger="load"></b>',
    "another call on load": '<b data-hx-post="tool:boost" data-hx-trigger="load"></b>',
    "a call when seen": '<b hx-post="tool:boost" hx-trigger="revealed"></b>',
    "a call again and again": '<b hx-get="tool:boost" hx-trigger="every 1ms"></b>',
    "a call by another element": '<b hx-post="tool:boost" hx-trigger="click from:body"></b><i id="trap">x</i>',
    "a network address": '<b hx-post="https://evil.test/" id="trap">x</b><b hx-get="/x" hx-trigger="load"></b>',
    "a boosted link": '<a hx-boost="true" href="https://evil.test/" id="trap2">x</a>',
    "a form that clobbers": '<form onfocusin="window.hacked = 1"><input name="getAttributeNames"></form>',
    "an animation of a link": '<svg><a><set attributeName="href" to="javascript:window.hacked=1"/></a></svg>',
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_markup_in_an_answer_does_nothing(lab: Lab, name: str) -> None:
    await lab.open_html('<div id="w"><p id="begin">safe</p></div>', "loose")
    await expect(lab.view.locator("#begin")).to_be_visible()
    await lab.serve("given", f'<div id="w">{HOSTILE[name]}<p id="end">safe</p></div>')
    await lab.run("() => lab.push('given', {})")
    await lab.shows(["safe"], "#end")
    trap = lab.view.locator("#trap")
    if await trap.count():
        await trap.click()
    await lab.settle()

    assert await lab.inside("() => window.hacked ?? null") is None
    names = {call["name"] for call in await lab.calls()}
    assert names <= ({"boost"} if name == "js values" else set())
    lab.forget_refusals()
    left = "script, iframe, object, base, meta[http-equiv=refresh], [onerror], [srcdoc]"
    await expect(lab.view.locator("#intarsia-root").locator(left)).to_have_count(0)


@pytest.mark.parametrize("flavor", FLAVORS)
async def test_a_link_with_code_is_not_followed(lab: Lab, flavor: Flavor) -> None:
    links = "".join(
        f'<a href="{address}">link</a>'
        for address in (
            "javascript:window.hacked=1",
            "&#1;java\nscript:window.hacked=1",
            "data:text/html,x",
            "vbscript:x",
        )
    )
    await lab.open_html(f'<div id="w">{links}</div>', flavor)
    for link in await lab.view.locator("a").all():
        await link.click()
    await lab.settle()

    assert await lab.inside("() => window.hacked ?? null") is None
    assert await lab.run("() => lab.links") == []
    assert await lab.inside("() => [...document.links].map((each) => each.href)") == []


@pytest.mark.parametrize("flavor", FLAVORS)
async def test_what_stands_in_hx_ignore_calls_nothing(lab: Lab, flavor: Flavor) -> None:
    ignored = (
        '<button hx-post="tool:boost">one</button><button data-act="boost">two</button>'
        '<form hx-post="tool:boost"><button>three</button></form>'
        '<form data-act="boost"><input name="a"><button>four</button></form>'
        '<input type="checkbox" aria-label="five" data-filter name="assignee" value="x">'
        '<span data-outlet="boost" hx-post="tool:evil" hx-trigger="intarsia:act"></span>'
        '<div data-intarsia="probe" id="fake"></div><i data-refresh="1"></i>'
    )
    outlet = '<span hidden data-outlet="boost" hx-post="tool:boost" hx-trigger="intarsia:act"></span>'
    await lab.open_html(f'<div id="w"><div hx-ignore>{ignored}</div>{outlet}</div>', flavor)
    for button in await lab.view.get_by_role("button").all():
        await button.click()
    await lab.view.get_by_role("textbox").press("Enter")
    await lab.view.get_by_role("checkbox").check()
    await lab.settle()

    assert await lab.calls() == []
    assert await lab.inside("() => probe.notes") == []


@pytest.mark.parametrize("flavor", FLAVORS)
async def test_even_a_script_put_in_by_hand_does_not_run(lab: Lab, flavor: Flavor) -> None:
    await lab.open(flavor)
    await lab.inside(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.hacked = 1";
          document.body.append(script);
        }"""
    )
    assert await lab.inside("() => window.hacked ?? null") is None
    assert lab.forget_refusals() == 1


async def test_titles_of_people_are_text(lab: Lab) -> None:
    title = '<img src=x onerror="window.hacked=1"> $& <!--intarsia:w-head-->'
    await lab.run("(title) => { lab.board.columns.todo[0].title = title }", title)
    await lab.open()

    await lab.shows([title], "#w-card-T-1 .title")
    assert await lab.inside("() => window.hacked ?? null") is None

"""What a host cannot do is not offered: without tool calls a widget is read-only, and says so in one sentence."""

from playwright.async_api import expect

from tests.view.conftest import Lab
from tests.view.test_actions import move

NOTE = "#intarsia-read-only"


async def test_without_tool_calls_a_widget_is_read_only_and_says_so_once(timed_lab: Lab) -> None:
    await timed_lab.open(capabilities={"openLinks": {}})
    await timed_lab.order("todo", ["T-1", "T-2", "T-3"])

    await expect(timed_lab.view.locator(NOTE)).to_have_text(
        "Read-only: this app can't run actions from a widget. Ask for changes in the chat."
    )
    controls = timed_lab.view.locator("main :is(button, input, select)")
    for index in range(await controls.count()):
        await expect(controls.nth(index)).to_be_disabled()
    await expect(timed_lab.view.locator("main [data-act], main [hx-post], main [data-filter]")).to_have_count(0)
    await timed_lab.run("() => lab.push('board', {project: 'p'})")
    await timed_lab.settle()
    await expect(timed_lab.view.locator(NOTE)).to_have_count(1)
    await expect(timed_lab.view.locator("#w select")).to_be_disabled()


async def test_without_tool_calls_nothing_is_asked_and_the_age_alone_is_said(timed_lab: Lab) -> None:
    await timed_lab.open(tool="tiles", args={}, capabilities={})
    await timed_lab.shows(["1", "1"], "b")
    await timed_lab.pass_time(70)

    assert await timed_lab.run("() => lab.messages.filter(({method}) => method === 'tools/call')") == []
    await expect(timed_lab.view.locator(".intarsia-freshness__text")).to_have_text("Updated 1 min ago")
    await expect(timed_lab.view.get_by_role("button")).to_have_count(0)


async def test_a_gesture_without_tool_calls_reaches_no_server(lab: Lab) -> None:
    await lab.open(capabilities={})
    await lab.order("todo", ["T-1", "T-2", "T-3"])
    outcome = await lab.inside("() => probe.view.act('boost', {}, document.getElementById('w-card-T-1'))")

    assert outcome["ok"] is False
    assert await lab.calls() == []


async def test_without_tool_calls_a_long_list_offers_no_more_of_itself(lab: Lab) -> None:
    more = (
        "<div class='intarsia-more' data-place='rows' data-list='w' data-end='100' data-total='400'>"
        "<button type='button' data-window='[0,200]'>Show 100 more</button> of 400</div>"
    )
    await lab.open_html(f"<div id='w'><p>One</p>{more}</div>", capabilities={})

    await expect(lab.view.locator(".intarsia-more")).to_have_text("of 400")
    await expect(lab.view.get_by_role("button")).to_have_count(0)
    await expect(lab.view.locator(NOTE)).to_have_count(1)


async def test_a_widget_without_controls_says_nothing_of_them(lab: Lab) -> None:
    await lab.open_html("<p id='w'>Seven <button type='button' data-local>Copy</button></p>", capabilities={})

    await lab.shows(["Seven Copy"], "#w")
    await expect(lab.view.get_by_role("button", name="Copy")).to_be_enabled()
    await expect(lab.view.locator(NOTE)).to_have_count(0)


async def test_with_tool_calls_controls_are_as_the_server_sent_them(lab: Lab) -> None:
    await lab.open(capabilities={"serverTools": {}})
    await lab.order("todo", ["T-1", "T-2", "T-3"])
    await move(lab, "T-2", "done")

    await lab.order("done", ["T-2"])
    await expect(lab.view.locator(NOTE)).to_have_count(0)


async def test_without_links_the_address_is_shown_instead(lab: Lab) -> None:
    await lab.open_html("<a id='w' href='https://example.org/a'>Report</a>", capabilities={"serverTools": {}})
    await lab.view.get_by_text("Report").click()

    await lab.status().to_contain_text("https://example.org/a")
    assert await lab.run("() => lab.messages.filter(({method}) => method === 'ui/open-link')") == []


async def test_a_host_that_takes_no_text_is_told_as_structured_content(timed_lab: Lab) -> None:
    context: dict[str, dict[str, object]] = {"image": {}, "structuredContent": {}}
    await timed_lab.open(capabilities={"serverTools": {}, "updateModelContext": context})
    await timed_lab.order("todo", ["T-1", "T-2", "T-3"])
    await move(timed_lab, "T-2", "done")
    await timed_lab.order("done", ["T-2"])
    await timed_lab.pass_time(1)

    await timed_lab.until("() => lab.structures.length === 1")
    [told] = await timed_lab.run("() => lab.structures")
    assert told["user_is_looking_at"] == {"tool": "board", "arguments": {"project": "p"}}
    assert told["user_did_oldest_first"] == ["Moved T-2 to done."]


async def test_a_host_that_takes_pictures_alone_is_told_nothing(timed_lab: Lab) -> None:
    await timed_lab.open(capabilities={"serverTools": {}, "updateModelContext": {"image": {}}})
    await timed_lab.order("todo", ["T-1", "T-2", "T-3"])
    await move(timed_lab, "T-2", "done")
    await timed_lab.order("done", ["T-2"])
    await timed_lab.pass_time(1)
    await timed_lab.settle()

    sent = "() => lab.messages.filter(({method}) => method === 'ui/update-model-context')"
    assert await timed_lab.run(sent) == []

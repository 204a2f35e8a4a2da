"""The local host, tested with the official `App` as View, in every sandbox flavor and with both bridges."""

from pathlib import Path

import pytest
from playwright.async_api import Error, expect

from intarsia.testing.fixtures import OpenHost
from tests.browser.official_app import bump, heard, official_app
from tests.browser.view_scripts import ROOT, script_of_bridge_1

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

FLAVORS = ["spec", "opaque", "loose"]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("bridge", [2, 1])
@pytest.mark.parametrize("flavor", FLAVORS)
async def test_an_official_view_gets_its_input_and_result_and_can_call(
    open_host: OpenHost, tmp_path: Path, flavor: str, bridge: int
) -> None:
    host = open_host(official_app())
    await host.open(sandbox=flavor, script=script_of_bridge_1(tmp_path) if bridge == 1 else None)
    view = await host.call("show_counter", name="sheep", start=3)
    assert await heard(view, "toolinput") == [{"arguments": {"name": "sheep", "start": 3}}]
    [result] = await heard(view, "toolresult")
    assert result["structuredContent"] == {"name": "sheep", "start": 3}
    assert (await bump(view, 2))["structuredContent"] == {"total": 2, "meta": []}
    assert await view.frame.evaluate("() => self.origin") == ("null" if flavor == "opaque" else host.addresses.sandbox)


@pytest.mark.parametrize("flavor", FLAVORS)
async def test_eval_is_for_loose_hosts_alone(open_host: OpenHost, flavor: str) -> None:
    host = open_host(official_app())
    await host.open(sandbox=flavor)
    view = await host.call("show_counter", name="sheep")
    host.expect_console("Content Security Policy|Refused to evaluate")
    # From a timer, because what a driver evaluates itself is free of the policy.
    tried = """() => new Promise((done) => setTimeout(() => {
        try { done(new Function('return 1')() === 1) } catch { done(false) } }))"""
    assert await view.frame.evaluate(tried) is (flavor == "loose")


async def test_the_view_lives_on_another_origin_under_the_policy_of_the_specification(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open()
    async with host.page.expect_response("**/sandbox.html*") as answered:
        await host.call("show_counter", name="sheep")
    policy = (await (await answered.value).all_headers())["content-security-policy"]
    assert policy == (
        "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; media-src 'self' data:; object-src 'none'; connect-src 'none'; "
        f"frame-ancestors {host.addresses.page.rstrip('/')}"
    )


@pytest.mark.parametrize("era", ["2026-07-28", "2025-11-25"])
async def test_both_protocol_eras_can_be_chosen(open_host: OpenHost, era: str) -> None:
    host = open_host(official_app())
    await host.open(era=era)
    await expect(host.page.locator("#protocol")).to_have_text(era)
    view = await host.call("show_counter", name="sheep")
    assert (await bump(view, 1, {"example.test/one": 1}))["structuredContent"] == {
        "total": 1,
        "meta": ["example.test/one"],
    }


async def test_tools_are_listed_with_a_form_and_app_only_tools_are_not(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open()
    names = await host.page.locator("#tools .tool-title").all_inner_texts()
    assert names == ["Counter", "show_silent", "for_models_only", "Every kind of argument", "fail"]


async def test_a_form_sends_every_kind_of_argument(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open()
    form = host.page.locator('#tools details[data-tool="every_kind"]')
    await form.locator("summary").click()
    await form.get_by_label("text").fill("hello")
    await form.get_by_label("whole").fill("7")
    await form.get_by_label("is_on").check()
    await form.get_by_label("choice").select_option("large")
    await form.get_by_label("names").fill('["a", "b"]')
    await form.get_by_role("button", name="Call").click()
    turn = host.page.locator(".turn")
    await expect(turn.locator(".call-text")).to_contain_text("every_kind · text: hello · whole: 7")
    await expect(turn.locator(".model-text")).to_contain_text('"large"')
    [call] = [
        one["message"]["params"]
        for one in await host.traffic()
        if one["method"] == "tools/call" and one["kind"] == "request"
    ]
    assert call["arguments"] == {"text": "hello", "whole": 7, "is_on": True, "choice": "large", "names": ["a", "b"]}


async def test_a_form_refuses_what_is_not_json(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open()
    form = host.page.locator('#tools details[data-tool="every_kind"]')
    await form.locator("summary").click()
    await form.get_by_label("text").fill("hello")
    await form.get_by_label("whole").fill("7")
    await form.get_by_label("names").fill("a, b")
    await form.get_by_role("button", name="Call").click()
    assert await form.get_by_label("names").evaluate("(field) => field.validationMessage.startsWith('Enter JSON')")
    await expect(host.page.locator(".turn")).to_have_count(0)


async def test_a_tool_that_fails_says_so_in_the_conversation(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open()
    await host.page.evaluate("() => intarsiaHost.call('fail')")
    await expect(host.page.locator(".call-status")).to_have_text("Refused")
    await expect(host.page.locator(".model-text")).to_contain_text("Error executing tool fail")


async def test_a_view_may_not_call_what_is_for_models_only(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open()
    view = await host.call("show_counter", name="sheep")
    refused = await view.frame.evaluate(
        "() => oracle.app.callServerTool({name: 'for_models_only', arguments: {}}).catch((error) => error.code)"
    )
    assert refused == -32000
    [call] = (await view.settled()).calls
    assert call.sent is False


async def test_messages_become_user_turns_and_only_the_last_context_is_kept(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open()
    view = await host.call("show_counter", name="sheep")
    await view.frame.evaluate(
        "() => oracle.app.sendMessage({role: 'user', content: [{type: 'text', text: 'Count <b>on</b>'}]})"
    )
    for text in ("It stands at 3.", "It stands at 4."):
        await view.frame.evaluate("(text) => oracle.app.updateModelContext({content: [{type: 'text', text}]})", text)
    await expect(host.page.locator(".turn.user")).to_have_text("Count <b>on</b>")
    await expect(host.page.locator(".known")).to_have_text("The model now knows: It stands at 4.")
    assert (await view.settled()).messages == ["Count <b>on</b>"]
    assert (await view.settled()).model_context == {"content": [{"type": "text", "text": "It stands at 4."}]}


async def test_the_theme_and_all_variables_reach_the_view(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open(theme="light", locale="de-DE", time_zone="Europe/Berlin")
    view = await host.call("show_counter", name="sheep")
    context = await view.frame.evaluate("() => oracle.app.getHostContext()")
    assert len(context["styles"]["variables"]) == 76
    assert (context["theme"], context["locale"], context["timeZone"]) == ("light", "de-DE", "Europe/Berlin")
    assert context["toolInfo"]["tool"]["name"] == "show_counter"
    assert context["containerDimensions"] == {"width": 760, "maxHeight": 500}
    await host.set(theme="dark", width="320")
    await view.frame.wait_for_function("() => oracle.app.getHostContext().containerDimensions.width === 320")
    assert [set(change) for change in await heard(view, "hostcontextchanged")] == [{"theme", "containerDimensions"}]
    assert await view.frame.evaluate("() => innerWidth") == 320


async def test_a_host_without_variables_sends_none(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open(variables="none")
    view = await host.call("show_counter", name="sheep")
    assert await view.frame.evaluate("() => oracle.app.getHostContext().styles ?? null") is None


async def test_the_frame_follows_the_size_up_to_the_limit_and_ignores_echoes(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open()
    view = await host.call("show_silent")
    await view.frame.evaluate("() => { oracle.app.sendSizeChanged({height: 300}) }")
    await host.pages[0].wait_until("() => document.querySelector('.slot').clientHeight === 300")
    await view.frame.evaluate(
        """() => oracle.app.sendSizeChanged({height: 297})
            .then(() => oracle.app.sendLog({level: 'info', data: 'echoed'}))"""
    )
    await host.pages[0].wait_until(
        "() => intarsiaHost.traffic.entries.some((entry) => entry.method === 'notifications/message')"
    )
    assert await view.height() == 300
    await view.frame.evaluate("() => { oracle.app.sendSizeChanged({height: 2000}) }")
    await host.pages[0].wait_until("() => document.querySelector('.slot').clientHeight === 500")
    await host.set(max_height=0)
    await host.pages[0].wait_until("() => document.querySelector('.slot').clientHeight === 2000")


async def test_a_view_gets_the_full_screen_and_gives_it_back(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open()
    view = await host.call("show_counter", name="sheep")
    assert await view.frame.evaluate("() => oracle.app.requestDisplayMode({mode: 'fullscreen'})") == {
        "mode": "fullscreen"
    }
    await view.frame.wait_for_function(
        "() => oracle.app.getHostContext().displayMode === 'fullscreen' && innerWidth === 1200"
    )
    await host.page.get_by_role("button", name="Close").click()
    await view.frame.wait_for_function(
        "() => oracle.app.getHostContext().displayMode === 'inline' && innerWidth === 760"
    )


async def test_a_phone_has_touch_and_no_full_screen(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open(width=375, height=740, touch=True, phone=True)
    view = await host.call("show_counter", name="sheep")
    context = await view.frame.evaluate("() => oracle.app.getHostContext()")
    assert (context["availableDisplayModes"], context["platform"]) == (["inline"], "mobile")
    assert context["deviceCapabilities"] == {"touch": True, "hover": False}
    assert await view.frame.evaluate("() => oracle.app.requestDisplayMode({mode: 'fullscreen'})") == {"mode": "inline"}


async def test_on_a_phone_a_view_that_scrolls_away_starts_anew_with_its_first_result(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open(width=375, height=740, touch=True, phone=True)
    view = await host.call("show_counter", name="sheep")
    await host.page.evaluate("() => { document.querySelector('#conversation').style.paddingBottom = '3000px' }")
    await host.page.evaluate("() => { document.querySelector('#chat').scrollTop = 3000 }")
    await host.pages[0].wait_until("() => intarsiaHost.view().state === 'away'")
    await host.page.evaluate("() => { document.querySelector('#chat').scrollTop = 0 }")
    await host.pages[0].wait_until("() => intarsiaHost.view().isTold && intarsiaHost.view().starts === 2")
    [result] = await heard(view, "toolresult")
    assert result["structuredContent"] == {"name": "sheep", "start": 0}


async def test_a_recreated_view_is_told_of_its_end(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open()
    view = await host.call("show_counter", name="sheep")
    await view.recreate()
    asked = [entry["kind"] for entry in await view.traffic() if entry["method"] == "ui/resource-teardown"]
    assert asked == ["request", "answer"]
    assert len(await heard(view, "toolresult")) == 1


async def test_a_call_in_flight_survives_the_view_that_made_it(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open(faults={"hold": "request"})
    view = await host.call("show_counter", name="sheep")
    await view.frame.evaluate("() => { oracle.app.callServerTool({name: 'bump', arguments: {by: 5}}).catch(() => 0) }")
    await host.wait_for_held()
    await view.recreate(abrupt=True)
    await host.set(faults={"hold": False})
    await host.release()
    await view.wait_for_calls(1, "bump")
    assert (await bump(view, 0))["structuredContent"] == {"total": 5, "meta": []}


async def test_a_view_can_take_its_call_back(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open()
    view = await host.call("show_counter", name="sheep")
    await view.frame.evaluate(
        """() => { window.giveUp = new AbortController();
            oracle.app.callServerTool({name: 'never_answer', arguments: {}}, {signal: giveUp.signal})
                .catch(() => 0) }"""
    )
    await host.pages[0].wait_until(
        """() => intarsiaHost.traffic.entries.some(
            ({to, message}) => to === 'server' && message.params?.name === 'never_answer')"""
    )
    await view.frame.evaluate("() => giveUp.abort()")
    [call] = await view.wait_for_calls(1, "never_answer", state="cancelled")
    assert call.sent is True


async def test_links_are_asked_about_and_script_links_refused(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open()
    view = await host.call("show_counter", name="sheep")
    assert await view.frame.evaluate("() => oracle.app.openLink({url: 'javascript:alert(1)'})") == {"isError": True}
    await view.frame.evaluate("() => { window.opened = oracle.app.openLink({url: 'https://example.test/a'}) }")
    await host.answer(allow=False)
    assert await view.frame.evaluate("() => opened") == {"isError": True}


async def test_the_traffic_of_both_hops_is_kept_and_shown(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open()
    await host.call("show_counter", name="sheep")
    await host.page.get_by_role("button", name="Traffic").click()
    lines = host.page.locator("#traffic li")
    await expect(lines.filter(has_text="host → view 1").filter(has_text="tool-result")).to_have_count(1)
    line = lines.filter(has_text="host → server").filter(has_text="tools/call show_counter")
    await line.locator("summary").click()
    await expect(line.locator("pre")).to_contain_text('"name": "sheep"')


async def test_the_sandbox_is_for_the_host_page_alone(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open()
    asked = host.page.context.request
    address = f"{host.addresses.sandbox}/sandbox.html"
    assert (await asked.get(address)).status == 403
    assert (await asked.get(address, headers={"Referer": "http://evil.example/"})).status == 403
    referrer = {"Referer": host.addresses.page}
    assert (await asked.get(address, headers=referrer)).status == 200
    assert (await asked.get(f"{address}?flavor=wild", headers=referrer)).status == 400
    assert (await asked.get(f'{address}?csp={{"connectDomains":["*; script-src *"]}}', headers=referrer)).status == 400
    assert (await asked.get(host.addresses.page, headers={"Host": "evil.example"})).status == 421


@pytest.mark.parametrize("flavor", FLAVORS)
async def test_a_finger_and_a_mouse_reach_into_the_view(open_host: OpenHost, flavor: str) -> None:
    host = open_host(official_app())
    await host.open(touch=True, sandbox=flavor)
    view = await host.call("show_counter", name="sheep")
    await view.frame.evaluate(
        """() => { window.pointers = []; document.body.style.touchAction = 'none';
            for (const kind of ['pointerdown', 'pointermove', 'pointerup'])
                document.addEventListener(kind, (event) => pointers.push(`${event.pointerType} ${event.type}`)) }"""
    )
    for drag in (host.pages[0].touch_drag, host.pages[0].mouse_drag):
        await drag(view.locator("h1"), view.locator(".toolresult"), steps=2)
    await view.frame.wait_for_function("() => pointers.at(-1) === 'mouse pointerup'")
    pointers: list[str] = await view.frame.evaluate("() => pointers")
    assert [one for one in pointers if one.startswith("touch")] == [
        "touch pointerdown",
        "touch pointermove",
        "touch pointermove",
        "touch pointerup",
    ]
    assert "mouse pointermove" in pointers


async def test_every_setting_and_fault_is_documented(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open()
    names: list[str] = await host.page.evaluate(
        "() => [...Object.keys(intarsiaHost.settings.value), ...Object.keys(intarsiaHost.settings.value.faults)]"
    )
    page = (ROOT / "docs" / "host.md").read_text(encoding="utf-8")
    assert [name for name in names if name != "faults" and f"`{name}`" not in page] == []


async def test_a_wrong_setting_is_named(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open()
    with pytest.raises(Error, match="There is no setting them"):
        await host.set(them="dark")
    with pytest.raises(Error, match="There is no fault slow"):
        await host.set(faults={"slow": 1})


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("theme", "width"), [("light", 1200), ("dark", 1200), ("light", 320), ("dark", 320)])
async def test_the_page_can_be_used_by_everybody(open_host: OpenHost, theme: str, width: int) -> None:
    host = open_host(official_app())
    await host.open(width=width, theme=theme)
    await host.call("show_counter", name="sheep")
    await host.start("fail")
    await expect(host.page.locator(".call-status").last).to_have_text("Refused")
    for pane in ("Settings", "Traffic"):
        await host.page.get_by_role("button", name=pane).click()
    await host.page.evaluate((ROOT / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8"))
    violations: list[str] = await host.page.evaluate(
        """async () => (await axe.run({exclude: ['iframe']})).violations.map(
            ({id, nodes}) => `${id}: ${nodes.map((node) => node.html).join(' ')}`)"""
    )
    assert violations == []
    assert await host.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")

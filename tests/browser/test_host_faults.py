"""What a test can break in the local host, with the official `App` as View."""

import pytest
from playwright.async_api import expect

from intarsia.testing import Host
from intarsia.testing.fixtures import OpenHost
from tests.browser.official_app import SILENT_URI, bump, heard, official_app

pytestmark = [pytest.mark.anyio, pytest.mark.browser]


async def stripped_fields(host: Host, faults: dict[str, object]) -> set[str]:
    await host.set(faults=faults)
    view = await host.call("show_counter", name="sheep")
    [result] = await heard(view, "toolresult")
    assert (await bump(view, 1))["structuredContent"]
    return {"_meta", "structuredContent"} - set(result)


async def test_fault_strip_result_meta_drops_fields_of_pushed_results_alone(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open()
    assert await stripped_fields(host, {"strip_result_meta": False}) == set()
    assert await stripped_fields(host, {"strip_result_meta": ["_meta"]}) == {"_meta"}
    assert await stripped_fields(host, {"strip_result_meta": True}) == {"_meta", "structuredContent"}


async def test_fault_strip_request_meta_drops_the_metadata_of_calls(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open(faults={"strip_request_meta": True})
    view = await host.call("show_counter", name="sheep")
    assert (await bump(view, 1, {"example.test/one": 1}))["structuredContent"] == {"total": 1, "meta": []}


async def test_faults_of_the_first_messages(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open(faults={"no_arguments": True, "no_tool_info": True})
    view = await host.call("show_counter", name="sheep")
    assert await heard(view, "toolinput") == [{}]
    assert "toolInfo" not in await view.frame.evaluate("() => oracle.app.getHostContext()")


async def test_faults_of_calls(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open()
    view = await host.call("show_counter", name="sheep")
    await host.set(faults={"refuse_calls": "error"})
    assert (await bump(view, 1))["code"] == -32000
    await host.set(faults={"refuse_calls": "result"})
    assert (await bump(view, 1))["isError"] is True
    await host.set(faults={"refuse_calls": False, "lose_answers": "error"})
    assert "lost" in str((await bump(view, 1))["refused"])
    await host.set(faults={"lose_answers": "error", "only": ["another_tool"]})
    assert (await bump(view, 0))["structuredContent"] == {"total": 1, "meta": []}
    states = [(call.sent, call.state) for call in (await view.settled()).calls]
    assert states == [(False, "failed"), (False, "answered"), (True, "lost"), (True, "answered")]


async def test_fault_lose_answers_can_leave_the_view_without_any(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open(faults={"lose_answers": "never"})
    view = await host.call("show_counter", name="sheep")
    given_up = """() => oracle.app.callServerTool({name: 'bump', arguments: {by: 1}}, {timeout: 200})
        .catch((error) => error.message)"""
    assert "timed out" in await view.frame.evaluate(given_up)
    [call] = await view.wait_for_calls(1, "bump", state="lost")
    assert call.sent is True


async def test_fault_slow_ms_waits_before_a_call(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open(faults={"slow_ms": 300})
    view = await host.call("show_counter", name="sheep")
    await bump(view, 1)
    asked, passed = [
        entry["at"]
        for entry in await host.traffic()
        if entry["kind"] == "request" and entry["message"].get("params", {}).get("name") == "bump"
    ]
    assert passed - asked >= 299


async def test_fault_recreate_ms_ends_a_view_that_changed_something(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open(faults={"recreate_ms": 50})
    view = await host.call("show_counter", name="sheep")
    for name, arguments in (("show_counter", {"name": "goats"}), ("bump", {"by": 1})):
        assert await host.page.evaluate("() => intarsiaHost.view().starts") == 1
        await view.frame.evaluate(
            "(params) => { void oracle.app.callServerTool(params) }", {"name": name, "arguments": arguments}
        )
        await view.wait_for_calls(1, name)
    await host.pages[0].wait_until("() => intarsiaHost.view().starts === 2 && intarsiaHost.view().isTold")
    [result] = await heard(view, "toolresult")
    assert result["structuredContent"] == {"name": "sheep", "start": 0}


async def test_fault_ignore_size_keeps_the_frame_as_it_is(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open(faults={"ignore_size": True})
    view = await host.call("show_silent")
    before = await view.height()
    await view.frame.evaluate("() => { oracle.app.sendSizeChanged({height: 300}) }")
    await host.pages[0].wait_until("() => intarsiaHost.view().sizes.length === 1")
    assert await view.height() == before


async def test_fault_view_uri_shows_another_document(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open(faults={"view_uri": SILENT_URI})
    view = await host.call("show_counter", name="sheep")
    assert await view.frame.evaluate("() => document.documentElement.dataset.sizes") == "none"


async def test_a_view_that_cannot_be_read_leaves_the_text(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open(faults={"view_uri": "ui://oracle/gone.html"})
    host.expect_console(r"400 \(Bad Request\)")  # how this era answers a read of what is not there
    await host.page.evaluate("() => intarsiaHost.call('show_counter', {name: 'sheep'})")
    await expect(host.page.locator(".turn .failure")).to_be_visible()
    await expect(host.page.locator(".turn .model-text")).to_have_text("sheep stands at 0")


async def test_fault_ask_waits_for_the_person(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open(faults={"ask": True})
    view = await host.call("show_counter", name="sheep")
    await view.frame.evaluate(
        """() => { window.answered = oracle.app.callServerTool({name: 'bump', arguments: {by: 1}})
            .catch((error) => error.code) }"""
    )
    await expect(host.page.get_by_role("group", name="Allow “bump”?")).to_contain_text("by: 1")
    await host.page.get_by_role("button", name="Deny").click()
    assert await view.frame.evaluate("() => answered") == -32000
    await view.frame.evaluate(
        "() => { window.answered = oracle.app.callServerTool({name: 'bump', arguments: {by: 1}}) }"
    )
    await host.answer(allow=True)
    assert (await view.frame.evaluate("() => answered"))["structuredContent"] == {"total": 1, "meta": []}


async def test_fault_ask_can_be_for_changes_alone(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open(faults={"ask": "changes"})
    view = await host.call("show_counter", name="sheep")
    read = "() => oracle.app.callServerTool({name: 'show_counter', arguments: {name: 'goats'}})"
    assert (await view.frame.evaluate(read))["structuredContent"] == {"name": "goats", "start": 0}
    await view.frame.evaluate(
        "() => { window.answered = oracle.app.callServerTool({name: 'bump', arguments: {by: 1}}) }"
    )
    await host.answer(allow=True)
    assert (await view.frame.evaluate("() => answered"))["structuredContent"] == {"total": 1, "meta": []}


async def test_fault_serialize_makes_one_call_at_a_time(open_host: OpenHost) -> None:
    host = open_host(official_app())
    await host.open(faults={"serialize": True, "hold": "request"})
    view = await host.call("show_counter", name="sheep")
    await view.frame.evaluate(
        "() => { for (const by of [1, 2]) oracle.app.callServerTool({name: 'bump', arguments: {by}}) }"
    )
    await view.wait_for_calls(2, state="waiting")
    for made in (1, 2):
        await host.wait_for_held()
        assert await host.page.evaluate("() => intarsiaHost.calls.held") == 1
        await host.release()
        await view.wait_for_calls(made)

"""The conversation with the host: the handshake, forgeries, cancelling, closing; and each message by the schema."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.view.conftest import ROOT, Flavor, Lab
from tests.view.test_actions import move

FLAVORS: tuple[Flavor, ...] = ("same", "opaque", "loose")
SCHEMA = ROOT / "node_modules/@modelcontextprotocol/ext-apps/dist/src/generated/schema.json"
DEFINITIONS = {
    "ui/initialize": "McpUiInitializeRequest",
    "ui/notifications/initialized": "McpUiInitializedNotification",
    "ui/notifications/size-changed": "McpUiSizeChangedNotification",
    "ui/open-link": "McpUiOpenLinkRequest",
    "ui/update-model-context": "McpUiUpdateModelContextRequest",
    "ui/request-display-mode": "McpUiRequestDisplayModeRequest",
}


async def act_in_every_way(lab: Lab) -> None:
    await move(lab, "T-2", "done")
    await lab.view.locator("[name=assignee]").select_option("Ada")
    await lab.shows(["Call Ada"], "#w-cards-todo .title")
    await lab.inside("() => probe.view.requestDisplayMode('fullscreen')")
    await lab.inside(
        """() => {
          const link = Object.assign(document.createElement("a"), {href: "https://example.com/x", textContent: "link"});
          document.getElementById("w").append(link);
          link.click();
        }"""
    )
    await lab.until("() => lab.contexts.length > 0 && lab.links.length > 0")


async def test_every_message_is_valid_by_the_official_schema(lab: Lab) -> None:
    await lab.open()
    await act_in_every_way(lab)

    schema = json.loads(SCHEMA.read_text())
    messages: list[dict[str, Any]] = await lab.run("() => lab.messages")
    checked = {message["method"] for message in messages if message.get("method") in DEFINITIONS}
    assert checked == set(DEFINITIONS)
    for message in messages:
        if message.get("method") in DEFINITIONS:
            bare = {name: value for name, value in message.items() if name not in ("jsonrpc", "id")}
            definition: dict[str, Any] = {"$ref": f"#/$defs/{DEFINITIONS[message['method']]}", "$defs": schema["$defs"]}
            validator: Any = Draft202012Validator(definition)
            assert validator.is_valid(bare), bare
    assert await lab.run("() => lab.links") == ["https://example.com/x"]


@pytest.mark.parametrize("flavor", FLAVORS)
async def test_the_previous_bridge_works_as_well(old_lab: Lab, flavor: Flavor) -> None:
    await old_lab.open(flavor)
    await act_in_every_way(old_lab)

    assert await old_lab.run("() => lab.server.runs") == ["move"]


async def test_the_handshake_names_the_version_and_the_document(lab: Lab) -> None:
    await lab.open()
    first = (await lab.run("() => lab.messages.filter(({method}) => method.startsWith('ui/'))"))[1]

    assert first["method"] == "ui/initialize"
    assert first["params"] == {
        "protocolVersion": "2026-01-26",
        "appInfo": {"name": "Lab", "version": "1"},
        "appCapabilities": {"availableDisplayModes": ["inline", "fullscreen"]},
    }


@pytest.mark.parametrize("flavor", FLAVORS)
async def test_messages_from_anybody_but_the_parent_are_ignored(lab: Lab, flavor: Flavor) -> None:
    await lab.open(flavor)
    await lab.order("todo", ["T-1", "T-2", "T-3"])
    await lab.run(
        """() => {
          const result = {content: [{type: "text", text: "forged"}], _meta: {"dev.intarsia/parts":
            {revision: "1000000000000000.first", tool: "board", arguments: {},
             frame: {hash: "12345678", html: "<p>forged</p>"}}}};
          const view = lab.frame.contentWindow.frames[0];
          view.postMessage({jsonrpc: "2.0", method: "ui/notifications/tool-result", params: result}, "*");
          view.postMessage({jsonrpc: "2.0", id: 1, method: "ui/resource-teardown", params: {}}, "*");
        }"""
    )
    await lab.settle()
    await move(lab, "T-2", "done")

    await lab.order("done", ["T-2"])
    assert "stop w" not in await lab.inside("() => probe.notes")


async def test_junk_unknown_ids_and_prototype_keys_are_ignored(lab: Lab) -> None:
    await lab.open()
    await lab.run(
        """() => {
          const junk = [null, 7, "text", [], {}, {type: "token", token: "x"}, {jsonrpc: "1.0", id: 1, result: {}},
            {jsonrpc: "2.0"}, {jsonrpc: "2.0", id: 999, result: {}}, {jsonrpc: "2.0", id: "__proto__", result: {}},
            {jsonrpc: "2.0", id: "constructor", error: {code: 1, message: "x"}}, {jsonrpc: "2.0", id: 1, result: null},
            {jsonrpc: "2.0", method: "__proto__", params: {}}, {jsonrpc: "2.0", method: "toString"},
            {jsonrpc: "2.0", method: "ui/notifications/tool-result"}, {jsonrpc: "2.0", method: 7, params: 7},
            {jsonrpc: "2.0", method: "ui/notifications/host-context-changed", params: 7}];
          for (const each of junk.filter((each) => each?.method !== "ui/notifications/tool-result")) lab.say(each);
          lab.say({jsonrpc: "2.0", id: "lab-odd", method: "constructor", params: {}});
        }"""
    )
    await lab.settle()
    outcome = await move(lab, "T-2", "done")

    assert outcome["ok"]
    (answer,) = await lab.run('() => lab.messages.filter(({id}) => id === "lab-odd")')
    assert answer["error"]["code"] == -32601


@pytest.mark.parametrize(
    "parts",
    [
        "7",
        "{}",
        '{revision: 1, tool: "x", arguments: {}}',
        '{revision: "soon.first", tool: "x", arguments: {}}',
        "{revision: '1', tool: 'x', arguments: {}, parts: {a: 7}}",
        "{revision: '1', tool: 'x', arguments: {}, lists: {a: {prefix: 'p', order: 7}}}",
        "{revision: '1', tool: 'x', arguments: {}, frame: {hash: 'x', html: '<!--intarsia:nothing-->'}}",
    ],
)
async def test_parts_that_are_none_are_not_shown(lab: Lab, parts: str) -> None:
    await lab.open(push="none", capabilities={})
    await lab.run(f"() => lab.bridge.sendToolResult({{content: [], _meta: {{'dev.intarsia/parts': {parts}}}}})")

    await lab.shows(["Something went wrong"], ".intarsia-state__title")


async def test_closing_is_always_answered_and_ends_refreshing(lab: Lab) -> None:
    await lab.open()
    assert await lab.run("() => lab.bridge.teardownResource({})") == {}


async def test_a_closed_view_calls_off_what_is_on_its_way(lab: Lab) -> None:
    await lab.open()
    await lab.run("() => lab.pause()")
    await lab.inside("() => { window.moved = probe.view.act('boost', {}, document.getElementById('w-card-T-1')) }")
    await lab.until("() => lab.messages.some(({method}) => method === 'tools/call')")
    await lab.run("() => lab.bridge.teardownResource({})")

    assert (await lab.inside("() => moved"))["ok"] is False
    await lab.until("() => lab.aborted.includes('boost')")
    await lab.run("() => lab.resume()")


async def test_a_host_without_links_says_so(lab: Lab) -> None:
    await lab.open_html(
        '<p id="w"><a href="https://example.com/">out</a> <a href="#w">in</a> <a href="x.html">odd</a></p>'
    )
    await lab.run("() => { lab.bridge.onopenlink = async () => { throw new Error('no') } }")
    for name in ("in", "out"):
        await lab.view.get_by_role("link", name=name).click()

    await lab.status().to_have_text("This link couldn't be opened.")
    await lab.shows(["out", "in"], "#w a[href]")

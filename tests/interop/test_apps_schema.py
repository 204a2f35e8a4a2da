"""The schema bites: what is wrong on purpose is found, and what the official runtime takes is taken."""

from typing import Any

import pytest

from tests.interop.apps_schema import STYLE_VARIABLES, Generation, apps_schema

GENERATIONS: tuple[Generation, ...] = ("1", "2")
HELLO: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "ui/initialize",
    "params": {"protocolVersion": "2026-01-26", "appInfo": {"name": "a", "version": "1"}, "appCapabilities": {}},
}
SIZE: dict[str, Any] = {"jsonrpc": "2.0", "method": "ui/notifications/size-changed", "params": {"height": 1.5}}
CALL: dict[str, Any] = {"jsonrpc": "2.0", "id": "a", "method": "tools/call", "params": {"name": "move_card"}}


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({**HELLO, "jsonrpc": "1.0"}, "no JSON-RPC message"),
        ({**HELLO, "id": [1]}, "an id of the wrong type"),
        ({**HELLO, "extra": 1}, "'extra' was unexpected"),
        ({**HELLO, "params": {**HELLO["params"], "appInfo": {"name": "a"}}}, "'version' is a required property"),
        ({**HELLO, "params": {**HELLO["params"], "appCapabilities": {"modes": []}}}, "'modes' was unexpected"),
        ({**SIZE, "params": {"height": "12px"}}, "is not of type 'number'"),
        ({**SIZE, "method": "ui/notifications/grown"}, "is in no schema"),
        ({**CALL, "params": {"arguments": {}}}, "Field required"),
        ({"jsonrpc": "2.0", "id": 1, "method": "ui/update-model-context", "params": {"content": "text"}}, "'array'"),
    ],
)
def test_a_wrong_message_is_found(generation: Generation, message: dict[str, Any], words: str) -> None:
    [complaint] = apps_schema(generation).complain_about_message(message)

    assert words in complaint


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("message", [HELLO, SIZE, CALL, {"jsonrpc": "2.0", "id": 1, "method": "ping"}])
def test_a_right_message_is_welcome(generation: Generation, message: dict[str, Any]) -> None:
    assert apps_schema(generation).complain_about_message(message) == []


@pytest.mark.parametrize("generation", GENERATIONS)
def test_answers_are_looked_at_too(generation: Generation) -> None:
    schema = apps_schema(generation)

    assert schema.complain_about_answer("ui/request-display-mode", {"id": 1, "result": {"mode": "huge"}})
    assert schema.complain_about_answer("tools/call", {"id": 1, "result": {"content": "text"}})
    assert schema.complain_about_answer("tools/call", {"id": 1, "error": {"message": "No."}})
    assert schema.complain_about_answer("ui/resource-teardown", {"id": 1, "result": {}}) == []
    assert schema.complain_about_answer("tools/call", {"id": 1, "error": {"code": -1, "message": "No."}}) == []


@pytest.mark.parametrize("generation", GENERATIONS)
def test_where_the_runtime_is_milder_so_are_we_and_no_more(generation: Generation) -> None:
    schema = apps_schema(generation)
    [known, *others] = [choice["const"] for choice in schema.definitions["McpUiStyleVariableKey"]["anyOf"]]

    assert len([known, *others]) == STYLE_VARIABLES
    assert schema.complain("McpUiStyles", {known: "#fff"}) == []
    assert schema.complain("McpUiStyles", {"--my-color": "#fff"})
    pushed: dict[str, Any] = {
        "jsonrpc": "2.0",
        "method": "ui/notifications/tool-result",
        "params": {"structuredContent": {}},
    }
    assert schema.complain_about_message(pushed) == []
    assert schema.complain("McpUiHostContext", {"containerDimensions": {"width": 760, "maxHeight": 500}}) == []
    assert schema.complain("McpUiHostContext", {"containerDimensions": {"width": "wide"}})

"""T09: a scope is missing for this very action: HTTP 403, all that is needed in one challenge, and nothing is done."""

import json
import logging
from typing import Any

import pytest

from tests.security.conftest import METADATA, Trusting, in_both_eras, of_both_kinds
from tests.security.connector_server import MODERN, challenge, done

NEEDED = "tasks:read tasks:write"


@in_both_eras
@of_both_kinds
@pytest.mark.parametrize(
    ("granted", "missing"),
    [
        ("tasks:read", ["tasks:write"]),
        ("tasks:read profile openid offline_access", ["tasks:write"]),
        ("", ["tasks:read", "tasks:write"]),
        (..., ["tasks:read", "tasks:write"]),
        ([], ["tasks:read", "tasks:write"]),
        # A scope contains another only if the issuer lists both: nothing follows from how it is spelled.
        ("tasks tasks:* * tasks:read:all tasks:read", ["tasks:write"]),
        ("tasks:read tasks:write:all admin", ["tasks:write"]),
        ("tasks:read tasks:writ tasks:writee atasks:write", ["tasks:write"]),
        # Case and space.
        ("tasks:read TASKS:WRITE Tasks:Write tasks:Write", ["tasks:write"]),
        ("tasks:read\ttasks:write", ["tasks:read", "tasks:write"]),
        ("tasks:read\ntasks:write", ["tasks:read", "tasks:write"]),
        ("tasks:read,tasks:write", ["tasks:read", "tasks:write"]),
        ("tasks:read\u00a0tasks:write", ["tasks:read", "tasks:write"]),
        ("tasks:read\u3000tasks:write", ["tasks:read", "tasks:write"]),
        ("tasks:read tasks:write\u200b", ["tasks:write"]),
        ("tasks:read ｔasks:write", ["tasks:write"]),  # noqa: RUF001 - a letter that looks alike
        (["tasks:read tasks:write"], ["tasks:read", "tasks:write"]),
        (["tasks:read", " tasks:write"], ["tasks:write"]),
    ],
    ids=repr,
)
async def test_t09_a_missing_scope_is_named_and_nothing_is_done(
    trusting: Trusting,
    era: str,
    kind: str,
    granted: Any,
    missing: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    token = trusting.token(kind, scope=granted)
    with caplog.at_level(logging.INFO, "intarsia"):
        response = await trusting.served.call(era, token=token, tool="add_task", arguments={"title": "Water"})

    assert response.status_code == 403, response.text
    asked = challenge(response)
    assert asked["error"] == "insufficient_scope"
    assert asked["scope"] == NEEDED
    assert asked["resource_metadata"] == METADATA
    error = response.json()["error"]
    assert response.json()["id"] == 7
    assert error["data"]["missing_scopes"] == missing
    assert error["data"]["how_to_fix"] == f"Grant access to {' and '.join(missing)}."
    assert trusting.served.entered == []
    lacks = "a permission you don't have" if len(missing) == 1 else "permissions you don't have"
    assert error["data"]["reason"] == error["message"] == f"Add task needs {' and '.join(missing)}, {lacks}."
    assert f"A call of add_task was denied: {' and '.join(missing)} is missing." in caplog.messages


@in_both_eras
@of_both_kinds
@pytest.mark.parametrize(
    "claims",
    [
        {"scope": "tasks:read tasks:write"},
        {"scope": "openid tasks:write admin tasks:read"},
        {"scope": ["tasks:write", "tasks:read"]},
        {"scope": ..., "scp": ["tasks:write", "tasks:read"]},
        {"scope": ..., "scp": "tasks:write tasks:read"},
        {"scope": " tasks:write  tasks:read "},
    ],
    ids=repr,
)
async def test_t09_who_has_the_scopes_and_more_may_act(
    trusting: Trusting, era: str, kind: str, claims: dict[str, Any]
) -> None:
    token = trusting.token(kind, **claims)

    response = await trusting.served.call(era, token=token, tool="add_task", arguments={"title": "Water"})

    assert done(response) == "Added Water."
    assert trusting.served.entered == ["add_task"]


@in_both_eras
@of_both_kinds
@pytest.mark.parametrize("scope", [7, {"tasks:write": True}, ["tasks:read", 7], True], ids=repr)
async def test_t09_scopes_of_no_known_form_are_no_token(trusting: Trusting, era: str, kind: str, scope: Any) -> None:
    token = trusting.token(kind, scope=scope)

    response = await trusting.served.call(era, token=token, tool="add_task", arguments={"title": "Water"})

    assert response.status_code == 401
    assert trusting.served.entered == []


@in_both_eras
async def test_t09_the_name_in_a_header_does_not_open_another_tool(trusting: Trusting, era: str) -> None:
    token = trusting.token("signed", scope="tasks:read")
    for name in ("say_who", "task_board"):
        headers = {"Mcp-Name": name} if era != MODERN else {}
        response = await trusting.served.call(era, token=token, tool="add_task", headers=headers)

        assert response.status_code == 403
        assert trusting.served.entered == []


async def test_t09_a_header_that_names_another_tool_than_the_body_is_refused(trusting: Trusting) -> None:
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "add_task", "arguments": {"title": "x"}},
    }
    response = await trusting.served.http.post(
        f"{trusting.served.addresses[0]}/mcp",
        content=json.dumps(body),
        headers={
            "Accept": "application/json, text/event-stream",
            "Content-Type": "application/json",
            "MCP-Protocol-Version": MODERN,
            "Mcp-Method": "tools/list",
            "Mcp-Name": "say_who",
            "Authorization": f"Bearer {trusting.token('signed', scope='tasks:read')}",
        },
    )

    assert response.status_code in (400, 403)
    assert trusting.served.entered == []


@in_both_eras
async def test_t09_a_draft_needs_what_its_widget_needs(trusting: Trusting, era: str) -> None:
    arguments: dict[str, Any] = {"tool": "task_board", "arguments": {}, "values": None}
    token = trusting.token("signed", scope="openid")

    response = await trusting.served.call(era, token=token, tool="intarsia_draft", arguments=arguments)

    assert response.status_code == 403
    assert challenge(response)["scope"] == "tasks:read"


@in_both_eras
async def test_t09_a_tool_without_scopes_is_for_everybody_who_signed_in(trusting: Trusting, era: str) -> None:
    response = await trusting.served.call(era, token=trusting.token("signed", scope=""), tool="say_who")

    assert json.loads(done(response))["scopes"] == []

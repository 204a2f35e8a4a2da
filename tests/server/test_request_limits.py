"""The requests that the limits refuse, and the error messages."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from intarsia import Connector
from intarsia.errors import SettingError

CALL: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "task_board", "arguments": {}},
}
ERA = {"MCP-Protocol-Version": "2025-06-18", "Accept": "application/json, text/event-stream"}


@pytest.fixture
async def http(connector: Connector) -> AsyncIterator[httpx2.AsyncClient]:
    app = connector.app()
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8484", headers=ERA) as client:
            yield client


async def post(http: httpx2.AsyncClient, body: bytes | str, **headers: str) -> httpx2.Response:
    return await http.post("/mcp", content=body, headers={"Content-Type": "application/json", **headers})


def message_of(response: httpx2.Response) -> str:
    return str(response.json()["error"]["message"])


async def test_a_valid_call_passes(http: httpx2.AsyncClient) -> None:
    response = await post(http, json.dumps(CALL))

    assert response.status_code == 200
    assert "T-1" in response.text


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (json.dumps(CALL).replace("{}", '{"n": NaN}'), 400, "holds NaN"),
        (json.dumps(CALL).replace("{}", '{"n": -Infinity}'), 400, "holds NaN or an infinite"),
        (json.dumps(CALL).replace("{}", '{"n": "\\ud800"}'), 400, "lone surrogate"),
        (json.dumps(CALL).replace("{}", '{"n": 1, "n": 2}'), 400, "a key twice"),
        (json.dumps(CALL).replace("{}", '{"n": 1e400}'), 400, "too large"),
        (json.dumps(CALL).replace("{}", "[" * 100 + "]" * 100), 400, "nested too deeply"),
        ("[" * 100_000, 400, "nested too deeply"),
        ("{'single': 1}", 400, "is not JSON"),
        (json.dumps(CALL).encode("utf-16"), 400, "is not UTF-8"),
        (b"\xef\xbb\xbf{}", 400, "is not JSON"),
        ("", 400, "is not JSON"),
    ],
)
async def test_anything_but_strict_json_is_refused(
    http: httpx2.AsyncClient, body: bytes | str, status: int, words: str
) -> None:
    response = await post(http, body)

    assert response.status_code == status
    assert words in message_of(response)


@pytest.mark.parametrize("request_id", [None, 1.5, True, ["1"]])
async def test_a_request_whose_id_cannot_be_answered_is_refused(http: httpx2.AsyncClient, request_id: object) -> None:
    response = await post(http, json.dumps({**CALL, "id": request_id}))

    assert (response.status_code, response.json()["id"]) == (400, None)


async def test_the_error_of_a_refused_request_has_its_id(http: httpx2.AsyncClient) -> None:
    response = await post(http, json.dumps({**CALL, "id": "a", "params": []}))

    assert (response.status_code, response.json()["id"]) == (400, "a")


async def test_emoji_written_as_two_surrogates_are_text(http: httpx2.AsyncClient) -> None:
    response = await post(http, json.dumps(CALL).replace("{}", '{"stage": "\\ud83d\\ude00"}'))

    assert response.status_code == 200


async def test_a_body_of_5_mb_is_refused_before_it_is_read(http: httpx2.AsyncClient) -> None:
    response = await post(http, b"x" * 5_000_000)

    assert response.status_code == 413
    assert message_of(response) == "The body is larger than 256 KB."


async def test_a_length_of_thousands_of_digits_is_too_large(http: httpx2.AsyncClient) -> None:
    assert (await post(http, "{}", **{"Content-Length": "9" * 5_000})).status_code == 413


async def test_a_body_without_a_length_is_limited_too(http: httpx2.AsyncClient) -> None:
    async def stream() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 10_000

    response = await http.post("/mcp", content=stream(), headers={"Content-Type": "application/json"})

    assert response.status_code == 413


@pytest.mark.parametrize("kind", ["text/plain", "application/jsonevil", "application/json; charset=utf-16", ""])
async def test_only_json_in_utf_8_is_read(http: httpx2.AsyncClient, kind: str) -> None:
    assert (await http.post("/mcp", content=json.dumps(CALL), headers={"Content-Type": kind})).status_code == 415


async def test_a_compressed_body_is_refused(http: httpx2.AsyncClient) -> None:
    assert (await post(http, json.dumps(CALL), **{"Content-Encoding": "gzip"})).status_code == 415


@pytest.mark.parametrize("path", ["/mcp", "/", "/nothing"])
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost@evil.example"])
async def test_another_host_name_is_refused_on_every_route(http: httpx2.AsyncClient, path: str, host: str) -> None:
    assert (await http.get(path, headers={"Host": host})).status_code == 421


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "file://",
        "http://127.0.0.1.evil.example",
        "http://[",
        "http://[::1",
        "http://\u00bd",
    ],
)
async def test_another_origin_is_refused(http: httpx2.AsyncClient, origin: str) -> None:
    headers = [(b"Content-Type", b"application/json"), (b"Origin", origin.encode("latin-1"))]

    assert (await http.post("/mcp", content=json.dumps(CALL), headers=headers)).status_code == 403


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8484", "http://localhost:1", "http://[::1]:80"])
async def test_pages_of_this_machine_may_call(http: httpx2.AsyncClient, origin: str) -> None:
    assert (await post(http, json.dumps(CALL), Origin=origin)).status_code == 200


async def test_host_names_are_compared_without_case(connector: Connector) -> None:
    app = connector.app(hosts=("Tasks.Example",))
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), headers=ERA) as client,
    ):
        content, kind = json.dumps(CALL), {"Content-Type": "application/json"}
        assert (await client.post("http://tasks.example/mcp", content=content, headers=kind)).status_code == 200


@pytest.mark.parametrize(
    ("hosts", "origins", "words"),
    [
        ("example.com", None, "hosts must be a tuple of names, such as ('example.com',), not a string."),
        (("example.com:8000",), None, "The host 'example.com:8000' must be a name such as"),
        (("https://example.com",), None, "The host 'https://example.com' must be a name such as"),
        (("::1",), None, "The host '::1' must be a name such as"),
        (None, "https://example.com", "origins must be a tuple, such as ('https://example.com',), not a string."),
        (None, ("https://example.com/",), "The origin 'https://example.com/' must be only a scheme and a host"),
        (None, ("example.com",), "The origin 'example.com' must be only a scheme and a host"),
    ],
)
async def test_hosts_and_origins_that_could_never_match_are_refused(
    connector: Connector, hosts: Any, origins: Any, words: str
) -> None:
    with pytest.raises(SettingError) as caught:
        connector.app(hosts=hosts, origins=origins)

    assert str(caught.value).startswith(words)


async def test_too_many_headers_are_refused(http: httpx2.AsyncClient) -> None:
    response = await post(http, json.dumps(CALL), **{f"X-{number}": "1" for number in range(100)})

    assert response.status_code == 431


async def test_only_post_is_served(http: httpx2.AsyncClient) -> None:
    for method in ("GET", "DELETE", "PUT"):
        assert (await http.request(method, "/mcp")).status_code == 405


async def test_wrong_calls_get_no_trace_and_no_echo(http: httpx2.AsyncClient, connector: Connector) -> None:
    canary = "c4n4ry"
    wrong: list[dict[str, Any]] = [
        {**CALL, "params": {"name": canary}},
        {**CALL, "params": {"name": "task_board", "arguments": {"stage": [canary]}}},
        {**CALL, "params": {"name": "task_board", "arguments": canary}},
        {**CALL, "params": {"name": ["task_board"], "arguments": {}}},
        {**CALL, "method": canary},
        {**CALL, "method": [canary]},
        {**CALL, "jsonrpc": canary},
        {**CALL, "params": canary},
        {canary: canary},
        {**CALL, "params": {"name": "break_down", "arguments": {}}},
    ]
    for body in wrong:
        response = await post(http, json.dumps(body))
        assert "Traceback" not in response.text
        assert "secret" not in response.text
        assert canary not in response.text, body
    assert len(connector.tools) == 5

"""T70, T75: who sends half a request, or never reads, holds nothing for long; who floods takes no one else's turn."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from intarsia import Connector
from intarsia.host import connection_limits
from intarsia.host.connection_limits import LimitedHttpProtocol
from intarsia.host.server import Listener, open_socket, running
from intarsia.server.http import body_limits
from intarsia.server.http.body_limits import MAX_BODIES_PER_NETWORK, MAX_BODIES_PER_PERSON, BodyBudget
from intarsia.server.http.request_limits import RequestRejectedError
from intarsia.server.tools import json_schema
from intarsia.server.wire.peers import KNOWN_HOST
from intarsia.widgets import Metric
from tests.server.people import Client, app_of, result_of
from tests.server.people import running as running_app

HOST = "127.0.0.1"
SECONDS = 10
LARGE = 4 * 1024 * 1024


class Place:
    """A connector behind a real socket, and what its server has open."""

    def __init__(self, listener: Listener, port: int, entered: list[str]) -> None:
        self.listener = listener
        self.port = port
        self.entered = entered
        self._opened = ExitStack()

    @property
    def connections(self) -> int:
        return len(self.listener.server_state.connections)

    async def connect(self, sent: bytes = b"", window: int = 0) -> socket.socket:
        """Connect and send; with `window`, the system takes no more than about that much for the client."""
        opened = self._opened.enter_context(socket.socket())
        opened.setblocking(False)  # noqa: FBT003 - as the standard library has it
        if window:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        await asyncio.get_running_loop().sock_connect(opened, (HOST, self.port))
        if sent:
            await asyncio.get_running_loop().sock_sendall(opened, sent)
        return opened

    def close(self) -> None:
        """Close what was opened."""
        self._opened.close()

    async def until_open(self, count: int) -> None:
        await until(lambda: self.connections == count)


async def until(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(SECONDS):
        while not condition():  # noqa: ASYNC110 - most of what is waited for is in the server
            await asyncio.sleep(0.01)


def call(tool: str = "small", token: str = "ada", body: bytes | None = None, length: int | None = None) -> bytes:  # noqa: S107 - a made-up one
    message: dict[str, Any] = {
        "jsonrpc": "2.0",
        "id": 7,
        "method": "tools/call",
        "params": {"name": tool, "arguments": {}},
    }
    content = json.dumps(message).encode() if body is None else body
    sign_in = f"Authorization: Bearer {token}\r\n" if token else ""
    return (
        f"POST /mcp HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n{sign_in}"
        "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2025-11-25\r\n"
        f"Content-Length: {len(content) if length is None else length}\r\n\r\n"
    ).encode() + content


ASK_LARGE = f"GET /large HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()


async def read_all(opened: socket.socket) -> bytes:
    """Read until the server closes."""
    found = b""
    async with asyncio.timeout(SECONDS):
        while piece := await asyncio.get_running_loop().sock_recv(opened, 1 << 16):
            found += piece
    return found


def beside(app: ASGIApp, entered: list[str]) -> ASGIApp:
    """Put a large answer beside an application, at `/large`."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/large":
            await app(scope, receive, send)
            return
        entered.append("large")
        await Response(b"x" * LARGE)(scope, receive, send)

    return answer


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    entered: list[str] = []
    connector = Connector("Attacked", store=tmp_path / "attacked.db")

    @connector.widget(scopes={"read"})
    async def small() -> Metric:
        """Show a number."""
        entered.append("small")
        return Metric("Small", 1)

    with open_socket(HOST, 0) as bound:
        port = bound.getsockname()[1]
        listener = Listener(beside(app_of(connector), entered), bound)
        async with running([listener]):
            made = Place(listener, port, entered)
            yield made
            made.close()


async def test_t75_who_pipelines_gets_one_answer_and_a_closed_connection(place: Place) -> None:
    opened = await place.connect(call("small") * 30)

    answer = await read_all(opened)

    assert answer.count(b"HTTP/1.1 200") == 1
    assert place.entered == ["small"]


async def test_t75_who_sends_the_next_request_before_reading_is_not_served(place: Place) -> None:
    opened = await place.connect(ASK_LARGE, window=4096)
    await until(lambda: place.entered)
    [connection] = place.listener.server_state.connections
    await until(connection.transport.get_write_buffer_size)

    await asyncio.get_running_loop().sock_sendall(opened, call("small"))
    answer = await read_all(opened)

    assert answer.count(b"HTTP/1.1 ") == 1
    assert place.entered == ["large"]


async def test_t75_who_never_reads_is_disconnected(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_limits, "WRITE_SECONDS", 0.2)
    await place.connect(ASK_LARGE, window=4096)
    await until(lambda: place.entered)

    await place.until_open(0)


async def test_t75_who_reads_slowly_is_served(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_limits, "WRITE_SECONDS", 0.2)
    monkeypatch.setattr(connection_limits, "MIN_READ_BYTES", 1024)
    opened = await place.connect(ASK_LARGE, window=65536)
    found = b""
    async with asyncio.timeout(SECONDS):
        while len(found) < LARGE:
            found += await asyncio.get_running_loop().sock_recv(opened, 1 << 18)
            await asyncio.sleep(0.002)

    assert len(found) > LARGE


async def test_t75_what_waits_for_all_slow_readers_is_bounded(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_limits, "MAX_UNSENT_BYTES", 64 * 1024)
    for _ in range(3):
        await place.connect(ASK_LARGE, window=4096)
    await until(lambda: len(place.entered) == 3)

    await place.until_open(0)


async def test_t75_half_a_body_without_a_token_is_refused_and_closed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_limits, "LINGER_SECONDS", 0.2)
    opened = await place.connect(call(token="", body=b"x" * 100_000, length=200_000))

    answer = await read_all(opened)

    assert answer.startswith(b"HTTP/1.1 401")
    assert b"www-authenticate: Bearer" in answer
    await place.until_open(0)


async def test_t75_a_whole_body_without_a_token_leaves_the_connection_open(place: Place) -> None:
    opened = await place.connect(call(token=""))
    loop = asyncio.get_running_loop()
    assert (await loop.sock_recv(opened, 1 << 16)).startswith(b"HTTP/1.1 401")

    await loop.sock_sendall(opened, call("small"))

    assert (await loop.sock_recv(opened, 1 << 16)).startswith(b"HTTP/1.1 200")


async def test_t75_what_was_received_of_a_refused_body_is_let_go(place: Place) -> None:
    opened = await place.connect(call(token="", body=b"x" * 60_000, length=200_000))
    assert (await asyncio.get_running_loop().sock_recv(opened, 1 << 16)).startswith(b"HTTP/1.1 401")

    [connection] = place.listener.server_state.connections

    assert isinstance(connection, LimitedHttpProtocol)
    assert len(connection.cycle.body) == 0


async def test_t75_the_oldest_idle_connection_makes_room(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_limits, "MAX_IDLE_PER_NETWORK", 3)
    monkeypatch.setattr(connection_limits, "HEADER_SECONDS", 60)
    held = [await place.connect() for _ in range(3)]
    await place.until_open(3)

    fourth = await place.connect(call("small"))

    with suppress(ConnectionResetError):
        assert await read_all(held[0]) == b""
    assert b"HTTP/1.1 200" in await asyncio.get_running_loop().sock_recv(fourth, 1 << 16)


async def test_t75_a_connection_whose_request_runs_is_not_closed_for_room(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_limits, "MAX_CONNECTIONS", 2)
    monkeypatch.setattr(connection_limits, "HEADER_SECONDS", 60)
    running_one = await place.connect(call("small", body=b"{", length=100))
    await place.until_open(1)
    await until(lambda: body_limits_open(place))
    idle = await place.connect()
    await place.until_open(2)

    await place.connect()

    with suppress(ConnectionResetError):
        assert await read_all(idle) == b""
    assert place.connections == 2
    await asyncio.get_running_loop().sock_sendall(running_one, b" " * 99)
    assert b"HTTP/1.1 400" in await asyncio.get_running_loop().sock_recv(running_one, 1 << 16)


def body_limits_open(place: Place) -> bool:
    """Whether the first connection has a request that is being handled."""
    opened: Any = place.listener.server_state.connections
    return any(connection.cycle is not None for connection in opened)


def test_t71_bodies_are_bounded_by_network_by_person_and_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused_after(most: int, scope: dict[str, object]) -> int:
        budget = BodyBudget()
        with ExitStack() as held:
            for _ in range(most):
                held.enter_context(budget.receiving(scope))
            with pytest.raises(RequestRejectedError) as caught:
                held.enter_context(budget.receiving(scope))
        return caught.value.status

    stranger: dict[str, object] = {"client": ("192.0.2.1", 1)}
    assert refused_after(MAX_BODIES_PER_NETWORK, stranger) == 429
    monkeypatch.setattr(body_limits, "MAX_BODIES", 200)
    assert refused_after(200, {**stranger, KNOWN_HOST: True}) == 429

    def ada(_scope: object) -> str:
        return "ada"

    monkeypatch.setattr(body_limits, "person_of", ada)
    assert refused_after(MAX_BODIES_PER_PERSON, stranger) == 429


def test_t71_what_is_kept_of_unfinished_bodies_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_limits, "MAX_TOTAL_BYTES", 1_000)
    budget = BodyBudget()
    with budget.receiving({"client": ("192.0.2.1", 1)}) as one:
        one.add(b"x" * 600)
        with budget.receiving({"client": ("192.0.2.2", 1)}) as other:
            with pytest.raises(RequestRejectedError) as caught:
                other.add(b"x" * 600)
            assert caught.value.status == 503
    assert budget.bytes == 0


async def test_t70_thousands_of_unknown_arguments_cost_three_searches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = Connector("Attacked", store=tmp_path / "attacked.db")

    @connector.widget(scopes={"read"})
    async def small(number: int = 0, numbers: list[int] | None = None) -> Metric:
        """Show a number."""
        return Metric("Small", number + len(numbers or []))

    searched: list[str] = []

    def search(name: str, _names: object) -> str:
        searched.append(name)
        return ""

    monkeypatch.setattr(json_schema, "near_miss", search)
    async with running_app(app_of(connector)) as client:
        unknown = await client.call("small", **{f"number{name}": 0 for name in range(4_000)})
        wrong = await client.call("small", numbers=["x"] * 20_000)

    assert len(searched) == 3
    assert result_of(unknown)["content"][0]["text"].endswith(" 3,997 more are unknown too.")
    assert result_of(wrong)["content"][0]["text"] == "numbers must have at most 5,000 values."


async def test_t75_a_stranger_learns_nothing_from_a_body(tmp_path: Path) -> None:
    connector = Connector("Attacked", store=tmp_path / "attacked.db")
    async with running_app(app_of(connector)) as client:
        for body in (b"", b"{", b"\xff", b"[" * 1_000):
            answer = await unsigned(client, body)
            assert (answer.status_code, answer.json()["id"]) == (401, None)


async def unsigned(client: Client, body: bytes) -> httpx2.Response:
    return await client.http.post("/mcp", content=body)

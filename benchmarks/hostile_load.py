"""Attacks on a server on this machine, and a person whose calls they may not disturb. Bounded in count and in time."""

import asyncio
import json
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import count
from typing import Any, NamedTuple

HOST = "127.0.0.1"
ERA = "2025-11-25"
SLOW_READERS, PIPELINED, IDLE, HALF_BODIES = 200, 30, 1_000, 2_500
SMALL_WINDOW_BYTES = 4_096
"""How much the system takes for a client that does not read."""
HALF_BYTES = 200_000
PAUSE_SECONDS = 0.02
"""Between two calls of the person who is measured."""

Attack = Callable[[int, float], Awaitable[None]]
"""Runs an attack on a port until the time of the loop's clock."""

_numbers = count()


class Call(NamedTuple):
    """One call of the person who is measured."""

    seconds: float
    """Until its answer."""
    cpu_seconds: float
    """How much of it the server spent on a processor, whatever for."""


def request(token: str, tool: str, arguments: dict[str, Any], *, length: int | None = None) -> bytes:
    """Return the bytes of a call.

    Args:
        token: The person's token; empty for none.
        tool: The tool.
        arguments: Its arguments.
        length: What is claimed to be the length of the body; by default its true one.
    """
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    body = json.dumps(message).encode()
    sign_in = f"Authorization: Bearer {token}\r\n" if token else ""
    head = (
        f"POST /mcp HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\nMCP-Protocol-Version: {ERA}\r\n"
        f"Accept: application/json, text/event-stream\r\n{sign_in}Content-Length: {length or len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def read_response(reader: asyncio.StreamReader) -> bytes:
    """Read a response, and return its head."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b"chunked" in head:
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readexactly(2)
    elif b"content-length:" in head:
        await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
    return head


async def call_again_and_again(
    port: int, until: float, make: Callable[[], bytes], *, pause: float = 0.0, note: Callable[[], None] = lambda: None
) -> None:
    """Call on one connection until a time, and open another one when it is closed.

    Args:
        port: Of the server.
        until: When to end, by the monotonic clock.
        make: Makes the bytes of a call.
        pause: How long to wait between two calls, in seconds.
        note: Called before and after each call.
    """
    while time.monotonic() < until:
        try:
            reader, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic()) + 5):
                while time.monotonic() < until:
                    note()
                    writer.write(make())
                    await read_response(reader)
                    note()
                    await asyncio.sleep(pause)
        except (OSError, EOFError, TimeoutError):
            note()
        finally:
            writer.close()


async def measure_person(port: int, seconds: float, cpu: Callable[[], float]) -> list[Call]:
    """Call as Bob does, and return how long each call took.

    Args:
        port: Of the server.
        seconds: How long to call.
        cpu: Returns the time that the server has spent on a processor, in seconds.
    """
    calls: list[Call] = []
    begun: list[tuple[float, float]] = []

    def note() -> None:
        now = time.monotonic(), cpu()
        if begun:
            before = begun.pop()
            calls.append(Call(now[0] - before[0], now[1] - before[1]))
        else:
            begun.append(now)

    def make() -> bytes:
        return request("bob", "small_board", {"number": next(_numbers)})

    await call_again_and_again(port, time.monotonic() + seconds, make, pause=PAUSE_SECONDS, note=note)
    return calls


async def _hold(port: int, until: float, number: int, sent: bytes) -> None:
    """Open connections, send the same on each, and never read."""
    loop = asyncio.get_running_loop()
    held: list[socket.socket] = []
    try:
        for _ in range(number):
            one = socket.socket()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_WINDOW_BYTES)
            one.setblocking(False)  # noqa: FBT003  # as the standard library has it
            held.append(one)
            await loop.sock_connect(one, (HOST, port))
            if sent:
                with suppress(OSError, TimeoutError):
                    async with asyncio.timeout(0.5):
                        await loop.sock_sendall(one, sent)
        await asyncio.sleep(max(0.0, until - time.monotonic()))
    finally:
        for one in held:
            one.close()


async def slow_readers(port: int, until: float) -> None:
    """Ask for large boards without end, and read none of them."""
    sent = b"".join(request("ada", "board", {"number": number}) for number in range(PIPELINED))
    await _hold(port, until, SLOW_READERS, sent)


async def idle(port: int, until: float) -> None:
    """Connect, and say nothing."""
    await _hold(port, until, IDLE, b"")


async def half_bodies(port: int, until: float) -> None:
    """Send half a body without a token."""
    sent = request("", "board", {"filler": "x" * HALF_BYTES}, length=250_000)
    await _hold(port, until, HALF_BODIES, sent)


def flood(loops: int, make: Callable[[], bytes]) -> Attack:
    """Return an attack of one person who calls in several loops."""

    async def run(port: int, until: float) -> None:
        await asyncio.gather(*(call_again_and_again(port, until, make) for _ in range(loops)))

    return run


_UNKNOWN = request("ada", "small_board", {f"number{name}": 0 for name in range(13_000)})

ATTACKS: dict[str, Attack] = {
    f"{SLOW_READERS} slow readers, {PIPELINED} requests each": slow_readers,
    f"{IDLE:,} idle connections": idle,
    f"{HALF_BODIES:,} half bodies without a token": half_bodies,
    "32 boards at once": flood(32, lambda: request("ada", "board", {"number": next(_numbers)})),
    "13,000 unknown names": flood(4, lambda: _UNKNOWN),
    "refused calls": flood(16, lambda: request("ada", "forbidden", {"number": next(_numbers)})),
}

"""What loads the servers of `live.py`: Views that wait, clients that listen, and calls that just wait.

They speak HTTP over sockets of their own and do no more than they must, as they share the machine with the server.
"""

import asyncio
import json
import random
import time
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from benchmarks.live_server import ADDRESS

EARLIER, MODERN = "2025-11-25", "2026-07-28"
ABOUT_ME = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "load", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {
        "extensions": {"io.modelcontextprotocol/ui": {"mimeTypes": ["text/html;profile=mcp-app"]}}
    },
}
PACE_SECONDS = 3.0
"""A View asks at most 20 times a minute."""

Json = dict[str, Any]


class Connection:
    """One connection, and the messages on it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> "Connection":
        """Connect."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    def send(self, method: str, params: Json, era: str) -> None:
        """Send one request."""
        more = ""
        if era == MODERN:
            params = {**params, "_meta": {**ABOUT_ME, **params.get("_meta", {})}}
            more = f"Mcp-Method: {method}\r\n" + (f"Mcp-Name: {params['name']}\r\n" if "name" in params else "")
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        head = (
            f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:8484\r\nContent-Type: application/json\r\n"
            f"MCP-Protocol-Version: {era}\r\nAccept: application/json, text/event-stream\r\n{more}"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)

    async def head(self) -> bytes:
        """Read the headers of an answer."""
        return (await self._reader.readuntil(b"\r\n\r\n")).lower()

    async def chunk(self) -> bytes:
        """Read a piece of an answer in pieces; empty at its end."""
        size = int(await self._reader.readline(), 16)
        return (await self._reader.readexactly(size + 2))[:-2]

    async def call(self, era: str, tool: str, arguments: Json, meta: Json | None = None) -> Json:
        """Call a tool, and return its result."""
        self.send("tools/call", {"name": tool, "arguments": arguments, "_meta": meta or {}}, era)
        head, body = await self.head(), b""
        if b"chunked" in head:
            while piece := await self.chunk():
                body += piece
        else:
            body = await self._reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
        text = body.decode()
        lines = [line.removeprefix("data: ") for line in text.splitlines()]  # comments keep the connection open
        result: Json = json.loads(next(line for line in lines if line.startswith("{")))["result"]
        return result

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


@dataclass
class Log:
    """What those who wait were told, and when."""

    told: list["Told"] = field(default_factory=list["Told"])


class Told(NamedTuple):
    """One answer that said that something changed."""

    asked: float
    answered: float
    board: int | None = None
    """The board that it is about; none if it is about what all see."""


async def view(port: int, era: str, tool: str, arguments: Json, log: Log, paced: asyncio.Event) -> None:
    """Open a View and follow what it shows, until it is cancelled.

    Args:
        port: Of the server.
        era: The version of the protocol that the host speaks.
        tool: Shows the widget.
        arguments: Its arguments.
        log: Told of each change that the View was told of.
        paced: Set as soon as things change so often that the View may not ask each time.
    """
    connection = await Connection.open(port)
    try:
        opened = (await connection.call(era, tool, arguments))["_meta"]
        parts, handle = opened["dev.intarsia/parts"], opened["dev.intarsia/view"]
        shown = {"tool": parts["tool"], "arguments": parts["arguments"], "frame": parts["frame"]["hash"]}
        hashes: dict[str, str] = {name: part["hash"] for name, part in parts.get("parts", {}).items()}
        lists = {
            name: [each["items"][key]["hash"] + key for key in each["order"]]
            for name, each in parts.get("lists", {}).items()
        }
        revision, is_in_step = parts["revision"], True
        while True:
            began = time.monotonic()
            seen = {**shown, "parts": hashes, "lists": lists, "revision": revision}
            meta = {"dev.intarsia/seen": seen, "dev.intarsia/view": handle}
            answer = (await connection.call(era, "intarsia_view", {"wait_seconds": 25}, meta))["_meta"]
            told = answer.get("dev.intarsia/parts")
            revision = (told or answer["dev.intarsia/unchanged"])["revision"]
            if told:
                log.told.append(Told(began, time.monotonic(), arguments.get("number")))
                handle = answer["dev.intarsia/view"]
                hashes.update({name: part["hash"] for name, part in told.get("parts", {}).items()})
                for name, each in told.get("lists", {}).items():
                    known = {mark[8:]: mark[:8] for mark in lists[name]}
                    known |= {key: item["hash"] for key, item in each.get("items", {}).items()}
                    lists[name] = [known[key] + key for key in each["order"]]
            pause = began + PACE_SECONDS - time.monotonic() if paced.is_set() else 0
            if (
                paced.is_set() and is_in_step
            ):  # people open widgets at different times, and so are their Views out of step
                pause, is_in_step = pause + random.random() * PACE_SECONDS, False  # noqa: S311  # no secret
            await asyncio.sleep(max(pause, 0.25) + random.random() / 4)  # noqa: S311  # as the View does
    finally:
        connection.close()


async def listen(port: int, log: Log, ready: list[None]) -> None:
    """Listen to one resource on the bare SDK, until it is cancelled."""
    connection = await Connection.open(port)
    try:
        wanted = {"resourceSubscriptions": [ADDRESS]}
        connection.send("subscriptions/listen", {"notifications": wanted, "_meta": ABOUT_ME}, MODERN)
        await connection.head()
        while piece := await connection.chunk():
            if b"acknowledged" in piece:
                ready.append(None)
            elif b"updated" in piece:
                log.told.append(Told(0.0, time.monotonic()))
    finally:
        connection.close()


async def just_wait(port: int, era: str, log: Log) -> None:
    """Call a tool of the bare SDK that waits for the next change and says one word, again and again."""
    connection = await Connection.open(port)
    try:
        while True:
            began = time.monotonic()
            await connection.call(era, "wait", {})
            log.told.append(Told(began, time.monotonic()))
            await asyncio.sleep(0.25 + random.random() / 4)  # noqa: S311  # no secret
    finally:
        connection.close()


async def get(port: int, path: str) -> bytes:
    """Fetch a page of the server."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    page = await reader.read()
    writer.close()
    return page.partition(b"\r\n\r\n")[2]


async def stats(port: int, query: str = "") -> Json:
    """Ask the server what happened."""
    found: Json = json.loads(await get(port, f"/stats{query}"))
    return found

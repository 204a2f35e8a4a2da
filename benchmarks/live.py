"""How live: `python -m benchmarks.live`. Many open Views of one server process, beside the bare SDK's streams.

This process is the load: it opens connections as Views would, and asks no oftener than they do. Results land in
`benchmarks/results/live.md`.
"""

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.documents import HERE
from benchmarks.live_server import ADDRESS
from benchmarks.machine import describe_machine
from benchmarks.measuring import Samples

RESULT = HERE / "results" / "live.md"
EARLIER, MODERN = "2025-11-25", "2026-07-28"
ABOUT_ME = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "load", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
PACE_SECONDS = 3.0
"""A View asks at most 20 times a minute."""
CHANGES_A_SECOND = 10
ALONE = 5
"""How many changes everybody waits for at once."""

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
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        more = f"Mcp-Method: {method}\r\n" if era == MODERN else ""
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

    async def call(self, tool: str, arguments: Json, meta: Json | None = None) -> Json:
        """Call a tool, and return its result."""
        self.send("tools/call", {"name": tool, "arguments": arguments, "_meta": meta or {}}, EARLIER)
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
    """What Views were told, and when: the moments from a change, or from the question if that was later."""

    asked_at: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])


async def view(port: int, tool: str, arguments: Json, log: Log, paced: asyncio.Event) -> None:
    """Open a View and follow what it shows, until it is cancelled."""
    connection = await Connection.open(port)
    try:
        opened = (await connection.call(tool, arguments))["_meta"]
        parts, handle = opened["dev.inlay/parts"], opened["dev.inlay/view"]
        shown = {"tool": parts["tool"], "arguments": parts["arguments"], "frame": parts["frame"]["hash"]}
        hashes: dict[str, str] = {name: part["hash"] for name, part in parts.get("parts", {}).items()}
        lists = {
            name: [each["items"][key]["hash"] + key for key in each["order"]]
            for name, each in parts.get("lists", {}).items()
        }
        revision = parts["revision"]
        while True:
            began = time.monotonic()
            seen = {**shown, "parts": hashes, "lists": lists, "revision": revision}
            meta = {"dev.inlay/seen": seen, "dev.inlay/view": handle}
            answer = (await connection.call("inlay_view", {"wait_seconds": 25}, meta))["_meta"]
            told = answer.get("dev.inlay/parts")
            revision = (told or answer["dev.inlay/unchanged"])["revision"]
            if told:
                log.asked_at.append((began, time.monotonic()))
                handle = answer["dev.inlay/view"]
                hashes.update({name: part["hash"] for name, part in told.get("parts", {}).items()})
                for name, each in told.get("lists", {}).items():
                    known = {mark[8:]: mark[:8] for mark in lists[name]}
                    known |= {key: item["hash"] for key, item in each.get("items", {}).items()}
                    lists[name] = [known[key] + key for key in each["order"]]
            pause = began + PACE_SECONDS - time.monotonic() if paced.is_set() else 0
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
                log.asked_at.append((0.0, time.monotonic()))
    finally:
        connection.close()


async def get(port: int, path: str) -> bytes:
    """Fetch a page of the server."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    page = await reader.read()
    writer.close()
    return page.partition(b"\r\n\r\n")[2]


async def stats(port: int) -> Json:
    """Ask the server what happened."""
    found: Json = json.loads(await get(port, "/stats"))
    return found


@asynccontextmanager
async def serving(kind: str, folder: Path) -> AsyncGenerator[int]:
    """Run one of the servers while the block runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.live_server", kind, "0", str(folder),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield int((await process.stdout.readline()).decode().strip().rpartition(":")[2])
    finally:
        process.kill()
        await process.wait()


@dataclass
class Figures:
    """What was measured of one server."""

    alone: list[float] = field(default_factory=list[float])
    """Seconds from a change for which everybody waited to each answer."""
    busy: list[float] = field(default_factory=list[float])
    """Seconds to each answer at many changes a second."""
    changes: int = 0
    readings: int = 0
    kilobytes: float = 0
    """Memory for each who waits."""
    cpu_share: float = 0


def since_change(log: Log, changes: list[float]) -> list[float]:
    """Return how long each answer took: from the first change that it could tell of, or from its question if later."""
    found: list[float] = []
    for asked, answered in log.asked_at:
        later = [at for at in changes if asked <= at <= answered]
        found.append(answered - (later[0] if later else asked))
    return found


async def measure_ours(folder: Path, viewers: int, boards: int, seconds: float) -> Figures:
    """Measure Views that wait."""
    figures, log, paced = Figures(), Log(), asyncio.Event()
    async with serving("ours", folder) as port:
        await (warm := await Connection.open(port)).call("overview", {})
        warm.close()
        before = await stats(port)
        calls: list[tuple[str, Json]] = [("overview", dict[str, Any]()) for _ in range(viewers)]
        calls += [("board", dict[str, Any](number=number)) for number in range(boards)]
        tasks = [asyncio.create_task(view(port, tool, {**given}, log, paced)) for tool, given in calls]
        await until_waiting(port, len(calls), tasks)
        figures.kilobytes = ((await stats(port))["bytes"] - before["bytes"]) / len(calls) / 1024
        for number in range(ALONE):
            log.asked_at.clear()
            await get(port, f"/change?board={number}")
            await until_waiting(port, len(calls), tasks)
            figures.alone += [moment - (await stats(port))["changes"][-1] for _asked, moment in log.asked_at[:viewers]]
        paced.set()
        await change_often(port, PACE_SECONDS * 2, boards)  # until nobody moves in step any more
        log.asked_at.clear()
        before = await stats(port)
        await change_often(port, seconds, boards)
        after = await stats(port)
        figures.busy = since_change(log, after["changes"])
        figures.changes = len(after["changes"]) - len(before["changes"])
        figures.readings = after["read"] - before["read"]
        figures.cpu_share = (after["cpu"] - before["cpu"]) / seconds
        await end(tasks)
    return figures


async def measure_bare(folder: Path, viewers: int, seconds: float) -> Figures:
    """Measure the bare SDK's streams, on which nothing is read and everybody is told only that something changed."""
    figures, log, ready = Figures(), Log(), list[None]()
    async with serving("bare", folder) as port:
        before = await stats(port)
        tasks = [asyncio.create_task(listen(port, log, ready)) for _ in range(viewers)]
        while len(ready) < viewers:
            _raise_if_ended(tasks)
            await asyncio.sleep(0.05)
        figures.kilobytes = ((await stats(port))["bytes"] - before["bytes"]) / viewers / 1024
        for _ in range(ALONE):
            log.asked_at.clear()
            await get(port, "/change")
            while len(log.asked_at) < viewers:
                _raise_if_ended(tasks)
                await asyncio.sleep(0.05)
            changed = (await stats(port))["changes"][-1]
            figures.alone += [moment - changed for _asked, moment in log.asked_at]
        before, begun = await stats(port), time.monotonic()
        await change_often(port, seconds, 1)
        figures.cpu_share = ((await stats(port))["cpu"] - before["cpu"]) / (time.monotonic() - begun)
        await end(tasks)
    return figures


async def until_waiting(port: int, count: int, tasks: "list[asyncio.Task[None]]") -> None:
    """Wait until everybody waits."""
    async with asyncio.timeout(120):
        while (await stats(port))["waiting"] < count:
            _raise_if_ended(tasks)
            await asyncio.sleep(0.2)


def _raise_if_ended(tasks: "list[asyncio.Task[None]]") -> None:
    for task in tasks:
        if task.done():
            task.result()


async def change_often(port: int, seconds: float, boards: int) -> None:
    """Make changes for a time."""
    end_at, number = time.monotonic() + seconds, 0
    while time.monotonic() < end_at:
        began = time.monotonic()
        number += 1
        await get(port, f"/change?board={number % boards}")
        await asyncio.sleep(max(0, began + 1 / CHANGES_A_SECOND - time.monotonic()))


async def end(tasks: "list[asyncio.Task[None]]") -> None:
    """End all Views."""
    for task in tasks:
        task.cancel()
    with suppress(Exception):
        await asyncio.wait(tasks, timeout=10)


_PAGE = """# How live

{viewers:,} Views of one dashboard and {boards} of different boards wait on one server process, over loopback; the load
is a process of its own, on the same machine. Written by `make bench-live`.

| what | p50 | p99 |
|---|---|---|
| a change for which all {viewers:,} wait, to each answer | {alone} |
| the same, bare SDK: {viewers:,} `subscriptions/listen` streams are told, and nothing is read | {bare_alone} |
| {often} changes a second: from a change, or the question if later, to the answer | {busy} |

| what | Inlay | bare SDK |
|---|---|---|
| readings of the dashboard for each change | {per_change:.2f} | none |
| memory for each who waits | {ours.kilobytes:.0f} KB | {bare.kilobytes:.0f} KB |
| CPU of one core at {often} changes a second | {ours.cpu_share:.0%} | {bare.cpu_share:.0%} |

At {often} changes a second each View asks as often as it may, 20 times a minute; streams of the bare SDK carry every
change, and their clients would have to read then.

{machine}; load average before: {load:.1f}.
"""


def page(ours: Figures, bare: Figures, viewers: int, boards: int, load: float) -> str:
    """Write the page."""

    def times(values: list[float]) -> str:
        samples = Samples(tuple(values) or (float("nan"),))
        return f"{samples.percentile(0.5) * 1000:.0f} ms | {samples.percentile(0.99) * 1000:.0f} ms"

    return _PAGE.format(
        viewers=viewers, boards=boards, often=CHANGES_A_SECOND, ours=ours, bare=bare, load=load,
        alone=times(ours.alone), bare_alone=times(bare.alone), busy=times(ours.busy),
        per_change=ours.readings / max(ours.changes, 1), machine=describe_machine("", {}).sentence,
    )  # fmt: skip


async def measure(viewers: int, boards: int, seconds: float) -> str:
    """Measure everything, and return the page."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        ours = await measure_ours(Path(name), viewers, boards, seconds)
        bare = await measure_bare(Path(name), viewers, seconds)
    return page(ours, bare, viewers, boards, load)


def main() -> None:
    """Measure, print the page and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=1_000)
    parser.add_argument("--boards", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20, help="how long there are many changes a second")
    parser.add_argument("--no-write", action="store_true", help="leave benchmarks/results as it is")
    options = parser.parse_args()
    text = asyncio.run(measure(options.viewers, options.boards, options.seconds))
    print(text)
    if not options.no_write:
        RESULT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

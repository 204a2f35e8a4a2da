"""MCP over standard input and output, for hosts that start a server as a process: one line is one message.

The process serves one local user. Messages are as strict as over HTTP. While it serves, `print()` and child processes
write to standard error, and read nothing, so that they cannot disturb the messages.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from io import TextIOWrapper
from threading import Thread
from typing import Any, cast

import anyio
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp_types import ErrorData, JSONRPCError

from intarsia.server.wire.strict_json import INVALID_REQUEST, BodyError, RequestId, check_message, object_of, read_json

MAX_LINE_BYTES = 256 * 1024
"""The maximum size of a message, as over HTTP."""

_CHUNK_BYTES = 64 * 1024
_STDIN, _STDOUT, _STDERR = 0, 1, 2


@dataclass(frozen=True)
class StandardStreams:
    """File descriptors of the process's standard input and output, which nothing else in the process uses."""

    read: int
    write: int


@contextmanager
def private_streams() -> Generator[StandardStreams]:
    """Keep the standard streams for messages while the block runs; everything else gets none and standard error."""
    streams = StandardStreams(_private(_STDIN), _private(_STDOUT))
    sys.stdout.flush()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, _STDIN)
    os.close(nothing)
    os.dup2(_STDERR, _STDOUT)
    try:
        yield streams
    finally:
        sys.stdout.flush()
        os.dup2(streams.read, _STDIN)
        os.dup2(streams.write, _STDOUT)
        # A thread may still wait for input, so the private descriptors stay open until the process ends.


def _private(descriptor: int) -> int:
    private = os.dup(descriptor)
    os.set_inheritable(private, False)  # noqa: FBT003  # the standard library takes it by position
    return private


async def serve_stdio(
    server: Server[Any],
    streams: StandardStreams,
    running: Callable[[], AbstractAsyncContextManager[Any]],
) -> None:
    """Serve one client until it closes the input.

    Args:
        server: The MCP server.
        streams: Where the messages are.
        running: Keeps open what the server needs.
    """
    async with running(), _transport(streams) as (read_stream, write_stream):
        await server.run(read_stream, write_stream, server.create_initialization_options())


@asynccontextmanager
async def _transport(streams: StandardStreams) -> AsyncGenerator[tuple[Any, Any]]:
    """Connect the streams with the SDK, which gets only messages that are strict JSON."""
    lines = _StrictLines(_Lines(streams.read))
    binary = os.fdopen(streams.write, "wb", closefd=False)
    output = anyio.wrap_file(TextIOWrapper(binary, encoding="utf-8", newline="\n"))
    # The SDK iterates over the lines of the input, and does nothing else with it.
    async with stdio_server(cast("anyio.AsyncFile[str]", lines), output) as (read_stream, write_stream):
        lines.refuse = write_stream.send
        yield read_stream, write_stream


class _Lines:
    """The lines of a file descriptor, read in a thread that does not keep the process from ending.

    A line that is too long is an empty one here.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(1)
        Thread(target=self._read, name="stdin", daemon=True).start()

    async def next_line(self) -> bytes | None:
        """Return the next line, or `None` at the end of the input."""
        return await self._queue.get()

    def _read(self) -> None:
        with suppress(OSError, RuntimeError):  # the loop has ended before the input did
            for line in self._split():
                asyncio.run_coroutine_threadsafe(self._queue.put(line), self._loop).result()

    def _split(self) -> Iterator[bytes | None]:
        begun, is_too_long = b"", False
        while chunk := os.read(self._descriptor, _CHUNK_BYTES):
            *ended, rest = chunk.split(b"\n")
            for part in ended:
                yield b"" if is_too_long or len(begun) + len(part) > MAX_LINE_BYTES else begun + part
                begun, is_too_long = b"", False
            begun = b"" if is_too_long else begun + rest
            if len(begun) > MAX_LINE_BYTES:
                begun, is_too_long = b"", True
        yield None


class _StrictLines:
    """The lines that are valid messages. Others are refused, as over HTTP."""

    def __init__(self, lines: _Lines) -> None:
        self._lines = lines
        self.refuse: Callable[[SessionMessage], Awaitable[None]] | None = None

    def __aiter__(self) -> "_StrictLines":
        return self

    async def __anext__(self) -> str:
        """Return the next valid message."""
        while (line := await self._lines.next_line()) is not None:
            try:
                check_message(_read(line))
            except BodyError as error:
                await self._refuse(error, error.request if error.request is not None else _id_of(line))
            else:
                return line.decode()
        raise StopAsyncIteration

    async def _refuse(self, error: BodyError, request: RequestId) -> None:
        refusal = JSONRPCError(jsonrpc="2.0", id=request, error=ErrorData(code=error.code, message=str(error)))
        if self.refuse:
            with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
                await self.refuse(SessionMessage(refusal))


def _read(line: bytes) -> object:
    if not line.strip():
        message = f"The message is empty, or larger than {MAX_LINE_BYTES // 1024} KB."
        raise BodyError(message, INVALID_REQUEST)
    return read_json(line)


def _id_of(line: bytes) -> RequestId:
    """Return the id of a message that is not strict JSON, so that its sender does not wait for an answer."""
    try:
        request = object_of(json.loads(line)).get("id")
    except (ValueError, RecursionError):
        return None
    is_id = isinstance(request, int | str) and not isinstance(request, bool)
    return request if is_id else None

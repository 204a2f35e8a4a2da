"""Keeps track of open requests, so that a server that stops can end them without a traceback for each."""

import asyncio
from collections.abc import Callable, Iterable

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_ENDING_SECONDS = 0.5
"""How long requests that are ended may take for their last bytes."""

_STOPPING = b"The server is stopping. Try again.\n"


class OpenRequests:
    """ASGI middleware that counts open requests and can end them.

    A request that is ended gets 503 if its response has not begun; a stream gets its regular end.

    Args:
        app: The application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._tasks: set[asyncio.Task[object]] = set()
        self._is_ending = False
        self._are_aborted = asyncio.Event()

    @property
    def count(self) -> int:
        """The number of open requests."""
        return len(self._tasks)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        task = asyncio.current_task()
        if scope["type"] != "http" or task is None:
            await self._app(scope, receive, send)
            return
        response = _Response(send)
        self._tasks.add(task)
        try:
            await self._app(scope, receive, response.send)
        # Whatever an application makes of its cancellation, such as a group of exceptions.
        except BaseException:
            if not (self._is_ending and task.cancelling()):
                raise
            await self._finish(response)
        finally:
            self._tasks.discard(task)

    async def _finish(self, response: "_Response") -> None:
        with anyio.move_on_after(MAX_ENDING_SECONDS):
            await response.end()
        if not response.is_complete:  # its client does not read, or expects more bytes than there are
            await self._are_aborted.wait()

    async def end(self, abort: Callable[[], Iterable[asyncio.BaseTransport | None]]) -> int:
        """End all open requests.

        Args:
            abort: Returns the connections that are still open when all regular ends were sent; they are aborted.

        Returns:
            The number of requests that were ended.
        """
        self._is_ending = True
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=MAX_ENDING_SECONDS)
        for transport in abort():
            if isinstance(transport, asyncio.WriteTransport):
                transport.abort()
        self._are_aborted.set()
        return len(tasks)


class _Response:
    """What was sent of one response.

    Args:
        send: Sends to the client.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._has_begun = False
        self._has_length = False
        self.is_complete = False

    async def send(self, message: Message) -> None:
        """Send a message of the application."""
        if message["type"] == "http.response.start":
            self._has_begun = True
            self._has_length = any(name.lower() == b"content-length" for name, _ in message.get("headers", ()))
        await self._send(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self.is_complete = True

    async def end(self) -> None:
        """Complete the response, if that is possible."""
        if self.is_complete or (self._has_begun and self._has_length):
            return
        body = b""
        if not self._has_begun:
            body = _STOPPING
            headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"retry-after", b"1")]
            length = (b"content-length", str(len(body)).encode())
            await self.send({"type": "http.response.start", "status": 503, "headers": [*headers, length]})
        await self.send({"type": "http.response.body", "body": body, "more_body": False})

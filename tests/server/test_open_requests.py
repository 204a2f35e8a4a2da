"""A server that stops ends each open request in the way that fits what was sent of it, and raises nothing."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from intarsia.host import open_requests
from intarsia.host.open_requests import OpenRequests

START: Message = {"type": "http.response.start", "status": 200, "headers": []}
WITH_LENGTH: Message = {**START, "headers": [(b"Content-Length", b"100")]}
PART: Message = {"type": "http.response.body", "body": b"part", "more_body": True}


class Client:
    """Collects what it is sent; one that does not read lets the server wait."""

    def __init__(self, *, reads: bool = True) -> None:
        self.sent: list[Message] = []
        self.reads = reads

    async def send(self, message: Message) -> None:
        if not self.reads:
            await asyncio.Event().wait()
        self.sent.append(message)


def hanging(messages: Sequence[Message], begun: asyncio.Event, error: Exception | None = None) -> Any:
    """Return an application that sends a part of its response and never ends by itself."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            if error is not None:
                raise error

    return app


async def receive() -> Message:
    return {"type": "http.disconnect"}


async def ended(client: Client, messages: Sequence[Message], error: Exception | None = None) -> list[str]:
    """Begin a request, end all, and return what happened around it."""
    begun, log = asyncio.Event(), list[str]()
    requests = OpenRequests(hanging(messages, begun, error))
    task = asyncio.create_task(requests({"type": "http"}, receive, client.send))
    async with asyncio.timeout(30):
        await begun.wait()
        assert requests.count == 1

        def abort() -> list[asyncio.BaseTransport | None]:
            log.append("done before" if task.done() else "aborted")
            return [None]

        assert await requests.end(abort) == 1
        await task
    assert requests.count == 0
    return log


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_requests, "MAX_ENDING_SECONDS", 0.2)


@pytest.mark.parametrize("error", [None, RuntimeError("cancelled inside"), ExceptionGroup("several", [OSError()])])
async def test_a_response_that_has_not_begun_says_to_try_again(error: Exception | None) -> None:
    client = Client()

    assert await ended(client, [], error) == ["done before"]
    start, body = client.sent
    assert start["status"] == 503
    assert (b"retry-after", b"1") in start["headers"]
    assert not body["more_body"]


async def test_a_stream_gets_its_regular_end() -> None:
    client = Client()

    assert await ended(client, [START, PART]) == ["done before"]
    assert client.sent == [START, PART, {"type": "http.response.body", "body": b"", "more_body": False}]


async def test_a_response_that_cannot_be_completed_is_aborted() -> None:
    client = Client()

    assert await ended(client, [WITH_LENGTH, PART]) == ["aborted"]
    assert client.sent == [WITH_LENGTH, PART]


async def test_a_client_that_does_not_read_is_aborted() -> None:
    assert await ended(Client(reads=False), []) == ["aborted"]


async def test_errors_of_a_running_server_are_raised() -> None:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        message = "its own"
        raise RuntimeError(message)

    with pytest.raises(RuntimeError, match="its own"):
        await OpenRequests(app)({"type": "http"}, receive, Client().send)


async def test_what_is_cancelled_by_others_stays_cancelled() -> None:
    begun = asyncio.Event()
    task = asyncio.create_task(OpenRequests(hanging([], begun))({"type": "http"}, receive, Client().send))
    await begun.wait()
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()

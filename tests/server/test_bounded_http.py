"""Requests to other servers stay within their limits, whatever the servers do."""

import asyncio
import gzip
import traceback
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx2
import pytest

from intarsia.server.wire.bounded_http import (
    JSON_HEADERS,
    ConnectFailedError,
    DeadlineError,
    EncodedError,
    FetchedResponse,
    FetchError,
    TooLargeError,
    fetch,
    json_object,
)

HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
Respond = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(respond: Respond) -> AsyncGenerator[str]:
    """Run a server that responds to every request in the same way, byte by byte as the test wants it."""
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        try:
            await reader.readuntil(b"\r\n\r\n")
            await respond(writer)
            await writer.drain()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            connections.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/page"
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    # It would follow redirects; `fetch` must not let it.
    async with httpx2.AsyncClient(trust_env=False, follow_redirects=True, headers=JSON_HEADERS) as made:
        yield made


async def get(client: httpx2.AsyncClient, url: str, *, truncate: bool = False) -> FetchedResponse:
    request = client.build_request("GET", url, headers={"Authorization": "Bearer c4n4ry"})
    return await fetch(client, request, max_seconds=0.5, max_bytes=100, truncate=truncate)


def writes(*pieces: bytes) -> Respond:
    async def respond(writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)

    return respond


async def test_a_response_arrives_whole_with_its_headers(client: httpx2.AsyncClient) -> None:
    async with serving(writes(HEAD, b'ETag: "1"\r\n\r\n', b'{"a": ', b"1}")) as url:
        found = await get(client, url)

    assert (found.status, found.headers["etag"], json_object(found.body)) == (200, '"1"', {"a": 1})


async def test_a_redirect_is_returned_and_not_followed(client: httpx2.AsyncClient) -> None:
    redirect = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nConnection: close\r\n\r\n"
    async with serving(writes(redirect)) as url:
        found = await get(client, url)

    assert (found.status, found.headers["location"]) == (302, "/elsewhere")


async def test_a_body_over_the_limit_is_refused_or_cut_off(client: httpx2.AsyncClient) -> None:
    async with serving(writes(HEAD, b"\r\n", b"x" * 100)) as url:
        assert len((await get(client, url)).body) == 100
    async with serving(writes(HEAD, b"\r\n", b"x" * 101)) as url:
        with pytest.raises(TooLargeError):
            await get(client, url)
        assert (await get(client, url, truncate=True)).body == b"x" * 100


async def test_a_compressed_body_is_refused_before_it_is_read(client: httpx2.AsyncClient) -> None:
    async with serving(writes(HEAD, b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b"{}"))) as url:
        with pytest.raises(EncodedError):
            await get(client, url)


@pytest.mark.parametrize("head", [b"", HEAD + b"\r\n"], ids=["nothing", "part of the body"])
async def test_a_slow_response_ends_at_the_deadline(client: httpx2.AsyncClient, head: bytes) -> None:
    async def respond(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        await writer.drain()
        await asyncio.Event().wait()

    async with serving(respond) as url, asyncio.timeout(10):
        with pytest.raises(DeadlineError, match=r"within 0\.5 seconds"):
            await get(client, url)


async def test_an_unwanted_body_is_not_read(client: httpx2.AsyncClient) -> None:
    async with serving(writes(HEAD, b"\r\n", b"x" * 1000)) as url:
        request = client.build_request("GET", url)
        found = await fetch(client, request, max_seconds=5, max_bytes=100, wants_body=lambda _: False)

    assert (found.status, found.body) == (200, b"")


async def test_a_server_that_is_not_there_is_told_apart(client: httpx2.AsyncClient) -> None:
    async with serving(writes(b"")) as url:
        pass

    with pytest.raises(ConnectFailedError):
        await get(client, url)


@pytest.mark.parametrize("reply", [b"c4n4ry\r\n\r\n", b"HTTP/1.1 200 OK\r\nc4n4ry\r\n\r\n", b""])
async def test_an_error_repeats_no_credentials_and_nothing_from_the_server(
    client: httpx2.AsyncClient, reply: bytes
) -> None:
    async with serving(writes(reply)) as url:
        with pytest.raises(FetchError) as caught:
            await get(client, url)

    assert "c4n4ry" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("body", [b"", b"[1]", b'"text"', b"null", b"{", b'{"a": 1, "a": 2}', b'{"a": NaN}', b"\xff{}"])
def test_anything_but_a_strict_json_object_is_none(body: bytes) -> None:
    assert json_object(body) is None

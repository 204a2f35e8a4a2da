"""T49: an app's document is read over real TLS, and whoever serves something else gets little of the server's time."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from intarsia.server.auth.authorization_server.clients import client_metadata
from intarsia.server.auth.authorization_server.clients.client_metadata import (
    MAX_BYTES,
    ClientMetadata,
    ClientMetadataError,
    ClientMetadataReader,
)
from tests.authorization_server.document_site import (
    HOST,
    MAX_WAIT,
    Authority,
    Names,
    Site,
    is_anywhere,
    is_here,
    read_document,
    running_site,
)

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Make certificates for this module."""
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
async def site(authority: Authority) -> AsyncIterator[Site]:
    """Serve a document that is in order."""
    async with running_site(authority.serving(HOST)) as running:
        yield running


async def fetched(site: Site, authority: Authority, **changed: Any) -> ClientMetadata:
    """Fetch the document of a site that this machine has for once been told to trust."""
    how: dict[str, Any] = {"resolve": Names(["127.0.0.1"]), "may_ask": is_here, "ssl_context": authority.trusting}
    return await read_document(site.client_id, **{**how, **changed})


async def test_a_document_in_order_is_read(site: Site, authority: Authority) -> None:
    site.says(site.document(logo_uri=f"https://{HOST}/logo.png", scope="tasks:read tasks:write", tos_uri=5, jwks={}))

    document = await fetched(site, authority)

    assert document == ClientMetadata(
        client_id=site.client_id,
        client_name="Task app",
        redirect_uris=(f"https://{HOST}:{site.port}/back", "http://127.0.0.1/back"),
        logo_uri=f"https://{HOST}/logo.png",
        scope="tasks:read tasks:write",
        token_endpoint_auth_method="none",
    )
    assert site.connections == 1  # and nobody came for the logo


async def test_the_request_names_the_host_and_asks_for_no_encoding(site: Site, authority: Authority) -> None:
    await fetched(site, authority)

    head = site.requests[0].decode().lower()
    assert head.startswith("get /app.json http/1.1\r\n")
    assert f"\r\nhost: {HOST}:{site.port}\r\n" in head
    assert "\r\naccept-encoding: identity\r\n" in head
    assert "cookie" not in head
    assert site.names == [HOST]


async def test_t49_the_name_is_looked_up_once_and_the_checked_address_is_asked(authority: Authority) -> None:
    """Rebinding: the second answer would lead elsewhere, and nobody asks for it."""
    context = authority.serving(HOST)
    async with running_site(context) as site, running_site(None, address="127.0.0.2", port=site.port) as other:
        names = Names(["127.0.0.1"], ["127.0.0.2"])
        await fetched(site, authority, resolve=names)

    assert names.asked == [HOST]
    assert (site.connections, other.connections) == (1, 0)


async def test_an_address_that_is_down_does_not_hide_the_next(site: Site, authority: Authority) -> None:
    names = Names(["127.0.0.3", "127.0.0.1"])

    document = await fetched(site, authority, resolve=names, may_ask=is_anywhere)

    assert document.client_name == "Task app"


async def test_t49_a_certificate_must_be_trusted(site: Site, tmp_path: Path) -> None:
    """Self-signed, or by somebody unknown."""
    with pytest.raises(ClientMetadataError, match="over TLS"):
        await fetched(site, Authority(tmp_path))
    with pytest.raises(ClientMetadataError, match="over TLS"):
        await fetched(site, Authority(tmp_path), ssl_context=None)

    assert site.requests == []


async def test_t49_a_certificate_must_name_the_host(authority: Authority) -> None:
    async with running_site(authority.serving("other.example.com")) as site:
        with pytest.raises(ClientMetadataError, match="over TLS"):
            await fetched(site, authority)

    assert site.requests == []


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 There", "308 There for good"])
async def test_t49_a_redirect_is_not_followed(status: str, site: Site, authority: Authority) -> None:
    async with running_site(None) as elsewhere:
        for address in (f"http://127.0.0.1:{elsewhere.port}/a.json", "/app.json"):
            site.says(site.document(), f"Location: {address}", status=status)
            with pytest.raises(ClientMetadataError, match="must be 200, and no redirect"):
                await fetched(site, authority)

    assert (site.connections, elsewhere.connections) == (2, 0)


@pytest.mark.parametrize("status", ["201 Created", "204 Nothing", "206 A part", "404 Not found", "500 Oh"])
async def test_t49_only_200_is_an_answer(status: str, site: Site, authority: Authority) -> None:
    site.says(site.document() if status[:3] != "204" else b"", status=status)

    with pytest.raises(ClientMetadataError, match="must be 200"):
        await fetched(site, authority)


async def test_t49_a_stream_of_a_gigabyte_is_cut_off(site: Site, authority: Authority) -> None:
    async def flood(writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"Content-Length: 1073741824\r\n\r\n")
        while site.sent < 2**30:
            writer.write(b" " * 65536)
            await writer.drain()
            site.sent += 65536

    site.answer = flood
    with pytest.raises(ClientMetadataError, match="larger than 10 KB"):
        await fetched(site, authority)

    async with asyncio.timeout(MAX_WAIT / 4):
        await site.done.wait()
    assert site.sent < 2**25  # what fits into the buffers of two sockets


@pytest.mark.parametrize("framing", ["Content-Length", "chunked", "until it closes"])
async def test_t49_the_last_byte_that_is_read(framing: str, site: Site, authority: Authority) -> None:
    """One byte more is too much, however the body is framed."""
    document = json.dumps(site.document()).encode()

    async def send(writer: asyncio.StreamWriter, body: bytes) -> None:
        if framing == "chunked":
            chunks = b"".join(b"%x\r\n%b\r\n" % (1, body[at : at + 1]) for at in range(len(body)))
            writer.write(OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
        elif framing == "Content-Length":
            writer.write(OK + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        else:
            writer.write(OK + b"Connection: close\r\n\r\n" + body)
        await writer.drain()

    site.answer = lambda writer: send(writer, document.ljust(MAX_BYTES))
    assert (await fetched(site, authority)).client_id == site.client_id
    site.answer = lambda writer: send(writer, document.ljust(MAX_BYTES + 1))
    with pytest.raises(ClientMetadataError, match="larger than 10 KB"):
        await fetched(site, authority)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity, gzip", "x-gzip"])
async def test_t49_an_encoded_document_is_not_decoded(encoding: str, site: Site, authority: Authority) -> None:
    """A gzip bomb: 10 MB in 10 KB."""
    site.says(gzip.compress(b" " * 10_000_000), f"Content-Encoding: {encoding}")

    with pytest.raises(ClientMetadataError, match="is compressed"):
        await fetched(site, authority)


@pytest.mark.parametrize("slow", ["silent", "head", "body"])
async def test_t49_a_slow_drip_ends(
    slow: str, site: Site, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte comes in time; all of them do not."""
    monkeypatch.setattr(client_metadata, "FETCH_SECONDS", 0.5)
    release = asyncio.Event()

    async def drip(writer: asyncio.StreamWriter) -> None:
        if slow == "silent":
            await release.wait()
        writer.write(OK + (b"Content-Length: 9999\r\n\r\n" if slow == "body" else b"X-Slow: "))
        while not release.is_set():
            writer.write(b"a")
            await writer.drain()
            await asyncio.wait([asyncio.ensure_future(release.wait())], timeout=0.05)

    site.answer = drip
    began = monotonic()
    with pytest.raises(ClientMetadataError, match="took longer"):
        await fetched(site, authority)
    took = monotonic() - began
    release.set()

    assert 0.4 < took < MAX_WAIT / 4


async def test_t49_a_resolver_that_hangs_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_metadata, "FETCH_SECONDS", 0.2)

    async def never(_name: str, _port: int) -> Any:
        await asyncio.Event().wait()

    async with asyncio.timeout(MAX_WAIT / 4):
        with pytest.raises(ClientMetadataError, match="took longer"):
            await read_document(f"https://{HOST}/app.json", resolve=never)


@pytest.mark.parametrize("kind", ["text/html", "text/plain", "application/jsonp", "application/octet-stream", "json"])
async def test_t49_only_json_is_read(kind: str, site: Site, authority: Authority) -> None:
    site.says(site.document(), kind=kind)

    with pytest.raises(ClientMetadataError, match="not of the type"):
        await fetched(site, authority)


async def test_other_ways_to_say_json(site: Site, authority: Authority) -> None:
    for kind in ("application/json; charset=utf-8", "Application/JSON", "application/cimd+json"):
        site.says(site.document(), kind=kind)
        assert (await fetched(site, authority)).client_name == "Task app"


@pytest.mark.parametrize(
    "body", [b"", b"<!doctype html>", b"[]", b"null", b'{"a": 1, "a": 2}', b"{", b"\xff{}", b"[" * 9000]
)
async def test_t49_what_is_no_object_is_refused(body: bytes, site: Site, authority: Authority) -> None:
    site.says(body)

    with pytest.raises(ClientMetadataError, match="not a JSON object"):
        await fetched(site, authority)


async def test_no_proxy_of_the_environment_is_used(
    site: Site, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_site(None) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        await fetched(site, authority)

    assert (site.connections, proxy.connections) == (1, 0)


async def test_loopback_is_for_development_alone() -> None:
    async with running_site(None) as site:
        client_id = f"http://localhost:{site.port}/app.json"
        site.says(site.document(client_id=client_id, redirect_uris=["http://127.0.0.1/back"]))
        with pytest.raises(ClientMetadataError):
            await read_document(client_id)
        assert site.connections == 0

        document = await ClientMetadataReader(allow_loopback=True, resolve=Names(["127.0.0.1"])).get(client_id)
        assert document.client_id == client_id
        for leads_away in (["8.8.8.8"], ["127.0.0.1", "10.0.0.1"]):
            with pytest.raises(ClientMetadataError, match="not on the public internet"):
                await read_document(client_id, allow_loopback=True, resolve=Names(leads_away))

    assert site.connections == 1
    # Other hosts are as they always are.
    for elsewhere in (f"http://{HOST}/app.json", "https://192.168.0.1/app.json", "https://127.0.0.2/app.json"):
        with pytest.raises(ClientMetadataError, match="plain https"):
            await read_document(elsewhere, allow_loopback=True)
    with pytest.raises(ClientMetadataError, match="not on the public internet"):
        await read_document(f"https://{HOST}/app.json", allow_loopback=True, resolve=Names(["127.0.0.1"]))

"""Attacks below and beside HTTP, over real sockets, on every route that there is: T37 to T41 and T46."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from intarsia import Connector, EmbeddedIssuer
from intarsia.host.server import Listener, open_socket, running
from intarsia.server.admin.access import ADMIN
from intarsia.server.http.app import pages_and_issuers
from tests.authorization_server.accounts import with_account
from tests.authorization_server.browser import opened
from tests.security.connector_server import build_connector

SERVED = "127.0.0.1"
SECONDS = 20
FORM = "application/x-www-form-urlencoded"


@dataclass
class Server:
    """A connector with sign-in and admin pages, behind a real socket."""

    port: int
    paths: list[str]
    entered: list[str]
    """The tools that were called; none should be."""

    @property
    def host(self) -> str:
        return f"{SERVED}:{self.port}"

    async def send(self, raw: str) -> list[int]:
        """Send bytes as they are, and return the status of each answer until the server closes or is silent."""
        reader, writer = await asyncio.open_connection(SERVED, self.port)
        writer.write(raw.encode("latin-1"))
        statuses: list[int] = []
        try:
            async with asyncio.timeout(SECONDS):
                while line := await reader.readline():
                    if line.startswith(b"HTTP/1.1 "):
                        statuses.append(int(line.split()[1]))
                        if b"connection: close" in (await reader.readuntil(b"\r\n\r\n")).lower():
                            break
                    if statuses and len(statuses) >= raw.count(" HTTP/1.1\r\n"):
                        break
        finally:
            writer.close()
        return statuses

    async def ask(self, method: str, path: str, *headers: str, body: str = "") -> int:
        """Send one request, and return its status."""
        named = [*headers, *([] if any(h.lower().startswith("host:") for h in headers) else [f"Host: {self.host}"])]
        if body and not any(h.lower().startswith(("content-length", "transfer-encoding")) for h in headers):
            named.append(f"Content-Length: {len(body)}")
        [status] = await self.send("\r\n".join([f"{method} {path} HTTP/1.1", *named, "", body]))
        return status


def paths_beside(connector: Connector, issuer: EmbeddedIssuer) -> frozenset[str]:
    """Return every path that is answered beside the connector, by people's sign-in and by pages of admins."""
    pages, _trusted = pages_and_issuers(connector.catalog, issuer)
    assert pages is not None
    return frozenset(route.path for route in pages.routes)


@pytest.fixture(scope="module")
async def server(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:  # noqa: ARG001 - an async fixture of a module must name it
    folder = tmp_path_factory.mktemp("transport")
    await with_account(folder / "accounts.db", "root", roles=[ADMIN])
    connector = build_connector(folder / "store.db", entered := list[str]())
    with open_socket(SERVED, 0) as bound:
        port = bound.getsockname()[1]
        issuer = EmbeddedIssuer(f"http://{SERVED}:{port}", accounts=folder / "accounts.db")
        paths = sorted({*paths_beside(connector, issuer), "/mcp", "/", "/.well-known/oauth-protected-resource"})
        async with running([Listener(connector.app(auth=issuer), bound)]):
            yield Server(port, paths, entered)


def test_every_page_of_an_admin_is_among_the_routes(server: Server) -> None:
    assert {"/mcp", "/admin", "/admin/switches", "/admin/log.csv", "/apps", "/token", "/authorize"} <= {*server.paths}


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_t37_no_route_answers_under_another_name(server: Server, method: str) -> None:
    for path in server.paths:
        for host in (
            "evil.example",
            "127.0.0.1.evil.example",
            f"evil.example:{server.port}",
            "",
            "localhost.",
            "127.1",
        ):
            assert await server.ask(method, path, f"Host: {host}") == 421, (path, host)


async def test_t37_two_names_or_none_are_no_name(server: Server) -> None:
    for path in server.paths:
        assert await server.ask("GET", path, f"Host: {server.host}", "Host: evil.example") in (400, 421)
        [status] = await server.send(f"GET {path} HTTP/1.1\r\nAccept: */*\r\n\r\n")
        assert status in (400, 421)


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_t38_no_route_answers_to_another_origin(server: Server, method: str) -> None:
    own = f"http://{SERVED}:{server.port}"
    for path in server.paths:
        for origin in ("null", "https://evil.example", f"{own}.evil.example", f"http://evil.example#{own}", "file://"):
            assert await server.ask(method, path, f"Origin: {origin}") == 403, (path, origin)


@pytest.mark.parametrize(
    "host", ["{own}/admin?x#", "{own}/b", "{own}#", "{own}?", "evil@{own}", "{own} ", "{own},evil"]
)
async def test_t39_a_host_that_is_more_than_a_name_is_refused(server: Server, host: str) -> None:
    for path in ("/mcp", "/admin", "/apps", "/admin/log.csv"):
        status = await server.ask("GET", path, f"Host: {host.format(own=server.host)}")
        assert status in ((400, 421) if host.strip() != "{own}" else (200, 401, 405)), (path, host)


async def test_t39_an_absolute_address_gets_nobody_past_the_guards(server: Server) -> None:
    for target in (f"http://{server.host}/mcp", "http://evil.example/mcp", "//evil.example/mcp", "/mcp/../mcp"):
        status = await server.ask("POST", target, "Content-Type: application/json", body="{}")
        assert status in (400, 401, 404, 421), target


async def test_t40_a_request_of_two_lengths_is_refused(server: Server) -> None:
    body = "tool=x"
    for headers in (
        ("Content-Length: 6", "Transfer-Encoding: chunked"),
        ("Content-Length: 6", "Content-Length: 60"),
        ("Transfer-Encoding: chunked, identity",),
        ("Content-Length: +6",),
        ("Content-Length: 6, 60",),
    ):
        for path in ("/mcp", "/admin/switches", "/token"):
            assert await server.ask("POST", path, f"Content-Type: {FORM}", *headers, body=body) in (400, 415, 501), (
                headers
            )


async def test_t40_nothing_is_smuggled_behind_a_length(server: Server) -> None:
    inner = f"GET /admin HTTP/1.1\r\nHost: {server.host}\r\n\r\n"
    raw = (
        f"POST /admin/switches HTTP/1.1\r\nHost: {server.host}\r\nContent-Type: {FORM}\r\n"
        f"Content-Length: {len(inner) + 5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}"
    )
    assert await server.send(raw) == [400]


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override: POST", "X-Method-Override: POST", "X-HTTP-Method: POST"])
async def test_t40_a_method_is_what_the_request_says(server: Server, header: str) -> None:
    for path in ("/admin/switches", "/consent", "/revoke"):
        assert await server.ask("GET", path, header) == 405


@pytest.mark.parametrize(
    "kind",
    ["application/jsonevil", "text/plain", "application/json; charset=utf-16", "application/json; charset=latin-1",
     "multipart/form-data; boundary=x", "application/x-www-form-urlencodedx", ""],
)  # fmt: skip
async def test_t41_a_body_is_of_the_one_kind_that_its_path_takes(server: Server, kind: str) -> None:
    for path in server.paths:
        headers = [f"Content-Type: {kind}"] if kind else []
        assert await server.ask("POST", path, *headers, body="{}") == 415, path


@pytest.mark.parametrize("body", ["\ufeff{}".encode().decode("latin-1"), "{}".encode("utf-16").decode("latin-1")])
async def test_t41_json_is_utf_8_without_a_mark(server: Server, body: str) -> None:
    # At a path that needs no token: elsewhere the body is not even read.
    assert await server.ask("POST", "/register", "Content-Type: application/json", body=body) == 400


async def test_t46_no_page_says_that_others_may_read_it(server: Server) -> None:
    async with opened(f"http://{server.host}", "root") as browser:
        await browser.arrive("/admin")
        for path in server.paths:
            headers = (await browser.http.get(path)).headers
            assert "access-control-allow-credentials" not in headers, path
            preflight = await browser.http.options(path, headers={"Access-Control-Request-Method": "POST"})
            assert "access-control-allow-credentials" not in preflight.headers, path
    assert server.entered == []

"""`intarsia check --public` with a correct connector and with every defect that it reports, on real servers."""

import json
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import anyio.lowlevel
import anyio.to_thread
import httpx2
import pytest
import uvicorn
from click.testing import CliRunner
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from intarsia import EmbeddedIssuer
from intarsia.checks import Finding, check_public, has_problem
from intarsia.checks.http_client import HttpResponse
from intarsia.checks.reachability import check_network, check_port
from intarsia.checks.rejections import judge_plain_http
from intarsia.cli import main
from intarsia.errors import SettingError
from intarsia.host.server import open_socket, running_server
from tests.authorization_server.accounts import with_account
from tests.authorization_server.document_site import Authority
from tests.security.connector_server import build_connector

pytestmark = pytest.mark.anyio


@dataclass
class Reply:
    """A server's response."""

    status: int
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""


Change = Callable[[Scope, Reply], Reply]


class Changing:
    """A server with changed responses."""

    def __init__(self, app: ASGIApp, change: Change, hosts: Mapping[str, str] | None = None) -> None:
        self._app = app
        self._change = change
        self._hosts = hosts or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        reply = Reply(0)

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                reply.status = message["status"]
                reply.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            else:
                reply.body += message.get("body", b"")

        own: list[tuple[bytes, bytes]] = []
        for name, value in scope["headers"]:
            known = self._hosts.get(value.decode()) if name == b"host" else None
            own.append((name, known.encode() if known else value))
        await self._app({**scope, "headers": own}, receive, keep)
        changed = self._change(scope, reply)
        headers = {**changed.headers, "content-length": str(len(changed.body))}
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": changed.status, "headers": encoded})
        await send({"type": "http.response.body", "body": changed.body})


def unchanged(_scope: Scope, reply: Reply) -> Reply:
    return reply


@dataclass(frozen=True)
class Findings:
    """The findings by the names of their checks."""

    found: list[Finding]

    def __getitem__(self, check: str) -> Finding:
        (finding,) = (one for one in self.found if one.check == check)
        return finding

    @property
    def levels(self) -> dict[str, str]:
        return {one.check: one.level for one in self.found}


@asynccontextmanager
async def signing_in(folder: Path, origin: str) -> AsyncGenerator[ASGIApp]:
    await with_account(folder / "accounts.db", "ada")
    app = build_connector(folder / "store.db", []).app(auth=EmbeddedIssuer(origin, accounts=folder / "accounts.db"))
    yield app


async def check_changed(folder: Path, change: Change = unchanged, **options: Any) -> Findings:
    """Check a connector on this machine that requires sign-in and whose responses are changed."""
    with open_socket("127.0.0.1", 0) as bound:
        port = bound.getsockname()[1]
    origin = f"http://127.0.0.1:{port}"
    async with signing_in(folder, origin) as app, running_server(Changing(app, change, **options), port=port):
        return Findings(await check_public(f"{origin}/mcp"))


@dataclass(frozen=True)
class Public:
    """A connector behind TLS."""

    address: str
    authority: Path


@pytest.fixture
async def public(tmp_path: Path) -> AsyncIterator[Public]:
    """Serve a connector correctly, except for its port and its certificate authority."""
    authority = Authority(tmp_path)
    authority.serving("localhost")
    (tmp_path / "authority.pem").write_text(
        ssl.DER_cert_to_PEM_cert(authority.trusting.get_ca_certs(binary_form=True)[0])
    )
    with socket.create_server(("127.0.0.1", 0)) as bound:
        origin = f"https://localhost:{bound.getsockname()[1]}"
        async with signing_in(tmp_path, origin) as app:
            config = uvicorn.Config(app, ssl_certfile=tmp_path / "localhost.pem", server_header=False, log_config=None)
            server = uvicorn.Server(config)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(server.serve, [bound])
                with anyio.fail_after(30):
                    while not server.started:
                        await anyio.lowlevel.checkpoint()
                yield Public(f"{origin}/mcp", tmp_path / "authority.pem")
                server.should_exit = True


async def test_a_correct_connector_has_no_problem(public: Public) -> None:
    findings = Findings(await check_public(public.address, ca=public.authority))

    assert {check: level for check, level in findings.levels.items() if level != "ok"} == {
        "address": "warning",  # not port 443
        "network": "warning",  # this machine
        "certificate": "warning",  # valid for one day
        "signed in": "skipped",
        "plain HTTP": "skipped",
    }
    assert not has_problem(findings.found)
    assert len(findings.found) == 21


async def test_an_untrusted_certificate_is_a_problem_and_no_token_is_sent(public: Public) -> None:
    findings = Findings(await check_public(public.address, token="made-up-token"))

    assert findings["certificate"].level == "problem"
    assert "not valid" in findings["certificate"].found
    assert findings["signed in"].found == "No token was sent."


async def test_a_refused_token_is_reported_and_not_shown(public: Public) -> None:
    findings = Findings(await check_public(public.address, ca=public.authority, token="made-up-token"))

    assert findings["signed in"].found == "The connector does not accept the token."
    assert "made-up-token" not in repr(findings.found)


def without_challenge(_scope: Scope, reply: Reply) -> Reply:
    return Reply(reply.status, {**reply.headers, "www-authenticate": "Basic"}, reply.body)


def other_challenge(_scope: Scope, reply: Reply) -> Reply:
    other = 'Bearer resource_metadata="https://elsewhere.example/x"'
    return Reply(reply.status, {**reply.headers, "www-authenticate": other}, reply.body)


def no_scope(_scope: Scope, reply: Reply) -> Reply:
    challenge = reply.headers.get("www-authenticate", "").replace("scope=", "x=")
    return Reply(reply.status, {**reply.headers, "www-authenticate": challenge}, reply.body)


def naming(part: str, **fields: Any) -> Change:
    """Change metadata; `None` removes a field."""

    def change(scope: Scope, reply: Reply) -> Reply:
        if part not in scope["path"]:
            return reply
        said = {**json.loads(reply.body), **fields}
        body = json.dumps({name: value for name, value in said.items() if value is not None}).encode()
        return Reply(reply.status, reply.headers, body)

    return change


def missing(part: str) -> Change:
    return lambda scope, reply: Reply(404) if part in scope["path"] else reply


def with_headers(**headers: str) -> Change:
    return lambda _scope, reply: Reply(
        reply.status,
        {**reply.headers, **{name.replace("_", "-"): value for name, value in headers.items()}},
        reply.body,
    )


def at(path: str, status: int, method: str = "", **headers: str) -> Change:
    """Respond differently at a path."""

    def change(scope: Scope, reply: Reply) -> Reply:
        return Reply(status, headers) if scope["path"] == path and method in ("", scope["method"]) else reply

    return change


def earlier_version_only(scope: Scope, reply: Reply) -> Reply:
    versions = [value for name, value in scope["headers"] if name == b"mcp-protocol-version"]
    return Reply(400) if versions == [b"2026-07-28"] and reply.status == 401 else reply


RESOURCE, SERVER = "oauth-protected-resource", "oauth-authorization-server"


@pytest.mark.parametrize(
    ("change", "check", "level", "words"),
    [
        (unchanged, "certificate", "problem", "does not use TLS"),
        (without_challenge, "challenge", "problem", "not told where to get one"),
        (other_challenge, "challenge", "problem", "links to 'https://elsewhere.example/x' instead of"),
        (no_scope, "challenge", "warning", "lists no scopes"),
        (missing(RESOURCE), "metadata", "problem", "returns no metadata (status 404)"),
        (naming(RESOURCE, resource="https://elsewhere.example/mcp"), "metadata", "problem", "describe 'https://else"),
        (naming(RESOURCE, authorization_servers=[]), "metadata", "problem", "list no authorization server"),
        (naming(RESOURCE, authorization_servers=["http://x.example"]), "authorization server", "problem", "https"),
        (missing(SERVER), "authorization server", "problem", "has no metadata: status 404 at"),
        (naming(SERVER, issuer="http://127.0.0.1:1"), "authorization server", "problem", "identifies itself as"),
        (naming(SERVER, token_endpoint=None), "authorization server", "problem", "have no token_endpoint"),
        (naming(SERVER, code_challenge_methods_supported=["plain"]), "PKCE", "problem", "does not offer PKCE"),
        (naming(SERVER, registration_endpoint=None, client_id_metadata_document_supported=False), "client registration",
         "warning", "cannot register by themselves"),
        (naming(SERVER, authorization_response_iss_parameter_supported=None), "response issuer", "warning",
         "do not name their issuer"),
        (at("/mcp", 307, location="https://elsewhere.example/"), "redirect", "problem", "redirects elsewhere"),
        (at("/mcp", 404), "connector", "problem", "No MCP server responds"),
        (at("/mcp", 500, "GET"), "GET", "problem", "unexpected response: status 500"),
        (at("/mcp/", 301, location="http://127.0.0.1/mcp"), "trailing slash", "warning", "without TLS"),
        (earlier_version_only, "protocol versions", "problem", "Only one protocol version is asked"),
        (with_headers(server="nginx/1.25.3"), "software versions", "warning", "nginx/1.25.3"),
        (with_headers(x_powered_by="Express"), "software versions", "warning", "x-powered-by: Express"),
    ],
    ids=["no TLS", "no challenge", "other challenge", "no scope", "no metadata", "other resource", "no server",
         "plain server", "silent server", "other server", "no endpoint", "no PKCE", "no clients", "no iss", "redirect",
         "not there", "GET fails", "slash", "one version", "version", "framework"],
)  # fmt: skip
async def test_each_defect_is_reported_with_a_fix(
    tmp_path: Path, change: Change, check: str, level: str, words: str
) -> None:
    finding = (await check_changed(tmp_path, change))[check]

    assert (finding.level, words in finding.found) == (level, True), finding
    assert finding.fix
    assert finding.found.isprintable()


async def test_a_local_issuer_of_a_public_connector_is_a_problem(
    public: Public, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read(_visit: object) -> tuple[Finding, list[str]]:
        return Finding("metadata", "ok", ""), ["http://127.0.0.1:9000"]

    monkeypatch.setattr("intarsia.checks.read_metadata", read)

    finding = Findings(await check_public(public.address, ca=public.authority))["authorization server"]

    assert finding.level == "problem"
    assert "without TLS" in finding.found


async def test_a_server_that_responds_to_every_host_name_gets_a_warning(tmp_path: Path) -> None:
    findings = await check_changed(tmp_path, hosts={"intarsia-check.invalid": "127.0.0.1"})

    assert findings["host name"].level == "warning"


@asynccontextmanager
async def open_connector(folder: Path, **options: Any) -> AsyncGenerator[str]:
    async with running_server(build_connector(folder / "store.db", []).app(**options)) as address:
        yield f"{address}/mcp"


async def test_a_connector_without_sign_in_gets_a_warning_and_all_checks(tmp_path: Path) -> None:
    async with open_connector(tmp_path) as address:
        levels = Findings(await check_public(address)).levels

    checked = ("connector", "challenge", "protocol versions", "host name", "origin", "body limit")
    assert {check: levels[check] for check in checked} == {
        "connector": "warning", "challenge": "skipped", "protocol versions": "ok", "host name": "ok",
        "origin": "ok", "body limit": "ok",
    }  # fmt: skip


async def test_a_server_that_accepts_any_host_name_and_any_origin_has_problems(tmp_path: Path) -> None:
    async with open_connector(
        tmp_path, hosts=("127.0.0.1", "intarsia-check.invalid"), origins=("https://intarsia-check.invalid",)
    ) as address:
        levels = Findings(await check_public(address)).levels

    assert (levels["host name"], levels["origin"]) == ("problem", "problem")


async def test_an_unreachable_address_is_explained() -> None:
    with open_socket("127.0.0.1", 0) as bound:
        port = bound.getsockname()[1]

    refused = await check_public(f"https://127.0.0.1:{port}/mcp")
    unknown = await check_public("https://no-such-name.invalid/mcp")
    malformed = await check_public("ftp://example.com")

    assert Findings(refused)["other checks"].found.endswith("no connection could be opened.")
    assert "does not exist" in Findings(unknown)["network"].found
    assert Findings(malformed)["address"].level == "problem"


@pytest.mark.parametrize(
    ("addresses", "level"),
    [(["93.184.216.34"], "ok"), (["10.0.0.1"], "warning"), (["93.184.216.34", "192.168.1.1"], "warning"),
     (["2606:2800:220:1::1"], "warning"), ([], "problem"), (["169.254.169.254"], "warning")],
    ids=["public", "private", "both", "IPv6 alone", "none", "metadata"],
)  # fmt: skip
def test_the_addresses_of_a_host_name_are_judged(addresses: list[str], level: str) -> None:
    assert check_network("tasks.example.com", [ip_address(one) for one in addresses]).level == level


def test_ports_are_judged() -> None:
    assert check_port("https://tasks.example.com/mcp").level == "ok"
    assert check_port("https://tasks.example.com:8443/mcp").level == "warning"


@pytest.mark.parametrize(
    ("status", "location", "level"),
    [(0, "", "ok"), (301, "https://x.example/", "ok"), (301, "http://x.example/", "warning"), (200, "", "warning")],
)
def test_the_port_without_tls_is_judged(status: int, location: str, level: str) -> None:
    assert judge_plain_http(HttpResponse(status, httpx2.Headers({"location": location}))).level == level


async def test_a_token_with_a_line_break_is_not_sent() -> None:
    with pytest.raises(SettingError, match="Nothing was sent"):
        await check_public("https://tasks.example.com/mcp", token="one\r\ntwo")


async def test_the_command_reports_for_people_and_for_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MADE_UP_TOKEN", "a-secret-token")
    async with open_connector(tmp_path) as address:

        def commands() -> None:
            told = CliRunner().invoke(main, ["check", "--public", address, "--token-env", "MADE_UP_TOKEN"])
            assert (told.exit_code, "The address does not use TLS." in told.output) == (1, True)
            assert "a-secret-token" not in told.output
            report = json.loads(CliRunner().invoke(main, ["check", "--public", address, "--json"]).output)
            assert (report["ok"], report["address"]) == (False, address)
            missing = CliRunner().invoke(main, ["check", "--public", address, "--token-env", "NOT_THERE"])
            assert "There is no environment variable" in missing.output

        await anyio.to_thread.run_sync(commands)

"""`intarsia check --public`: a correct connector, and each thing that can be wrong with one, on real servers."""

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
from intarsia.checks.rejections import judge_plain
from intarsia.cli import main
from intarsia.errors import SettingError
from intarsia.host.server import open_socket, running_server
from tests.authorization_server.accounts import with_account
from tests.authorization_server.document_site import Authority
from tests.security.connector_server import build_connector

pytestmark = pytest.mark.anyio


@dataclass
class Reply:
    """What a server answers."""

    status: int
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""


Change = Callable[[Scope, Reply], Reply]


class Changing:
    """A server whose answers are changed on their way."""

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


def as_it_is(_scope: Scope, reply: Reply) -> Reply:
    return reply


@dataclass(frozen=True)
class Findings:
    """What a check found, by its name."""

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


async def look(folder: Path, change: Change = as_it_is, **options: Any) -> Findings:
    """Look at a connector on this machine with sign-in, whose answers are changed."""
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
    """Serve a connector as it should be served, but for its port and for who vouches for it."""
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


async def test_a_connector_as_it_should_be_has_no_problem(public: Public) -> None:
    findings = Findings(await check_public(public.address, ca=public.authority))

    assert {check: level for check, level in findings.levels.items() if level != "ok"} == {
        "address": "warning",  # a port of its own
        "network": "warning",  # this machine
        "certificate": "warning",  # made for a day
        "behind sign-in": "skipped",
        "plain HTTP": "skipped",
    }
    assert not has_problem(findings.found)
    assert len(findings.found) == 21


async def test_a_certificate_that_nobody_vouches_for_is_a_problem_and_gets_no_token(public: Public) -> None:
    findings = Findings(await check_public(public.address, token="made-up-token"))

    assert findings["certificate"].level == "problem"
    assert "not valid" in findings["certificate"].found
    assert findings["behind sign-in"].found == "No token was sent."


async def test_a_token_that_is_not_taken_is_said_and_not_shown(public: Public) -> None:
    findings = Findings(await check_public(public.address, ca=public.authority, token="made-up-token"))

    assert findings["behind sign-in"].found == "The token is not taken."
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
    """Change metadata; a field that is None is left out."""

    def change(scope: Scope, reply: Reply) -> Reply:
        if part not in scope["path"]:
            return reply
        said = {**json.loads(reply.body), **fields}
        body = json.dumps({name: value for name, value in said.items() if value is not None}).encode()
        return Reply(reply.status, reply.headers, body)

    return change


def missing(part: str) -> Change:
    return lambda scope, reply: Reply(404) if part in scope["path"] else reply


def telling(**headers: str) -> Change:
    return lambda _scope, reply: Reply(
        reply.status,
        {**reply.headers, **{name.replace("_", "-"): value for name, value in headers.items()}},
        reply.body,
    )


def at(path: str, status: int, method: str = "", **headers: str) -> Change:
    """Answer something else at a path."""

    def change(scope: Scope, reply: Reply) -> Reply:
        return Reply(status, headers) if scope["path"] == path and method in ("", scope["method"]) else reply

    return change


def earlier_alone(scope: Scope, reply: Reply) -> Reply:
    versions = [value for name, value in scope["headers"] if name == b"mcp-protocol-version"]
    return Reply(400) if versions == [b"2026-07-28"] and reply.status == 401 else reply


RESOURCE, SERVER = "oauth-protected-resource", "oauth-authorization-server"


@pytest.mark.parametrize(
    ("change", "check", "level", "words"),
    [
        (as_it_is, "certificate", "problem", "has no TLS"),
        (without_challenge, "challenge", "problem", "not told where to get one"),
        (other_challenge, "challenge", "problem", "leads to 'https://elsewhere.example/x', and not to"),
        (no_scope, "challenge", "warning", "names no scope"),
        (missing(RESOURCE), "metadata", "problem", "There are no metadata at"),
        (naming(RESOURCE, resource="https://elsewhere.example/mcp"), "metadata", "problem", "are about 'https://else"),
        (naming(RESOURCE, authorization_servers=[]), "metadata", "problem", "name no authorization server"),
        (naming(RESOURCE, authorization_servers=["http://x.example"]), "authorization server", "problem", "https"),
        (missing(SERVER), "authorization server", "problem", "has no metadata"),
        (naming(SERVER, issuer="http://127.0.0.1:1"), "authorization server", "problem", "calls itself"),
        (naming(SERVER, token_endpoint=None), "authorization server", "problem", "names no token_endpoint"),
        (naming(SERVER, code_challenge_methods_supported=["plain"]), "PKCE", "problem", "does not offer PKCE"),
        (naming(SERVER, registration_endpoint=None, client_id_metadata_document_supported=False), "clients", "warning",
         "cannot make themselves known"),
        (naming(SERVER, authorization_response_iss_parameter_supported=None), "iss", "warning", "do not say who"),
        (at("/mcp", 307, location="https://elsewhere.example/"), "redirect", "problem", "leads elsewhere"),
        (at("/mcp", 404), "connector", "problem", "No MCP server answers"),
        (at("/mcp", 500, "GET"), "GET", "problem", "GET is answered with status 500"),
        (at("/mcp/", 301, location="http://127.0.0.1/mcp"), "trailing slash", "warning", "without TLS"),
        (earlier_alone, "both eras", "problem", "asked to sign in the same way"),
        (telling(server="nginx/1.25.3"), "self-description", "warning", "nginx/1.25.3"),
        (telling(x_powered_by="Express"), "self-description", "warning", "x-powered-by: Express"),
    ],
    ids=["no TLS", "no challenge", "other challenge", "no scope", "no metadata", "other resource", "no server",
         "plain server", "silent server", "other server", "no endpoint", "no PKCE", "no clients", "no iss", "redirect",
         "not there", "GET fails", "slash", "one era", "version", "framework"],
)  # fmt: skip
async def test_what_is_wrong_is_said(tmp_path: Path, change: Change, check: str, level: str, words: str) -> None:
    finding = (await look(tmp_path, change))[check]

    assert (finding.level, words in finding.found) == (level, True), finding
    assert finding.fix
    assert finding.found.isprintable()


async def test_an_issuer_of_this_machine_is_none_for_the_public(
    public: Public, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read(_visit: object) -> tuple[Finding, list[str]]:
        return Finding("metadata", "ok", ""), ["http://127.0.0.1:9000"]

    monkeypatch.setattr("intarsia.checks.read_metadata", read)

    finding = Findings(await check_public(public.address, ca=public.authority))["authorization server"]

    assert finding.level == "problem"
    assert "without TLS" in finding.found


async def test_a_server_that_answers_to_every_name_is_warned_of(tmp_path: Path) -> None:
    findings = await look(tmp_path, hosts={"intarsia-check.invalid": "127.0.0.1"})

    assert findings["host name"].level == "warning"


@asynccontextmanager
async def open_connector(folder: Path, **options: Any) -> AsyncGenerator[str]:
    async with running_server(build_connector(folder / "store.db", []).app(**options)) as address:
        yield f"{address}/mcp"


async def test_a_connector_that_everybody_may_use_is_warned_of_and_looked_at_whole(tmp_path: Path) -> None:
    async with open_connector(tmp_path) as address:
        levels = Findings(await check_public(address)).levels

    looked_at = ("connector", "challenge", "both eras", "host name", "origin", "body limit")
    assert {check: levels[check] for check in looked_at} == {
        "connector": "warning", "challenge": "skipped", "both eras": "ok", "host name": "ok", "origin": "ok",
        "body limit": "ok",
    }  # fmt: skip


async def test_a_server_that_lets_any_name_and_any_page_call_has_problems(tmp_path: Path) -> None:
    async with open_connector(
        tmp_path, hosts=("127.0.0.1", "intarsia-check.invalid"), origins=("https://intarsia-check.invalid",)
    ) as address:
        levels = Findings(await check_public(address)).levels

    assert (levels["host name"], levels["origin"]) == ("problem", "problem")


async def test_nobody_at_the_address_is_said_in_plain_words() -> None:
    with open_socket("127.0.0.1", 0) as bound:
        port = bound.getsockname()[1]

    refused = await check_public(f"https://127.0.0.1:{port}/mcp")
    unknown = await check_public("https://no-such-name.invalid/mcp")
    malformed = await check_public("ftp://example.com")

    assert Findings(refused)["the rest"].found.endswith("there is no connection.")
    assert "Nobody knows the name" in Findings(unknown)["network"].found
    assert Findings(malformed)["address"].level == "problem"


@pytest.mark.parametrize(
    ("addresses", "level"),
    [(["93.184.216.34"], "ok"), (["10.0.0.1"], "warning"), (["93.184.216.34", "192.168.1.1"], "warning"),
     (["2606:2800:220:1::1"], "warning"), ([], "problem"), (["169.254.169.254"], "warning")],
    ids=["public", "private", "both", "IPv6 alone", "none", "metadata"],
)  # fmt: skip
def test_where_a_name_leads_is_judged(addresses: list[str], level: str) -> None:
    assert check_network("tasks.example.com", [ip_address(one) for one in addresses]).level == level


def test_ports_are_judged() -> None:
    assert check_port("https://tasks.example.com/mcp").level == "ok"
    assert check_port("https://tasks.example.com:8443/mcp").level == "warning"


@pytest.mark.parametrize(
    ("status", "location", "level"),
    [(0, "", "ok"), (301, "https://x.example/", "ok"), (301, "http://x.example/", "warning"), (200, "", "warning")],
)
def test_the_port_without_tls_is_judged(status: int, location: str, level: str) -> None:
    assert judge_plain(HttpResponse(status, httpx2.Headers({"location": location}))).level == level


async def test_a_token_with_a_line_break_is_not_sent() -> None:
    with pytest.raises(SettingError, match="nothing was sent"):
        await check_public("https://tasks.example.com/mcp", token="one\r\ntwo")


async def test_the_command_reports_for_people_and_for_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MADE_UP_TOKEN", "a-secret-token")
    async with open_connector(tmp_path) as address:

        def commands() -> None:
            told = CliRunner().invoke(main, ["check", "--public", address, "--token-env", "MADE_UP_TOKEN"])
            assert (told.exit_code, "The address has no TLS." in told.output) == (1, True)
            assert "a-secret-token" not in told.output
            report = json.loads(CliRunner().invoke(main, ["check", "--public", address, "--json"]).output)
            assert (report["ok"], report["address"]) == (False, address)
            missing = CliRunner().invoke(main, ["check", "--public", address, "--token-env", "NOT_THERE"])
            assert "there is no such variable" in missing.output

        await anyio.to_thread.run_sync(commands)

"""A connector at a path of somebody's own application: MCP's official client works there, with and without sign-in."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
from fastapi import FastAPI
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata
from pydantic import AnyUrl
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from intarsia import Connector, EmbeddedIssuer, ResourceServer
from intarsia.errors import SettingError
from intarsia.host.server import Listener, open_socket, running
from tests.authorization_server.accounts import with_account
from tests.authorization_server.browser import Page, opened
from tests.authorization_server.test_official_client import CALLBACK as APP_CALLBACK
from tests.authorization_server.test_official_client import App
from tests.security.connector_server import build_connector, challenge
from tests.security.issuer import CALLBACK, RunningIssuer
from tests.security.test_official_client import Person, text_of
from tests.server.test_signed_in import notes, signed_in_mcp_server

Lifespan = Callable[[Any], Any]


def with_fastapi(lifespan: Lifespan) -> Starlette:
    app = FastAPI(lifespan=lifespan)

    @app.get("/own")
    async def own() -> dict[str, str]:
        return {"from": "the author"}

    @app.get("/{anything:path}")
    async def catch_all(anything: str) -> dict[str, str]:
        return {"caught": anything}

    assert {own.__name__, catch_all.__name__} == {"own", "catch_all"}
    return app


def with_starlette(lifespan: Lifespan) -> Starlette:
    async def own(_request: Request) -> Response:
        return JSONResponse({"from": "the author"})

    return Starlette(routes=[Route("/own", own), Route("/{anything:path}", own)], lifespan=lifespan)


AROUND = pytest.mark.parametrize("make_app", [with_fastapi, with_starlette])
MODES = pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])


class Log:
    """What started and ended, in order."""

    def __init__(self) -> None:
        self.entries: list[str] = []

    def of(self, name: str) -> Lifespan:
        """Return a lifespan that is written down."""

        @asynccontextmanager
        async def lifespan(_app: object) -> AsyncGenerator[None]:
            self.entries.append(f"{name} in")
            yield
            self.entries.append(f"{name} out")

        return lifespan


@asynccontextmanager
async def serving(app: Starlette, bound: Any) -> AsyncGenerator[httpx2.AsyncClient]:
    async with running([Listener(app, bound)]), httpx2.AsyncClient(timeout=30) as http:
        yield http


@AROUND
@MODES
async def test_without_sign_in_one_line_is_enough(
    make_app: Callable[[Lifespan], Starlette], mode: str, tmp_path: Path
) -> None:
    log = Log()
    app = make_app(log.of("app"))
    connector = build_connector(tmp_path / "store.db", [], lifespan=log.of("connector"))
    other = Connector("Other", store=tmp_path / "other.db", lifespan=log.of("other"))
    connector.mount_on(app, "/tasks")
    other.mount_on(app, "/other/tools")

    with open_socket("127.0.0.1", 0) as bound:
        origin = f"http://127.0.0.1:{bound.getsockname()[1]}"
        async with serving(app, bound) as http:
            async with Client(streamable_http_client(f"{origin}/tasks/mcp", http_client=http), mode=mode) as client:
                assert "Water the plants" in await text_of(client, "task_board")
                assert await text_of(client, "add_task", title="Rest") == "Added Rest."
            async with Client(streamable_http_client(f"{origin}/other/tools/mcp", http_client=http)) as client:
                assert client.server_info is not None
                assert client.server_info.name == "other"
            assert (await http.get(f"{origin}/own")).json() == {"from": "the author"}
            assert (await http.get(f"{origin}/tasks/elsewhere")).status_code == 404
    assert log.entries[0] == "app in"
    assert log.entries[-1] == "app out"
    for name in ("app", "connector", "other"):
        assert [entry for entry in log.entries if entry.startswith(name)] == [f"{name} in", f"{name} out"]


@AROUND
@MODES
async def test_people_sign_in_below_the_path(
    make_app: Callable[[Lifespan], Starlette], mode: str, tmp_path: Path
) -> None:
    await with_account(tmp_path / "accounts.db", "ada", roles=["editor", "intarsia:admin"])
    async with AsyncExitStack() as stack:
        bound = stack.enter_context(open_socket("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{bound.getsockname()[1]}"
        address = f"{origin}/teams/tasks"
        app = make_app(Log().of("app"))
        auth = EmbeddedIssuer(address, accounts=tmp_path / "accounts.db")
        build_connector(tmp_path / "store.db", []).mount_on(app, "/teams/tasks", auth=auth)
        http = await stack.enter_async_context(serving(app, bound))

        refused = await http.post(f"{address}/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "ping"})
        told = challenge(refused)["resource_metadata"]
        assert told == f"{origin}/.well-known/oauth-protected-resource/teams/tasks/mcp"
        resource = (await http.get(told)).json()
        assert (resource["resource"], resource["authorization_servers"]) == (f"{address}/mcp", [address])
        issuer = (await http.get(f"{origin}/.well-known/oauth-authorization-server/teams/tasks")).json()
        assert issuer["issuer"] == address
        assert issuer["authorization_endpoint"] == f"{address}/authorize"

        browser = await stack.enter_async_context(opened(origin))
        browser.base = "/teams/tasks"
        person = App(browser)
        metadata = OAuthClientMetadata(redirect_uris=[AnyUrl(APP_CALLBACK)], client_name="Test chat")
        signs_in = OAuthClientProvider(f"{address}/mcp", metadata, person, person.open_browser, person.come_back)
        signed = await stack.enter_async_context(httpx2.AsyncClient(auth=signs_in, timeout=30))
        chat = Client(streamable_http_client(f"{address}/mcp", http_client=signed), mode=mode)
        client = await stack.enter_async_context(chat)
        assert await text_of(client, "add_task", title="Rest") == "Added Rest."
        assert f'"issuer": "{address}"' in await text_of(client, "say_who")

        assert signs_in.context.client_info is not None
        request = {"client_id": signs_in.context.client_info.client_id, "redirect_uri": APP_CALLBACK, "state": "s"}
        without_pkce = await browser.http.get(f"{address}/authorize", params={**request, "response_type": "code"})
        assert f'href="{APP_CALLBACK}?' in without_pkce.text, "the way back to the app is not below the path"
        await every_page_stays_below_the_path(browser.http, "/teams/tasks")


async def every_page_stays_below_the_path(http: httpx2.AsyncClient, base: str) -> None:
    """Follow every link of the pages of a person and of an admin, and sign out in the end."""
    seen: set[str] = set()
    left = [f"{base}/apps", f"{base}/admin"]
    while left:
        path = left.pop()
        answer = await http.get(path)
        assert answer.status_code == 200, path
        if answer.headers["content-type"].startswith("text/html"):
            page = Page(answer)
            here = [link for link in (*page.links, *(form.action for form in page.forms)) if link.startswith("/")]
            assert all(link.startswith(f"{base}/") for link in here), here
            left += [link for link in page.links if link.startswith("/") and not seen & {link.partition("?")[0]}]
            assert 'href="/' not in answer.text.replace(f'href="{base}/', "")
            assert 'src="/' not in answer.text.replace(f'src="{base}/', "")
            style = answer.text.partition('rel="stylesheet" href="')[2].partition('"')[0]
            if style:
                assert (await http.get(style)).headers["content-type"].startswith("text/css")
        seen |= {path, path.partition("?")[0]}
    assert f"{base}/admin/log" in seen

    page = Page(await http.get(f"{base}/apps"))
    form = page.form(f"{base}/sign-out")
    answer = await http.post(form.action, data=dict(form.fields))
    assert (answer.status_code, answer.headers["location"]) == (303, f"{base}/apps")
    assert f'action="{base}/sign-in"' in (await http.get(f"{base}/apps")).text


@AROUND
@MODES
async def test_tokens_of_another_issuer_are_taken_below_the_path(
    make_app: Callable[[Lifespan], Starlette], mode: str, issuer: RunningIssuer, tmp_path: Path
) -> None:
    person = Person(issuer)
    app = make_app(Log().of("app"))
    with open_socket("127.0.0.1", 0) as bound:
        origin = f"http://127.0.0.1:{bound.getsockname()[1]}"
        address = f"{origin}/tasks/mcp"
        auth = ResourceServer(address, [issuer.url])
        build_connector(tmp_path / "store.db", []).mount_on(app, "/tasks", auth=auth)
        metadata = OAuthClientMetadata(redirect_uris=[AnyUrl(CALLBACK)])
        signs_in = OAuthClientProvider(address, metadata, person, person.open_browser, person.come_back)
        async with (
            serving(app, bound) as http,
            httpx2.AsyncClient(auth=signs_in, timeout=30) as signed,
            Client(streamable_http_client(address, http_client=signed), mode=mode) as client,
        ):
            assert await text_of(client, "add_task", title="Rest") == "Added Rest."
            refused = await http.post(address, json={"jsonrpc": "2.0", "id": 1, "method": "ping"})
            assert refused.status_code == 401
            told = challenge(refused)["resource_metadata"]
            assert told == f"{origin}/.well-known/oauth-protected-resource/tasks/mcp"
            assert (await http.get(told)).json()["resource"] == address
    assert person.scopes_asked_for() == [{"tasks:read", "tasks:write"}]


async def test_an_existing_server_keeps_its_token_check_and_its_tools_when_it_is_mounted(tmp_path: Path) -> None:
    server, app = signed_in_mcp_server(), FastAPI()

    @server.tool()
    def say_hello() -> str:
        """Say hello."""
        return "Hello."

    notes(tmp_path / "store.db", server).mount_on(app, "/notes")
    with open_socket("127.0.0.1", 0) as bound:
        address = f"http://127.0.0.1:{bound.getsockname()[1]}/notes/mcp"
        async with serving(app, bound) as http:
            refused = await http.post(address, json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
            assert refused.status_code == 401
            http.headers["Authorization"] = "Bearer token-ada"
            async with Client(streamable_http_client(address, http_client=http)) as client:
                names = {tool.name for tool in (await client.list_tools()).tools}
    assert {say_hello.__name__, "panel", "write"} <= names


@pytest.mark.parametrize("path", ["", "/", "tasks", "/tasks/", "/a b", "/../x", "/tasks//x", "/tasks/mcp"])
def test_a_path_that_cannot_be_one_is_refused(path: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="mount_on"):
        build_connector(tmp_path / "store.db", []).mount_on(FastAPI(), path)


def test_an_address_that_leads_elsewhere_is_refused_with_the_right_one(tmp_path: Path) -> None:
    connector = build_connector(tmp_path / "store.db", [])
    for auth, better in (
        (EmbeddedIssuer("https://example.com"), "'https://example.com/tasks'"),
        (ResourceServer("https://example.com/mcp", ["https://login.example.com"]), "'https://example.com/tasks/mcp'"),
    ):
        with pytest.raises(SettingError, match=better):
            connector.mount_on(FastAPI(), "/tasks", auth=auth)


async def test_what_is_no_application_has_started_or_has_the_path_already_is_refused(tmp_path: Path) -> None:
    connector, app = build_connector(tmp_path / "store.db", []), FastAPI()
    connector.mount_on(app, "/tasks")
    with pytest.raises(SettingError, match="mounted at '/tasks' already"):
        connector.mount_on(app, "/tasks")
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://localhost") as http:
        await http.get("/docs")
    with pytest.raises(SettingError, match="has started"):
        connector.mount_on(app, "/others")
    with pytest.raises(SettingError, match="takes an application of FastAPI or Starlette, not str"):
        connector.mount_on(cast("Any", "app"), "/tasks")


async def test_an_application_that_is_mounted_by_hand_says_which_line_to_write(tmp_path: Path) -> None:
    app = FastAPI()
    app.mount("/tasks", build_connector(tmp_path / "store.db", []).app())
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://localhost") as http:
        with pytest.raises(SettingError, match=r"Write connector\.mount_on\(app, '/path'\) instead of app\.mount"):
            await http.post("/tasks/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "ping"})

"""What an issuer may answer, and how often it is asked: over real HTTP, with an issuer that misbehaves on demand."""

import asyncio
from base64 import b64decode
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from intarsia import Introspection, Issuer, ResourceServer
from intarsia.host.server import running_server
from intarsia.server.auth.resource_server import cache, introspection, issuer_http, verifier
from intarsia.server.auth.resource_server.cache import SingleFlight, TtlCache
from intarsia.server.auth.resource_server.errors import Reason, TokenError
from intarsia.server.auth.resource_server.issuer_http import IssuerError, IssuerHttpClient
from intarsia.server.auth.resource_server.issuer_metadata import Metadata
from intarsia.server.auth.resource_server.verifier import Verifier
from tests.security.connector_server import RESOURCE, good_claims

Page = Callable[[Request], Awaitable[Response]]


@dataclass
class Pages:
    """An issuer that shows what it is told to show."""

    by_path: dict[str, Page] = field(default_factory=dict[str, Page])
    asked: list[str] = field(default_factory=list[str])
    address: str = ""

    def show(self, path: str, value: object) -> None:
        async def page(_request: Request) -> Response:
            return JSONResponse(value)

        self.by_path[path] = page

    async def answer(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        page = self.by_path.get(request.url.path)
        return await page(request) if page else Response(status_code=404)


@pytest.fixture
async def pages() -> AsyncIterator[Pages]:
    made = Pages()
    app = Starlette(routes=[Route("/{path:path}", made.answer, methods=["GET", "POST"])])
    async with running_server(app) as made.address:
        yield made


@pytest.fixture
async def fetcher() -> AsyncIterator[IssuerHttpClient]:
    made = IssuerHttpClient()
    async with made.running():
        yield made


@pytest.mark.parametrize(
    ("tenant", "found_at"),
    [
        ("", "/.well-known/oauth-authorization-server"),
        ("", "/.well-known/openid-configuration"),
        ("/tenant", "/.well-known/oauth-authorization-server/tenant"),
        ("/tenant", "/tenant/.well-known/openid-configuration"),
        ("/tenant/", "/tenant/.well-known/openid-configuration"),
    ],
)
async def test_metadata_are_found_where_standards_put_them(
    pages: Pages, fetcher: IssuerHttpClient, tenant: str, found_at: str
) -> None:
    issuer = Issuer(f"{pages.address}{tenant}")
    pages.show(found_at, {"issuer": issuer.url, "jwks_uri": f"{pages.address}/keys"})
    metadata = Metadata(issuer, fetcher, SingleFlight())

    for _ in range(3):
        assert await metadata.address_of("jwks_uri") == f"{pages.address}/keys"
    assert pages.asked[-1] == found_at
    assert len(pages.asked) <= 2


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"issuer": "https://other.example.com"}, "does not name"),
        ({"issuer": "{}/"}, "does not name"),
        ({"issuer": None}, "does not name"),
        ({"jwks_uri": "http://keys.example.com"}, "must use https"),
        ({"jwks_uri": "http://tasks@127.0.0.1/keys"}, "must be an absolute URL"),
        ({"jwks_uri": "file:///etc/passwd"}, "must be an absolute URL"),
        ({"jwks_uri": None}, "must be an absolute URL"),
        ({"jwks_uri": ["https://keys.example.com"]}, "must be an absolute URL"),
    ],
    ids=str,
)
async def test_metadata_that_lead_elsewhere_are_not_followed(
    pages: Pages, fetcher: IssuerHttpClient, changed: dict[str, Any], words: str
) -> None:
    planted = {
        name: value.format(pages.address) if name == "issuer" and value else value for name, value in changed.items()
    }
    shown = {"issuer": pages.address, "jwks_uri": f"{pages.address}/keys", **planted}
    pages.show("/.well-known/oauth-authorization-server", shown)

    with pytest.raises(IssuerError, match=words):
        await Metadata(Issuer(pages.address), fetcher, SingleFlight()).address_of("jwks_uri")


async def test_an_issuer_elsewhere_does_not_lead_to_this_machine() -> None:
    class Elsewhere(IssuerHttpClient):
        async def get(self, address: str) -> dict[str, str]:  # noqa: ARG002 - it has one answer
            return {"issuer": "https://login.example.com", "introspection_endpoint": "http://127.0.0.1:8484/x"}

    metadata = Metadata(Issuer("https://login.example.com"), Elsewhere(), SingleFlight())

    with pytest.raises(IssuerError, match=r"introspection_endpoint of .* must use https"):
        await metadata.address_of("introspection_endpoint")


async def redirects(_request: Request) -> Response:
    return RedirectResponse("/elsewhere")


async def floods(_request: Request) -> Response:
    async def pieces() -> AsyncGenerator[bytes]:
        for _ in range(100):
            yield b" " * 65_536

    return StreamingResponse(pieces(), media_type="application/json")


async def drips(_request: Request) -> Response:
    async def pieces() -> AsyncGenerator[bytes]:
        for _ in range(200):
            yield b" "
            await asyncio.sleep(0.02)

    return StreamingResponse(pieces(), media_type="application/json")


async def fails(_request: Request) -> Response:
    return JSONResponse({"keys": []}, status_code=500)


async def speaks_html(_request: Request) -> Response:
    return Response("<html>", media_type="application/json")


async def lists(_request: Request) -> Response:
    return JSONResponse([1])


async def repeats(_request: Request) -> Response:
    return Response('{"a": 1, "a": 2}')


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (redirects, "status 307"),
        (floods, "more than 256 KB"),
        (drips, "no complete response within 0.5 seconds"),
        (fails, "status 500"),
        (speaks_html, "did not respond with a JSON object"),
        (lists, "did not respond with a JSON object"),
        (repeats, "did not respond with a JSON object"),
    ],
)
async def test_an_answer_is_bounded_and_must_be_json(
    pages: Pages, fetcher: IssuerHttpClient, monkeypatch: pytest.MonkeyPatch, page: Page, words: str
) -> None:
    monkeypatch.setattr(issuer_http, "FETCH_SECONDS", 0.5 if page is drips else 5)
    pages.by_path["/page"] = page

    with pytest.raises(IssuerError, match=words):
        await fetcher.get(f"{pages.address}/page")
    assert "/elsewhere" not in pages.asked


async def test_an_issuer_that_is_not_there_is_told_without_what_was_sent(fetcher: IssuerHttpClient) -> None:
    with pytest.raises(IssuerError) as told:
        await fetcher.ask("http://127.0.0.1:9/introspect", {"token": "made-up-token"}, {"Authorization": "made-up"})

    assert str(told.value) == "http://127.0.0.1:9/introspect cannot be used: no connection: ConnectError."
    assert told.value.__cause__ is None


async def test_tokens_are_verified_only_while_the_connector_runs() -> None:
    with pytest.raises(IssuerError, match="start the application's lifespan"):
        await IssuerHttpClient().get("https://login.example.com")


@asynccontextmanager
async def asking(pages: Pages, answer: object, **changed: Any) -> AsyncGenerator[Verifier]:
    pages.show("/introspect", answer)
    settings = Introspection(client_id="a:b", client_secret="c d/é", endpoint=f"{pages.address}/introspect")
    issuer = Issuer("https://login.example.com", introspection=replace(settings, **changed))
    made = Verifier(ResourceServer(RESOURCE, [issuer]))
    async with made.running():
        yield made


def good_answer(**changed: Any) -> dict[str, Any]:
    return {"active": True, "token_type": "Bearer", **good_claims("https://login.example.com", **changed)}


@pytest.mark.parametrize(
    "changed",
    [
        {"active": "true"}, {"active": 1}, {"active": None}, {"active": False}, {"token_type": "DPoP"},
        {"token_type": "refresh_token"}, {"token_type": None}, {"token_type": ["Bearer"]}, {"cnf": {}},
        {"iss": "https://other.example.com"},
    ],
    ids=str,
)  # fmt: skip
async def test_an_answer_that_is_not_a_clear_yes_is_a_no(pages: Pages, changed: dict[str, Any]) -> None:
    async with asking(pages, {**good_answer(), **changed}) as verify:
        with pytest.raises(TokenError):
            await verify.verify("made-up-token")


async def test_the_issuers_own_endpoint_need_not_say_who_it_is(pages: Pages) -> None:
    async with asking(pages, good_answer(iss=..., token_type="bearer")) as verify:
        assert (await verify.verify("made-up-token")).issuer == "https://login.example.com"


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_the_client_proves_itself_as_it_is_registered(pages: Pages, method: str) -> None:
    seen: list[tuple[str, dict[str, Any]]] = []

    async def page(request: Request) -> Response:
        async with request.form() as form:
            seen.append((request.headers.get("authorization", ""), dict(form)))
        return JSONResponse(good_answer())

    async with asking(pages, None, method=method) as verify:
        pages.by_path["/introspect"] = page
        await verify.verify("made-up-token")

    [(header, form)] = seen
    asked = {"token": "made-up-token", "token_type_hint": "access_token"}
    if method == "client_secret_basic":
        assert b64decode(header.removeprefix("Basic ")) == b"a%3Ab:c+d%2F%C3%A9"
        assert form == asked
    else:
        assert header == ""
        assert form == {**asked, "client_id": "a:b", "client_secret": "c d/é"}


@pytest.mark.parametrize("is_active", [True, False])
async def test_many_calls_with_one_token_ask_once(pages: Pages, *, is_active: bool) -> None:
    async def try_it(verify: Verifier) -> str | Reason:
        try:
            return (await verify.verify("made-up-token")).subject
        except TokenError as error:
            return error.reason

    async with asking(pages, good_answer() if is_active else {"active": False}) as verify:
        found = await asyncio.gather(*(try_it(verify) for _ in range(200)))
        found.append(await try_it(verify))

    assert set(found) == {"ada" if is_active else Reason.NOT_ACTIVE}
    assert pages.asked == ["/introspect"]


async def test_an_answer_is_asked_for_again_when_it_is_old(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    for module in (cache, verifier):
        monkeypatch.setattr(module, "monotonic", lambda: now[0])
    async with asking(pages, good_answer()) as verify:
        await verify.verify("made-up-token")
        pages.show("/introspect", {"active": False})
        now[0] += introspection.ANSWER_SECONDS - 0.1
        await verify.verify("made-up-token")
        now[0] += 0.2
        with pytest.raises(TokenError):
            await verify.verify("made-up-token")


async def test_questions_wait_for_each_other_when_there_are_many(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    most, open_now, ever = 4, 0, [0]
    monkeypatch.setattr(verifier, "MAX_INTROSPECTIONS", most)

    async def page(_request: Request) -> Response:
        nonlocal open_now
        open_now += 1
        ever.append(open_now)
        for _ in range(20):
            await asyncio.sleep(0)
        open_now -= 1
        return JSONResponse({"active": False})

    async with asking(pages, None) as verify:
        pages.by_path["/introspect"] = page
        answers = await asyncio.gather(*(verify.verify(f"made-up-{n}") for n in range(60)), return_exceptions=True)

    assert {type(answer) for answer in answers} == {TokenError}
    assert max(ever) <= most


async def test_a_question_that_gets_no_turn_is_not_waited_for(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifier, "MAX_INTROSPECTIONS", 0)
    monkeypatch.setattr(verifier, "FETCH_SECONDS", 0.1)

    async with asking(pages, good_answer()) as verify:
        with pytest.raises(IssuerError, match="Too many introspection requests"):
            await verify.verify("made-up-token")
    assert pages.asked == []


async def test_no_memory_holds_a_token_or_grows_without_end(pages: Pages) -> None:
    async with asking(pages, good_answer()) as verify:
        await verify.verify("made-up-token")
        assert "made-up-token" not in "".join(
            repr(vars(held)) for held in (verify, *vars(verify).values()) if hasattr(held, "__dict__")
        )

    memory: TtlCache[int] = TtlCache(3)
    for number in range(1000):
        memory.keep(number, number, until=float("inf"))
        memory.get(998)
    memory.keep("old", 1, until=0)
    assert len(memory) == 3
    assert memory.get("old") is None
    assert memory.get(998) == 998
    assert memory.get(1) is None


async def test_work_that_fails_fails_for_all_and_is_started_again() -> None:
    shared, runs = SingleFlight(), [0]

    async def work() -> int:
        runs[0] += 1
        if runs[0] == 1:
            message = "once"
            raise ValueError(message)
        return runs[0]

    first = await asyncio.gather(*(shared.join("x", work) for _ in range(3)), return_exceptions=True)

    assert [str(error) for error in first] == ["once"] * 3
    assert await shared.join("x", work) == 2
    await shared.stop()

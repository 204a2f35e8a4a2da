"""Attacks on access tokens, over real HTTP and in both eras: T01 to T05 and T08. What passes is said exactly.

Every fault is planted into a token that is in order otherwise: truly signed by the issuer, or truly vouched for by its
introspection. `test_guards.py` takes each guard away and sees the attack get through.
"""

from pathlib import Path
from time import time
from typing import Any

import pytest
from starlette.types import ASGIApp

from intarsia import ResourceServer
from intarsia.server.auth.resource_server import middleware
from tests.security.conftest import Trusting, assert_turned_away, in_both_eras, of_both_kinds
from tests.security.connector_server import ERAS, RESOURCE, challenge, done, good_claims, running_connector_server
from tests.security.issuer import RunningIssuer, make_keys, running_issuer


@in_both_eras
@of_both_kinds
async def test_a_token_in_order_is_taken(trusting: Trusting, era: str, kind: str) -> None:
    response = await trusting.served.call(era, token=trusting.token(kind))

    assert "Water the plants" in done(response)
    assert trusting.served.entered == ["task_board"]


@in_both_eras
@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Basic YWRhOmFkYQ==", "Token x", "Bearerx", "DPoP abc", "bea rer x"]
)
async def test_t01_who_sends_no_token_is_told_where_to_get_one(
    trusting: Trusting, era: str, header: str | None
) -> None:
    response = await trusting.served.call(era, headers={"Authorization": header} if header is not None else {})

    assert_turned_away(trusting, response, was_sent=False)


@in_both_eras
@pytest.mark.parametrize(
    "token",
    [
        "garbage",
        "a.b.c",
        "..",
        "....",
        "null",
        "x" * 20_000,
        "a b",
        'a"b',
        "a,b",
        "\xe9\xff",
        "eyJhbGciOiJSUzI1NiJ9.e30.",
    ],
    ids=lambda token: token[:12],
)
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_t01_garbage_is_no_token(trusting: Trusting, era: str, scheme: str, token: str) -> None:
    response = await trusting.served.call(era, headers={"Authorization": f"{scheme} {token}"})

    assert_turned_away(trusting, response)


@in_both_eras
async def test_t01_a_token_of_64_kb_does_not_pass_the_gate(trusting: Trusting, era: str) -> None:
    response = await trusting.served.call(era, token="x" * 64 * 1024)

    assert response.status_code == 431
    assert trusting.served.entered == []


@in_both_eras
@pytest.mark.parametrize("method", ["GET", "DELETE", "POST", "PUT", "OPTIONS", "HEAD"])
@pytest.mark.parametrize("path", ["/mcp", "/", "/anything", "//.well-known/oauth-protected-resource", "/mcp/"])
async def test_t01_every_route_asks_for_a_token(trusting: Trusting, era: str, method: str, path: str) -> None:
    headers = {"MCP-Protocol-Version": era, "Content-Type": "application/json"}

    address = f"{trusting.served.addresses[0]}{path}"
    response = await trusting.served.http.request(method, address, headers=headers, content="{}")

    assert_turned_away(trusting, response, was_sent=False)


@in_both_eras
async def test_t01_a_call_of_nobody_is_not_taken_for_the_person_of_this_machine(
    issuer: RunningIssuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, era: str
) -> None:
    # As if the library that hands down who calls had lost it.
    def forgets(app: ASGIApp) -> ASGIApp:
        return app

    monkeypatch.setattr(middleware, "AuthContextMiddleware", forgets)

    async with running_connector_server(ResourceServer(RESOURCE, [issuer.url]), tmp_path) as served:
        response = await served.call(era, token=issuer.sign(good_claims(issuer.url)))

    assert "The caller of this request is unknown" in response.text
    assert "Water the plants" not in response.text
    assert served.entered == []


@in_both_eras
@of_both_kinds
@pytest.mark.parametrize(
    "expiry", [-1, 0, "0", "-1", "float", "text", True, None, ..., [1], {}, 253_402_300_799, 86_460], ids=str
)
async def test_t02_only_a_token_that_expires_soon_and_has_not_yet_is_taken(
    trusting: Trusting, era: str, kind: str, expiry: Any
) -> None:
    soon = int(time()) + 300
    planted = {
        -1: int(time()) - 1,
        86_460: int(time()) + 86_460,
        "0": 0,
        "-1": -soon,
        "float": soon + 0.5,
        "text": str(soon),
    }
    exp = planted.get(expiry, expiry) if isinstance(expiry, int | str) and expiry is not True else expiry

    response = await trusting.served.call(era, token=trusting.token(kind, exp=exp))

    assert_turned_away(trusting, response)


@in_both_eras
@of_both_kinds
async def test_t02_a_token_that_was_taken_is_refused_when_it_has_expired(
    trusting: Trusting, era: str, kind: str
) -> None:
    expiry = int(time()) + 3
    token = trusting.token(kind, exp=expiry)
    assert (await trusting.served.call(era, token=token)).status_code == 200

    started = time()
    while (response := await trusting.served.call(era, token=token)).status_code == 200:
        assert started < expiry
        started = time()
    trusting.served.entered.clear()

    assert_turned_away(trusting, response)


@in_both_eras
@of_both_kinds
@pytest.mark.parametrize(
    ("claim", "ahead", "is_taken"),
    [
        ("nbf", -60, True), ("nbf", 25, True), ("nbf", 60, False), ("nbf", 600, False),
        ("iat", -60, True), ("iat", 25, True), ("iat", 60, False), ("iat", 600, False),
        ("exp", 60, True), ("exp", -25, False), ("exp", -60, False),
    ],
)  # fmt: skip
async def test_t03_the_issuers_clock_may_be_half_a_minute_ahead_and_no_more(
    trusting: Trusting, era: str, kind: str, claim: str, ahead: int, *, is_taken: bool
) -> None:
    token = trusting.token(kind, **{claim: int(time()) + ahead})

    response = await trusting.served.call(era, token=token)

    if is_taken:
        assert response.status_code == 200
    else:
        assert_turned_away(trusting, response)


@in_both_eras
@of_both_kinds
@pytest.mark.parametrize("claim", ["nbf", "iat"])
@pytest.mark.parametrize("value", ["1", 1.5, True, None, [1]], ids=str)
async def test_t03_a_time_that_is_no_whole_number_is_refused(
    trusting: Trusting, era: str, kind: str, claim: str, value: Any
) -> None:
    response = await trusting.served.call(era, token=trusting.token(kind, **{claim: value}))

    assert_turned_away(trusting, response)


@in_both_eras
@of_both_kinds
@pytest.mark.parametrize(
    "audience",
    [
        ..., None, "", [], {}, 7, "https://other.example.com/mcp", f"{RESOURCE}x", f"{RESOURCE}/", RESOURCE[:-1],
        "https://tasks.example.com:8443/mcp", "https://tasks.example.com:443/mcp", "http://tasks.example.com/mcp",
        "https://Tasks.example.com/mcp", "https://tasks.example.com/MCP", f" {RESOURCE}", f"{RESOURCE}?a",
        [f"{RESOURCE}x"], ["https://other.example.com/mcp", "account"],
        [[RESOURCE]], {RESOURCE: True}, "tasks.example.com", "*",
    ],
    ids=str,
)  # fmt: skip
async def test_t04_a_token_for_somebody_else_is_refused(trusting: Trusting, era: str, kind: str, audience: Any) -> None:
    response = await trusting.served.call(era, token=trusting.token(kind, aud=audience))

    assert_turned_away(trusting, response)


@in_both_eras
@of_both_kinds
async def test_t04_a_token_for_several_of_whom_this_is_one_is_taken(trusting: Trusting, era: str, kind: str) -> None:
    token = trusting.token(kind, aud=["https://other.example.com/mcp", RESOURCE])

    assert (await trusting.served.call(era, token=token)).status_code == 200


@in_both_eras
@of_both_kinds
@pytest.mark.parametrize("planted", ["{}/", "{} ", "https://evil.example.com", "HTTP{}", "", None, "list", 7], ids=str)
async def test_t05_a_token_that_names_another_issuer_is_refused(
    trusting: Trusting, era: str, kind: str, planted: Any
) -> None:
    url = trusting.issuer.url
    if planted == "list":
        named: Any = [url]
    else:
        named = planted.format(url).replace(f"HTTP{url}", f"HTTP{url[4:]}") if isinstance(planted, str) else planted

    response = await trusting.served.call(era, token=trusting.token(kind, iss=named))

    assert_turned_away(trusting, response)


@in_both_eras
async def test_t05_a_signed_token_that_names_no_issuer_is_refused(trusting: Trusting, era: str) -> None:
    assert_turned_away(trusting, await trusting.served.call(era, token=trusting.token("signed", iss=...)))


async def test_t05_a_trusted_issuer_speaks_for_itself_alone(issuer: RunningIssuer, tmp_path: Path) -> None:
    async with running_issuer(make_keys("1")) as other:
        auth = ResourceServer(RESOURCE, [other.url, issuer.url])
        async with running_connector_server(auth, tmp_path) as served:
            for era in ERAS:
                honest, forged = (other.sign(good_claims(named.url)) for named in (other, issuer))
                assert (await served.call(era, token=honest)).status_code == 200
                assert (await served.call(era, token=forged)).status_code == 401


@in_both_eras
@of_both_kinds
async def test_t08_a_token_anywhere_but_in_its_header_is_not_seen(trusting: Trusting, era: str, kind: str) -> None:
    token = trusting.token(kind)
    served = trusting.served

    assert_turned_away(trusting, await served.call(era, query=f"?access_token={token}"), was_sent=False)
    cookies = {"Cookie": f"access_token={token}; Authorization=Bearer {token}"}
    assert_turned_away(trusting, await served.call(era, headers=cookies), was_sent=False)
    in_body = {"access_token": token, "Authorization": f"Bearer {token}"}
    assert_turned_away(trusting, await served.call(era, arguments=in_body), was_sent=False)
    others = {"Proxy-Authorization": f"Bearer {token}", "X-Authorization": f"Bearer {token}"}
    assert_turned_away(trusting, await served.call(era, headers=others), was_sent=False)

    form = await served.http.post(f"{served.addresses[0]}/mcp", data={"access_token": token})
    assert form.status_code == 415
    assert served.entered == []


@in_both_eras
@of_both_kinds
@pytest.mark.parametrize("second", ["same", "garbage", "none"])
async def test_t08_two_authorization_headers_are_refused(trusting: Trusting, era: str, kind: str, second: str) -> None:
    token = trusting.token(kind)
    other = {"same": f"Bearer {token}", "garbage": "Bearer garbage", "none": ""}[second]
    for headers in ((f"Bearer {token}", other), (other, f"Bearer {token}")):
        response = await trusting.served.call(era, headers=[("Authorization", value) for value in headers])

        assert response.status_code == 400
        assert challenge(response)["error"] == "invalid_request"
        assert trusting.served.entered == []

    joined = {"Authorization": f"Bearer {token}, Bearer {token}"}
    assert_turned_away(trusting, await trusting.served.call(era, headers=joined))

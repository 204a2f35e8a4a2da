"""Admins who sign in at an issuer that is not ours: who gets in, who gets out, and what attackers get."""

import logging
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from starlette.responses import Response

from intarsia.server.admin.issuer_sign_in import AdminPages
from intarsia.server.audit.log import AuditQuery
from intarsia.server.auth.resource_server.claims import Bearer
from intarsia.server.auth.resource_server.verifier import Verifier
from intarsia.server.pages.browsers import Browser, BrowserCookies
from tests.admin.issuer_admin_site import (
    BACK,
    COOKIE,
    AdminBrowser,
    AdminPlace,
    Client,
    query_of,
    running_issuer_admin_site,
)
from tests.authorization_server.browser import Page
from tests.security.connector_server import RESOURCE
from tests.security.issuer import RunningIssuer, make_keys, running_issuer

MAX_SECONDS = 6
"""Within which what the issuer takes back must have ended: what the verifier promises is five."""


@pytest.fixture(scope="module")
async def company(anyio_backend: str) -> AsyncIterator[RunningIssuer]:  # noqa: ARG001 - an async fixture of a module must name it
    async with running_issuer(make_keys("admin")) as issuer:
        yield issuer


@pytest.fixture
async def place(company: RunningIssuer, tmp_path: Path) -> AsyncIterator[AdminPlace]:
    async with running_issuer_admin_site(tmp_path, company) as opened:
        yield opened


@pytest.fixture
async def ruth(place: AdminPlace) -> AdminBrowser:
    """An admin who is signed in."""
    browser = place.browser()
    answer = await browser.sign_in("ruth")
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin"), answer.text
    return browser


async def assert_out(browser: AdminBrowser) -> None:
    """Check that a browser is shown nothing but the way to the issuer."""
    answer = await browser.get()
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith(f"{browser.issuer.url}/auth?")


async def test_the_browser_is_sent_to_the_issuer_with_all_that_protects_the_way_back(place: AdminPlace) -> None:
    address = await place.browser().leave()

    query = query_of(address)
    assert address.startswith(f"{place.issuer.url}/auth?")
    assert query["redirect_uri"] == BACK
    assert query["resource"] == RESOURCE
    assert (query["response_type"], query["code_challenge_method"]) == ("code", "S256")
    assert len(query["state"]) == len(query["code_challenge"]) == len(urlsafe_b64encode(bytes(32)).rstrip(b"="))


@pytest.mark.parametrize("client", ["opaque-admin", "signed-admin"])
async def test_an_admin_turns_a_tool_off(company: RunningIssuer, tmp_path: Path, client: Client) -> None:
    async with running_issuer_admin_site(tmp_path, company, client) as place:
        ruth = place.browser()
        answer = await ruth.sign_in("ruth")
        assert answer.status_code == 303, answer.text

        page = Page(await ruth.get())
        answer = await ruth.turn_off(await ruth.csrf_token())

        assert answer.status_code == 303, answer.text
        assert await place.board_is() == "off"
        assert "/admin/log" in page.links
        assert "/admin/people" not in page.links
        (switched,) = await place.connector.audit.rows(AuditQuery(event="switch"))
        (signed_in,) = await place.connector.audit.rows(AuditQuery(event="sign_in"))
        assert switched.entry.who == signed_in.entry.who
        assert "ruth" in signed_in.entry.who


@pytest.mark.parametrize("path", ["/admin", "/admin/log", "/admin/log.csv", "/admin/preview?tool=task_board"])
async def test_t44_who_lacks_the_role_gets_nothing(place: AdminPlace, path: str) -> None:
    browser = place.browser()

    answer = await browser.sign_in("eve")

    assert answer.status_code == 403
    assert "Admins only" in answer.text
    assert (await browser.get(path)).status_code == 303


async def test_t44_who_lost_the_role_is_out(place: AdminPlace, ruth: AdminBrowser) -> None:
    token = await ruth.csrf_token()
    await place.issuer.tell("roles", account="ruth", roles=["editor"])
    try:
        with anyio.fail_after(MAX_SECONDS):
            while (answer := await ruth.get()).status_code == 200:
                await anyio.lowlevel.checkpoint()
        assert answer.status_code == 403
        assert "Admins only" in answer.text
        assert (await ruth.turn_off(token)).status_code == 403
        assert await place.board_is() == "on"
    finally:
        await place.issuer.tell("roles", account="ruth", roles=["intarsia:admin"])
    await assert_out(ruth)  # the role is back, and the session is not


async def test_t34_whose_token_was_taken_back_is_out(place: AdminPlace, ruth: AdminBrowser) -> None:
    await place.issuer.tell("disable", account="ruth")
    try:
        with anyio.fail_after(MAX_SECONDS):
            while (answer := await ruth.get()).status_code == 200:
                await anyio.lowlevel.checkpoint()
        assert answer.status_code == 303
    finally:
        await place.issuer.tell("enable", account="ruth")
    await assert_out(ruth)


async def test_t34_sign_in_makes_a_new_session_id(place: AdminPlace) -> None:
    browser = place.browser()
    browser.http.cookies.set(COOKIE, "a" * 43, domain="tasks.example.com")

    await browser.sign_in("ruth")

    fixed = place.browser()
    fixed.http.cookies.set(COOKIE, "a" * 43, domain="tasks.example.com")
    assert (await browser.get()).status_code == 200
    await assert_out(fixed)


async def test_t34_a_session_is_dead_after_sign_out(place: AdminPlace, ruth: AdminBrowser) -> None:
    token, cookie = await ruth.csrf_token(), ruth.cookie
    assert cookie is not None

    page = Page(await ruth.post("/sign-out", {"csrf_token": token}))

    assert "Signed out" in page.words
    assert f"You may still be signed in at {place.issuer.url}." in page.words
    assert ruth.cookie is None
    thief = place.browser()
    thief.http.cookies.set(COOKIE, cookie, domain="tasks.example.com")
    await assert_out(thief)
    assert (await thief.turn_off(token)).status_code == 403
    assert [row.entry.event for row in await place.connector.audit.rows()] == ["sign_out", "sign_in"]


@pytest.mark.parametrize(
    "name", ["next", "next_path", "authorize_query", "redirect_uri", "post_logout_redirect_uri", "return_to"]
)
async def test_t15_no_parameter_leads_elsewhere(place: AdminPlace, name: str) -> None:
    elsewhere = "https://evil.example.com/"
    browser = place.browser()
    left = await browser.leave(f"/admin?{name}={elsewhere}")
    again = await browser.leave(f"/admin/sign-in?{name}={elsewhere}")
    answer = await place.issuer.consent(left, "ruth", BACK)

    back = await browser.come_back({**answer, name: elsewhere})
    out = await browser.post("/sign-out", {"csrf_token": await browser.csrf_token(), name: elsewhere})

    assert back.headers["location"] == "/admin"
    assert (out.status_code, "location" in out.headers) == (200, False)
    for address in (left, again):
        assert address.startswith(place.issuer.url)
        assert query_of(address)["redirect_uri"] == BACK
    assert "evil" not in left + again + out.text


async def test_t15_an_error_of_the_issuer_leads_nowhere(place: AdminPlace) -> None:
    browser = place.browser()
    state = query_of(await browser.leave())["state"]
    said = {"error": "https://evil.example.com/", "error_description": "<b>evil</b>", "error_uri": "https://evil"}

    answer = await browser.come_back({"state": state, "iss": place.issuer.url, **said})

    assert (answer.status_code, "location" in answer.headers) == (403, False)
    assert "evil" not in answer.text


async def test_t16_t42_what_another_browser_was_sent_for_is_refused(place: AdminPlace) -> None:
    attacker, victim = place.browser(), place.browser()
    answer = await attacker.answer_for("ruth")
    await victim.leave()

    forged = await victim.come_back(answer)

    assert forged.status_code == 403
    await assert_out(victim)
    assert "set-cookie" not in forged.headers


async def test_t16_t42_a_callback_without_any_cookie_is_refused(place: AdminPlace) -> None:
    answer = await place.browser().answer_for("ruth")

    assert (await place.browser().come_back(answer)).status_code == 403


@pytest.mark.parametrize("state", [None, "", "made-up", "a" * 43])
async def test_t16_t42_a_state_that_is_not_ours_is_refused(place: AdminPlace, state: str | None) -> None:
    browser = place.browser()
    answer = await browser.answer_for("ruth")
    del answer["state"]

    forged = await browser.come_back(answer if state is None else {**answer, "state": state})

    assert forged.status_code == 403
    await assert_out(browser)


async def test_t16_t42_a_state_is_used_once(place: AdminPlace) -> None:
    browser = place.browser()
    query = query_of(await browser.leave())
    refused = await browser.come_back({"state": query["state"], "iss": place.issuer.url, "error": "access_denied"})

    again = await browser.come_back({"state": query["state"], "iss": place.issuer.url, "error": "access_denied"})

    assert "Not signed in" in refused.text
    assert "has expired" in again.text


async def test_t16_t42_a_state_does_not_last(place: AdminPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = place.browser()
    answer = await browser.answer_for("ruth")
    monkeypatch.setattr("intarsia.server.auth.resource_server.cache.monotonic", lambda: anyio.current_time() + 601)

    late = await browser.come_back(answer)

    assert late.status_code == 403
    assert "has expired" in late.text


@pytest.mark.parametrize("said", [None, "https://evil.example.com"])
async def test_t16_an_answer_of_another_issuer_is_refused(place: AdminPlace, said: str | None) -> None:
    browser = place.browser()
    answer = await browser.answer_for("ruth")
    del answer["iss"]

    mixed_up = await browser.come_back(answer if said is None else {**answer, "iss": said})

    assert mixed_up.status_code == 403
    await assert_out(browser)


async def test_t16_a_code_of_somebody_else_is_not_redeemed(place: AdminPlace) -> None:
    stolen, own = place.browser(), place.browser()
    code = (await stolen.answer_for("ruth"))["code"]

    injected = await own.come_back({**await own.answer_for("eve"), "code": code})

    assert injected.status_code == 503  # the issuer compares the code with what began the sign-in (PKCE)
    await assert_out(own)


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example.com"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}],
    ids=["origin", "cross-site", "same-site"],
)
@pytest.mark.parametrize("path", ["/admin/switches", "/sign-out"])
async def test_t42_forms_from_elsewhere_change_nothing(
    place: AdminPlace, ruth: AdminBrowser, path: str, headers: dict[str, str]
) -> None:
    form = {"csrf_token": await ruth.csrf_token(), "tool": "tool:task_board", "position": "off"}

    answer = await ruth.post(path, {**form, "version tool:task_board": "0"}, **headers)

    assert answer.status_code == 403
    assert await place.board_is() == "on"
    assert (await ruth.get()).status_code == 200


async def test_t42_forms_with_the_token_of_another_browser_change_nothing(
    place: AdminPlace, ruth: AdminBrowser
) -> None:
    other = place.browser()
    await other.sign_in("ruth")
    foreign = await other.csrf_token()

    answers = [await ruth.turn_off(token) for token in (foreign, "", "made up")]
    out = await ruth.post("/sign-out", {"csrf_token": foreign})

    assert {answer.status_code for answer in (*answers, out)} == {403}
    assert await place.board_is() == "on"
    assert (await ruth.get()).status_code == 200


async def test_t43_no_page_can_be_framed(place: AdminPlace, ruth: AdminBrowser) -> None:
    browser = place.browser()
    refused = await browser.sign_in("eve")
    pages = [await browser.get(), refused, await ruth.get(), await ruth.get("/admin/log")]
    pages.append(await ruth.post("/sign-out", {"csrf_token": await ruth.csrf_token()}))

    for page in pages:
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["cache-control"] == "no-store"


async def test_t47_the_cookie_is_for_this_host_over_tls_and_for_no_script(place: AdminPlace) -> None:
    browser = place.browser()
    left = (await browser.get()).headers.get_list("set-cookie")
    came_back = (await browser.sign_in("ruth")).headers.get_list("set-cookie")

    for sent in (left, came_back):
        (cookie,) = sent
        name, _, flags = cookie.partition("=")
        assert name == COOKIE
        assert {flag.strip().lower() for flag in flags.split(";")[1:]} == {
            "httponly", "secure", "samesite=lax", "path=/", "max-age=28800",
        }  # fmt: skip


async def test_a_session_does_not_outlast_its_time(ruth: AdminBrowser) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "intarsia.server.auth.resource_server.cache.monotonic", lambda: anyio.current_time() + 8 * 60 * 60 + 1
        )
        await assert_out(ruth)


async def test_a_script_and_a_form_are_told_to_sign_in_again_and_not_sent_away(place: AdminPlace) -> None:
    browser = place.browser()

    scripted = await browser.get("/admin", **{"HX-Request": "true"})

    assert (scripted.status_code, scripted.headers["hx-redirect"]) == (401, "/admin")
    assert (await browser.turn_off("")).status_code == 403


async def test_nobody_is_let_in_while_the_issuer_is_away(tmp_path: Path) -> None:
    async with AsyncExitStack() as running:
        issuer = await running.enter_async_context(running_issuer(make_keys("away")))
        stopping = running.pop_all()
        place = await running.enter_async_context(running_issuer_admin_site(tmp_path, issuer))
        ruth, late = place.browser(), place.browser()
        await ruth.sign_in("ruth")
        answer, csrf_token = await late.answer_for("ruth"), await ruth.csrf_token()
        await stopping.aclose()

        assert (await late.come_back(answer)).status_code == 503
        with anyio.fail_after(MAX_SECONDS):
            while (shown := await ruth.get()).status_code == 200:
                await anyio.lowlevel.checkpoint()
        assert shown.status_code == 503
        assert shown.headers["retry-after"]
        sent = await ruth.turn_off(csrf_token)
        assert (sent.status_code, "cannot be verified right now" in sent.text) == (503, True)


async def test_no_token_code_or_cookie_is_logged_or_kept_in_a_file(
    place: AdminPlace, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG, logger="intarsia")
    tokens, verify = set[str](), Verifier.verify

    async def noting(verifier: Verifier, token: str) -> Bearer:
        tokens.add(token)
        return await verify(verifier, token)

    monkeypatch.setattr(Verifier, "verify", noting)
    browser = place.browser()
    answer = await browser.answer_for("ruth")
    await browser.come_back(answer)
    (token,), csrf_token = tokens, await browser.csrf_token()
    shown = (await browser.get()).text

    written = _all_in(tmp_path)
    # The test's own browser tells which address it opened.
    said = "\n".join(record.getMessage() for record in caplog.records if record.name != "httpx2")
    for secret in (token, answer["code"], answer["state"], str(browser.cookie), csrf_token):
        assert secret.encode() not in written
        assert secret not in said
    assert token not in shown
    assert str(browser.cookie) not in shown


def _all_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def test_servers_on_one_machine_have_cookies_of_their_own() -> None:
    for port in (8484, 8485):
        cookies = BrowserCookies(AdminPages(f"http://127.0.0.1:{port}", 60))
        sent = cookies.set_cookie(Response(), Browser("c", None)).headers["set-cookie"]
        assert sent.startswith(f"intarsia-{port}=c;")

"""T16, T17, T18 and the consent parts of T42, T43, T46 and T47: only the person decides, on our own page."""

from urllib.parse import urlencode

import httpx2
import pytest

from tests.authorization_server.browser import PASSWORD, Browser, Page
from tests.authorization_server.sign_in_site import Place

COOKIE = "__Host-intarsia"
CROSS_SITE = {"Origin": "https://tasks.example.com", "Sec-Fetch-Site": "cross-site"}
FOREIGN_PORT = {"Origin": "https://tasks.example.com:8443", "Sec-Fetch-Site": "same-site"}


async def asked(place: Place) -> tuple[Browser, Page]:
    """Return a browser, and the consent page in it."""
    browser = place.browser()
    return browser, await browser.arrive(place.asks(await place.register()))


def assert_refused(page: Page) -> None:
    assert page.response.status_code == 403
    assert "refresh" not in page.response.headers
    assert "location" not in page.response.headers


async def answer(browser: Browser, page: Page, *, headers: dict[str, str] | None = None, **changed: str) -> Page:
    return await browser.send(page.form("/consent"), headers=headers, decision="allow", scope="tasks:read", **changed)


async def test_the_person_ticks_scopes_one_by_one(place: Place) -> None:
    browser, page = await asked(place)

    assert page.form("/consent").ticks == ["tasks:read", "tasks:write", "offline_access"]
    assert "See tasks" in page.words
    assert "Change tasks" in page.words
    assert "Otherwise you connect it again after an hour" in page.words
    assert "It calls itself Chat" in page.words
    assert "chat.example.com" in page.words
    told = (await browser.decide(page, untick={"tasks:write", "offline_access"})).told
    assert set(told) == {"code", "state", "iss"}


async def test_who_ticks_nothing_is_asked_again(place: Place) -> None:
    browser, page = await asked(place)

    again = await browser.decide(page, untick={"tasks:read", "tasks:write", "offline_access"})

    assert again.response.status_code == 400
    assert "Choose at least one permission" in again.words
    assert "code" in (await browser.decide(again)).told


async def test_what_is_granted_is_no_more_than_was_asked_for(place: Place) -> None:
    browser, client_id = place.browser(), await place.register()
    page = await browser.arrive(place.asks(client_id, scope="tasks:read"))
    form = page.form("/consent")

    ticked = [("scope", "tasks:read"), ("scope", "tasks:write")]
    page = await browser.post("/consent", [*form.fields, *ticked, ("decision", "allow")])

    tokens = (await place.redeem(client_id, page.told["code"])).json()
    assert tokens["scope"] == "tasks:read"


@pytest.mark.parametrize("token", [None, "", "0" * 64, "ä"], ids=["missing", "empty", "made up", "letters"])
async def test_t16_a_form_without_its_token(place: Place, token: str | None) -> None:
    browser, page = await asked(place)
    fields = [(name, value) for name, value in page.form("/consent").fields if name != "csrf_token"]
    sent = [] if token is None else [("csrf_token", token)]

    assert_refused(await browser.post("/consent", [*fields, *sent, ("decision", "allow"), ("scope", "tasks:read")]))


async def test_t16_a_form_that_is_sent_twice(place: Place) -> None:
    browser, page = await asked(place)
    assert "code" in (await answer(browser, page)).told

    assert_refused(await answer(browser, page))


async def test_t16_a_form_of_another_browser(place: Place) -> None:
    _, page = await asked(place)
    other = place.browser("bob")
    await other.arrive("/apps")

    assert_refused(await answer(other, page))


async def test_t16_a_question_of_another_browser(place: Place) -> None:
    _, page = await asked(place)
    other, own = await asked(place)
    question = dict(page.form("/consent").fields)["request"]

    assert_refused(await answer(other, own, request=question))


async def test_t16_t34_a_browser_that_has_signed_out(place: Place) -> None:
    browser, page = await asked(place)
    cookie = browser.http.cookies[COOKIE]
    await browser.send(page.form("/sign-out"))
    browser.http.cookies.set(COOKIE, cookie, domain="tasks.example.com")

    assert_refused(await answer(browser, page))


async def test_t16_t34_a_cookie_that_somebody_else_set_is_worth_nothing_after_sign_in(place: Place) -> None:
    planted = "p" * 43
    browser, attacker = place.browser(), place.browser()
    for one in (browser, attacker):
        one.http.cookies.set(COOKIE, planted, domain="tasks.example.com")
    await browser.arrive("/apps")

    page = await attacker.get("/apps")

    assert browser.http.cookies[COOKIE] != planted
    assert page.form("/sign-in").fields


@pytest.mark.parametrize("headers", [CROSS_SITE, FOREIGN_PORT, {"Sec-Fetch-Site": "same-site"}], ids=str)
@pytest.mark.parametrize("path", ["/consent", "/sign-in", "/sign-out", "/apps"])
async def test_t16_t42_a_form_from_another_site(place: Place, path: str, headers: dict[str, str]) -> None:
    browser, page = await asked(place)
    kept = dict(page.form("/consent").fields)
    fields = [*kept.items(), ("decision", "allow"), ("scope", "tasks:read"), ("account", "ada"), ("password", PASSWORD)]

    assert_refused(await browser.post(path, [*fields, ("app", "any")], headers))


@pytest.mark.parametrize("path", ["/consent", "/sign-in", "/sign-out", "/apps"])
async def test_t42_forms_are_forms_and_nothing_else(place: Place, path: str) -> None:
    browser, page = await asked(place)
    body = urlencode(page.form("/consent").fields)

    for kind in ("text/plain", "application/json", "multipart/form-data; boundary=a"):
        refused = await browser.http.post(path, content=body, headers={"Content-Type": kind})
        assert refused.status_code == 415
    shown = await browser.http.get(f"{path}?{body}&answer=allow")
    assert shown.status_code == (200 if path == "/apps" else 405)


@pytest.mark.parametrize("token", ["", "0" * 64], ids=["of another browser", "made up"])
async def test_t42_nobody_is_signed_in_as_somebody_else(place: Place, token: str) -> None:
    attacker, browser = place.browser("bob"), place.browser("ada")
    form = (await attacker.get("/apps")).form("/sign-in")
    await browser.get("/apps")

    token = token or dict(form.fields)["csrf_token"]
    page = await browser.send(form, account="bob", password=PASSWORD, csrf_token=token)

    assert_refused(page)
    assert (await browser.get("/apps")).form("/sign-in").fields


def assert_cannot_be_framed(response: httpx2.Response) -> None:
    parts = (part.strip().partition(" ") for part in response.headers["content-security-policy"].split(";"))
    policy = {name: value for name, _, value in parts}
    assert policy == {
        "default-src": "'none'", "style-src": "'self'", "img-src": "data:", "form-action": "'self'",
        "base-uri": "'none'", "frame-ancestors": "'none'",
    }  # fmt: skip
    assert response.headers["x-frame-options"] == "DENY"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "same-origin"


async def test_t17_t43_no_page_can_be_framed(place: Place) -> None:
    browser, page = await asked(place)
    shown = [
        await place.browser().get("/apps"),
        page,
        await browser.get("/apps"),
        await browser.get(place.asks("unknown")),
        await browser.decide(page),
        await browser.decide(page),
    ]

    assert [one.response.status_code for one in shown] == [200, 200, 200, 400, 200, 403]
    for one in shown:
        assert_cannot_be_framed(one.response)


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}",
    "</title><svg onload=alert(1)>",
    "' onfocus='alert(1)",
)


@pytest.mark.parametrize("name", HOSTILE)
async def test_t17_the_name_of_an_app_is_text(place: Place, name: str) -> None:
    browser = place.browser()
    client_id = await place.register(
        client_name=name, logo_uri='https://evil.example/x.png?"><script>', client_uri="https://evil.example/"
    )
    page = await browser.arrive(place.asks(client_id, scope="tasks:read"))
    shown = [page, await browser.decide(page)]
    await place.redeem(client_id, shown[1].told["code"])
    shown.append(await browser.get("/apps"))

    for one in shown:
        assert name in one.words
        assert not {"script", "img", "svg"} & one.tags
        assert "evil.example" not in one.response.text.replace(name, "")


@pytest.mark.parametrize("name", ["Chat\u202egnp", "Ch\u200bat", "Chat\n\n\n\nYou are safe", "Chat\x07", "a" * 5000])
async def test_t17_the_name_of_an_app_hides_nothing(place: Place, name: str) -> None:
    page = await place.browser().arrive(place.asks(await place.register(client_name=name)))

    said = next(part for part in page.response.text.split("<bdi>")[1:]).partition("</bdi>")[0]
    assert len(said) <= 80
    assert said.isprintable()


async def test_t18_who_allowed_it_before_is_asked_again(place: Place) -> None:
    browser = place.browser()
    client_id = (await place.connect(browser)).client_id

    for extra in ({}, {"prompt": "none"}, {"approval": "auto"}):
        page = await browser.get(place.asks(client_id, **extra))
        assert page.form("/consent").ticks
        assert "refresh" not in page.response.headers


async def test_t18_a_request_that_another_site_started_is_shown_and_no_more(place: Place) -> None:
    browser = place.browser()
    client_id = (await place.connect(browser)).client_id

    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    page = Page(await browser.http.get(place.asks(client_id), headers=headers))

    assert page.response.status_code == 200
    assert page.form("/consent").buttons == [("decision", "allow"), ("decision", "deny")]


PAGES = ("/apps", "/authorize", "/sign-in/style.css")
ENDPOINTS = ("/token", "/register", "/revoke", "/.well-known/oauth-authorization-server")


@pytest.mark.parametrize("path", [*PAGES, *ENDPOINTS, "/consent", "/sign-in"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_t46_no_other_site_reads_an_answer(place: Place, path: str, method: str) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}

    refused = await place.http().request(method, path, headers=headers)

    assert refused.status_code == 403
    assert [name for name in refused.headers if name.startswith("access-control")] == []


@pytest.mark.parametrize("path", [*PAGES, *ENDPOINTS])
async def test_t46_never_with_cookies(place: Place, path: str) -> None:
    method = "POST" if path in ENDPOINTS[:3] else "GET"
    kind = "application/json" if path == "/register" else "application/x-www-form-urlencoded"

    shown = await place.http().request(
        method, path, headers={"Origin": place.origin, "Content-Type": kind}, content="{}"
    )

    assert "access-control-allow-credentials" not in shown.headers
    assert shown.headers.get("access-control-allow-origin") == ("*" if path in ENDPOINTS else None)


def cookie_of(response: httpx2.Response) -> tuple[str, set[str]]:
    sent = [each for each in response.headers.get_list("set-cookie") if each.startswith(f"{COOKIE}=")]
    assert len(sent) == 1
    pair, *flags = (part.strip() for part in sent[0].split(";"))
    return pair.partition("=")[0], {flag for flag in flags if not flag.startswith("expires")}


async def test_t47_the_cookie_is_for_this_host_over_tls_and_for_no_script(place: Place) -> None:
    browser = place.browser()
    before = await browser.http.get("/apps")
    page = Page(before)
    fields = urlencode({**dict(page.form("/sign-in").fields), "account": "ada", "password": PASSWORD})
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    after = await browser.http.post("/sign-in", content=fields, headers=kind)

    for response in (before, after):
        assert cookie_of(response) == (COOKIE, {"HttpOnly", "Max-Age=28800", "Path=/", "SameSite=lax", "Secure"})
    out = await browser.send((await browser.get("/apps")).form("/sign-out"))
    assert out.form("/sign-in").fields


async def test_t47_endpoints_set_no_cookie(place: Place) -> None:
    connection = await place.connect()

    refreshed = await place.refresh(connection.client_id, connection.renewing)

    assert "set-cookie" not in refreshed.headers

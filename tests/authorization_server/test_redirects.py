"""T14, T15 and T22: nobody is sent where no app of theirs is, and what was sent is not repeated as markup."""

from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from intarsia.server.auth.authorization_server.clients.redirect_uris import is_allowed, is_registered
from tests.authorization_server.browser import Page
from tests.authorization_server.sign_in_site import CALLBACK, ORIGIN, Place

FOREIGN = {
    "prefix": "https://chat.example.com/callback/../other",
    "suffix": "https://chat.example.com/callback.evil.example",
    "longer host": "https://chat.example.com.evil.example/callback",
    "user": "https://chat.example.com@evil.example/callback",
    "password": "https://chat:example.com@evil.example/callback",
    "no scheme": "//chat.example.com/callback",
    "backslash": "https://chat.example.com\\@evil.example/callback",
    "other slashes": "https:\\\\chat.example.com/callback",
    "fragment": "https://chat.example.com/callback#part",
    "empty fragment": "https://chat.example.com/callback#",
    "letters alike": "https://ch\u0430t.example.com/callback",
    "query": "https://chat.example.com/callback?next=https://evil.example",
    "empty query": "https://chat.example.com/callback?",
    "upper case": "https://CHAT.example.com/callback",
    "port": "https://chat.example.com:444/callback",
    "http": "http://chat.example.com/callback",
    "script": "javascript:alert(1)//https://chat.example.com/callback",
    "data": "data:text/html,hello",
    "line": "https://chat.example.com/callback\r\nSet-Cookie: a=b",
    "space": "https://chat.example.com/callback ",
    "encoded slash": "https://chat.example.com%2f@evil.example/callback",
    "nothing": "",
}

NEVER = {
    **{
        name: FOREIGN[name]
        for name in ("user", "no scheme", "backslash", "fragment", "letters alike", "http", "script")
    },
    "data": "data:text/html,hello",
    "file": "file:///etc/passwd",
    "about": "about:blank",
    "no dot": "myapp://callback",
    "local name": "http://localhost.evil.example/callback",
    "any address": "http://0.0.0.0/callback",
    "no host": "https:///callback",
    "wild": "https://*.example.com/callback",
    "long": f"https://chat.example.com/{'a' * 2048}",
}


def assert_leads_nowhere(page: Page, *sent: str) -> None:
    """Check that a page is an error of ours: no redirect, no link, no form."""
    assert page.response.status_code == 400
    assert "location" not in page.response.headers
    assert "refresh" not in page.response.headers
    assert page.links == []
    assert page.forms == []
    assert [text for text in sent if text and text in page.response.text] == []


@pytest.mark.parametrize("address", FOREIGN.values(), ids=FOREIGN.keys())
async def test_t14_no_answer_at_an_address_that_is_not_the_apps(place: Place, address: str) -> None:
    client_id = await place.register(redirect_uris=[CALLBACK, "https://chat.example.com/second"])

    page = await place.browser().arrive(place.asks(client_id, redirect_uri=address))

    assert_leads_nowhere(page, address)


@pytest.mark.parametrize("address", NEVER.values(), ids=NEVER.keys())
async def test_t14_no_app_registers_such_an_address(place: Place, address: str) -> None:
    answer = await place.http().post("/register", json={"redirect_uris": [CALLBACK, address]})

    assert answer.status_code in (400, 429)
    assert not is_allowed(address)


@pytest.mark.parametrize("scheme", ["com.example.chat:/callback", "cursor://anysphere.cursor-mcp/oauth/callback"])
def test_an_app_may_be_answered_by_its_own_scheme(scheme: str) -> None:
    assert is_allowed(scheme)
    assert is_registered(scheme, [scheme])
    assert not is_registered(f"{scheme}x", [scheme])


@pytest.mark.parametrize(
    ("address", "registered"),
    [
        ("http://127.0.0.1:50123/callback", "http://127.0.0.1/callback"),
        ("http://localhost:50123/callback", "http://localhost:3000/callback"),
        ("http://[::1]:50123/callback?a=b", "http://[::1]/callback?a=b"),
    ],
)
def test_the_port_of_this_machine_does_not_matter(address: str, registered: str) -> None:
    assert is_registered(address, [registered])


@pytest.mark.parametrize(
    ("address", "registered"),
    [
        ("http://127.0.0.1:50123/other", "http://127.0.0.1/callback"),
        ("http://localhost:50123/callback", "http://127.0.0.1/callback"),
        ("http://127.0.0.1:50123/callback?a=b", "http://127.0.0.1/callback"),
        ("http://127.0.0.1:50123/callback?", "http://127.0.0.1/callback"),
        ("https://127.0.0.1:50123/callback", "https://127.0.0.1/callback"),
        ("http://127.0.0.1:99999/callback", "http://127.0.0.1/callback"),
    ],
)
def test_all_but_the_port_of_this_machine_matters(address: str, registered: str) -> None:
    assert not is_registered(address, [registered])


STATES = (
    "https://evil.example/",
    "//evil.example",
    "javascript:alert(1)",
    "&code=stolen#x",
    "\r\nLocation: https://evil",
)


@pytest.mark.parametrize("state", STATES)
async def test_t15_the_state_leads_nowhere(place: Place, state: str) -> None:
    client_id = await place.register()

    told = await place.browser().consent(place.asks(client_id, state=state))

    assert told["state"] == state
    assert told["iss"] == ORIGIN
    assert told["code"] != "stolen"


BACK = ("https://evil.example/", "//evil.example", "/\\evil.example", "?@evil.example", "\r\nx: y")


@pytest.mark.parametrize("back", BACK)
@pytest.mark.parametrize("path", ["/sign-in", "/sign-out"])
async def test_t15_what_comes_after_is_always_our_own_page(place: Place, path: str, back: str) -> None:
    browser = place.browser()
    page = await (browser.arrive("/apps") if path == "/sign-out" else browser.get("/apps"))
    fields = {**dict(page.form(path).fields), "account": "ada", "password": browser.password, "authorize_query": back}

    answer = await browser.http.post(
        path, content=urlencode(fields), headers={"Content-Type": "application/x-www-form-urlencoded"}
    )

    assert answer.status_code == 303
    target = urlsplit(answer.headers["location"])
    assert (target.scheme, target.netloc, target.path) == ("", "", "/authorize")
    assert len(answer.headers.get_list("location")) == 1


@pytest.mark.parametrize("name", ["next", "return_to", "post_logout_redirect_uri", "redirect_uri"])
async def test_t15_no_parameter_leads_away(place: Place, name: str) -> None:
    browser = place.browser()
    await browser.arrive("/apps")

    for path in ("/apps", "/authorize"):
        page = await browser.get(f"{path}?{name}=https://evil.example/")
        assert "location" not in page.response.headers
        assert "refresh" not in page.response.headers
        assert "evil.example" not in "".join(page.links)


async def test_t15_an_error_sends_nobody_away_by_itself(place: Place) -> None:
    client_id = await place.register(redirect_uris=["https://evil.example/"])

    page = await place.browser().arrive(
        place.asks(client_id, redirect_uri="https://evil.example/", response_type="token")
    )

    assert page.response.status_code == 400
    assert "location" not in page.response.headers
    assert "refresh" not in page.response.headers
    assert "evil.example" in page.words  # the person reads where the link leads


MARKUP = "<script>alert(1)</script>"


@pytest.mark.parametrize("is_signed_in", [False, True], ids=["nobody", "somebody"])
@pytest.mark.parametrize("client_id", [f"app_{MARKUP}", "https://", "http://127.0.0.1/a", "\x00", "a" * 3000])
async def test_t22_an_unknown_app_is_not_repeated(place: Place, client_id: str, *, is_signed_in: bool) -> None:
    browser = place.browser()
    if is_signed_in:
        await browser.arrive("/apps")

    page = await browser.arrive(place.asks(client_id, state=MARKUP, redirect_uri=f"https://a.example/{MARKUP}"))

    assert_leads_nowhere(page, MARKUP, client_id)
    assert "script" not in page.tags


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"response_mode": "fragment"}, "unsupported_response_type"),
        ({"scope": MARKUP}, "invalid_scope"),
        ({"resource": f"https://a.example/{MARKUP}"}, "invalid_target"),
    ],
)
async def test_t22_an_error_carries_the_issuer(place: Place, changed: dict[str, str | None], error: str) -> None:
    client_id = await place.register()

    page = await place.browser().arrive(place.asks(client_id, **changed))

    assert page.response.status_code == 400
    assert "script" not in page.tags
    told = dict(parse_qsl(urlsplit(page.links[0]).query))
    assert page.links[0].startswith(f"{CALLBACK}?")
    assert (told["error"], told["iss"], told["state"]) == (error, ORIGIN, "a state")


async def test_who_does_not_allow_it_is_sent_back_with_that_and_the_issuer(place: Place) -> None:
    browser, client_id = place.browser(), await place.register()

    page = await browser.decide(await browser.arrive(place.asks(client_id)), answer="deny")

    assert page.told == {"error": "access_denied", "state": "a state", "iss": ORIGIN}

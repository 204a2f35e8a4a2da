"""What the host does with an issuer: renewing, asking with a secret, taking back, and what it refuses to follow."""

import base64
from urllib.parse import parse_qs, urlsplit

import pytest

from intarsia.host.connectors.oauth_client import ConnectError, OAuthClient
from tests.fake_connector import CALLBACK, MadeUp, signed_in

pytestmark = pytest.mark.anyio

SECRET = OAuthClient("given", "made-up secret")


async def test_who_signed_in_is_called_as_until_the_token_ends_and_then_it_is_renewed() -> None:
    made_up = MadeUp()
    connecting = await signed_in(made_up)
    assert await connecting.authorization() == "Bearer access-1"
    assert connecting.expire("Bearer access-1")
    assert await connecting.authorization() == "Bearer access-2"
    assert connecting.expire("Bearer access-1")  # somebody else was late: it has been renewed already
    assert await connecting.authorization() == "Bearer access-2"

    forms = made_up.forms("/token")
    assert [form["grant_type"] for form in forms] == ["authorization_code", "refresh_token"]
    assert {form["resource"] for form in forms} == {made_up.url}
    assert forms[0]["redirect_uri"] == CALLBACK


async def test_an_issuer_that_is_down_costs_nobody_their_access() -> None:
    made_up = MadeUp()
    connecting = await signed_in(made_up)
    connecting.expire("Bearer access-1")
    made_up.statuses["/token"] = 503
    with pytest.raises(ConnectError, match="could not be renewed for now"):
        await connecting.authorization()
    del made_up.statuses["/token"]
    assert await connecting.authorization() == "Bearer access-2"


async def test_who_is_refused_a_renewal_is_signed_out() -> None:
    made_up = MadeUp()
    connecting = await signed_in(made_up)
    connecting.expire("Bearer access-1")
    made_up.statuses["/token"] = 400
    assert await connecting.authorization() is None
    connecting.refuse(None)
    assert connecting.state == "needs_sign_in"


async def test_a_refusal_that_comes_late_signs_nobody_out() -> None:
    made_up = MadeUp()
    connecting = await signed_in(made_up)
    connecting.expire("Bearer access-1")
    await connecting.authorization()
    connecting.refuse("Bearer access-1")
    assert connecting.state == "connected"

    await connecting.leave()
    connecting.refuse("Bearer access-2")
    assert connecting.state == "not_connected"


async def test_who_is_refused_with_what_counts_now_has_to_sign_in() -> None:
    connecting = await signed_in(MadeUp())
    connecting.refuse("Bearer access-1")
    assert connecting.state == "needs_sign_in"


async def test_a_secret_is_sent_as_the_issuer_takes_it() -> None:
    basic, post = MadeUp(), MadeUp(metadata={"token_endpoint_auth_methods_supported": ["client_secret_post"]})
    await signed_in(basic, SECRET)
    await signed_in(post, SECRET)

    asked = next(one for one in basic.asked if one.url.path == "/token")
    pair = base64.b64encode(b"given:made-up%20secret").decode()
    assert asked.headers["authorization"] == f"Basic {pair}"
    assert "client_secret" not in basic.forms("/token")[0]
    assert post.forms("/token")[0]["client_secret"] == SECRET.secret
    assert basic.forms("/register") == post.forms("/register") == []


async def test_who_leaves_has_both_tokens_taken_back() -> None:
    made_up = MadeUp()
    connecting = await signed_in(made_up)
    assert await connecting.leave()
    assert [form["token"] for form in made_up.forms("/revoke")] == ["refresh-1", "access-1"]
    assert (connecting.state, await connecting.authorization()) == ("not_connected", None)


@pytest.mark.parametrize("metadata", [{"revocation_endpoint": None}, {}], ids=["no endpoint", "refused"])
async def test_what_an_issuer_did_not_take_back_is_said(metadata: dict[str, None]) -> None:
    made_up = MadeUp(metadata=metadata, statuses={"/revoke": 503})
    connecting = await signed_in(made_up)
    assert not await connecting.leave()
    assert connecting.scopes == []


@pytest.mark.parametrize(
    ("what", "address"),
    [("authorization", "http://login.example.com/authorize"), ("authorization", "http://127.0.0.1:8484/authorize"),
     ("authorization", "https://localhost/authorize"),
     ("registration", "http://169.254.169.254/register"), ("registration", "https://127.0.0.1/register")],
)  # fmt: skip
async def test_an_address_that_is_not_safe_is_neither_asked_nor_opened(what: str, address: str) -> None:
    made_up = MadeUp(metadata={f"{what}_endpoint": address})
    connecting = made_up.connecting()
    with pytest.raises(ConnectError, match="safe"):
        await connecting.begin()
    host = urlsplit(address).netloc
    assert [one for one in made_up.asked if host and one.url.netloc.decode() == host and one.url.scheme == "http"] == []
    assert [one for one in made_up.asked if one.url.host in ("127.0.0.1", "localhost", "169.254.169.254")] == []


async def test_a_script_is_no_sign_in_page() -> None:
    connecting = MadeUp(metadata={"authorization_endpoint": "javascript:alert(1)"}).connecting()
    assert (await connecting.begin() or "").startswith("https://tasks.example.com/")
    await connecting.give_up()


async def test_a_connector_on_this_machine_may_have_its_issuer_there() -> None:
    made_up = MadeUp("http://127.0.0.1:9000/mcp", "http://localhost:9001")
    assert (await signed_in(made_up)).state == "connected"


async def test_a_person_who_comes_back_from_another_issuer_is_not_connected() -> None:
    connecting = MadeUp().connecting()
    address = await connecting.begin()
    assert address is not None
    state = parse_qs(urlsplit(address).query)["state"][0]
    with pytest.raises(ConnectError, match="does not fit together"):
        await connecting.come_back("a-code", state, "https://other.example.com", "")
    assert (connecting.state, connecting.expects(state)) == ("not_connected", False)


async def test_a_second_sign_in_ends_the_first() -> None:
    connecting = MadeUp().connecting()
    first, second = [await connecting.begin() for _ in range(2)]
    assert first is not None
    assert second is not None
    states = [parse_qs(urlsplit(address).query)["state"][0] for address in (first, second)]
    assert [connecting.expects(state) for state in states] == [False, True]
    await connecting.give_up()

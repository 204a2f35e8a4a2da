"""T12 and T13: a code is good once, for one app, at one address, with one verifier."""

import base64
import hashlib
from pathlib import Path

import pytest

from intarsia.server.auth.authorization_server.oauth import grants
from tests.authorization_server.sign_in_site import CALLBACK, VERIFIER, Place, running_sign_in_site

OTHER_VERIFIER = "another-verifier-that-is-long-enough-for-the-rule"


async def code_of(place: Place, client_id: str, **changed: str | None) -> str:
    return (await place.browser().consent(place.asks(client_id, **changed)))["code"]


async def assert_no_tokens(place: Place, client_id: str, code: str, **changed: str | None) -> None:
    answer = await place.redeem(client_id, code, **changed)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"] == "invalid_grant"
    assert code not in answer.text


async def test_a_code_is_worth_tokens(place: Place) -> None:
    connection = await place.connect()

    assert connection.tokens["token_type"] == "Bearer"
    assert connection.tokens["scope"] == "offline_access tasks:read tasks:write"
    assert connection.tokens["expires_in"] == 3600
    assert await place.call(connection.access) == 200


async def test_t12_a_code_that_is_used_again_takes_back_what_was_issued(place: Place) -> None:
    connection = await place.connect()
    assert await place.call(connection.access) == 200

    await assert_no_tokens(place, connection.client_id, connection.code)

    answer = await place.refresh(connection.client_id, connection.renewing)
    assert answer.json()["error"] == "invalid_grant"


async def test_t12_access_tokens_of_a_code_that_is_used_again_end(place: Place) -> None:
    connection = await place.connect()  # nothing was called yet, so that nobody remembers its access token

    await assert_no_tokens(place, connection.client_id, connection.code)

    assert await place.call(connection.access) == 401


async def test_t12_a_code_of_another_app(place: Place) -> None:
    client_id, other = await place.register(), await place.register()
    code = await code_of(place, client_id)

    await assert_no_tokens(place, other, code)


async def test_t12_a_code_with_another_redirect_address(place: Place) -> None:
    other = "https://chat.example.com/other"
    client_id = await place.register(redirect_uris=[CALLBACK, other])
    code = await code_of(place, client_id)

    await assert_no_tokens(place, client_id, code, redirect_uri=other)


async def test_t12_a_code_after_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_sign_in_site(tmp_path) as place:
        client_id = await place.register()
        monkeypatch.setattr(grants, "CODE_SECONDS", 0)
        code = await code_of(place, client_id)

        await assert_no_tokens(place, client_id, code)


async def test_t12_a_code_after_a_wrong_try(place: Place) -> None:
    client_id = await place.register()
    code = await code_of(place, client_id)
    await assert_no_tokens(place, client_id, code, code_verifier=OTHER_VERIFIER)

    await assert_no_tokens(place, client_id, code)


@pytest.mark.parametrize("method", ["plain", "s256", "none", None], ids=str)
async def test_t13_no_consent_without_s256(place: Place, method: str | None) -> None:
    client_id = await place.register()

    page = await place.browser().arrive(place.asks(client_id, code_challenge_method=method, code_challenge=VERIFIER))

    assert page.response.status_code == 400
    assert [form.action for form in page.forms] == []
    assert "error=invalid_request" in page.links[0]


@pytest.mark.parametrize("challenge", [None, "short", "=" * 43, "x" * 44], ids=["none", "short", "signs", "long"])
async def test_t13_no_consent_without_a_challenge(place: Place, challenge: str | None) -> None:
    client_id = await place.register()

    page = await place.browser().arrive(place.asks(client_id, code_challenge=challenge))

    assert page.response.status_code == 400
    assert [form.action for form in page.forms] == []


@pytest.mark.parametrize("verifier", [OTHER_VERIFIER, "short", "ä" * 50], ids=["other", "short", "letters"])
async def test_t13_a_wrong_verifier(place: Place, verifier: str) -> None:
    client_id = await place.register()
    code = await code_of(place, client_id)

    await assert_no_tokens(place, client_id, code, code_verifier=verifier)


async def test_t13_no_verifier(place: Place) -> None:
    client_id = await place.register()
    code = await code_of(place, client_id)

    answer = await place.redeem(client_id, code, code_verifier=None)

    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"


async def test_t13_the_challenge_is_no_verifier(place: Place) -> None:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(OTHER_VERIFIER.encode()).digest()).decode().rstrip("=")
    client_id = await place.register()
    code = await code_of(place, client_id, code_challenge=challenge)

    await assert_no_tokens(place, client_id, code, code_verifier=challenge)


@pytest.mark.parametrize("resource", ["https://elsewhere.example.com/mcp", "https://tasks.example.com/"])
async def test_a_code_for_another_resource_is_not_given(place: Place, resource: str) -> None:
    client_id = await place.register()

    page = await place.browser().arrive(place.asks(client_id, resource=resource))

    assert page.response.status_code == 400
    assert "error=invalid_target" in page.links[0]


async def test_a_code_is_not_redeemed_for_another_resource(place: Place) -> None:
    client_id = await place.register()
    code = await code_of(place, client_id)

    answer = await place.redeem(client_id, code, resource="https://elsewhere.example.com/mcp")

    assert answer.json()["error"] == "invalid_target"


async def test_a_field_that_stands_twice_is_refused(place: Place) -> None:
    client_id = await place.register()
    code = await code_of(place, client_id)

    answer = await place.http().post(
        "/token",
        content=f"grant_type=authorization_code&client_id={client_id}&code={code}&code={code}&code_verifier={VERIFIER}",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"

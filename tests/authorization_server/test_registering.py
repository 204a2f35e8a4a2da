"""T21: apps register by themselves, and cannot fill the place."""

import json
from pathlib import Path
from time import time
from typing import Any

import pytest

from intarsia.server.auth.authorization_server.clients import clients
from intarsia.server.auth.authorization_server.oauth import registration
from tests.authorization_server.sign_in_site import CALLBACK, Place, running_sign_in_site


async def send(place: Place, **metadata: Any) -> Any:
    place_of_its_own = f"198.51.100.{len(json.dumps(metadata)) % 250}"
    return await place.http(place_of_its_own).post("/register", json=metadata)


async def test_an_app_is_public_and_not_bound_to_the_scopes_that_it_names(place: Place) -> None:
    answer = await send(
        place, client_name="Chat", redirect_uris=[CALLBACK], scope="tasks:read",
        token_endpoint_auth_method="client_secret_post",
    )  # fmt: skip

    registered = answer.json()
    assert answer.status_code == 201
    assert registered["token_endpoint_auth_method"] == "none"
    assert registered["redirect_uris"] == [CALLBACK]
    assert not {"scope", "client_secret"} & registered.keys()
    page = await place.browser().arrive(place.asks(registered["client_id"], scope="tasks:write"))
    assert page.form("/consent").ticks == ["tasks:write", "offline_access"]


async def test_an_app_without_refresh_tokens_gets_none_unless_it_asks(place: Place) -> None:
    client_id = await place.register(grant_types=["authorization_code"])

    page = await place.browser().arrive(place.asks(client_id, scope="tasks:read"))

    assert page.form("/consent").ticks == ["tasks:read"]


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        ({}, "invalid_redirect_uri"),
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": CALLBACK}, "invalid_redirect_uri"),
        ({"redirect_uris": [CALLBACK, 7]}, "invalid_redirect_uri"),
        ({"redirect_uris": None}, "invalid_redirect_uri"),
        ({"redirect_uris": [CALLBACK], "client_name": 7}, "invalid_client_metadata"),
        ({"redirect_uris": [CALLBACK], "grant_types": ["client_credentials"]}, "invalid_client_metadata"),
    ],
    ids=str,
)
async def test_what_is_not_of_its_form_is_refused(place: Place, metadata: dict[str, Any], error: str) -> None:
    answer = await send(place, **metadata)

    assert answer.status_code == 400
    assert answer.json()["error"] == error


@pytest.mark.parametrize("sent", [[], "text", 7, None], ids=str)
async def test_what_is_no_object_is_refused(place: Place, sent: object) -> None:
    answer = await place.http("198.51.100.251").post(
        "/register", content=json.dumps(sent), headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 400


async def test_t21_a_thousand_redirect_addresses(place: Place) -> None:
    short = [f"https://a.example/{number}" for number in range(registration.MAX_REDIRECT_URIS + 1)]
    many = [f"https://a.example/{number}" for number in range(1000)]

    assert (await send(place, redirect_uris=short)).json()["error"] == "invalid_redirect_uri"
    assert (await send(place, redirect_uris=many)).status_code == 400


async def test_t21_ten_megabytes(place: Place) -> None:
    large = await send(place, redirect_uris=[CALLBACK], client_name="a" * 10_000_000)
    middle = await send(place, redirect_uris=[CALLBACK], client_name="a" * 100_000)

    assert large.status_code == 413
    assert middle.status_code == 400


async def test_t21_a_flood_from_one_sender(tmp_path: Path) -> None:
    async with running_sign_in_site(tmp_path) as place:
        metadata = {"redirect_uris": [CALLBACK]}
        sent = [await place.http().post("/register", json=metadata) for _ in range(registration.MAX_BURST + 5)]
        other = await place.http("198.51.100.252").post("/register", json=metadata)

    assert [answer.status_code for answer in sent[-5:]] == [429] * 5
    assert 0 < int(sent[-1].headers["retry-after"]) <= 60
    assert other.status_code == 201


async def test_t21_a_known_host_registers_an_app_for_each_of_its_users(tmp_path: Path) -> None:
    async with running_sign_in_site(tmp_path) as place:
        host = place.http(is_known_host=True)
        sent = [
            await host.post("/register", json={"redirect_uris": [CALLBACK]}) for _ in range(3 * registration.MAX_BURST)
        ]

    assert {answer.status_code for answer in sent} == {201}


async def test_t21_a_flood_from_everywhere_displaces_no_honest_app_that_was_registered_a_moment_ago(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "MAX_REGISTERED", 5)
    async with running_sign_in_site(tmp_path) as place:
        honest = await place.register()
        flood = [await send(place, redirect_uris=[CALLBACK], client_name="a" * number) for number in range(10)]

        told = await place.browser().consent(place.asks(honest))
        redeemed = await place.redeem(honest, told["code"])

    assert redeemed.status_code == 200
    assert [answer.status_code for answer in flood] == [201] * 4 + [429] * 6
    assert flood[-1].json()["error"] == "temporarily_unavailable"
    assert 0 < int(flood[-1].headers["retry-after"]) <= clients.MIN_UNUSED_SECONDS


async def test_t21_a_flood_from_everywhere_displaces_no_app_that_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "MAX_REGISTERED", 5)
    now = time()
    monkeypatch.setattr(clients, "time", lambda: now)
    async with running_sign_in_site(tmp_path) as place:
        used = await place.connect()
        unused = await place.register()
        flood = list[str]()
        for _ in range(6):
            now += clients.MIN_UNUSED_SECONDS / 2
            flood.append(await place.register())

        assert (await place.refresh(used.client_id, used.renewing)).status_code == 200
        assert (await place.browser().get(place.asks(unused))).response.status_code == 400
        assert (await place.browser().get(place.asks(flood[-1]))).response.status_code == 200


async def test_t21_where_all_apps_are_used_no_more_register(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "MAX_REGISTERED", 2)
    async with running_sign_in_site(tmp_path) as place:
        for _ in range(2):
            await place.connect()

        refused = await send(place, redirect_uris=[CALLBACK])

    assert refused.status_code == 429
    assert refused.json()["error"] == "temporarily_unavailable"

"""What an app may say about itself, and for how long it is believed."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from intarsia.server.auth.authorization_server.clients import client_metadata
from intarsia.server.auth.authorization_server.clients.client_metadata import ClientMetadataError, ClientMetadataReader
from tests.authorization_server.document_site import HOST, MAX_WAIT, Authority, Names, Site, is_here, running_site


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Make certificates for this module."""
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
async def site(authority: Authority) -> AsyncIterator[Site]:
    """Serve a document that is in order."""
    async with running_site(authority.serving(HOST)) as running:
        yield running


@pytest.fixture
async def documents(authority: Authority) -> AsyncIterator[ClientMetadataReader]:
    """Read documents of the sites of this module."""
    made = ClientMetadataReader(resolve=Names(["127.0.0.1"]), may_ask=is_here, ssl_context=authority.trusting)
    yield made
    await made.stop()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"client_id": None}, "about another app"),
        ({"client_id": f"https://{HOST}/app.json"}, "about another app"),
        ({"client_id": 5}, "about another app"),
        ({"client_secret": "made-up"}, "holds a client secret"),
        ({"client_secret": ""}, "holds a client secret"),
        ({"client_secret_expires_at": 0}, "holds a client secret"),
        ({"token_endpoint_auth_method": "client_secret_post"}, "not supported"),
        ({"token_endpoint_auth_method": "client_secret_basic"}, "not supported"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "not supported"),
        ({"token_endpoint_auth_method": ["none"]}, "not supported"),
        ({"redirect_uris": None}, "must list"),
        ({"redirect_uris": []}, "must list"),
        ({"redirect_uris": "http://127.0.0.1/back"}, "must list"),
        ({"redirect_uris": ["http://127.0.0.1/back", 5]}, "must list"),
        ({"redirect_uris": [f"http://127.0.0.1/{number}" for number in range(21)]}, "must list"),
        ({"client_name": "a" * 201}, "client_name"),
        ({"client_name": {"en": "Task app"}}, "client_name"),
        ({"logo_uri": f"https://{HOST}/" + "a" * 2048}, "logo_uri"),
        ({"logo_uri": 5}, "logo_uri"),
        ({"scope": "a" * 1001}, "scope"),
        ({"scope": ["tasks:read"]}, "scope"),
        ({"scope": 'tasks:"read"'}, "scope"),
        ({"scope": "tasks:read\ttasks:write"}, "scope"),
    ],
)
async def test_a_document_that_is_not_in_order(
    changed: dict[str, Any], said: str, site: Site, documents: ClientMetadataReader
) -> None:
    document = site.document(**{name: value for name, value in changed.items() if name != "client_id"})
    if "client_id" in changed:
        document["client_id"] = changed["client_id"]
    site.says(document)

    with pytest.raises(ClientMetadataError, match=said) as refused:
        await documents.get(site.client_id)

    assert refused.value.reason == str(refused.value)


@pytest.mark.parametrize("other", ["APP.json", "app.json?", "app.json?a=1", "app.json/", "%61pp.json"])
async def test_t49_the_id_must_be_the_address_letter_by_letter(
    other: str, site: Site, documents: ClientMetadataReader
) -> None:
    site.says(site.document(client_id=site.client_id.replace("app.json", other)))

    with pytest.raises(ClientMetadataError, match="about another app"):
        await documents.get(site.client_id)


@pytest.mark.parametrize(
    "address",
    [
        "https://{host}/back",  # another port
        "https://evil.example.org/back",
        "https://{host}.evil.example.org/back",
        "https://{host}:{port}@evil.example.org/back",
        "https://{host}:{port}/back#there",
        "http://{host}:{port}/back",
        "http://127.0.0.1.evil.example.org/back",
        "http://192.168.0.1/back",
        "javascript:alert(1)",
        "data:text/html,a",
        "cursor://back",
        "com.example.app:/back",
        "/back",
        "",
    ],
)
async def test_only_its_own_site_and_the_persons_machine_are_answered_to(
    address: str, site: Site, documents: ClientMetadataReader
) -> None:
    """Other addresses are left out: an app may have them for other servers."""
    written = address.format(host=HOST, port=site.port)
    site.says(site.document(redirect_uris=[written, "http://localhost/back"]))

    assert (await documents.get(site.client_id)).redirect_uris == ("http://localhost/back",)


async def test_an_app_with_no_place_of_its_own_is_refused(site: Site, documents: ClientMetadataReader) -> None:
    site.says(site.document(redirect_uris=["https://evil.example.org/back", "cursor://back"]))

    with pytest.raises(ClientMetadataError, match="lists no address at https://app"):
        await documents.get(site.client_id)


async def test_what_may_be_left_out(site: Site, documents: ClientMetadataReader) -> None:
    site.says(site.document(client_name=None, token_endpoint_auth_method=None, logo_uri="http://127.0.0.1/logo.png"))

    document = await documents.get(site.client_id)

    assert document.client_name == HOST
    assert document.token_endpoint_auth_method == "none"
    assert (document.logo_uri, document.scope) == (None, None)


async def test_everybody_who_asks_at_once_shares_one_request(site: Site, documents: ClientMetadataReader) -> None:
    found = await asyncio.gather(*(documents.get(site.client_id) for _ in range(20)))

    assert len({id(document) for document in found}) == 1
    assert site.connections == 1
    await documents.get(site.client_id)
    assert site.connections == 1


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("", 300),
        ("public", 300),
        ("max-age=600", 600),
        ('public, MAX-AGE="600"', 600),
        ("max-age=0", 60),
        ("max-age=5", 60),
        ("no-store", 60),
        ("no-cache, max-age=600", 60),
        ("max-age=999999999", 3600),
        ("max-age=99999999999999999999", 300),
        ("max-age=-1", 300),
        ("max-age=600, max-age=120", 120),
    ],
)
async def test_a_document_is_kept_as_long_as_its_server_says_within_bounds(
    said: str, seconds: int, site: Site, documents: ClientMetadataReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(client_metadata, "monotonic", lambda: now)
    monkeypatch.setattr("intarsia.server.auth.resource_server.cache.monotonic", lambda: now)
    site.says(site.document(), f"Cache-Control: {said}")

    await documents.get(site.client_id)
    now += seconds - 1
    await documents.get(site.client_id)
    assert site.connections == 1
    now += 1
    await documents.get(site.client_id)
    assert site.connections == 2


async def test_a_refusal_stands_for_a_while(
    site: Site, documents: ClientMetadataReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody makes the server ask the same address again and again."""
    now = 1000.0
    monkeypatch.setattr(client_metadata, "monotonic", lambda: now)
    monkeypatch.setattr("intarsia.server.auth.resource_server.cache.monotonic", lambda: now)
    site.says(b"nothing")
    for _ in range(3):
        with pytest.raises(ClientMetadataError, match="not a JSON object"):
            await documents.get(site.client_id)
    assert site.connections == 1

    now += 30
    site.says(site.document())
    assert (await documents.get(site.client_id)).client_name == "Task app"


async def test_only_so_many_are_read_at_once(site: Site, authority: Authority) -> None:
    """The one too many is refused at once, and may come again."""
    waiting, release = asyncio.Semaphore(0), asyncio.Event()
    names = Names(["127.0.0.1"])

    async def hold(name: str, port: int) -> Any:
        waiting.release()
        await release.wait()
        return await names(name, port)

    documents = ClientMetadataReader(resolve=hold, may_ask=is_here, ssl_context=authority.trusting)
    base = site.client_id.removesuffix("app.json")
    busy = [asyncio.create_task(documents.get(f"{base}{number}")) for number in range(client_metadata.MAX_CONCURRENT)]
    async with asyncio.timeout(MAX_WAIT):
        for _ in busy:
            await waiting.acquire()
        with pytest.raises(ClientMetadataError, match="Too many"):
            await documents.get(site.client_id)
        release.set()
        await asyncio.gather(*busy, return_exceptions=True)
        assert (await documents.get(site.client_id)).client_name == "Task app"
    await documents.stop()


async def test_a_refusal_repeats_nothing_that_a_server_said(site: Site, authority: Authority) -> None:
    for body in (b"<script>planted</script>", b'{"client_id": "planted"}'):
        site.says(body)
        fresh = ClientMetadataReader(resolve=Names(["127.0.0.1"]), may_ask=is_here, ssl_context=authority.trusting)
        with pytest.raises(ClientMetadataError, match="The app's document is") as refused:
            await fresh.get(site.client_id)
        assert "planted" not in refused.value.reason

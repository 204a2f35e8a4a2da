"""Apps that name a document: their site vouches for them, and is asked for nobody but people with an account."""

from pathlib import Path

import pytest
from mcp.server.mcpserver import MCPServer

from intarsia import Connector, EmbeddedIssuer
from tests.authorization_server.accounts import with_account
from tests.authorization_server.document_site import Site
from tests.authorization_server.sign_in_site import ORIGIN, VERIFIER, Place, running_sign_in_site, site_on_this_machine

BACK = "http://127.0.0.1:50123/back"


async def test_its_site_vouches_for_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with site_on_this_machine(tmp_path, monkeypatch) as site, running_sign_in_site(tmp_path) as place:
        browser = place.browser()
        page = await browser.arrive(place.asks(site.client_id, redirect_uri=BACK))

        assert f"Task app from {site.client_id.split('/')[2]}" in page.words
        told = (await browser.decide(page)).told
        answer = await place.redeem(site.client_id, told["code"], redirect_uri=BACK, code_verifier=VERIFIER)
        assert await place.call(answer.json()["access_token"]) == 200
        assert "Task app" in (await browser.get("/apps")).words


async def test_t48_no_site_is_asked_for_a_stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with site_on_this_machine(tmp_path, monkeypatch) as site, running_sign_in_site(tmp_path) as place:
        page = await place.browser().get(place.asks(site.client_id, redirect_uri=BACK))
        await place.post("/token", {"client_id": site.client_id, "grant_type": "refresh_token", "refresh_token": "x"})
        await place.post("/revoke", {"client_id": site.client_id, "token": "x"})

    assert page.form("/sign-in").fields
    assert site.connections == 0


async def lead_nowhere(place: Place, site: Site, redirect_uri: str) -> None:
    page = await place.browser().arrive(place.asks(site.client_id, redirect_uri=redirect_uri))

    assert page.response.status_code == 400
    assert (page.links, page.forms) == ([], [])
    assert "refresh" not in page.response.headers


async def test_a_document_that_cannot_be_used_leads_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with site_on_this_machine(tmp_path, monkeypatch) as site, running_sign_in_site(tmp_path) as place:
        site.says(site.document(client_id="https://other.example.com/app.json"))

        await lead_nowhere(place, site, BACK)


@pytest.mark.parametrize(
    "address", ["https://evil.example/back", "http://127.0.0.1:50123/other", "javascript:alert(1)"]
)
async def test_t14_an_address_that_is_not_in_the_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    async with site_on_this_machine(tmp_path, monkeypatch) as site, running_sign_in_site(tmp_path) as place:
        await lead_nowhere(place, site, address)


async def test_people_sign_in_at_a_server_that_exists_already(tmp_path: Path) -> None:
    server = MCPServer("Mine")
    connector = Connector("Tasks", store=tmp_path / "store.db", server=server, scopes={"tasks:read"})
    await with_account(tmp_path / "accounts.db", "ada")
    app = connector.app(auth=EmbeddedIssuer(ORIGIN, accounts=tmp_path / "accounts.db"))
    async with app.router.lifespan_context(app):
        place = Place(app, tmp_path)

        connection = await place.connect(scope="tasks:read")

        assert await place.call("made-up") == 401
        assert await place.call(connection.access, "unknown") == 200

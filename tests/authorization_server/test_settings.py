"""What a developer says about sign-in: refused where passwords would be in danger, and plain where it is mistaken."""

from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner

from intarsia import Connector, Done, EmbeddedIssuer
from intarsia.cli import main
from intarsia.errors import SettingError
from intarsia.server.auth.authorization_server.oauth.scope_descriptions import default_description, describe_scopes
from tests.authorization_server.accounts import with_account
from tests.authorization_server.sign_in_site import ORIGIN, Place


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://tasks.example.com", "must use https"),
        (
            "https://tasks.example.com/mcp",
            r"must end before /mcp and without a slash, .* Write 'https://tasks\.example\.com'\.",
        ),
        ("https://tasks.example.com/", r"without a slash, .* Write 'https://tasks\.example\.com'\."),
        ("https://example.com/tasks/mcp/", r"Write 'https://example\.com/tasks'\."),
        ("https://example.com/a/../b", "nothing but letters, digits and"),
        ("https://example.com/a'b", "nothing but letters, digits and"),
        ("https://example.com//a", "nothing but letters, digits and"),
        ("tasks.example.com", "must be an absolute URL"),
    ],
)
def test_an_address_that_cannot_work_is_refused(address: str, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        EmbeddedIssuer(address)


@pytest.mark.parametrize(
    "times",
    [{"access_seconds": 5}, {"access_seconds": True}, {"refresh_seconds": 60}, {"session_seconds": 10**9}],
    ids=str,
)
def test_a_time_that_makes_no_sense_is_refused(times: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match="seconds must be from"):
        EmbeddedIssuer(ORIGIN, **times)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.7", "tasks.example.com"])  # noqa: S104 - not bound to
def test_passwords_do_not_cross_a_network_in_the_clear(host: str) -> None:
    for address, has_tls in ((ORIGIN, False), ("http://127.0.0.1:8484", True)):
        with pytest.raises(SettingError, match="pass --tls-by-proxy and a --public-url that starts with https"):
            EmbeddedIssuer(address).check_bind(host, has_tls=has_tls)

    EmbeddedIssuer(ORIGIN).check_bind(host, has_tls=True)
    EmbeddedIssuer("http://127.0.0.1:8484").check_bind("127.0.0.1", has_tls=False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "0.0.0.0"], "does not listen on '0.0.0.0' without TLS"),  # noqa: S104 - as above
        (["--host", "0.0.0.0", "--tls-by-proxy"], "does not listen on '0.0.0.0' without TLS"),  # noqa: S104 - as above
        (["--port", "0"], "needs a fixed address"),
        (["--public-url", "http://tasks.example.com"], "must use https"),
        (["--issuer", "https://a.example", "--resource", f"{ORIGIN}/mcp"], "Use either --sign-in"),
    ],
    ids=["public", "public by http", "any port", "http", "two issuers"],
)
def test_serve_refuses_what_is_not_safe(tmp_path: Path, arguments: list[str], said: str) -> None:
    file = str(tmp_path / "accounts.db")

    result = CliRunner().invoke(main, ["serve", "examples.team_tasks", "--sign-in", "--accounts", file, *arguments])

    assert result.exit_code == 1
    assert said in result.output


def connector_with(folder: Path, descriptions: dict[str, str]) -> Connector:
    connector = Connector("Tasks", store=folder / "store.db", scope_descriptions=descriptions)

    @connector.action(scopes={"tasks:write"})
    async def move_card() -> Done:
        """Move a card."""
        return Done("Done.")

    @connector.action(scopes={"tasks:write"}, roles={"admin"})
    async def clear_board() -> Done:
        """Clear the board."""
        return Done("Done.")

    return connector


def test_a_scope_is_shown_with_the_developers_description(tmp_path: Path) -> None:
    connector = connector_with(tmp_path, {"tasks:write": "Move and edit cards"})

    (description,) = describe_scopes(connector.catalog, ["tasks:write"], frozenset())

    assert (description.text, description.used_by) == ("Move and edit cards", "Move card")


def test_scope_descriptions_are_included_with_the_tools(tmp_path: Path) -> None:
    whole = Connector("All", store=tmp_path / "all.db", scope_descriptions={"tasks:write": "Change cards"})
    whole.include(connector_with(tmp_path, {"tasks:write": "Move and edit cards", "tasks:read": "See cards"}))

    assert whole.catalog.scope_descriptions == {"tasks:write": "Change cards", "tasks:read": "See cards"}


def test_a_described_scope_that_no_tool_requires_is_refused(tmp_path: Path) -> None:
    connector = connector_with(tmp_path, {"task:write": "Move and edit cards"})

    with pytest.raises(SettingError, match=r"'task:write', which no tool requires\. Did you mean 'tasks:write'"):
        connector.app(auth=EmbeddedIssuer(ORIGIN, accounts=tmp_path / "accounts.db"))


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ("tasks:write", "Change tasks"),
        ("read:org-members", "See org members"),
        ("tasks.delete", "Delete tasks"),
        ("profile", "Profile"),
        ("read", "Read"),
        ("::", "::"),
    ],
)
def test_a_scope_without_a_meaning_is_read_as_plainly_as_its_name_allows(scope: str, words: str) -> None:
    assert default_description(scope) == words


async def test_clients_find_what_they_need(place: Place) -> None:
    metadata = (await place.http().get("/.well-known/oauth-authorization-server")).json()

    assert metadata["issuer"] == ORIGIN
    assert "none" in metadata["token_endpoint_auth_methods_supported"]
    assert metadata["client_id_metadata_document_supported"] is True
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["scopes_supported"] == ["tasks:read", "tasks:write", "offline_access"]
    resource = (await place.http().get("/.well-known/oauth-protected-resource/mcp")).json()
    assert resource["authorization_servers"] == [ORIGIN]
    assert resource["scopes_supported"] == ["tasks:read", "tasks:write"]


@pytest.mark.parametrize("path", ["/authorize", "/apps", "/token", "/.well-known/oauth-authorization-server"])
async def test_every_route_is_for_its_own_host(place: Place, path: str) -> None:
    answer = await place.http().get(path, headers={"Host": "evil.example"})

    assert answer.status_code == 421


async def test_pages_send_their_forms_where_only_other_origins_are_named(tmp_path: Path) -> None:
    await with_account(tmp_path / "accounts.db", "ada")
    issuer = EmbeddedIssuer(ORIGIN, accounts=tmp_path / "accounts.db")
    app = connector_with(tmp_path, {}).app(auth=issuer, origins=("https://inspector.example.com",))
    async with app.router.lifespan_context(app):
        browser = Place(app, tmp_path).browser()
        browser.http.headers["Origin"] = ORIGIN

        page = await browser.arrive("/apps")

    assert page.response.status_code == 200
    assert "No connected apps" in page.words


async def test_without_it_there_are_no_such_pages(tmp_path: Path) -> None:
    transport = httpx2.ASGITransport(app=connector_with(tmp_path, {}).app())

    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        for path in ("/authorize", "/apps", "/sign-in/style.css", "/.well-known/oauth-authorization-server"):
            assert (await http.get(path)).status_code == 404

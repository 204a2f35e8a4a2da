"""The made-up people of the demo: who gets a token, what it is worth, and how soon what was withdrawn ends."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest

from intarsia import Connector, Done
from intarsia.errors import SettingError
from intarsia.host import HostAddresses, running_host, with_demo_users
from intarsia.host.demo_users.issuer import GUARD, TOKEN_SECONDS, DemoIssuer
from intarsia.host.demo_users.users import DemoGrants, demo_users_for, in_order, label_of
from intarsia.widgets import TaskBoard
from tests.security.mutation import Guard, Mutants, Mutation, each_guard

pytestmark = pytest.mark.anyio

SCOPES = ("notes:read", "notes:write", "notes:secret")
ENDS_WITHIN_SECONDS = 5
ISSUER = "intarsia/host/demo_users/issuer.py"
SIGN_IN = "intarsia/host/demo_users/app.py"
PAGE_ONLY = "intarsia/host/same_origin.py"


def a_connector(folder: Path) -> Connector:
    notes = Connector("Notes", store=folder / "notes.db")

    @notes.widget(scopes={"notes:read"})
    async def note_board() -> TaskBoard:  # pyright: ignore[reportUnusedFunction] - the decorator keeps it
        """Show the notes."""
        return TaskBoard(columns=[])

    @notes.action(scopes={"notes:write"})
    async def add_note() -> Done:  # pyright: ignore[reportUnusedFunction] - as above
        """Add a note."""
        return Done("Added.")

    @notes.action(scopes={"notes:secret"}, roles={"admin"})
    async def open_safe() -> Done:  # pyright: ignore[reportUnusedFunction] - as above
        """Open the safe."""
        return Done("Opened.")

    return notes


@dataclass
class Demo:
    """A host that is running, and how its page and other clients ask it."""

    addresses: HostAddresses
    http: httpx2.AsyncClient

    @property
    def origin(self) -> str:
        return self.addresses.page.rstrip("/")

    async def ask(self, what: str, body: Any, **headers: str) -> httpx2.Response:
        """Ask as the host page does, but for some headers."""
        sent = {"Origin": self.origin, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return await self.http.post(f"{self.origin}/host/users/{what}", json=body, headers=sent)

    async def token(self, user: str, *scopes: str) -> str:
        body: dict[str, Any] = {"user": user, **({"scopes": scopes} if scopes else {})}
        token: str = (await self.ask("token", body)).raise_for_status().json()["token"]
        return token

    async def call(self, tool: str, token: str | None, **arguments: Any) -> httpx2.Response:
        headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        params = {"name": tool, "arguments": arguments}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        return await self.http.post(self.addresses.mcp, json=message, headers=headers)

    async def expect_status(self, status: int, tool: str, token: str) -> None:
        """Wait until calls are answered so: at most as long as the end of a grant may take."""
        async with asyncio.timeout(ENDS_WITHIN_SECONDS):
            while (await self.call(tool, token)).status_code != status:  # noqa: ASYNC110  # it says nothing by itself
                await asyncio.sleep(0.1)


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    async with running_host(with_demo_users(a_connector(tmp_path))) as addresses, httpx2.AsyncClient() as http:
        yield Demo(addresses, http)


@pytest.mark.parametrize(
    ("user", "status"),
    [("reader", {"note_board": 200, "add_note": 403, "open_safe": 200}),
     ("editor", {"note_board": 200, "add_note": 200, "open_safe": 200}),
     ("admin", {"note_board": 200, "add_note": 200, "open_safe": 200})],
    ids=["reader", "editor", "admin"],
)  # fmt: skip
async def test_each_user_can_do_what_their_scopes_and_role_say(demo: Demo, user: str, status: dict[str, int]) -> None:
    token = await demo.token(user)
    answers = {tool: await demo.call(tool, token) for tool in status}

    assert {tool: answer.status_code for tool, answer in answers.items()} == status
    # Who lacks the role does not get to know of the tool, which is an answer like any other.
    assert ("Opened." in answers["open_safe"].text) is (user == "admin")


async def test_the_page_is_told_who_there_is_and_no_secret(demo: Demo) -> None:
    config = (await demo.http.get(f"{demo.origin}/host/config.json")).json()
    shown = (await demo.http.get(demo.origin + config["users"])).json()

    assert [(one["key"], one["name"], one["granted"]) for one in shown["users"]] == [
        ("reader", "Rea Okafor", ["notes:read"]),
        ("editor", "Edda Lindqvist", ["notes:read", "notes:write"]),
        ("admin", "Amir Haddad", sorted(SCOPES)),
    ]
    assert shown["scopes"][0] == {"name": "notes:read", "label": "Read notes"}
    assert shown.keys() == {"users", "scopes"}
    assert all(one.keys() == {"key", "name", "role", "granted"} for one in shown["users"])


async def test_a_token_is_an_access_token_for_this_connector(demo: Demo) -> None:
    token = await demo.token("admin")
    header, claims = jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})

    assert header["typ"] == "at+jwt"
    assert (claims["aud"], claims["sub"], claims["roles"]) == (demo.addresses.mcp, "admin", ["admin"])
    assert claims["iss"] == f"{demo.origin}/host/issuer"
    assert claims["scope"] == " ".join(sorted(SCOPES))
    assert type(claims["exp"]) is int
    assert claims["exp"] - claims["iat"] == TOKEN_SECONDS


async def test_a_scope_that_is_granted_on_the_way_opens_the_tool_and_no_other(demo: Demo) -> None:
    token = await demo.token("reader", "notes:read", "notes:write", "notes:unheard-of")

    assert jwt.decode(token, options={"verify_signature": False})["scope"] == "notes:read notes:write"
    assert (await demo.call("add_note", token)).status_code == 200


async def test_a_scope_that_is_taken_back_ends_for_tokens_that_are_out(demo: Demo) -> None:
    token = await demo.token("editor")
    assert (await demo.call("add_note", token)).status_code == 200
    answer = await demo.ask("narrow", {"user": "editor", "scopes": ["notes:read", "notes:secret"]})

    assert answer.json() == {"scopes": ["notes:read"]}
    await demo.expect_status(403, "add_note", token)
    assert (await demo.call("note_board", token)).status_code == 200


async def test_who_disconnects_is_turned_away_with_every_token(demo: Demo) -> None:
    tokens = [await demo.token("editor"), await demo.token("editor")]
    other = await demo.token("reader")
    assert [(await demo.call("note_board", token)).status_code for token in tokens] == [200, 200]
    (await demo.ask("disconnect", {"user": "editor"})).raise_for_status()

    for token in tokens:
        await demo.expect_status(401, "note_board", token)
    assert (await demo.call("note_board", await demo.token("editor"))).status_code == 200
    assert (await demo.call("note_board", other)).status_code == 200


def test_a_token_that_was_withdrawn_stays_so_when_its_user_comes_back() -> None:
    grants = DemoGrants(demo_users_for(SCOPES), frozenset(SCOPES))
    issuer = DemoIssuer("http://127.0.0.1:1/host/issuer", resource="http://127.0.0.1:1/mcp", grants=grants)
    old = issuer.mint("reader")
    assert issuer.introspect(old)["active"]
    issuer.disconnect("reader")
    new = issuer.mint("reader")

    assert issuer.introspect(old) == {"active": False}
    assert issuer.introspect(new)["scope"] == "notes:read"
    assert issuer.introspect("a.b.c") == {"active": False}


async def test_everybody_needs_a_token_and_can_find_out_from_whom(demo: Demo) -> None:
    assert (await demo.call("note_board", None)).status_code == 401
    known = (await demo.http.get(f"{demo.origin}/.well-known/oauth-protected-resource/mcp")).json()
    [issuer] = known["authorization_servers"]
    metadata = (await demo.http.get(f"{demo.origin}/.well-known/oauth-authorization-server/host/issuer")).json()
    [key] = (await demo.http.get(metadata["jwks_uri"])).json()["keys"]

    assert metadata["issuer"] == issuer
    assert not {"d", "p", "q", "k"} & key.keys()


@pytest.mark.parametrize("what", ["token", "narrow", "disconnect"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Origin": "https://elsewhere.example"}, 403), ({"Origin": "null"}, 403), ({"Origin": "http://127.0.0.1:1"}, 403),
     ({"Sec-Fetch-Site": "same-site"}, 403), ({"Host": "elsewhere.example"}, 421),
     ({"Content-Type": "application/x-www-form-urlencoded"}, 415), ({"Content-Type": "text/plain"}, 415)],
    ids=["origin", "opaque", "port", "site", "host", "form", "text"],
)  # fmt: skip
async def test_only_the_page_itself_gets_a_token(demo: Demo, what: str, headers: dict[str, str], status: int) -> None:
    before = await demo.token("reader")
    answer = await demo.ask(what, {"user": "reader", "scopes": []}, **headers)

    assert answer.status_code == status
    assert "token" not in answer.text
    assert (await demo.call("note_board", before)).status_code == 200
    shown = (await demo.http.get(f"{demo.origin}/host/users")).json()["users"]
    assert shown[0]["granted"] == ["notes:read"]


async def test_who_names_no_origin_gets_no_token(demo: Demo) -> None:
    answer = await demo.http.post(f"{demo.origin}/host/users/token", json={"user": "admin"})
    assert answer.status_code == 403
    assert (await demo.http.get(f"{demo.origin}/host/users/token")).status_code == 401


@pytest.mark.parametrize(
    "body",
    [{}, [], {"user": "nobody"}, {"user": "admin", "scopes": "notes:read"}, {"user": "admin", "scopes": [1]}],
    ids=["nobody", "list", "stranger", "one-text", "numbers"],
)  # fmt: skip
async def test_what_makes_no_sense_is_answered_in_plain_words(demo: Demo, body: Any) -> None:
    answer = await demo.ask("token", body)
    assert answer.status_code == 400
    assert answer.json()["error"].endswith((".", "texts."))


async def test_the_issuer_tells_nobody_but_the_connector_what_a_token_is_worth(demo: Demo) -> None:
    token = await demo.token("admin")
    address = f"{demo.origin}/host/issuer/introspection"

    for client in (("", ""), (GUARD, "guessed"), ("another", "guessed"), (GUARD, "")):
        answer = await demo.http.post(address, data={"token": token}, auth=client)
        assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})


async def test_no_token_is_logged(demo: Demo, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = await demo.token("reader")
    await demo.call("add_note", token)
    await demo.ask("disconnect", {"user": "reader"})
    await demo.expect_status(401, "note_board", token)

    assert caplog.records
    assert [line for line in caplog.messages if token in line or token.rpartition(".")[2] in line] == []


@pytest.mark.parametrize(("listens_on", "hosts"), [("::", ()), ("192.0.2.1", ()), ("127.0.0.1", ("tasks.example",))])
def test_nobody_is_admin_from_another_machine(tmp_path: Path, listens_on: str, hosts: tuple[str, ...]) -> None:
    addresses = HostAddresses("http://127.0.0.1:1/", "http://127.0.0.1:1/mcp", "", listens_on=listens_on)
    with pytest.raises(SettingError, match=r"for this machine only.*--no-users"):
        with_demo_users(a_connector(tmp_path), hosts=("127.0.0.1", *hosts))(addresses)


def test_scopes_that_do_not_say_what_they_are_for_are_the_admins() -> None:
    reader, editor, admin = demo_users_for({"openid", "files:read", "files:write", "files:purge"})
    assert reader.scopes == {"files:read"}
    assert editor.scopes == {"files:read", "files:write"}
    assert admin.scopes == {"openid", "files:read", "files:write", "files:purge"}


@pytest.mark.parametrize(
    ("scope", "label"),
    [("tasks:read", "Read tasks"), ("team_tasks:write", "Change team tasks"),
     ("metrics:processes", "Metrics: processes"), ("a:b:read", "Read a b"), ("openid", "Openid"), (":", ":")],
)  # fmt: skip
def test_a_scope_has_a_plain_name(scope: str, label: str) -> None:
    assert label_of(scope) == label


def test_scopes_stand_in_the_order_in_which_people_think_of_them() -> None:
    assert in_order({"b:write", "b:other", "a:write", "b:delete", "a:read", "openid", "b:read"}) == [
        "openid", "a:read", "a:write", "b:read", "b:write", "b:delete", "b:other",
    ]  # fmt: skip


def test_taking_back_gives_nothing_and_connects_nobody() -> None:
    grants = DemoGrants(demo_users_for(SCOPES), frozenset(SCOPES))
    assert grants.narrow("reader", SCOPES) == {"notes:read"}
    grants.withdraw("reader")
    assert grants.narrow("reader", SCOPES) == frozenset()
    assert grants.granted("reader") is None
    assert grants.grant("reader") == {"notes:read"}


GUARDS = {
    "origin": ("only_the_page", Mutation(PAGE_ONLY, 'get("origin") != own', 'get("x") == ""')),
    "no origin": ("names_no_origin", Mutation(PAGE_ONLY, 'get("origin") != own', 'get("origin", own) != own')),
    "site": ("only_the_page", Mutation(PAGE_ONLY, 'site", "same-origin") != "same-origin"', 'site") == ""')),
    "secret": ("tells_nobody", Mutation(SIGN_IN, "compare_digest(unquote_plus(given), secret)", "bool(given)")),
    "machine": ("from_another_machine", Mutation(SIGN_IN, "addresses.listens_on not in THIS_MACHINE", "False")),
    "issued": ("comes_back", Mutation(ISSUER, 'claims["jti"] not in self._issued', "not self.secret")),
    "narrower": ("taken_back", Mutation(ISSUER, "granted.intersection(str(", "self.grants.scopes.intersection(str(")),
}  # fmt: skip


@each_guard({name: (f"tests/test_demo_users.py -k {tests}", mutation) for name, (tests, mutation) in GUARDS.items()})
async def test_each_guard_is_needed(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)

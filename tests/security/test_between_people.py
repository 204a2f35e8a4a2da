"""T10, T24 to T30: nobody gets, guesses or keeps what is another's.

T23, foreign handles and entries, is in `test_matrix.py`; streams that could stay open (T27) are not served.
"""

import asyncio
import json
import random
import string
from pathlib import Path
from typing import Any

import pytest
from mcp.server.auth.middleware.auth_context import auth_context_var
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken

from intarsia import Connector, Done, Grant
from intarsia.server.mcp_server.server import Surface, build_server
from intarsia.server.views.view_handles import LASTS_SECONDS, make_handle, read_handle
from intarsia.testing import Reply, Tools
from intarsia.widgets import BoardColumn, Card, TaskBoard
from tests.security.mutation import Guard, Mutants, Mutation, each_guard

ADA = Grant("ada", "chat", {"notes:read", "notes:write"}, issuer="https://id.example")
BOB = Grant("bob", "chat", {"notes:read"}, issuer="https://id.example")
MOVED: list[str] = []
CANARIES = {"ada": "canary-of-ada-5f1e", "bob": "canary-of-bob-90c2"}


@pytest.fixture
def connector(tmp_path: Path) -> Connector:
    MOVED.clear()
    notes = Connector("Notes", store=tmp_path / "notes.db")

    @notes.widget(scopes={"notes:read"})
    async def board(grant: Grant) -> TaskBoard:
        """Show one's own notes."""
        await asyncio.sleep(0)  # lets other calls come between
        cards = [Card(f"N-{number}", f"{CANARIES[grant.subject]} {number}") for number in range(3)]
        return TaskBoard(columns=[BoardColumn("notes", "Notes", cards)], on_move=move.bind())

    @notes.action(scopes={"notes:write"})
    async def move(card: str, column: str, index: int, grant: Grant) -> Done:
        """Move a note."""
        MOVED.append(f"{grant.subject} {card} {column} {index}")
        return Done(f"Moved {card} of {CANARIES[grant.subject]}.")

    return notes


def found_in(reply: Reply) -> set[str]:
    """Say whose data are anywhere in an answer."""
    whole = json.dumps([reply.text, reply.html, reply.structured, dict(reply.meta)], default=str)
    return {name for name, canary in CANARIES.items() if canary in whole}


async def test_t10_a_scope_that_was_withdrawn_between_drawing_and_pressing_is_missed(tools: Tools) -> None:
    drawn = await tools.call("board", as_=ADA)
    narrowed = Grant("ada", "chat", {"notes:read"}, issuer="https://id.example")
    pressed = await tools.act(drawn, "move", card="N-1", column="notes", index=0, as_=narrowed)

    assert pressed.problem is not None
    assert pressed.problem["missing_scopes"] == ["notes:write"]
    assert "notes:write" in pressed.html
    assert MOVED == []
    assert (await tools.act(drawn, "move", card="N-1", column="notes", index=0, as_=ADA)).problem is None
    assert MOVED == ["ada N-1 notes 0"]


async def test_t25_interleaved_calls_of_two_people_never_mix(tools: Tools) -> None:
    order = [random.Random(5).choice([ADA, BOB]) for _ in range(200)]  # noqa: S311 - any order that can be repeated
    replies = await asyncio.gather(*(tools.call("board", as_=grant) for grant in order))

    assert [found_in(reply) for reply in replies] == [{grant.subject} for grant in order]


async def test_t28_what_was_drawn_for_one_is_not_kept_for_another(tools: Tools) -> None:
    hers = await tools.call("board", as_=ADA)
    his = await tools.call("board", as_=BOB)
    again = await tools.call("board", as_=ADA)

    assert (found_in(hers), found_in(his)) == ({"ada"}, {"bob"})
    assert (again.html == hers.html, "<button>Move</button>" in hers.html) == (True, True)
    assert ("<button>Move</button>" in his.html) is False


async def test_t29_the_document_is_the_same_for_everybody_and_holds_no_data(
    tools: Tools, running_connector: Connector
) -> None:
    surface = Surface(running_connector.catalog)
    (uri,) = {str(view.uri) for view in surface.views(None)}
    documents: set[str] = set()
    for grant in (ADA, BOB):
        await tools.call("board", as_=grant)
        token = AccessToken(token="made-up", client_id="chat", scopes=sorted(grant.scopes), subject=grant.subject)
        signed_in = auth_context_var.set(AuthenticatedUser(token))
        document = surface.read(uri)
        auth_context_var.reset(signed_in)
        assert document is not None
        documents.add(document.text)

    (text,) = documents
    assert [name for name, canary in CANARIES.items() if canary in text] == []


@pytest.mark.parametrize("extra", ["owner", "is_admin", "version", "__proto__", "_meta", "grant", "constructor"])
async def test_t30_nobody_adds_a_field(tools: Tools, extra: str) -> None:
    given: dict[str, Any] = {"card": "N-1", "column": "notes", "index": 0, extra: "ada"}
    reply = await tools.call("move", as_=ADA, **given)

    assert reply.problem is not None
    assert reply.problem["kind"] == "invalid"
    assert MOVED == []


async def test_t24_no_handle_is_guessed(running_connector: Connector) -> None:
    signer = running_connector.catalog.signer
    real = make_handle(signer, ADA, "board", {})
    assert real is not None
    assert read_handle(signer, ADA, real)
    dice = random.Random(24)  # noqa: S311 - guesses that can be repeated
    letters = string.ascii_letters + string.digits + "-_"

    near = [real[:place] + dice.choice(letters) + real[place + 1 :] for place in range(len(real)) for _ in range(100)]
    cut = [real[:length] for length in range(len(real))] + [real.swapcase(), real.lower(), real.upper(), f" {real}"]
    far = ["".join(dice.choices(letters, k=len(real))) for _ in range(100_000 - len(near) - len(cut))]
    hits = [guess for guess in (*near, *cut, *far) if guess != real and read_handle(signer, ADA, guess)]

    assert len(near) + len(cut) + len(far) == 100_000
    assert hits == []
    assert not read_handle(signer, BOB, real)
    assert LASTS_SECONDS <= 24 * 3600


async def test_t26_there_is_nothing_to_subscribe_to_but_streams_that_are_guarded(running_connector: Connector) -> None:
    """`test_listening.py` attacks the streams."""
    server = build_server(running_connector.catalog)

    assert server.get_request_handler("tools/call") is not None
    assert server.get_request_handler("subscriptions/listen") is not None
    assert server.get_request_handler("resources/subscribe") is None


HERE = "tests/security/test_between_people.py"
GUARDS = {
    "t10": (
        f"{HERE} -k t10",
        Mutation("intarsia/permissions.py", "missing = tool.scopes - grant.scopes", "missing = frozenset[str]()"),
    ),
    "t25": (
        f"{HERE} -k 't25 or t28'",
        Mutation(
            "intarsia/server/tools/tool.py",
            "_grant_parameter] = grant",
            '_grant_parameter] = globals().setdefault("first", grant)',
        ),
    ),
    "t24": (
        f"{HERE} -k t24",
        Mutation(
            "intarsia/server/views/view_handles.py",
            "hmac.compare_digest(mac, self._mac(self._secret, bound, body))",
            "True",
        ),
    ),
    "t28": (
        f"{HERE} -k t28",
        Mutation(
            "intarsia/ui_templates/render.py",
            "(macro, also, *vars(thing).values())",
            '(macro, getattr(thing, "id", 0))',
        ),
    ),
    "t29": (
        f"{HERE} -k t29",
        Mutation(
            "intarsia/server/mcp_server/server.py",
            "text=self._document.html",
            "text=self._document.html + repr(caller())",
        ),
    ),
    "t30": (
        f"{HERE} -k t30",
        Mutation("intarsia/server/tools/arguments.py", 'ConfigDict(extra="forbid"', 'ConfigDict(extra="ignore"'),
    ),
}


@each_guard(GUARDS)
async def test_the_guards_bite(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)

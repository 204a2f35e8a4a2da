"""T23: what is another's is answered as what does not exist: same words, same status, and by the same steps.

Clocks say little on a busy machine, so time is not measured. What takes time is compared instead: the sequence of all
functions of Intarsia that a call runs through, and the statements that it sends to the database. Where both are equal,
nothing is left that could take longer for the one than for the other.
"""

import asyncio
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from sqlalchemy import Column, MetaData, String, Table, event, insert, select
from sqlalchemy.engine import Engine

from intarsia import Connector, Done, Grant
from intarsia.server.views.view_handles import make_handle
from intarsia.server.wire.messages import CallResponse
from intarsia.widgets import Text
from tests.security.mutation import Guard, Mutants, Mutation, each_guard

TABLES = MetaData()
NOTES = Table("notes", TABLES, Column("id", String, primary_key=True), Column("owner", String, nullable=False))
ADA = Grant("ada", "chat", {"notes"}, issuer="https://id.example")
BOB = Grant("bob", "chat", {"notes"}, issuer="https://id.example")
NONE = "There is no such note."
FOREIGN, UNKNOWN = "note-of-bob-1", "note-of-bob-2"
MANY = 10
DRIVER = ("/intarsia/server/storage/sqlite.py", "/intarsia/server/storage/store.py")
"""They open a connection when the pool has none free, whichever call comes then; their statements are compared."""


def build_notes(store: Path) -> Connector:
    """Make a connector whose notes are each somebody's."""
    notes = Connector("Notes", store=store, tables=TABLES)

    async def is_owner(grant: Grant, arguments: Mapping[str, Any]) -> bool | str:
        async with notes.read() as connection:
            query = select(NOTES.c.id).where(NOTES.c.id == arguments["note"], NOTES.c.owner == grant.subject)
            return (await connection.execute(query)).first() is not None or NONE

    @notes.widget(scopes={"notes"}, allow=is_owner)
    async def note(note: str) -> Text:
        """Show a note."""
        return Text(note)

    @notes.action(scopes={"notes"}, allow=is_owner)
    async def mark(note: str) -> Done:
        """Mark a note."""
        return Done(f"Marked {note}.")

    @notes.action(scopes={"notes"}, allow=is_owner, destructive=True, confirm="Burn {note}?")
    async def burn(note: str) -> Done:
        """Burn a note."""
        return Done(f"Burned {note}.")

    @notes.action(scopes={"notes"}, roles={"keeper"})
    async def keep(note: str) -> Done:
        """Keep a note."""
        return Done(f"Kept {note}.")

    return notes


@pytest.fixture
async def notes(tmp_path: Path) -> AsyncIterator[Connector]:
    connector = build_notes(tmp_path / "notes.db")
    async with connector.running():
        async with connector.change() as connection:
            await connection.execute(insert(NOTES), [{"id": FOREIGN, "owner": "bob"}, {"id": "own", "owner": "ada"}])
        yield connector


@dataclass
class Steps:
    """What a call ran through."""

    functions: list[str]
    statements: list[str]
    _task: "asyncio.Task[object] | None" = field(default=None, compare=False, repr=False)
    _frames: set[FrameType] = field(default_factory=set[FrameType], compare=False, repr=False)

    def _enter(self, frame: FrameType, what: str, _argument: object) -> None:
        file = frame.f_code.co_filename
        is_ours = "/intarsia/" in file and not file.endswith(DRIVER)
        # A coroutine is entered again after each wait, and how often it waits is up to a thread.
        # Other tasks of the loop, such as the one that follows the switches, run in between.
        if what == "call" and is_ours and frame not in self._frames and asyncio.current_task() is self._task:
            self._frames.add(frame)
            self.functions.append(frame.f_code.co_qualname)

    def _execute(self, *given: Any) -> None:
        self.statements.append(given[2])

    async def of(
        self, connector: Connector, tool: str, arguments: Mapping[str, Any], handle: str | None
    ) -> CallResponse:
        """Call a tool as Ada, and write down the steps."""
        meta = {"dev.intarsia/view": handle} if handle else {}
        before = sys.getprofile()
        self._task = asyncio.current_task()
        event.listen(Engine, "before_cursor_execute", self._execute)
        sys.setprofile(self._enter)
        try:
            return await connector.calls.answer(tool, arguments, meta, ADA)
        finally:
            sys.setprofile(before)
            event.remove(Engine, "before_cursor_execute", self._execute)


async def called(notes: Connector, tool: str, note: str, handle: str | None = None) -> tuple[CallResponse, Steps]:
    """Call a tool with a note, after once has warmed up what is made once."""
    await notes.calls.answer(tool, {"note": note}, {}, ADA)
    steps = Steps([], [])
    return await steps.of(notes, tool, {"note": note}, handle), steps


@pytest.mark.parametrize("tool", ["note", "mark", "burn"])
async def test_t23_a_foreign_id_is_answered_as_an_unknown_one_by_the_same_steps(notes: Connector, tool: str) -> None:
    handle = make_handle(notes.catalog.signer, ADA, "note", {"note": "own"})
    (foreign, one), (unknown, other) = [await called(notes, tool, note, handle) for note in (FOREIGN, UNKNOWN)]
    for _ in range(MANY):
        (foreign, one), (unknown, other) = [await called(notes, tool, note, handle) for note in (FOREIGN, UNKNOWN)]
        assert foreign == unknown
        assert one == other
    assert (foreign.is_error, foreign.text) == (True, NONE)
    assert len(one.functions) > 10
    assert len(one.statements) >= 1


async def test_t23_one_s_own_is_another_answer(notes: Connector) -> None:
    answer, _steps = await called(notes, "mark", "own")
    assert (answer.is_error, answer.text) == (False, "Marked own.")


async def test_t23_a_foreign_handle_is_answered_as_a_made_up_one_by_the_same_steps(notes: Connector) -> None:
    foreign_handle = make_handle(notes.catalog.signer, BOB, "note", {"note": FOREIGN})
    assert foreign_handle is not None
    sealed = urlsafe_b64decode(foreign_handle + "=" * (-len(foreign_handle) % 4))
    made_up = urlsafe_b64encode(bytes(byte ^ 1 for byte in sealed)).rstrip(b"=").decode()
    (foreign, one), (unknown, other) = [
        await called(notes, "burn", "own", handle) for handle in (foreign_handle, made_up)
    ]

    assert (foreign, foreign.is_error) == (unknown, True)
    assert one == other


async def test_t23_a_tool_for_others_is_answered_as_one_that_is_not_there(notes: Connector) -> None:
    (foreign, one), (unknown, other) = [await called(notes, tool, "own") for tool in ("keep", "xqzw")]

    assert foreign == unknown
    assert one.statements == other.statements == []


HERE = "tests/security/test_foreign_and_unknown.py"
GUARDS = {
    "the rule": (
        f"{HERE} -k 'foreign_id'",
        Mutation("intarsia/permissions.py", "if answer is True:", "if answer is not None:"),
    ),
    "the same steps": (
        f"{HERE} -k 'foreign_id'",
        Mutation(
            "intarsia/permissions.py",
            "    if answer is True:",
            "    if 'note-of-bob-1' in arguments.values(): _listed(set())\n    if answer is True:",
        ),
    ),
    "whose handle": (
        f"{HERE} -k 'foreign_handle'",
        Mutation(
            "intarsia/server/views/view_handles.py", 'return "view", grant.person, grant.client', 'return ("view",)'
        ),
    ),
    "who is offered what": (
        f"{HERE} -k 'for_others'",
        Mutation(
            "intarsia/server/catalog.py",
            "return tool if tool and is_offered(grant, tool) and",
            "return tool if tool and",
        ),
    ),
}


@each_guard(GUARDS)
async def test_t23_bites(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)

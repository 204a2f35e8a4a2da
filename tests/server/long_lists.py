"""A connector with long lists, for the tests of windows and of the size of results."""

from functools import cache
from pathlib import Path
from typing import Any

from intarsia import Connector, Done, Grant
from intarsia.server.wire.size import DEFAULT_MAX_RESULT_BYTES, result_bytes
from intarsia.testing.tools import Reply, Tools
from intarsia.widgets import BoardColumn, Card, Stack, Table, TableColumn, TaskBoard, Widget

CANARY = "canary-4711"
READER = Grant("ada", "chat", {"read"})
INSIDER = Grant("grace", "chat", {"read", "secret"})
ROWS, COLUMNS, CARDS = 50_000, 5, 1_000


class Lists:
    """A connector with long lists, which tests change."""

    def __init__(self, path: Path, most: int = DEFAULT_MAX_RESULT_BYTES) -> None:
        self.connector = Connector("Lists", store=path, max_result_bytes=most, scopes={"secret"})
        self.cards = [Card(f"T-{number}", f"Task {number}") for number in range(120)]
        self.board, self.table = _board(), _table()
        self.any: Widget = Stack([])
        self.asked = 0
        self._add_tools()

    def _add_tools(self) -> None:
        @self.connector.widget(scopes={"read"})
        async def board() -> TaskBoard:
            """Show all cards."""
            return self.board

        @self.connector.widget(scopes={"read"})
        async def table() -> Table:
            """Show all files."""
            return self.table

        @self.connector.widget(scopes={"read"})
        async def anything(of: str = "us") -> Widget:
            """Show what the test wants."""
            return self.any if of else Stack([])

        async def may_move(grant: Grant, arguments: Any) -> bool | str:
            assert grant == READER
            self.asked += 1
            return not arguments["card"].endswith("7") or f"{arguments['card']} stays."

        @self.connector.action(scopes={"read"}, allow=may_move)
        async def move(card: str, column: str, index: int) -> Done:
            """Move a card."""
            assert column == "todo"
            moved = next(each for each in self.cards if each.id == card)
            self.cards = [each for each in self.cards if each.id != card]
            self.cards.insert(index, moved)
            return Done(f"Moved {card}.")

        @self.connector.action(scopes={"read"})
        async def tell(length: int) -> Done:
            """Say much."""
            return Done("x" * length)

        @self.connector.widget(scopes={"read"}, topics="cards")
        async def moving() -> TaskBoard:
            """Show cards that can be moved."""
            return TaskBoard(columns=[BoardColumn("todo", "To do", self.cards)], on_move=move)


@cache
def _board() -> TaskBoard:
    columns = [
        BoardColumn(f"c{at}", f"Stage {at}", [_card(at, number) for number in range(CARDS)]) for at in range(COLUMNS)
    ]
    return TaskBoard(columns=columns)


@cache
def _table() -> Table:
    return Table(
        columns=[TableColumn("name", "Name"), TableColumn("size", "Size", type="number")],
        rows=[{"id": number, "name": f"file {number}", "size": number / 2} for number in range(ROWS)],
        row_key="id",
        caption="Files",
    )


def _card(at: int, number: int) -> Card:
    # One in ten is secret.
    secret = number % 10 == 3
    title = f"{CANARY} {number}" if secret else f"Task {number}"
    return Card(f"T-{at}-{number}", title, scopes={"secret"} if secret else set())


def size_of(reply: Reply) -> int:
    return result_bytes(reply.text, reply.structured, reply.meta)


def keys_in(reply: Reply, prefix: str) -> set[str]:
    return {name.removeprefix(prefix) for name in reply.parts if name.startswith(prefix)}


async def walked(tools: Tools, reply: Reply, place: str, prefix: str) -> set[str]:
    """Show more of a list until there is no more, and return the keys of all items that were shown."""
    found = keys_in(reply, prefix)
    while place in reply.more:
        reply = await tools.more(reply, place)
        assert not reply.is_error, reply.text
        assert size_of(reply) <= DEFAULT_MAX_RESULT_BYTES
        found |= keys_in(reply, prefix)
    return found

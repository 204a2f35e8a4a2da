"""The connector that is measured: its board and dashboard, read from memory and from a real store."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from itertools import cycle
from pathlib import Path
from typing import Any

from sqlalchemy import Column as Field
from sqlalchemy import Integer, MetaData, String, Table, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks.samples import STAGES, Numbers, make_tasks
from intarsia import BoundAction, ConflictError, Connector, Done, RefusedError
from intarsia.widgets import BoardColumn, Card, Dashboard, Metric, Select, Sparkline, TableColumn, TaskBoard, Tile
from intarsia.widgets import Table as TableWidget

METADATA = MetaData()
CARDS = Table(
    "cards",
    METADATA,
    Field("id", String, primary_key=True),
    Field("stage", String, nullable=False),
    Field("position", Integer, nullable=False),
    Field("title", String, nullable=False),
    Field("assignee", String),
    Field("priority", String, nullable=False),
    Field("label", String),
    Field("due", String),
    Field("done", Integer, nullable=False, default=0),
    Field("version", Integer, nullable=False, default=1),
)

Cards = Sequence[Mapping[str, Any]]


def build_subject(store: Path) -> Connector:
    """Make the connector.

    Args:
        store: Where its database is made.
    """
    rows: list[dict[str, Any]] = [{**vars(task), "done": 0, "version": 1} for task in make_tasks()]
    turns, numbers = cycle(range(len(rows))), Numbers()

    @asynccontextmanager
    async def fill(_connector: Connector) -> AsyncGenerator[None]:
        async with subject.change() as connection:
            if not (await connection.execute(select(func.count()).select_from(CARDS))).scalar_one():
                await connection.execute(insert(CARDS), rows)
        yield

    subject = Connector("Benchmark", store=store, tables=METADATA, lifespan=fill)

    on_move, on_complete = _add_actions(subject, rows)

    @subject.widget
    async def board(assignee: str | None = None, changed: int = 0) -> TaskBoard:
        """Show the board as it is kept in memory, on which so many cards have changed since it was last shown."""
        for _ in range(changed):
            turn = next(turns)
            rows[turn] = {**rows[turn], "version": rows[turn]["version"] + 1}
        return _board([row for row in rows if assignee in (None, row["assignee"])], on_move, on_complete)

    @subject.widget
    async def stored_board(assignee: str | None = None) -> TaskBoard:
        """Show the board, read from the store."""
        wanted = select(CARDS).order_by(CARDS.c.stage, CARDS.c.position)
        async with subject.read() as connection:
            found = await connection.execute(wanted if assignee is None else wanted.where(CARDS.c.assignee == assignee))
        return _board([dict(row) for row in found.mappings()], on_move, on_complete)

    @subject.widget
    async def dashboard() -> Dashboard:
        """Show four metrics, a line of 90 points, and a table of 50 rows."""
        numbers.advance()
        return _dashboard(numbers)

    return subject


def _add_actions(subject: Connector, rows: list[dict[str, Any]]) -> tuple[BoundAction, BoundAction]:
    """Add the actions, and return them as the board offers them: move and complete."""

    @subject.action
    async def move_card(card: str, column: str, index: int, version: int) -> Done:
        """Move a card to a place in a column."""
        async with subject.change() as connection:
            old = await _find(connection, card, version)
            await _put(connection, card, column, index, version + 1)
            undo = move_card.bind(card=card, column=old.stage, index=old.position, version=version + 1)
            return Done(f"Moved {card}.", undo=undo)

    @subject.action
    async def complete_card(card: str, done: bool, version: int) -> Done:  # noqa: FBT001  # a tool's arguments go by name
        """Complete a card, or open it again."""
        new = {"done": int(done), "version": version + 1}
        async with subject.change() as connection:
            here = update(CARDS).where(CARDS.c.id == card, CARDS.c.version == version)
            if not (await connection.execute(here.values(new))).rowcount:
                await _find(connection, card, version)
            next(row for row in rows if row["id"] == card).update(new)
            return Done(f"{card} is {'done' if done else 'open'}.")

    return move_card.bind(), complete_card.bind()


async def _find(connection: AsyncConnection, card: str, version: int) -> Any:
    row = (await connection.execute(select(CARDS).where(CARDS.c.id == card))).first()
    if row is None:
        reason = "There is no such card."
        raise RefusedError(reason)
    if row.version != version:
        reason = "Somebody was faster."
        raise ConflictError(reason, current={"version": row.version})
    return row


async def _put(connection: AsyncConnection, card: str, column: str, index: int, version: int) -> None:
    """Put a card before the one that stands at a place now, or at the end."""
    others = select(CARDS.c.position).where(CARDS.c.stage == column, CARDS.c.id != card).order_by(CARDS.c.position)
    positions = list((await connection.execute(others)).scalars())
    place = [*positions, positions[-1] + 1 if positions else 0][min(index, len(positions))]
    behind = update(CARDS).where(CARDS.c.stage == column, CARDS.c.position >= place)
    await connection.execute(behind.values(position=CARDS.c.position + 1))
    await connection.execute(
        update(CARDS).where(CARDS.c.id == card).values(stage=column, position=place, version=version)
    )


def _board(cards: Cards, on_move: BoundAction, on_complete: BoundAction) -> TaskBoard:
    people = sorted({row["assignee"] for row in cards if row["assignee"]})
    return TaskBoard(
        title="Apollo",
        columns=[
            BoardColumn(stage, title, [_card(row) for row in cards if row["stage"] == stage]) for stage, title in STAGES
        ],
        filters=[Select("assignee", options=people)],
        on_move=on_move,
        on_complete=on_complete,
    )


def _card(row: Mapping[str, Any]) -> Card:
    return Card(
        row["id"],
        row["title"],
        assignee=row["assignee"],
        priority=row["priority"],
        label=row["label"],
        due=date.fromisoformat(row["due"]) if row["due"] else None,
        done=bool(row["done"]),
        version=row["version"],
    )


def _dashboard(numbers: Numbers) -> Dashboard:
    history = Sparkline(numbers.points, label="Load, last 90 seconds", low=0, high=100)
    metrics = [
        Metric(name, value, unit="percent", history=history if name == "Now" else None)
        for name, value in numbers.metrics.items()
    ]
    processes = TableWidget(
        columns=[
            TableColumn("name", "Process"),
            TableColumn("cpu", "CPU", type="number", unit="percent"),
            TableColumn("memory", "Memory", type="number", unit="megabyte", digits=0),
        ],
        rows=numbers.processes,
        row_key="pid",
        caption="Busiest processes",
    )
    tiles = [Tile(metric.label.lower(), title=metric.label, content=metric) for metric in metrics]
    tiles.append(Tile("processes", title="Processes", content=processes, width=2))
    return Dashboard(title="This machine", tiles=tiles)

"""A small connector with a real store: two lists of cards that can be moved, and a panel with a draft."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from mcp.server.mcpserver import MCPServer
from sqlalchemy import Column as Field
from sqlalchemy import Integer, MetaData, String, Table, insert, select, update

from intarsia import ConflictError, Connector, Done, RefusedError
from intarsia.server.wire.messages import CallResponse
from intarsia.widgets import BoardColumn, Card, DesignPanel, Slider, TaskBoard

METADATA = MetaData()
CARDS = Table(
    "cards",
    METADATA,
    Field("id", String, primary_key=True),
    Field("stage", String, nullable=False),
    Field("version", Integer, nullable=False),
)
PANEL: dict[str, float] = {"radius": 8.0}


def build_connector(path: Path, server: MCPServer[Any] | None = None) -> Connector:
    connector = Connector("Team tasks", store=path, tables=METADATA, server=server)

    @connector.action
    async def move_card(card: str, column: str, index: int, version: int) -> Done:
        """Move a card to a column."""
        async with connector.change() as connection:
            row = (await connection.execute(select(CARDS).where(CARDS.c.id == card))).first()
            if row is None:
                reason = "There is no such card."
                raise RefusedError(reason)
            if row.version != version:
                reason = f"Ada moved it to {row.stage}."
                raise ConflictError(reason, current={"column": row.stage, "version": row.version})
            moved = update(CARDS).where(CARDS.c.id == card).values(stage=column, version=version + 1)
            await connection.execute(moved)
            undo = move_card.bind(card=card, column=row.stage, index=index, version=version + 1)
            return Done(f"Moved {card}.", undo=undo)

    @connector.action
    async def break_down() -> Done:
        """Change something and then fail."""
        async with connector.change() as connection:
            await connection.execute(insert(CARDS).values(id="T-77", stage="todo", version=1))
            message = "secret detail"
            raise RuntimeError(message)

    @connector.widget
    async def task_board(stage: str | None = None) -> TaskBoard:
        """Show the cards."""
        async with connector.read() as connection:
            rows = (await connection.execute(select(CARDS).order_by(CARDS.c.id))).all()
        stages = [stage] if stage else ["todo", "done"]
        columns = [
            BoardColumn(
                name,
                name.title(),
                [Card(row.id, f"Task {row.id}", version=row.version) for row in rows if row.stage == name],
            )
            for name in stages
        ]
        return TaskBoard(columns=columns, on_move=move_card.bind())

    @connector.action
    async def save_panel(values: dict[str, float]) -> Done:
        """Save the panel."""
        PANEL.update({name: round(value) for name, value in values.items()})
        return Done("Saved.")

    @connector.widget
    async def panel() -> DesignPanel:
        """Adjust the radius."""
        radius = Slider("radius", min=0, max=24, value=PANEL["radius"])
        return DesignPanel([radius], draft=True, on_save=save_panel.bind())

    return connector


async def fill(connector: Connector) -> None:
    async with connector.change() as connection:
        await connection.execute(insert(CARDS), [{"id": f"T-{n}", "stage": "todo", "version": 1} for n in range(1, 13)])


@pytest.fixture
async def connector(tmp_path: Path) -> AsyncIterator[Connector]:
    PANEL["radius"] = 8.0
    built = build_connector(tmp_path / "store.db")
    async with built.running():
        await fill(built)
        yield built


async def from_view(connector: Connector, widget: str = "panel", **more: Any) -> dict[str, Any]:
    """Return what a View that shows a widget adds to its calls."""
    shown = await call(connector, widget)
    return {"dev.intarsia/view": shown.meta["dev.intarsia/view"], **more}


async def call(
    connector: Connector, name: str, meta: Mapping[str, Any] | None = None, **arguments: Any
) -> CallResponse:
    return await connector.calls.answer(name, arguments, meta or {}, connector.local)

"""The chores of a household: a board that is kept in the connector's own database."""

from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy import Column as Cell
from sqlalchemy import Integer, MetaData, String, Table, insert, select, update

from intarsia import Connector, Done, RefusedError
from intarsia.widgets import BoardColumn, Card, TaskBoard

Stage = Literal["todo", "done"]
Number = Annotated[str, Field(pattern="^[0-9]+$")]

number, place = Cell("number", Integer, primary_key=True), Cell("place", Integer, default=0)
title, stage = Cell("title", String), Cell("stage", String, default="todo")
chores = Table("chores", MetaData(), number, title, stage, place)
home = Connector("Home", tables=chores.metadata)


@home.widget
async def chore_board() -> TaskBoard:
    """Show what is to be done at home."""
    async with home.read() as connection:
        rows = list(await connection.execute(select(chores).order_by(place, number)))
    cards = {name: [Card(str(row.number), row.title) for row in rows if row.stage == name] for name in ("todo", "done")}
    columns = [BoardColumn("todo", "To do", cards["todo"]), BoardColumn("done", "Done", cards["done"])]
    return TaskBoard(title="At home", columns=columns, on_add=add_chore, on_move=move_chore)


@home.action(scopes={"chores:write"})
async def add_chore(title: str) -> Done:
    """Add something that is to be done."""
    async with home.change() as connection:
        await connection.execute(insert(chores).values(title=title))
        return Done(f"Added {title}.")


@home.action(scopes={"chores:write"})
async def move_chore(card: Number, column: Stage, index: int) -> Done:
    """Move a chore to a place in a column, counted from 0 without the chore itself."""
    others = select(number).where(stage == column, number != int(card)).order_by(place, number)
    async with home.change() as connection:
        chore = await connection.scalar(select(title).where(number == int(card)))
        if chore is None:
            message = "This chore is no longer on the list."
            raise RefusedError(message)
        order = list(await connection.scalars(others))
        order.insert(index, int(card))
        for new_place, moved in enumerate(order):
            await connection.execute(update(chores).where(number == moved).values(stage=column, place=new_place))
        return Done(f"Moved {chore} to {'Done' if column == 'done' else 'To do'}.")

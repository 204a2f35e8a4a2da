"""A shopping list on a FastMCP server, whose own tool reads the data of the widget."""

from functools import partial

from fastmcp import FastMCP
from sqlalchemy import Boolean, Column, Integer, MetaData, String, Table, insert, select, update

import intarsia
from intarsia import Connector, Done
from intarsia.widgets import BoardColumn as Shelf
from intarsia.widgets import Card, TaskBoard

number, name = Column("number", Integer, primary_key=True), Column("name", String, nullable=False)
is_bought = Column("is_bought", Boolean, nullable=False)
items = Table("items", MetaData(), number, name, is_bought)

server: FastMCP[None] = FastMCP("Shopping")
connector = Connector("Shopping list", tables=items.metadata)
intarsia.attach(connector, server)


@server.tool
async def still_to_buy() -> list[str]:
    """List what is still to be bought."""
    async with connector.read() as connection:
        return list(await connection.scalars(select(name).where(~is_bought).order_by(number)))


@connector.action
async def add_item(title: str) -> Done:
    """Put something on the list."""
    async with connector.change() as connection:
        await connection.execute(insert(items).values(name=title, is_bought=False))
        return Done(f"{title} is on the list.")


@connector.action
async def buy(card: str, done: bool) -> Done:
    """Say whether something was bought, by its number."""
    async with connector.change() as connection:
        await connection.execute(update(items).where(number == int(card)).values(is_bought=done))
        return Done("Bought." if done else "Back on the list.", undo=partial(buy, card=card, done=not done))


@connector.widget
async def shopping_list() -> TaskBoard:
    """Show what to buy, and what was bought."""
    async with connector.read() as connection:
        rows = (await connection.execute(select(items).order_by(number))).all()
    shelves = [
        Shelf(shelf, label, [Card(str(row.number), row.name, done=done) for row in rows if row.is_bought == done])
        for shelf, label, done in (("open", "To buy", False), ("bought", "Bought", True))
    ]
    return TaskBoard(title="Shopping", columns=shelves, on_add=add_item, on_complete=buy)

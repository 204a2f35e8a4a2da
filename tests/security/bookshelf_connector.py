"""A connector with something to destroy: books on a shelf, in a store that two processes may share."""

from pathlib import Path
from typing import Any

from sqlalchemy import Column as Field
from sqlalchemy import Integer, MetaData, String, Table, delete, insert, select

from intarsia import ConflictError, Connector, Done
from intarsia.permissions import Grant
from intarsia.server.wire.messages import CallResponse
from intarsia.widgets import Button, Stack

METADATA = MetaData()
BOOKS = Table(
    "books",
    METADATA,
    Field("id", String, primary_key=True),
    Field("version", Integer, nullable=False),
)

ADA = Grant("ada", "desktop", frozenset({"books"}), issuer="https://issuer.example")
BOB = Grant("bob", "desktop", frozenset({"books"}), issuer="https://issuer.example")
FAILING = "B-13"


def build_bookshelf(path: Path, name: str = "Shelf") -> Connector:
    """Make the connector on a store."""
    shelf = Connector(name, store=path, tables=METADATA)

    @shelf.action(scopes={"books"}, destructive=True, confirm="Burn {book}?")
    async def burn_book(book: str, version: int) -> Done:
        """Burn a book."""
        async with shelf.change() as connection:
            row = (await connection.execute(select(BOOKS).where(BOOKS.c.id == book))).first()
            if row is None or row.version != version:
                reason = "Somebody changed it."
                raise ConflictError(reason)
            await connection.execute(delete(BOOKS).where(BOOKS.c.id == book))
            if book == FAILING:
                message = "the fire went out"
                raise RuntimeError(message)
            return Done(f"Burned {book}.")

    @shelf.action(scopes={"books"}, destructive=True, visibility={"model", "app"}, confirm="Sell {book}?")
    async def sell_book(book: str) -> Done:
        """Sell a book, which the model may know of."""
        async with shelf.change() as connection:
            await connection.execute(delete(BOOKS).where(BOOKS.c.id == book))
            return Done(f"Sold {book}.")

    @shelf.widget(scopes={"books"})
    async def books() -> Stack:
        """Show the books."""
        async with shelf.read() as connection:
            rows = (await connection.execute(select(BOOKS).order_by(BOOKS.c.id))).all()
        return Stack(
            [Button(f"Burn {row.id}", on_click=burn_book.bind(book=row.id, version=row.version)) for row in rows]
        )

    return shelf


async def fill(shelf: Connector) -> None:
    """Put books on the shelf."""
    async with shelf.change() as connection:
        await connection.execute(insert(BOOKS), [{"id": f"B-{n}", "version": 1} for n in range(1, 14)])


async def left(shelf: Connector) -> int:
    """Count the books."""
    async with shelf.read() as connection:
        return len((await connection.execute(select(BOOKS.c.id))).all())


class Screen:
    """A View that shows the books to somebody, with what it adds to its calls."""

    def __init__(self, shelf: Connector, grant: Grant, handle: str) -> None:
        self.shelf, self.grant, self.handle = shelf, grant, handle

    @classmethod
    async def opened(cls, shelf: Connector, grant: Grant = ADA) -> "Screen":
        """Show the books."""
        shown = await shelf.calls.answer("books", {}, {}, grant)
        return cls(shelf, grant, shown.meta["dev.intarsia/view"])

    async def call(
        self, tool: str = "burn_book", *, key: str = "", yes: object = None, **arguments: Any
    ) -> CallResponse:
        """Call an action, with an idempotency key and a confirmation where there are."""
        meta: dict[str, object] = {"dev.intarsia/view": self.handle, **({"dev.intarsia/id": key} if key else {})}
        if yes is not None:
            meta["dev.intarsia/confirmation"] = yes
        return await self.shelf.calls.answer(tool, arguments, meta, self.grant)

    async def ask(self, book: str = "B-1", version: int = 1) -> str:
        """Press the button, and return what a yes would bring back."""
        asked = await self.call(book=book, version=version)
        confirmation: str = asked.meta["dev.intarsia/confirm"]["confirmation"]
        return confirmation


async def restore(shelf: Connector) -> None:
    """Put the first book back."""
    async with shelf.change() as connection:
        await connection.execute(insert(BOOKS).values(id="B-1", version=1))

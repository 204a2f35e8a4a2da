"""An existing MCP server for a reading list, with an added widget: `intarsia dev examples.reading_list:connector`.

The server, its lifespan, its file and its tool are as their author wrote them. What is new begins at the connector.
"""

import os
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Any

from mcp.server.mcpserver import MCPServer

from intarsia import Connector, Done
from intarsia.widgets import Checkbox, Heading, Stack

FILE = Path(os.environ.get("READING_LIST", Path.home() / "reading-list.db"))


def ask(sql: str, *values: object) -> list[Any]:
    """Run a statement and commit it."""
    with closing(sqlite3.connect(FILE)) as database, database:
        return database.execute(sql, values).fetchall()


@asynccontextmanager
async def lifespan(_server: MCPServer[None]) -> AsyncGenerator[None]:
    """Create the table if it does not exist."""
    ask("CREATE TABLE IF NOT EXISTS books (title TEXT PRIMARY KEY, is_read INTEGER NOT NULL DEFAULT 0)")
    yield


server = MCPServer("reading-list", lifespan=lifespan)


@server.tool()
def add_book(title: str) -> str:
    """Put a book on the list."""
    ask("INSERT INTO books (title) VALUES (?) ON CONFLICT DO NOTHING", title)
    return f"{title} is on the list."


connector = Connector("Reading list", server=server)


@connector.action
async def mark_read(title: str, value: bool) -> Done:
    """Say whether a book is read."""
    ask("UPDATE books SET is_read = ? WHERE title = ?", value, title)
    return Done(f"{title} is {'read' if value else 'still to be read'}.")


@connector.widget
async def reading_list() -> Stack:
    """Show the books, to tick off what is read."""
    books = ask("SELECT title, is_read FROM books ORDER BY title")
    left = sum(not is_read for _, is_read in books)
    boxes = [
        Checkbox(title, label=title, value=bool(on), on_change=partial(mark_read, title=title)) for title, on in books
    ]
    return Stack([Heading(f"{left} of {len(books)} left to read"), *boxes])

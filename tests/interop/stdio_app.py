"""A connector that a host starts as a process. It prints where it should not, as real modules do."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

from mcp.server.mcpserver import MCPServer
from pydantic import Field

from intarsia import Connector
from intarsia.permissions import Grant
from intarsia.widgets import Button, Done, Text

print("A module that prints when it is loaded.")  # noqa: T201 - what the test is about

shelf = Connector("Shelf", store=Path(os.environ["SHELF_STORE"]))
FILLED = {"count": 0}


@shelf.action(changes="shelf")
async def fill(amount: Annotated[int, Field(ge=1)]) -> Done:
    """Fill the shelf."""
    print("A function that prints.")  # noqa: T201 - as above
    FILLED["count"] += amount
    return Done(f"Filled with {amount}.")


@shelf.widget(topics="shelf")
async def show() -> Button:
    """Show the shelf."""
    return Button(f"Fill more than {FILLED['count']}", on_click=partial(fill, amount=1))


@shelf.action
def ask_child() -> Done:
    """Let a child process print and read."""
    program = "import sys; print('A child that prints.'); print(repr(sys.stdin.read()), file=sys.stderr)"
    ended = subprocess.run([sys.executable, "-c", program], check=True)
    return Done(f"The child ended with {ended.returncode}.")


@shelf.action
async def who_calls(caller: Grant) -> Done:
    """Say who calls."""
    return Done(f"{caller.subject} with {sorted(caller.scopes)}")


server = MCPServer("Notes")
notes = Connector("Notes", store=Path(os.environ["SHELF_STORE"]).with_name("notes.db"), server=server)


@server.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@notes.widget
async def note(number: int) -> Text:
    """Show a note."""
    return Text(f"Note {number}")

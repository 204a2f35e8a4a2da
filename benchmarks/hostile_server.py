"""A connector to attack, in a process of its own: `python -m benchmarks.hostile_server TREE FOLDER`.

It serves the package of the tree, which may be an older version than this one. People sign in with made-up tokens: the
token `ada` is Ada's.
"""

import sys
from pathlib import Path
from time import time
from typing import Any

from benchmarks.versions import enter

PUBLIC_URL = "https://tasks.example.com"
RESOURCE = f"{PUBLIC_URL}/mcp"
CARDS = 400
"""On a large board, whose answer is about 70 KB."""


class MadeUpTokens:
    """Introspection of tokens that are the names of people."""

    async def introspect(self, token: str) -> dict[str, Any] | None:
        """Return the claims of a token; `None` for one that is nobody's name."""
        if not token.isalpha():
            return None
        return {
            "active": True, "iss": PUBLIC_URL, "aud": RESOURCE, "sub": token, "client_id": "benchmark",
            "scope": "read", "exp": int(time()) + 3_600, "token_type": "Bearer",
        }  # fmt: skip


def connector_app(folder: Path) -> Any:
    """Make the application: boards of two sizes, and an action that nobody may call."""
    from intarsia import Connector, Done, Issuer, ResourceServer  # noqa: PLC0415  # that of the tree
    from intarsia.widgets import BoardColumn, Card, TaskBoard  # noqa: PLC0415

    connector = Connector("Attacked", store=folder / "attacked.db")

    def cards(count: int, number: int) -> TaskBoard:
        made = [Card(f"T-{card}", f"Task {card} of {number}") for card in range(count)]
        return TaskBoard(columns=[BoardColumn("all", "All", made)])

    @connector.widget(scopes={"read"})
    async def board(number: int) -> TaskBoard:  # pyright: ignore[reportUnusedFunction]  # the decorator takes it
        """Show a large board."""
        return cards(CARDS, number)

    @connector.widget(scopes={"read"})
    async def small_board(number: int) -> TaskBoard:  # pyright: ignore[reportUnusedFunction]  # the decorator takes it
        """Show a small board."""
        return cards(20, number)

    @connector.action(scopes={"write"})
    async def forbidden(number: int) -> Done:  # pyright: ignore[reportUnusedFunction]  # the decorator takes it
        """Do what nobody here may do."""
        return Done(str(number))

    auth = ResourceServer(RESOURCE, [Issuer(PUBLIC_URL, local_introspection=MadeUpTokens())])
    return connector.app(auth=auth)


def main(folder: Path) -> None:
    """Serve as `intarsia serve` does, until the process is killed."""
    from intarsia.host import serve_connector  # noqa: PLC0415  # that of the tree

    app = connector_app(folder)
    serve_connector(app, host="127.0.0.1", port=0, announce=lambda address: print(address, flush=True))


if __name__ == "__main__":
    enter(Path(sys.argv[1]))
    main(Path(sys.argv[2]))

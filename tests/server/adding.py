"""A connector whose two actions do the same, one in the event loop and one in a thread. Run as a module it is killed.

`python -m tests.server.adding STORE ACTION` adds numbers, each with a key of its own, and prints each that was
acknowledged.
"""

import asyncio
import sys
from pathlib import Path

from sqlalchemy import Column, Integer, MetaData, Table, func, insert, select

from intarsia import Connector, Done
from tests.server.conftest import call

TABLES = MetaData()
NUMBERS = Table("numbers", TABLES, Column("n", Integer, primary_key=True, autoincrement=False))
ACTIONS = ("add", "add_in_thread")


def build(store: Path) -> Connector:
    """Make the connector."""
    connector = Connector("Adding", store=store, tables=TABLES)

    @connector.action
    async def add(number: int) -> Done:
        """Add a number."""
        async with connector.change() as connection:
            await connection.execute(insert(NUMBERS).values(n=number))
        return Done(f"Added {number}.")

    @connector.action
    def add_in_thread(number: int) -> Done:
        """Add a number."""
        with connector.change() as connection:
            connection.execute(insert(NUMBERS).values(n=number))
        return Done(f"Added {number}.")

    assert set(connector.tools) == {add.name, add_in_thread.name}
    return connector


def key_of(number: int) -> dict[str, str]:
    """Return what a call carries that adds a number."""
    return {"dev.intarsia/id": f"number-{number}"}


async def added(connector: Connector) -> int:
    """Say how many numbers there are; they begin with 1."""
    async with connector.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(NUMBERS))).scalar_one())


async def main() -> None:
    """Add numbers for ever."""
    connector = build(Path(sys.argv[1]))
    async with connector.running():
        number = await added(connector)
        while True:
            number += 1
            answer = await call(connector, sys.argv[2], key_of(number), number=number)
            assert not answer.is_error, answer.text
            print(number, flush=True)  # noqa: T201  # what the test reads


if __name__ == "__main__":
    asyncio.run(main())

"""A connector whose two actions do the same, one in the event loop and one in a thread. Run as a module it is killed.

`python -m tests.server.adding STORE ACTION...` adds numbers, each with a key of its own, and prints each that was
acknowledged. With several actions there are as many writers, which share the numbers out.
"""

import asyncio
import sys
from pathlib import Path

import anyio
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


async def numbers_of(connector: Connector) -> set[int]:
    """Return the numbers that there are."""
    async with connector.read() as connection:
        return set((await connection.execute(select(NUMBERS.c.n))).scalars())


async def add_for_ever(connector: Connector, action: str, number: int, step: int) -> None:
    """Add every number that comes after one, with a step between them."""
    while True:
        number += step
        answer = await call(connector, action, key_of(number), number=number)
        assert not answer.is_error, answer.text
        print(number, flush=True)  # noqa: T201  # what the test reads


async def main() -> None:
    """Add numbers for ever."""
    connector, actions = build(Path(sys.argv[1])), sys.argv[2:]
    async with connector.running(), anyio.create_task_group() as group:
        there = await numbers_of(connector)
        for writer, action in enumerate(actions, 1):
            mine = [number for number in there if number % len(actions) == writer % len(actions)]
            last = max(mine, default=writer - len(actions))
            group.start_soon(add_for_ever, connector, action, last, len(actions))


if __name__ == "__main__":
    asyncio.run(main())

"""Builds the old stores in `old_stores/`, with the code of the commit before schema versions: 3a46d32.

They were built once, in a checkout of that commit: `python -m tests.storage.build_old_stores FOLDER`. They are dumps,
so that they can be read and compared; `old_store_files.py` makes files of them.
"""

import asyncio
import json
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from intarsia import Connector, Done, Grant
from intarsia.server.audit.log import AuditEntry
from intarsia.server.storage.drafts import save_draft
from intarsia.server.switches.positions import Position
from intarsia.server.switches.service import Change
from intarsia.testing import Tools
from intarsia.widgets import Button
from tests.authorization_server.sign_in_site import running_sign_in_site
from tests.server.adding import build, key_of

ADA = Grant("ada", "chat")


def build_adding(store: Path) -> Connector:
    """Return the connector of the old store: numbers that are added, and a destructive action."""
    connector = build(store)

    @connector.action(destructive=True, confirm="Forget all numbers?")
    async def forget() -> Done:
        """Forget all numbers."""
        return Done("Forgotten.")

    @connector.widget
    async def forgetting() -> Button:
        """Offer to forget all numbers."""
        return Button("Forget", on_click=forget)

    assert forgetting.name in connector.tools
    return connector


async def fill(connector: Connector) -> None:
    """Use everything that a connector keeps."""
    async with connector.running():
        for number in (1, 2, 3):
            await connector.audit.write(AuditEntry("action", "early", what=f"call {number}"))
        await connector.audit.prune(before=0, max_rows=1)
        for number in (1, 2, 3):
            await answer(connector, "add", key_of(number), number=number)
        await answer(connector, "add", key_of(3), number=4)
        tools = Tools(connector, ADA, [])
        await tools.act(await tools.call("forgetting"), "forget", key="forgotten", confirm=True)
        await save_draft(connector.store, ADA.person, "panel", {"size": 3}, {"radius": 12})
        await connector.switches.set(
            [Change("tool:add_in_thread", Position.OFF)], who="root", by="shell", why="Broken."
        )


async def answer(connector: Connector, tool: str, meta: dict[str, str], **arguments: Any) -> Any:
    """Call a tool as Ada."""
    return await connector.calls.answer(tool, arguments, meta, ADA)


async def sign_in(folder: Path) -> dict[str, str]:
    """Connect an app, refresh its tokens, and return what it holds."""
    async with running_sign_in_site(folder) as place:
        connection = await place.connect()
        renewed = (await place.refresh(connection.client_id, connection.renewing)).json()
    return {
        "client": connection.client_id,
        "access_token": str(renewed["access_token"]),
        "refresh_token": str(renewed["refresh_token"]),
    }


def dump(store: Path, target: Path) -> None:
    """Write a store as SQL."""
    with closing(sqlite3.connect(store)) as connection:
        target.write_text("\n".join(connection.iterdump()) + "\n", encoding="utf-8")


async def main(target: Path) -> None:
    """Build both stores."""
    with TemporaryDirectory() as folder:
        await fill(build_adding(Path(folder) / "adding.db"))
        dump(Path(folder) / "adding.db", target / "connector.sql")
        (Path(folder) / "sign-in").mkdir()
        held = await sign_in(Path(folder) / "sign-in")
        dump(Path(folder) / "sign-in" / "accounts.db", target / "accounts.sql")
    (target / "held.json").write_text(json.dumps({**held, "built_at": time.time()}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))

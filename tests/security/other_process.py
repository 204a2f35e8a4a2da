"""Sets a switch in another process, which has the store in common with this one and nothing else."""

import asyncio
import sys
from pathlib import Path

from tests.commands import ROOT

SETTING = """
import asyncio, sys
from pathlib import Path
from intarsia.server.switches.positions import Position
from intarsia.server.switches.service import Change
from tests.security.connector_server import build_connector

async def main():
    connector = build_connector(Path(sys.argv[1]), [])
    async with connector.store.open(beside=True):
        await connector.switches.set([Change(sys.argv[2], Position.OFF)], who="admin", by="admin")

asyncio.run(main())
"""


async def turn_off_in_other_process(store: Path, what: str) -> None:
    """Turn something of `served.build_connector` off."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", SETTING, str(store), what, cwd=ROOT)
    assert await process.wait() == 0

"""The commands that turn tools on and off: `intarsia switches`."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click

from intarsia.cli.load_connector import load_connector

if TYPE_CHECKING:
    from intarsia.server.connector import Connector
    from intarsia.server.switches.service import Switch

T = TypeVar("T")

_POSITIONS = ("on", "text_only", "off")


@click.group()
def switches() -> None:
    """Turn tools on, to text only, or off, without a restart."""


@switches.command("list")
@click.argument("target", metavar="MODULE:CONNECTOR")
def list_switches(target: str) -> None:
    """List the switches and their positions."""
    connector = load_connector(target)
    found = _with(connector, connector.switches.rows)
    for switch in found:
        click.echo(_line(switch))
    named = {switch.what for switch in found}
    for tool in connector.tools:
        if f"tool:{tool}" not in named:
            click.echo(f"tool:{tool}  on")


@switches.command("set")
@click.argument("target", metavar="MODULE:CONNECTOR")
@click.argument("what")
@click.argument("position", type=click.Choice(_POSITIONS))
@click.option("--role", default="", help="Only for users with this role; by default for all users.")
@click.option("--why", default="", help="The reason, for the audit log.")
def set_switch(target: str, what: str, position: str, role: str, why: str) -> None:
    """Set a switch. All processes and open widgets follow within two seconds.

    WHAT is a tool's name, or `connector` (all tools at once), `actions_in_widgets`, `actions_by_model`, or `new_tools`
    (for tools that are added later).
    """
    from intarsia.server.audit.log import shell_user  # noqa: PLC0415 - `--help` should not wait for it
    from intarsia.server.switches.positions import Position, switch_of  # noqa: PLC0415 - as above
    from intarsia.server.switches.service import Change  # noqa: PLC0415 - as above

    connector = load_connector(target)
    change = Change(switch_of(what) if what in connector.tools else what, Position(position), role)
    _with(connector, lambda: connector.switches.set([change], who=shell_user(), by="shell", why=why))
    click.echo(f"{change.what} is {position}{f' for {role}' if role else ''}.")


def _line(switch: "Switch") -> str:
    whom = f"for {switch.role}" if switch.role else ""
    by = f"by {switch.who}" if switch.who else ""
    parts = (switch.what, switch.position.value, whom, by, switch.why)
    return "  ".join("".join(mark if mark.isprintable() else "?" for mark in part) for part in parts if part)


def _with(connector: "Connector", work: Callable[[], Awaitable[T]]) -> T:
    async def run() -> T:
        async with connector.store.open(beside=True):
            return await work()

    return asyncio.run(run())

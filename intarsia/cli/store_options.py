"""The options of `intarsia serve` for the store and its audit log."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from intarsia.server.connector import Connector

Command = TypeVar("Command", bound=Callable[..., None])


def store_options(command: Command) -> Command:
    """Add the options for the store."""
    options = (
        click.option(
            "--shared-store",
            is_flag=True,
            help="Let other processes serve from the same store; all of them need this option. "
            "Open widgets do not see the changes of other processes.",
        ),
        click.option(
            "--audit-heads",
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            help="Append the hash of the audit log's last row to this file every minute, for `audit verify --heads`. "
            "Choose a file that this machine's users cannot rewrite.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def set_store_options(connector: "Connector", *, shared_store: bool, audit_heads: Path | None) -> None:
    """Set the options for the stores of a connector and of those that it includes.

    Args:
        connector: The connector.
        shared_store: Whether other processes may serve from the same stores; otherwise what the connectors say.
        audit_heads: Where heads are appended to; otherwise what the connectors say.
    """
    for catalog in {id(one): one for one in (connector.catalog, *connector.catalog.owners.values())}.values():
        catalog.store.is_shared = catalog.store.is_shared or shared_store
        if audit_heads is not None:
            catalog.heads.sink = audit_heads

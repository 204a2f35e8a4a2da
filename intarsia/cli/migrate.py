"""The command that migrates a store to this version of Intarsia: `intarsia migrate`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from intarsia.cli.load_connector import load_connector
from intarsia.errors import SettingError

if TYPE_CHECKING:
    from intarsia.server.storage.store_file import StoreFile

_DEFAULT = "the default file"
"""The value of `--accounts` without a file."""


@click.command()
@click.argument("target", metavar="[MODULE:CONNECTOR]", required=False)
@click.option(
    "--accounts",
    is_flag=False,
    flag_value=_DEFAULT,
    metavar="[FILE]",
    help="The accounts of a connector that runs with --sign-in; by default those in your state folder.",
)
@click.option("--check", is_flag=True, help="Only list what is pending, and exit with status 1 if there is something.")
def migrate(target: str | None, accounts: str | None, *, check: bool) -> None:
    """Migrate a store to this version of Intarsia.

    A server does this by itself when it starts. This command does it ahead, while no process uses the store. A copy of
    the store is kept beside it. Your own tables are not migrated.
    """
    files = [file for file in _files(target, accounts) if file.path.exists()]
    if not files:
        click.echo("There is no store yet. It is created when the connector is served.")
    pending = {file.path: file.pending() for file in files}
    for file in files:
        if not pending[file.path]:
            click.echo(f"{file.path} is up to date.")
            continue
        click.echo(f"{file.path}: {', '.join(pending[file.path])} pending.")
        if not check:
            _migrate(file)
    if check and any(pending.values()):
        raise click.exceptions.Exit(1)


def _migrate(file: "StoreFile") -> None:
    lock = file.open(is_shared=False, beside=False)
    if lock is not None:
        lock.release()
    click.echo(f"{file.path} is migrated.")


def _files(target: str | None, accounts: str | None) -> "list[StoreFile]":
    from intarsia.server.auth.authorization_server.accounts.tables import accounts_store  # noqa: PLC0415 - `--help` should not wait for it
    from intarsia.server.storage.store import default_path  # noqa: PLC0415 - as above

    if (target is None) == (accounts is None):
        message = "Select one store: MODULE:CONNECTOR, such as app:tasks, or --accounts."
        raise SettingError(message)
    if target is None:
        path = default_path("accounts") if accounts in (None, _DEFAULT) else Path(accounts)
        return [accounts_store(path).file]
    connector = load_connector(target)
    stores = {id(one.store): one.store for one in (connector.catalog, *connector.catalog.owners.values())}
    return [store.file for store in stores.values()]

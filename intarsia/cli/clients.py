"""The commands that manage apps without dynamic registration: `intarsia clients`."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from secrets import token_urlsafe
from typing import TYPE_CHECKING, TypeVar

import click

from intarsia.cli.users import has_accounts
from intarsia.errors import SettingError

if TYPE_CHECKING:
    from intarsia.server.auth.authorization_server.clients.clients import Clients

T = TypeVar("T")


@click.group()
def clients() -> None:
    """Manage the apps of a connector that runs with --sign-in. Most apps register themselves and do not need this."""


@clients.command()
@click.argument("name")
@click.option("--redirect", "redirects", multiple=True, required=True, metavar="URL", help="A redirect URI of the app.")
@click.option("--public", is_flag=True, help="For apps that cannot keep a secret, such as apps on users' machines.")
@has_accounts
def add(name: str, redirects: tuple[str, ...], accounts: Path | None, *, public: bool) -> None:
    """Create a client ID, and a secret that is shown once."""
    from intarsia.server.auth.authorization_server.clients.clients import Client, clean_name  # noqa: PLC0415 - `--help` should not wait for it
    from intarsia.server.auth.authorization_server.clients.redirect_uris import is_allowed  # noqa: PLC0415 - as above
    from intarsia.server.pages.browsers import digest_of  # noqa: PLC0415 - as above

    wrong = [address for address in redirects if not is_allowed(address)]
    if wrong:
        message = f"{wrong[0]!r} cannot be a redirect URI: it must use https, or http on the user's own machine."
        raise SettingError(message)
    secret = None if public else token_urlsafe(32)
    client = Client(
        f"app_{token_urlsafe(16)}",
        "preregistered",
        clean_name(name),
        redirects,
        "none" if secret is None else "client_secret_basic",
        digest_of(secret) if secret else None,
    )
    _with(accounts, lambda clients: clients.save(client))
    click.echo(f"  Client ID      {client.id}")
    if secret:
        click.echo(f"  Client secret  {secret}")
        click.echo("Copy the secret now. It is stored as a hash and cannot be shown again.")


@clients.command("list")
@has_accounts
def list_clients(accounts: Path | None) -> None:
    """List the apps."""
    found = _with(accounts, lambda clients: clients.by_id())
    for client in sorted(found.values(), key=lambda one: (one.kind, one.name)):
        click.echo(f"{client.id}  {client.name}  {client.kind}")
    if not found:
        click.echo("There are no apps yet.")


@clients.command()
@click.argument("client_id")
@has_accounts
def remove(client_id: str, accounts: Path | None) -> None:
    """Delete an app and everything that users granted to it."""
    _with(accounts, lambda clients: clients.remove(client_id))
    click.echo(f"{client_id} is deleted.")


def _with(path: Path | None, work: "Callable[[Clients], Awaitable[T]]") -> T:
    from intarsia.server.auth.authorization_server.accounts.tables import accounts_store  # noqa: PLC0415 - as above
    from intarsia.server.auth.authorization_server.clients.client_metadata import ClientMetadataReader  # noqa: PLC0415 - as above
    from intarsia.server.auth.authorization_server.clients.clients import Clients  # noqa: PLC0415 - as above
    from intarsia.server.storage.store import default_path  # noqa: PLC0415 - as above

    async def run() -> T:
        async with accounts_store(path or default_path("accounts")).open(beside=True) as store:
            return await work(Clients(store, ClientMetadataReader()))

    return asyncio.run(run())

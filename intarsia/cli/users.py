"""The commands that manage accounts: `intarsia users`. Accounts cannot be created in any other way."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from intarsia.server.auth.authorization_server.accounts.accounts import Accounts

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., None])


def has_accounts(command: Command) -> Command:
    """Add the option for the file with the accounts."""
    return click.option(
        "--accounts",
        envvar="INTARSIA_ACCOUNTS",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help="The file with the accounts; by default in your state folder.",
    )(command)


@click.group()
def users() -> None:
    """Manage the accounts of a connector that runs with --sign-in."""


@users.command()
@click.argument("name")
@click.option("--role", "roles", multiple=True, help="A role of the user, such as 'editor'; can be repeated.")
@has_accounts
def add(name: str, roles: tuple[str, ...], accounts: Path | None) -> None:
    """Create an account. The command asks for the password, or reads it from standard input."""
    password = _read_password()
    _with(accounts, lambda kept: kept.add(name, password, roles))
    click.echo(f"{name.lower()} can sign in.")


@users.command("list")
@has_accounts
def list_users(accounts: Path | None) -> None:
    """List the accounts."""
    found = _with(accounts, lambda kept: kept.list())
    for account in found:
        parts = (account.name, ", ".join(sorted(account.roles)), "" if account.state == "active" else "disabled")
        click.echo("  ".join(part for part in parts if part))
    if not found:
        click.echo("There are no accounts yet. Create one with: intarsia users add NAME")


@users.command()
@click.argument("name")
@click.option("--add", "added", multiple=True, metavar="ROLE", help="A role to add, such as intarsia:admin.")
@click.option("--remove", "removed", multiple=True, metavar="ROLE", help="A role to remove.")
@has_accounts
def roles(name: str, added: tuple[str, ...], removed: tuple[str, ...], accounts: Path | None) -> None:
    """Change the roles of an account. `intarsia:admin` gives access to the pages at /admin."""

    async def change(kept: "Accounts") -> list[str]:
        account = await kept.get(name.lower())
        before = account.roles if account else frozenset[str]()
        after = (before | set(added)) - set(removed)
        await kept.set_roles(name, sorted(after))
        return sorted(after)

    found = _with(accounts, change)
    what = f"is {', '.join(found)}" if found else "has no roles"
    click.echo(f"{name.lower()} {what} now, and has to sign in again. Connected apps stay connected.")


@users.command()
@click.argument("name")
@has_accounts
def disable(name: str, accounts: Path | None) -> None:
    """Disable an account. The user is signed out at once, from connected apps too."""
    _with(accounts, lambda kept: kept.disable(name))
    click.echo(f"{name.lower()} cannot sign in any more. Use `intarsia users enable` to enable the account again.")


@users.command()
@click.argument("name")
@has_accounts
def enable(name: str, accounts: Path | None) -> None:
    """Enable a disabled account."""
    _with(accounts, lambda kept: kept.disable(name, is_disabled=False))
    click.echo(f"{name.lower()} can sign in.")


@users.command()
@click.argument("name")
@has_accounts
def password(name: str, accounts: Path | None) -> None:
    """Change a password. The command asks for it, or reads it from standard input."""
    changed = _read_password()
    _with(accounts, lambda kept: kept.set_password(name, changed))
    click.echo(f"{name.lower()} has a new password, and has to sign in again. Connected apps stay connected.")


@users.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@has_accounts
def remove(name: str, accounts: Path | None, *, yes: bool) -> None:
    """Remove an account and everything that it granted to apps."""
    if not yes:
        click.confirm(f"Remove {name.lower()} and everything granted to apps?", abort=True)
    _with(accounts, lambda kept: kept.remove(name))
    click.echo(f"{name.lower()} is removed.")


def _with(path: Path | None, work: "Callable[[Accounts], Awaitable[T]]") -> T:
    from intarsia.server.auth.authorization_server.accounts.accounts import Accounts  # noqa: PLC0415 - `--help` should not wait for it
    from intarsia.server.auth.authorization_server.accounts.tables import accounts_store  # noqa: PLC0415 - as above
    from intarsia.server.storage.store import default_path  # noqa: PLC0415 - as above

    async def run() -> T:
        async with accounts_store(path or default_path("accounts")).open(beside=True) as store:
            return await work(Accounts(store))

    return asyncio.run(run())


def _read_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    asked: Any = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return str(asked)

"""The commands that keep accounts: `intarsia users`. There is no other way to make one."""

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
    """Add the option that says where accounts are."""
    return click.option(
        "--accounts",
        envvar="INTARSIA_ACCOUNTS",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Where accounts are kept; by default in your state folder.",
    )(command)


@click.group()
def users() -> None:
    """Say who may sign in at a connector that is served with --sign-in."""


@users.command()
@click.argument("name")
@click.option("--role", "roles", multiple=True, help="What they are, such as 'editor'; may be given several times.")
@has_accounts
def add(name: str, roles: tuple[str, ...], accounts: Path | None) -> None:
    """Make an account. The password is asked for, or read from standard input."""
    password = _read_password()
    _with(accounts, lambda kept: kept.add(name, password, roles))
    click.echo(f"{name.lower()} may sign in.")


@users.command("list")
@has_accounts
def list_users(accounts: Path | None) -> None:
    """Show the accounts."""
    found = _with(accounts, lambda kept: kept.list())
    for account in found:
        parts = (account.name, ", ".join(sorted(account.roles)), "" if account.state == "active" else "disabled")
        click.echo("  ".join(part for part in parts if part))
    if not found:
        click.echo("Nobody may sign in yet. Make an account with: intarsia users add NAME")


@users.command()
@click.argument("name")
@click.option("--add", "added", multiple=True, metavar="ROLE", help="A role to give, such as intarsia:admin.")
@click.option("--remove", "removed", multiple=True, metavar="ROLE", help="A role to take away.")
@has_accounts
def roles(name: str, added: tuple[str, ...], removed: tuple[str, ...], accounts: Path | None) -> None:
    """Give an account roles, or take them away. `intarsia:admin` opens the pages at /admin."""

    async def change(kept: "Accounts") -> list[str]:
        account = await kept.get(name.lower())
        before = account.roles if account else frozenset[str]()
        after = (before | set(added)) - set(removed)
        await kept.set_roles(name, sorted(after))
        return sorted(after)

    found = _with(accounts, change)
    what = f"is {', '.join(found)}" if found else "has no roles"
    click.echo(f"{name.lower()} {what} now, and has to sign in again. Connected apps stay.")


@users.command()
@click.argument("name")
@has_accounts
def disable(name: str, accounts: Path | None) -> None:
    """Close an account: whoever uses it is out at once, in connected apps too."""
    _with(accounts, lambda kept: kept.disable(name))
    click.echo(f"{name.lower()} may not sign in any more. `intarsia users enable` opens the account again.")


@users.command()
@click.argument("name")
@has_accounts
def enable(name: str, accounts: Path | None) -> None:
    """Open an account again that was disabled."""
    _with(accounts, lambda kept: kept.disable(name, is_disabled=False))
    click.echo(f"{name.lower()} may sign in.")


@users.command()
@click.argument("name")
@has_accounts
def password(name: str, accounts: Path | None) -> None:
    """Give an account another password. It is asked for, or read from standard input."""
    changed = _read_password()
    _with(accounts, lambda kept: kept.set_password(name, changed))
    click.echo(f"{name.lower()} has another password, and has to sign in again. Connected apps stay.")


@users.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@has_accounts
def remove(name: str, accounts: Path | None, *, yes: bool) -> None:
    """Remove an account, with all that it granted to apps."""
    if not yes:
        click.confirm(f"Remove {name.lower()}, and all that was granted to apps?", abort=True)
    _with(accounts, lambda kept: kept.remove(name))
    click.echo(f"{name.lower()} is removed.")


def _with(path: Path | None, work: "Callable[[Accounts], Awaitable[T]]") -> T:
    from intarsia.server.auth.authorization_server.accounts.accounts import Accounts  # noqa: PLC0415 - `--help` should not wait for it
    from intarsia.server.auth.authorization_server.accounts.tables import TABLES  # noqa: PLC0415 - as above
    from intarsia.server.storage.store import Store, default_path  # noqa: PLC0415 - as above

    async def run() -> T:
        async with Store(path or default_path("accounts"), TABLES).open() as store:
            return await work(Accounts(store))

    return asyncio.run(run())


def _read_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    asked: Any = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return str(asked)

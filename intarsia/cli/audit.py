"""The commands that read the audit log: `intarsia audit`."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from intarsia.cli.load_connector import load_connector
from intarsia.errors import SettingError

if TYPE_CHECKING:
    from intarsia.server.audit.log import AuditQuery
    from intarsia.server.storage.store import Store

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., None])

_DAY = 24 * 3600


def _log_options(command: Command) -> Command:
    """Add the options that select the log."""
    options = (
        click.argument("target", metavar="[MODULE:CONNECTOR]", required=False),
        click.option(
            "--accounts",
            "of_accounts",
            is_flag=True,
            help="The log of sign-ins and grants of a connector that runs with --sign-in.",
        ),
        click.option(
            "--store",
            "file",
            metavar="FILE",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="The log in this file.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _filter_options(command: Command) -> Command:
    """Add the options that filter rows."""
    day = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"])
    options = (
        click.option("--who", default="", help="Only rows of this user."),
        click.option("--what", default="", help="Only rows about this tool or switch."),
        click.option("--event", default="", help="Only rows of this kind, such as refusal."),
        click.option("--since", type=day, help="Only rows from this date or time on, in UTC."),
        click.option("--until", type=day, help="Only rows before this date or time, in UTC."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group()
def audit() -> None:
    """Read, export, verify and prune the audit log."""


@audit.command()
@_log_options
@_filter_options
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="The maximum number of rows.")
def show(target: str | None, file: Path | None, limit: int, *, of_accounts: bool, **options: Any) -> None:
    """Show the latest rows, oldest first."""
    from intarsia.server.audit.export import format_row  # noqa: PLC0415 - as above
    from intarsia.server.audit.log import AuditLog  # noqa: PLC0415 - `--help` should not wait for it

    wanted = _wanted(**options)
    rows = _with(_path_of(target, file, of_accounts=of_accounts), lambda store: AuditLog(store).rows(wanted, limit))
    for row in reversed(rows):
        click.echo(format_row(row))
    if not rows:
        click.echo("No matching rows.")


@audit.command()
@_log_options
@_filter_options
def export(target: str | None, file: Path | None, *, of_accounts: bool, **options: Any) -> None:
    """Write rows to standard output as CSV, for a spreadsheet or an archive."""
    from intarsia.server.audit.export import csv_lines  # noqa: PLC0415 - as above
    from intarsia.server.audit.log import AuditLog  # noqa: PLC0415 - `--help` should not wait for it

    wanted = _wanted(**options)

    async def write(store: "Store") -> None:
        async for text in csv_lines(AuditLog(store).pages(wanted)):
            sys.stdout.write(text)

    _with(_path_of(target, file, of_accounts=of_accounts), write)


@audit.command()
@_log_options
@click.option(
    "--head",
    default="",
    metavar="HASH",
    help="A hash that an earlier `verify` printed, which must still be in the log.",
)
@click.option(
    "--heads",
    "heads_file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The file that heads were shipped to, all of which must still be in the log.",
)
def verify(target: str | None, file: Path | None, head: str, heads_file: Path | None, *, of_accounts: bool) -> None:
    """Verify all rows. Exits with status 1 if a row was changed, removed, inserted or moved.

    Without a saved hash, this cannot find rows that were cut off at the end, or a log that was rewritten as a whole.
    Prints the hash of the last row, to keep in another place.
    """
    from intarsia.server.audit.heads import read_heads  # noqa: PLC0415 - `--help` should not wait for it
    from intarsia.server.audit.verify import verify as verified  # noqa: PLC0415 - as above

    wanted = head.strip().lower()
    path = _path_of(target, file, of_accounts=of_accounts)
    heads = read_heads(heads_file, _log_of(target, of_accounts=of_accounts)) if heads_file else []
    check = _with(path, lambda store: verified(store, wanted, heads))
    rows = _count(check.rows, "row")
    if not check.is_intact:
        click.echo(
            f"The log is not intact. {check.problem} The first {rows} are valid; the last valid hash is {check.head}"
        )
        raise click.exceptions.Exit(1)
    if heads:
        gone = f"; {_count(check.pruned_heads, 'head')} of pruned rows cannot be looked for" * bool(check.pruned_heads)
        click.echo(f"{_count(check.found_heads, 'saved head')} found in the log{gone}.")
    elif not wanted:
        click.echo(
            "No saved hash was given, so rows that were cut off at the end, or a log that was rewritten as a whole, "
            "cannot be found. See --head and --heads."
        )
    click.echo(f"The log is intact: {rows}. Its hash is {check.head}")


@audit.command()
@_log_options
@click.option("--keep-days", required=True, type=click.IntRange(1), help="Delete rows that are older than this.")
def prune(target: str | None, file: Path | None, keep_days: int, *, of_accounts: bool) -> None:
    """Delete old rows. Export them first; the remaining rows can still be verified."""
    from intarsia.server.audit.log import AuditLog  # noqa: PLC0415 - `--help` should not wait for it

    before = time.time() - keep_days * _DAY
    count = _with(_path_of(target, file, of_accounts=of_accounts), lambda store: AuditLog(store).prune(before))
    click.echo(f"{_count(count, 'row')} deleted.")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _log_of(target: str | None, *, of_accounts: bool) -> str:
    """Return the name of the log in files of heads; empty if it is not known."""
    from intarsia.server.audit.heads import ACCOUNTS_LOG  # noqa: PLC0415 - as above

    if of_accounts:
        return ACCOUNTS_LOG
    return load_connector(target).catalog.slug if target else ""


def _wanted(*, who: str, what: str, event: str, since: datetime | None, until: datetime | None) -> "AuditQuery":
    from intarsia.server.audit.log import AuditQuery  # noqa: PLC0415 - as above

    return AuditQuery(who, what, event, _seconds(since), _seconds(until))


def _seconds(moment: datetime | None) -> float | None:
    return moment.replace(tzinfo=UTC).timestamp() if moment else None


def _path_of(target: str | None, file: Path | None, *, of_accounts: bool) -> Path:
    from intarsia.server.storage.store import default_path  # noqa: PLC0415 - as above

    if sum((target is not None, file is not None, of_accounts)) != 1:
        message = "Select one log: MODULE:CONNECTOR, such as app:tasks, or --accounts, or --store FILE."
        raise SettingError(message)
    if target is not None:
        return load_connector(target).store.path
    return file or default_path("accounts")


def _with(path: Path, work: "Callable[[Store], Awaitable[T]]") -> T:
    from intarsia.server.storage.store import Store  # noqa: PLC0415 - as above

    async def run() -> T:
        async with Store(path).open(beside=True) as store:
            return await work(store)

    return asyncio.run(run())

"""The options of `intarsia serve` for sign-in at the connector itself."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from intarsia.cli.users import has_accounts
from intarsia.errors import SettingError

if TYPE_CHECKING:
    from intarsia.server.auth.authorization_server.accounts.settings import EmbeddedIssuer

Command = TypeVar("Command", bound=Callable[..., None])


def sign_in_options(command: Command) -> Command:
    """Add the options for sign-in."""
    options = (
        click.option(
            "--sign-in", is_flag=True, help="Let users sign in here, with accounts from `intarsia users add`."
        ),
        click.option(
            "--public-url",
            envvar="INTARSIA_PUBLIC_URL",
            metavar="URL",
            help="With --sign-in: the public address of the connector.",
        ),
        click.option("--tls-by-proxy", is_flag=True, help="With --sign-in: a proxy on another machine terminates TLS."),
    )
    for option in reversed(options):
        command = option(command)
    return has_accounts(command)


def embedded_issuer(
    *,
    sign_in: bool,
    public_url: str | None,
    accounts: Path | None,
    tls_by_proxy: bool,
    audit_heads: Path | None,
    host: str,
    port: int,
) -> "EmbeddedIssuer | None":
    """Return the settings of the embedded issuer, or `None` without `--sign-in`.

    Args:
        sign_in: Whether users sign in at the connector.
        public_url: The public address; by default the local address that the server listens on.
        accounts: The file with the accounts.
        tls_by_proxy: Whether a proxy on another machine terminates TLS.
        audit_heads: The file that the heads of the audit log are appended to.
        host: The address to listen on.
        port: The port to listen on.

    Raises:
        SettingError: The public address is unknown, or passwords would cross a network unencrypted.
    """
    from intarsia.server.auth.authorization_server.accounts.settings import EmbeddedIssuer  # noqa: PLC0415 - `--help` should not wait for it

    if not sign_in:
        if public_url is not None and tls_by_proxy:
            message = "--tls-by-proxy needs --sign-in."
            raise SettingError(message)
        return None
    if public_url is None and port == 0:
        message = "Sign-in needs a fixed address. Set --public-url, or a --port other than 0."
        raise SettingError(message)
    issuer = EmbeddedIssuer(public_url or f"http://127.0.0.1:{port}", accounts=accounts, audit_heads=audit_heads)
    issuer.check_bind(host, has_tls=tls_by_proxy)
    return issuer

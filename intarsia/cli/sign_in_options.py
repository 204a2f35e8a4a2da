"""The options of `intarsia serve` that let people sign in at the connector itself."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from intarsia.cli.users import has_accounts
from intarsia.errors import SettingError

if TYPE_CHECKING:
    from intarsia.server.auth.authorization_server.accounts.settings import EmbeddedIssuer

Command = TypeVar("Command", bound=Callable[..., None])


def embeds_sign_in(command: Command) -> Command:
    """Add the options."""
    options = (
        click.option(
            "--sign-in", is_flag=True, help="People sign in here, with accounts made by `intarsia users add`."
        ),
        click.option(
            "--public-url",
            envvar="INTARSIA_PUBLIC_URL",
            metavar="URL",
            help="The address that people use, for --sign-in.",
        ),
        click.option(
            "--tls-by-proxy", is_flag=True, help="A proxy in front, on another machine, ends TLS, for --sign-in."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return has_accounts(command)


def embedded_issuer(
    *, sign_in: bool, public_url: str | None, accounts: Path | None, tls_by_proxy: bool, host: str, port: int
) -> "EmbeddedIssuer | None":
    """Return where people sign in, if they do so here.

    Args:
        sign_in: Whether they do.
        public_url: The address that they use; by default the one that is listened on, on this machine.
        accounts: Where accounts are.
        tls_by_proxy: Whether a proxy on another machine ends TLS.
        host: The address to listen on.
        port: The port to listen on.

    Raises:
        SettingError: The address is not known, or passwords would cross a network in the clear.
    """
    from intarsia.server.auth.authorization_server.accounts.settings import EmbeddedIssuer  # noqa: PLC0415 - `--help` should not wait for it

    if not sign_in:
        if public_url is not None and tls_by_proxy:
            message = "--tls-by-proxy is for --sign-in; add it, or leave both out."
            raise SettingError(message)
        return None
    if public_url is None and port == 0:
        message = "Sign-in needs an address that stays. Give --public-url, or a --port other than 0."
        raise SettingError(message)
    issuer = EmbeddedIssuer(public_url or f"http://127.0.0.1:{port}", accounts=accounts)
    issuer.check_bind(host, has_tls=tls_by_proxy)
    return issuer

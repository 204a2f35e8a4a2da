"""The commands that run a server: `demo`, `dev` and `serve`."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from intarsia.cli.allow_list_options import allow_list_options, behind_allow_list
from intarsia.cli.limits_options import limits_options
from intarsia.cli.load_connector import demo_connector, load_connector
from intarsia.cli.sign_in_options import embedded_issuer, sign_in_options
from intarsia.cli.stdio_option import serve_stdio, stdio_option
from intarsia.cli.store_options import set_store_options, store_options
from intarsia.errors import SettingError

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from intarsia.host import HostAddresses
    from intarsia.server.auth.authorization_server.accounts.settings import EmbeddedIssuer
    from intarsia.server.auth.resource_server.settings import ResourceServer
    from intarsia.server.connector import Connector

_ANYWHERE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to

Command = TypeVar("Command", bound=Callable[..., None])


def _address_options(command: Command) -> Command:
    """Add the options for the address to listen on."""
    options = (
        click.option(
            "--port", default=8484, show_default=True, type=click.IntRange(0, 65535), help="0 selects a free port."
        ),
        click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on."),
        click.option(
            "--allow-host",
            multiple=True,
            metavar="NAME",
            help="Accept this host name too, for example behind a proxy.",
        ),
    )
    for option in options:
        command = option(command)
    return command


def _issuer_options(command: Command) -> Command:
    """Add the options for accepted tokens. Each can also be set in the environment."""
    options = (
        click.option(
            "--resource", envvar="INTARSIA_RESOURCE", metavar="URL", help="The public address of /mcp, for sign-in."
        ),
        click.option(
            "--issuer",
            "issuers",
            envvar="INTARSIA_ISSUER",
            multiple=True,
            metavar="URL",
            help="Accept access tokens of this authorization server.",
        ),
        click.option(
            "--audience", envvar="INTARSIA_AUDIENCE", help="The audience of access tokens, if not --resource."
        ),
        click.option(
            "--roles-claim", envvar="INTARSIA_ROLES_CLAIM", help="The claim with the user's roles, if not 'roles'."
        ),
        click.option(
            "--introspection-client-id",
            "client_id",
            envvar="INTARSIA_INTROSPECTION_CLIENT_ID",
            help="Introspect each token as this client; its secret is in INTARSIA_INTROSPECTION_CLIENT_SECRET.",
        ),
        click.option(
            "--admin-client-id",
            envvar="INTARSIA_ADMIN_CLIENT_ID",
            help="Serve /admin for admins who sign in at the issuer with this client; "
            "its secret, if any, is in INTARSIA_ADMIN_CLIENT_SECRET.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _has_demo_users(*, default: bool) -> Callable[[Command], Command]:
    """Add the option for demo users."""
    return click.option(
        "--users/--no-users",
        default=default,
        show_default=True,
        help="Sign in as one of three demo users: a reader, an editor or an admin.",
    )


@click.command()
@_address_options
@click.option(
    "--sandbox-port", default=0, type=click.IntRange(0, 65535), help="The sandbox's port; a free port by default."
)
@_has_demo_users(default=True)
def demo(**options: Any) -> None:
    """Show three examples in a local host page, signed in as a demo user."""
    _serve_page(demo_connector(), **options)


@click.command()
@click.argument("target", metavar="MODULE:CONNECTOR")
@_address_options
@click.option(
    "--sandbox-port", default=0, type=click.IntRange(0, 65535), help="The sandbox's port; a free port by default."
)
@_has_demo_users(default=False)
def dev(target: str, **options: Any) -> None:
    """Show a connector in a local host page.

    MODULE:CONNECTOR names the connector, such as `app:tasks` for `tasks` in app.py.
    """
    from intarsia.host.loop_watch import watching  # noqa: PLC0415 - loading the protocol takes a second

    connector = load_connector(target)
    _serve_page(connector, beside=watching(connector), **options)


@click.command()
@click.argument("target", metavar="MODULE:CONNECTOR")
@_address_options
@_issuer_options
@sign_in_options
@allow_list_options
@store_options
@limits_options
@stdio_option
@click.pass_context
def serve(  # noqa: PLR0913, PLR0917 - each is an option of the command
    context: click.Context,
    /,
    target: str,
    port: int,
    host: str,
    allow_host: tuple[str, ...],
    allow_ips: Path | None,
    trusted_proxies: tuple[str, ...],
    audit_heads: Path | None,
    known_hosts: tuple[str, ...],
    max_calls: int,
    *,
    shared_store: bool,
    stdio: bool,
    **options: Any,
) -> None:
    """Serve a connector at /mcp, for any MCP host.

    MODULE:CONNECTOR names the connector, such as `app:tasks` for `tasks` in app.py. With --resource and --issuer, or
    with --sign-in, every request needs an access token. With --stdio, a host on this machine starts the command, and
    speaks to it over standard input and output.
    """
    if stdio:
        serve_stdio(context, target)
        return
    from intarsia.host import serve_connector  # noqa: PLC0415 - loading the protocol takes a second
    from intarsia.server.http.limits import Limits  # noqa: PLC0415 - the same

    limits = Limits(max_calls=max_calls, known_hosts=known_hosts)
    auth = _auth_of(port, host, audit_heads=audit_heads, **options)
    connector = load_connector(target)
    set_store_options(connector, shared_store=shared_store, audit_heads=audit_heads)
    hosts = _hosts(host, (*allow_host, auth.host) if auth else allow_host)
    logging.getLogger("intarsia.host.server").setLevel(logging.INFO)  # says what a stop ended
    if auth:  # operators need to see why requests are rejected
        logging.getLogger("intarsia.server.auth.resource_server").setLevel(logging.INFO)
        logging.getLogger("intarsia.server.auth.authorization_server").setLevel(logging.INFO)
    app = behind_allow_list(connector.app(auth=auth, hosts=hosts, limits=limits), allow_ips, trusted_proxies)
    serve_connector(
        app,
        host=host,
        port=port,
        announce=lambda address: _announce_served(connector.name, address, auth),
        proxy_headers=allow_ips is None,  # the allow list has its own trusted proxies and needs the address of the peer
    )


def _auth_of(port: int, host: str, **options: Any) -> "EmbeddedIssuer | ResourceServer | None":
    """Return the sign-in settings, or `None` without sign-in."""
    from intarsia.cli.issuer_options import ADMIN_SECRET, SECRET, SignInOptions  # noqa: PLC0415 - `--help` should not wait for it

    here = {name: options.pop(name) for name in ("sign_in", "public_url", "accounts", "tls_by_proxy", "audit_heads")}
    embedded = embedded_issuer(**here, host=host, port=port)
    elsewhere = SignInOptions(
        client_secret=os.environ.get(SECRET), admin_client_secret=os.environ.get(ADMIN_SECRET), **options
    ).resource_server()
    if embedded and elsewhere:
        message = "Use either --sign-in, or --resource and --issuer, not both."
        raise SettingError(message)
    return embedded or elsewhere


def _serve_page(
    connector: "Connector",
    *,
    host: str,
    port: int,
    sandbox_port: int,
    allow_host: tuple[str, ...],
    users: bool,
    beside: "AbstractAsyncContextManager[None] | None" = None,
) -> None:
    from intarsia.host import serve_host, with_demo_users  # noqa: PLC0415 - loading the protocol takes a second

    def announce(addresses: "HostAddresses") -> None:
        click.echo(f"{connector.name} is ready. Press Ctrl-C to stop it.\n")
        click.echo(f"  Host page   {addresses.page}")
        click.echo(f"  Connector   {addresses.mcp}")

    hosts = _hosts(host, allow_host)
    app = with_demo_users(connector, hosts=hosts) if users else connector.app(hosts=hosts)
    serve_host(app, host=host, port=port, sandbox_port=sandbox_port, hosts=hosts, announce=announce, beside=beside)


def _announce_served(name: str, address: str, auth: "EmbeddedIssuer | ResourceServer | None") -> None:
    click.echo(f"{name} is ready. Press Ctrl-C to stop it.\n")
    click.echo(f"  Connector   {address}/mcp")
    if auth:
        click.echo(f"  Resource    {auth.resource}")
        click.echo(f"  Sign-in at  {', '.join(auth.addresses)}")


def _hosts(host: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
    """Return the accepted host names: those of this machine, the address to listen on, and the allowed ones."""
    from intarsia.server.http.request_limits import LOCAL_HOSTS  # noqa: PLC0415 - `--help` should not wait for it

    own = () if host in _ANYWHERE else (f"[{host}]" if ":" in host else host,)
    return tuple(dict.fromkeys(name.lower() for name in (*LOCAL_HOSTS, *own, *allowed)))

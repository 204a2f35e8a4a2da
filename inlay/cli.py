"""The command `inlay`: `demo`, `dev` and `serve`.

Here are arguments and plain errors; what is served is in `inlay.host` and `inlay.server`.
"""

import importlib
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

import click

from inlay.errors import InlayError, SettingError, near_miss

if TYPE_CHECKING:
    from inlay.host import HostAddresses
    from inlay.server.connector import Connector
    from inlay.server.tokens.settings import ResourceServer

EXAMPLES = ("examples.team_tasks", "examples.machine_monitor", "examples.brand_studio")

_ANYWHERE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to

Command = TypeVar("Command", bound=Callable[..., None])


class _InlayGroup(click.Group):
    """Commands whose own errors are one plain sentence, without a trace."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except InlayError as error:
            raise click.ClickException(str(error)) from error


def _listens_at(command: Command) -> Command:
    """Add the options that say where to listen."""
    options = (
        click.option(
            "--port", default=8484, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one."
        ),
        click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on."),
        click.option(
            "--allow-host",
            multiple=True,
            metavar="NAME",
            help="Answer to this host name too, for example behind a proxy.",
        ),
    )
    for option in options:
        command = option(command)
    return command


def _signs_in(command: Command) -> Command:
    """Add the options that say whose tokens are taken; each may come from the environment."""
    options = (
        click.option(
            "--resource", envvar="INLAY_RESOURCE", metavar="URL", help="The public address of /mcp, for sign-in."
        ),
        click.option(
            "--issuer",
            "issuers",
            envvar="INLAY_ISSUER",
            multiple=True,
            metavar="URL",
            help="Take this authorization server's tokens.",
        ),
        click.option(
            "--audience", envvar="INLAY_AUDIENCE", help="What tokens name as their audience, if not --resource."
        ),
        click.option("--roles-claim", envvar="INLAY_ROLES_CLAIM", help="The claim that holds roles, if not 'roles'."),
        click.option(
            "--introspection-client-id",
            "client_id",
            envvar="INLAY_INTROSPECTION_CLIENT_ID",
            help="Ask the issuer about each token, as this client; INLAY_INTROSPECTION_CLIENT_SECRET is its secret.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group(cls=_InlayGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="inlay", message="inlay %(version)s")
def main() -> None:
    """Interactive MCP connectors in Python: widgets that live in the chat."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")


@main.command()
@_listens_at
@click.option("--sandbox-port", default=0, type=click.IntRange(0, 65535), help="The sandbox's port; free by default.")
def demo(port: int, host: str, sandbox_port: int, allow_host: tuple[str, ...]) -> None:
    """Show the three examples in a local host page."""
    _serve_page(demo_connector(), host=host, port=port, sandbox_port=sandbox_port, allow_host=allow_host)


@main.command()
@click.argument("target", metavar="MODULE:CONNECTOR")
@_listens_at
@click.option("--sandbox-port", default=0, type=click.IntRange(0, 65535), help="The sandbox's port; free by default.")
def dev(target: str, port: int, host: str, sandbox_port: int, allow_host: tuple[str, ...]) -> None:
    """Show a connector in a local host page.

    MODULE:CONNECTOR names it, such as `app:tasks` for `tasks` in app.py.
    """
    _serve_page(load_connector(target), host=host, port=port, sandbox_port=sandbox_port, allow_host=allow_host)


@main.command()
@click.argument("target", metavar="MODULE:CONNECTOR")
@_listens_at
@_signs_in
def serve(target: str, port: int, host: str, allow_host: tuple[str, ...], **sign_in: Any) -> None:
    """Serve a connector's /mcp alone, for any MCP host.

    MODULE:CONNECTOR names it, such as `app:tasks` for `tasks` in app.py. With --resource and --issuer, every request
    needs an access token.
    """
    from inlay.host import serve_connector  # noqa: PLC0415 - loading the protocol takes a second
    from inlay.server.tokens.options import SECRET, SignInOptions  # noqa: PLC0415 - `--help` should not wait for it

    auth = SignInOptions(client_secret=os.environ.get(SECRET), **sign_in).resource_server()
    connector = load_connector(target)
    hosts = _hosts(host, (*allow_host, auth.host) if auth else allow_host)
    if auth:  # whoever runs a server wants to see why somebody is turned away
        logging.getLogger("inlay.server.tokens").setLevel(logging.INFO)
    app = connector.app(auth=auth, hosts=hosts)
    serve_connector(app, host=host, port=port, announce=lambda address: _say_served(connector.name, address, auth))


def _serve_page(
    connector: "Connector", *, host: str, port: int, sandbox_port: int, allow_host: tuple[str, ...]
) -> None:
    from inlay.host import serve_host  # noqa: PLC0415 - loading the protocol takes a second

    def announce(addresses: "HostAddresses") -> None:
        click.echo(f"{connector.name} is ready. Ctrl-C ends it.\n")
        click.echo(f"  Host page   {addresses.page}")
        click.echo(f"  Connector   {addresses.mcp}")

    hosts = _hosts(host, allow_host)
    serve_host(
        connector.app(hosts=hosts), host=host, port=port, sandbox_port=sandbox_port, hosts=hosts, announce=announce
    )


def _say_served(name: str, address: str, auth: "ResourceServer | None") -> None:
    click.echo(f"{name} is ready. Ctrl-C ends it.\n")
    click.echo(f"  Connector   {address}/mcp")
    if auth:
        click.echo(f"  Known as    {auth.resource}")
        click.echo(f"  Sign-in at  {', '.join(issuer.url for issuer in auth.trusted())}")


def _hosts(host: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
    """Return the host names to answer to: this machine's own, the one listened on, and those allowed."""
    from inlay.server.gate import LOCAL_HOSTS  # noqa: PLC0415 - `--help` should not wait for it

    own = () if host in _ANYWHERE else (f"[{host}]" if ":" in host else host,)
    return tuple(dict.fromkeys(name.lower() for name in (*LOCAL_HOSTS, *own, *allowed)))


def demo_connector() -> "Connector":
    """Return one connector with the tools of the three examples.

    Raises:
        SettingError: The examples are not there.
    """
    from inlay.server.connector import Connector  # noqa: PLC0415 - loading the server takes a second

    with_examples = Connector("Inlay demo")
    for name in EXAMPLES:
        with_examples.include(only_connector(_example(name)))
    return with_examples


def _example(name: str) -> ModuleType:
    _find_modules_here()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and name.startswith(error.name):
            message = (
                f"The demo needs the examples, and {error.name!r} is not here. They are not part of the installed "
                "package: run `inlay demo` in the folder of the repository, or `make demo` there."
            )
        else:
            message = f"{name} needs {error.name!r}. Install it with: pip install 'inlay[examples]'"
        raise SettingError(message) from error


def load_connector(target: str) -> "Connector":
    """Load the connector that `MODULE:CONNECTOR` names; `MODULE` alone will do when it holds just one.

    Args:
        target: For example `app:tasks`; modules are looked for in this folder too.

    Raises:
        SettingError: There is no such module or connector; the message says what there is.
    """
    module_name, _, attribute = target.partition(":")
    if not module_name or module_name.endswith(".py") or "/" in module_name:
        message = (
            f"{target!r} does not name a connector. Write MODULE:CONNECTOR, such as 'app:tasks' for `tasks` in app.py."
        )
        raise SettingError(message)
    module = _load_module(module_name)
    return _named_connector(module, attribute) if attribute else only_connector(module)


def _load_module(name: str) -> ModuleType:
    _find_modules_here()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
            message = f"{name!r} cannot be loaded, because it imports {error.name!r}, which is not installed."
        else:
            here = {path.stem for path in Path.cwd().glob("*.py")}
            message = f"There is no module {name!r} in {Path.cwd()} or among what is installed.{near_miss(name, here)}"
        raise SettingError(message) from error


def _find_modules_here() -> None:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)


def _named_connector(module: ModuleType, attribute: str) -> "Connector":
    from inlay.server.connector import Connector  # noqa: PLC0415 - loading the server takes a second

    found = getattr(module, attribute, None)
    if isinstance(found, Connector):
        return found
    names = set(_connectors(module))
    known = f" It has: {', '.join(sorted(names))}." if names else " It has none."
    what = "is no connector" if hasattr(module, attribute) else "does not exist"
    message = f"{attribute!r} in {module.__name__!r} {what}.{near_miss(attribute, names)}{known}"
    raise SettingError(message)


def only_connector(module: ModuleType) -> "Connector":
    """Return the one connector that a module holds.

    Raises:
        SettingError: It holds none, or several.
    """
    found = _connectors(module)
    if len({id(connector) for connector in found.values()}) == 1:
        return next(iter(found.values()))
    what = f"several connectors ({', '.join(sorted(found))})" if found else "no connector"
    message = f"{module.__name__!r} holds {what}; name one, such as '{module.__name__}:NAME'."
    raise SettingError(message)


def _connectors(module: ModuleType) -> "dict[str, Connector]":
    from inlay.server.connector import Connector  # noqa: PLC0415 - loading the server takes a second

    return {name: value for name, value in vars(module).items() if isinstance(value, Connector)}

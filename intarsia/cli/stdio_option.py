"""The option `--stdio` of `intarsia serve`."""

import os
import sys
from collections.abc import Callable
from typing import TypeVar

import click
from click.core import ParameterSource

from intarsia.cli.load_connector import load_connector
from intarsia.cli.store_options import set_store_options
from intarsia.errors import SettingError

Command = TypeVar("Command", bound=Callable[..., None])

_TOGETHER = frozenset({"target", "stdio", "shared_store", "audit_heads"})
"""The parameters of `serve` that mean something with --stdio. All others are about HTTP or sign-in."""


def stdio_option(command: Command) -> Command:
    """Add the option."""
    return click.option(
        "--stdio",
        is_flag=True,
        help="Serve the local user over standard input and output, for a host that starts this command.",
    )(command)


def serve_stdio(context: click.Context, target: str) -> None:
    """Serve a connector over standard input and output until the client closes the input.

    Args:
        context: The context of the command, with the options that were given.
        target: The name of the connector.

    Raises:
        SettingError: An option was given that means nothing here, or there is no such connector.
    """
    _check_together(context)
    import anyio  # noqa: PLC0415 - `--help` should not wait for it

    from intarsia.server.mcp_server.stdio import private_streams  # noqa: PLC0415 - as above

    # Before the connector is loaded: its module may print, and standard output is for messages only.
    with private_streams() as streams:
        connector = load_connector(target)
        if os.isatty(streams.read):
            click.echo(
                f"{connector.name} waits for MCP messages, one a line. Press Ctrl-C to stop it.", file=sys.stderr
            )
        # Several hosts on a machine may each start a process of their own.
        set_store_options(connector, shared_store=True, audit_heads=context.params["audit_heads"])
        anyio.run(connector.serve_stdio, streams)


def _check_together(context: click.Context) -> None:
    for parameter in context.command.params:
        name = parameter.name or ""
        if name not in _TOGETHER and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            message = (
                f"--stdio and {parameter.opts[0]} cannot be used together: with --stdio there is no HTTP and no "
                "sign-in, only the local user of the host that starts the command."
            )
            raise SettingError(message)

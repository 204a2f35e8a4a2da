"""The command `inlay`.

Here are arguments and plain errors, a module for each family of commands; what they do is in `inlay.host` and
`inlay.server`.
"""

import logging
from typing import Any

import click

from inlay.cli.audit import audit
from inlay.cli.check import check
from inlay.cli.clients import clients
from inlay.cli.loading import demo_connector
from inlay.cli.serving import demo, dev, serve
from inlay.cli.switches import switches
from inlay.cli.users import users
from inlay.errors import InlayError

__all__ = ["demo_connector", "main"]


class _InlayGroup(click.Group):
    """Commands whose own errors are one plain sentence, without a trace."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except InlayError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_InlayGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="inlay", message="inlay %(version)s")
def main() -> None:
    """Interactive MCP connectors in Python: widgets that live in the chat."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")


for command in (audit, check, clients, demo, dev, serve, switches, users):
    main.add_command(command)

"""The command `intarsia`.

Each module defines the arguments of a group of commands. The implementation is in `intarsia.host` and
`intarsia.server`.
"""

import logging
from typing import Any

import click

from intarsia.cli.audit import audit
from intarsia.cli.check import check
from intarsia.cli.clients import clients
from intarsia.cli.load_connector import demo_connector
from intarsia.cli.migrate import migrate
from intarsia.cli.serve import demo, dev, serve
from intarsia.cli.switches import switches
from intarsia.cli.users import users
from intarsia.errors import IntarsiaError

__all__ = ["demo_connector", "main"]


class _IntarsiaGroup(click.Group):
    """Commands that print errors of Intarsia as one sentence, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except IntarsiaError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_IntarsiaGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="intarsia", message="intarsia %(version)s")
def main() -> None:
    """Build and run interactive MCP connectors, whose widgets appear in the chat."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")


for command in (audit, check, clients, demo, dev, migrate, serve, switches, users):
    main.add_command(command)

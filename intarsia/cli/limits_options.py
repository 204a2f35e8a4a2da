"""The options of `intarsia serve` for the limits of calls."""

from collections.abc import Callable
from typing import TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., None])


def limits_options(command: Command) -> Command:
    """Add the options for the limits of calls."""
    options = (
        click.option(
            "--known-host",
            "known_hosts",
            multiple=True,
            metavar="CIDR",
            help="A host that calls for many people from these addresses: limits for one address do not apply to it.",
        ),
        click.option(
            "--max-calls",
            default=32,
            show_default=True,
            type=click.IntRange(min=1),
            help="How many calls run at once. Others wait, and persons take turns.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command

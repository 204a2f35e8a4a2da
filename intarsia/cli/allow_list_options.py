"""The options of `intarsia serve` that say from which addresses people may come."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from intarsia.errors import SettingError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

Command = TypeVar("Command", bound=Callable[..., None])


def admits(command: Command) -> Command:
    """Add the options that say who may come in."""
    options = (
        click.option(
            "--allow-ips",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Answer these addresses alone: a range to a line, such as 203.0.113.0/24. Read again when it changes.",
        ),
        click.option(
            "--trusted-proxy",
            "trusted_proxies",
            multiple=True,
            metavar="CIDR",
            help="With --allow-ips: believe X-Forwarded-For or Forwarded from proxies in this range.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def behind_allow_list(app: "ASGIApp", allow_ips: Path | None, trusted_proxies: tuple[str, ...]) -> "ASGIApp":
    """Return an application that answers only some addresses, if a file says which.

    Args:
        app: What is served.
        allow_ips: The file with the ranges.
        trusted_proxies: The ranges of proxies.

    Raises:
        SettingError: The file or a range is broken, or there are proxies and nothing to ask them for.
    """
    from intarsia.server.http.ip_allow_list import AllowList, RangesFile, range_of  # noqa: PLC0415 - `--help` should not wait

    if allow_ips is None:
        if trusted_proxies:
            message = "--trusted-proxy says how addresses are told apart; say with --allow-ips which may come in."
            raise SettingError(message)
        return app
    logging.getLogger("intarsia.server.http.ip_allow_list").setLevel(logging.INFO)
    proxies = [range_of(written, "--trusted-proxy") for written in trusted_proxies]
    return AllowList(app, ranges=RangesFile(allow_ips), proxies=proxies)

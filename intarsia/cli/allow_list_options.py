"""The options of `intarsia serve` for the IP allow list."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from intarsia.errors import SettingError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

Command = TypeVar("Command", bound=Callable[..., None])


def allow_list_options(command: Command) -> Command:
    """Add the options for the allow list."""
    options = (
        click.option(
            "--allow-ips",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Serve only these addresses: one range per line, such as 203.0.113.0/24. Reloaded when it changes.",
        ),
        click.option(
            "--trusted-proxy",
            "trusted_proxies",
            multiple=True,
            metavar="CIDR",
            help="With --allow-ips: trust X-Forwarded-For from proxies in this range.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def behind_allow_list(app: "ASGIApp", allow_ips: Path | None, trusted_proxies: tuple[str, ...]) -> "ASGIApp":
    """Wrap an application in the allow list, if one is configured.

    Args:
        app: The application.
        allow_ips: The file with the ranges.
        trusted_proxies: The ranges of trusted proxies.

    Raises:
        SettingError: The file or a range is invalid, or there are proxies without a file.
    """
    from intarsia.server.http.ip_allow_list import AllowList, RangesFile, range_of  # noqa: PLC0415 - `--help` should not wait

    if allow_ips is None:
        if trusted_proxies:
            message = "--trusted-proxy has no effect by itself. Set the allowed addresses with --allow-ips."
            raise SettingError(message)
        return app
    logging.getLogger("intarsia.server.http.ip_allow_list").setLevel(logging.INFO)
    proxies = [range_of(written, "--trusted-proxy") for written in trusted_proxies]
    return AllowList(app, ranges=RangesFile(allow_ips), proxies=proxies)

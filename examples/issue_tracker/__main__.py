"""Runs the connector in a local host page: `python -m examples.issue_tracker`. The tracker runs separately."""

from urllib.parse import urlsplit

from examples.issue_tracker.app import make_app
from examples.issue_tracker.tools import settings
from intarsia.host import HostAddresses, serve_host


def announce(addresses: HostAddresses) -> None:
    """Print the addresses."""
    print(f"The issue tracker's connector is ready. Ctrl-C ends it.\n\n  Host page   {addresses.page}")  # noqa: T201
    print(f"  Tracker     {settings.tracker}")  # noqa: T201 - this is what a command is for


if __name__ == "__main__":
    serve_host(make_app(), port=urlsplit(settings.public).port or 8484, announce=announce)

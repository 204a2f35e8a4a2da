"""What a developer says about the sign-in that is part of the connector's own server."""

from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from intarsia.errors import SettingError
from intarsia.server.auth.resource_server.settings import checked_address
from intarsia.server.storage.store import default_path

MCP_PATH = "/mcp"


@dataclass(frozen=True)
class EmbeddedIssuer:
    """People sign in at the connector itself. Give it to `connector.app(auth=...)`.

    For a demo or a small team: accounts are made with `intarsia users add`, and kept in one file beside the connector.
    Larger teams have an issuer already; its tokens are taken with `ResourceServer`.

    Args:
        public_url: The address that people and hosts use, such as `https://tasks.example.com`, without a path.
            `http` is only for this machine's own addresses.
        accounts: The SQLite file with accounts and with what people granted; made with mode 0600 when it is missing.
            By default a file in the person's state folder.
        access_seconds: How long an access token lasts.
        stay_seconds: How long an app may stay away, and still be connected when it comes back.
        session_seconds: How long a person stays signed in in a browser.

    Raises:
        SettingError: The address is not HTTPS, is no plain origin, or a time is outside its range.
    """

    public_url: str
    _: KW_ONLY
    accounts: str | Path | None = None
    access_seconds: int = 60 * 60
    stay_seconds: int = 30 * 24 * 60 * 60
    session_seconds: int = 8 * 60 * 60

    def __post_init__(self) -> None:
        address = checked_address(self.public_url, "The public address of sign-in")
        if urlsplit(address).path:
            parts = urlsplit(address)
            message = (
                f"The public address of sign-in {address!r} must have no path: its pages stand beside /mcp. "
                f"Write {f'{parts.scheme}://{parts.netloc}'!r}."
            )
            raise SettingError(message)
        _check_seconds("access_seconds", self.access_seconds, 60, 24 * 60 * 60)
        _check_seconds("stay_seconds", self.stay_seconds, self.access_seconds, 366 * 24 * 60 * 60)
        _check_seconds("session_seconds", self.session_seconds, 60, 31 * 24 * 60 * 60)

    @property
    def resource(self) -> str:
        """What tokens are for (RFC 8707): the public address of `/mcp`."""
        return f"{self.public_url}{MCP_PATH}"

    @property
    def host(self) -> str:
        """The name in the public address, without port."""
        name = urlsplit(self.public_url).hostname or ""
        return f"[{name}]" if ":" in name else name

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where people sign in, and see what they granted."""
        return (f"{self.public_url}/apps",)

    @property
    def is_https(self) -> bool:
        """Whether browsers come over TLS, so that cookies may be bound to it."""
        return self.public_url.startswith("https:")

    @property
    def path(self) -> Path:
        """The file with the accounts."""
        return Path(self.accounts).expanduser() if self.accounts else default_path("accounts")

    def check_bind(self, host: str, *, has_tls: bool) -> None:
        """Check that passwords do not cross a network in the clear.

        Args:
            host: The address that the server listens on.
            has_tls: Whether a proxy in front of it, on another machine, is known to end TLS.

        Raises:
            SettingError: It listens for other machines without TLS.
        """
        if host in ("127.0.0.1", "localhost", "::1"):
            return
        if self.is_https and has_tls:
            return
        message = (
            f"Sign-in does not listen on {host!r} without TLS, because passwords would cross the network in the clear. "
            "Listen on 127.0.0.1 behind a proxy that ends TLS; or, if a proxy on another machine ends it, give "
            "--tls-by-proxy and a --public-url that starts with https."
        )
        raise SettingError(message)


def _check_seconds(name: str, value: int, least: int, most: int) -> None:
    if isinstance(value, bool) or not least <= value <= most:
        message = f"{name} must be from {least} to {most} seconds, and is {value}."
        raise SettingError(message)

"""Settings of the authorization server that is part of the connector."""

import re
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from intarsia.errors import SettingError
from intarsia.server.audit.heads import HeadSink, check_sink
from intarsia.server.auth.resource_server.settings import MCP_PATH, checked_address
from intarsia.server.storage.store import default_path

AUTHORIZATION_SERVER = "/.well-known/oauth-authorization-server"

_PATH = re.compile(r"(/(?!\.\.?(/|$))[A-Za-z0-9._~-]+)*")
"""What needs no escaping anywhere: in links, in cookies' names, in redirects."""


@dataclass(frozen=True)
class EmbeddedIssuer:
    """Sign-in at the connector itself. Pass it to `connector.app(auth=...)`.

    For a demo or a small team: accounts are created with `intarsia users add` and stored in one file beside the
    connector. Larger teams usually have an issuer already; accept its tokens with `ResourceServer`.

    Args:
        public_url: The URL that users and hosts connect to, such as `https://tasks.example.com`, or
            `https://example.com/tasks` where the connector is mounted at a path; without `/mcp`. `http` is allowed only
            for loopback addresses.
        accounts: The SQLite file with accounts and grants, created with mode 0600 if it is missing. By default a file
            in the user's state folder.
        access_seconds: The lifetime of an access token.
        refresh_seconds: The lifetime of a refresh token: how long an unused connection stays valid.
        session_seconds: How long a user stays signed in in a browser.
        audit_heads: Where the heads of the log of sign-ins and grants are shipped to; see `Connector`.

    Raises:
        SettingError: The URL is not HTTPS, its path has other characters than letters, digits and `. _ ~ -`, a
            lifetime is out of range, or `audit_heads` is neither a path nor a function.
    """

    public_url: str
    _: KW_ONLY
    accounts: str | Path | None = None
    access_seconds: int = 60 * 60
    refresh_seconds: int = 30 * 24 * 60 * 60
    session_seconds: int = 8 * 60 * 60
    audit_heads: HeadSink | None = None

    def __post_init__(self) -> None:
        address = checked_address(self.public_url, "The public address of sign-in")
        path = urlsplit(address).path
        if path.endswith(("/", MCP_PATH)) or not _PATH.fullmatch(path):
            better = address.removesuffix("/").removesuffix(MCP_PATH).removesuffix("/")
            hint = f" Write {better!r}." if _PATH.fullmatch(urlsplit(better).path) else ""
            message = (
                f"The public address of sign-in {address!r} must end before /mcp and without a slash, with nothing but "
                f"letters, digits and . _ ~ - in its path.{hint}"
            )
            raise SettingError(message)
        _check_seconds("access_seconds", self.access_seconds, 60, 24 * 60 * 60)
        _check_seconds("refresh_seconds", self.refresh_seconds, self.access_seconds, 366 * 24 * 60 * 60)
        _check_seconds("session_seconds", self.session_seconds, 60, 31 * 24 * 60 * 60)
        check_sink(self.audit_heads)

    @property
    def resource(self) -> str:
        """The resource that tokens are issued for (RFC 8707): the public URL of `/mcp`."""
        return f"{self.public_url}{MCP_PATH}"

    @property
    def base_path(self) -> str:
        """The path of the public address; empty at the root of its host."""
        return urlsplit(self.public_url).path

    @property
    def metadata_path(self) -> str:
        """Where the host serves metadata of the issuer (RFC 8414): at its root, with the issuer's path."""
        return f"{AUTHORIZATION_SERVER}{self.base_path}"

    @property
    def host(self) -> str:
        """The host name of the public URL, without the port."""
        name = urlsplit(self.public_url).hostname or ""
        return f"[{name}]" if ":" in name else name

    @property
    def addresses(self) -> tuple[str, ...]:
        """The URL where users sign in and see their connected apps."""
        return (f"{self.public_url}/apps",)

    @property
    def is_https(self) -> bool:
        """Whether browsers connect over TLS, so that cookies can be marked as secure."""
        return self.public_url.startswith("https:")

    @property
    def path(self) -> Path:
        """The file with accounts and grants."""
        return Path(self.accounts).expanduser() if self.accounts else default_path("accounts")

    def check_bind(self, host: str, *, has_tls: bool) -> None:
        """Check that passwords never cross a network unencrypted.

        Args:
            host: The address that the server listens on.
            has_tls: Whether a proxy on another machine is known to terminate TLS.

        Raises:
            SettingError: The server would listen for other machines without TLS.
        """
        if host in ("127.0.0.1", "localhost", "::1"):
            return
        if self.is_https and has_tls:
            return
        message = (
            f"Sign-in does not listen on {host!r} without TLS, because passwords would cross the network unencrypted. "
            "Listen on 127.0.0.1 behind a proxy that terminates TLS. If the proxy runs on another machine, pass "
            "--tls-by-proxy and a --public-url that starts with https."
        )
        raise SettingError(message)


def _check_seconds(name: str, value: int, minimum: int, maximum: int) -> None:
    if isinstance(value, bool) or not minimum <= value <= maximum:
        message = f"{name} must be from {minimum} to {maximum} seconds, and is {value}."
        raise SettingError(message)

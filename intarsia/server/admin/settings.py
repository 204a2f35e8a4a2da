"""Settings of the sign-in for admins at an issuer."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from intarsia.errors import SettingError
from intarsia.server.auth.resource_server.client_auth import Method

_MIN_SECONDS, _MAX_SECONDS = 60, 24 * 60 * 60
_METHODS = ("client_secret_basic", "client_secret_post")


@dataclass(frozen=True, kw_only=True)
class AdminSignIn:
    """The sign-in of admins at an accepted issuer, for the pages at `/admin`. Pass it to `ResourceServer(admin=...)`.

    Users whose token has the role `intarsia:admin` are admins.

    Args:
        client_id: The client that is registered with the issuer, with the redirect URI `<public URL>/admin/callback`.
        client_secret: The client's secret; without it the client is public, and only PKCE protects the code.
        issuer: The issuer where admins sign in; required if more than one is accepted.
        method: How the client authenticates (RFC 6749, section 2.3.1): in the header or in the form.
        scopes: The requested scopes. The pages only need the user's roles, but most issuers require some scope.
        session_seconds: How long an admin stays signed in at most, while the access token is valid.

    Raises:
        SettingError: A value is empty, a scope is invalid, or the time is out of range.
    """

    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    issuer: str | None = None
    method: Method = "client_secret_basic"
    scopes: Sequence[str] = ("openid",)
    session_seconds: int = 8 * 60 * 60

    def __post_init__(self) -> None:
        if not self.client_id or self.client_secret == "":
            message = "AdminSignIn needs the client_id of a client of the issuer; omit client_secret if it is empty."
            raise SettingError(message)
        if self.method not in _METHODS:
            message = f"The method of AdminSignIn must be one of {', '.join(_METHODS)}, not {self.method!r}."
            raise SettingError(message)
        if isinstance(self.scopes, str) or any(not each or not each.isascii() or " " in each for each in self.scopes):
            message = f"The scopes of AdminSignIn must be a list of names without spaces, not {self.scopes!r}."
            raise SettingError(message)
        seconds = self.session_seconds
        if isinstance(seconds, bool) or not _MIN_SECONDS <= seconds <= _MAX_SECONDS:
            message = f"session_seconds must be from {_MIN_SECONDS} to {_MAX_SECONDS} seconds, and is {seconds}."
            raise SettingError(message)

    def check_issuer(self, trusted: Sequence[str]) -> str:
        """Return the issuer where admins sign in.

        Args:
            trusted: The URLs of the accepted issuers.

        Raises:
            SettingError: The issuer is not accepted, or is not set although more than one is accepted.
        """
        if self.issuer is None and len(trusted) > 1:
            message = f"Set the issuer where admins sign in: AdminSignIn(issuer=...), one of {', '.join(trusted)}."
            raise SettingError(message)
        issuer = self.issuer or trusted[0]
        if issuer not in trusted:
            message = f"Admins cannot sign in at {issuer!r}, which is not accepted. Use {' or '.join(trusted)}."
            raise SettingError(message)
        return issuer

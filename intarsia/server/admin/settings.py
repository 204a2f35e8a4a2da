"""What a developer says about admins who sign in at an issuer that is not part of the connector."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from intarsia.errors import SettingError
from intarsia.server.auth.resource_server.client_auth import Method

_MIN_SECONDS, _MAX_SECONDS = 60, 24 * 60 * 60
_METHODS = ("client_secret_basic", "client_secret_post")


@dataclass(frozen=True, kw_only=True)
class AdminSignIn:
    """How admins sign in at `/admin`, at an issuer whose tokens are taken. Give it to `ResourceServer(admin=...)`.

    Who has the role `intarsia:admin` there is an admin.

    Args:
        client_id: The pages, as the issuer knows them, with the redirect address `<public address>/admin/callback`.
        client_secret: The secret of that client; without it the client is public, and PKCE alone protects the code.
        issuer: At which issuer they sign in; it must be said when there are several.
        method: How the client proves itself: in the header, or in the form.
        scopes: What the pages ask for. They need the person's roles alone; most issuers give no token without a scope.
        session_seconds: How long an admin stays signed in, as long as their token is good.

    Raises:
        SettingError: Something is empty, is no scope, or is outside its range.
    """

    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    issuer: str | None = None
    method: Method = "client_secret_basic"
    scopes: Sequence[str] = ("openid",)
    session_seconds: int = 8 * 60 * 60

    def __post_init__(self) -> None:
        if not self.client_id or self.client_secret == "":
            message = (
                "AdminSignIn needs the client_id of a client of the issuer; leave out a client_secret that is empty."
            )
            raise SettingError(message)
        if self.method not in _METHODS:
            message = f"The method of AdminSignIn must be one of {', '.join(_METHODS)}, and is {self.method!r}."
            raise SettingError(message)
        if isinstance(self.scopes, str) or any(not each or not each.isascii() or " " in each for each in self.scopes):
            message = f"The scopes of AdminSignIn must be several names without spaces, and are {self.scopes!r}."
            raise SettingError(message)
        seconds = self.session_seconds
        if isinstance(seconds, bool) or not _MIN_SECONDS <= seconds <= _MAX_SECONDS:
            message = f"session_seconds must be from {_MIN_SECONDS} to {_MAX_SECONDS} seconds, and is {seconds}."
            raise SettingError(message)

    def check_issuer(self, trusted: Sequence[str]) -> str:
        """Return the issuer at which admins sign in.

        Args:
            trusted: The issuers whose tokens are taken.

        Raises:
            SettingError: It is none of them, or nobody said which of several it is.
        """
        if self.issuer is None and len(trusted) > 1:
            message = f"Say at which issuer admins sign in: AdminSignIn(issuer=...), one of {', '.join(trusted)}."
            raise SettingError(message)
        issuer = self.issuer or trusted[0]
        if issuer not in trusted:
            message = f"Admins cannot sign in at {issuer!r}: its tokens are not taken. Choose {' or '.join(trusted)}."
            raise SettingError(message)
        return issuer

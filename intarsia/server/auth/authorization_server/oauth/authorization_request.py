"""The authorization request of a client at `/authorize` (OAuth 2.1, section 4.1.1)."""

import re
from dataclasses import asdict, dataclass
from secrets import token_urlsafe
from time import time
from typing import Any, Self

from sqlalchemy import delete, insert, select

from intarsia.server.auth.authorization_server.accounts.settings import EmbeddedIssuer
from intarsia.server.auth.authorization_server.accounts.tables import AUTHORIZATION_REQUESTS
from intarsia.server.auth.authorization_server.oauth.grants import OFFLINE_ACCESS
from intarsia.server.pages.browsers import digest_of
from intarsia.server.pages.forms import Fields
from intarsia.server.pages.oauth_errors import Code, OAuthError
from intarsia.server.storage.store import Store

REQUEST_SECONDS = 10 * 60
_MAX_PENDING_REQUESTS = 20
"""The maximum number of open consent pages in one browser."""
_TABLE = AUTHORIZATION_REQUESTS
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class AuthorizationRequest:
    """A validated authorization request that can be shown on the consent page."""

    client: str
    redirect_uri: str
    state: str | None
    challenge: str
    scopes: tuple[str, ...]
    """The requested scopes that can be granted, sorted."""
    offers_offline: bool
    """Whether the consent page offers to stay connected, which means refresh tokens."""
    requested_offline: bool
    """Whether the client requested the scope `offline_access`, rather than only registering for refresh tokens."""

    @classmethod
    def parse(
        cls, query: Fields, client: str, redirect_uri: str, settings: EmbeddedIssuer, *, supported: frozenset[str],
        can_refresh: bool,
    ) -> Self:  # fmt: skip
        """Validate a request whose client and redirect URI have been validated already.

        Args:
            query: The parameters of the request.
            client: The client ID.
            redirect_uri: Where the response is sent.
            settings: The settings, which name the resource.
            supported: The connector's scopes.
            can_refresh: Whether the client uses refresh tokens without requesting `offline_access`.

        Raises:
            OAuthError: The request is invalid, or not supported by this server.
        """
        if query.required("response_type") != "code" or query.one("response_mode") not in (None, "query"):
            raise OAuthError(Code.UNSUPPORTED_RESPONSE_TYPE, "Only response_type=code in the query is supported.")
        # The default method of RFC 7636 is `plain`, which does not protect against a leaked request.
        if query.one("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(query.one("code_challenge") or ""):
            raise OAuthError(
                Code.INVALID_REQUEST, "PKCE is required: send code_challenge with code_challenge_method=S256."
            )
        if query.one("resource") not in (None, settings.resource):
            raise OAuthError(Code.INVALID_TARGET, "Tokens are issued only for this connector's /mcp.")
        requested = frozenset((query.one("scope") or "").split(" ")) - {""}
        # Unsupported scopes are ignored, as RFC 6749, section 3.3 allows: the token response names the granted ones.
        granted = requested & supported if requested - {OFFLINE_ACCESS} else supported
        if requested - {OFFLINE_ACCESS} and supported and not granted:
            raise OAuthError(Code.INVALID_SCOPE, "This connector supports none of the requested scopes.")
        challenge, state = query.required("code_challenge"), query.one("state")
        is_offline = OFFLINE_ACCESS in requested
        return cls(
            client, redirect_uri, state, challenge, tuple(sorted(granted)), can_refresh or is_offline, is_offline
        )


class AuthorizationRequests:
    """The authorization requests whose consent pages are open. Each belongs to one session and is answered once.

    Args:
        store: The store of the authorization server.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def save(self, session: bytes, request: AuthorizationRequest) -> str:
        """Store a request, and return the handle that the consent form must send."""
        handle, now = token_urlsafe(32), time()
        own = _TABLE.c.session == session
        async with self._store.write() as connection:
            await connection.execute(delete(_TABLE).where(_TABLE.c.expires_at < now))
            # The oldest are dropped: a page that opens the endpoint again and again must not fill the store.
            newest = select(_TABLE.c.digest).where(own).order_by(_TABLE.c.expires_at.desc())
            retained = newest.limit(_MAX_PENDING_REQUESTS - 1)
            await connection.execute(delete(_TABLE).where(own, _TABLE.c.digest.not_in(retained)))
            await connection.execute(insert(_TABLE).values(
                digest=digest_of(handle), session=session, request=asdict(request), expires_at=now + REQUEST_SECONDS
            ))  # fmt: skip
        return handle

    async def take(self, session: bytes, handle: str) -> AuthorizationRequest | None:
        """Remove and return the request of a handle; `None` if it is of another session, was taken or has expired."""
        found = delete(_TABLE).where(
            _TABLE.c.digest == digest_of(handle), _TABLE.c.session == session, _TABLE.c.expires_at > time()
        )  # fmt: skip
        async with self._store.write() as connection:
            row = (await connection.execute(found.returning(_TABLE.c.request))).scalar_one_or_none()
        if row is None:
            return None
        fields: dict[str, Any] = row
        scopes: list[str] = fields.pop("scopes")
        return AuthorizationRequest(**fields, scopes=tuple(scopes))

"""What an app asks for at `/authorize`, checked before anybody is asked."""

import re
from dataclasses import asdict, dataclass
from secrets import token_urlsafe
from time import time
from typing import Any, Self

from sqlalchemy import delete, insert, select

from intarsia.server.auth.authorization_server.accounts.settings import EmbeddedIssuer
from intarsia.server.auth.authorization_server.accounts.tables import QUESTIONS
from intarsia.server.auth.authorization_server.oauth.grants import OFFLINE
from intarsia.server.pages.browsers import digest_of
from intarsia.server.pages.forms import Fields
from intarsia.server.pages.oauth_errors import Code, OAuthError
from intarsia.server.storage.store import Store

QUESTION_SECONDS = 10 * 60
_MAX_PENDING_REQUESTS = 20
"""How many consent pages one browser may have open."""
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class AuthorizationRequest:
    """A request for access that may be shown to a person."""

    client: str
    redirect_uri: str
    state: str | None
    challenge: str
    scopes: tuple[str, ...]
    """What may be granted of what was asked for, in order."""
    stays: bool
    """Whether the person is asked if the app may stay connected."""
    names_it: bool
    """Whether the app asks for that by the scope `offline_access`, and not just by its way of registering."""

    @classmethod
    def of(
        cls, query: Fields, client: str, redirect_uri: str, settings: EmbeddedIssuer, *, known: frozenset[str],
        stays: bool,
    ) -> Self:  # fmt: skip
        """Check a request whose app and redirect address are known to be in order.

        Args:
            query: The request.
            client: The app's id.
            redirect_uri: Where it is answered.
            settings: What tokens are for.
            known: The connector's scopes.
            stays: Whether the app uses refresh tokens without asking for `offline_access`.

        Raises:
            OAuthError: It asks for something that is not given here.
        """
        if query.required("response_type") != "code" or query.one("response_mode") not in (None, "query"):
            raise OAuthError(Code.UNSUPPORTED_RESPONSE_TYPE, "Only response_type=code is answered, in the query.")
        # Without a method RFC 7636 has it plain, which protects nothing.
        if query.one("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(query.one("code_challenge") or ""):
            raise OAuthError(
                Code.INVALID_REQUEST, "PKCE is required: send code_challenge with code_challenge_method=S256."
            )
        if query.one("resource") not in (None, settings.resource):
            raise OAuthError(Code.INVALID_TARGET, "Tokens are given for this connector's /mcp alone.")
        asked = frozenset((query.one("scope") or "").split(" ")) - {""}
        granted = asked & known if asked - {OFFLINE} else known
        if asked - {OFFLINE} and known and not granted:
            raise OAuthError(Code.INVALID_SCOPE, "None of these scopes is one of this connector.")
        challenge, state = query.required("code_challenge"), query.one("state")
        names_it = OFFLINE in asked
        return cls(client, redirect_uri, state, challenge, tuple(sorted(granted)), stays or names_it, names_it)


class AuthorizationRequests:
    """Consent pages that wait for an answer: each is for one session, and is answered once.

    Args:
        store: Where they are kept.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def ask(self, session: bytes, asked: AuthorizationRequest) -> str:
        """Write down what is shown to somebody, and return what the answer must name."""
        handle, now = token_urlsafe(32), time()
        own = QUESTIONS.c.session == session
        async with self._store.write() as connection:
            await connection.execute(delete(QUESTIONS).where(QUESTIONS.c.expires_at < now))
            newest = select(QUESTIONS.c.digest).where(own).order_by(QUESTIONS.c.expires_at.desc())
            kept = newest.limit(_MAX_PENDING_REQUESTS - 1)
            await connection.execute(delete(QUESTIONS).where(own, QUESTIONS.c.digest.not_in(kept)))
            await connection.execute(insert(QUESTIONS).values(
                digest=digest_of(handle), session=session, request=asdict(asked), expires_at=now + QUESTION_SECONDS
            ))  # fmt: skip
        return handle

    async def take(self, session: bytes, handle: str) -> AuthorizationRequest | None:
        """Return what was shown in this session under a handle, for the first time."""
        found = delete(QUESTIONS).where(
            QUESTIONS.c.digest == digest_of(handle), QUESTIONS.c.session == session, QUESTIONS.c.expires_at > time()
        )  # fmt: skip
        async with self._store.write() as connection:
            row = (await connection.execute(found.returning(QUESTIONS.c.request))).scalar_one_or_none()
        if row is None:
            return None
        kept: dict[str, Any] = row
        scopes: list[str] = kept.pop("scopes")
        return AuthorizationRequest(**kept, scopes=tuple(scopes))

"""What people granted, and what was issued on it: codes, access tokens and refresh tokens, each by its digest.

Everything hangs on a grant: taking it back deletes its row, and with it whatever was issued.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from secrets import token_hex, token_urlsafe
from time import time
from typing import Any

from mcp.shared.auth import OAuthToken
from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from intarsia.server.audit.log import KEEP_SECONDS as AUDIT_SECONDS
from intarsia.server.audit.log import AuditEntry, append, prune
from intarsia.server.auth.authorization_server.accounts.encryption import seal, unseal
from intarsia.server.auth.authorization_server.accounts.settings import EmbeddedIssuer
from intarsia.server.auth.authorization_server.accounts.tables import (
    ACCESS_TOKENS,
    ACCOUNTS,
    CODES,
    GRANTS,
    REFRESH_TOKENS,
)
from intarsia.server.pages.browsers import digest_of
from intarsia.server.pages.oauth_errors import Code, OAuthError
from intarsia.server.storage.store import Store

logger = logging.getLogger(__name__)

OFFLINE = "offline_access"
"""The scope that keeps an app connected while nobody is there."""
CODE_SECONDS = 60
GRACE_SECONDS = 30
"""How long an answer to a refresh is repeated to who lost it."""
_KEPT_SECONDS = 24 * 60 * 60
"""How long a grant on which nothing is valid any more is kept, so that a second use of its code is noticed."""


@dataclass(frozen=True)
class Allowed:
    """What a person allowed an app on the consent page."""

    account: str
    client: str
    scopes: frozenset[str]
    stays: bool | None
    """Whether the app may stay connected, by refresh tokens; None when that was not asked."""
    redirect_uri: str
    challenge: str
    """The S256 challenge of PKCE (RFC 7636)."""


@dataclass(frozen=True)
class CodeUse:
    """How a client redeems a code."""

    code: str
    client: str
    redirect_uri: str | None
    challenge: str
    """Made from the verifier that it sent."""


class GrantStore:
    """Issues tokens and takes them back.

    Args:
        store: Where they are kept, by digest.
        settings: How long they last, and what they are for.
    """

    def __init__(self, store: Store, settings: EmbeddedIssuer) -> None:
        self._store = store
        self._settings = settings

    async def allow(self, allowed: Allowed) -> str:
        """Write down a grant, and return the code that its app may redeem once.

        What the person left out now ends in what the same app was granted before, too.
        """
        code, grant, now = token_urlsafe(32), token_hex(16), time()
        same_app = (GRANTS.c.account == allowed.account) & (GRANTS.c.client == allowed.client)
        async with self._store.write() as connection:
            for row in (await connection.execute(select(GRANTS).where(same_app))).all():
                left = sorted(allowed.scopes & set(row.scopes))
                stays = row.stays and allowed.stays is not False
                changed = update(GRANTS).where(GRANTS.c.id == row.id).values(scopes=left, stays=stays)
                await connection.execute(changed)
                if not stays:
                    await connection.execute(delete(REFRESH_TOKENS).where(REFRESH_TOKENS.c.grant == row.id))
            await connection.execute(
                insert(GRANTS).values(
                    id=grant, account=allowed.account, client=allowed.client, scopes=sorted(allowed.scopes),
                    stays=bool(allowed.stays), at=now, used_at=None,
                )
            )  # fmt: skip
            await connection.execute(
                insert(CODES).values(
                    digest=digest_of(code), grant=grant, redirect_uri=allowed.redirect_uri,
                    challenge=allowed.challenge, expires_at=now + CODE_SECONDS, used=False,
                )
            )  # fmt: skip
            details = {"scopes": sorted(allowed.scopes), "stays": bool(allowed.stays)}
            await append(connection, AuditEntry("grant", allowed.account, allowed.client, details=details))
        logger.info("%s allowed the app %s %s.", allowed.account, allowed.client, " ".join(sorted(allowed.scopes)))
        return code

    async def redeem(self, use: CodeUse) -> OAuthToken:
        """Give tokens for a code, once. A second use takes back what the first one got (OAuth 2.1, section 4.1.2).

        Raises:
            OAuthError: The code is not for this client, this redirect address or this verifier, or was used or expired.
        """
        found = select(CODES, GRANTS.c.client, GRANTS.c.scopes, GRANTS.c.stays).join(GRANTS)
        async with self._store.write() as connection:
            row = (await connection.execute(found.where(CODES.c.digest == digest_of(use.code)))).one_or_none()
            if row is not None:
                # It was shown, to whomever: it is not good for another try.
                await connection.execute(update(CODES).where(CODES.c.digest == row.digest).values(used=True))
            if row is not None and row.used:
                logger.warning("The code of grant %s was used twice: the grant is taken back.", row.grant)
                await _take_back(connection, GRANTS.c.id == row.grant, "its code was used twice")
                row = None
            answer = await self._issue(connection, row.grant) if row is not None and _fits(row, use) else None
        if answer is None:
            raise OAuthError(Code.INVALID_GRANT, "The code is not valid, or no longer.")
        return answer

    async def refresh(self, token: str, client: str, scopes: frozenset[str] | None) -> OAuthToken:
        """Give new tokens for a refresh token, once.

        Who lost the answer gets the same one again for a short time. Later, two hold what one should: everything that
        was issued on the grant ends (OAuth 2.1, section 4.3.1).

        Args:
            token: The refresh token.
            client: Who sends it.
            scopes: Fewer scopes for the new access token; None for all of the grant.

        Raises:
            OAuthError: The token is not valid, or not this client's, or the scopes are more than were granted.
        """
        answer: OAuthToken | None = None
        found = select(REFRESH_TOKENS, GRANTS.c.client, GRANTS.c.scopes).join(GRANTS)
        async with self._store.write() as connection:
            row = (await connection.execute(found.where(REFRESH_TOKENS.c.digest == digest_of(token)))).one_or_none()
            if row is not None and (row.client != client or row.expires_at <= time()):
                row = None
            if row is not None and scopes is not None and not scopes <= set(row.scopes):
                raise OAuthError(Code.INVALID_SCOPE, "More is asked for than was granted.")
            if row is not None and row.used_at is None:
                answer = await self._rotate(connection, row, token, scopes)
            elif row is not None:
                answer = await self._repeat(connection, row, token)
                if answer is None:
                    logger.warning("A refresh token of grant %s was used again: the grant is taken back.", row.grant)
                    await _take_back(connection, GRANTS.c.id == row.grant, "a refresh token was used again")
        if answer is None:
            raise OAuthError(Code.INVALID_GRANT, "The refresh token is not valid, or no longer.")
        return answer

    async def _rotate(
        self, connection: AsyncConnection, row: Any, token: str, scopes: frozenset[str] | None
    ) -> OAuthToken:
        answer = await self._issue(connection, row.grant, scopes)
        # The answer before this one has arrived: nobody needs it again.
        predecessor = REFRESH_TOKENS.c.successor == row.digest
        await connection.execute(update(REFRESH_TOKENS).where(predecessor).values(answer=None))
        await connection.execute(
            update(REFRESH_TOKENS)
            .where(REFRESH_TOKENS.c.digest == row.digest)
            .values(
                used_at=time(),
                successor=digest_of(answer.refresh_token or ""),
                answer=seal(answer.model_dump_json(), token),
            )
        )
        return answer

    async def _repeat(self, connection: AsyncConnection, row: Any, token: str) -> OAuthToken | None:
        """Return the answer that was given to this token, if it may have been lost: nobody used it, and it is new."""
        if row.answer is None or row.used_at + GRACE_SECONDS < time():
            return None
        successor = select(REFRESH_TOKENS.c.used_at).where(REFRESH_TOKENS.c.digest == row.successor)
        is_unused = (await connection.execute(successor)).one_or_none() == (None,)
        text = unseal(row.answer, token)
        return OAuthToken.model_validate_json(text) if is_unused and text else None

    async def _issue(self, connection: AsyncConnection, grant: str, wanted: frozenset[str] | None = None) -> OAuthToken:
        found = select(GRANTS).join(ACCOUNTS).where(GRANTS.c.id == grant, ACCOUNTS.c.state == "active")
        row = (await connection.execute(found)).one_or_none()
        if row is None:
            raise OAuthError(Code.INVALID_GRANT, "The account is closed.")
        now, access, refresh = time(), token_urlsafe(32), token_urlsafe(32) if row.stays else None
        scopes = sorted(set(row.scopes) if wanted is None else wanted & set(row.scopes))
        await connection.execute(update(GRANTS).where(GRANTS.c.id == grant).values(used_at=now))
        await connection.execute(
            insert(ACCESS_TOKENS).values(
                digest=digest_of(access), grant=grant, scopes=scopes, issued_at=now,
                expires_at=now + self._settings.access_seconds,
            )
        )  # fmt: skip
        if refresh is not None:
            await connection.execute(
                insert(REFRESH_TOKENS).values(
                    digest=digest_of(refresh), grant=grant, expires_at=now + self._settings.stay_seconds, used_at=None,
                    successor=None, answer=None,
                )
            )  # fmt: skip
        return OAuthToken(
            access_token=access,
            expires_in=self._settings.access_seconds,
            scope=" ".join(scopes),
            refresh_token=refresh,
        )

    async def claims_of(self, token: str) -> Mapping[str, Any] | None:
        """Say what an access token is worth right now: less when the person took something back, or nothing."""
        about = select(ACCESS_TOKENS, GRANTS.c.account, GRANTS.c.client, GRANTS.c.scopes.label("granted"), ACCOUNTS)
        found = about.join(GRANTS, ACCESS_TOKENS.c.grant == GRANTS.c.id).join(ACCOUNTS)
        async with self._store.read() as connection:
            row = (await connection.execute(found.where(ACCESS_TOKENS.c.digest == digest_of(token)))).one_or_none()
        if row is None or row.state != "active":
            return None
        return {
            "iss": self._settings.public_url,
            "aud": self._settings.resource,
            "sub": row.account,
            "client_id": row.client,
            "scope": " ".join(sorted((set(row.scopes) & set(row.granted)) - {OFFLINE})),
            "roles": row.roles,
            "iat": int(row.issued_at),
            "exp": int(row.expires_at),
        }

    async def revoke(self, token: str, client: str) -> None:
        """Take back the grant of a token, if the client has it (RFC 7009): access and refresh tokens end together."""
        digest = digest_of(token)
        async with self._store.write() as connection:
            for table in (ACCESS_TOKENS, REFRESH_TOKENS):
                held = select(table.c.grant).where(table.c.digest == digest)
                of_client = GRANTS.c.id.in_(held) & (GRANTS.c.client == client)
                await _take_back(connection, of_client, "the app gave it back")

    async def withdraw(self, account: str, client: str, *, by: str | None = None) -> None:
        """Take back all that a person granted an app. `by` is the admin who does it in their place."""
        async with self._store.write() as connection:
            of_app = (GRANTS.c.account == account) & (GRANTS.c.client == client)
            await _take_back(connection, of_app, f"by the admin {by}" if by else "done")
        logger.info("%s withdrew what the app %s was allowed.", account, client)

    async def grants_of(self, account: str) -> Sequence[Any]:
        """Return the grants of a person on which something is valid, the newest first."""
        async with self._store.read() as connection:
            found = select(GRANTS).where(GRANTS.c.account == account, _is_alive(time())).order_by(GRANTS.c.at.desc())
            return (await connection.execute(found)).all()

    async def prune(self) -> None:
        """Forget what has expired."""
        now = time()
        async with self._store.write() as connection:
            for table in (ACCESS_TOKENS, REFRESH_TOKENS):
                await connection.execute(delete(table).where(table.c.expires_at < now))
            too_old = GRANTS.c.at < now - _KEPT_SECONDS
            await connection.execute(delete(GRANTS).where(too_old, ~_is_alive(now)))
            await prune(connection, now - AUDIT_SECONDS)


async def _take_back(connection: AsyncConnection, which: Any, why: str) -> None:
    """Take grants back, and write down whose they were."""
    held = select(GRANTS.c.account, GRANTS.c.client).where(which).distinct()
    for account, client in (await connection.execute(held)).all():
        await append(connection, AuditEntry("withdrawal", account, client, result=why))
    await connection.execute(delete(GRANTS).where(which))


def _fits(row: Any, use: CodeUse) -> bool:
    # Who leaves the address out goes by OAuth 2.1 (section 10.2); the verifier ties the code to who asked for it.
    is_same_place = use.redirect_uri in (None, row.redirect_uri)
    is_same_app: bool = row.client == use.client and row.challenge == use.challenge
    return is_same_place and is_same_app and bool(row.expires_at > time())


def _is_alive(now: float) -> Any:
    tables = (ACCESS_TOKENS, REFRESH_TOKENS)
    return or_(
        *(select(func.count()).where(table.c.grant == GRANTS.c.id, table.c.expires_at > now).scalar_subquery() > 0
          for table in tables)
    )  # fmt: skip

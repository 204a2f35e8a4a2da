"""Grants, and what is issued for them: authorization codes, access tokens and refresh tokens, stored as digests.

Everything refers to a grant: revoking a grant deletes its row, and with it all codes and tokens.
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
from intarsia.server.auth.authorization_server.accounts.encryption import decrypt, encrypt
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

OFFLINE_ACCESS = "offline_access"
"""The scope of refresh tokens, which keep an app connected while the user is away (OpenID Connect, section 11)."""
CODE_SECONDS = 60
GRACE_SECONDS = 30
"""How long a refresh request may be repeated, for a client whose connection broke before the response arrived."""
_CODE_RETENTION_SECONDS = 24 * 60 * 60
"""How long a grant without valid tokens is kept, so that the reuse of its code is detected."""


@dataclass(frozen=True)
class Consent:
    """What a user allowed a client on the consent page."""

    account: str
    client: str
    scopes: frozenset[str]
    offline: bool | None
    """Whether the client gets refresh tokens; `None` if the page did not offer it."""
    redirect_uri: str
    challenge: str
    """The S256 code challenge of PKCE (RFC 7636)."""


@dataclass(frozen=True)
class CodeRedemption:
    """A client's attempt to redeem an authorization code."""

    code: str
    client: str
    redirect_uri: str | None
    challenge: str
    """The S256 challenge, computed from the code verifier that the client sent."""


class GrantStore:
    """Issues, refreshes, introspects and revokes tokens.

    Args:
        store: The store of the authorization server.
        settings: The lifetimes of tokens, and the resource that they are for.
    """

    def __init__(self, store: Store, settings: EmbeddedIssuer) -> None:
        self._store = store
        self._settings = settings

    async def create(self, consent: Consent) -> str:
        """Store a grant, and return the authorization code, which its client can redeem once.

        Earlier grants to the same client are reduced to what the user allows now: an unticked scope is revoked.
        """
        code, grant, now = token_urlsafe(32), token_hex(16), time()
        same_client = (GRANTS.c.account == consent.account) & (GRANTS.c.client == consent.client)
        async with self._store.write() as connection:
            for row in (await connection.execute(select(GRANTS).where(same_client))).all():
                remaining = sorted(consent.scopes & set(row.scopes))
                offline = row.offline and consent.offline is not False
                changed = update(GRANTS).where(GRANTS.c.id == row.id).values(scopes=remaining, offline=offline)
                await connection.execute(changed)
                if not offline:
                    await connection.execute(delete(REFRESH_TOKENS).where(REFRESH_TOKENS.c.grant == row.id))
            await connection.execute(
                insert(GRANTS).values(
                    id=grant, account=consent.account, client=consent.client, scopes=sorted(consent.scopes),
                    offline=bool(consent.offline), at=now, used_at=None,
                )
            )  # fmt: skip
            await connection.execute(
                insert(CODES).values(
                    digest=digest_of(code), grant=grant, redirect_uri=consent.redirect_uri,
                    challenge=consent.challenge, expires_at=now + CODE_SECONDS, used=False,
                )
            )  # fmt: skip
            details = {"scopes": sorted(consent.scopes), "offline": bool(consent.offline)}
            await append(connection, AuditEntry("grant", consent.account, consent.client, details=details))
        logger.info("%s granted the client %s %s.", consent.account, consent.client, " ".join(sorted(consent.scopes)))
        return code

    async def redeem(self, redemption: CodeRedemption) -> OAuthToken:
        """Exchange an authorization code for tokens, once. Reuse revokes the grant (OAuth 2.1, section 4.1.2).

        Raises:
            OAuthError: The code is unknown, used or expired, or is for another client, redirect URI or challenge.
        """
        found = select(CODES, GRANTS.c.client, GRANTS.c.scopes, GRANTS.c.offline).join(GRANTS)
        async with self._store.write() as connection:
            row = (await connection.execute(found.where(CODES.c.digest == digest_of(redemption.code)))).one_or_none()
            if row is not None:
                # Used up even by a failed attempt, so that a thief cannot try several verifiers.
                await connection.execute(update(CODES).where(CODES.c.digest == row.digest).values(used=True))
            if row is not None and row.used:
                logger.warning("The authorization code of grant %s was reused: the grant is revoked.", row.grant)
                await _revoke(connection, GRANTS.c.id == row.grant, "authorization code reused")
                row = None
            # The error is raised after the block: inside, it would roll back the revocation.
            tokens = await self._issue(connection, row.grant) if row is not None and _matches(row, redemption) else None
        if tokens is None:
            raise OAuthError(Code.INVALID_GRANT, "The authorization code is invalid or has expired.")
        return tokens

    async def refresh(self, token: str, client: str, scopes: frozenset[str] | None) -> OAuthToken:
        """Exchange a refresh token for new tokens, once (OAuth 2.1, section 4.3.1).

        For `GRACE_SECONDS` a repeated request gets the same response again. After that, reuse means that two parties
        hold the token, and the grant is revoked.

        Args:
            token: The refresh token.
            client: The ID of the client that sends it.
            scopes: The scopes of the new access token; `None` for all granted scopes.

        Raises:
            OAuthError: The token is invalid, expired or of another client, or a scope was not granted.
        """
        tokens: OAuthToken | None = None
        found = select(REFRESH_TOKENS, GRANTS.c.client, GRANTS.c.scopes).join(GRANTS)
        async with self._store.write() as connection:
            row = (await connection.execute(found.where(REFRESH_TOKENS.c.digest == digest_of(token)))).one_or_none()
            if row is not None and (row.client != client or row.expires_at <= time()):
                row = None
            if row is not None and scopes is not None and not scopes <= set(row.scopes):
                raise OAuthError(Code.INVALID_SCOPE, "The requested scopes exceed the granted scopes.")
            if row is not None and row.used_at is None:
                tokens = await self._rotate(connection, row, token, scopes)
            elif row is not None:
                tokens = await self._replay(connection, row, token)
                if tokens is None:
                    logger.warning("A refresh token of grant %s was reused: the grant is revoked.", row.grant)
                    await _revoke(connection, GRANTS.c.id == row.grant, "refresh token reused")
        if tokens is None:
            raise OAuthError(Code.INVALID_GRANT, "The refresh token is invalid or has expired.")
        return tokens

    async def _rotate(
        self, connection: AsyncConnection, row: Any, token: str, scopes: frozenset[str] | None
    ) -> OAuthToken:
        tokens = await self._issue(connection, row.grant, scopes)
        # The client used this token, so it received the response that contained it: that one need not be replayed.
        predecessor = REFRESH_TOKENS.c.successor == row.digest
        await connection.execute(update(REFRESH_TOKENS).where(predecessor).values(response=None))
        await connection.execute(
            update(REFRESH_TOKENS)
            .where(REFRESH_TOKENS.c.digest == row.digest)
            .values(
                used_at=time(),
                successor=digest_of(tokens.refresh_token or ""),
                response=encrypt(tokens.model_dump_json(), token),
            )
        )
        return tokens

    async def _replay(self, connection: AsyncConnection, row: Any, token: str) -> OAuthToken | None:
        """Return the response to an earlier use of a token if it was recent, and its new token is still unused."""
        if row.response is None or row.used_at + GRACE_SECONDS < time():
            return None
        successor = select(REFRESH_TOKENS.c.used_at).where(REFRESH_TOKENS.c.digest == row.successor)
        is_unused = (await connection.execute(successor)).one_or_none() == (None,)
        text = decrypt(row.response, token)
        return OAuthToken.model_validate_json(text) if is_unused and text else None

    async def _issue(
        self, connection: AsyncConnection, grant: str, requested: frozenset[str] | None = None
    ) -> OAuthToken:
        found = select(GRANTS).join(ACCOUNTS).where(GRANTS.c.id == grant, ACCOUNTS.c.state == "active")
        row = (await connection.execute(found)).one_or_none()
        if row is None:
            raise OAuthError(Code.INVALID_GRANT, "The account is disabled.")
        now, access, refresh = time(), token_urlsafe(32), token_urlsafe(32) if row.offline else None
        scopes = sorted(set(row.scopes) if requested is None else requested & set(row.scopes))
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
                    digest=digest_of(refresh), grant=grant, expires_at=now + self._settings.refresh_seconds,
                    used_at=None, successor=None, response=None,
                )
            )  # fmt: skip
        return OAuthToken(
            access_token=access,
            expires_in=self._settings.access_seconds,
            scope=" ".join(scopes),
            refresh_token=refresh,
        )

    async def introspect(self, token: str) -> Mapping[str, Any] | None:
        """Return the current claims of an access token, without scopes and roles that were revoked since.

        Returns:
            The claims; `None` if the token is unknown or revoked, or its account is disabled.
        """
        columns = select(ACCESS_TOKENS, GRANTS.c.account, GRANTS.c.client, GRANTS.c.scopes.label("granted"), ACCOUNTS)
        found = columns.join(GRANTS, ACCESS_TOKENS.c.grant == GRANTS.c.id).join(ACCOUNTS)
        async with self._store.read() as connection:
            row = (await connection.execute(found.where(ACCESS_TOKENS.c.digest == digest_of(token)))).one_or_none()
        if row is None or row.state != "active":
            return None
        return {
            "iss": self._settings.public_url,
            "aud": self._settings.resource,
            "sub": row.account,
            "client_id": row.client,
            "scope": " ".join(sorted((set(row.scopes) & set(row.granted)) - {OFFLINE_ACCESS})),
            "roles": row.roles,
            "iat": int(row.issued_at),
            "exp": int(row.expires_at),
        }

    async def revoke_token(self, token: str, client: str) -> None:
        """Revoke the grant of a client's access or refresh token, with all tokens issued for it (RFC 7009)."""
        digest = digest_of(token)
        async with self._store.write() as connection:
            for table in (ACCESS_TOKENS, REFRESH_TOKENS):
                grants = select(table.c.grant).where(table.c.digest == digest)
                # RFC 7009, section 2.1: a client can revoke only its own tokens.
                of_client = GRANTS.c.id.in_(grants) & (GRANTS.c.client == client)
                await _revoke(connection, of_client, "revoked by the app")

    async def revoke_client(self, account: str, client: str, *, by: str | None = None) -> None:
        """Revoke everything that a user granted to a client.

        Args:
            account: The user's account.
            client: The client ID.
            by: The admin who revokes it on behalf of the user; `None` for the user.
        """
        async with self._store.write() as connection:
            of_client = (GRANTS.c.account == account) & (GRANTS.c.client == client)
            await _revoke(connection, of_client, f"by the admin {by}" if by else "done")
        logger.info("The access of the client %s to the account %s was revoked.", client, account)

    async def active_grants(self, account: str) -> Sequence[Any]:
        """Return the grants of an account that still have a valid token, newest first."""
        async with self._store.read() as connection:
            found = select(GRANTS).where(GRANTS.c.account == account, _is_valid(time())).order_by(GRANTS.c.at.desc())
            return (await connection.execute(found)).all()

    async def prune(self) -> None:
        """Delete expired tokens, and grants whose codes need no reuse detection any more."""
        now = time()
        async with self._store.write() as connection:
            for table in (ACCESS_TOKENS, REFRESH_TOKENS):
                await connection.execute(delete(table).where(table.c.expires_at < now))
            too_old = GRANTS.c.at < now - _CODE_RETENTION_SECONDS
            await connection.execute(delete(GRANTS).where(too_old, ~_is_valid(now)))
            await prune(connection, now - AUDIT_SECONDS)


async def _revoke(connection: AsyncConnection, condition: Any, reason: str) -> None:
    """Delete grants, and write an audit entry for each account and client."""
    found = select(GRANTS.c.account, GRANTS.c.client).where(condition).distinct()
    for account, client in (await connection.execute(found)).all():
        await append(connection, AuditEntry("revocation", account, client, result=reason))
    await connection.execute(delete(GRANTS).where(condition))


def _matches(row: Any, redemption: CodeRedemption) -> bool:
    # OAuth 2.1, section 10.2 drops `redirect_uri` from the token request: PKCE ties the code to its client instead.
    is_same_redirect = redemption.redirect_uri in (None, row.redirect_uri)
    is_same_client: bool = row.client == redemption.client and row.challenge == redemption.challenge
    return is_same_redirect and is_same_client and bool(row.expires_at > time())


def _is_valid(now: float) -> Any:
    """Return the condition that a grant has a token that has not expired."""
    tables = (ACCESS_TOKENS, REFRESH_TOKENS)
    return or_(
        *(select(func.count()).where(table.c.grant == GRANTS.c.id, table.c.expires_at > now).scalar_subquery() > 0
          for table in tables)
    )  # fmt: skip

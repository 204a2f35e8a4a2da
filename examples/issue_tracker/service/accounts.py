"""Passwords and tokens of the tracker's users. The cryptography is the standard library's."""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from functools import cache

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from examples.issue_tracker.service.problems import Problem
from examples.issue_tracker.service.tables import CODES, TOKENS, USERS

ACCESS_SECONDS = 600
REFRESH_SECONDS = 30 * 24 * 3600
CODE_SECONDS = 60
GRACE_SECONDS = 30
"""How long a rotated refresh token remains valid, for clients that lost the response."""


@dataclass(frozen=True)
class User:
    """A user with an account."""

    id: str
    name: str


def hash_password(password: str) -> str:
    """Return a salted hash of a password."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}:{_scrypt(password, salt)}"


def _scrypt(password: str, salt: bytes) -> str:
    return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1).hex()


@cache
def _nobodys_password() -> str:
    return hash_password(secrets.token_urlsafe())


async def sign_in(connection: AsyncConnection, email: str, password: str) -> User | None:
    """Return the user with this address and password. Unknown addresses take the same time."""
    row = (await connection.execute(select(USERS).where(USERS.c.email == email.strip().lower()))).first()
    salt, _, wanted = (row.password if row else _nobodys_password()).partition(":")
    is_right = hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)), wanted)
    return User(row.id, row.name) if row and is_right else None


async def make_code(connection: AsyncConnection, user: str, client: str, redirect_uri: str, challenge: str) -> str:
    """Return a new authorization code."""
    code = secrets.token_urlsafe(32)
    row = {"digest": digest(code), "user": user, "client": client, "redirect_uri": redirect_uri}
    await connection.execute(insert(CODES).values(**row, challenge=challenge, until=time.time() + CODE_SECONDS))
    return code


async def redeem_code(
    connection: AsyncConnection, code: str, client: str, redirect_uri: str, challenge: str
) -> dict[str, object] | None:
    """Return tokens for a code; `None` if it is unknown, used, expired, or another client's."""
    here = CODES.c.digest == digest(code)
    row = (await connection.execute(select(CODES).where(here))).first()
    await connection.execute(delete(CODES).where(here))
    if row is None or row.until < time.time():
        return None
    if (row.client, row.redirect_uri, row.challenge) != (client, redirect_uri, challenge):
        return None
    return await make_tokens(connection, row.user, client, secrets.token_hex(16))


async def make_tokens(connection: AsyncConnection, user: str, client: str, family: str) -> dict[str, object]:
    """Return a new access token with its refresh token, as the token endpoint answers (RFC 6749, section 5.1)."""
    access, refresh, now = secrets.token_urlsafe(32), secrets.token_urlsafe(32), time.time()
    common = {"family": family, "user": user, "client": client}
    rows = [
        {"digest": digest(access), "kind": "access", "until": now + ACCESS_SECONDS, **common},
        {"digest": digest(refresh), "kind": "refresh", "until": now + REFRESH_SECONDS, **common},
    ]
    await connection.execute(insert(TOKENS), rows)
    return {"access_token": access, "token_type": "Bearer", "expires_in": ACCESS_SECONDS, "refresh_token": refresh}


async def rotate(connection: AsyncConnection, refresh: str, client: str) -> dict[str, object] | None:
    """Return new tokens for a refresh token, which is used up (RFC 9700, section 4.14.2).

    One that comes again after the time of grace was stolen by somebody: the whole family is revoked.
    """
    here = TOKENS.c.digest == digest(refresh)
    row = (await connection.execute(select(TOKENS).where(here, TOKENS.c.kind == "refresh"))).first()
    now = time.time()
    if row is None or row.until < now or row.client != client:
        return None
    if row.rotated_at is not None and row.rotated_at + GRACE_SECONDS < now:
        await connection.execute(delete(TOKENS).where(TOKENS.c.family == row.family))
        return None
    if row.rotated_at is None:
        await connection.execute(update(TOKENS).where(here).values(rotated_at=now))
    return await make_tokens(connection, row.user, client, row.family)


async def revoke(connection: AsyncConnection, token: str, client: str) -> None:
    """Revoke all tokens of the sign-in to which a token belongs (RFC 7009)."""
    here = (TOKENS.c.digest == digest(token)) & (TOKENS.c.client == client)
    family = select(TOKENS.c.family).where(here).scalar_subquery()
    await connection.execute(delete(TOKENS).where(TOKENS.c.family == family))


async def user_of(connection: AsyncConnection, authorization: str) -> User:
    """Return the user of an `Authorization` header.

    Raises:
        Problem: 401, it holds no access token that is valid now.
    """
    scheme, _, token = authorization.partition(" ")
    wanted = (
        select(USERS.c.id, USERS.c.name)
        .join(TOKENS, TOKENS.c.user == USERS.c.id)
        .where(TOKENS.c.digest == digest(token), TOKENS.c.kind == "access", TOKENS.c.until > time.time())
    )
    row = (await connection.execute(wanted)).first() if scheme.lower() == "bearer" else None
    if row is None:
        raise Problem(401, "Sign in first.", {"WWW-Authenticate": 'Bearer error="invalid_token"'})
    return User(row.id, row.name)


def digest(text: str) -> str:
    """Return the digest of a token. Tokens are random, so a plain digest is sufficient."""
    return hashlib.sha256(text.encode()).hexdigest()

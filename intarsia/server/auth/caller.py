"""Who makes the request that is being answered: `caller()` is the one way to learn it, on every kind of server."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, cast

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken

from intarsia.permissions import Grant

NOBODY = Grant("")
"""Whoever asks for the tools without having signed in, where everybody must: they see what needs no role."""


def caller(token: AccessToken | None = None) -> Grant | None:
    """Return who makes the request that is being answered, if its token was verified.

    The SDK keeps the verified token of a request, whether `BearerAuth` verified it or the author's own server.

    Args:
        token: The token that the caller of this function knows; by default the one that the SDK keeps.
    """
    return _grant_of(token or get_access_token())


def _grant_of(token: AccessToken | None) -> Grant | None:
    """Return who a verified token stands for: see `intarsia.permissions`."""
    if token is None:
        return None
    claims: Mapping[str, Any] = token.claims or {}
    named = token.subject or claims.get("sub")
    # Where a verifier does not say who it is, every token is somebody else: nobody gets another's drafts.
    unnamed = f"token-{sha256(token.token.encode()).hexdigest()[:32]}"
    subject = named if isinstance(named, str) and named else unnamed
    issuer = str(claims.get("iss", ""))
    return Grant(subject, token.client_id, frozenset(token.scopes), _texts(claims.get("roles")), claims, issuer)


def _texts(value: object) -> frozenset[str]:
    items = cast("list[object]", value) if isinstance(value, list) else []
    return frozenset(item for item in items if isinstance(item, str))

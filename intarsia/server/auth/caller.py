"""The caller of the current request: `caller()` returns it on every kind of server."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, cast

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken

from intarsia.permissions import Grant

ANONYMOUS = Grant("")
"""The grant of a caller without a token, where sign-in is required: it sees the tools that require no role."""


def caller(token: AccessToken | None = None) -> Grant | None:
    """Return the grant of the caller of the current request; `None` if no token was verified.

    The SDK keeps the verified token of a request, whether `BearerAuth` or an existing server verified it.

    Args:
        token: The verified token; by default the one that the SDK keeps.
    """
    return _grant_of(token or get_access_token())


def _grant_of(token: AccessToken | None) -> Grant | None:
    """Return the grant of a verified token."""
    if token is None:
        return None
    claims: Mapping[str, Any] = token.claims or {}
    named = token.subject or claims.get("sub")
    # If a verifier names no subject, each token counts as a user of its own, so that users never share drafts.
    unnamed = f"token-{sha256(token.token.encode()).hexdigest()[:32]}"
    subject = named if isinstance(named, str) and named else unnamed
    issuer = str(claims.get("iss", ""))
    return Grant(subject, token.client_id, frozenset(token.scopes), _texts(claims.get("roles")), claims, issuer)


def _texts(value: object) -> frozenset[str]:
    items = cast("list[object]", value) if isinstance(value, list) else []
    return frozenset(item for item in items if isinstance(item, str))

"""Validates the claims of an access token, after its signature or an introspection response has been verified.

Pure functions: no clock, no network, no library.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from intarsia.permissions import Grant
from intarsia.server.auth.resource_server.errors import Reason, TokenError
from intarsia.server.auth.resource_server.settings import Issuer, ResourceServer

MAX_NAME_LENGTH = 512
"""The maximum length, in characters, of a subject or a client ID."""

_ID_TOKEN_CLAIMS = frozenset({"nonce", "at_hash", "c_hash", "s_hash", "events"})
"""Claims that occur only in ID tokens and logout tokens (OpenID Connect), never in access tokens."""

Claims = Mapping[str, Any]


@dataclass(frozen=True)
class Bearer:
    """The subject and permissions of a verified access token. It does not hold the token itself."""

    subject: str
    client: str
    scopes: frozenset[str]
    roles: frozenset[str]
    issuer: str
    expires_at: int
    """Unix time, in seconds."""
    claims: Claims = field(default_factory=dict[str, Any], repr=False)

    @cached_property
    def grant(self) -> Grant:
        """The grant of the verified token."""
        return Grant(self.subject, self.client, self.scopes, self.roles, self.claims, self.issuer)


def check_claims(claims: Claims, issuer: Issuer, server: ResourceServer, now: float) -> Bearer:
    """Validate the claims of a token whose origin has been verified (RFC 9068, section 4).

    Args:
        claims: The payload of the signed token, or the introspection response.
        issuer: The issuer that signed the token or answered the introspection request.
        server: The expected audience, leeway and maximum lifetime.
        now: The current Unix time, in seconds.

    Returns:
        The subject of the token and its permissions.

    Raises:
        TokenError: The token is for another audience, is not valid at this time, or a required claim is missing.
    """
    claims = dict(claims)
    if claims.get("iss") != issuer.url:
        raise TokenError(Reason.UNTRUSTED_ISSUER)
    _check_audience(claims.get("aud"), issuer.audience or server.resource)
    _check_times(claims, server, now)
    if "cnf" in claims:
        # A sender-constrained token (RFC 8705, RFC 9449) used as a plain bearer token: a thief could present it too.
        raise TokenError(Reason.KEY_BOUND)
    return Bearer(
        subject=_read_identifier(claims, "sub"),
        client=_read_client(claims),
        scopes=read_scopes(claims) or frozenset(),
        roles=_read_roles(claims, issuer.roles_claim),
        issuer=issuer.url,
        expires_at=claims["exp"],
        claims=claims,
    )


def check_token_type(claims: Claims, token_type: object) -> None:
    """Check that a signed token is an access token, and not an ID token.

    Args:
        claims: The claims of the token.
        token_type: The `typ` parameter of its header.

    Raises:
        TokenError: The token is of another type.
    """
    if token_type is not None and not isinstance(token_type, str):
        raise TokenError(Reason.WRONG_TYPE)
    name = (token_type or "jwt").lower().removeprefix("application/")
    if name == "at+jwt":
        return
    # Many issuers do not set `at+jwt` (RFC 9068, section 2.1) and sign ID tokens with the same keys. An ID token has no
    # scope claim, so requiring one keeps ID tokens from being accepted as access tokens.
    if name != "jwt" or _ID_TOKEN_CLAIMS & claims.keys() or read_scopes(claims) is None:
        raise TokenError(Reason.WRONG_TYPE)


def _check_audience(audience: object, expected: str) -> None:
    if isinstance(audience, str):
        names: list[object] = [audience]
    else:
        names = cast("list[object]", audience) if isinstance(audience, list) else []
    if not any(isinstance(name, str) and name == expected for name in names):
        raise TokenError(Reason.WRONG_AUDIENCE)


def _check_times(claims: Claims, server: ResourceServer, now: float) -> None:
    expires = _read_time(claims, "exp")
    if expires is None:
        raise TokenError(Reason.MISSING_EXPIRY)
    if expires <= now:
        raise TokenError(Reason.EXPIRED)
    if expires > now + server.lifetime_seconds:
        raise TokenError(Reason.LIFETIME_TOO_LONG)
    for name, reason in (("nbf", Reason.NOT_YET_VALID), ("iat", Reason.ISSUED_IN_FUTURE)):
        time = _read_time(claims, name)
        if time is not None and time > now + server.leeway_seconds:
            raise TokenError(reason)


def _read_time(claims: Claims, name: str) -> int | None:
    value = claims.get(name)
    # `bool` is a subclass of `int`, but `true` is not a time.
    if name in claims and type(value) is not int:
        raise TokenError(Reason.INVALID_TIME)
    return cast("int | None", value)


def read_scopes(claims: Claims) -> frozenset[str] | None:
    """Return the granted scopes, from the `scope` claim or the `scp` claim; `None` if both are missing.

    Raises:
        TokenError: The claim is neither a space-separated string nor a list of strings.
    """
    for name in ("scope", "scp"):
        value: object = claims.get(name)
        if value is None:
            continue
        # Only a space separates scopes (RFC 6749, section 3.3); any other white space is part of an unknown scope.
        words: object = value.split(" ") if isinstance(value, str) else value
        return frozenset(_read_strings(words, Reason.INVALID_SCOPES)) - {""}
    return None


def _read_strings(value: object, reason: Reason) -> list[str]:
    values = cast("list[object]", value) if isinstance(value, list) else [None]
    if not all(isinstance(item, str) for item in values):
        raise TokenError(reason)
    return cast("list[str]", values)


def _read_identifier(claims: Claims, name: str) -> str:
    value: object = claims.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_NAME_LENGTH:
        raise TokenError(Reason.INVALID_IDENTIFIER)
    return value


def _read_client(claims: Claims) -> str:
    name = next((name for name in ("client_id", "azp", "cid") if name in claims), None)
    return _read_identifier(claims, name) if name else ""


def _read_roles(claims: Claims, path: str) -> frozenset[str]:
    value: Any = claims
    # A claim name may itself contain dots, for example a URL: an exact match wins over a path.
    for name in [path] if path in claims else path.split("."):
        value = cast("Claims", value).get(name) if isinstance(value, dict) else None
    if value is None:
        return frozenset()
    return frozenset(_read_strings([value] if isinstance(value, str) else value, Reason.INVALID_ROLES))

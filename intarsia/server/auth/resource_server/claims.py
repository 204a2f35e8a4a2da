"""What a token must say about itself, whoever vouches for it: a signature or the issuer's own answer.

Pure: no clock, no network, no library.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from intarsia.permissions import Grant
from intarsia.server.auth.resource_server.errors import Reason, TokenError
from intarsia.server.auth.resource_server.settings import Issuer, ResourceServer

MAX_NAME_LENGTH = 512
"""How many characters the name of a person or of a client may have."""

_OF_AN_ID_TOKEN = frozenset({"nonce", "at_hash", "c_hash", "s_hash", "events"})
"""Claims of tokens that tell a client who signed in or out, and let nobody in."""

Claims = Mapping[str, Any]


@dataclass(frozen=True)
class Bearer:
    """Who a verified token is about. The token itself is not in it."""

    subject: str
    client: str
    scopes: frozenset[str]
    roles: frozenset[str]
    issuer: str
    expires_at: int
    """In seconds since 1970."""
    claims: Claims = field(default_factory=dict[str, Any], repr=False)

    @cached_property
    def grant(self) -> Grant:
        """What this person granted."""
        return Grant(self.subject, self.client, self.scopes, self.roles, self.claims, self.issuer)


def check_claims(claims: Claims, issuer: Issuer, server: ResourceServer, now: float) -> Bearer:
    """Read who a token is about, after its origin is proven.

    Args:
        claims: What the token, or the issuer's answer about it, says.
        issuer: Who vouches for it.
        server: What is expected.
        now: In seconds since 1970.

    Raises:
        TokenError: It is not for this connector, not for now, or not complete.
    """
    claims = dict(claims)
    if claims.get("iss") != issuer.url:
        raise TokenError(Reason.OTHER_ISSUER)
    _check_audience(claims.get("aud"), issuer.audience or server.resource)
    _check_times(claims, server, now)
    if "cnf" in claims:
        # Without the proof that it asks for, whoever stole it could use it.
        raise TokenError(Reason.BOUND)
    return Bearer(
        subject=_read_name(claims, "sub"),
        client=_read_client(claims),
        scopes=read_scopes(claims) or frozenset(),
        roles=_read_roles(claims, issuer.roles_claim),
        issuer=issuer.url,
        expires_at=claims["exp"],
        claims=claims,
    )


def check_kind(claims: Claims, kind: object) -> None:
    """Check that a signed token is an access token.

    Args:
        claims: What it says.
        kind: The `typ` of its header.

    Raises:
        TokenError: It is of another kind.
    """
    if kind is not None and not isinstance(kind, str):
        raise TokenError(Reason.OTHER_KIND)
    named = (kind or "jwt").lower().removeprefix("application/")
    if named == "at+jwt":
        return
    # Issuers that do not name the kind (RFC 9068) sign other tokens with the same keys: those grant no scopes.
    if named != "jwt" or _OF_AN_ID_TOKEN & claims.keys() or read_scopes(claims) is None:
        raise TokenError(Reason.OTHER_KIND)


def _check_audience(audience: object, expected: str) -> None:
    if isinstance(audience, str):
        named: list[object] = [audience]
    else:
        named = cast("list[object]", audience) if isinstance(audience, list) else []
    if not any(isinstance(name, str) and name == expected for name in named):
        raise TokenError(Reason.OTHER_AUDIENCE)


def _check_times(claims: Claims, server: ResourceServer, now: float) -> None:
    expires = _read_time(claims, "exp")
    if expires is None:
        raise TokenError(Reason.NO_EXPIRY)
    if expires <= now:
        raise TokenError(Reason.EXPIRED)
    if expires > now + server.lifetime_seconds:
        raise TokenError(Reason.LASTS_TOO_LONG)
    for name, reason in (("nbf", Reason.NOT_YET), ("iat", Reason.ISSUED_LATER)):
        time = _read_time(claims, name)
        if time is not None and time > now + server.leeway_seconds:
            raise TokenError(reason)


def _read_time(claims: Claims, name: str) -> int | None:
    value = claims.get(name)
    # `True` is a whole number for Python, and no time.
    if name in claims and type(value) is not int:
        raise TokenError(Reason.NO_TIME)
    return cast("int | None", value)


def read_scopes(claims: Claims) -> frozenset[str] | None:
    """Return the scopes that are granted, from `scope` or from `scp`; None when neither is there.

    Raises:
        TokenError: They are neither a text of words nor a list of texts.
    """
    for name in ("scope", "scp"):
        value: object = claims.get(name)
        if value is None:
            continue
        # Only a space separates scopes: any other white space belongs to a word that nobody asks for.
        words: object = value.split(" ") if isinstance(value, str) else value
        return frozenset(_read_texts(words, Reason.NO_SCOPES)) - {""}
    return None


def _read_texts(value: object, reason: Reason) -> list[str]:
    texts = cast("list[object]", value) if isinstance(value, list) else [None]
    if not all(isinstance(text, str) for text in texts):
        raise TokenError(reason)
    return cast("list[str]", texts)


def _read_name(claims: Claims, name: str) -> str:
    value: object = claims.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_NAME_LENGTH:
        raise TokenError(Reason.NO_NAME)
    return value


def _read_client(claims: Claims) -> str:
    name = next((name for name in ("client_id", "azp", "cid") if name in claims), None)
    return _read_name(claims, name) if name else ""


def _read_roles(claims: Claims, path: str) -> frozenset[str]:
    value: Any = claims
    # A claim's own name may hold dots, as in those that start with an address.
    for name in [path] if path in claims else path.split("."):
        value = cast("Claims", value).get(name) if isinstance(value, dict) else None
    if value is None:
        return frozenset()
    return frozenset(_read_texts([value] if isinstance(value, str) else value, Reason.NO_ROLES))

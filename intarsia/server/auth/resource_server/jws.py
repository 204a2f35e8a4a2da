"""Signed tokens (JWS, RFC 7515): validates the header, selects the key and verifies the signature.

The cryptography is PyJWT's. A key that a header contains or links to is never used and never fetched: an attacker could
put their own there.
"""

from collections.abc import Iterable, Mapping
from typing import Any, cast

import jwt

from intarsia.server.auth.resource_server.claims import Claims
from intarsia.server.auth.resource_server.errors import Reason, TokenError
from intarsia.server.wire.strict_json import BodyError, read_json

MAX_KEYS = 100

_SEGMENTS = 3
_KEY_PARAMETERS = frozenset({"jku", "x5u", "jwk", "x5c"})
_PRIVATE_PARAMETERS = frozenset({"d", "p", "q", "k"})
_KEY_TYPES = {
    "RS": ("RSA", ""), "PS": ("RSA", ""), "ES256": ("EC", "P-256"), "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"), "Ed": ("OKP", "Ed25519"),
}  # fmt: skip
_JWS = jwt.PyJWS(options={"enforce_minimum_key_length": True})

Key = Mapping[str, Any]


def is_signed(token: str) -> bool:
    """Return whether a token has the three segments of a JWS in compact form; all other tokens are opaque."""
    return token.count(".") == _SEGMENTS - 1


def read_header(token: str, algorithms: Iterable[str]) -> Mapping[str, Any]:
    """Decode the header of a signed token, and reject what is unsafe to process.

    Args:
        token: The token, in compact form.
        algorithms: The accepted signature algorithms.

    Returns:
        The header's parameters.

    Raises:
        TokenError: The header cannot be decoded, its algorithm is not accepted, or it names an extension or a key.
    """
    try:
        header = _JWS.get_unverified_header(token)
    except jwt.PyJWTError:
        raise TokenError(Reason.UNREADABLE) from None
    # The accepted algorithms decide, not the token: this rules out `none`, and HMAC with a public key as the secret
    # (RFC 8725, section 3.1).
    if header.get("alg") not in tuple(algorithms):
        raise TokenError(Reason.UNSUPPORTED_ALGORITHM)
    if "crit" in header or "b64" in header:
        raise TokenError(Reason.UNSUPPORTED_EXTENSION)
    # RFC 7515, section 4.1.11: a critical extension that is not understood makes the token invalid.
    if _KEY_PARAMETERS & header.keys():
        raise TokenError(Reason.EMBEDDED_KEY)
    return header


def read_unverified_claims(token: str) -> Claims:
    """Decode the claims of a signed token without verifying it. Use them only to find the issuer.

    Raises:
        TokenError: The token cannot be decoded.
    """
    try:
        payload: bytes = _JWS.decode_complete(token, options={"verify_signature": False})["payload"]
    except jwt.PyJWTError:
        raise TokenError(Reason.UNREADABLE) from None
    return _read_payload(payload)


def read_verified_claims(token: str, key: jwt.PyJWK) -> Claims:
    """Verify the signature of a token, and return its claims.

    Raises:
        TokenError: The signature is invalid.
    """
    try:
        payload: bytes = _JWS.decode_complete(token, key, algorithms=[key.algorithm_name])["payload"]
    except jwt.PyJWTError:
        raise TokenError(Reason.INVALID_SIGNATURE) from None
    return _read_payload(payload)


def _read_payload(payload: bytes) -> Claims:
    try:
        # Strict: two parsers that read a duplicate key differently could disagree on who the token is for.
        value = read_json(payload)
    except BodyError:
        value = None
    if not isinstance(value, dict):
        raise TokenError(Reason.UNREADABLE)
    return cast("Claims", value)


class KeySet:
    """The public keys of an issuer (RFC 7517).

    Args:
        keys: The entries of the JWK set. Private keys, keys for other uses and invalid entries are ignored.
    """

    def __init__(self, keys: Iterable[object]) -> None:
        found = (cast("Key", key) for key in keys if isinstance(key, dict))
        self._keys = [key for key in found if _may_verify(key)][:MAX_KEYS]
        self._parsed: dict[tuple[object, str], jwt.PyJWK | None] = {}

    def find(self, kid: object, algorithm: str) -> jwt.PyJWK | None:
        """Return the key that verifies a token, or `None` if there is no such key or more than one.

        Args:
            kid: The key ID in the token's header; `None` selects the only key that suits the algorithm.
            algorithm: The signature algorithm, one of those that are accepted.
        """
        name = (kid, algorithm)
        if name not in self._parsed:
            candidates = [
                key for key in self._keys if _suits(key, algorithm) and (kid is None or key.get("kid") == kid)
            ]
            parsed = _parse_key(candidates[0], algorithm) if len(candidates) == 1 else None
            if parsed is None:
                return None  # not cached: clients can make up any number of key IDs
            self._parsed[name] = parsed
        return self._parsed[name]


def _may_verify(key: Key) -> bool:
    operations: object = key.get("key_ops", ["verify"])
    is_for_signatures = key.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations
    return is_for_signatures and not _PRIVATE_PARAMETERS & key.keys()


def _suits(key: Key, algorithm: str) -> bool:
    key_type, curve = _KEY_TYPES.get(algorithm) or _KEY_TYPES[algorithm[:2]]
    return (
        key.get("kty") == key_type and (not curve or key.get("crv") == curve) and key.get("alg", algorithm) == algorithm
    )


def _parse_key(key: Key, algorithm: str) -> jwt.PyJWK | None:
    try:
        return jwt.PyJWK(dict(key), algorithm)
    except jwt.PyJWTError:
        return None

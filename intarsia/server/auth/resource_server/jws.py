"""Signed tokens: what their header may say, which key fits, and whether the signature is right.

The cryptography is PyJWT's. What a header offers as a key is never used, and never fetched.
"""

from collections.abc import Iterable, Mapping
from typing import Any, cast

import jwt

from intarsia.server.auth.resource_server.claims import Claims
from intarsia.server.auth.resource_server.errors import Reason, TokenError
from intarsia.server.wire.strict_json import BodyError, read_json

MAX_KEYS = 100

_SEGMENTS = 3
_OFFERED_KEYS = frozenset({"jku", "x5u", "jwk", "x5c"})
_PRIVATE = frozenset({"d", "p", "q", "k"})
_FITTING = {
    "RS": ("RSA", ""), "PS": ("RSA", ""), "ES256": ("EC", "P-256"), "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"), "Ed": ("OKP", "Ed25519"),
}  # fmt: skip
_JWS = jwt.PyJWS(options={"enforce_minimum_key_length": True})

Key = Mapping[str, Any]


def is_signed(token: str) -> bool:
    """Say whether a token has the form of a signed one (JWS, compact)."""
    return token.count(".") == _SEGMENTS - 1


def read_header(token: str, algorithms: Iterable[str]) -> Mapping[str, Any]:
    """Read the header of a signed token, and refuse what must not be followed.

    Args:
        token: In its compact form.
        algorithms: Those that are taken.

    Raises:
        TokenError: The header is none, or asks for what is not done here.
    """
    try:
        header = _JWS.get_unverified_header(token)
    except jwt.PyJWTError:
        raise TokenError(Reason.UNREADABLE) from None
    if header.get("alg") not in tuple(algorithms):
        raise TokenError(Reason.OTHER_ALGORITHM)
    if "crit" in header or "b64" in header:
        raise TokenError(Reason.UNKNOWN_EXTENSION)
    if _OFFERED_KEYS & header.keys():
        raise TokenError(Reason.OFFERS_A_KEY)
    return header


def read_unproven(token: str) -> Claims:
    """Read what a signed token says, before anything is proven: good for finding out whom to ask, and nothing else.

    Raises:
        TokenError: It cannot be read.
    """
    try:
        payload: bytes = _JWS.decode_complete(token, options={"verify_signature": False})["payload"]
    except jwt.PyJWTError:
        raise TokenError(Reason.UNREADABLE) from None
    return _read_payload(payload)


def read_proven(token: str, key: jwt.PyJWK) -> Claims:
    """Check the signature of a token, and read what it says.

    Raises:
        TokenError: The signature is wrong.
    """
    try:
        payload: bytes = _JWS.decode_complete(token, key, algorithms=[key.algorithm_name])["payload"]
    except jwt.PyJWTError:
        raise TokenError(Reason.WRONG_SIGNATURE) from None
    return _read_payload(payload)


def _read_payload(payload: bytes) -> Claims:
    try:
        value = read_json(payload)
    except BodyError:
        value = None
    if not isinstance(value, dict):
        raise TokenError(Reason.UNREADABLE)
    return cast("Claims", value)


class KeySet:
    """The public keys that an issuer shows (RFC 7517).

    Args:
        keys: What it shows; keys that are private, for other purposes or not understood are left out.
    """

    def __init__(self, keys: Iterable[object]) -> None:
        found = (cast("Key", key) for key in keys if isinstance(key, dict))
        self._keys = [key for key in found if _may_verify(key)][:MAX_KEYS]
        self._made: dict[tuple[object, str], jwt.PyJWK | None] = {}

    def find(self, kid: object, algorithm: str) -> jwt.PyJWK | None:
        """Return the one key that a header names; without a name, the only one that fits.

        Args:
            kid: The key's name in the header, or None.
            algorithm: The signature's kind, out of those that are taken.
        """
        name = (kid, algorithm)
        if name not in self._made:
            fitting = [key for key in self._keys if _fits(key, algorithm) and (kid is None or key.get("kid") == kid)]
            made = _make(fitting[0], algorithm) if len(fitting) == 1 else None
            if made is None:
                return None  # not remembered: names that nobody has are without end
            self._made[name] = made
        return self._made[name]


def _may_verify(key: Key) -> bool:
    operations: object = key.get("key_ops", ["verify"])
    is_for_signatures = key.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations
    return is_for_signatures and not _PRIVATE & key.keys()


def _fits(key: Key, algorithm: str) -> bool:
    kind, curve = _FITTING.get(algorithm) or _FITTING[algorithm[:2]]
    return key.get("kty") == kind and (not curve or key.get("crv") == curve) and key.get("alg", algorithm) == algorithm


def _make(key: Key, algorithm: str) -> jwt.PyJWK | None:
    try:
        return jwt.PyJWK(dict(key), algorithm)
    except jwt.PyJWTError:
        return None

"""A small authorization server for demonstrations on one machine, which signs tokens for demo users.

There is no authentication. Therefore only the host page on this machine can reach it.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from secrets import token_urlsafe
from time import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from jwt.algorithms import ECAlgorithm

from intarsia.host.demo_users.users import DemoGrants, DemoUser

ALGORITHM = "ES256"
CLIENT = "intarsia-host"
"""The OAuth client of all users: the host page."""
GUARD = "intarsia-connector"
"""The OAuth client with which the connector introspects tokens."""
TOKEN_SECONDS = 12 * 60 * 60


class DemoIssuer:
    """Signs and introspects tokens. Its key exists as long as the object.

    Args:
        url: The issuer identifier.
        resource: The audience of its tokens: the connector's address.
        grants: The users and their grants.
    """

    def __init__(self, url: str, *, resource: str, grants: DemoGrants) -> None:
        self.url = url
        self.resource = resource
        self.grants = grants
        self.secret = token_urlsafe(32)
        self._key = generate_private_key(SECP256R1())
        self._name = urlsafe_b64encode(token_urlsafe(9).encode()).decode().rstrip("=")
        self._issued: dict[str, tuple[str, int]] = {}

    def metadata(self) -> dict[str, Any]:
        """Return the metadata of the authorization server (RFC 8414)."""
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/keys",
            "introspection_endpoint": f"{self.url}/introspection",
            "introspection_endpoint_auth_methods_supported": ["client_secret_basic"],
            "scopes_supported": sorted(self.grants.scopes),
            "response_types_supported": [],
            "grant_types_supported": [],
        }

    def keys(self) -> dict[str, Any]:
        """Return the public key (RFC 7517)."""
        public: dict[str, Any] = json.loads(ECAlgorithm.to_jwk(self._key.public_key()))
        return {"keys": [{**public, "kid": self._name, "use": "sig", "alg": ALGORITHM}]}

    def mint(self, key: str, scopes: Iterable[str] | None = None) -> str:
        """Issue a token for a user and set their granted scopes (RFC 9068).

        Args:
            key: The key of the user.
            scopes: The new scopes; by default the current or the initial ones.
        """
        user, granted, now = self.grants.users[key], self.grants.grant(key, scopes), int(time())
        self._issued = {one: (whose, until) for one, (whose, until) in self._issued.items() if until > now}
        claims = self._claims(user, granted, token_urlsafe(16), now)
        self._issued[claims["jti"]] = (key, claims["exp"])
        return jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"typ": "at+jwt", "kid": self._name})

    def _claims(self, user: DemoUser, granted: frozenset[str], token_id: str, now: int) -> dict[str, Any]:
        return {
            "iss": self.url,
            "aud": self.resource,
            "sub": user.key,
            "client_id": CLIENT,
            "name": user.name,
            "scope": " ".join(sorted(granted)),
            "roles": sorted(user.roles),
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "jti": token_id,
        }

    def disconnect(self, key: str) -> None:
        """Revoke all scopes and tokens of a user. The tokens stay revoked when the user connects again."""
        self.grants.withdraw(key)
        self._issued = {one: issued for one, issued in self._issued.items() if issued[0] != key}

    def introspect(self, token: str) -> Mapping[str, Any]:
        """Introspect a token (RFC 7662). The result has at most the scopes in the token itself."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token, self._key.public_key(), algorithms=[ALGORITHM], audience=self.resource, issuer=self.url
            )
        except jwt.PyJWTError:
            return {"active": False}
        granted = self.grants.granted(str(claims["sub"]))
        if claims["jti"] not in self._issued or granted is None:
            return {"active": False}
        left = granted.intersection(str(claims["scope"]).split())
        return {"active": True, "token_type": "Bearer", **claims, "scope": " ".join(sorted(left))}

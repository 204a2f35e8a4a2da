"""Verifies access tokens. This is the only module that holds a token, and it stores none."""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from time import monotonic, time

from intarsia.server.auth.resource_server.cache import SingleFlight, TtlCache
from intarsia.server.auth.resource_server.claims import Bearer, Claims, check_claims, check_token_type, read_scopes
from intarsia.server.auth.resource_server.errors import Reason, TokenError
from intarsia.server.auth.resource_server.introspection import ANSWER_SECONDS, ask_issuer
from intarsia.server.auth.resource_server.issuer_http import FETCH_SECONDS, IssuerError, IssuerHttpClient
from intarsia.server.auth.resource_server.issuer_metadata import Metadata
from intarsia.server.auth.resource_server.jwks import IssuerKeys
from intarsia.server.auth.resource_server.jws import (
    is_signed,
    read_header,
    read_unverified_claims,
    read_verified_claims,
)
from intarsia.server.auth.resource_server.settings import Introspection, Issuer, LocalIntrospection, ResourceServer

logger = logging.getLogger(__name__)

MAX_TOKEN_LENGTH = 16 * 1024
MAX_CACHED_TOKENS = 10_000
MAX_INTROSPECTIONS = 32
"""The maximum number of concurrent introspection requests; further ones wait."""

LOCAL_SECONDS = 1
"""How long the claims of a token of a local issuer are cached. Local introspection is cheap, so this can be short."""

_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")


@dataclass(frozen=True)
class _Authority:
    """An issuer, with its metadata and keys."""

    issuer: Issuer
    metadata: Metadata
    keys: IssuerKeys


class Verifier:
    """Verifies access tokens, and caches the results for a few seconds.

    Args:
        server: The accepted issuers, and the requirements for their tokens.
    """

    def __init__(self, server: ResourceServer) -> None:
        self._server = server
        self.fetcher = IssuerHttpClient()
        self._flights = SingleFlight()
        self._introspections = asyncio.Semaphore(MAX_INTROSPECTIONS)
        # Keyed by the token's digest, so that a memory dump or a debugger does not reveal tokens.
        self._bearers: TtlCache[Bearer] = TtlCache(MAX_CACHED_TOKENS)
        self._rejected: TtlCache[Reason] = TtlCache(MAX_CACHED_TOKENS)
        self._authorities = {issuer.url: self._authority(issuer) for issuer in server.trusted()}
        self._opaque = next((found for found in self._authorities.values() if found.issuer.accepts_opaque_tokens), None)

    def _authority(self, issuer: Issuer) -> _Authority:
        metadata = Metadata(issuer, self.fetcher, self._flights)
        return _Authority(
            issuer, metadata, IssuerKeys(issuer, metadata, self.fetcher, self._flights, self._server.keys_seconds)
        )

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Keep connections to the issuers open while the block runs."""
        async with self.fetcher.running():
            try:
                yield
            finally:
                await self._flights.stop()

    def metadata_of(self, issuer: str) -> Metadata:
        """Return the metadata of one of the issuers."""
        return self._authorities[issuer].metadata

    async def verify(self, token: str) -> Bearer:
        """Verify an access token.

        Args:
            token: The token, as sent in the `Authorization` header.

        Returns:
            The subject of the token and its permissions.

        Raises:
            TokenError: The token is rejected.
            IssuerError: The issuer cannot be reached, so the token can be neither accepted nor rejected.
        """
        if len(token) > MAX_TOKEN_LENGTH or not _TOKEN.fullmatch(token):
            raise TokenError(Reason.MALFORMED)
        digest = sha256(token.encode()).digest()
        bearer = self._bearers.get(digest)
        if bearer is None:
            reason = self._rejected.get(digest)
            if reason is not None:
                raise TokenError(reason)
            bearer = await self._flights.join(digest, lambda: self._verify(token, digest))
        # Checked again on each call, because a cached result may outlive its token.
        if bearer.expires_at <= time():
            raise TokenError(Reason.EXPIRED)
        return bearer

    async def _verify(self, token: str, digest: bytes) -> Bearer:
        if is_signed(token):
            bearer, until = await self._check_signed(token)
        elif self._opaque is not None and self._opaque.issuer.local_introspection is not None:
            bearer, until = await self._check_local(token, self._opaque.issuer, self._opaque.issuer.local_introspection)
        elif self._opaque is not None and self._opaque.issuer.introspection is not None:
            response, until = await self._introspect(token, digest, self._opaque, self._opaque.issuer.introspection)
            bearer = self._check(response, self._opaque.issuer)
        else:
            raise TokenError(Reason.NOT_SIGNED)
        self._bearers.keep(digest, bearer, until)
        return bearer

    def _check(self, claims: Claims, issuer: Issuer) -> Bearer:
        return check_claims(claims, issuer, self._server, time())

    async def _check_local(
        self, token: str, issuer: Issuer, local_introspection: LocalIntrospection
    ) -> tuple[Bearer, float]:
        # Cached from when the claims were requested: a change during the request must not be missed for longer.
        requested_at = monotonic()
        claims = await local_introspection.introspect(token)
        if claims is None:
            raise TokenError(Reason.NOT_ACTIVE)
        return self._check(claims, issuer), requested_at + LOCAL_SECONDS

    async def _check_signed(self, token: str) -> tuple[Bearer, float]:
        # The unverified issuer only selects the keys. The claims are read again after the signature is verified.
        authority = self._authorities.get(str(read_unverified_claims(token).get("iss")))
        if authority is None:
            raise TokenError(Reason.UNTRUSTED_ISSUER)
        header = read_header(token, authority.issuer.algorithms)
        key, until = await authority.keys.find(header.get("kid"), header["alg"])
        claims = read_verified_claims(token, key)
        check_token_type(claims, header.get("typ"))
        bearer = self._check(claims, authority.issuer)
        settings = authority.issuer.introspection
        if settings is None or not settings.signed_tokens:
            return bearer, until
        response, response_until = await self._introspect(token, sha256(token.encode()).digest(), authority, settings)
        return _narrowed(bearer, response), min(until, response_until)

    @asynccontextmanager
    async def _introspection_slot(self) -> AsyncGenerator[None]:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                await self._introspections.acquire()
        except TimeoutError:
            message = "Too many introspection requests are open."
            raise IssuerError(message) from None
        try:
            yield
        finally:
            self._introspections.release()

    async def _introspect(
        self, token: str, digest: bytes, authority: _Authority, settings: Introspection
    ) -> tuple[Claims, float]:
        async with self._introspection_slot():
            requested_at = monotonic()
            try:
                response = await ask_issuer(token, settings, authority.metadata, self.fetcher)
            except TokenError as error:
                self._rejected.keep(digest, error.reason, requested_at + ANSWER_SECONDS)
                raise
            except IssuerError as error:
                logger.warning("The issuer %s cannot introspect a token. %s", authority.issuer.url, error)
                raise
        # `iss` is optional in a response (RFC 7662, section 2.2): the endpoint implies the issuer.
        return {"iss": authority.issuer.url, **response}, requested_at + ANSWER_SECONDS


def _narrowed(bearer: Bearer, response: Claims) -> Bearer:
    """Return the bearer with the scopes that are still granted: introspection can remove scopes, but never add any."""
    if response.get("sub", bearer.subject) != bearer.subject or response["iss"] != bearer.issuer:
        raise TokenError(Reason.NOT_ACTIVE)
    scopes = read_scopes(response)
    return bearer if scopes is None else replace(bearer, scopes=bearer.scopes & scopes)

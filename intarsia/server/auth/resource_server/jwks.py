"""The JSON Web Key Set of an issuer (RFC 7517): fetched on demand, and cached for a few seconds."""

import asyncio
import logging
from dataclasses import dataclass
from time import monotonic
from typing import cast

import jwt

from intarsia.server.auth.resource_server.cache import SingleFlight
from intarsia.server.auth.resource_server.errors import Reason, TokenError
from intarsia.server.auth.resource_server.issuer_http import IssuerError, IssuerHttpClient
from intarsia.server.auth.resource_server.issuer_metadata import Metadata
from intarsia.server.auth.resource_server.jws import KeySet
from intarsia.server.auth.resource_server.settings import Issuer

logger = logging.getLogger(__name__)

MIN_REFETCH_SECONDS = 1.0
"""The minimum time between two fetches. Key IDs in tokens are unverified, so a client could otherwise force fetches."""
RETRY_SECONDS = 10
"""How long after a failed fetch cached keys are used without waiting for the next fetch."""
OUTAGE_SECONDS = 300
"""How long cached keys are used while the issuer cannot be reached."""


@dataclass
class _CachedKeys:
    keys: KeySet
    source: object
    """The key set as the issuer published it, to notice that nothing changed."""
    requested_at: float
    """When the request was sent, by the monotonic clock. The response is at least as recent."""


class IssuerKeys:
    """The public keys of one issuer.

    Args:
        issuer: The issuer.
        metadata: The issuer's metadata, which name the `jwks_uri`.
        fetcher: The HTTP client for issuers.
        flights: Shares one request among concurrent callers.
        seconds: How long the keys are cached.
    """

    def __init__(
        self, issuer: Issuer, metadata: Metadata, fetcher: IssuerHttpClient, flights: SingleFlight, seconds: float
    ) -> None:
        self._issuer = issuer
        self._metadata = metadata
        self._fetcher = fetcher
        self._flights = flights
        self._seconds = seconds
        self._cached: _CachedKeys | None = None
        self._failed_at = float("-inf")

    async def find(self, kid: object, algorithm: str) -> tuple[jwt.PyJWK, float]:
        """Return the key that signed a token, and until when the result may be cached.

        Args:
            kid: The key ID in the token's header, or `None`.
            algorithm: The signature algorithm in the token's header.

        Returns:
            The key, and a time of the monotonic clock, in seconds.

        Raises:
            TokenError: The issuer has no such key.
            IssuerError: The issuer cannot be reached.
        """
        cached = await self._at_most(self._seconds)
        key = cached.keys.find(kid, algorithm)
        if key is None:
            # The issuer may have rotated its keys since the last fetch.
            cached = await self._at_most(MIN_REFETCH_SECONDS)
            key = cached.keys.find(kid, algorithm)
        if key is None:
            raise TokenError(Reason.UNKNOWN_KEY)
        return key, cached.requested_at + self._seconds

    async def _at_most(self, seconds: float) -> _CachedKeys:
        """Return keys that are at most this old; during an outage, the cached ones."""
        if self._cached is None or self._age() > seconds:
            await self._refresh()
        if self._cached is None or self._age() > max(self._seconds, OUTAGE_SECONDS):
            message = f"The keys of {self._issuer.url} cannot be read."
            raise IssuerError(message)
        return self._cached

    def _age(self) -> float:
        return monotonic() - self._cached.requested_at if self._cached else float("inf")

    async def _refresh(self) -> None:
        since_failure = monotonic() - self._failed_at
        if since_failure < MIN_REFETCH_SECONDS:
            return
        work = self._flights.start(("keys", self._issuer.url), self._fetch_and_log)
        # Soon after a failure the fetch runs in the background, so that an outage does not delay every request.
        if self._cached is None or since_failure > RETRY_SECONDS:
            await asyncio.shield(work)

    async def _fetch_and_log(self) -> None:
        try:
            await self._fetch()
        except IssuerError as error:
            self._failed_at = monotonic()
            logger.warning("The keys of the issuer %s cannot be refreshed. %s", self._issuer.url, error)

    async def _fetch(self) -> None:
        requested_at = monotonic()
        address = self._issuer.jwks_uri or await self._metadata.address_of("jwks_uri")
        found = await self._fetcher.get(address)
        published: object = (found or {}).get("keys")
        if not isinstance(published, list) or not published:
            message = f"{address} publishes no keys."
            raise IssuerError(message)
        listed = cast("list[object]", published)
        # Parsed keys are reused while the issuer publishes the same set.
        is_same = self._cached is not None and self._cached.source == listed
        keys = self._cached.keys if self._cached is not None and is_same else KeySet(listed)
        self._cached = _CachedKeys(keys, listed, requested_at)

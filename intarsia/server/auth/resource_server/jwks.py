"""The keys of one issuer: fetched when they are needed, used for a few seconds, and fetched again."""

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
"""How long to wait before keys are fetched again, whatever tokens say: names of keys can be made up."""
AWAY_SECONDS = 10
"""For how long nobody waits for an issuer that did not answer, when its keys are known."""
OUTAGE_SECONDS = 300
"""How long known keys stay in use when the issuer cannot be reached."""


@dataclass
class _Known:
    keys: KeySet
    shown: object
    asked_at: float
    """When the issuer was asked, by the monotonic clock: what it answered was true at that moment or later."""


class IssuerKeys:
    """The public keys of one issuer.

    Args:
        issuer: Whose keys they are.
        metadata: Says where they are.
        fetcher: Fetches them.
        flights: Lets those who need them wait together.
        seconds: How old they may be.
    """

    def __init__(
        self, issuer: Issuer, metadata: Metadata, fetcher: IssuerHttpClient, flights: SingleFlight, seconds: float
    ) -> None:
        self._issuer = issuer
        self._metadata = metadata
        self._fetcher = fetcher
        self._flights = flights
        self._seconds = seconds
        self._known: _Known | None = None
        self._failed_at = float("-inf")

    async def find(self, kid: object, algorithm: str) -> tuple[jwt.PyJWK, float]:
        """Return a key, and until when (of the monotonic clock) what it proves may be remembered.

        Args:
            kid: Its name, as a token's header gives it.
            algorithm: What it is used for.

        Raises:
            TokenError: The issuer has no such key.
            IssuerError: The issuer cannot be asked.
        """
        known = await self._at_most(self._seconds)
        key = known.keys.find(kid, algorithm)
        if key is None:
            known = await self._at_most(MIN_REFETCH_SECONDS)
            key = known.keys.find(kid, algorithm)
        if key is None:
            raise TokenError(Reason.UNKNOWN_KEY)
        return key, known.asked_at + self._seconds

    async def _at_most(self, seconds: float) -> _Known:
        """Return keys that are no older than that, or those of before an outage."""
        if self._known is None or self._age() > seconds:
            await self._refresh()
        if self._known is None or self._age() > max(self._seconds, OUTAGE_SECONDS):
            message = f"The keys of {self._issuer.url} cannot be read."
            raise IssuerError(message)
        return self._known

    def _age(self) -> float:
        return monotonic() - self._known.asked_at if self._known else float("inf")

    async def _refresh(self) -> None:
        since_failure = monotonic() - self._failed_at
        if since_failure < MIN_REFETCH_SECONDS:
            return
        work = self._flights.start(("keys", self._issuer.url), self._fetch_or_complain)
        # Who was away a moment ago is asked again, and nobody waits for the answer.
        if self._known is None or since_failure > AWAY_SECONDS:
            await asyncio.shield(work)

    async def _fetch_or_complain(self) -> None:
        try:
            await self._fetch()
        except IssuerError as error:
            self._failed_at = monotonic()
            logger.warning("The keys of the issuer %s cannot be refreshed. %s", self._issuer.url, error)

    async def _fetch(self) -> None:
        asked_at = monotonic()
        address = self._issuer.jwks_uri or await self._metadata.address_of("jwks_uri")
        found = await self._fetcher.get(address)
        shown: object = (found or {}).get("keys")
        if not isinstance(shown, list) or not shown:
            message = f"{address} shows no keys."
            raise IssuerError(message)
        listed = cast("list[object]", shown)
        is_same = self._known is not None and self._known.shown == listed
        keys = self._known.keys if self._known is not None and is_same else KeySet(listed)
        self._known = _Known(keys, listed, asked_at)

"""Verifies access tokens. This is the only place that holds a token, and it keeps none."""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from time import monotonic, time

from intarsia.server.auth.resource_server.cache import SingleFlight, TtlCache
from intarsia.server.auth.resource_server.claims import Bearer, Claims, check_claims, check_kind, read_scopes
from intarsia.server.auth.resource_server.errors import Reason, TokenError
from intarsia.server.auth.resource_server.introspection import ANSWER_SECONDS, ask_issuer
from intarsia.server.auth.resource_server.issuer_http import FETCH_SECONDS, IssuerError, IssuerHttpClient
from intarsia.server.auth.resource_server.issuer_metadata import Metadata
from intarsia.server.auth.resource_server.jwks import IssuerKeys
from intarsia.server.auth.resource_server.jws import is_signed, read_header, read_proven, read_unproven
from intarsia.server.auth.resource_server.settings import Introspection, Issuer, LocalIntrospection, ResourceServer

logger = logging.getLogger(__name__)

MAX_TOKEN_LENGTH = 16 * 1024
MAX_REMEMBERED = 10_000
MAX_INTROSPECTIONS = 32
"""How many questions about tokens may be open at the same time; others wait their turn."""

OWN_SECONDS = 1
"""How long is used what an issuer in this process said; it is asked at no cost worth speaking of."""

_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")


@dataclass(frozen=True)
class _Authority:
    """An issuer, and what is needed to check its tokens."""

    issuer: Issuer
    metadata: Metadata
    keys: IssuerKeys


class Verifier:
    """Says who a token is about. Everything that it says rests on what an issuer said a few seconds ago at most.

    Args:
        server: Whose tokens are taken, and what they must say.
    """

    def __init__(self, server: ResourceServer) -> None:
        self._server = server
        self.fetcher = IssuerHttpClient()
        self._flights = SingleFlight()
        self._questions = asyncio.Semaphore(MAX_INTROSPECTIONS)
        # By the token's digest: who reads the memory of this process finds no token in it.
        self._bearers: TtlCache[Bearer] = TtlCache(MAX_REMEMBERED)
        self._refused: TtlCache[Reason] = TtlCache(MAX_REMEMBERED)
        self._authorities = {issuer.url: self._authority(issuer) for issuer in server.trusted()}
        self._opaque = next((found for found in self._authorities.values() if found.issuer.takes_opaque), None)

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
        """Return what one of the issuers says about itself."""
        return self._authorities[issuer].metadata

    async def verify(self, token: str) -> Bearer:
        """Say who a token is about.

        Args:
            token: As it came.

        Raises:
            TokenError: It is not taken.
            IssuerError: The issuer cannot be asked, so that nothing can be said.
        """
        if len(token) > MAX_TOKEN_LENGTH or not _TOKEN.fullmatch(token):
            raise TokenError(Reason.MALFORMED)
        digest = sha256(token.encode()).digest()
        bearer = self._bearers.get(digest)
        if bearer is None:
            reason = self._refused.get(digest)
            if reason is not None:
                raise TokenError(reason)
            bearer = await self._flights.join(digest, lambda: self._find_out(token, digest))
        if bearer.expires_at <= time():
            raise TokenError(Reason.EXPIRED)
        return bearer

    async def _find_out(self, token: str, digest: bytes) -> Bearer:
        if is_signed(token):
            bearer, until = await self._check_signed(token)
        elif self._opaque is not None and self._opaque.issuer.vouches is not None:
            bearer, until = await self._check_own(token, self._opaque.issuer, self._opaque.issuer.vouches)
        elif self._opaque is not None and self._opaque.issuer.introspection is not None:
            answer, until = await self._ask(token, digest, self._opaque, self._opaque.issuer.introspection)
            bearer = self._check(answer, self._opaque.issuer)
        else:
            raise TokenError(Reason.NOT_SIGNED)
        self._bearers.keep(digest, bearer, until)
        return bearer

    def _check(self, claims: Claims, issuer: Issuer) -> Bearer:
        return check_claims(claims, issuer, self._server, time())

    async def _check_own(self, token: str, issuer: Issuer, vouches: LocalIntrospection) -> tuple[Bearer, float]:
        asked_at = monotonic()
        claims = await vouches.claims_of(token)
        if claims is None:
            raise TokenError(Reason.NOT_ACTIVE)
        return self._check(claims, issuer), asked_at + OWN_SECONDS

    async def _check_signed(self, token: str) -> tuple[Bearer, float]:
        authority = self._authorities.get(str(read_unproven(token).get("iss")))
        if authority is None:
            raise TokenError(Reason.OTHER_ISSUER)
        header = read_header(token, authority.issuer.algorithms)
        key, until = await authority.keys.find(header.get("kid"), header["alg"])
        claims = read_proven(token, key)
        check_kind(claims, header.get("typ"))
        bearer = self._check(claims, authority.issuer)
        settings = authority.issuer.introspection
        if settings is None or not settings.signed_tokens:
            return bearer, until
        answer, answered_until = await self._ask(token, sha256(token.encode()).digest(), authority, settings)
        return _narrowed(bearer, answer), min(until, answered_until)

    @asynccontextmanager
    async def _turn(self) -> AsyncGenerator[None]:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                await self._questions.acquire()
        except TimeoutError:
            message = "Too many questions about tokens are open."
            raise IssuerError(message) from None
        try:
            yield
        finally:
            self._questions.release()

    async def _ask(
        self, token: str, digest: bytes, authority: _Authority, settings: Introspection
    ) -> tuple[Claims, float]:
        async with self._turn():
            asked_at = monotonic()
            try:
                answer = await ask_issuer(token, settings, authority.metadata, self.fetcher)
            except TokenError as error:
                self._refused.keep(digest, error.reason, asked_at + ANSWER_SECONDS)
                raise
            except IssuerError as error:
                logger.warning("The issuer %s cannot be asked about a token. %s", authority.issuer.url, error)
                raise
        # The issuer's endpoint speaks for the issuer, whether it says so or not.
        return {"iss": authority.issuer.url, **answer}, asked_at + ANSWER_SECONDS


def _narrowed(bearer: Bearer, answer: Claims) -> Bearer:
    """Leave what the issuer still says of a signed token: it may take away, and gives nothing that is not signed."""
    if answer.get("sub", bearer.subject) != bearer.subject or answer["iss"] != bearer.issuer:
        raise TokenError(Reason.NOT_ACTIVE)
    scopes = read_scopes(answer)
    return bearer if scopes is None else replace(bearer, scopes=bearer.scopes & scopes)

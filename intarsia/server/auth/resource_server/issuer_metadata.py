"""What an issuer says about itself (RFC 8414, OpenID Connect Discovery): where its keys are, and whom to ask."""

from collections.abc import Iterator, Mapping
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from intarsia.errors import SettingError
from intarsia.server.auth.resource_server.cache import SingleFlight
from intarsia.server.auth.resource_server.issuer_http import IssuerError, IssuerHttpClient
from intarsia.server.auth.resource_server.settings import Issuer, checked_address

METADATA_SECONDS = 600
"""How long metadata are used before they are read again."""


class Metadata:
    """The metadata of one issuer."""

    def __init__(self, issuer: Issuer, fetcher: IssuerHttpClient, flights: SingleFlight) -> None:
        self._issuer = issuer
        self._fetcher = fetcher
        self._flights = flights
        self._known: Mapping[str, Any] = {}
        self._until = 0.0

    async def address_of(self, name: str) -> str:
        """Return an address that the issuer names.

        Args:
            name: Such as `jwks_uri`.

        Raises:
            IssuerError: The issuer cannot be reached, or names none.
        """
        address = str(await self.value_of(name) or "")
        try:
            checked_address(address, f"The {name} of {self._issuer.url}")
        except SettingError as error:
            raise IssuerError(str(error)) from None
        # Only an issuer on this machine may lead to this machine: tokens are sent there.
        if address.startswith("http:") and not self._issuer.url.startswith("http:"):
            message = f"The {name} of {self._issuer.url} must use https."
            raise IssuerError(message)
        return address

    async def value_of(self, name: str) -> object:
        """Return what an issuer says of itself; `None` when it says nothing.

        Raises:
            IssuerError: The issuer cannot be reached.
        """
        if monotonic() >= self._until:
            await self._flights.join(("metadata", self._issuer.url), self._fetch)
        return self._known.get(name)

    async def _fetch(self) -> None:
        for address in _addresses(self._issuer.url):
            found = await self._fetcher.get(address)
            if found is None:
                continue
            if found.get("issuer") != self._issuer.url:
                message = f"{address} does not name {self._issuer.url} as its issuer; write the URL exactly as it does."
                raise IssuerError(message)
            self._known, self._until = found, monotonic() + METADATA_SECONDS
            return
        message = f"The issuer {self._issuer.url} has no metadata; its URL is wrong, or it needs jwks_uri."
        raise IssuerError(message)


def _addresses(issuer: str) -> Iterator[str]:
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.removesuffix("/")
    yield f"{origin}/.well-known/oauth-authorization-server{path}"
    yield f"{origin}{path}/.well-known/openid-configuration"

"""The metadata of an issuer: where its keys and its endpoints are (RFC 8414, OpenID Connect Discovery)."""

from collections.abc import Iterator, Mapping
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from intarsia.errors import SettingError
from intarsia.server.auth.resource_server.cache import SingleFlight
from intarsia.server.auth.resource_server.issuer_http import IssuerError, IssuerHttpClient
from intarsia.server.auth.resource_server.settings import Issuer, checked_address

METADATA_SECONDS = 600
"""How long metadata are cached."""


class Metadata:
    """The metadata of one issuer, fetched on first use.

    Args:
        issuer: The issuer.
        fetcher: The HTTP client for issuers.
        flights: Shares one request among concurrent callers.
    """

    def __init__(self, issuer: Issuer, fetcher: IssuerHttpClient, flights: SingleFlight) -> None:
        self._issuer = issuer
        self._fetcher = fetcher
        self._flights = flights
        self._fields: Mapping[str, Any] = {}
        self._expires_at = 0.0

    async def address_of(self, name: str) -> str:
        """Return the URL of one of the issuer's endpoints.

        Args:
            name: The metadata field, such as `jwks_uri`.

        Raises:
            IssuerError: The issuer cannot be reached, or the field is missing or not an acceptable URL.
        """
        address = str(await self.value_of(name) or "")
        try:
            checked_address(address, f"The {name} of {self._issuer.url}")
        except SettingError as error:
            raise IssuerError(str(error)) from None
        # Tokens and secrets are sent to these URLs: a remote issuer must not point to plain http on this machine.
        if address.startswith("http:") and not self._issuer.url.startswith("http:"):
            message = f"The {name} of {self._issuer.url} must use https."
            raise IssuerError(message)
        return address

    async def value_of(self, name: str) -> object:
        """Return a field of the metadata; `None` if it is missing.

        Raises:
            IssuerError: The issuer cannot be reached.
        """
        if monotonic() >= self._expires_at:
            await self._flights.join(("metadata", self._issuer.url), self._fetch)
        return self._fields.get(name)

    async def _fetch(self) -> None:
        for address in _metadata_urls(self._issuer.url):
            found = await self._fetcher.get(address)
            if found is None:
                continue
            # RFC 8414, section 3.3: a mismatch means the metadata may have been published by another issuer.
            if found.get("issuer") != self._issuer.url:
                message = f"{address} does not name {self._issuer.url} as its issuer; use the URL exactly as it does."
                raise IssuerError(message)
            self._fields, self._expires_at = found, monotonic() + METADATA_SECONDS
            return
        message = f"The issuer {self._issuer.url} has no metadata: check its URL, or set jwks_uri."
        raise IssuerError(message)


def _metadata_urls(issuer: str) -> Iterator[str]:
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.removesuffix("/")
    yield f"{origin}/.well-known/oauth-authorization-server{path}"
    yield f"{origin}{path}/.well-known/openid-configuration"

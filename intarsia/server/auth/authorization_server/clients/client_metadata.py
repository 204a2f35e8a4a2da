"""Fetches Client ID Metadata Documents: OAuth clients whose id is the URL of a JSON document that describes them.

See draft-ietf-oauth-client-id-metadata-document ("CIMD"). The URL comes from an untrusted request, so the fetch is
protected against SSRF: it is limited in time and size, follows no redirects, and connects to public addresses only. The
host name is resolved once, and the connection goes to the IP address that was checked, so that a second DNS response
cannot redirect it (DNS rebinding). TLS verifies the host name.
"""

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv6Address, ip_address
from socket import SOCK_STREAM
from time import monotonic
from typing import Any, cast
from urllib.parse import urlsplit

import httpx2

from intarsia.errors import IntarsiaError
from intarsia.server.auth.authorization_server.clients.public_addresses import (
    IPAddress,
    PublicTarget,
    is_loopback,
    is_public,
    public_target,
)
from intarsia.server.auth.authorization_server.clients.redirect_uris import is_allowed
from intarsia.server.auth.resource_server.cache import SingleFlight, TtlCache
from intarsia.server.wire.bounded_http import (
    JSON_HEADERS,
    ConnectFailedError,
    EncodedError,
    FetchError,
    TooLargeError,
    fetch,
    json_object,
)

FETCH_SECONDS = 5
"""The timeout of a whole fetch: name resolution, connection and download."""
MAX_BYTES = 10 * 1024
MIN_KEPT, MAX_KEPT = 60, 3600
"""The limits of the cache lifetime in seconds, whatever the `Cache-Control` header says."""
USUALLY_KEPT = 300
"""The cache lifetime in seconds without a `max-age`."""
REFUSED_SECONDS = 30
"""How long a failure is cached before the document is fetched again."""
MAX_KNOWN = 200
MAX_CONCURRENT = 16
MAX_REDIRECTS = 20
MAX_NAME_LENGTH, MAX_SCOPE_LENGTH, MAX_LOGO_LENGTH = 200, 1000, 2048

_MAX_ADDRESSES, _MAX_TRIED = 16, 3
_CONNECT_SECONDS = 2
_MAX_AGE = re.compile(r'max-age="?([0-9]{1,9})"?')
_JSON_TYPE = re.compile(r"application/(?:[a-z0-9!#$&^_.-]+\+)?json")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")


class ClientMetadataError(IntarsiaError, ValueError):
    """The metadata document of a client cannot be fetched or is not valid.

    Args:
        reason: The reason. It is safe to show to any user, because it quotes nothing of a server's response.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class ClientMetadata:
    """The metadata of a client. All of it is claimed by the client; only the redirect URIs were checked."""

    client_id: str
    client_name: str
    """The name that the client claims; by default the host of its document."""
    redirect_uris: tuple[str, ...]
    """The redirect URIs, on the origin of the document or on the loopback interface (RFC 8252, section 7.3)."""
    logo_uri: str | None
    """The URL of the logo. The server never fetches it."""
    scope: str | None
    token_endpoint_auth_method: str


Resolve = Callable[[str, int], Awaitable[Sequence[IPAddress]]]
"""Resolves a host name and a port to all its IP addresses."""


async def look_up(name: str, port: int) -> Sequence[IPAddress]:
    """Resolve a host name with the resolver of this machine.

    Raises:
        OSError: The name cannot be resolved.
    """
    found = await asyncio.get_running_loop().getaddrinfo(name, port, type=SOCK_STREAM)
    return tuple(dict.fromkeys(ip_address(address[0]) for *_, address in found))


class ClientMetadataReader:
    """Fetches and caches metadata documents. Concurrent requests for the same document share one fetch.

    Args:
        allow_loopback: Whether documents on loopback addresses are allowed, over http too. For development only.
        resolve: Resolves host names.
        may_ask: Returns whether an IP address may be connected to. All addresses of a host must be allowed.
        ssl_context: The TLS context; by default one with the certificate authorities that browsers trust.
    """

    def __init__(
        self,
        *,
        allow_loopback: bool = False,
        resolve: Resolve = look_up,
        may_ask: Callable[[IPAddress], bool] = is_public,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._how = (allow_loopback, resolve, may_ask, ssl_context)
        self._known: TtlCache[ClientMetadata | str] = TtlCache(MAX_KNOWN)
        self._flights = SingleFlight()
        self._turns = asyncio.Semaphore(MAX_CONCURRENT)

    async def get(self, client_id: str) -> ClientMetadata:
        """Return the metadata of a client, from the cache or from its document.

        Args:
            client_id: The URL of the document.

        Raises:
            ClientMetadataError: The document cannot be fetched or is not valid.
        """
        found = self._known.get(client_id)
        if found is None:
            found = await self._flights.join(client_id, lambda: self._learn(client_id))
        if isinstance(found, str):
            raise ClientMetadataError(found)
        return found

    async def stop(self) -> None:
        """Cancel all running fetches."""
        await self._flights.stop()

    async def _learn(self, client_id: str) -> ClientMetadata | str:
        """Fetch and cache a document, or the reason of the failure, and return it."""
        found: ClientMetadata | str
        # Refused and not queued, so that slow servers of some clients cannot hold up requests of others.
        if self._turns.locked():
            return "Too many apps are being looked up; try again in a moment."
        async with self._turns:
            try:
                found, seconds = await _fetch(client_id, *self._how)
            except ClientMetadataError as error:
                found, seconds = error.reason, REFUSED_SECONDS
        self._known.keep(client_id, found, monotonic() + seconds)
        return found


async def _fetch(
    client_id: str,
    allow_loopback: bool,  # noqa: FBT001 - passed on
    resolve: Resolve,
    may_ask: Callable[[IPAddress], bool],
    ssl_context: ssl.SSLContext | None,
) -> tuple[ClientMetadata, int]:
    """Fetch a document; return it and its cache lifetime in seconds."""
    place = public_target(client_id, allow_loopback=allow_loopback)
    if place is None:
        message = "The app's id must be a plain https address of a document, with a path and nothing hidden in it."
        raise ClientMetadataError(message)
    try:
        async with asyncio.timeout(FETCH_SECONDS):
            addresses = await _checked(place, resolve, is_loopback if place.is_here else may_ask)
            body, seconds = await _ask(place, addresses, ssl_context)
    except TimeoutError:
        message = f"The app's document took longer than {FETCH_SECONDS} seconds."
        raise ClientMetadataError(message) from None
    return _read(client_id, place, body), seconds


async def _checked(place: PublicTarget, resolve: Resolve, may_ask: Callable[[IPAddress], bool]) -> Sequence[IPAddress]:
    """Resolve the host of a document, and check all its addresses."""
    try:
        addresses = await resolve(place.name, place.port)
    except (OSError, UnicodeError):
        addresses = ()
    if not 0 < len(addresses) <= _MAX_ADDRESSES:
        message = "The host of the app's document has no address that can be used."
        raise ClientMetadataError(message)
    if not all(may_ask(address) for address in addresses):
        message = "The host of the app's document is not on the public internet."
        raise ClientMetadataError(message)
    return addresses


async def _ask(
    place: PublicTarget, addresses: Sequence[IPAddress], ssl_context: ssl.SSLContext | None
) -> tuple[bytes, int]:
    for address in addresses[:_MAX_TRIED]:
        try:
            return await _ask_at(place, address, ssl_context or _usual_context())
        except ConnectFailedError:
            continue
        except TooLargeError:
            message = f"The app's document is larger than {MAX_BYTES // 1024} KB."
            raise ClientMetadataError(message) from None
        except EncodedError:
            message = "The app's document is compressed, although it was not asked for like that."
            raise ClientMetadataError(message) from None
        except (FetchError, httpx2.InvalidURL, OSError):
            break
    message = "The server of the app's document did not answer as it should, over TLS that proves its name."
    raise ClientMetadataError(message)


async def _ask_at(place: PublicTarget, address: IPAddress, context: ssl.SSLContext) -> tuple[bytes, int]:
    """Fetch a document from one IP address. The address is in the URL, so the HTTP client resolves no name."""
    number = f"[{address}]" if isinstance(address, IPv6Address) else str(address)
    # A new connection pool: pools reuse connections by IP address, whatever host name TLS verified on them.
    transport = httpx2.AsyncHTTPTransport(verify=context, trust_env=False)
    timeout = httpx2.Timeout(FETCH_SECONDS, connect=_CONNECT_SECONDS)
    async with httpx2.AsyncClient(transport=transport, timeout=timeout, trust_env=False) as client:
        request = client.build_request(
            "GET",
            f"{place.scheme}://{number}:{place.port}{place.target}",
            headers={**JSON_HEADERS, "Connection": "close", "Host": place.authority},
            extensions={"sni_hostname": place.name},
        )
        response = await fetch(client, request, max_seconds=FETCH_SECONDS, max_bytes=MAX_BYTES, wants_body=_is_document)
    return response.body, _kept_seconds(response.headers.get("Cache-Control", ""))


def _is_document(response: httpx2.Response) -> bool:
    """Check the status and the content type before the body is read."""
    if response.status_code != 200:
        message = (
            f"The app's document was answered with status {response.status_code}; it must be 200, and no redirect."
        )
        raise ClientMetadataError(message)
    if not _JSON_TYPE.fullmatch(response.headers.get("Content-Type", "").partition(";")[0].strip().lower()):
        message = "The app's document is not of the type application/json."
        raise ClientMetadataError(message)
    return True


def _kept_seconds(cache_control: str) -> int:
    """Return the cache lifetime of a response in seconds, by its `Cache-Control` (RFC 9111, section 5.2.2)."""
    said = [part.strip().lower() for part in cache_control.split(",")]
    if "no-store" in said or "no-cache" in said:
        return MIN_KEPT
    ages = [int(found[1]) for found in map(_MAX_AGE.fullmatch, said) if found]
    return max(MIN_KEPT, min([MAX_KEPT, *ages])) if ages else USUALLY_KEPT


def _read(client_id: str, place: PublicTarget, body: bytes) -> ClientMetadata:
    fields = json_object(body)
    if fields is None:
        message = "The app's document is not a JSON object."
        raise ClientMetadataError(message)
    if fields.get("client_id") != client_id:
        message = "The app's document is about another app: its client_id is not its address."
        raise ClientMetadataError(message)
    _check_no_secret(fields)
    return ClientMetadata(
        client_id=client_id,
        client_name=_text(fields, "client_name", MAX_NAME_LENGTH) or place.host,
        redirect_uris=_redirects(fields.get("redirect_uris"), place),
        logo_uri=_logo(fields),
        scope=_scope(fields),
        token_endpoint_auth_method="none",  # noqa: S106 - the name of a method
    )


def _check_no_secret(fields: Mapping[str, Any]) -> None:
    """Check that the document declares a public client: it is public, so it cannot contain a secret."""
    if "client_secret" in fields or "client_secret_expires_at" in fields:
        message = "The app's document holds a client secret, which everybody can read."
        raise ClientMetadataError(message)
    if fields.get("token_endpoint_auth_method", "none") != "none":
        message = "The app's document asks for a way of proving itself that is not supported; 'none' is."
        raise ClientMetadataError(message)


def _redirects(sent: object, place: PublicTarget) -> tuple[str, ...]:
    """Validate the redirect URIs; those on other origins or with other schemes are dropped."""
    listed = cast("list[object]", sent) if isinstance(sent, list) else []
    if not 0 < len(listed) <= MAX_REDIRECTS or not all(isinstance(item, str) for item in listed):
        message = f"The app's document must list 1 to {MAX_REDIRECTS} redirect_uris."
        raise ClientMetadataError(message)
    usable = tuple(dict.fromkeys(item for item in cast("list[str]", listed) if _is_own(item, place)))
    if not usable:
        message = f"The app's document lists no address at {place.origin} or on the person's own machine to answer to."
        raise ClientMetadataError(message)
    return usable


def _is_own(address: str, place: PublicTarget) -> bool:
    if not is_allowed(address):
        return False
    parts = urlsplit(address)
    # `is_allowed` accepts http only on the loopback interface of the user's machine.
    return parts.scheme == "http" or f"{parts.scheme}://{parts.netloc}" == place.origin


def _text(fields: Mapping[str, Any], name: str, most: int) -> str | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > most:
        message = f"{name} in the app's document must be text of at most {most} characters."
        raise ClientMetadataError(message)
    return value.strip()


def _logo(fields: Mapping[str, Any]) -> str | None:
    logo = _text(fields, "logo_uri", MAX_LOGO_LENGTH)
    return logo if logo and is_allowed(logo) and logo.startswith("https://") else None


def _scope(fields: Mapping[str, Any]) -> str | None:
    scope = _text(fields, "scope", MAX_SCOPE_LENGTH)
    if scope and not _SCOPE.fullmatch(scope):
        message = "scope in the app's document must be names with a space between them."
        raise ClientMetadataError(message)
    return scope or None


@cache
def _usual_context() -> ssl.SSLContext:
    """Return the default TLS context. It is cached, because loading the certificates takes long."""
    return httpx2.create_ssl_context(trust_env=False)

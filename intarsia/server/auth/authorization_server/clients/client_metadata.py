"""Apps that describe themselves at their own address, read without trusting whoever names it.

The id of such an app is the address of a JSON document (draft-ietf-oauth-client-id-metadata-document, "CIMD"). Anybody
can name any address, so it is asked as little as possible: once, for a few seconds, for a few KB, and only if it is
public. The name is looked up once; what is asked is the number that was checked, and TLS proves the name.
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
"""How long everything may take: looking the name up, connecting, and the last byte."""
MAX_BYTES = 10 * 1024
MIN_KEPT, MAX_KEPT = 60, 3600
"""For how many seconds a document is kept at least and at most, whatever its server says."""
USUALLY_KEPT = 300
"""For how many seconds it is kept when its server says nothing."""
REFUSED_SECONDS = 30
"""For how long a refusal stands before the address is asked again."""
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
    """An app's document that cannot be read or used.

    Args:
        reason: What is wrong, safe to show to anybody: it repeats nothing that a server said.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class ClientMetadata:
    """What an app says about itself; only that it may be answered at its own site has been checked."""

    client_id: str
    client_name: str
    """Its name, in its own words; its host when it has none."""
    redirect_uris: tuple[str, ...]
    """Where it may be answered: at the site of its document, or on this machine (RFC 8252, section 7.3)."""
    logo_uri: str | None
    """Where its picture is. Never asked by the server."""
    scope: str | None
    token_endpoint_auth_method: str


Resolve = Callable[[str, int], Awaitable[Sequence[IPAddress]]]
"""Looks a name up, for a port: every address that it has."""


async def look_up(name: str, port: int) -> Sequence[IPAddress]:
    """Return every address that this machine's resolver knows for a name.

    Raises:
        OSError: There is none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(name, port, type=SOCK_STREAM)
    return tuple(dict.fromkeys(ip_address(address[0]) for *_, address in found))


class ClientMetadataReader:
    """Documents of apps, each read once for all who ask, and kept as long as its server allows.

    Args:
        allow_loopback: Whether this machine's own addresses may be asked, and then over http too. For development.
        resolve: Looks names up.
        may_ask: Says which addresses may be asked. Every one that a name has must be.
        ssl_context: Whose certificates are trusted; by default those that browsers trust.
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
        """Return the document of an app, read anew when the one that was kept is too old.

        Raises:
            ClientMetadataError: There is none that can be used.
        """
        found = self._known.get(client_id)
        if found is None:
            found = await self._flights.join(client_id, lambda: self._learn(client_id))
        if isinstance(found, str):
            raise ClientMetadataError(found)
        return found

    async def stop(self) -> None:
        """End what is being read."""
        await self._flights.stop()

    async def _learn(self, client_id: str) -> ClientMetadata | str:
        """Return a document, or why there is none."""
        found: ClientMetadata | str
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
    """Return a document, and for how many seconds it may be kept."""
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
    """Return the addresses of a place, all of which may be asked."""
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
    """Read a document from one address. Nothing here looks a name up: the address stands in the URL."""
    number = f"[{address}]" if isinstance(address, IPv6Address) else str(address)
    # A pool of its own: a connection is found again by its address, whatever name was proven on it.
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
    """Check status and type before the body is read."""
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
    """Return for how long a document may be kept, by what its server says (RFC 9111, section 5.2.2)."""
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
    """Check that an app proves itself by where it is answered: what everybody can read is no secret."""
    if "client_secret" in fields or "client_secret_expires_at" in fields:
        message = "The app's document holds a client secret, which everybody can read."
        raise ClientMetadataError(message)
    if fields.get("token_endpoint_auth_method", "none") != "none":
        message = "The app's document asks for a way of proving itself that is not supported; 'none' is."
        raise ClientMetadataError(message)


def _redirects(sent: object, place: PublicTarget) -> tuple[str, ...]:
    """Return where an app may be answered; addresses at other sites and of other schemes are left out."""
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
    # Over http, only the person's own machine is allowed.
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
    """Return what trusts the certificates that browsers trust; made once, because that takes a while."""
    return httpx2.create_ssl_context(trust_env=False)

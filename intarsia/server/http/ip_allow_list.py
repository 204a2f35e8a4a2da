"""Lets only some IP addresses in: those in the ranges that an administrator keeps in a file.

Anyone can put `X-Forwarded-For` into a request, so it counts only as far as trusted proxies wrote it.
"""

import logging
from bisect import bisect_right
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from time import monotonic
from typing import Any, cast

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from intarsia.errors import SettingError
from intarsia.server.wire.counted_log import CountedLog
from intarsia.server.wire.peers import KNOWN_HOST

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

RELOAD_SECONDS = 1
"""The shortest time between two looks at the file."""
MAX_FILE_BYTES = 4 * 1024 * 1024

_Stamp = tuple[int, int, int]

logger = logging.getLogger(__name__)
_LOG = CountedLog(logger, logging.INFO)


class Ranges:
    """A set of address ranges, which finds an address in logarithmic time.

    Args:
        networks: The ranges; they may overlap.
    """

    def __init__(self, networks: Iterable[IPNetwork]) -> None:
        self._ends: dict[int, tuple[list[int], list[int]]] = {}
        found = list(networks)
        for version in (4, 6):
            spans = sorted((int(one[0]), int(one[-1])) for one in found if one.version == version)
            highest, ends = -1, list[int]()
            for _, last in spans:
                highest = max(highest, last)
                ends.append(highest)
            self._ends[version] = ([first for first, _ in spans], ends)

    def __contains__(self, address: IPAddress) -> bool:
        """Return whether an address is in one of the ranges."""
        firsts, ends = self._ends[address.version]
        at = bisect_right(firsts, int(address)) - 1
        return at >= 0 and int(address) <= ends[at]


def read_ranges(text: str, name: str) -> Ranges:
    """Parse ranges: one per line, such as `203.0.113.0/24` or `2001:db8::/32`. `#` starts a comment.

    Args:
        text: The content of the file.
        name: The name of the file, for error messages.

    Raises:
        SettingError: A line is not a range, or the file contains none.
    """
    found: list[IPNetwork] = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        written = line.partition("#")[0].strip()
        if written:
            found.append(range_of(written, f"{name}, line {number}"))
    if not found:
        message = f"{name} contains no address range. Write one per line, such as 203.0.113.0/24."
        raise SettingError(message)
    return Ranges(found)


def range_of(written: str, where: str) -> IPNetwork:
    """Parse a range, or a single address as a range of one.

    Args:
        written: The text, such as `203.0.113.0/24`.
        where: Where the text is from, for error messages.

    Raises:
        SettingError: The text is not a range, or its address has bits set after the prefix.
    """
    address, _, prefix = written.partition("/")
    try:
        # Only prefixes, because netmasks and host masks look alike.
        if "/" in written and not (prefix.isascii() and prefix.isdecimal()):
            raise ValueError
        loose = ip_network(written, strict=False)
    except ValueError:
        message = f"{where}: {written[:80]!r} is not an address range. Write it like 203.0.113.0/24 or 2001:db8::/32."
        raise SettingError(message) from None
    if "%" in address or loose.network_address != ip_address(address):
        message = f"{where}: {written[:80]!r} is an address inside of a range. The range is {loose}."
        raise SettingError(message)
    return loose


class RangesFile:
    """The ranges in a file, which is read again when it changes. While it is invalid, the last valid ranges apply.

    Args:
        path: The file.

    Raises:
        SettingError: The file cannot be read, or is invalid from the start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = _stamp_of(path)
        self._ranges = self._read()
        self._checked_at = monotonic()

    def current(self) -> Ranges:
        """Return the ranges, read again if the file has changed."""
        now = monotonic()
        if now - self._checked_at >= RELOAD_SECONDS:
            self._checked_at = now
            self._reload()
        return self._ranges

    def _reload(self) -> None:
        stamp = _stamp_of(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._ranges = self._read()
        except SettingError as error:
            logger.error("The allowed addresses are unchanged: %s", error)  # noqa: TRY400 - the message is enough
        else:
            logger.info("Reloaded the allowed addresses from %s.", self._path)

    def _read(self) -> Ranges:
        try:
            with self._path.open("rb") as file:
                content = file.read(MAX_FILE_BYTES + 1)
            text = content.decode("utf-8")
        except OSError as error:
            message = f"{self._path} cannot be read: {error.strerror}."
            raise SettingError(message) from None
        except UnicodeDecodeError:
            message = f"{self._path} is not encoded in UTF-8."
            raise SettingError(message) from None
        if len(content) > MAX_FILE_BYTES:
            message = f"{self._path} is larger than {MAX_FILE_BYTES // 1024 // 1024} MB."
            raise SettingError(message)
        return read_ranges(text, str(self._path))


def _stamp_of(path: Path) -> _Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class AllowList:
    """Middleware that responds with 403 to addresses outside the ranges. It belongs in front of everything else.

    uvicorn's `ProxyHeadersMiddleware` finds the client behind the proxies: it reads `X-Forwarded-For` from the right,
    and the first address that is not a trusted proxy's is the client's. The application sees that address, and the
    scheme in `X-Forwarded-Proto`.

    The header `Forwarded` (RFC 7239) is not supported. With trusted proxies, a request that has it is refused: a proxy
    that writes one of the two headers forwards the other as the client wrote it.

    Args:
        app: The application.
        ranges: The addresses to let in.
        proxies: The ranges of trusted proxies. The server itself must not have replaced the peer's address by a header
            (with uvicorn: `proxy_headers=False`).
    """

    def __init__(self, app: ASGIApp, *, ranges: RangesFile, proxies: Iterable[IPNetwork] = ()) -> None:
        self._app = app
        self._ranges = ranges
        trusted = [written for network in proxies for written in _as_peers(network)]
        self._has_proxies = bool(trusted)
        # The types of the two libraries name the same protocol differently.
        self._behind_proxies = cast("ASGIApp", ProxyHeadersMiddleware(cast("Any", self._check), trusted))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request: find out its client, and let it through or refuse it."""
        await self._behind_proxies(scope, receive, send)

    async def _check(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        address = client_address(scope)
        if address is None or address not in self._ranges.current():
            what = address or "of a request that does not say where it comes from"
            _LOG.note(f"Refused the address {what}.", "address")
            await _refuse(scope, receive, send)
        elif self._has_proxies and any(name == b"forwarded" for name, _ in scope["headers"]):
            _LOG.note("Refused a request with the header Forwarded. Let the proxy remove it.")
            await _refuse(scope, receive, send)
        else:
            # Whom an administrator lets in by name may call for many people, so limits for one address do not apply.
            known = {"client": (str(address), scope["client"][1]), KNOWN_HOST: True}
            await self._app({**scope, **known}, receive, send)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    response = PlainTextResponse("Your network address is not allowed here. Ask this server's administrator.\n", 403)
    await response(scope, receive, send)


def _as_peers(network: IPNetwork) -> tuple[str, ...]:
    """Return a range as peers' addresses are compared. A listener for IPv6 sees IPv4 peers as `::ffff:192.0.2.1`."""
    if isinstance(network, IPv6Network):
        return (str(network),)
    return str(network), f"::ffff:{network.network_address}/{96 + network.prefixlen}"


def client_address(scope: Scope) -> IPAddress | None:
    """Return the address in a request's scope, or `None` if there is none. IPv4 inside of IPv6 counts as IPv4.

    Args:
        scope: The request.
    """
    written = scope["client"][0] if scope.get("client") else ""
    try:
        address = ip_address(written.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address

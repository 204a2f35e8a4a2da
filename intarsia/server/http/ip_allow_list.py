"""Lets only some addresses in: ranges that an administrator keeps in a file, told apart behind proxies that they name.

What a request says about where it came from (`X-Forwarded-For`, `Forwarded`) anybody can write. It is believed only as
far as proxies wrote it that are trusted: read from the right, the first address that is none of theirs is who asks.
"""

import logging
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from time import monotonic

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from intarsia.errors import SettingError

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

RELOAD_SECONDS = 1
"""How often the file is looked at, at most."""
MAX_FILE_BYTES = 4 * 1024 * 1024

_Stamp = tuple[int, int, int]
_WITH_PORT = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<four>[0-9.]+))(?::[0-9]{1,5})?")
_PAIR = re.compile(
    r"[ \t]*(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+)="
    r'(?:(?P<token>[!#$%&\'*+.^_`|~0-9A-Za-z-]+)|"(?P<quoted>(?:[^"\\]|\\.)*)")[ \t]*(?P<end>[;,]|\Z)'
)
"""One pair of the header Forwarded, and what ends it (RFC 7239, section 4)."""

logger = logging.getLogger(__name__)


class Ranges:
    """Addresses that are in one of some ranges.

    Args:
        networks: The ranges.
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
        """Say whether an address is in one of the ranges."""
        firsts, ends = self._ends[address.version]
        at = bisect_right(firsts, int(address)) - 1
        return at >= 0 and int(address) <= ends[at]


def read_ranges(text: str, name: str) -> Ranges:
    """Read ranges: one to a line, such as `203.0.113.0/24` or `2001:db8::/32`; `#` begins a comment.

    Args:
        text: The content of a file.
        name: What the file is called, for errors.

    Raises:
        SettingError: A line is no range, or there is none at all.
    """
    found: list[IPNetwork] = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        written = line.partition("#")[0].strip()
        if written:
            found.append(range_of(written, f"{name}, line {number}"))
    if not found:
        message = f"{name} holds no range of addresses; write one to a line, such as 203.0.113.0/24."
        raise SettingError(message)
    return Ranges(found)


def range_of(written: str, where: str) -> IPNetwork:
    """Return a range, or the range of one address.

    Args:
        written: Such as `203.0.113.0/24`.
        where: Where it stands, for errors.

    Raises:
        SettingError: It is none, or a prefix with bits behind it.
    """
    address, _, prefix = written.partition("/")
    try:
        # Netmasks are written in two ways that look alike; prefixes in one.
        if "/" in written and not (prefix.isascii() and prefix.isdecimal()):
            raise ValueError
        loose = ip_network(written, strict=False)
    except ValueError:
        message = f"{where}: {written[:80]!r} is no range of addresses; write it like 203.0.113.0/24 or 2001:db8::/32."
        raise SettingError(message) from None
    if "%" in address or loose.network_address != ip_address(address):
        message = f"{where}: {written[:80]!r} names one address and means many; the range is {loose}."
        raise SettingError(message)
    return loose


class RangesFile:
    """The ranges in a file, read again when it changes. While the file is broken, what was read last holds.

    Args:
        path: The file.

    Raises:
        SettingError: It cannot be read, or is broken from the start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = _stamp_of(path)
        self._ranges = self._read()
        self._looked_at = monotonic()

    def current(self) -> Ranges:
        """Return the ranges as they are now."""
        now = monotonic()
        if now - self._looked_at >= RELOAD_SECONDS:
            self._looked_at = now
            self._look()
        return self._ranges

    def _look(self) -> None:
        stamp = _stamp_of(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._ranges = self._read()
        except SettingError as error:
            logger.error("The allowed addresses stay as they were: %s", error)  # noqa: TRY400 - the text says it all
        else:
            logger.info("The allowed addresses were read again from %s.", self._path)

    def _read(self) -> Ranges:
        try:
            with self._path.open("rb") as file:
                content = file.read(MAX_FILE_BYTES + 1)
            text = content.decode("utf-8")
        except OSError as error:
            message = f"{self._path} cannot be read: {error.strerror}."
            raise SettingError(message) from None
        except UnicodeDecodeError:
            message = f"{self._path} is not UTF-8."
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
    """Middleware that answers 403 to addresses outside the ranges. It belongs in front of everything else.

    What is behind it sees the address that asks, and the scheme that a trusted proxy was asked by.

    Args:
        app: What is behind it.
        ranges: Who may come in.
        proxies: The ranges of proxies whose word counts on whom they ask for. The server itself must not have
            replaced the peer's address by what a header says (with uvicorn: `proxy_headers=False`).
    """

    def __init__(self, app: ASGIApp, *, ranges: RangesFile, proxies: Iterable[IPNetwork] = ()) -> None:
        self._app = app
        self._ranges = ranges
        self._proxies = Ranges(proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        address = asking_address(scope, self._proxies)
        if address is not None and address in self._ranges.current():
            await self._app(_as_asked(scope, address, self._proxies), receive, send)
            return
        logger.info("An address was refused: %s.", address or "one that cannot be told")
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
            return
        refusal = PlainTextResponse("Your network address is not allowed here. Ask whoever runs this server.\n", 403)
        await refusal(scope, receive, send)


def asking_address(scope: Scope, proxies: Ranges) -> IPAddress | None:
    """Return the address that a request comes from, or None when it cannot be told.

    Args:
        scope: The request.
        proxies: Addresses of proxies whose word counts.
    """
    peer = _address(scope["client"][0]) if scope.get("client") else None
    if peer is None or peer not in proxies:
        return peer
    hops = _hops(scope["headers"])
    if hops is None:
        return None
    address: IPAddress | None = peer
    for hop in reversed(hops):
        address = _address(hop)
        if address is None or address not in proxies:
            break
    return address


def _as_asked(scope: Scope, address: IPAddress, proxies: Ranges) -> Scope:
    """Return a request as it was asked of the proxy, if one passed it on."""
    peer = _address(scope["client"][0])
    if peer is None or peer not in proxies:
        return scope
    asked = {**scope, "client": (str(address), 0)}
    schemes = [value for name, value in scope["headers"] if name.lower() == b"x-forwarded-proto"]
    if scope["type"] == "http" and schemes and schemes[-1] in {b"http", b"https"}:
        asked["scheme"] = schemes[-1].decode()
    return asked


def _hops(headers: Iterable[tuple[bytes, bytes]]) -> list[str] | None:
    """Return whom proxies asked for, the nearest last; None when that makes no sense.

    A proxy writes one of the two headers and passes the other on as anybody wrote it, so both at once are refused.
    """
    listed = [(name.lower(), value.decode("latin-1")) for name, value in headers]
    simple = [value for name, value in listed if name == b"x-forwarded-for"]
    standard = [value for name, value in listed if name == b"forwarded"]
    if simple and standard:
        return None
    if standard:
        return _forwarded(",".join(standard))
    return [hop.strip() for hop in ",".join(simple).split(",")] if simple else []


def _forwarded(value: str) -> list[str] | None:
    """Return the `for` of each element of the header Forwarded, empty where there is none (RFC 7239)."""
    hops: list[str] = []
    try:
        for element in _elements(value):
            names = [name for name, _ in element]
            if len(set(names)) < len(names):
                return None
            hops.append(dict(element).get("for", ""))
    except ValueError:
        return None
    return hops


def _elements(value: str) -> Iterator[list[tuple[str, str]]]:
    at, element = 0, list[tuple[str, str]]()
    while True:
        pair = _PAIR.match(value, at)
        if pair is None:
            message = "The header Forwarded is not of its form."
            raise ValueError(message)
        quoted = pair["quoted"]
        element.append((pair["name"].lower(), pair["token"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)))
        at = pair.end()
        if pair["end"] != ";":
            yield element
            element = []
        if not pair["end"]:
            return


def _address(written: str) -> IPAddress | None:
    """Return an address without its port; one of IPv4 that stands in one of IPv6 counts as what it is."""
    found = _WITH_PORT.fullmatch(written)
    bare = (found["six"] or found["four"]) if found else written
    try:
        address = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address

"""Which addresses the server may connect to for a URL that a client chose: public ones only.

Otherwise a client could make the server send requests to services behind its firewall (server-side request forgery,
RFC 9700 and draft-ietf-oauth-client-id-metadata-document, section 6.5). So the URL must be in its canonical form, and
each address that its host resolves to must be public, in any notation and any tunnel.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.parse import unquote

IPAddress = IPv4Address | IPv6Address

MAX_CLIENT_ID_LENGTH = 1024

_NOT_PUBLIC = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this host, unspecified
        "10.0.0.0/8",  # private (RFC 1918)
        "100.64.0.0/10",  # behind a carrier's NAT (RFC 6598)
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # looks public, and is what machines of Azure ask about themselves
        "169.254.0.0/16",  # link-local, and where clouds keep their machines' credentials
        "172.16.0.0/12",  # private (RFC 1918)
        "192.0.0.0/24",  # protocol assignments (RFC 6890)
        "192.0.2.0/24",  # documentation (RFC 5737)
        "192.88.99.0/24",  # relays of 6to4 (RFC 7526)
        "192.168.0.0/16",  # private (RFC 1918)
        "198.18.0.0/15",  # benchmarks (RFC 2544)
        "198.51.100.0/24",  # documentation (RFC 5737)
        "203.0.113.0/24",  # documentation (RFC 5737)
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_PUBLIC_6 = IPv6Network("2000::/3")
"""All that has been given out for global unicast; loopback, private, link-local, mapped and multicast are outside."""
_NOT_PUBLIC_6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo among them (RFC 2928, RFC 4380)
        "2001:db8::/32",  # documentation (RFC 3849)
        "2002::/16",  # 6to4, which holds an IPv4 address (RFC 3056)
        "3fff::/20",  # documentation (RFC 9637)
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")
"""The prefix that networks without IPv4 put in front of an IPv4 address (RFC 6052)."""
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})
"""The first half of an interface identifier that embeds an IPv4 address (RFC 5214, section 6.1)."""

_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)+(?=[a-z]){_LABEL}")
"""A host name whose last label starts with a letter. Resolvers read any number, in any base, as an IPv4 address."""
_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[::1\]|[a-z0-9.-]+)(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<path>(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)+)"
    r"(?:\?(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?"
)
_SEPARATOR_OR_CONTROL = re.compile(r"[/\\\x00-\x1f\x7f]")
_PORTS = range(1024, 65536)
"""The allowed explicit ports. Lower ones belong to other protocols, such as mail."""
_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True)
class PublicTarget:
    """The parts of a client ID that is a URL."""

    scheme: str
    host: str
    """The name as it is written, with the brackets of an IPv6 address."""
    port: int
    target: str
    """The path, with the query."""
    is_here: bool
    """Whether it is this machine, which only development allows."""

    @property
    def name(self) -> str:
        """The host name to resolve, which the TLS certificate must name."""
        return self.host.strip("[]")

    @property
    def authority(self) -> str:
        """The host and port, as in the `Host` header."""
        return self.host if self.port == _DEFAULT_PORTS[self.scheme] else f"{self.host}:{self.port}"

    @property
    def origin(self) -> str:
        """The scheme, host and port."""
        return f"{self.scheme}://{self.authority}"


def public_target(client_id: str, *, allow_loopback: bool = False) -> PublicTarget | None:
    """Split a client ID that is a URL (draft-ietf-oauth-client-id-metadata-document, section 3).

    Client IDs are compared as strings, so only the canonical form of a URL is accepted.

    Args:
        client_id: The client ID of a request.
        allow_loopback: Whether to accept loopback addresses too, also over http; only for development.

    Returns:
        The parts of the URL; `None` if the client ID is not such a URL.
    """
    found = _URL.fullmatch(client_id) if len(client_id) <= MAX_CLIENT_ID_LENGTH else None
    if found is None or not _is_canonical(found["path"]):
        return None
    scheme, host = found["scheme"], found["host"]
    is_here = allow_loopback and host in _LOOPBACK_HOSTS
    if not is_here and (scheme != "https" or not _NAME.fullmatch(host)):
        return None
    if found["port"] and int(found["port"]) not in _PORTS:
        return None
    port = int(found["port"] or _DEFAULT_PORTS[scheme])
    return PublicTarget(scheme, host, port, client_id[found.start("path") :], is_here)


def is_public(address: IPAddress) -> bool:
    """Return whether an address is public unicast, by the IANA special-purpose address registries (RFC 6890).

    Args:
        address: An address that a host name resolves to. IPv6 addresses that embed an IPv4 address are not public,
            except for NAT64, where the embedded address decides.
    """
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC)
    # A scoped address is link-local by definition.
    if address.scope_id is not None:
        return False
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    if int(address) >> 32 & 0xFFFF_FFFF in _ISATAP:
        return False
    return address in _PUBLIC_6 and not any(address in network for network in _NOT_PUBLIC_6)


def is_loopback(address: IPAddress) -> bool:
    """Return whether an address is a loopback address, which only this machine can reach."""
    return address.is_loopback


def _is_canonical(path: str) -> bool:
    """Return whether a path has one reading only: not the root, no dot segments, no encoded separators or controls."""
    segments = [unquote(segment) for segment in path.split("/")]
    return path != "/" and not any(
        segment in {".", ".."} or _SEPARATOR_OR_CONTROL.search(segment) for segment in segments
    )

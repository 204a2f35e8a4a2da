"""Which addresses this server may ask when somebody else names them: public ones, and nothing behind a firewall.

Whoever can make a server fetch an address can make it knock on doors that only the server reaches. So the name must be
written in one plain form, and what it resolves to must be public, whatever way the number is dressed up.
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
"""What networks without IPv4 make of an IPv4 address (RFC 6052)."""
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})
"""How the lower half of an address begins that holds an IPv4 address (RFC 5214, section 6.1)."""

_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)+(?=[a-z]){_LABEL}")
"""A name with a dot whose end is no number: numbers in any base, short or long, are IPv4 addresses to a resolver."""
_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[::1\]|[a-z0-9.-]+)(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<path>(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)+)"
    r"(?:\?(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?"
)
_HIDING = re.compile(r"[/\\\x00-\x1f\x7f]")
_PORTS = range(1024, 65536)
"""Ports that may be named; those below belong to services that speak something else."""
_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True)
class PublicTarget:
    """Where a client id leads to."""

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
        """The name that is looked up and that the certificate must hold."""
        return self.host.strip("[]")

    @property
    def authority(self) -> str:
        """The host as a request names it."""
        return self.host if self.port == _DEFAULT_PORTS[self.scheme] else f"{self.host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{self.scheme}://{self.authority}"


def public_target(client_id: str, *, allow_loopback: bool = False) -> PublicTarget | None:
    """Return where a client id leads to, or None when it is none (draft-ietf-oauth-client-id-metadata-document, 3).

    The id must be written in the plainest form that there is, because it is compared letter by letter.

    Args:
        client_id: What a request names.
        allow_loopback: Whether this machine's own addresses are places too, and then over http as well.
    """
    found = _URL.fullmatch(client_id) if len(client_id) <= MAX_CLIENT_ID_LENGTH else None
    if found is None or not _is_plain(found["path"]):
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
    """Say whether an address is a public unicast one, by the registries of IANA for special purposes (RFC 6890).

    Args:
        address: What a name resolved to. IPv6 addresses that hold an IPv4 one are refused, but for those of NAT64,
            which are as public as what they hold.
    """
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC)
    if address.scope_id is not None:
        return False
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    if int(address) >> 32 & 0xFFFF_FFFF in _ISATAP:
        return False
    return address in _PUBLIC_6 and not any(address in network for network in _NOT_PUBLIC_6)


def is_loopback(address: IPAddress) -> bool:
    """Say whether an address is this machine's own, which nobody else can reach."""
    return address.is_loopback


def _is_plain(path: str) -> bool:
    """Say whether everybody reads a path alike: not the root, no dot segments, nothing that hides in an escape."""
    segments = [unquote(segment) for segment in path.split("/")]
    return path != "/" and not any(segment in {".", ".."} or _HIDING.search(segment) for segment in segments)

"""Who sent a request, as far as its address tells: the network of the peer, and whether it is a known host's.

A hosted chat calls for all of its users from a few addresses, so a limit for each address must be larger for it.
"""

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

KNOWN_HOST = "intarsia.known_host"
"""The key in the ASGI scope of a request that came from the address of a known host."""

_PREFIX_OF_IPV6 = 64
"""One customer gets at least this network, and can use each address in it."""


def network_of(scope: Mapping[str, Any]) -> str:
    """Return the network that a request came from: its IPv4 address, or the /64 network of its IPv6 address.

    Args:
        scope: The ASGI scope of the request, with the client's address behind trusted proxies.

    Returns:
        The network as text; the same text for all requests without a usable address.
    """
    written = scope["client"][0] if scope.get("client") else ""
    try:
        address = ip_address(written.partition("%")[0])
    except ValueError:
        return ""
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((address, _PREFIX_OF_IPV6), strict=False))


def is_known_host(scope: Mapping[str, Any]) -> bool:
    """Return whether a request came from a known host, or from this machine.

    An unknown address of this machine is a developer's, or that of a proxy that does not say for whom it calls.

    Args:
        scope: The ASGI scope of the request.
    """
    if scope.get(KNOWN_HOST):
        return True
    try:
        return ip_address(network_of(scope).partition("/")[0]).is_loopback
    except ValueError:
        return False

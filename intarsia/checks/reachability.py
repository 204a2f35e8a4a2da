"""Whether hosts can reach the address: its DNS name, its port, and the network it is in."""

import asyncio
import ipaddress
from urllib.parse import urlsplit

from intarsia.checks.findings import Finding, ok, problem, skipped, warning
from intarsia.checks.http_client import MAX_SECONDS

ADDRESS, NETWORK = "address", "network"

PUBLISHED_RANGES = (
    "If a firewall protects it, allow the addresses that Claude and ChatGPT publish, for Claude at "
    "https://platform.claude.com/docs/en/api/ip-addresses."
)

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def check_port(url: str) -> Finding:
    """Check the port: many company firewalls allow only 443."""
    port = urlsplit(url).port
    if port in (None, 443):
        return ok(ADDRESS, f"{url} uses the standard port.")
    fix = "Serve the connector on port 443. Some hosts and many company firewalls block other ports."
    return warning(ADDRESS, f"{url} uses port {port}.", fix)


async def look_up(host: str, port: int) -> list[IpAddress]:
    """Return the IP addresses of a host name; empty if it has none, or if the resolver does not respond in time."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(MAX_SECONDS):
            found = await loop.getaddrinfo(host, port)
    except (OSError, UnicodeError, TimeoutError):
        return []
    # A link-local address may contain a network interface, such as fe80::1%eth0.
    return [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in dict.fromkeys(found)]


def check_network(host: str, addresses: list[IpAddress]) -> Finding:
    """Check whether the addresses of a host name are public."""
    if not addresses:
        return problem(NETWORK, f"The host name {host} does not exist.", "Add a DNS record, or fix the spelling.")
    private = [address for address in addresses if not address.is_global]
    if len(private) == len(addresses):
        found = f"{host} resolves to {private[0]}, which is reachable only inside its own network."
        fix = (
            "Claude and ChatGPT connect from the internet: use a public address, a tunnel or a proxy. Hosts inside the "
            "network, such as VS Code, need no change."
        )
        return warning(NETWORK, found, fix)
    if private:
        fix = "Remove the private address from the public DNS. Hosts that try it first run into a timeout."
        return warning(NETWORK, f"{host} also resolves to the private address {private[0]}.", fix)
    if all(address.version == 6 for address in addresses):
        fix = "Add an IPv4 address (an A record). Hosts without IPv6 cannot connect."
        return warning(NETWORK, f"{host} has only IPv6 addresses.", fix)
    return ok(NETWORK, f"{host} resolves to the public address {addresses[0]}. {PUBLISHED_RANGES}")


def not_checked(why: str) -> Finding:
    """Return that the remaining checks were skipped."""
    return skipped("other checks", f"Skipped, because {why}.")

"""Whether the chat products can get to the address at all: its name, its port, the network behind it."""

import asyncio
import ipaddress
from urllib.parse import urlsplit

from intarsia.checks.findings import Finding, ok, problem, skipped, warning
from intarsia.checks.http_client import SECONDS

ADDRESS, NETWORK = "address", "network"

RANGES = (
    "Claude and ChatGPT call from their own data centers; let in the addresses that they publish, as Claude does at "
    "https://platform.claude.com/docs/en/api/ip-addresses"
)

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


def check_port(address: str) -> Finding:
    """Look at the port, which firewalls of companies care about."""
    port = urlsplit(address).port
    if port in (None, 443):
        return ok(ADDRESS, f"{address} is in its plain form, on port 443.")
    fix = "Serve it on port 443; some hosts and many companies' firewalls let nothing else out."
    return warning(ADDRESS, f"{address} is on port {port}.", fix)


async def look_up(host: str, port: int) -> list[Ip]:
    """Return the addresses behind a name; none when there is no such name, or nobody knows it in time."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(SECONDS):
            found = await loop.getaddrinfo(host, port)
    except (OSError, UnicodeError, TimeoutError):
        return []
    # An address of a link may name its interface, such as fe80::1%eth0.
    return [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in dict.fromkeys(found)]


def check_network(host: str, addresses: list[Ip]) -> Finding:
    """Look at where a name leads."""
    if not addresses:
        return problem(NETWORK, f"Nobody knows the name {host}.", "Add a DNS record for it, or mend its spelling.")
    private = [address for address in addresses if not address.is_global]
    if len(private) == len(addresses):
        found = f"{host} is {private[0]}, which can be reached inside its own network only."
        fix = (
            "Claude and ChatGPT call from the internet: give it a public address, or put a tunnel or a proxy in front. "
            "For a host inside the network, such as VS Code, it is enough."
        )
        return warning(NETWORK, found, fix)
    if private:
        fix = "Remove the private address from the public DNS; hosts that try it wait in vain."
        return warning(NETWORK, f"{host} is {private[0]} too, which is private.", fix)
    if all(address.version == 6 for address in addresses):
        fix = "Add an IPv4 address (an A record); a host that has no IPv6 cannot reach it."
        return warning(NETWORK, f"{host} has IPv6 addresses only.", fix)
    return ok(NETWORK, f"{host} leads to {addresses[0]}, which is public. Behind a firewall: {RANGES}.")


def nothing_more(why: str) -> Finding:
    """Return that all other checks make no sense."""
    return skipped("the rest", f"Nothing else was looked at, because {why}.")

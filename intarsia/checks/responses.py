"""How the connector responds: to both protocol versions, to GET, how fast, and what it reveals about its software."""

import re
from collections.abc import Mapping

from intarsia.checks.challenge import NO_SIGN_IN, challenge_of
from intarsia.checks.findings import Finding, ok, printable, problem, skipped, warning
from intarsia.checks.http_client import EARLIER, EVENT_STREAM, MODERN, HttpResponse, bearer, discover, initialize
from intarsia.checks.target import CheckedTarget

VERSIONS, SIGNED_IN, GET = "protocol versions", "signed in", "GET"
RESPONSE_TIME, SOFTWARE = "response time", "software versions"

SLOW_SECONDS = 2.0
"""A connector that takes longer for its first response feels broken."""

_SOFTWARE_HEADERS = ("x-powered-by", "x-aspnet-version", "x-runtime")
_GET_HEADERS = {"Accept": EVENT_STREAM, "MCP-Protocol-Version": EARLIER}


def check_versions(target: CheckedTarget) -> Finding:
    """Compare how the connector responds to both protocol versions without a token."""
    modern, earlier = target.first_responses
    if not target.requires_sign_in:
        return _compare(VERSIONS, modern, earlier)
    if modern.status != earlier.status or challenge_of(modern) != challenge_of(earlier):
        found = f"Only one protocol version is asked to sign in properly: {MODERN} gets {modern}, {EARLIER} {earlier}."
        return problem(VERSIONS, found, "Check the token before anything else, whatever the request contains.")
    return ok(VERSIONS, f"{MODERN} and {EARLIER} are asked to sign in the same way.")


async def check_signed_in(target: CheckedTarget) -> Finding:
    """Send the first request of both protocol versions with a token."""
    if not target.requires_sign_in:
        return skipped(SIGNED_IN, NO_SIGN_IN)
    if not target.token:
        fix = "Name an environment variable that holds a token: --token-env NAME. Tokens are sent only over valid TLS."
        return skipped(SIGNED_IN, "No token was sent.", fix)
    modern = await target.client.post(target.url, discover(target.token))
    earlier = await target.client.post(target.url, initialize(target.token))
    if 401 in (modern.status, earlier.status):
        fix = "Get a new token from the authorization server, with exactly this address as its audience."
        return problem(SIGNED_IN, "The connector does not accept the token.", fix)
    return _compare(SIGNED_IN, modern, earlier)


def _compare(check: str, modern: HttpResponse, earlier: HttpResponse) -> Finding:
    versions: object = modern.result.get("supportedVersions")
    if not isinstance(versions, list) or MODERN not in versions:
        fix = "Use mcp 2.3 or later. Check that the proxy keeps the headers MCP-Protocol-Version and Mcp-Method."
        return problem(check, f"Protocol version {MODERN} does not work: server/discover returns {modern}.", fix)
    if not earlier.result.get("protocolVersion"):
        fix = "Serve the earlier protocol versions too. ChatGPT and many other hosts use them."
        return problem(check, f"Protocol version {EARLIER} does not work: initialize returns {earlier}.", fix)
    return ok(check, f"{MODERN} and {EARLIER} both work.")


async def check_get(target: CheckedTarget) -> Finding:
    """Request an event stream, which a stateless server does not have."""
    headers: Mapping[str, str] = {**_GET_HEADERS, **bearer(target.token)}
    response = await target.client.get(target.url, headers)
    if response.status == 405:
        return ok(GET, "GET is refused with status 405, because the server has no event stream.")
    if response.status == 401 and not target.token:
        return ok(GET, "GET requires sign-in, too.")
    if response.status == 200 and response.is_event_stream:
        fix = "Respond with status 405. An idle stream holds one connection for each user, and proxies close it."
        return warning(GET, "GET opens an event stream.", fix)
    fix = "Respond with status 405, and let the proxy forward GET. Some hosts take other responses for a broken server."
    return problem(GET, f"GET gets an unexpected response: {response}.", fix)


def check_response_time(target: CheckedTarget) -> Finding:
    """Check the faster one of the first responses: the other one may have started the server."""
    seconds = min(response.seconds for response in target.first_responses)
    if seconds > SLOW_SECONDS:
        fix = "Keep one instance running, close to its database. Users wait for every call."
        return warning(RESPONSE_TIME, f"The first response took {seconds:.1f} s.", fix)
    return ok(RESPONSE_TIME, f"The first response took {seconds * 1000:.0f} ms.")


def check_software_versions(target: CheckedTarget) -> Finding:
    """Check that the response headers do not reveal which software runs in which version."""
    headers = target.modern.headers
    revealed = [f"{name}: {headers[name]}" for name in _SOFTWARE_HEADERS if name in headers]
    if re.search(r"\d", headers.get("server", "")):
        revealed.append(f"server: {headers['server']}")
    if revealed:
        fix = "Remove these headers, as with `server_tokens off` in nginx. Attackers use them to find known flaws."
        return warning(SOFTWARE, f"The response headers reveal the software: {printable('; '.join(revealed))}.", fix)
    return ok(SOFTWARE, "The response headers reveal no software versions.")

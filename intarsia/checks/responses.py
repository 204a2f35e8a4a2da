"""How the connector answers: in both eras of the protocol, to GET, how fast, and what it tells of itself."""

import re
from collections.abc import Mapping

from intarsia.checks.challenge import challenge_of
from intarsia.checks.findings import Finding, ok, problem, shown, skipped, warning
from intarsia.checks.http_client import EARLIER, MODERN, HttpResponse, bearer, discover, initialize
from intarsia.checks.target import CheckedTarget

ERAS, BEHIND, GET, SPEED, LEAK = "both eras", "behind sign-in", "GET", "speed", "self-description"

SLOW_SECONDS = 2.0
"""A connector that takes longer to say hello feels broken."""

_TELLING = ("x-powered-by", "x-aspnet-version", "x-runtime")
_SSE = {"Accept": "text/event-stream", "MCP-Protocol-Version": EARLIER}


def check_eras(visit: CheckedTarget) -> Finding:
    """Compare how both eras are opened by somebody without a token."""
    modern, earlier = visit.openings
    if not visit.signs_in:
        return _answers(ERAS, modern, earlier)
    if modern.status != earlier.status or challenge_of(modern) != challenge_of(earlier):
        found = f"{MODERN} gets {modern}, and {EARLIER} gets {earlier}; both should be asked to sign in the same way."
        return problem(ERAS, found, "Ask for the token in front of everything, whatever the message is.")
    return ok(ERAS, f"{MODERN} and {EARLIER} are asked to sign in the same way.")


async def check_behind_sign_in(visit: CheckedTarget) -> Finding:
    """Open both eras with a token."""
    if not visit.signs_in:
        return skipped(BEHIND, "Nobody has to sign in.")
    if not visit.token:
        return skipped(
            BEHIND,
            "No token was sent.",
            "Name a variable that holds one, --token-env NAME; it is sent by valid TLS only.",
        )
    modern = await visit.asker.post(visit.address, discover(visit.token))
    earlier = await visit.asker.post(visit.address, initialize(visit.token))
    if 401 in (modern.status, earlier.status):
        fix = "Take a fresh token of the authorization server, for exactly this address as its audience."
        return problem(BEHIND, "The token is not taken.", fix)
    return _answers(BEHIND, modern, earlier)


def _answers(check: str, modern: HttpResponse, earlier: HttpResponse) -> Finding:
    versions: object = modern.result.get("supportedVersions")
    if not isinstance(versions, list) or MODERN not in versions:
        fix = "Use mcp 2.3 or later, and let the proxy keep the headers MCP-Protocol-Version and Mcp-Method."
        return problem(check, f"{MODERN} is not answered (server/discover): {modern}.", fix)
    if not earlier.result.get("protocolVersion"):
        fix = "Serve the earlier era too; ChatGPT's and many other hosts speak it."
        return problem(check, f"{EARLIER} is not answered (initialize): {earlier}.", fix)
    return ok(check, f"{MODERN} and {EARLIER} are both answered.")


async def check_get(visit: CheckedTarget) -> Finding:
    """Ask for the stream that this kind of server does not have."""
    headers: Mapping[str, str] = {**_SSE, **bearer(visit.token)}
    answer = await visit.asker.get(visit.address, headers)
    if answer.status == 405:
        return ok(GET, "GET is answered with 405: there is no stream to wait for.")
    if answer.status == 401 and not visit.token:
        return ok(GET, "GET is asked to sign in, too.")
    if answer.status == 200 and answer.is_event_stream:
        fix = "Answer 405: an idle stream keeps a connection open for each person, and proxies cut it."
        return warning(GET, "GET opens a stream.", fix)
    fix = "Answer 405, and let the proxy pass GET on; some hosts take another answer for a broken server."
    return problem(GET, f"GET is answered with {answer}.", fix)


def check_speed(visit: CheckedTarget) -> Finding:
    """Look at how long the first answers took; the faster one counts, because the other may have woken the server."""
    seconds = min(answer.seconds for answer in visit.openings)
    if seconds > SLOW_SECONDS:
        fix = "Keep one instance running, and near to its database; people wait for each call."
        return warning(SPEED, f"It took {seconds:.1f} s to answer.", fix)
    return ok(SPEED, f"It answered in {seconds * 1000:.0f} ms.")


def check_leak(visit: CheckedTarget) -> Finding:
    """Look for what an attacker would like to know: which software, in which version."""
    headers = visit.modern.headers
    told = [f"{name}: {headers[name]}" for name in _TELLING if name in headers]
    if re.search(r"\d", headers.get("server", "")):
        told.append(f"server: {headers['server']}")
    if told:
        fix = "Switch it off, as with `server_tokens off` in nginx; it tells attackers which holes to try."
        return warning(LEAK, f"The answers tell which software is in use: {shown('; '.join(told))}.", fix)
    return ok(LEAK, "The answers do not tell the version of any software.")

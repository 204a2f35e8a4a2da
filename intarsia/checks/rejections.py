"""What the connector turns away: other host names, foreign web pages, bodies that are too large, and detours."""

from urllib.parse import urlsplit

from intarsia.checks.findings import Finding, ok, problem, shown, skipped, warning
from intarsia.checks.http_client import HttpResponse, discover
from intarsia.checks.target import CheckedTarget
from intarsia.server.http.request_limits import MAX_BYTES

HOST, ORIGIN, BODY, SLASH, PLAIN = "host name", "origin", "body limit", "trailing slash", "plain HTTP"

STRANGER = "intarsia-check.invalid"
"""A name that nobody can own (RFC 6761)."""

_IN_FRONT = (
    "cf-ray", "x-amz-cf-id", "x-azure-ref", "x-served-by", "x-vercel-id", "fly-request-id", "x-akamai-request-id",
    "x-cache", "via",
)  # fmt: skip
"""Headers of proxies and networks that answer in front of many sites, and choose by name."""

_LOOK_BEHIND = "Name a variable that holds a token, to see it: --token-env NAME."


async def check_host(visit: CheckedTarget) -> Finding:
    """Ask under a name that is not the connector's, and without a token: a proxy may pass it on to somebody else."""
    answer = await visit.asker.post(visit.address, discover().with_headers(Host=STRANGER))
    marks = [name for name in _IN_FRONT if name in answer.headers]
    if answer.status in (200, 401) and marks:
        return skipped(HOST, f"A proxy in front answers for every name ({marks[0]}); behind it nothing can be seen.")
    if answer.status == 401:
        fix = "Let the server refuse other names first of all, as `intarsia serve` and `connector.app(hosts=...)` do."
        return warning(HOST, f"Another host name, such as {STRANGER}, is asked to sign in, and not turned away.", fix)
    if answer.result:
        fix = "Name the allowed hosts, as in `connector.app(hosts=...)`: else a web page can reach it by DNS rebinding."
        return problem(HOST, f"It answers to any host name, such as {STRANGER}.", fix)
    return ok(HOST, f"Another host name is turned away ({answer}).")


async def check_origin(visit: CheckedTarget) -> Finding:
    """Ask as a script of a foreign web page does."""
    message = discover(visit.token).with_headers(Origin=f"https://{STRANGER}")
    answer = await visit.asker.post(visit.address, message)
    if answer.status == 401:
        return skipped(
            ORIGIN, "A foreign web page is asked to sign in; more cannot be seen without a token.", _LOOK_BEHIND
        )
    if answer.result:
        fix = "Refuse unknown origins with 403, as MCP demands; `connector.app(origins=...)` names those that may call."
        return problem(ORIGIN, f"A script of any web page may call, such as one of https://{STRANGER}.", fix)
    return ok(ORIGIN, f"A foreign web page is turned away ({answer}).")


async def check_body(visit: CheckedTarget) -> Finding:
    """Send a body that is larger than any honest one."""
    answer = await visit.asker.post(visit.address, discover(visit.token, padding=MAX_BYTES))
    size = f"A body of more than {MAX_BYTES // 1024} KB"
    if answer.status == 413:
        return ok(BODY, f"{size} is turned away (status 413).")
    if answer.status == 401:
        return skipped(BODY, f"{size} is asked to sign in; more cannot be seen without a token.", _LOOK_BEHIND)
    if answer.status:
        fix = "Limit it in the server or in the proxy (`client_max_body_size 256k` in nginx), with status 413."
        return problem(BODY, f"{size} is answered with {answer}.", fix)
    fix = "Let the proxy answer 413 before it closes, so that the sender can tell why."
    return warning(BODY, f"{size} gets {answer.trouble}.", fix)


async def check_slash(visit: CheckedTarget) -> Finding:
    """Ask at the address with a slash more, or one less: people will enter it."""
    address = visit.address
    other = address.removesuffix("/") if address.endswith("/") else f"{address}/"
    if urlsplit(address).path in ("", "/"):
        return ok(SLASH, "The address has no path that somebody could write in two ways.")
    answer = await visit.asker.post(other, discover())
    if answer.is_redirect and _is_downgrade(answer):
        fix = (
            "Tell the server that it is reached by HTTPS: the proxy sends X-Forwarded-Proto, and the server trusts it."
        )
        return warning(SLASH, f"{other} leads to an address without TLS.", fix)
    return ok(SLASH, f"{other} gets {answer}; people should enter {address}.")


def _is_downgrade(answer: HttpResponse) -> bool:
    return answer.headers.get("location", "").lower().startswith("http://")


async def check_plain(visit: CheckedTarget) -> Finding:
    """Ask for the front page without TLS, where browsers begin."""
    parts = urlsplit(visit.address)
    if parts.scheme != "https" or parts.port not in (None, 443):
        return skipped(PLAIN, "Only an address on port 443 has a twin on port 80.")
    return judge_plain(await visit.asker.get(f"http://{parts.hostname}/"))


def judge_plain(answer: HttpResponse) -> Finding:
    """Judge the answer of the front page on port 80."""
    if not answer.status:
        return ok(PLAIN, "Port 80 is closed.")
    location = answer.headers.get("location", "")
    if answer.is_redirect and location.lower().startswith("https://"):
        return ok(PLAIN, "Port 80 leads to HTTPS.")
    said = f"leads to {shown(location)}" if answer.is_redirect else f"answers with {answer}"
    return warning(
        PLAIN, f"Port 80 {said}.", "Let it lead to HTTPS, or close it: what is sent there can be read by anybody."
    )

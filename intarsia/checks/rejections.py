"""What the connector must refuse: other host names, other websites, bodies that are too large, and plain HTTP."""

from urllib.parse import urlsplit

from intarsia.checks.findings import Finding, ok, printable, problem, skipped, warning
from intarsia.checks.http_client import HttpResponse, discover
from intarsia.checks.target import CheckedTarget
from intarsia.server.http.request_limits import MAX_BYTES

HOST, ORIGIN, BODY, SLASH, PLAIN = "host name", "origin", "body limit", "trailing slash", "plain HTTP"

OTHER_HOST = "intarsia-check.invalid"
"""A host name that cannot exist (RFC 6761)."""

_PROXY_HEADERS = (
    "cf-ray", "x-amz-cf-id", "x-azure-ref", "x-served-by", "x-vercel-id", "fly-request-id", "x-akamai-request-id",
    "x-cache", "via",
)  # fmt: skip
"""Headers of proxies that serve many sites and choose one by its host name."""

_USE_TOKEN = "Name an environment variable that holds an access token: --token-env NAME."  # noqa: S105 - a hint


async def check_host_name(target: CheckedTarget) -> Finding:
    """Send another host name. Without a token, because a proxy may forward the request to another site."""
    response = await target.client.post(target.url, discover().with_headers(Host=OTHER_HOST))
    proxy = [name for name in _PROXY_HEADERS if name in response.headers]
    if response.status in (200, 401) and proxy:
        found = f"A proxy responds to every host name ({proxy[0]}). The server behind it cannot be checked."
        return skipped(HOST, found)
    if response.status == 401:
        fix = "Refuse other host names before asking for a token, as `connector.app(hosts=...)` does."
        found = f"Requests for another host name, such as {OTHER_HOST}, are asked to sign in instead of refused."
        return warning(HOST, found, fix)
    if response.result:
        fix = "Set the allowed hosts, as in `connector.app(hosts=...)`. Otherwise DNS rebinding lets websites call it."
        return problem(HOST, f"The connector responds to any host name, such as {OTHER_HOST}.", fix)
    return ok(HOST, f"Requests for another host name are refused ({response}).")


async def check_origin(target: CheckedTarget) -> Finding:
    """Send a request as a script on another website does."""
    message = discover(target.token).with_headers(Origin=f"https://{OTHER_HOST}")
    response = await target.client.post(target.url, message)
    if response.status == 401:
        found = "Requests from another website are asked to sign in. The rest of this check needs a token."
        return skipped(ORIGIN, found, _USE_TOKEN)
    if response.result:
        fix = "Refuse unknown origins with 403, as MCP requires. `connector.app(origins=...)` sets the allowed ones."
        return problem(ORIGIN, f"Scripts on any website, such as https://{OTHER_HOST}, can call the connector.", fix)
    return ok(ORIGIN, f"Requests from another website are refused ({response}).")


async def check_body_limit(target: CheckedTarget) -> Finding:
    """Send a body that is larger than any that a host sends."""
    response = await target.client.post(target.url, discover(target.token, padding=MAX_BYTES))
    size = f"A body of more than {MAX_BYTES // 1024} KB"
    if response.status == 413:
        return ok(BODY, f"{size} is refused (status 413).")
    if response.status == 401:
        found = f"{size} is asked to sign in. The rest of this check needs a token."
        return skipped(BODY, found, _USE_TOKEN)
    if response.status:
        fix = "Refuse it with status 413 in the server or in the proxy (`client_max_body_size 256k` in nginx)."
        return problem(BODY, f"{size} is not refused with status 413 ({response}).", fix)
    fix = "Let the proxy respond with status 413 before it closes the connection, so that the sender learns the reason."
    return warning(BODY, f"{size} gets no response: {response.error}.", fix)


async def check_trailing_slash(target: CheckedTarget) -> Finding:
    """Request the address with one slash more or one less: some users enter it like that."""
    url = target.url
    other = url.removesuffix("/") if url.endswith("/") else f"{url}/"
    if urlsplit(url).path in ("", "/"):
        return ok(SLASH, "The address has no path, so a final slash makes no difference.")
    response = await target.client.post(other, discover())
    if response.is_redirect and _redirects_to_http(response):
        fix = "Let the proxy send X-Forwarded-Proto, and let the server trust the proxy, so that it knows about HTTPS."
        return warning(SLASH, f"{other} redirects to an address without TLS.", fix)
    return ok(SLASH, f"{other} is another address ({response}); users must enter {url}.")


def _redirects_to_http(response: HttpResponse) -> bool:
    return response.headers.get("location", "").lower().startswith("http://")


async def check_plain_http(target: CheckedTarget) -> Finding:
    """Request the front page without TLS, as browsers may do."""
    parts = urlsplit(target.url)
    if parts.scheme != "https" or parts.port not in (None, 443):
        return skipped(PLAIN, "This check applies only to addresses on port 443.")
    return judge_plain_http(await target.client.get(f"http://{parts.hostname}/"))


def judge_plain_http(response: HttpResponse) -> Finding:
    """Judge the response of the front page on port 80."""
    if not response.status:
        return ok(PLAIN, "Port 80 is closed.")
    location = response.headers.get("location", "")
    if response.is_redirect and location.lower().startswith("https://"):
        return ok(PLAIN, "Port 80 redirects to HTTPS.")
    what = f"redirects to {printable(location)}" if response.is_redirect else f"responds without TLS ({response})"
    fix = "Redirect it to HTTPS or close it. Anyone on the network can read what is sent there."
    return warning(PLAIN, f"Port 80 {what}.", fix)

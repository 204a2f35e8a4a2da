"""What the checks share: the connector's address, the HTTP client, and the responses to the first two requests."""

from dataclasses import dataclass, field

from intarsia.checks.findings import Finding, ok, problem, warning
from intarsia.checks.http_client import HttpClient, HttpResponse, discover, initialize

CONNECTOR = "connector"
REDIRECT = "redirect"

_FIXES = {
    403: "Let the hosts through the firewall, the list of allowed addresses or the check of origins in front of it.",
    404: "Check the path and the proxy. A connector is served at /mcp.",
    405: "Check the path: something else is served there. A connector is served at /mcp.",
    421: "Allow this host name on the server, as in `intarsia serve --allow-host NAME`.",
    429: "Wait a minute and try again. Do not apply the limit for one person to the addresses of hosts.",
}
_FIX = "Look at the logs of the server and of the proxy in front of it."


@dataclass(frozen=True)
class CheckedTarget:
    """The connector that is checked.

    Args:
        url: Its address, as users enter it into hosts.
        client: Sends the requests.
        modern: The response to the first request of protocol version 2026-07-28, without a token.
        earlier: The response to the first request of the earlier versions, without a token.
        token: The access token for the checks that need one.
    """

    url: str
    client: HttpClient
    modern: HttpResponse
    earlier: HttpResponse
    token: str | None = field(default=None, repr=False)

    @property
    def first_responses(self) -> tuple[HttpResponse, HttpResponse]:
        """The responses to both first requests."""
        return self.modern, self.earlier

    @property
    def requires_sign_in(self) -> bool:
        """Whether the connector requires a token."""
        return any(response.status == 401 for response in self.first_responses)

    @property
    def is_open(self) -> bool:
        """Whether the connector responds without a token."""
        return any(response.result for response in self.first_responses)


async def open_target(url: str, client: HttpClient, token: str | None) -> CheckedTarget:
    """Send the first request of both protocol versions, without a token."""
    modern = await client.post(url, discover())
    earlier = await client.post(url, initialize())
    return CheckedTarget(url, client, modern, earlier, token)


def check_connector(target: CheckedTarget) -> Finding:
    """Check that a connector responds at the address."""
    response = target.modern
    if response.is_redirect:
        fix = "Use the address that it redirects to, or serve the connector here. Hosts send no token to a redirect."
        return problem(REDIRECT, f"{target.url} redirects elsewhere (status {response.status}).", fix)
    if target.requires_sign_in:
        return ok(CONNECTOR, "The connector responds and requires sign-in.")
    if target.is_open:
        fix = "Require sign-in (docs/how-to/require-sign-in.md), unless everything it offers is meant for the public."
        return warning(CONNECTOR, "The connector responds to everyone who knows its address.", fix)
    if not response.status:
        return problem(CONNECTOR, f"The address cannot be used: {response.error}.", _FIX)
    found = f"No MCP server responds at {target.url} ({response})."
    return problem(CONNECTOR, found, _FIXES.get(response.status, _FIX))

"""What the checks share: the address, how to ask, and how the connector answered its first two messages."""

from dataclasses import dataclass, field

from intarsia.checks.findings import Finding, ok, problem, warning
from intarsia.checks.http_client import HttpClient, HttpResponse, discover, initialize

CONNECTOR = "connector"
REDIRECT = "redirect"

_HINTS = {
    403: "A firewall, a list of allowed addresses or a check of origins stands in front; let the hosts through.",
    404: "The path is wrong, or the proxy does not pass it on; a connector is served at /mcp.",
    405: "Something else is at this path; a connector is served at /mcp.",
    421: "The server does not know itself by this name: allow it, as in `intarsia serve --allow-host NAME`.",
    429: "Too many requests were counted; wait a minute, and do not count the hosts' addresses as one person.",
}
_HINT = "Look into the server's log; something in front of it, or in it, fails."


@dataclass(frozen=True)
class CheckedTarget:
    """One look at a connector.

    Args:
        address: Its address, as people enter it into hosts.
        asker: Asks it.
        token: What to show where sign-in is asked for.
        modern: Its answer to the opening of the era of 2026-07-28, without a token.
        earlier: Its answer to the opening of the earlier era, without a token.
    """

    address: str
    asker: HttpClient
    modern: HttpResponse
    earlier: HttpResponse
    token: str | None = field(default=None, repr=False)

    @property
    def openings(self) -> tuple[HttpResponse, HttpResponse]:
        """Both first answers."""
        return self.modern, self.earlier

    @property
    def signs_in(self) -> bool:
        """Whether a token is asked for."""
        return any(answer.status == 401 for answer in self.openings)

    @property
    def is_open(self) -> bool:
        """Whether somebody without a token got an answer."""
        return any(answer.result for answer in self.openings)


async def begin(address: str, asker: HttpClient, token: str | None) -> CheckedTarget:
    """Send the first two messages, as somebody who has no token yet."""
    modern = await asker.post(address, discover())
    earlier = await asker.post(address, initialize())
    return CheckedTarget(address, asker, modern, earlier, token)


def check_connector(visit: CheckedTarget) -> Finding:
    """Say what answered at the address, if a connector did."""
    answer = visit.modern
    if answer.is_redirect:
        fix = "Give people the address it leads to, or serve the connector here: hosts send no token elsewhere."
        return problem(REDIRECT, f"{visit.address} answers with status {answer.status} and leads elsewhere.", fix)
    if visit.signs_in:
        return ok(CONNECTOR, "It answers, and asks people to sign in.")
    if visit.is_open:
        fix = "Require sign-in (docs/how-to/require-sign-in.md), unless everybody may do everything that it offers."
        return warning(CONNECTOR, "It answers everybody who knows its address.", fix)
    if not answer.status:
        return problem(CONNECTOR, f"There is {answer.trouble}.", _HINT)
    found = f"No MCP server answers at {visit.address}, but {answer}."
    return problem(CONNECTOR, found, _HINTS.get(answer.status, _HINT))

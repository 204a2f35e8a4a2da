"""How a host finds the sign-in: the challenge (RFC 6750, RFC 9728) and the metadata it links to."""

import re
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from intarsia.checks.findings import Finding, ok, printable, problem, skipped, warning
from intarsia.checks.http_client import HttpResponse, origin_of
from intarsia.checks.target import CheckedTarget
from intarsia.server.auth.resource_server.middleware import WELL_KNOWN

CHALLENGE, METADATA = "challenge", "metadata"

NO_SIGN_IN = "The connector does not require sign-in."

_PARAMETER = re.compile(r'([a-z_]+)=(?:"([^"]*)"|([^\s,"]+))')


def challenge_of(response: HttpResponse) -> Mapping[str, str]:
    """Return the parameters of a Bearer challenge; empty if there is none."""
    scheme, _, rest = response.headers.get("www-authenticate", "").partition(" ")
    if scheme.lower() != "bearer":
        return {}
    return {name: quoted or bare for name, quoted, bare in _PARAMETER.findall(rest)}


def metadata_url(url: str) -> str:
    """Return where a connector's metadata belong: its path follows the well-known one (RFC 9728, section 3.1)."""
    path = urlsplit(url).path
    return f"{origin_of(url)}{WELL_KNOWN}{'' if path == '/' else path}"


def check_challenge(target: CheckedTarget) -> Finding:
    """Check that a request without a token learns where to get one."""
    if not target.requires_sign_in:
        return skipped(CHALLENGE, NO_SIGN_IN)
    challenge = challenge_of(next(response for response in target.first_responses if response.status == 401))
    if not challenge.get("resource_metadata"):
        fix = (
            'Respond with 401 and WWW-Authenticate: Bearer resource_metadata="...", scope="...". Check that the proxy '
            "does not remove the header."
        )
        return problem(CHALLENGE, "Requests without a token are not told where to get one.", fix)
    expected = metadata_url(target.url)
    if challenge["resource_metadata"] != expected:
        found = f"The challenge links to {printable(challenge['resource_metadata'])} instead of {expected}."
        return problem(CHALLENGE, found, "Give the server its public address, as in `intarsia serve --resource URL`.")
    if not challenge.get("scope"):
        fix = "Add the scopes to the challenge. Without them, hosts ask users for every permission or for none."
        return warning(CHALLENGE, "The challenge links to the metadata but lists no scopes.", fix)
    found = f"The challenge links to the metadata and asks for the scopes {printable(challenge['scope'])}."
    return ok(CHALLENGE, found)


async def read_metadata(target: CheckedTarget) -> tuple[Finding, list[str]]:
    """Read the connector's own metadata (RFC 9728).

    Returns:
        The finding, and the authorization servers that the metadata list.
    """
    if not target.requires_sign_in:
        return skipped(METADATA, NO_SIGN_IN), []
    place = metadata_url(target.url)
    response = await target.client.get(place)
    if response.status != 200 or not response.value:
        fix = "Serve the metadata there without sign-in. A proxy must forward /.well-known/ to the connector."
        return problem(METADATA, f"{place} returns no metadata ({response}).", fix), []
    issuers = strings_in(response.value, "authorization_servers")
    if response.value.get("resource") != target.url:
        found = f"The metadata describe {printable(response.value.get('resource'))} instead of {target.url}."
        fix = "Set the resource to the address that users enter into hosts. Both must match exactly."
        return problem(METADATA, found, fix), issuers
    if not issuers:
        fix = "List at least one in authorization_servers, as `intarsia serve --issuer URL` does."
        return problem(METADATA, "The metadata list no authorization server.", fix), []
    return ok(METADATA, f"The metadata list {len(issuers)} authorization server{'s' * (len(issuers) > 1)}."), issuers


def strings_in(fields: Mapping[str, Any], name: str) -> list[str]:
    """Return the strings of a list in metadata; empty if the field is no list."""
    found: object = fields.get(name)
    items = cast("list[object]", found) if isinstance(found, list) else []
    return [item for item in items if isinstance(item, str)]

"""The way to sign-in: the challenge (RFC 6750, RFC 9728) and where it leads."""

import re
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from intarsia.checks.findings import Finding, ok, problem, shown, skipped, warning
from intarsia.checks.http_client import HttpResponse, origin_of
from intarsia.checks.target import CheckedTarget
from intarsia.server.auth.resource_server.middleware import WELL_KNOWN

CHALLENGE, METADATA = "challenge", "metadata"

_PARAMETER = re.compile(r'([a-z_]+)=(?:"([^"]*)"|([^\s,"]+))')


def challenge_of(answer: HttpResponse) -> Mapping[str, str]:
    """Return the parameters of a Bearer challenge; empty when there is none."""
    scheme, _, rest = answer.headers.get("www-authenticate", "").partition(" ")
    return (
        {name: quoted or bare for name, quoted, bare in _PARAMETER.findall(rest)} if scheme.lower() == "bearer" else {}
    )


def metadata_address(address: str) -> str:
    """Return where the metadata of a connector belong: its path follows the well-known one (RFC 9728, section 3.1)."""
    path = urlsplit(address).path
    return f"{origin_of(address)}{WELL_KNOWN}{'' if path == '/' else path}"


def check_challenge(visit: CheckedTarget) -> Finding:
    """Look at how somebody without a token is told where to get one."""
    if not visit.signs_in:
        return skipped(CHALLENGE, "Nobody has to sign in.")
    challenge = challenge_of(next(answer for answer in visit.openings if answer.status == 401))
    if not challenge.get("resource_metadata"):
        fix = 'Answer 401 with WWW-Authenticate: Bearer resource_metadata="...", scope="..."; does the proxy keep it?'
        return problem(CHALLENGE, "Who has no token is not told where to get one.", fix)
    expected = metadata_address(visit.address)
    if challenge["resource_metadata"] != expected:
        found = f"The challenge leads to {shown(challenge['resource_metadata'])}, and not to {expected}."
        return problem(CHALLENGE, found, "Give the server its public address, as in `intarsia serve --resource URL`.")
    if not challenge.get("scope"):
        fix = "Name the scopes in the challenge; without them a host asks for everything, or for nothing."
        return warning(CHALLENGE, "The challenge leads to the metadata, and names no scope.", fix)
    return ok(CHALLENGE, f"It leads to the metadata, and asks for {shown(challenge['scope'])}.")


async def read_metadata(visit: CheckedTarget) -> tuple[Finding, list[str]]:
    """Read what the connector says about itself (RFC 9728).

    Returns:
        The finding, and the authorization servers that are named.
    """
    if not visit.signs_in:
        return skipped(METADATA, "Nobody has to sign in."), []
    place = metadata_address(visit.address)
    answer = await visit.asker.get(place)
    if answer.status != 200 or not answer.value:
        fix = "Serve the metadata there, without sign-in; a proxy must pass /.well-known/ on."
        return problem(METADATA, f"There are no metadata at {place}, but {answer}.", fix), []
    issuers = texts(answer.value, "authorization_servers")
    if answer.value.get("resource") != visit.address:
        found = f"The metadata are about {shown(answer.value.get('resource'))}, and not about {visit.address}."
        fix = "Both must be the same, letter for letter: set the resource to the address that people enter."
        return problem(METADATA, found, fix), issuers
    if not issuers:
        fix = "Name at least one in authorization_servers, as in `intarsia serve --issuer URL`."
        return problem(METADATA, "The metadata name no authorization server.", fix), []
    return ok(METADATA, f"The metadata name {len(issuers)} authorization server{'s' * (len(issuers) > 1)}."), issuers


def texts(fields: Mapping[str, Any], name: str) -> list[str]:
    """Return the texts of a list in metadata; an empty list when it is none."""
    found: object = fields.get(name)
    several = cast("list[object]", found) if isinstance(found, list) else []
    return [one for one in several if isinstance(one, str)]

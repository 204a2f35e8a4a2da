"""The authorization servers that a connector names: whether the hosts can sign people in there (RFC 8414)."""

from collections.abc import Mapping
from typing import Any

from mcp.client.auth.utils import build_oauth_authorization_server_metadata_discovery_urls

from intarsia.checks.challenge import texts
from intarsia.checks.findings import Finding, ok, problem, shown, warning
from intarsia.checks.http_client import HttpClient
from intarsia.errors import SettingError
from intarsia.server.auth.resource_server.settings import checked_address

ISSUER, PKCE, CLIENTS, ISS = "authorization server", "PKCE", "clients", "iss"

MAX_ISSUERS = 3
"""How many are looked at; hosts use the first."""


async def check_issuer(issuer: str, asker: HttpClient) -> list[Finding]:
    """Read the metadata of an authorization server, and look for what hosts need.

    Args:
        issuer: Its identifier, as the connector names it.
        asker: Asks it.
    """
    try:
        checked_address(issuer, "The authorization server")
    except SettingError as error:
        return [problem(ISSUER, str(error), "Write the issuer exactly as its own metadata write it.")]
    if asker.origin.startswith("https:") and not issuer.startswith("https:"):
        found = (
            f"The connector is public, and {shown(issuer)}, where it sends people, is on its own machine, without TLS."
        )
        return [problem(ISSUER, found, "Name the issuer by its public HTTPS address.")]
    named, place = await _read(issuer, asker)
    if not named:
        fix = "It must be reachable from the internet and serve its metadata (RFC 8414 or OpenID Connect Discovery)."
        return [problem(ISSUER, f"{issuer} has no metadata: {place}.", fix)]
    if named.get("issuer") != issuer:
        found = f"{place} calls itself {shown(named.get('issuer'))}, and not {issuer}."
        return [problem(ISSUER, found, "Name it exactly as it does, up to the last slash.")]
    return [_endpoints(issuer, named), _pkce(named), _clients(named), _iss(named)]


async def _read(issuer: str, asker: HttpClient) -> tuple[Mapping[str, Any], str]:
    """Return the metadata and where they are, or nothing and what was answered."""
    said = ""
    for place in build_oauth_authorization_server_metadata_discovery_urls(issuer, issuer):
        answer = await asker.get(place)
        if answer.status == 200 and answer.value:
            return answer.value, place
        said = said or f"{place} gave {answer}"
    return {}, said


def _endpoints(issuer: str, named: Mapping[str, Any]) -> Finding:
    missing = [name for name in ("authorization_endpoint", "token_endpoint") if not named.get(name)]
    if missing:
        return problem(ISSUER, f"{issuer} names no {' and no '.join(missing)}.", "Complete its metadata.")
    return ok(ISSUER, f"{issuer} is reachable, and says where to sign in.")


def _pkce(named: Mapping[str, Any]) -> Finding:
    if "S256" in texts(named, "code_challenge_methods_supported"):
        return ok(PKCE, "Codes are bound to who asked for them (S256).")
    fix = "Switch it on, and let code_challenge_methods_supported say so; MCP clients refuse to go on otherwise."
    return problem(PKCE, "The authorization server does not offer PKCE with S256.", fix)


def _clients(named: Mapping[str, Any]) -> Finding:
    # RFC 8414, section 2: left out, it is client_secret_basic alone.
    takes_public = "none" in texts(named, "token_endpoint_auth_methods_supported")
    takes_documents = named.get("client_id_metadata_document_supported") is True
    if takes_documents and takes_public:
        return ok(CLIENTS, "Hosts are known by their metadata document, without a secret.")
    by_registration = bool(named.get("registration_endpoint"))
    if by_registration and takes_public:
        return ok(CLIENTS, "Hosts register themselves, without a secret.")
    if by_registration:
        fix = (
            'Let token_endpoint_auth_methods_supported hold "none", if it does: Claude and VS Code are public clients.'
        )
        return warning(CLIENTS, "Hosts register themselves, and are not told that they need no secret.", fix)
    if takes_documents:
        fix = 'Let token_endpoint_auth_methods_supported hold "none"; Claude does not use its document otherwise.'
        return warning(CLIENTS, "Hosts may be known by a metadata document, but not without a secret.", fix)
    fix = (
        "Switch on client-id metadata documents or dynamic registration, or register each host by hand and enter the "
        "client id where the connector is added (docs/connect.md)."
    )
    return warning(CLIENTS, "Hosts cannot make themselves known.", fix)


def _iss(named: Mapping[str, Any]) -> Finding:
    if named.get("authorization_response_iss_parameter_supported") is True:
        return ok(ISS, "Its answers say who gave them (RFC 9207).")
    fix = "Switch it on, so that the answer of one server cannot be passed off as another's (RFC 9207)."
    return warning(ISS, "Its answers do not say who gave them.", fix)

"""The authorization servers that a connector lists: whether hosts can sign users in there (RFC 8414)."""

from collections.abc import Mapping
from typing import Any

from mcp.client.auth.utils import build_oauth_authorization_server_metadata_discovery_urls

from intarsia.checks.challenge import strings_in
from intarsia.checks.findings import Finding, ok, printable, problem, warning
from intarsia.checks.http_client import HttpClient
from intarsia.errors import SettingError
from intarsia.server.auth.resource_server.settings import checked_address

ISSUER, PKCE, CLIENTS, ISS = "authorization server", "PKCE", "client registration", "response issuer"

MAX_ISSUERS = 3
"""How many authorization servers are checked. Hosts use the first one."""


async def check_issuer(issuer: str, client: HttpClient) -> list[Finding]:
    """Read the metadata of an authorization server, and check what hosts need.

    Args:
        issuer: The identifier of the authorization server, as the connector lists it.
        client: Sends the requests.
    """
    try:
        checked_address(issuer, "The authorization server")
    except SettingError as error:
        return [problem(ISSUER, str(error), "Use the issuer exactly as it appears in its own metadata.")]
    if client.origin.startswith("https:") and not issuer.startswith("https:"):
        found = f"The connector is public, but it sends users to {printable(issuer)}, a local address without TLS."
        return [problem(ISSUER, found, "List the authorization server under its public HTTPS address.")]
    metadata, place = await _read(issuer, client)
    if not metadata:
        fix = (
            "Make it reachable from the internet, and let it serve its metadata (RFC 8414 or OpenID Connect Discovery)."
        )
        return [problem(ISSUER, f"{issuer} has no metadata: {place}.", fix)]
    if metadata.get("issuer") != issuer:
        found = f"{place} identifies itself as {printable(metadata.get('issuer'))} instead of {issuer}."
        return [problem(ISSUER, found, "List it exactly as it identifies itself, including a final slash.")]
    return [_endpoints(issuer, metadata), _pkce(metadata), _registration(metadata), _response_issuer(metadata)]


async def _read(issuer: str, client: HttpClient) -> tuple[Mapping[str, Any], str]:
    """Return the metadata and their address, or nothing and the first response."""
    first = ""
    for place in build_oauth_authorization_server_metadata_discovery_urls(issuer, issuer):
        response = await client.get(place)
        if response.status == 200 and response.value:
            return response.value, place
        first = first or f"{response} at {place}"
    return {}, first


def _endpoints(issuer: str, metadata: Mapping[str, Any]) -> Finding:
    missing = [name for name in ("authorization_endpoint", "token_endpoint") if not metadata.get(name)]
    if missing:
        fix = "Add the missing endpoints to its metadata."
        return problem(ISSUER, f"The metadata of {issuer} have no {' and no '.join(missing)}.", fix)
    return ok(ISSUER, f"{issuer} is reachable, and its metadata list the endpoints for sign-in.")


def _pkce(metadata: Mapping[str, Any]) -> Finding:
    if "S256" in strings_in(metadata, "code_challenge_methods_supported"):
        return ok(PKCE, "Authorization codes are protected with PKCE (S256).")
    fix = "Enable PKCE, and list S256 in code_challenge_methods_supported. MCP clients refuse to sign in without it."
    return problem(PKCE, "The authorization server does not offer PKCE with S256.", fix)


def _registration(metadata: Mapping[str, Any]) -> Finding:
    # RFC 8414, section 2: without the field, only client_secret_basic is supported.
    supports_public = "none" in strings_in(metadata, "token_endpoint_auth_methods_supported")
    supports_documents = metadata.get("client_id_metadata_document_supported") is True
    if supports_documents and supports_public:
        return ok(CLIENTS, "Hosts identify themselves with their metadata document, without a secret.")
    supports_registration = bool(metadata.get("registration_endpoint"))
    if supports_registration and supports_public:
        return ok(CLIENTS, "Hosts can register themselves, without a secret.")
    fix = 'Add "none" to token_endpoint_auth_methods_supported. Claude and VS Code have no secret.'
    if supports_registration:
        found = "Hosts can register themselves, but the metadata do not say that they need no secret."
        return warning(CLIENTS, found, fix)
    if supports_documents:
        found = "Hosts can identify themselves with a metadata document, but only with a secret."
        return warning(CLIENTS, found, fix)
    fix = (
        "Enable client ID metadata documents or dynamic registration. Otherwise register each host by hand, and enter "
        "its client ID where the connector is added (docs/connect.md)."
    )
    return warning(CLIENTS, "Hosts cannot register by themselves.", fix)


def _response_issuer(metadata: Mapping[str, Any]) -> Finding:
    if metadata.get("authorization_response_iss_parameter_supported") is True:
        return ok(ISS, "Authorization responses name their issuer (RFC 9207).")
    fix = "Enable the iss parameter (RFC 9207), so that a response cannot be passed off as another server's."
    return warning(ISS, "Authorization responses do not name their issuer.", fix)

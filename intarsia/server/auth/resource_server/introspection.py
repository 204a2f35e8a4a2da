"""Token introspection: asks the issuer whether a token is still active (RFC 7662)."""

from intarsia.server.auth.resource_server.claims import Claims
from intarsia.server.auth.resource_server.client_auth import secret_form, secret_header
from intarsia.server.auth.resource_server.errors import Reason, TokenError
from intarsia.server.auth.resource_server.issuer_http import IssuerHttpClient
from intarsia.server.auth.resource_server.issuer_metadata import Metadata
from intarsia.server.auth.resource_server.settings import Introspection

ANSWER_SECONDS = 4
"""How long a response is cached. Together with the time of a request, a revoked token is rejected within 5 seconds."""


async def ask_issuer(token: str, settings: Introspection, metadata: Metadata, fetcher: IssuerHttpClient) -> Claims:
    """Return the claims of an active token from the issuer's introspection endpoint.

    Args:
        token: The access token.
        settings: The client credentials, and the endpoint if it is not the one in the metadata.
        metadata: The issuer's metadata, which name the endpoint.
        fetcher: The HTTP client for issuers.

    Returns:
        The introspection response.

    Raises:
        TokenError: The token is not active, or is not a bearer access token.
        IssuerError: The issuer cannot be reached, or its response is invalid.
    """
    address = settings.endpoint or await metadata.address_of("introspection_endpoint")
    form = {"token": token, "token_type_hint": "access_token"}
    credentials = (settings.client_id, settings.client_secret, settings.method)
    response = await fetcher.ask(address, {**form, **secret_form(*credentials)}, secret_header(*credentials))
    if response.get("active") is not True:
        raise TokenError(Reason.NOT_ACTIVE)
    token_type: object = response.get("token_type", "Bearer")
    if not isinstance(token_type, str) or token_type.lower() != "bearer":
        raise TokenError(Reason.WRONG_TYPE)
    return response

"""Asks an issuer what a token is worth right now (RFC 7662)."""

from intarsia.server.auth.resource_server.claims import Claims
from intarsia.server.auth.resource_server.client_auth import secret_form, secret_header
from intarsia.server.auth.resource_server.errors import Reason, TokenError
from intarsia.server.auth.resource_server.issuer_http import IssuerHttpClient
from intarsia.server.auth.resource_server.issuer_metadata import Metadata
from intarsia.server.auth.resource_server.settings import Introspection

ANSWER_SECONDS = 4
"""How long an answer is used: with the time that a question takes, what is taken back ends within 5 seconds."""


async def ask_issuer(token: str, settings: Introspection, metadata: Metadata, fetcher: IssuerHttpClient) -> Claims:
    """Return what an issuer says about a token that is active.

    Args:
        token: The token.
        settings: How to ask.
        metadata: Say whom to ask, unless the settings do.
        fetcher: Asks.

    Raises:
        TokenError: The token is not active, or is no access token that a bearer may use.
        IssuerError: The issuer cannot be asked.
    """
    address = settings.endpoint or await metadata.address_of("introspection_endpoint")
    form = {"token": token, "token_type_hint": "access_token"}
    proof = (settings.client_id, settings.client_secret, settings.method)
    answer = await fetcher.ask(address, {**form, **secret_form(*proof)}, secret_header(*proof))
    if answer.get("active") is not True:
        raise TokenError(Reason.NOT_ACTIVE)
    kind: object = answer.get("token_type", "Bearer")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise TokenError(Reason.OTHER_KIND)
    return answer

"""Asks an issuer what a token is worth right now (RFC 7662)."""

from inlay.server.tokens.claims import Claims
from inlay.server.tokens.fetching import Fetcher
from inlay.server.tokens.metadata import Metadata
from inlay.server.tokens.proving import secret_form, secret_header
from inlay.server.tokens.reasons import Reason, TokenError
from inlay.server.tokens.settings import Introspection

ANSWER_SECONDS = 4
"""How long an answer is used: with the time that a question takes, what is taken back ends within 5 seconds."""


async def ask_issuer(token: str, settings: Introspection, metadata: Metadata, fetcher: Fetcher) -> Claims:
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

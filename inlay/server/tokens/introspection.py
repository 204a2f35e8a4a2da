"""Asks an issuer what a token is worth right now (RFC 7662)."""

import base64
from collections.abc import Mapping
from urllib.parse import quote_plus

from inlay.server.tokens.claims import Claims
from inlay.server.tokens.fetching import Fetcher
from inlay.server.tokens.metadata import Metadata
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
    answer = await fetcher.ask(address, {**form, **_secret_form(settings)}, _secret_header(settings))
    if answer.get("active") is not True:
        raise TokenError(Reason.NOT_ACTIVE)
    kind: object = answer.get("token_type", "Bearer")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise TokenError(Reason.OTHER_KIND)
    return answer


def _secret_form(settings: Introspection) -> Mapping[str, str]:
    if settings.method == "client_secret_basic":
        return {}
    return {"client_id": settings.client_id, "client_secret": settings.client_secret}


def _secret_header(settings: Introspection) -> Mapping[str, str]:
    if settings.method != "client_secret_basic":
        return {}
    pair = f"{quote_plus(settings.client_id)}:{quote_plus(settings.client_secret)}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

"""Confirmations: a destructive action runs only after the user confirms it in the View.

The response to the first call is a question, and nothing is changed. The second call contains the confirmation token of
that response. A token is bound to the user, the client, the action and its arguments, is valid for two minutes, and can
be used once: its use is written in the same transaction as the change.
"""

import time
from collections.abc import Mapping
from secrets import token_bytes
from typing import Any

from intarsia.errors import RefusedError
from intarsia.permissions import Grant
from intarsia.server.views.view_handles import Signer
from intarsia.server.wire.messages import digest_of

LASTS_SECONDS = 120
"""How long a confirmation is valid."""


_ID_BYTES = 16


class ConfirmationError(RefusedError):
    """The confirmation is not valid for this call: it was altered, has expired, or is bound to another user or call."""


def make_confirmation(signer: Signer, grant: Grant, tool: str, arguments: Mapping[str, Any]) -> str | None:
    """Return a new confirmation token for a call, or `None` if the signer has no secret yet.

    Args:
        signer: Signs the token.
        grant: The permissions of the user who must confirm.
        tool: The name of the action.
        arguments: The arguments of the call.
    """
    expires = int(time.time()) + LASTS_SECONDS
    return signer.sign(_bound(grant, tool, arguments), expires.to_bytes(8) + token_bytes(_ID_BYTES))


def check_confirmation(signer: Signer, grant: Grant, tool: str, arguments: Mapping[str, Any], given: object) -> str:
    """Validate a confirmation token, and return its id, under which its use is stored.

    Args:
        signer: Verifies the signature.
        grant: The permissions of the caller.
        tool: The name of the action.
        arguments: The arguments of the call.
        given: The token as it was sent.

    Raises:
        ConfirmationError: The token was not made for this user and this call, or it has expired.
    """
    body = signer.verify(_bound(grant, tool, arguments), given)
    if body is None or int.from_bytes(body[:8]) <= time.time():
        reason = "This was not confirmed, or too long ago. Nothing was changed; try again."
        raise ConfirmationError(reason)
    return body[8:].hex()


def _bound(grant: Grant, tool: str, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    return "confirmation", grant.person, grant.client, digest_of(tool, arguments)

"""Confirmations: what destroys something is asked about in the View, and done only when a person said yes.

The first call changes nothing and is answered by a question. The second brings the confirmation that came with it:
bound to the person, the action and its arguments, good for two minutes, and used up in the transaction of the change.
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
"""How long a person may think."""


_ID_BYTES = 16


class ConfirmationError(RefusedError):
    """A confirmation that is not good for this call: it is changed, somebody else's, too old, or used."""


def make_confirmation(signer: Signer, grant: Grant, tool: str, arguments: Mapping[str, Any]) -> str | None:
    """Return what a person's yes brings back."""
    expires = int(time.time()) + LASTS_SECONDS
    return signer.sign(_bound(grant, tool, arguments), expires.to_bytes(8) + token_bytes(_ID_BYTES))


def check_confirmation(signer: Signer, grant: Grant, tool: str, arguments: Mapping[str, Any], given: object) -> str:
    """Return the name under which the use of a confirmation is noted.

    Raises:
        ConfirmationError: It was not made for this person and this call, or too long ago.
    """
    body = signer.verify(_bound(grant, tool, arguments), given)
    if body is None or int.from_bytes(body[:8]) <= time.time():
        reason = "This was not confirmed, or too long ago. Nothing was changed; try again."
        raise ConfirmationError(reason)
    return body[8:].hex()


def _bound(grant: Grant, tool: str, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    return "confirmation", grant.person, grant.client, digest_of(tool, arguments)

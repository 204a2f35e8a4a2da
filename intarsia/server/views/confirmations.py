"""Confirmations: what destroys something is asked about in the View, and done only when a person said yes.

The first call changes nothing and is answered by a question. The second brings the confirmation that came with it:
bound to the person, the action and its arguments, good for two minutes, and used up in the transaction of the change.
"""

import time
import unicodedata
from collections.abc import Mapping
from secrets import token_bytes
from string import Formatter
from typing import Any

from intarsia.errors import RefusedError, ToolError, near_miss
from intarsia.permissions import Grant
from intarsia.server.views.idempotency import digest_of
from intarsia.server.views.view_handles import Signer

LASTS_SECONDS = 120
"""How long a person may think."""

MAX_VALUE_LENGTH, MAX_QUESTION_LENGTH = 80, 300
"""Characters of one argument in a question, and of the whole question."""

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


def checked_question(question: str, tool: str, parameters: Mapping[str, object]) -> str:
    """Check a question with places for arguments, such as "Delete {card}?".

    Raises:
        ToolError: It is empty, or has a place that is no parameter's name.
    """
    try:
        places = [place for _, *place in Formatter().parse(question) if place[0] is not None]
    except ValueError as error:
        message = f"{tool}: confirm={question!r} cannot be read: {error}. Write {{{{ for a brace."
        raise ToolError(message) from None
    for name, form, conversion in places:
        if name not in parameters or form or conversion:
            hint = near_miss(str(name), set(parameters))
            message = f"{tool}: confirm has a place for {name!r}; only bare names of parameters can stand there.{hint}"
            raise ToolError(message)
    if not question.strip():
        message = f"{tool}: confirm must be a question, such as 'Delete {{card}}?'."
        raise ToolError(message)
    return question


def question_for(question: str, arguments: Mapping[str, Any]) -> str:
    """Put arguments into a question. It is text, and shown as text; no value can make it long or turn it around."""
    shown = {name: _shortened(_plain(value), MAX_VALUE_LENGTH) for name, value in arguments.items()}
    return _shortened(question.format_map(shown), MAX_QUESTION_LENGTH)


def _bound(grant: Grant, tool: str, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    return "confirmation", grant.person, grant.client, digest_of(tool, arguments)


def _plain(value: object) -> str:
    """Return a value on one line, without characters that are not seen or that change the order of others."""
    seen = (" " if unicodedata.category(each) in {"Cc", "Zl", "Zp"} else each for each in str(value))
    return " ".join("".join(each for each in seen if unicodedata.category(each) != "Cf").split())


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"

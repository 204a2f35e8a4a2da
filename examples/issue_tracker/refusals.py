"""Converts error responses of the tracker to messages for users."""

import httpx2

from intarsia import ConflictError, RefusedError


class NotConnectedError(RefusedError):
    """The user has no connected tracker account, or its grant was revoked."""

    def __init__(self) -> None:
        super().__init__("Connect your tracker account first; tracker_account says how.")


class TroubleError(RefusedError):
    """A temporary error: a rate limit or an internal error of the tracker. Nothing was changed."""


class LostError(Exception):
    """A request was sent without a response, so that its result is unknown."""


NO_CONNECTION = "The tracker cannot be reached at the moment. Nothing was changed."
NO_ANSWER = "The tracker does not answer at the moment."


def understood(response: httpx2.Response) -> httpx2.Response:
    """Return a successful response.

    Raises:
        RefusedError: The tracker refused, and why.
        ConflictError: Somebody was faster; it holds the thing as it is now.
        TroubleError: It may be tried again later.
        LostError: The answer does not tell whether it was done.
    """
    status = response.status_code
    if response.is_success:
        return response
    if status == 429:
        reason = f"The tracker asks for a pause. Nothing was changed; try again {_when(response)}."
        raise TroubleError(reason)
    if status == 503:
        reason = (
            f"The tracker is closed for now: {_message(response)} Nothing was changed; try again {_when(response)}."
        )
        raise TroubleError(reason)
    if status >= 500:
        raise LostError(status)
    if status == 409:
        raise ConflictError(_message(response), current=_current(response))
    reason = f"The tracker refuses: {_message(response)}"
    raise RefusedError(reason)


def _when(response: httpx2.Response) -> str:
    seconds = response.headers.get("retry-after", "")
    if not seconds.isdecimal():
        return "in a while"
    minutes = round(int(seconds) / 60)
    return f"in {minutes} minutes" if minutes > 1 else f"in {int(seconds)} seconds"


def _message(response: httpx2.Response) -> str:
    fields = _fields(response)
    return str(fields.get("message") or "it gives no reason.")[:300]


def _current(response: httpx2.Response) -> dict[str, object]:
    current = _fields(response).get("current")
    if not isinstance(current, dict):
        return {}
    names = {"column": "column", "position": "index", "version": "version", "assignee_name": "assignee"}
    return {mine: current[theirs] for theirs, mine in names.items() if theirs in current}


def _fields(response: httpx2.Response) -> dict[str, object]:
    try:
        fields: object = response.json()
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}  # pyright: ignore[reportUnknownVariableType] - of JSON

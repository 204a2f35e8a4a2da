"""Parses tool calls and builds their responses (`docs/on-the-wire.md`)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, cast

from pydantic_core import to_jsonable_python

from intarsia.errors import ArgumentError, BusyError, ConflictError, RefusedError, ResultTooLargeError, ScopeError
from intarsia.permissions import Decision, Grant
from intarsia.server.wire.diff import Seen, parse_seen
from intarsia.server.wire.size import json_bytes, result_bytes
from intarsia.ui_templates.text_markdown import bold, code, paragraphs
from intarsia.ui_templates.value_format import for_scripts
from intarsia.widgets import Done

SEEN, ID, VIA = "dev.intarsia/seen", "dev.intarsia/id", "dev.intarsia/via"
VIEW, CONFIRMATION = "dev.intarsia/view", "dev.intarsia/confirmation"
WINDOW = "dev.intarsia/window"
"""Another window of a list that the user of a View asks for."""
PARTS, DONE, PROBLEM = "dev.intarsia/parts", "dev.intarsia/done", "dev.intarsia/problem"
UNCHANGED = "dev.intarsia/unchanged"
UNANSWERED, APPLIED = "dev.intarsia/unanswered", "dev.intarsia/applied"
"""Keys of actions whose responses a View did not get, and those of them that took effect."""
MAX_UNANSWERED = 8
LATER = "dev.intarsia/later"
"""The response of an action came before the updated widget, which the next request of the View returns."""
CONFIRM = "dev.intarsia/confirm"
MAX_MESSAGE_CHARACTERS = 1_000
"""The maximum length of a message in a response that is too large."""
DRAFT_TOOL = "intarsia_draft"
VIEW_TOOL = "intarsia_view"
"""The tool that Views call to refresh: a long poll that returns the updated widget."""
ACCESS_TOOL = "intarsia_access"
"""The tool that requests the scopes of another tool. A refusal makes the host ask the user for the missing scopes."""


@dataclass
class CallResponse:
    """The response to a tool call."""

    text: str
    structured: dict[str, Any] | None = None
    meta: dict[str, Any] = field(default_factory=dict[str, Any])
    is_error: bool = False
    is_measured: bool = False
    """Whether it was measured already, and fits the budget."""


@dataclass(frozen=True)
class ViewHandle:
    """The verified content of a View's handle: the widget that it was opened with. See `views/view_handles.py`."""

    opening: bytes
    """The opening of the View; see `views/latest_view.py`."""
    widget: bytes
    """A digest of the widget tool and its arguments."""
    tool: bytes
    """A digest of the name of the widget tool."""
    drawn_for: bytes
    """A digest of the scopes and roles that the widget was rendered for."""


@dataclass
class ToolCall:
    """A tool call: its arguments, its metadata and its caller's permissions."""

    arguments: dict[str, Any]
    grant: Grant
    seen: Seen | None = None
    key: object = None
    handle: object = field(default=None, repr=False)
    """The handle as it was sent, not verified."""
    confirmation: object = field(default=None, repr=False)
    wanted_window: object = None
    """Another window of a list that the user of the View asks for, as it was sent."""
    unanswered: object = field(default=None, repr=False)
    """The keys that the View asks about, as they were sent."""
    via: str | None = None
    acted_at: int | None = None
    """A revision created right after the action: later reads include the change. `None` if no action ran."""
    view: ViewHandle | None = field(default=None, repr=False)
    """The verified handle; `None` if it is not valid for this user and client, or the call is not from a View."""


def read_call(arguments: Mapping[str, Any], meta: Mapping[str, Any], grant: Grant) -> ToolCall:
    """Parse the View's metadata of a call, from `_meta`, or from the argument `_intarsia` if a host drops `_meta`."""
    own = dict(arguments)
    carried = own.pop("_intarsia", None)
    spare: Mapping[str, Any] = cast("Mapping[str, Any]", carried) if isinstance(carried, Mapping) else {}
    if not meta.keys().isdisjoint((SEEN, ID, VIEW)):
        said = [meta.get(name) for name in (SEEN, ID, VIEW, CONFIRMATION, WINDOW, UNANSWERED)]
        via = "meta"
    elif spare:
        said = [spare.get(name) for name in ("seen", "id", "view", "confirmation", "window", "unanswered")]
        via = "argument"
    else:
        return ToolCall(own, grant)
    seen, key, handle, confirmation, window, unanswered = said
    return ToolCall(own, grant, parse_seen(seen), key, handle, confirmation, window, unanswered, via)


def refused(decision: Decision) -> RefusedError:
    """Return the error for a decision that refuses."""
    if decision.missing_scopes:
        return ScopeError(decision.reason, decision.missing_scopes, decision.how_to_fix)
    return RefusedError(decision.reason)


def done_answer(done: Done) -> CallResponse:
    """Return the response to an action that was done."""
    meta: dict[str, Any] = {"message": done.message}
    if done.undo:
        meta["undo"] = {"tool": done.undo.tool, "arguments": for_scripts(done.undo.arguments)}
    return stored_answer(meta)


def stored_answer(done: Mapping[str, Any]) -> CallResponse:
    """Return the response to an action whose answer is stored."""
    return CallResponse(paragraphs(done["message"]), meta={DONE: dict(done)})


def replayed(first: Mapping[str, Any]) -> CallResponse:
    """Return the response to a call that was applied before."""
    done: dict[str, Any] = {"message": "This was already done.", **first, "replayed": True}
    return CallResponse(paragraphs(done["message"]), meta={DONE: done})


def refusal(error: ArgumentError | RefusedError | ResultTooLargeError) -> CallResponse:
    """Return the response to a call that was refused."""
    if isinstance(error, ResultTooLargeError):
        answer = problem_answer("too_large", str(error))
        answer.meta[PROBLEM] |= {"size": error.size, "max_size": error.most}
        return answer
    if isinstance(error, ConflictError):
        return problem_answer("conflict", error.reason, error.current)
    if isinstance(error, BusyError):
        answer = problem_answer("busy", error.reason)
        answer.meta[PROBLEM]["retry_after"] = error.retry_after
        return answer
    if isinstance(error, ScopeError):
        answer = problem_answer("refused", f"{error.reason} {error.how_to_fix}")
        answer.meta[PROBLEM] |= {"missing_scopes": sorted(error.missing_scopes), "how_to_fix": error.how_to_fix}
        return answer
    return problem_answer("refused" if isinstance(error, RefusedError) else "invalid", str(error))


def problem_answer(kind: str, message: str, current: Mapping[str, Any] | None = None) -> CallResponse:
    """Return the response to a call that was not done, with the reason.

    Args:
        kind: One of those in `docs/on-the-wire.md`.
        message: The text that users read.
        current: The current values, if they are the reason.
    """
    problem: dict[str, Any] = {"kind": kind, "message": message}
    if current:
        problem["current"] = to_jsonable_python(current, fallback=str)
    # The current values are data, so they are escaped: a value must not look like text of the connector.
    now = "".join(f" {code(name)}: {bold(value)}." for name, value in (current or {}).items())
    return CallResponse(paragraphs(message) + (f"\n\nNow:{now}" if now else ""), meta={PROBLEM: problem}, is_error=True)


def within(answer: CallResponse, name: str, most: int) -> CallResponse:
    """Return a response within the budget.

    The widget is left out of the response of an action that is larger, so that its View reads it; a message is cut.

    Args:
        answer: The response.
        name: The name of the tool.
        most: The budget in bytes.
    """
    size = 0 if answer.is_measured else result_bytes(answer.text, answer.structured, answer.meta)
    if size <= most:
        return answer
    kept = {key: answer.meta[key] for key in (VIA, VIEW, CONFIRM) if key in answer.meta}
    if DONE in answer.meta:
        undo = answer.meta[DONE].get("undo")
        done = {"message": _cut(answer.meta[DONE]["message"])} | (
            {"undo": undo} if undo and json_bytes(undo) <= most // 2 else {}
        )
        return CallResponse(_cut(answer.text), meta={**kept, DONE: done, LATER: True})
    if PROBLEM in answer.meta:
        problem = {**answer.meta[PROBLEM], "message": _cut(answer.meta[PROBLEM]["message"])}
        problem.pop("current", None)
        return CallResponse(_cut(answer.text), meta={**kept, PROBLEM: problem}, is_error=True)
    return refusal(ResultTooLargeError(f"The response of {name}", size, most, "Call it with shorter arguments."))


def _cut(message: str) -> str:
    return message if len(message) <= MAX_MESSAGE_CHARACTERS else f"{message[: MAX_MESSAGE_CHARACTERS - 1]}…"


def digest_of(tool: str, arguments: Mapping[str, Any]) -> str:
    """Return the digest of a tool and its arguments, which a View has and sends back in the form for scripts."""
    return sha256(json.dumps([tool, for_scripts(arguments)], sort_keys=True).encode()).hexdigest()

"""Calls tools in memory as a user, through the connector's call handler and MCP server."""

import re
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from typing import Any, cast
from uuid import uuid4

from mcp import Client
from mcp.client import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp.server.auth.middleware.auth_context import auth_context_var
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser

from intarsia.errors import near_miss
from intarsia.permissions import Decision, Grant, decide, decide_without_arguments
from intarsia.server.connector import Connector
from intarsia.server.mcp_server.server import build_server
from intarsia.server.tools.arguments import check_arguments, values_of
from intarsia.server.wire.messages import (
    CONFIRM,
    CONFIRMATION,
    DONE,
    ID,
    PARTS,
    PROBLEM,
    SEEN,
    VIEW,
    WINDOW,
    CallResponse,
)
from intarsia.testing.users import access_token
from intarsia.ui_templates.render import ROOT_ID, ListPart, Part, Rendering

Json = dict[str, Any]


@dataclass(frozen=True)
class Shown:
    """The state of a View: its markup, and what it reports about it in its next call."""

    tool: str
    arguments: Json
    rendering: Rendering
    windows: Mapping[str, tuple[int, int, int]] = field(default_factory=dict[str, tuple[int, int, int]])
    """Of lists that are not whole: start, length and total, by the place of the list."""

    @classmethod
    def after(cls, parts: Json, before: "Shown | None") -> "Shown":
        """Apply an update to the previous state, as the View does.

        Args:
            parts: The update from the server.
            before: The previous state, if any.
        """
        old = before.rendering if before else Rendering()
        gone = set(parts.get("gone", ()))
        kept = {name: part for name, part in old.parts.items() if name not in gone}
        came = {name: Part(part["html"], part["hash"]) for name, part in parts.get("parts", {}).items()}
        lists = {name: items for name, items in old.lists.items() if name not in gone}
        for name, change in parts.get("lists", {}).items():
            lists[name] = _merged(change, old)
        frame = Part(parts["frame"]["html"], parts["frame"]["hash"]) if "frame" in parts else old.frame
        windows = {place: (window[0], window[1], window[2]) for place, window in parts.get("windows", {}).items()}
        return cls(parts["tool"], parts["arguments"], Rendering(frame, {**kept, **came}, lists), windows)

    def seen(self) -> Json:
        """Return the seen state that the View sends with each call."""
        drawn = self.rendering
        return {
            "tool": self.tool,
            "arguments": self.arguments,
            "frame": drawn.frame.hash,
            "parts": {name: part.hash for name, part in drawn.parts.items()},
            "lists": {
                name: [part.hash + key for key, part in items.items.items()] for name, items in drawn.lists.items()
            },
            "windows": {place: [start, length] for place, (start, length, _total) in self.windows.items()},
        }


def _merged(change: Json, old: Rendering) -> ListPart:
    # An item may come from another list: the server does not send a moved card again.
    known = {key: part for items in old.lists.values() for key, part in items.items.items()}
    came = {key: Part(item["html"], item["hash"]) for key, item in change.get("items", {}).items()}
    every = {**known, **came}
    return ListPart(change["prefix"], {key: every[key] for key in change["order"]})


@dataclass(frozen=True)
class Reply:
    """The response to a call, and what a View shows after it."""

    text: str
    """The text for the model."""
    structured: Json | None
    """The structured content of a widget: tool, arguments and revision."""
    meta: Json
    """The `_meta` of the result."""
    is_error: bool
    changed: tuple[str, ...] = ()
    """The DOM ids of everything in the update: the whole widget, its parts, and items of its lists."""
    shown: Shown | None = field(default=None, repr=False)
    """The state of the View; `None` without a widget."""
    handle: str | None = field(default=None, repr=False)
    """The handle that proves that a View calls; `None` if no View is open."""

    @property
    def html(self) -> str:
        """The complete markup of the View; empty without a widget."""
        return self.shown.rendering.html if self.shown else ""

    @property
    def parts(self) -> dict[str, str]:
        """The markup of each part and item in the View, by DOM id."""
        if self.shown is None:
            return {}
        drawn = self.shown.rendering
        pieces = {name: part.html for name, part in drawn.parts.items()}
        for items in drawn.lists.values():
            pieces |= {items.prefix + key: part.html for key, part in items.items.items()}
        return pieces

    @property
    def totals(self) -> dict[str, int]:
        """The number of items of each list that is not shown whole, by the place of the list, such as "todo/cards"."""
        return {place: total for place, (_start, _length, total) in self.shown.windows.items()} if self.shown else {}

    @property
    def more(self) -> dict[str, tuple[int, int]]:
        """The windows that "Show … more" asks for: start and length, by the place of the list."""
        offered = _offered_windows(html for html in self.parts.values() if "intarsia-more" in html)
        return {place: windows[-1] for place, windows in offered.items() if windows[-1][1]}

    @property
    def arguments(self) -> Json:
        """The arguments of the widget's tool, with defaults."""
        return self.shown.arguments if self.shown else {}

    @property
    def message(self) -> str:
        """The message of an action; empty if nothing was done."""
        done: Json = self.meta.get(DONE, {})
        return str(done.get("message", ""))

    @property
    def undo(self) -> Json | None:
        """The tool and arguments that undo the action, or `None`."""
        done: Json = self.meta.get(DONE, {})
        return done.get("undo")

    @property
    def question(self) -> str:
        """The question that the user must confirm; empty if there is none."""
        asked: Json = self.meta.get(CONFIRM, {})
        return str(asked.get("question", ""))

    @property
    def problem(self) -> Json | None:
        """Why the call failed: `kind`, `message`, and further fields of the kind."""
        return self.meta.get(PROBLEM)


class Tools:
    """The tools of a connector, called as a user.

    Args:
        connector: The connector; it must be running.
        user: The default caller.
        log: The lines that are logged during the test.
    """

    def __init__(self, connector: Connector, user: Grant, log: list[str]) -> None:
        self.connector = connector
        self.user = user
        self.log = log

    async def call(self, tool: str, /, *, as_: Grant | None = None, **arguments: Any) -> Reply:
        """Call a tool as a model does.

        Args:
            tool: The tool's name.
            as_: The caller; by default `user`.
            arguments: The arguments of the call.
        """
        return await self._answer(tool, arguments, {}, as_, None)

    async def act(
        self,
        on: Reply,
        tool: str,
        /,
        *,
        as_: Grant | None = None,
        key: str | None = None,
        confirm: bool = False,
        **arguments: Any,
    ) -> Reply:
        """Call a tool as the View of a widget does, with the seen state and an idempotency key.

        Args:
            on: The reply whose widget the View shows.
            tool: The tool's name.
            as_: The caller; by default `user`.
            key: The idempotency key. Pass the same key to retry; by default a new key is used.
            confirm: Whether the user confirms if the action asks for confirmation.
            arguments: The arguments of the call.

        Returns:
            The reply, with the new state of the View.

        Raises:
            AssertionError: The reply has no widget.
        """
        assert on.shown is not None, f"This reply has no widget to act on. It says: {on.text}"
        meta = {SEEN: on.shown.seen(), ID: key or uuid4().hex, **({VIEW: on.handle} if on.handle else {})}
        reply = await self._answer(tool, arguments, meta, as_, on)
        if reply.question and confirm:
            meta[CONFIRMATION] = reply.meta[CONFIRM]["confirmation"]
            return await self._answer(tool, arguments, meta, as_, on)
        return reply

    async def more(
        self,
        on: Reply,
        place: str | None = None,
        /,
        *,
        as_: Grant | None = None,
        window: tuple[object, object] | None = None,
    ) -> Reply:
        """Show more of a long list, as a click on "Show … more" does.

        Args:
            on: The reply whose widget the View shows.
            place: The place of the list, one of `Reply.more`; by default the only one.
            as_: The caller; by default `user`.
            window: Start and length of another window than the next one.

        Returns:
            The reply, with the new state of the View.

        Raises:
            AssertionError: The reply has no widget, or no such list with more items.
        """
        assert on.shown is not None, f"This reply has no widget with lists. It says: {on.text}"
        names = list(on.more)
        assert place is not None or len(names) == 1, f"Name one of the lists with more items: {names}"
        found = names[0] if place is None else place
        assert window is not None or found in names, f"{found!r} has no more items; these have: {names}"
        start, length = on.more[found] if window is None else window
        wanted = {"list": found, "start": start, "count": length}
        meta = {SEEN: on.shown.seen(), WINDOW: wanted, **({VIEW: on.handle} if on.handle else {})}
        return await self._answer(on.shown.tool, on.shown.arguments, meta, as_, on)

    async def decide(self, tool: str, /, *, as_: Grant | None = None, **arguments: Any) -> Decision:
        """Decide whether a user may call a tool, without calling it.

        Args:
            tool: The tool's name.
            as_: The caller; by default `user`.
            arguments: The arguments of the call. If required arguments are missing, the `allow` rule is not called.

        Raises:
            AssertionError: There is no such tool.
            ArgumentError: The arguments are invalid.
        """
        found = self.connector.tools.get(tool)
        assert found is not None, f"There is no tool {tool!r}.{near_miss(tool, set(self.connector.tools))}"
        grant = as_ or self.user
        if not arguments and any(parameter.required for parameter in found.parameters.values()):
            return decide_without_arguments(grant, found)
        return await decide(grant, found, values_of(check_arguments(found.model, arguments)))

    async def list(self, *, as_: Grant | None = None) -> list[str]:
        """List the names of the tools that a user's host sees, over MCP."""
        async with self._client(as_ or self.user) as client:
            return [tool.name for tool in (await client.list_tools()).tools]

    async def _answer(
        self, tool: str, arguments: Mapping[str, Any], meta: Json, as_: Grant | None, before: Reply | None
    ) -> Reply:
        answer = await self.connector.calls.answer(tool, arguments, meta, as_ or self.user)
        return _reply(answer, before)

    @asynccontextmanager
    async def _client(self, grant: Grant) -> AsyncGenerator[Client]:
        # Sets the user as the SDK's middleware does; tasks that the server starts inherit it.
        signed_in = auth_context_var.set(AuthenticatedUser(access_token(grant)))
        try:
            apps = advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})
            async with Client(build_server(self.connector.catalog), extensions=[apps]) as client:
                yield client
        finally:
            auth_context_var.reset(signed_in)


def _reply(answer: CallResponse, before: Reply | None) -> Reply:
    parts = cast("Json | None", answer.meta.get(PARTS))
    shown_before = before.shown if before else None
    shown = Shown.after(parts, shown_before) if parts else shown_before
    handle = cast("str | None", answer.meta.get(VIEW, before.handle if before else None))
    changed = tuple(_changed(parts)) if parts else ()
    return Reply(answer.text, answer.structured, answer.meta, answer.is_error, changed, shown, handle)


def _offered_windows(pieces: Iterable[str]) -> dict[str, list[tuple[int, int]]]:
    """Return the windows that the buttons below each list ask for, by the place of the list."""
    found: dict[str, list[tuple[int, int]]] = {}
    for place, end, total, buttons in (found for html in pieces for found in _MORE.findall(html)):
        windows = [(int(start), int(length)) for start, length in _WINDOW.findall(buttons)]
        found[unescape(place)] = windows if int(end) < int(total) else [*windows, (0, 0)]
    return found


_MORE = re.compile(
    r'<div class="intarsia-more"[^>]* data-place="([^"]*)" data-end="(\d+)" data-total="(\d+)">(.*?)</div>'
)
_WINDOW = re.compile(r'data-window="\[(\d+),(\d+)\]"')


def _changed(parts: Json) -> list[str]:
    items = [change["prefix"] + key for change in parts.get("lists", {}).values() for key in change.get("items", {})]
    return [*([ROOT_ID] if "frame" in parts else []), *parts.get("parts", {}), *items]

"""Reads widgets for calls, and returns what changed compared to what the View shows."""

import json
import logging
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

from pydantic import BaseModel

from intarsia.errors import ArgumentError, RefusedError, ResultTooLargeError
from intarsia.permissions import Grant, decide
from intarsia.server.catalog import Catalog
from intarsia.server.changes.access_watch import ACCESS_WATCH
from intarsia.server.changes.change_log import REVISIONS
from intarsia.server.rendering.load import AnyWidgetTool, WatchedTopics
from intarsia.server.rendering.shared_renders import RenderRequest, SharedRender
from intarsia.server.rendering.windows import FIRST_WINDOWS, Wanted, smaller
from intarsia.server.storage.drafts import save_draft
from intarsia.server.switches.positions import TURNED_OFF_NOTICES, Position
from intarsia.server.tools.arguments import check_arguments, json_arguments, values_of
from intarsia.server.tools.tool import Tool, WidgetTool
from intarsia.server.views.view_handles import shown_by
from intarsia.server.wire.diff import Seen, difference, seen_bytes
from intarsia.server.wire.messages import LATER, PARTS, CallResponse, ToolCall, digest_of, problem_answer, refused
from intarsia.server.wire.size import json_bytes, result_bytes
from intarsia.server.wire.windows import parse_wanted, parse_windows
from intarsia.ui_templates.render import ROOT_ID
from intarsia.ui_templates.text_markdown import MAX_INLINE_CHARACTERS
from intarsia.ui_templates.value_format import for_scripts
from intarsia.widgets.windows import Window, Windows

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 12
"""How often the windows of a response that is too large are made smaller."""

MAX_SEEN_BYTES = 60_000
"""The maximum size of the keys and hashes of all items that a View shows: it sends them with each call."""

RESERVED_BYTES = 1_500
"""What a response needs beside its text, its markup and its structured content: the handle, and the protocol."""

SPARE = 0.9
"""How much smaller than needed windows are made, because items differ in size."""

NO_SUCH_LIST = "There is no such list in this widget, or not any more. Refresh the widget."


@dataclass(frozen=True)
class AuthorizedRead:
    """A widget that the caller is allowed to read."""

    tool: AnyWidgetTool
    checked: BaseModel

    @cached_property
    def arguments(self) -> dict[str, Any]:
        """The validated arguments that the caller passed, as JSON values."""
        return json_arguments(self.checked, with_defaults=False)

    @cached_property
    def digest(self) -> str:
        """The digest of the tool and its arguments: the same for equal calls, however a client wrote them."""
        return digest_of(self.tool.name, self.arguments)


class WidgetReader:
    """Reads widgets for the calls of one connector.

    Args:
        catalog: The widgets of the connector.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def turned_off(self, call: ToolCall) -> CallResponse | None:
        """Return the response to the View of a widget that an admin turned off, or `None` if it is on."""
        positions = self._catalog.switches.positions
        if positions.all_on:
            return None
        shown = shown_by(call.view, self._catalog.tools) if call.view else None
        position = positions.tool_position(shown, call.grant) if shown else Position.ON
        return None if position is Position.ON else problem_answer("off", TURNED_OFF_NOTICES[position])

    async def read(self, wanted: AuthorizedRead, call: ToolCall, after: int | None = None) -> SharedRender:
        """Read a widget for a call.

        Args:
            wanted: The widget.
            call: The call, with what its View shows.
            after: The reading must be newer than this revision; left out, it begins now.

        Raises:
            ArgumentError: The View asks for a window that is malformed.
        """
        _windows_of(wanted, call)
        key = _key(wanted, call)
        drawn = None if key is None else await self._catalog.renders.unfinished.take(key)
        return drawn or await self._read(wanted, call, after, _tiles_of(wanted, call))

    async def text(self, drawn: SharedRender, wanted: AuthorizedRead, call: ToolCall, page: int) -> str:
        """Return a page of the text form of a widget that was read, with the calls that return the others.

        Args:
            drawn: The widget.
            wanted: The widget as it was asked for.
            call: The call.
            page: The number of the page, from 1.
        """
        return await self._catalog.renders.text(drawn, self._asked(wanted, call), wanted.arguments, page)

    async def parts(
        self, drawn: SharedRender, wanted: AuthorizedRead, call: ToolCall, reserved: int = 0
    ) -> dict[str, Any]:
        """Return what the View must be sent to show a widget that was read, within the budget of a response.

        Args:
            drawn: The widget.
            wanted: The widget as it was asked for.
            call: The call, with what its View shows.
            reserved: The size in bytes of everything else in the response.

        Raises:
            ArgumentError: The View asks for a window of a list that the widget does not have.
            ResultTooLargeError: It does not fit, whatever the windows.
        """
        tiles = _tiles_of(wanted, call)
        windows, asked_for = _windows_of(wanted, call)
        asked = self._asked(wanted, call)
        if windows != drawn.windows:
            drawn = await self._catalog.renders.redraw(drawn, replace(asked, windows=windows))
        if asked_for and all(each.place != asked_for.place for each in drawn.reading.lists):
            raise ArgumentError(NO_SUCH_LIST)
        most = self._catalog.max_result_bytes - reserved - RESERVED_BYTES
        for attempt in range(1, MAX_ATTEMPTS + 1):
            sent = _sent(drawn, wanted, call, tiles)
            size = _size_of(sent, drawn, most)
            share = min(most / size, MAX_SEEN_BYTES / seen_bytes(drawn.rendering))
            fewer = None if share >= 1 else smaller(drawn.reading.lists, asked_for, share * SPARE**attempt)
            if size <= most and fewer is None:
                return sent
            if fewer is None:
                break
            drawn = await self._catalog.renders.redraw(drawn, replace(asked, windows=fewer))
        raise _too_large(drawn, wanted, json_bytes(_sent(drawn, wanted, call, tiles)), most)

    async def topics(self, wanted: AuthorizedRead, call: ToolCall, shown: int) -> WatchedTopics:
        """Return the topics of a widget, for a View that shows the revision `shown`."""
        return await self._catalog.renders.topics(self._asked(wanted, call), shown)

    async def add_true_widget(self, answer: CallResponse, action: Tool, call: ToolCall) -> CallResponse:
        """Add the updated widget of the View to the response of an action, if reading it is fast.

        The widget is read with the caller's permissions. If that takes too long, the response says so, the read
        continues, and the next request of the View gets its result.

        Args:
            answer: The response of the action.
            action: The action.
            call: The call of the action.

        Returns:
            The same response.
        """
        found = self._catalog.offered(call.seen.tool, call.grant) if call.seen else None
        positions = self._catalog.switches.positions
        if call.seen is None or not isinstance(found, WidgetTool):
            return answer
        if not (positions.all_on or positions.shows_widget(found.name, call.grant)):
            return answer
        tool = cast("AnyWidgetTool", found)
        try:
            wanted = await authorized_read(tool, call.seen.arguments, call.grant)
            _windows_of(wanted, call)
        except (ArgumentError, RefusedError):  # no longer allowed: the View keeps its state until its next read
            return answer
        except Exception:
            logger.exception("The rule of %r could not be asked after an action.", tool.name)
            return answer
        done = None if answer.is_error else action.name
        reading = self._true_widget(wanted, call, done)
        drawn, is_under_way = await self._catalog.renders.unfinished.read(_key(wanted, call), reading)
        if is_under_way:
            answer.meta[LATER] = True
        elif drawn:
            try:
                answer.meta[PARTS] = await self.parts(drawn, wanted, call, result_bytes(answer.text, None, answer.meta))
                answer.is_measured = True
            except (ArgumentError, ResultTooLargeError):  # the View reads again, and is told why it cannot be shown
                answer.meta[LATER] = True
        return answer

    async def _true_widget(self, wanted: AuthorizedRead, call: ToolCall, done: str | None) -> SharedRender | None:
        tool = wanted.tool
        try:
            drawn = await self._read(wanted, call, call.acted_at)
            widget = drawn.reading.widget
            if done and widget.can_keep_draft and widget.draft_ends_with(done):
                store, arguments = self._catalog.owners[tool.name].store, drawn.reading.arguments
                await save_draft(store, call.grant.person, tool.name, arguments, None)
                drawn = await self._read(wanted, call)
        except RefusedError:
            return None
        except Exception:
            logger.exception("The widget %r could not be read after an action.", tool.name)
            return None
        return drawn

    async def _read(
        self, wanted: AuthorizedRead, call: ToolCall, after: int | None = None, tiles: frozenset[str] | None = None
    ) -> SharedRender:
        asked = self._asked(wanted, call)
        drawn = await self._catalog.renders.read(asked, after, tiles)
        # A partial read fits only the frame that the View has; for a new frame, all tiles must be sent.
        if drawn.reading.skipped and call.seen and drawn.rendering.frame.hash != call.seen.frame:
            drawn = await self._catalog.renders.read(asked, after)
        return drawn

    def _asked(self, wanted: AuthorizedRead, call: ToolCall) -> RenderRequest:
        tool, is_watched = wanted.tool, ACCESS_WATCH.get() is not None
        store = self._catalog.owners[tool.name].store
        rights, windows = self._catalog.rights, _windows_of(wanted, call)[0]
        return RenderRequest(tool, wanted.checked, wanted.digest, call.grant, store, rights, is_watched, windows)


async def authorized_read(tool: AnyWidgetTool, arguments: Mapping[str, Any], grant: Grant) -> AuthorizedRead:
    """Validate the arguments of a widget tool, and authorize its caller.

    Raises:
        ArgumentError: The arguments are not valid for the tool.
        RefusedError: The caller may not call it.
    """
    return AuthorizedRead(tool, await authorized_arguments(tool, arguments, grant))


async def authorized_arguments(tool: Tool, arguments: Mapping[str, Any], grant: Grant) -> BaseModel:
    """Validate the arguments of a call, and authorize its caller.

    Raises:
        ArgumentError: The arguments are not valid for the tool.
        RefusedError: The caller may not call it.
    """
    checked = check_arguments(tool.model, arguments)
    await authorize(tool, checked, grant)
    return checked


async def authorize(tool: Tool, checked: BaseModel, grant: Grant) -> None:
    """Authorize the caller of a tool for validated arguments.

    Raises:
        RefusedError: The caller may not call it with these arguments.
    """
    decision = await decide(grant, tool, values_of(checked))
    if not decision.allowed:
        raise refused(decision)


def _key(wanted: AuthorizedRead, call: ToolCall) -> Hashable | None:
    """Return the key of a View and its user. It includes the claims, because a function may show them."""
    if call.seen is None or not isinstance(call.handle, str):
        return None
    claims = json.dumps(dict(call.grant.claims), sort_keys=True, default=repr)
    return call.handle, wanted.digest, call.grant, claims


def _tiles_of(wanted: AuthorizedRead, call: ToolCall) -> frozenset[str] | None:
    return call.seen.tiles if call.seen and call.seen.tool == wanted.tool.name else None


def _windows_of(wanted: AuthorizedRead, call: ToolCall) -> tuple[Windows, Wanted | None]:
    """Return the windows to show of a widget, and the list of which another one than before is wanted.

    Windows of another widget, and of lists that the widget no longer has, are ignored.

    Raises:
        ArgumentError: A window is malformed.
    """
    asked_for = parse_wanted(call.wanted_window)
    shown = parse_windows(call.seen.windows) if call.seen else {}
    if shown and call.seen and not _is_of(wanted, call.seen):
        shown = {}
    if asked_for is None:
        return shown or FIRST_WINDOWS, None
    before = Wanted(asked_for.place, shown.get(asked_for.place, Window(0, 0)))
    return {**shown, asked_for.place: asked_for.window}, before


def _size_of(sent: Mapping[str, Any], drawn: SharedRender, most: int) -> int:
    """Return the size of what is sent; or an upper bound that is enough, because serializing takes longer."""
    rest = {name: value for name, value in sent.items() if name not in ("frame", "parts", "lists")}
    lists = [(name, each.prefix, '{"order":[],"items":{}}') for name, each in drawn.rendering.lists.items()]
    bound = drawn.rendering.max_json_bytes + json_bytes([rest, lists])
    return bound if bound <= most else json_bytes(sent)


def _is_of(wanted: AuthorizedRead, seen: Seen) -> bool:
    """Return whether a View shows the widget that is read, with the same arguments: others have other lists."""
    return seen.tool == wanted.tool.name and seen.arguments == json_arguments(wanted.checked, with_defaults=True)


def _too_large(drawn: SharedRender, wanted: AuthorizedRead, size: int, most: int) -> ResultTooLargeError:
    """Return the error for a widget that is too large even in the smallest windows. It names the largest piece."""
    name, piece = max(drawn.rendering.pieces().items(), key=lambda each: len(each[1].html))
    largest, kind = json_bytes(piece.html), type(drawn.reading.widget).__name__
    where = f"{kind} of {wanted.tool.name}"
    if name == ROOT_ID or largest <= most // 2:
        what = f"{where}: what is left when each list shows one item"
        error = ResultTooLargeError(
            what, size, most, "Show fewer or shorter values, or split the widget into several tools."
        )
    else:
        what = f"{where}: the item {name[:MAX_INLINE_CHARACTERS]} alone"
        error = ResultTooLargeError(what, largest, most, "Shorten its values, or show it with a tool of its own.")
    logger.warning("%s", error)
    return error


def _sent(drawn: SharedRender, wanted: AuthorizedRead, call: ToolCall, tiles: frozenset[str] | None) -> dict[str, Any]:
    reading = drawn.reading
    revision = REVISIONS.text_of(reading.revision)
    arguments = for_scripts(reading.arguments)
    parts: dict[str, Any] = {"revision": revision, "tool": wanted.tool.name, "arguments": arguments}
    if reading.skipped and tiles is not None:
        parts["tiles"] = sorted(tiles)
    windows = {
        each.place: [each.start, each.window.length, each.total]
        for each in reading.found_lists or ()
        if not (each.is_whole and each.is_first)
    }
    if windows:
        parts["windows"] = windows
    return {**parts, **difference(drawn.rendering, call.seen, reading.skipped)}

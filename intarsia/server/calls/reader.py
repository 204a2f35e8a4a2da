"""Reads widgets for calls, and returns what changed compared to what the View shows."""

import json
import logging
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from pydantic import BaseModel

from intarsia.errors import ArgumentError, RefusedError
from intarsia.permissions import Grant, decide
from intarsia.server.catalog import Catalog
from intarsia.server.changes.access_watch import ACCESS_WATCH
from intarsia.server.changes.change_log import REVISIONS
from intarsia.server.rendering.load import AnyWidgetTool, Reading, WatchedTopics
from intarsia.server.rendering.shared_renders import RenderRequest, SharedRender
from intarsia.server.storage.drafts import save_draft
from intarsia.server.switches.positions import TURNED_OFF_NOTICES, Position
from intarsia.server.tools.arguments import check_arguments, values_of
from intarsia.server.tools.tool import Tool, WidgetTool
from intarsia.server.views.view_handles import shown_by
from intarsia.server.wire.diff import difference
from intarsia.server.wire.messages import LATER, PARTS, CallResponse, ToolCall, digest_of, problem_answer, refused
from intarsia.ui_templates.value_format import for_scripts

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class AuthorizedRead:
    """A widget that the caller is allowed to read."""

    tool: AnyWidgetTool
    checked: BaseModel
    arguments: Mapping[str, Any]
    """The arguments as they were sent."""

    @cached_property
    def digest(self) -> str:
        """The digest of the tool and of the arguments as they were sent."""
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

    async def read(
        self, wanted: AuthorizedRead, call: ToolCall, after: int | None = None
    ) -> tuple[Reading, dict[str, Any]]:
        """Read a widget for a call.

        Args:
            wanted: The widget.
            call: The call, with what its View shows.
            after: The reading must be newer than this revision; left out, it begins now.

        Returns:
            The reading, and what the View must be sent to show it.
        """
        key = _key(wanted, call)
        drawn = None if key is None else await self._catalog.renders.unfinished.take(key)
        tiles = call.seen.tiles if call.seen and call.seen.tool == wanted.tool.name else None
        if drawn is None:
            drawn = await self._read(wanted, call, after, tiles)
        return drawn.reading, _sent(drawn, wanted, call, tiles)

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
            answer.meta[PARTS] = _sent(drawn, wanted, call, None)
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
        return RenderRequest(tool, wanted.checked, wanted.digest, call.grant, store, self._catalog.rights, is_watched)


async def authorized_read(tool: AnyWidgetTool, arguments: Mapping[str, Any], grant: Grant) -> AuthorizedRead:
    """Validate the arguments of a widget tool, and authorize its caller.

    Raises:
        ArgumentError: The arguments are not valid for the tool.
        RefusedError: The caller may not call it.
    """
    return AuthorizedRead(tool, await authorized_arguments(tool, arguments, grant), arguments)


async def authorized_arguments(tool: Tool, arguments: Mapping[str, Any], grant: Grant) -> BaseModel:
    """Validate the arguments of a call, and authorize its caller.

    Raises:
        ArgumentError: The arguments are not valid for the tool.
        RefusedError: The caller may not call it.
    """
    checked = check_arguments(tool.model, arguments)
    decision = await decide(grant, tool, values_of(checked))
    if not decision.allowed:
        raise refused(decision)
    return checked


def _key(wanted: AuthorizedRead, call: ToolCall) -> Hashable | None:
    """Return the key of a View and its user. It includes the claims, because a function may show them."""
    if call.seen is None or not isinstance(call.handle, str):
        return None
    claims = json.dumps(dict(call.grant.claims), sort_keys=True, default=repr)
    return call.handle, wanted.digest, call.grant, claims


def _sent(drawn: SharedRender, wanted: AuthorizedRead, call: ToolCall, tiles: frozenset[str] | None) -> dict[str, Any]:
    reading = drawn.reading
    revision = REVISIONS.text_of(reading.revision)
    arguments = for_scripts(reading.arguments)
    parts: dict[str, Any] = {"revision": revision, "tool": wanted.tool.name, "arguments": arguments}
    if reading.skipped and tiles is not None:
        parts["tiles"] = sorted(tiles)
    return {**parts, **difference(drawn.rendering, call.seen, reading.skipped)}

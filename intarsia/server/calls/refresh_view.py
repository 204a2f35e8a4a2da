"""Refreshes open Views: waits for a change of the widget, and responds with the difference."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from intarsia.permissions import Grant
from intarsia.server.calls.long_poll import WITHDRAWN, WaitOutcome, wait_for_change
from intarsia.server.calls.reader import WidgetReader, authorized_read
from intarsia.server.catalog import Catalog
from intarsia.server.changes.change_log import REVISIONS
from intarsia.server.changes.reading_turn import READING_TURN
from intarsia.server.rendering.load import AnyWidgetTool, WatchedTopics
from intarsia.server.switches.positions import SWITCHED
from intarsia.server.tools.tool import WidgetTool
from intarsia.server.views.latest_view import LATEST_VIEWS, ViewOpening
from intarsia.server.views.view_handles import is_drawn_for, make_handle, opens, read_handle
from intarsia.server.wire.diff import Seen
from intarsia.server.wire.messages import PARTS, UNCHANGED, VIEW, CallResponse, ToolCall, problem_answer


class ViewRefresher:
    """Handles the refresh calls of open Views.

    Args:
        catalog: The tools of the connector.
        reader: Reads widgets.
    """

    def __init__(self, catalog: Catalog, reader: WidgetReader) -> None:
        self._catalog = catalog
        self._reader = reader

    async def refresh(self, call: ToolCall) -> CallResponse | None:
        """Read the widget of a View again, after a change or at the timeout of the long poll.

        Args:
            call: The refresh call.

        Returns:
            The response. `None` if the View was not opened with the widget that it names, or the widget is not visible
            to the user.

        Raises:
            ArgumentError: The arguments of the widget or of the poll are not valid.
            RefusedError: The user may not read the widget, or too many others read theirs (`BusyError`).
        """
        seen = call.seen
        is_its_own = seen and call.view and opens(call.view, seen.tool, seen.arguments)
        if seen and (off := await self._wait_while_off(call, seen)):
            return off
        tool = self._catalog.offered(seen.tool, call.grant) if seen else None
        if seen is None or not is_its_own or not isinstance(tool, WidgetTool):
            return None
        seen = replace(seen, revision=REVISIONS.own_revision(seen.revision_text))
        shown = cast("AnyWidgetTool", tool)
        wanted = await authorized_read(shown, seen.arguments, call.grant)
        opening = LATEST_VIEWS.of_view(call)
        if superseded := LATEST_VIEWS.superseded(opening):
            return superseded
        topics = opening.wakes(await self._reader.topics(wanted, call, seen.revision))
        # A widget that was rendered for other permissions is read at once: it may show too much or too little.
        is_true = is_drawn_for(call.view, call.grant)
        seconds = call.arguments.get("wait_seconds") if is_true and seen.frame else 0
        wait = await wait_for_change(topics, seen.revision, seconds, call.grant)
        async with READING_TURN.get()():
            return await self._answer(call, shown, seen, opening, wait)

    async def _answer(
        self, call: ToolCall, shown: AnyWidgetTool, seen: Seen, opening: ViewOpening, wait: WaitOutcome
    ) -> CallResponse:
        """Read the widget after the wait, and return what is different from what the View shows."""
        if wait.grant is None:
            return problem_answer("refused", WITHDRAWN)
        call = self._for(call, wait.grant)
        if rests := self._reader.turned_off(call) or LATEST_VIEWS.superseded(opening):
            return rests
        wanted = await authorized_read(
            shown, seen.arguments, call.grant
        )  # again: the rule may decide otherwise after the wait
        is_true = is_drawn_for(call.view, call.grant)
        tiles = wait.tiles(seen.tiles) if is_true else None
        newer_than = max(seen.revision, wait.changed_at) if is_true else None
        call = replace(call, seen=replace(seen, tiles=tiles))
        drawn = await self._reader.read(wanted, call, newer_than)
        reading, parts = drawn.reading, await self._reader.parts(drawn, wanted, call)
        is_changed = not parts.keys().isdisjoint(("frame", "parts", "lists"))
        told = {PARTS: parts} if is_changed else {UNCHANGED: _without_place(parts)}
        answer = CallResponse("Changed." if is_changed else "Unchanged.", meta=told, is_measured=True)
        if is_changed or not is_true or opening.is_new:
            signer = self._catalog.signer
            answer.meta[VIEW] = make_handle(signer, call.grant, shown.name, reading.arguments, opening.sealed)
        return answer

    def _for(self, call: ToolCall, grant: Grant) -> ToolCall:
        """Return a call with the permissions that its user has after the wait."""
        return replace(call, grant=grant, view=read_handle(self._catalog.signer, grant, call.handle))

    async def _wait_while_off(self, call: ToolCall, seen: Seen) -> CallResponse | None:
        """Return the response to a View whose widget an admin turned off, or `None` if it is on.

        A View without a frame already shows that notice, so the response waits until a switch changes.
        """
        revision = REVISIONS.next()
        off = self._reader.turned_off(call)
        if off is None or seen.frame:
            return off
        nothing = WatchedTopics(frozenset({SWITCHED}), {})
        wait = await wait_for_change(nothing, revision, call.arguments.get("wait_seconds"), call.grant)
        return problem_answer("refused", WITHDRAWN) if wait.grant is None else self._reader.turned_off(call)


def _without_place(parts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parts.items() if name not in ("tool", "arguments")}

"""Handles tool calls, from arguments to response (`docs/on-the-wire.md`). Independent of MCP and HTTP."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from intarsia.errors import (
    ArgumentError,
    RefusedError,
    ResultTooLargeError,
    SaveError,
    UnsupportedValueError,
    near_miss,
)
from intarsia.permissions import Grant, decide_without_arguments
from intarsia.server.calls.reader import WidgetReader, authorized_arguments, authorized_read
from intarsia.server.calls.refresh_view import ViewRefresher
from intarsia.server.calls.run_action import ActionRunner
from intarsia.server.catalog import Catalog
from intarsia.server.changes.change_log import REVISIONS
from intarsia.server.rendering.load import AnyWidgetTool
from intarsia.server.storage.drafts import checked_draft, save_draft
from intarsia.server.storage.wait_budget import one_wait_budget
from intarsia.server.switches.positions import TEXT_ONLY_NOTICE
from intarsia.server.tools.arguments import json_arguments
from intarsia.server.tools.tool import ActionTool, WidgetTool
from intarsia.server.views.idempotency import checked_keys
from intarsia.server.views.latest_view import LATEST_VIEWS
from intarsia.server.views.view_handles import make_handle, read_handle
from intarsia.server.wire.messages import (
    ACCESS_TOOL,
    APPLIED,
    DONE,
    DRAFT_TOOL,
    PARTS,
    PROBLEM,
    VIA,
    VIEW,
    VIEW_TOOL,
    CallResponse,
    ToolCall,
    done_answer,
    problem_answer,
    read_call,
    refusal,
    refused,
    within,
)
from intarsia.server.wire.size import result_bytes
from intarsia.ui_templates.text_markdown import paragraphs
from intarsia.ui_templates.value_format import for_scripts
from intarsia.widgets import Done

logger = logging.getLogger(__name__)

MORE_FOR_VIEW = "More of the list, for the View."
"""The text of a response that a View asked for to show more of a list."""


class CallHandler:
    """Handles calls of the tools of one connector and of the connectors included in it.

    Args:
        catalog: The tools of the connector.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._reader = WidgetReader(catalog)
        self._actions = ActionRunner(catalog, self._reader)
        self._views = ViewRefresher(catalog, self._reader)

    async def answer(
        self, name: str, arguments: Mapping[str, Any], meta: Mapping[str, Any], grant: Grant
    ) -> CallResponse:
        """Handle one tool call.

        Errors of the caller, and exceptions of the author's functions, become error responses; they are not raised.

        Args:
            name: The name of the tool.
            arguments: The arguments as they were sent.
            meta: The `_meta` of the request.
            grant: The permissions of the caller.

        Returns:
            The response.
        """
        with one_wait_budget():
            return await self._answer(name, read_call(arguments, meta, grant))

    async def _answer(self, name: str, call: ToolCall) -> CallResponse:
        grant = call.grant
        call.view = read_handle(self._catalog.signer, grant, call.handle)
        try:
            answer = await self._dispatch(name, call)
            await self._tell_applied(answer, call)
        except (ArgumentError, RefusedError, ResultTooLargeError) as error:
            answer = refusal(error)
            await self._actions.note(name, call, error)
        except UnsupportedValueError as error:
            logger.warning("The call of %r has a value that cannot be shown.", name, exc_info=True)
            answer = problem_answer("invalid", str(error))  # trying again would not help
        except SaveError as error:
            logger.error("The call of %r could not be saved: %s", name, error)  # noqa: TRY400 - the disk, not the code
            answer = problem_answer("failed", "This could not be saved. Nothing was changed; try again later.")
        except Exception:
            # The details go to the log only: an exception's text may contain data of other users.
            logger.exception("The call of %r failed.", name)
            message = "Something went wrong on the server. Nothing more is known here; try again."
            answer = problem_answer("failed", message)
        if call.via:
            answer.meta[VIA] = call.via
        answer = within(answer, name, self._catalog.max_result_bytes)
        if name in self._catalog.tools:
            self._catalog.counts.note(name, answer.meta.get(PROBLEM, {}).get("kind"))
        return answer

    async def _tell_applied(self, answer: CallResponse, call: ToolCall) -> None:
        """Add which of the actions took effect whose responses the View did not get."""
        keys = checked_keys(call.unanswered)
        if not keys:
            return
        stores = {id(owner.results): owner.results for owner in self._catalog.owners.values()}
        try:
            applied = [await results.applied(call.grant.person, keys) for results in stores.values()]
        except Exception as error:  # noqa: BLE001 - the call itself was answered, and the View asks again
            logger.warning("Which actions took effect could not be read: %s", type(error).__name__)
            return
        if found := frozenset[str]().union(*applied):
            answer.meta[APPLIED] = sorted(found)

    async def _dispatch(self, name: str, call: ToolCall) -> CallResponse:
        tool = self._catalog.offered(name, call.grant)
        is_from_view = call.view is not None
        if is_from_view and name != VIEW_TOOL and (off := self._reader.turned_off(call)):
            return off
        if name == DRAFT_TOOL and is_from_view:
            return await self._keep_draft(call)
        if name == ACCESS_TOOL and is_from_view:
            return await self._ask_access(call)
        if name == VIEW_TOOL and is_from_view:
            return await self._views.refresh(call) or self._unknown(name, call.grant)
        if isinstance(tool, WidgetTool):
            return await self._show(cast("AnyWidgetTool", tool), call)
        may_act = is_from_view or self._catalog.switches.positions.allows_model_actions(call.grant)
        if isinstance(tool, ActionTool) and (is_from_view or not tool.is_app_only) and may_act:
            return await self._actions.act(cast("ActionTool[..., Any]", tool), call)
        return self._unknown(name, call.grant)

    def _unknown(self, name: str, grant: Grant) -> CallResponse:
        # Tools for Views alone do not exist for other callers, so they are no suggestions for a mistyped name either.
        tools = self._catalog.tools
        known = {tool for tool in tools if (found := self._catalog.offered(tool, grant)) and not found.is_app_only}
        return problem_answer("unknown_tool", f"There is no such tool.{near_miss(name, known)}")

    async def _ask_access(self, call: ToolCall) -> CallResponse:
        name = call.arguments.get("tool")
        tool = self._catalog.offered(name, call.grant) if isinstance(name, str) else None
        if tool is None or set(call.arguments) != {"tool"}:
            return self._unknown(str(name), call.grant)
        decision = decide_without_arguments(call.grant, tool)
        done = Done(f"{tool.title} is open to you.")
        answer = done_answer(done) if decision.allowed else refusal(refused(decision))
        return await self._reader.add_true_widget(answer, tool, call)

    async def _show(self, tool: AnyWidgetTool, call: ToolCall) -> CallResponse:
        arguments, page = tool.with_page(call.arguments)
        wanted = await authorized_read(tool, arguments, call.grant)
        given = wanted.arguments
        opening = LATEST_VIEWS.of_reading(call, tool.name, given)
        drawn = await self._reader.read(wanted, call)
        reading = drawn.reading
        shows_widget = self._catalog.switches.positions.shows_widget(tool.name, call.grant)
        # A View that asks for more of a list shows no text.
        is_for_text = call.wanted_window is None or not shows_widget
        text = await self._reader.text(drawn, wanted, call, page) if is_for_text else MORE_FOR_VIEW
        if not shows_widget:
            return CallResponse(f"{text}\n\n{TEXT_ONLY_NOTICE}")
        structured = {
            "tool": tool.name,
            "arguments": for_scripts(reading.arguments),
            "revision": REVISIONS.text_of(reading.revision),
        }
        try:
            parts = await self._reader.parts(drawn, wanted, call, result_bytes(text, structured, {}))
        except ResultTooLargeError as error:
            answer = refusal(error)
            # A model can read the text of a widget that is too large to be shown.
            return answer if call.view else replace(answer, text=f"{paragraphs(str(error))}\n\n{text}")
        answer = CallResponse(text, structured, {PARTS: parts}, is_measured=True)
        handle = make_handle(self._catalog.signer, call.grant, tool.name, reading.arguments, opening.sealed)
        if handle is not None:
            answer.meta[VIEW] = handle
        return answer

    async def _keep_draft(self, call: ToolCall) -> CallResponse:
        name, arguments, values = checked_draft(call.arguments)
        tool = self._catalog.offered(name, call.grant)
        if not isinstance(tool, WidgetTool) or not cast("AnyWidgetTool", tool).widget_type.can_keep_draft:
            message = "intarsia_draft: there is no design panel with that tool."
            raise ArgumentError(message)
        shown = cast("AnyWidgetTool", tool)
        checked = json_arguments(await authorized_arguments(shown, arguments, call.grant), with_defaults=True)
        await save_draft(self._catalog.owners[name].store, call.grant.person, name, checked, values)
        return CallResponse("Draft kept." if values else "Draft forgotten.", meta={DONE: {"message": ""}})

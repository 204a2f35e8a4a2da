"""One call, from its arguments to its answer (`docs/on-the-wire.md`). Knows tools and the store, and no protocol."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from secrets import token_hex
from typing import Any, Protocol, cast

from pydantic import BaseModel

from intarsia.errors import ArgumentError, RefusedError, StoreError, ToolError, near_miss
from intarsia.permissions import Grant, decide_without_arguments, is_offered
from intarsia.server.audit.log import AuditEntry, AuditLog
from intarsia.server.calls.long_poll import WITHDRAWN, wait_for_change
from intarsia.server.calls.reader import WidgetReader, authorized_arguments, authorized_read
from intarsia.server.changes.change_log import CHANGE_LOG, REVISIONS
from intarsia.server.rendering.control_permissions import Rights, would_allow
from intarsia.server.rendering.load import AnyWidgetTool, WatchedTopics
from intarsia.server.rendering.shared_renders import SharedRenders
from intarsia.server.rendering.text_form import text_answer
from intarsia.server.storage.call_counts import CallCounts
from intarsia.server.storage.drafts import checked_draft, save_draft
from intarsia.server.storage.store import Store
from intarsia.server.switches.positions import NO_ACTIONS, NO_VIEW, SWITCHED, TURNED_OFF, Position, Positions
from intarsia.server.switches.service import Switches
from intarsia.server.tools.arguments import filled, json_arguments, values_of
from intarsia.server.tools.questions import question_for
from intarsia.server.tools.tool import ActionTool, Tool, WidgetTool
from intarsia.server.views.confirmations import check_confirmation, make_confirmation
from intarsia.server.views.idempotency import (
    CURRENT_CALL,
    AlreadyAppliedError,
    IdempotentCall,
    ResultStore,
    checked_key,
)
from intarsia.server.views.latest_view import LATEST_VIEWS
from intarsia.server.views.view_handles import Signer, is_drawn_for, is_handle, make_handle, opens, shown_by
from intarsia.server.wire.diff import Seen
from intarsia.server.wire.messages import (
    ACCESS_TOOL,
    CONFIRM,
    DONE,
    DRAFT_TOOL,
    PARTS,
    PROBLEM,
    UNCHANGED,
    VIA,
    VIEW,
    VIEW_TOOL,
    CallResponse,
    ToolCall,
    digest_of,
    done_answer,
    problem_answer,
    read_call,
    refusal,
    refused,
    replayed,
)
from intarsia.widgets import DesignPanel, Done

logger = logging.getLogger(__name__)

AnyActionTool = ActionTool[...]


class ToolOwner(Protocol):
    """The connector that a tool belongs to, with its store."""

    @property
    def store(self) -> Store:
        """Where keys and drafts are kept."""
        ...

    @property
    def answers(self) -> ResultStore:
        """The first answers of actions."""
        ...

    @property
    def audit(self) -> AuditLog:
        """Where it is written down who did what."""
        ...


class CallHandler:
    """Answers calls of the tools of one connector and of those included in it."""

    def __init__(
        self,
        tools: Mapping[str, Tool],
        owners: Mapping[str, ToolOwner],
        signer: Signer,
        switches: Switches,
        readings: SharedRenders,
        counts: CallCounts,
    ) -> None:
        self._tools = tools
        self._owners = owners
        self.signer = signer
        self._switches = switches
        self._counts = counts
        self._shows = WidgetReader(owners, readings, lambda: self._rights)

    @property
    def _rights(self) -> Rights:
        return Rights(self._tools, self._switches.positions)

    @property
    def _positions(self) -> Positions:
        return self._switches.positions

    async def answer(
        self, name: str, arguments: Mapping[str, Any], meta: Mapping[str, Any], grant: Grant
    ) -> CallResponse:
        """Answer one call of somebody. Never raises for what a caller or a developer's function did."""
        call = read_call(arguments, meta, grant)
        try:
            answer = await self._dispatch(name, call)
        except (ArgumentError, RefusedError) as error:
            answer = refusal(error)
            await self._note(name, call, error)
        except Exception:
            logger.exception("The call of %r failed.", name)
            message = "Something went wrong on the server. Nothing more is known here; try again."
            answer = problem_answer("failed", message)
        if call.via:
            answer.meta[VIA] = call.via
        if name in self._tools:
            self._counts.note(name, answer.meta.get(PROBLEM, {}).get("kind"))
        return answer

    async def _dispatch(self, name: str, call: ToolCall) -> CallResponse:
        tool = self._offered(name, call.grant)
        is_from_view = is_handle(self.signer, call.grant, call.handle)
        if is_from_view and name != VIEW_TOOL and (off := self._turned_off(call)):
            return off
        if name == DRAFT_TOOL and is_from_view:
            return await self._keep_draft(call)
        if name == ACCESS_TOOL and is_from_view:
            return await self._ask_access(call)
        if name == VIEW_TOOL and is_from_view:
            return await self._refresh(call)
        if isinstance(tool, WidgetTool):
            return await self._show(cast("AnyWidgetTool", tool), call)
        may_act = is_from_view or self._positions.lets_models_act(call.grant)
        if isinstance(tool, ActionTool) and (is_from_view or not tool.is_app_only) and may_act:
            return await self._act(tool, call)
        return self._unknown(name, call.grant)

    def _turned_off(self, call: ToolCall) -> CallResponse | None:
        """Return what to answer to the View of a widget that an admin turned off since it was shown."""
        shown = shown_by(self.signer, call.grant, call.handle, self._tools)
        position = self._positions.of_tool(shown, call.grant) if shown else Position.ON
        return None if position is Position.ON else problem_answer("off", TURNED_OFF[position])

    def _offered(self, name: str, grant: Grant) -> Tool | None:
        """Return a tool that somebody gets to know of."""
        tool = self._tools.get(name)
        return tool if tool and is_offered(grant, tool) and self._positions.is_there(name, grant) else None

    def _unknown(self, name: str, grant: Grant) -> CallResponse:
        # What only a View may call is not there for anybody else, not even as something that was nearly meant.
        known = {tool for tool in self._tools if (found := self._offered(tool, grant)) and not found.is_app_only}
        return problem_answer("unknown_tool", f"There is no such tool.{near_miss(name, known)}")

    async def _ask_access(self, call: ToolCall) -> CallResponse:
        name = call.arguments.get("tool")
        tool = self._offered(name, call.grant) if isinstance(name, str) else None
        if tool is None or set(call.arguments) != {"tool"}:
            return self._unknown(str(name), call.grant)
        decision = decide_without_arguments(call.grant, tool)
        done = Done(f"{tool.title} is open to you.")
        answer = done_answer(done) if decision.allowed else refusal(refused(decision))
        return await self._with_true_widget(tool, answer, call)

    async def _show(self, tool: AnyWidgetTool, call: ToolCall) -> CallResponse:
        arguments = dict(call.arguments)
        page = arguments.pop("text_page", 1)
        if not isinstance(page, int) or isinstance(page, bool) or page < 1:
            message = "text_page must be a whole number from 1."
            raise ArgumentError(message)
        wanted = await authorized_read(tool, arguments, call.grant)
        given = json_arguments(wanted.checked, with_defaults=False)
        opening = LATEST_VIEWS.of_reading(self.signer, call, tool.name, given)
        reading, parts = await self._shows.read(wanted, call)
        if not self._positions.shows(tool.name, call.grant):
            return CallResponse(f"{text_answer(reading.widget, tool.name, given, page)}\n\n{NO_VIEW}")
        structured = {"tool": tool.name, "arguments": reading.arguments, "revision": reading.revision}
        answer = CallResponse(text_answer(reading.widget, tool.name, given, page), structured, {PARTS: parts})
        handle = make_handle(self.signer, call.grant, tool.name, reading.arguments, opening.sealed)
        if handle is not None:
            answer.meta[VIEW] = handle
        return answer

    async def _refresh(self, call: ToolCall) -> CallResponse:
        """Read again what a View shows, as soon as something of it changes or it has waited long enough."""
        seen = call.seen
        is_its_own = seen and opens(self.signer, call.grant, call.handle, seen.tool, seen.arguments)
        if seen and (off := await self._wait_while_off(call, seen)):
            return off
        tool = self._offered(seen.tool, call.grant) if seen else None
        if seen is None or not is_its_own or not isinstance(tool, WidgetTool):
            return self._unknown(VIEW_TOOL, call.grant)
        REVISIONS.follow(seen.revision)
        shown = cast("AnyWidgetTool", tool)
        wanted = await authorized_read(shown, seen.arguments, call.grant)
        opening = LATEST_VIEWS.of_view(self.signer, call)
        if superseded := LATEST_VIEWS.superseded(opening):
            return superseded
        topics = opening.wakes(await self._shows.topics(wanted, call, seen.revision))
        # What was drawn for other permissions is read at once.
        is_true = is_drawn_for(self.signer, call.grant, call.handle)
        seconds = call.arguments.get("wait_seconds") if is_true and seen.frame else 0
        wait = await wait_for_change(topics, seen.revision, seconds, call.grant)
        if wait.grant is None:
            return problem_answer("refused", WITHDRAWN)
        if rests := self._turned_off(replace(call, grant=wait.grant)) or LATEST_VIEWS.superseded(opening):
            return rests
        call = replace(call, grant=wait.grant)
        wanted = await authorized_read(
            shown, seen.arguments, call.grant
        )  # what a rule goes by may have changed meanwhile
        is_true = is_drawn_for(self.signer, call.grant, call.handle)
        tiles = wait.tiles(seen.tiles) if is_true else None
        newer_than = max(seen.revision, wait.changed_at) if is_true else None
        reading, parts = await self._shows.read(wanted, replace(call, seen=replace(seen, tiles=tiles)), newer_than)
        is_changed = not parts.keys().isdisjoint(("frame", "parts", "lists"))
        told = {PARTS: parts} if is_changed else {UNCHANGED: _without_place(parts)}
        answer = CallResponse("Changed." if is_changed else "Unchanged.", meta=told)
        if is_changed or not is_true or opening.is_new:
            answer.meta[VIEW] = make_handle(self.signer, call.grant, shown.name, reading.arguments, opening.sealed)
        return answer

    async def _wait_while_off(self, call: ToolCall, seen: Seen) -> CallResponse | None:
        """Answer a View whose widget is off; if it says so already, by showing no frame, when that changes."""
        revision = REVISIONS.next()
        off = self._turned_off(call)
        if off is None or seen.frame:
            return off
        nothing = WatchedTopics(frozenset({SWITCHED}), {})
        wait = await wait_for_change(nothing, revision, call.arguments.get("wait_seconds"), call.grant)
        return problem_answer("refused", WITHDRAWN) if wait.grant is None else self._turned_off(call)

    async def _act(self, tool: AnyActionTool, call: ToolCall) -> CallResponse:
        try:
            answer = await self._act_once(tool, call)
        except (ArgumentError, RefusedError) as error:
            answer = refusal(error)
            await self._note(tool.name, call, error)
        except Exception as error:
            logger.exception("The action %r failed.", tool.name)
            await self._note(tool.name, call, error)
            answer = problem_answer("failed", f"{tool.title} did not work: something went wrong on the server.")
        if CONFIRM in answer.meta:
            return answer
        await self._withdraw_undo(answer, call.grant)
        return await self._with_true_widget(tool, answer, call)

    async def _withdraw_undo(self, answer: CallResponse, grant: Grant) -> None:
        """Offer no Undo that would be refused to this person now, whenever it was made."""
        done = answer.meta.get(DONE, {})
        undo = done.get("undo")
        if undo and not await would_allow(grant, self._rights, undo["tool"], undo["arguments"]):
            answer.meta[DONE] = {name: value for name, value in done.items() if name != "undo"}

    async def _act_once(self, tool: AnyActionTool, call: ToolCall) -> CallResponse:
        if not self._positions.lets_people_act(call.grant) and is_handle(self.signer, call.grant, call.handle):
            raise RefusedError(NO_ACTIONS)
        checked = await authorized_arguments(tool, call.arguments, call.grant)
        try:
            key = checked_key(call.key)
        except StoreError as error:
            raise ArgumentError(str(error)) from None
        answers = self._owners[tool.name].answers
        once = IdempotentCall(
            call.grant.person, key, digest_of(tool.name, call.arguments), entry=self._entry(tool.name, call)
        )
        if key is None and tool.question is None:
            answer = done_answer(await self._run(tool, checked, call, once))
            await answers.note(once)
            return answer
        # The use of a confirmation is written with a key, so a call without one gets one that nobody else has.
        once.key = key or token_hex(16)
        async with answers.lock(once):
            first = await answers.find(once)
            if first is not None:
                return replayed(first)
            if tool.question is None:
                return await self._apply(tool, checked, call, once)
            return await self._act_if_confirmed(tool, checked, call, once)

    async def _apply(
        self, tool: AnyActionTool, checked: BaseModel, call: ToolCall, once: IdempotentCall
    ) -> CallResponse:
        answers = self._owners[tool.name].answers
        try:
            answer = done_answer(await self._run(tool, checked, call, once))
            await answers.keep(once, answer.meta[DONE])
        except AlreadyAppliedError:
            return replayed(await answers.find(once) or {})
        return answer

    async def _act_if_confirmed(
        self, tool: AnyActionTool, checked: BaseModel, call: ToolCall, once: IdempotentCall
    ) -> CallResponse:
        if call.confirmation is None or not is_handle(self.signer, call.grant, call.handle):
            return self._question(tool, checked, call)
        once.confirmation = check_confirmation(self.signer, call.grant, tool.name, call.arguments, call.confirmation)
        answers = self._owners[tool.name].answers
        async with answers.lock_confirmation(once.confirmation):
            await answers.check_unused(once.confirmation)
            return await self._apply(tool, checked, call, once)

    def _question(self, tool: AnyActionTool, checked: BaseModel, call: ToolCall) -> CallResponse:
        """Ask, and change nothing. Only a View gets what a yes brings back."""
        answer = problem_answer("refused", f"{tool.title} was not done: a person must confirm it in the widget.")
        if is_handle(self.signer, call.grant, call.handle):
            answer.meta[CONFIRM] = {
                "question": question_for(tool.question or "", values_of(checked)),
                "confirmation": make_confirmation(self.signer, call.grant, tool.name, call.arguments),
                "label": tool.title,
            }
        return answer

    def _entry(self, name: str, call: ToolCall, result: str = "done") -> AuditEntry:
        """Return what the audit log says of a call."""
        by = "view" if is_handle(self.signer, call.grant, call.handle) else "model"
        digest = self._owners[name].audit.digest(name, call.arguments)
        version = str(call.arguments.get("version", ""))
        return AuditEntry("action", call.grant.person, call.grant.client, by, name, digest, result, version)

    async def _note(self, name: str, call: ToolCall, error: Exception) -> None:
        """Write down that somebody was refused what they know of, or that it failed."""
        if self._offered(name, call.grant) and not isinstance(error, ArgumentError):
            why = f"refused: {error}" if isinstance(error, RefusedError) else "failed"
            await self._owners[name].audit.refuse(self._entry(name, call, why))

    async def _run(self, tool: AnyActionTool, checked: BaseModel, call: ToolCall, once: IdempotentCall) -> Done:
        token = CURRENT_CALL.set(once)
        try:
            done = await tool.run(checked, call.grant)
        finally:
            CURRENT_CALL.reset(token)
        if not isinstance(done, Done):
            message = f"{tool.name} returned {type(done).__name__}, not Done; what it changed stays changed."
            raise ToolError(message)
        call.acted_at = REVISIONS.next()  # what is read from here on, for whomever, shows what was done
        CHANGE_LOG.publish(filled(tool.changes, values_of(checked)))
        return done

    async def _with_true_widget(self, action: Tool, answer: CallResponse, call: ToolCall) -> CallResponse:
        """Add what changed of the widget that the View shows, read under the caller's own rights."""
        tool = self._offered(call.seen.tool, call.grant) if call.seen else None
        if not isinstance(tool, WidgetTool) or not self._positions.shows(tool.name, call.grant):
            return answer
        done = None if answer.is_error else action.name
        return await self._shows.add_true_widget(answer, cast("AnyWidgetTool", tool), call, done)

    async def _keep_draft(self, call: ToolCall) -> CallResponse:
        name, arguments, values = checked_draft(call.arguments)
        tool = self._offered(name, call.grant)
        if not isinstance(tool, WidgetTool) or not issubclass(cast("AnyWidgetTool", tool).widget_type, DesignPanel):
            message = "intarsia_draft: there is no design panel with that tool."
            raise ArgumentError(message)
        shown = cast("AnyWidgetTool", tool)
        checked = json_arguments(await authorized_arguments(shown, arguments, call.grant), with_defaults=True)
        await save_draft(self._owners[name].store, call.grant.person, name, checked, values)
        return CallResponse("Draft kept." if values else "Draft forgotten.", meta={DONE: {"message": ""}})


def _without_place(parts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parts.items() if name not in ("tool", "arguments")}

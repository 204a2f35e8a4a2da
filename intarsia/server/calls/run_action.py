"""Runs actions: idempotently, after a confirmation if they are destructive, and with a row in the audit log."""

import logging
from secrets import token_hex
from typing import Any

from pydantic import BaseModel

from intarsia.errors import (
    ArgumentError,
    BusyError,
    RefusedError,
    ResultTooLargeError,
    SaveError,
    StoreError,
    ToolError,
)
from intarsia.permissions import Grant
from intarsia.server.audit.log import AuditEntry
from intarsia.server.calls.reader import WidgetReader, authorize
from intarsia.server.catalog import Catalog
from intarsia.server.changes.change_log import CHANGE_LOG, REVISIONS
from intarsia.server.rendering.control_permissions import would_allow
from intarsia.server.switches.positions import ACTIONS_OFF_NOTICE
from intarsia.server.tools.arguments import check_arguments, filled, json_arguments, values_of
from intarsia.server.tools.questions import question_for
from intarsia.server.tools.tool import ActionTool
from intarsia.server.views.confirmations import check_confirmation, make_confirmation
from intarsia.server.views.idempotency import CURRENT_CALL, AlreadyAppliedError, IdempotentCall, checked_key
from intarsia.server.views.results import find_in
from intarsia.server.wire.messages import (
    CONFIRM,
    DONE,
    PROBLEM,
    CallResponse,
    ToolCall,
    digest_of,
    done_answer,
    problem_answer,
    refusal,
    replayed,
    stored_answer,
)
from intarsia.widgets import Done

logger = logging.getLogger(__name__)

AnyActionTool = ActionTool[..., Any]


class UnfinishedError(ToolError):
    """An action failed after it had stored a change.

    Args:
        tool: The name of the action.
    """

    def __init__(self, tool: str) -> None:
        super().__init__(f"{tool} failed after a part of it was stored.")


class ActionRunner:
    """Handles calls of actions.

    Args:
        catalog: The tools of the connector.
        reader: Reads the updated widget after an action.
    """

    def __init__(self, catalog: Catalog, reader: WidgetReader) -> None:
        self._catalog = catalog
        self._reader = reader

    async def act(self, tool: AnyActionTool, call: ToolCall) -> CallResponse:
        """Run an action that is visible to the caller, and respond with the updated widget.

        Errors become error responses; they are not raised.

        Args:
            tool: The action.
            call: The call.
        """
        try:
            answer = await self._act_once(tool, call)
        except (ArgumentError, RefusedError) as error:
            answer = refusal(error)
            await self.note(tool.name, call, error)
        except SaveError as error:
            logger.error("The action %r was not done: %s", tool.name, error)  # noqa: TRY400 - the disk, not the code
            await self.note(tool.name, call, error)
            answer = problem_answer("failed", f"{tool.title} was not done: it could not be saved. Nothing was changed.")
            answer.meta[PROBLEM]["retryable"] = True
        except UnfinishedError as error:
            logger.exception("The action %r is unfinished.", tool.name)
            await self.note(tool.name, call, error)
            reason = f"{tool.title} was done only in part: something went wrong on the server."
            answer = problem_answer("failed", f"{reason} Look at what has changed before you try again.")
        except Exception as error:
            logger.exception("The action %r failed.", tool.name)
            await self.note(tool.name, call, error)
            answer = problem_answer("failed", f"{tool.title} did not work: something went wrong on the server.")
        if CONFIRM in answer.meta:
            return answer
        await self._withdraw_undo(answer, call.grant)
        return await self._reader.add_true_widget(answer, tool, call)

    async def note(self, name: str, call: ToolCall, error: Exception) -> None:
        """Write an audit row for a refused or failed call; none for invalid arguments or tools that are not visible."""
        if self._catalog.offered(name, call.grant) and not isinstance(error, ArgumentError | ResultTooLargeError):
            why = f"refused: {error}" if isinstance(error, RefusedError) else "failed"
            await self._catalog.owners[name].audit.write_refusal(self._entry(name, call, why))

    def _entry(self, name: str, call: ToolCall, result: str = "done") -> AuditEntry:
        """Return the audit entry of a call."""
        by = "view" if call.view else "model"
        digest = self._catalog.owners[name].audit.digest(name, call.arguments)
        version = str(call.arguments.get("version", ""))
        return AuditEntry("action", call.grant.person, call.grant.client, by, name, digest, result, version)

    async def _withdraw_undo(self, answer: CallResponse, grant: Grant) -> None:
        """Remove the undo from a response, which may be a stored one, if the user may not run it now."""
        done = answer.meta.get(DONE, {})
        undo = done.get("undo")
        if undo and not await would_allow(grant, self._catalog.rights, undo["tool"], undo["arguments"]):
            answer.meta[DONE] = {name: value for name, value in done.items() if name != "undo"}

    async def _act_once(self, tool: AnyActionTool, call: ToolCall) -> CallResponse:
        positions = self._catalog.switches.positions
        if call.view and not (positions.all_on or positions.allows_user_actions(call.grant)):
            raise RefusedError(ACTIONS_OFF_NOTICE)
        checked = check_arguments(tool.model, call.arguments)
        # From here on equal calls are equal, however the client wrote them: for keys, confirmations and the audit log.
        call.arguments = json_arguments(checked, with_defaults=False)
        await authorize(tool, checked, call.grant)
        try:
            key = checked_key(call.key)
        except StoreError as error:
            raise ArgumentError(str(error)) from None
        results = self._catalog.owners[tool.name].results
        results.check_memory()
        once = IdempotentCall(
            call.grant.person, key, digest_of(tool.name, call.arguments), entry=self._entry(tool.name, call)
        )
        if key is None and tool.question is None:
            return await self._apply(tool, checked, call, once)
        # The use of a confirmation is stored under a key, so a call without a key gets a random one.
        once.key = key or token_hex(16)
        async with results.lock(once):
            first = await results.find(once)
            if first is not None:
                return replayed(first)
            if tool.question is None:
                return await self._apply(tool, checked, call, once)
            return await self._act_if_confirmed(tool, checked, call, once)

    async def _apply(
        self, tool: AnyActionTool, checked: BaseModel, call: ToolCall, once: IdempotentCall
    ) -> CallResponse:
        results = self._catalog.owners[tool.name].results
        try:
            answer = await self._run(tool, checked, call, once)
            await results.keep(once, answer.meta[DONE])
        except AlreadyAppliedError as error:
            return replayed(await find_in(error.store, once) or {})
        return answer

    async def _act_if_confirmed(
        self, tool: AnyActionTool, checked: BaseModel, call: ToolCall, once: IdempotentCall
    ) -> CallResponse:
        if call.confirmation is None or call.view is None:
            return self._question(tool, checked, call)
        signer, results = self._catalog.signer, self._catalog.owners[tool.name].results
        once.confirmation = check_confirmation(signer, call.grant, tool.name, call.arguments, call.confirmation)
        async with results.lock_confirmation(once.confirmation):
            await results.check_unused(once.confirmation)
            return await self._apply(tool, checked, call, once)

    def _question(self, tool: AnyActionTool, checked: BaseModel, call: ToolCall) -> CallResponse:
        """Return the question for the user. Only a View gets the confirmation token, so a model cannot confirm."""
        answer = problem_answer("refused", f"{tool.title} was not done: a person must confirm it in the widget.")
        if call.view:
            answer.meta[CONFIRM] = {
                "question": question_for(tool.question or "", values_of(checked)),
                "confirmation": make_confirmation(self._catalog.signer, call.grant, tool.name, call.arguments),
                "label": tool.title,
            }
        return answer

    async def _run(self, tool: AnyActionTool, checked: BaseModel, call: ToolCall, once: IdempotentCall) -> CallResponse:
        """Run the function, and return the true answer, also where the function fails after its change is stored."""
        try:
            return done_answer(await self._call(tool, checked, call, once))
        except AlreadyAppliedError:
            raise
        except Exception as error:
            if stored := once.stored_answer:
                logger.exception("The action %r failed after its change and its answer were stored.", tool.name)
                return stored_answer(stored)
            if once.written_to and (isinstance(error, BusyError) or not isinstance(error, RefusedError)):
                raise UnfinishedError(tool.name) from error
            raise
        finally:
            if once.written_to:
                self._publish(tool, checked, call)

    async def _call(self, tool: AnyActionTool, checked: BaseModel, call: ToolCall, once: IdempotentCall) -> Done:
        token = CURRENT_CALL.set(once)
        try:
            done = await tool.run(checked, call.grant)
        finally:
            CURRENT_CALL.reset(token)
        if not isinstance(done, Done):
            message = f"{tool.name} returned {type(done).__name__}, not Done; what it changed stays changed."
            raise ToolError(message)
        if not once.written_to:  # it changed something elsewhere; its own changes are published where it ends
            self._publish(tool, checked, call)
        return done

    def _publish(self, tool: AnyActionTool, checked: BaseModel, call: ToolCall) -> None:
        call.acted_at = REVISIONS.next()  # reads that begin after this revision include the change
        CHANGE_LOG.publish(filled(tool.changes, values_of(checked)))

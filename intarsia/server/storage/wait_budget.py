"""How long a call may wait for the database: one time for all its waiting, whoever it waits for."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from intarsia.errors import BusyError

MAX_WAIT_SECONDS = 5.0
"""How long a call may wait in all: for its turn to write, and for other processes that hold the database."""

DEFAULT_RETRY_SECONDS = 1.0
"""When a call that waited in vain may be sent again."""

_MIN_COUNTED_SECONDS = 0.01
"""Shorter waits are not counted: they are statements that took their time, not locks."""


class WaitBudget:
    """The time that is left for waiting.

    Args:
        seconds: The time, in seconds.
    """

    def __init__(self, seconds: float) -> None:
        self.left = seconds
        """The seconds that are left."""
        self.is_over = False
        """Whether its call has ended."""

    @contextmanager
    def spent(self) -> Generator[None]:
        """Subtract the time that the block takes."""
        began = time.monotonic()
        try:
            yield
        finally:
            waited = time.monotonic() - began
            if waited >= _MIN_COUNTED_SECONDS:
                self.left = max(0.0, self.left - waited)


_CALL: ContextVar[WaitBudget | None] = ContextVar("intarsia_wait_budget", default=None)


@contextmanager
def one_wait_budget(seconds: float | None = None) -> Generator[None]:
    """Give all that the block waits for one budget. Without it, each transaction has a budget of its own.

    Args:
        seconds: The budget in seconds; by default `MAX_WAIT_SECONDS`.
    """
    budget = WaitBudget(MAX_WAIT_SECONDS if seconds is None else seconds)
    token = _CALL.set(budget)
    try:
        yield
    finally:
        budget.is_over = True
        _CALL.reset(token)


def current_budget() -> WaitBudget:
    """Return the budget of the running call, or a new one outside of calls.

    Tasks that a call has started and that outlive it are outside of calls.
    """
    budget = _CALL.get()
    return WaitBudget(MAX_WAIT_SECONDS) if budget is None or budget.is_over else budget


def busy() -> BusyError:
    """Return the error for a transaction that waited in vain."""
    reason = "The server is busy. Nothing was changed; try again in a moment."
    return BusyError(reason, DEFAULT_RETRY_SECONDS)

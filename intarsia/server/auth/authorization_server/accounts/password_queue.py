"""Bounds the work of verifying passwords: what runs at once, and what waits."""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

import anyio

from intarsia.server.auth.authorization_server.accounts.sign_in_limits import SignInAttempt

MAX_PARALLEL = 2
"""How many passwords of strangers are hashed at once. Each takes 64 MB and a processor."""
MAX_PARALLEL_KNOWN = 1
"""How many more are hashed at once for users who have signed in from their browser or network before."""
MAX_QUEUED = 50
"""How many passwords are hashed or wait, for strangers and for the others each."""
MAX_QUEUED_PER_NETWORK = 10
"""How many passwords of strangers may come from one network."""
MAX_QUEUED_PER_KNOWN_HOST = 40
"""The same for the network of a known host, which many users share."""


class QueueFullError(Exception):
    """Too many passwords wait to be verified."""


class PasswordQueue:
    """Places for passwords to be verified. Strangers and known users queue apart: a flood delays no known user."""

    def __init__(self) -> None:
        self._strangers = _Lane(MAX_PARALLEL)
        self._known = _Lane(MAX_PARALLEL_KNOWN)

    @contextmanager
    def place(self, attempt: SignInAttempt, *, is_known: bool) -> Generator[anyio.CapacityLimiter]:
        """Hold a place for the duration of the block.

        Args:
            attempt: The attempt to sign in.
            is_known: Whether the account has signed in from this browser or network before.

        Yields:
            The limiter that the hashing must run with.

        Raises:
            QueueFullError: The queue is full, or has enough passwords from this network.
        """
        lane = self._known if is_known else self._strangers
        share = MAX_QUEUED_PER_KNOWN_HOST if attempt.is_known_host else MAX_QUEUED_PER_NETWORK
        with lane.place(attempt.network, MAX_QUEUED if is_known else share):
            yield lane.limiter


class _Lane:
    def __init__(self, parallel: int) -> None:
        self.limiter = anyio.CapacityLimiter(parallel)
        self._queued: Counter[str] = Counter()

    @contextmanager
    def place(self, network: str, share: int) -> Generator[None]:
        if self._queued.total() >= MAX_QUEUED or self._queued[network] >= share:
            raise QueueFullError
        self._queued[network] += 1
        try:
            yield
        finally:
            self._queued[network] -= 1
            # A counter keeps keys with the count 0.
            self._queued += Counter()

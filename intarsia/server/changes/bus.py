"""The change bus: tells everybody who listens which topics changed. In this process; others are of the same form."""

from collections.abc import Callable
from typing import Protocol

Listener = Callable[[frozenset[str]], None]
"""Told the topics that changed. It must return at once and raise nothing; any thread may call it."""


class ChangeBus(Protocol):
    """Carries the names of topics that changed, and nothing else: who hears one reads again.

    A message that is lost, doubled or late is harmless, because every View also reads by itself now and then.
    """

    def publish(self, topics: frozenset[str]) -> None:
        """Say that these changed. Any thread may call it."""
        ...

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Tell a listener from now on; return what ends that."""
        ...


class LocalBus:
    """A change bus for one process."""

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()

    def publish(self, topics: frozenset[str]) -> None:
        """Say that these changed."""
        for listener in self._listeners:
            listener(topics)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Tell a listener from now on; return what ends that."""
        self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            self._listeners = tuple(each for each in self._listeners if each is not listener)

        return unsubscribe

"""The messages in the browser's console. Normally there are none."""

import re
from dataclasses import dataclass, field

from playwright.async_api import BrowserContext, ConsoleMessage, Error


@dataclass
class Console:
    """The console of every frame of every page of one user."""

    lines: list[str] = field(default_factory=list[str])
    _expected: list[re.Pattern[str]] = field(default_factory=list[re.Pattern[str]])

    def listen(self, context: BrowserContext) -> None:
        """Record all messages and uncaught errors of a browser context."""
        context.on("console", self._hear)
        context.on("weberror", lambda error: self._hear_error(error.error))

    def expect(self, pattern: str) -> None:
        """Allow messages that match a regular expression."""
        self._expected.append(re.compile(pattern))

    def unexpected(self) -> list[str]:
        """Return the messages that are not allowed."""
        return [line for line in self.lines if not any(pattern.search(line) for pattern in self._expected)]

    def _hear(self, message: ConsoleMessage) -> None:
        self.lines.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _hear_error(self, error: Error) -> None:
        self.lines.append(f"uncaught: {error.message}")

"""Listens to all that is logged while the tests run, and finds what must never be there (T65).

Tokens, codes, passwords, cookies, handles and confirmations have a look of their own: three parts with dots, or a long
run of mixed letters and digits. Digests in hexadecimal, paths and the names of tests have another.
"""

import logging
import re
from collections.abc import Generator
from contextlib import contextmanager
from copy import copy
from typing import Any

SECRETS = (
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]+"),  # a signed token, or its beginning
    re.compile(r"\b(bearer|basic)\s+[\w.~+/-]{8,}", re.IGNORECASE),
    re.compile(
        r"\b(access_token|refresh_token|client_secret|code_verifier|code|password|cookie)[\"']?\s*[=:]\s*[\"']?[\w.~+/-]{8,}",
        re.IGNORECASE,
    ),
    re.compile(r"(?<![\w/-])(?<!\w\.)(?=[\w-]*[A-Z])(?=[\w-]*[a-z])(?=[\w-]*[0-9])[\w-]{32,}(?![\w/-]|\.\w)"),
)


def secrets_in(line: str) -> list[str]:
    """Return what looks like a secret in a line."""
    return [found.group() for pattern in SECRETS for found in pattern.finditer(line)]


LOUD = {"": logging.INFO, "intarsia": logging.DEBUG}
"""How loud loggers are while they are listened to: by default nearly nobody says more than warnings."""


def is_of_the_tests(record: logging.LogRecord) -> bool:
    """Whether it tells which address was opened: the tests' own browsers and apps come with codes in theirs."""
    return record.name == "httpx2" and record.levelno < logging.WARNING


class LogScan:
    """Keeps the lines that hold a secret, of every logger of this process.

    It listens where records are made: servers keep theirs from handlers of others (`propagate`), and what is heard
    should not be up to who handles it.
    """

    def __init__(self) -> None:
        self.heard: set[str] = set()
        """Which loggers said something, and how loud: "INFO intarsia.server.auth.resource_server.middleware"."""
        self.leaks: list[str] = []
        self._formatter = logging.Formatter()

    @contextmanager
    def listening(self) -> Generator[None]:
        """Listen to everything that is logged while the block runs."""
        make, levels = logging.getLogRecordFactory(), {name: logging.getLogger(name).level for name in LOUD}

        def make_and_look(*given: Any, **named: Any) -> logging.LogRecord:
            record = make(*given, **named)
            self._look(record)
            return record

        logging.setLogRecordFactory(make_and_look)
        for name, level in LOUD.items():
            logging.getLogger(name).setLevel(level)
        try:
            yield
        finally:
            logging.setLogRecordFactory(make)
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)

    def _look(self, record: logging.LogRecord) -> None:
        """Look at one record, with its traceback."""
        self.heard.add(f"{record.levelname} {record.name}")
        line = self._formatter.format(copy(record))
        if secrets_in(line) and not is_of_the_tests(record):
            self.leaks.append(f"{record.name}: {line[:500]}")

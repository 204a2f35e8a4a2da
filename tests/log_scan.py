"""Listens to all that is logged while the tests run, and finds what must never be there (T65).

Tokens, codes, passwords, cookies, handles and confirmations have a look of their own: three parts with dots, or a long
run of mixed letters and digits. Digests in hexadecimal, paths and the names of tests have another.
"""

import logging
import re

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


class LogScan(logging.Handler):
    """Keeps the lines that hold a secret."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard = 0
        self.leaks: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Look at one record, with its traceback."""
        self.heard += 1
        line = self.format(record)
        if secrets_in(line):
            self.leaks.append(f"{record.name}: {line[:500]}")

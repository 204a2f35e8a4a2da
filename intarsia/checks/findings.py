"""Findings: the result of one check, and how to fix it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

Level = Literal["ok", "skipped", "warning", "problem"]

_MAX_CHARACTERS = 160


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Args:
        check: The name of the check, such as "certificate".
        level: `problem`: hosts cannot connect, or attackers can. `warning`: possibly intended. `skipped`: the check
            does not apply, or cannot be made from outside.
        found: What the check found, in one or two sentences.
        fix: How to fix it; empty if there is nothing to fix.
    """

    check: str
    level: Level
    found: str
    fix: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the finding as a JSON object."""
        return asdict(self)


def ok(check: str, found: str) -> Finding:
    """Return a finding that needs no change."""
    return Finding(check, "ok", found)


def skipped(check: str, found: str, fix: str = "") -> Finding:
    """Return that a check was not made, and why."""
    return Finding(check, "skipped", found, fix)


def warning(check: str, found: str, fix: str) -> Finding:
    """Return a finding that may be intended."""
    return Finding(check, "warning", found, fix)


def problem(check: str, found: str, fix: str) -> Finding:
    """Return a finding that must be fixed."""
    return Finding(check, "problem", found, fix)


def has_problem(findings: Iterable[Finding]) -> bool:
    """Return whether one of the findings must be fixed."""
    return any(finding.level == "problem" for finding in findings)


def printable(value: object) -> str:
    """Return a value from a server in a form that is safe to print: bounded, and without control characters."""
    text = "".join(character if character.isprintable() else "?" for character in str(value))
    short = text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}..."
    return repr(short)

"""What a check found, and what to do about it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

Level = Literal["ok", "skipped", "warning", "problem"]

_MAX_CHARACTERS = 160


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Args:
        check: What was looked at, such as "certificate".
        level: A problem keeps hosts away or lets strangers in; a warning may be as wanted; what was skipped could not
            be seen from here.
        found: What is there, in one sentence.
        fix: What to do about it; empty when nothing is to be done.
    """

    check: str
    level: Level
    found: str
    fix: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the finding for machines."""
        return asdict(self)


def ok(check: str, found: str) -> Finding:
    """Return that all is well."""
    return Finding(check, "ok", found)


def skipped(check: str, found: str, fix: str = "") -> Finding:
    """Return that nothing can be said, and why."""
    return Finding(check, "skipped", found, fix)


def warning(check: str, found: str, fix: str) -> Finding:
    """Return something that may be as wanted."""
    return Finding(check, "warning", found, fix)


def problem(check: str, found: str, fix: str) -> Finding:
    """Return something that has to be mended."""
    return Finding(check, "problem", found, fix)


def has_problem(findings: Iterable[Finding]) -> bool:
    """Say whether something has to be mended."""
    return any(finding.level == "problem" for finding in findings)


def shown(said: object) -> str:
    """Return what a server said in a form that is safe to print: bounded, and without control characters."""
    text = "".join(character if character.isprintable() else "?" for character in str(said))
    short = text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}..."
    return repr(short)

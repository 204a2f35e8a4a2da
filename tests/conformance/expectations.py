"""What the conformance suite is run against, and what may go wrong there, each with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

NO_PUSH = (
    "A stateless server cannot ask a client of the earlier era anything; the person and the model are in the host."
)
NO_SESSION = "The server keeps no sessions, so that any replica can answer; there is nothing to resume."
NO_FIXTURE = "It calls a tool that only the fixtures have; a model reads of an unknown tool in the answer."
NO_PROMPTS = "A connector has no prompts, and does not declare any."
NO_ECHO = "A refusal never repeats what the caller sent; the suite would like to read the address again."

_WITHOUT_RESUMING = {
    "server-sse-multiple-streams/server-sse-multiple-streams-session": NO_SESSION,
    "server-sse-polling/server-sse-polling-session": NO_SESSION,
    "server-sse-polling/server-sse-priming-event": NO_SESSION,
    "server-sse-polling/server-sse-retry-field": NO_SESSION,
}


@dataclass(frozen=True)
class Run:
    """One run of the suite."""

    serves: Literal["fixtures", "connector"]
    """`fixtures` has all that the suite asks for; `connector` is a connector as a developer writes it."""
    version: str
    """The protocol's version that is spoken."""
    passes: int
    """How many checks pass at least: a suite that could not connect passes some, too."""
    scenarios: frozenset[str] | None = None
    """Which scenarios count; all of them when left out."""
    expected: Mapping[str, str] = field(default_factory=dict[str, str])
    """The failures and warnings that are right, with the reason."""

    @property
    def name(self) -> str:
        """What the run is called in reports."""
        return f"{self.serves} {self.version}"


RUNS = (
    Run("fixtures", "2026-07-28", passes=152),
    Run(
        "fixtures",
        "2025-11-25",
        passes=63,
        expected={
            "tools-call-sampling/tools-call-sampling": NO_PUSH,
            "tools-call-elicitation/tools-call-elicitation": NO_PUSH,
            "elicitation-sep1034-defaults/elicitation-sep1034-general": NO_PUSH,
            "elicitation-sep1330-enums/elicitation-sep1330-general": NO_PUSH,
            **_WITHOUT_RESUMING,
        },
    ),
    Run(
        "connector",
        "2026-07-28",
        passes=57,
        scenarios=frozenset(
            {
                "server-stateless",
                "tools-list",
                "server-sse-multiple-streams",
                "resources-list",
                "sep-2164-resource-not-found",
                "dns-rebinding-protection",
                "caching",
                "http-header-validation",
                "input-required-result-unsupported-methods",
            }
        ),
        expected={
            "server-stateless/sep-2575-server-rejects-undeclared-capability": NO_FIXTURE,
            "server-stateless/sep-2575-missing-capability-http-400": NO_FIXTURE,
            "server-stateless/sep-2575-server-sends-tools-list-changed-on-subscription": NO_FIXTURE,
            "caching/sep-2549-prompts-list-caching-hints": NO_PROMPTS,
            "sep-2164-resource-not-found/sep-2164-data-uri": NO_ECHO,
        },
    ),
    Run(
        "connector",
        "2025-11-25",
        passes=11,
        scenarios=frozenset(
            {
                "server-initialize",
                "server-session-lifecycle",
                "ping",
                "tools-list",
                "server-sse-multiple-streams",
                "resources-list",
                "dns-rebinding-protection",
            }
        ),
        expected={"server-sse-multiple-streams/server-sse-multiple-streams-session": NO_SESSION},
    ),
)

"""The faults that hosts have, as fixtures: a test that names one runs in a host that has it.

`async def test_a_card_is_moved(host, loses_answers)` sees what a widget does when answers get lost. Any number of them
can be named, before or after `host`, or in `@pytest.mark.usefixtures(...)`. `FAULTS` holds them all, for parametrizing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import pytest

Json = dict[str, Any]

AWAY_MS = 2_100
"""How long a View that was ended stays away: so long that its first result is no news when it comes back."""

SLOW_MS = 1_000
"""How long a slow call waits: so long that people press again."""


@dataclass(frozen=True)
class Fault:
    """One thing that some hosts do to widgets.

    Args:
        name: The fixture's name.
        title: What such a host does, in words.
        settings: What it is in the local host: the arguments of `host.set`.
        window: What the browser's window must be for it: the arguments of `host.open`.
    """

    name: str
    title: str
    settings: Mapping[str, Any]
    window: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def faults(self) -> Json:
        """The part of the settings that `docs/host.md` lists under "Faults"."""
        faults: Json = self.settings.get("faults", {})
        return faults

    @property
    def off(self) -> Json:
        """The settings that end it: `await host.set(**loses_answers.off)`."""
        usual: Json = {"sandbox": "spec", "phone": False}
        others = {name: usual[name] for name in self.settings if name in usual}
        return others | {"faults": {name: 0 if name.endswith("_ms") else False for name in self.faults}}


def settings_of(faults: Sequence[Fault]) -> Json:
    """Put the settings of several faults together: what two of them drop from results is dropped.

    Args:
        faults: In the order in which they were asked for; where two contradict each other, the later one holds.

    Returns:
        The arguments of `host.set`.
    """
    together = {name: value for fault in faults for name, value in fault.faults.items()}
    dropped = [field for fault in faults for field in fault.faults.get("strip_result_meta", ())]
    if dropped:
        together["strip_result_meta"] = dropped
    merged = {name: value for fault in faults for name, value in fault.settings.items()}
    return merged | ({"faults": together} if together else {})


def window_of(faults: Sequence[Fault]) -> Json:
    """Return what several faults need of the browser's window: the arguments of `host.open`."""
    return {name: value for fault in faults for name, value in fault.window.items()}


def _call_fault(name: str, title: str, **faults: Any) -> Fault:
    return Fault(name, title, {"faults": faults})


FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        fault.name: fault
        for fault in (
            _call_fault("strips_meta", "drops `_meta` of the result it pushes", strip_result_meta=["_meta"]),
            _call_fault(
                "strips_structured_content",
                "drops `structuredContent` of the result it pushes",
                strip_result_meta=["structuredContent"],
            ),
            _call_fault("drops_request_meta", "drops `_meta` of a widget's calls", strip_request_meta=True),
            _call_fault("refuses_calls", "refuses every call of a widget", refuse_calls="error"),
            _call_fault("asks_approval", "asks the user before each change", ask="changes"),
            _call_fault("slow_calls", "waits before each call", slow_ms=SLOW_MS),
            _call_fault("serializes_calls", "passes on one call at a time", serialize=True),
            _call_fault("ignores_size", "does not follow a widget's size", ignore_size=True),
            _call_fault("recreates_views", "ends a widget after a change and starts it anew", recreate_ms=AWAY_MS),
            _call_fault("loses_answers", "loses the answers to calls that were done", lose_answers="error"),
            Fault("opaque_frame", "gives the frame an opaque origin, without storage", {"sandbox": "opaque"}),
            Fault("loose_policy", "allows forms and `eval`", {"sandbox": "loose"}),
            Fault(
                "phone",
                "is a phone: touch, narrow, and widgets that end when they scroll away",
                {"phone": True},
                {"width": 390, "height": 844, "touch": True},
            ),
        )
    }
)
"""Every fault by the name of its fixture."""


@pytest.fixture
def host_faults() -> list[Fault]:
    """The faults of this test's hosts: those whose fixtures it names. `host` reads them when it opens a page."""
    return []


def _fixture_of(fault: Fault) -> object:
    def add(host_faults: list[Fault]) -> Fault:
        host_faults.append(fault)
        return fault

    add.__doc__ = f"A host that {fault.title}."
    return pytest.fixture(name=fault.name)(add)


# pytest takes as fixtures whatever of that kind it finds in a module.
globals().update({f"_{name}_fixture": _fixture_of(fault) for name, fault in FAULTS.items()})

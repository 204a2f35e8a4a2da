"""Simulated host faults, as fixtures: a test that names one runs in a host with that fault.

`async def test_a_card_is_moved(host, loses_answers)` tests a widget whose responses get lost. Faults can be
combined, before or after `host`, or in `@pytest.mark.usefixtures(...)`. `FAULTS` contains all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import pytest

Json = dict[str, Any]

AWAY_MS = 2_100
"""How long an unloaded View stays away: long enough that its first result counts as cached when it is back."""

SLOW_MS = 1_000
"""The delay of a slow call: long enough that users click again."""


@dataclass(frozen=True)
class Fault:
    """One way in which some hosts deviate from the specification.

    Args:
        name: The fixture's name.
        title: What such a host does, as a phrase.
        settings: The settings of the local host that simulate it: the arguments of `host.set`.
        window: The browser window that it needs: the arguments of `host.open`.
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
        """The settings that turn the fault off: `await host.set(**loses_answers.off)`."""
        usual: Json = {"sandbox": "spec", "phone": False}
        others = {name: usual[name] for name in self.settings if name in usual}
        return others | {"faults": {name: 0 if name.endswith("_ms") else False for name in self.faults}}


def settings_of(faults: Sequence[Fault]) -> Json:
    """Merge the settings of several faults, including the lists of dropped fields.

    Args:
        faults: The faults in order; if two contradict each other, the later one wins.

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
    """Return the browser window that several faults need: the arguments of `host.open`."""
    return {name: value for fault in faults for name, value in fault.window.items()}


def _call_fault(name: str, title: str, **faults: Any) -> Fault:
    return Fault(name, title, {"faults": faults})


FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        fault.name: fault
        for fault in (
            _call_fault("strips_meta", "drops `_meta` of pushed results", strip_result_meta=["_meta"]),
            _call_fault(
                "strips_structured_content",
                "drops `structuredContent` of pushed results",
                strip_result_meta=["structuredContent"],
            ),
            _call_fault("drops_request_meta", "drops `_meta` of a widget's calls", strip_request_meta=True),
            _call_fault("refuses_calls", "refuses all calls of a widget", refuse_calls="error"),
            _call_fault("asks_approval", "asks the user before each change", ask="changes"),
            _call_fault("slow_calls", "delays each call", slow_ms=SLOW_MS),
            _call_fault("serializes_calls", "forwards one call at a time", serialize=True),
            _call_fault("ignores_size", "does not follow a widget's size", ignore_size=True),
            _call_fault("recreates_views", "unloads a widget after a change and reloads it", recreate_ms=AWAY_MS),
            _call_fault("loses_answers", "loses the responses to completed calls", lose_answers="error"),
            Fault("opaque_frame", "gives the frame an opaque origin, without storage", {"sandbox": "opaque"}),
            Fault("loose_policy", "allows forms and `eval`", {"sandbox": "loose"}),
            Fault(
                "phone",
                "is a phone: touch, narrow, and widgets that are unloaded when they scroll out of view",
                {"phone": True},
                {"width": 390, "height": 844, "touch": True},
            ),
        )
    }
)
"""All faults by the names of their fixtures."""


@pytest.fixture
def host_faults() -> list[Fault]:
    """The faults of this test: those whose fixtures it names. `host` reads them when it opens a page."""
    return []


def _fixture_of(fault: Fault) -> object:
    def add(host_faults: list[Fault]) -> Fault:
        host_faults.append(fault)
        return fault

    add.__doc__ = f"A host that {fault.title}."
    return pytest.fixture(name=fault.name)(add)


# pytest collects fixtures from the attributes of a module.
globals().update({f"_{name}_fixture": _fixture_of(fault) for name, fault in FAULTS.items()})

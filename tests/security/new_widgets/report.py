"""Findings, each with widgets that show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from intarsia.widgets import Metric, Text, Widget


class Finding(BaseModel):
    """One finding."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    """What was found."""
    evidence: list[Widget] = Field(default_factory=list[Widget])
    """What shows it."""


@dataclass(frozen=True)
class Ending:
    """How the report ends."""

    words: str
    figure: Widget | None = None


class Report(Widget):
    """Findings and an ending."""

    findings: Sequence[Finding | str] = Field(kw_only=False)
    """In order of weight."""
    ending: Ending | None = None
    """What comes last."""
    appendix: Mapping[str, Sequence[Finding]] = Field(default_factory=dict[str, Sequence[Finding]])
    """More findings, by theme."""

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        finding = Finding(title="Sales are up", evidence=[Metric("Sold", 12), Text("More than last year.")])
        more = Finding(title="So are costs", evidence=[Metric("Spent", 7)])
        return {
            "default": cls([finding, "Nothing else"], ending=Ending("Well done", Metric("Profit", 5))),
            "with appendix": cls([], appendix={"Costs": [more]}),
        }

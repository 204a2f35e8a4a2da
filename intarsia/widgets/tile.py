"""A tile of a dashboard: one widget with a title, that can fail without the others."""

from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from intarsia.errors import WidgetError
from intarsia.widgets.metric import Metric
from intarsia.widgets.places import Held
from intarsia.widgets.text import Text, note
from intarsia.widgets.widget import Widget, hidden


class Tile(Widget):
    """One widget of a dashboard, or the plain reason why it is not there."""

    name: str = Field(kw_only=False, min_length=1)
    """Names it among the dashboard's tiles, such as "cpu"."""
    title: str = Field(min_length=1)
    """What people read over it."""
    content: Widget | None = None
    """What it shows."""
    problem: str | None = None
    """Why it shows nothing; safe to read for everybody."""
    refresh_seconds: float | None = Field(default=None, ge=3)
    """How often an open View reads it again."""
    width: Literal[1, 2] = 1
    """How many places of the dashboard's grid it takes."""

    @model_validator(mode="after")
    def _has_one_of_both(self) -> Self:
        if (self.content is None) == (self.problem is None):
            message = f"Tile {self.name!r} needs a content or a problem, and not both."
            raise WidgetError(message)
        return self

    def stand_in(self, missing: AbstractSet[str]) -> Self:
        """Return the tile with a note for its content."""
        return self.model_copy(update={"content": note(hidden(missing)), "problem": None})

    @property
    def repeats_title(self) -> bool:
        """Whether the content is a number called just like the tile, so that the name is to be read once."""
        return isinstance(self.content, Metric) and self.content.label == self.title

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {
            "default": cls("open", title="Open tasks", content=Metric("Open tasks", 42)),
            "live": cls("cpu", title="CPU", content=Metric("CPU", 37.5, unit="percent"), refresh_seconds=3),
            "wide": cls("note", title="Note", content=Text("All systems are up."), width=2),
            "failed": cls("sensors", title="Temperature", problem="This machine has no temperature sensors."),
            "title is markup": cls("x", title="<b>x</b>", problem="<img src=x onerror=alert(1)>"),
        }


@dataclass(frozen=True)
class PendingTile(Held):
    """A tile that is still to be read. Made by calling a function marked with `@connector.tile`."""

    name: str
    """Names it among the dashboard's tiles."""
    title: str
    """What people read over it."""
    load: Callable[[], Awaitable[Widget]]
    """Reads its content."""
    refresh_seconds: float | None = None
    """How often an open View reads it again."""
    timeout_seconds: float = 10
    """After how long it counts as failed."""
    width: Literal[1, 2] = 1
    """How many places of the dashboard's grid it takes."""
    scopes: frozenset[str] = frozenset()
    """What a person must have granted to see it; for others it is not read."""
    topics: frozenset[str] = frozenset()
    """A change of one of these makes an open View read it again."""

    def stand_in(self, missing: AbstractSet[str]) -> Tile:
        """Return what stands in its place for who may not see it."""
        return self.with_content(note(hidden(missing)))

    def with_content(self, content: Widget) -> Tile:
        """Return the tile that was read."""
        return self._read(content=content)

    def with_problem(self, problem: str) -> Tile:
        """Return the tile that was not read, with the reason."""
        return self._read(problem=problem)

    def _read(self, **fields: Any) -> Tile:
        return Tile(self.name, title=self.title, refresh_seconds=self.refresh_seconds, width=self.width, **fields)

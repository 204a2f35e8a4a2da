"""A tile of a dashboard: one widget with a title, which fails independently of the other tiles."""

from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from intarsia.errors import WidgetError
from intarsia.widgets.metric import Metric
from intarsia.widgets.places import Held
from intarsia.widgets.text import Text, note
from intarsia.widgets.widget import Id, Widget, hidden


class Tile(Widget):
    """One widget of a dashboard, or the reason why it is unavailable. Set either `content` or `problem`."""

    name: Id = Field(kw_only=False, min_length=1)
    """The tile's identifier, such as "cpu"; unique in the dashboard."""
    title: str = Field(min_length=1)
    """The heading."""
    content: Widget | None = None
    """The widget to show."""
    problem: str | None = None
    """Why there is no content: one plain sentence that is safe to show to every user."""
    refresh_seconds: float | None = Field(default=None, ge=3)
    """The interval in seconds at which an open View reads the tile again; at least 3."""
    width: Literal[1, 2] = 1
    """The number of grid columns that it spans."""

    @model_validator(mode="after")
    def _has_one_of_both(self) -> Self:
        if (self.content is None) == (self.problem is None):
            message = f"Tile {self.name!r} needs either content or a problem, and not both."
            raise WidgetError(message)
        return self

    def stand_in(self, missing: AbstractSet[str]) -> Self:
        """Return the tile with a note instead of its content."""
        return self.model_copy(update={"content": note(hidden(missing)), "problem": None})

    @property
    def repeats_title(self) -> bool:
        """Whether the content is a metric with the tile's title as label, which is then shown once only."""
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
    """A tile that is not loaded yet. A function decorated with `@connector.tile` returns it when called."""

    name: str
    """The tile's identifier; unique in the dashboard."""
    title: str
    """The heading."""
    load: Callable[[], Awaitable[Widget]]
    """Loads the content."""
    refresh_seconds: float | None = None
    """The interval in seconds at which an open View reads the tile again."""
    timeout_seconds: float = 10
    """The time in seconds after which loading fails."""
    width: Literal[1, 2] = 1
    """The number of grid columns that it spans."""
    scopes: frozenset[str] = frozenset()
    """The scopes that a user must have granted to see it. Without them it is not loaded."""
    topics: frozenset[str] = frozenset()
    """The topics whose changes make an open View read the tile again."""

    def stand_in(self, missing: AbstractSet[str]) -> Tile:
        """Return a tile with a note, for users without the required scopes."""
        return self.with_content(note(hidden(missing)))

    def with_content(self, content: Widget) -> Tile:
        """Return the loaded tile."""
        return self._loaded(content=content)

    def with_problem(self, problem: str) -> Tile:
        """Return a tile with the reason why loading failed."""
        return self._loaded(problem=problem)

    def _loaded(self, **fields: Any) -> Tile:
        return Tile(self.name, title=self.title, refresh_seconds=self.refresh_seconds, width=self.width, **fields)

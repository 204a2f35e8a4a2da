"""A live dashboard: tiles that load concurrently and fail independently."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from intarsia.errors import WidgetError, near_miss
from intarsia.widgets.filters import Filters
from intarsia.widgets.metric import Metric
from intarsia.widgets.select import Option, Select
from intarsia.widgets.sparkline import Sparkline
from intarsia.widgets.table import Table, TableColumn
from intarsia.widgets.tile import PendingTile, Tile
from intarsia.widgets.widget import Widget
from intarsia.widgets.windows import Windowed


class Dashboard(Widget):
    """A grid of tiles, with filters that set the tool's arguments."""

    has_tile_parts: ClassVar[bool] = True

    title: str = Field(min_length=1)
    """The heading, such as "This machine"."""
    tiles: Annotated[Sequence[Tile | PendingTile], Windowed("tile", first=60)] = Field(max_length=60)
    """The tiles in reading order; at most 60, each with a unique name."""
    filters: Filters = Field(default_factory=list[Select | str])
    """Selects above the tiles. A string is the name of a tool parameter, and becomes a select of its choices."""
    summary: list[str] = Field(default_factory=list[str])
    """Names of the tiles to show first where space is limited; by default all, in order."""

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        names = [tile.name for tile in self.tiles]
        for name in names:
            if names.count(name) > 1:
                message = f"Dashboard {self.title!r} has two tiles named {name!r}; give each a name of its own."
                raise WidgetError(message)
        for name in self.summary:
            if name not in names:
                message = f"Dashboard {self.title!r} has no tile {name!r} for its summary.{near_miss(name, names)}"
                raise WidgetError(message)
        return self

    @property
    def ordered(self) -> list[Tile]:
        """The tiles, with those of the summary first.

        Raises:
            WidgetError: Some tiles are not loaded, because the dashboard is in a place where tiles are not loaded.
        """
        ready = [tile for tile in self.tiles if isinstance(tile, Tile)]
        if len(ready) < len(self.tiles):
            message = (
                f"Dashboard {self.title!r} has tiles that are not loaded. Return it from a widget tool, alone or in "
                "another widget, and not from a tile."
            )
            raise WidgetError(message)
        rank = {name: place for place, name in enumerate(self.summary)}
        # The sort is stable: tiles outside the summary keep their order.
        return sorted(ready, key=lambda tile: rank.get(tile.name, len(rank)))

    def items_of(self, field: str) -> Sequence[Any]:
        """Return the tiles in the order in which they are shown."""
        return self.ordered if field == "tiles" else super().items_of(field)

    @property
    def selects(self) -> list[Select]:
        """The filters as selects; names are resolved to selects when the widget is read."""
        return [item for item in self.filters if isinstance(item, Select)]

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        cpu = Metric(
            "CPU",
            37.5,
            unit="percent",
            history=Sparkline([20, 35, 30, 37.5], label="CPU, last minute", low=0, high=100),
        )
        processes = Table(
            columns=[TableColumn("name", "Process"), TableColumn("cpu", "CPU", type="number", unit="percent")],
            rows=[{"pid": 1, "name": "postgres", "cpu": 12.5}, {"pid": 2, "name": "uvicorn", "cpu": 3.0}],
            row_key="pid",
            caption="Busiest processes",
        )
        tiles: list[Tile | PendingTile] = [
            Tile("cpu", title="CPU", content=cpu, refresh_seconds=3),
            Tile("memory", title="Memory", content=Metric("In use", 6.4, unit="gigabyte", detail="of 16 GB")),
            Tile("sensors", title="Temperature", problem="This machine has no temperature sensors."),
            Tile("processes", title="Processes", content=processes, width=2),
        ]
        period = Select(
            "period", options=[Option("1h", "1 hour"), Option("24h", "24 hours")], value="1h", placeholder=""
        )
        return {
            "default": cls(title="This machine", tiles=tiles, filters=[period], summary=["cpu", "memory"]),
            "no filters": cls(title="This machine", tiles=tiles[:2]),
            "no tiles": cls(title="This machine", tiles=[]),
            "title is markup": cls(title="<b>x</b>", tiles=tiles[:1]),
        }

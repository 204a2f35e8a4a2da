"""The three stories of the design, as a developer would write them. They are type-checked strictly, and run by
`tests/test_readme_examples.py`.
"""

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from intarsia import ConflictError, Connector, Done, RefusedError
from intarsia.widgets import (
    BoardColumn,
    Card,
    ColorField,
    Dashboard,
    DesignPanel,
    Metric,
    Select,
    Slider,
    Sparkline,
    TaskBoard,
)

# -- A task board ------------------------------------------------------------

tasks = Connector("Design tasks")


@dataclass(frozen=True)
class Place:
    """Where a card is."""

    column: str
    index: int
    version: int


@dataclass
class Cards:
    """A developer's own data, in the place of a database."""

    columns: dict[str, list[Card]] = field(default_factory=dict[str, list[Card]])

    def place_of(self, card: str) -> Place:
        """Return where a card is."""
        for name, cards in self.columns.items():
            for index, each in enumerate(cards):
                if each.id == card:
                    return Place(name, index, int(each.version))
        reason = "There is no such card."
        raise RefusedError(reason)

    async def move(self, card: str, column: str, index: int, version: int) -> tuple[Place, Place]:
        """Move a card, unless somebody else did; return where it was and where it is."""
        old = self.place_of(card)
        if old.version != version:
            reason = f"Ada moved it to {old.column.capitalize()}."
            raise ConflictError(reason, current={"column": old.column, "version": old.version})
        if column not in self.columns:
            reason = "There is no such column."
            raise RefusedError(reason)
        moved = self.columns[old.column].pop(old.index)
        new = replace(old, column=column, index=index, version=version + 1)
        self.columns[column].insert(index, moved.model_copy(update={"version": new.version}))
        return old, new

    async def shown(self, assignee: str | None) -> list[BoardColumn]:
        """Return the columns with everybody's cards, or one person's."""
        return [
            BoardColumn(name, name.capitalize(), [card for card in cards if assignee in (None, card.assignee)])
            for name, cards in self.columns.items()
        ]

    async def people(self) -> list[str]:
        """Return everybody who has a card."""
        return sorted({card.assignee for cards in self.columns.values() for card in cards if card.assignee})


projects = {
    "apollo": Cards(
        {
            "todo": [Card("T-12", "Fix login", assignee="Ada", version=1), Card("T-7", "Write docs", version=1)],
            "done": [Card("T-1", "Set up CI", assignee="Grace", done=True, version=1)],
        }
    )
}


@tasks.action
async def move_card(project: str, card: str, column: str, index: int, version: int) -> Done:
    """Move a card to a place in a column."""
    old, new = await projects[project].move(card, column, index, version)
    return Done(
        f"Moved {card} to {column.capitalize()}.",
        undo=partial(move_card, project=project, card=card, column=old.column, index=old.index, version=new.version),
    )


@tasks.widget
async def task_board(project: str, assignee: str | None = None) -> TaskBoard:
    """Show a project's task board."""
    return TaskBoard(
        columns=await projects[project].shown(assignee),
        filters=[Select("assignee", options=await projects[project].people())],
        on_move=partial(move_card, project=project),
    )


# -- A live dashboard --------------------------------------------------------

ops = Connector("Design operations")

Service = Literal["checkout", "search"]
Period = Literal["1h", "24h"]

milliseconds: dict[Service, list[float]] = {"checkout": [180.0, 210.0, 412.0], "search": [35.0, 38.0, 36.0]}


@ops.tile(refresh_seconds=10)
async def latency(service: Service, period: Period) -> Metric:
    """Read how long answers take."""
    values = milliseconds[service]
    line = Sparkline(values, label=f"Latency, last {period}")
    return Metric("95th percentile", values[-1], unit="millisecond", digits=0, history=line)


@ops.tile(refresh_seconds=10)
async def errors(service: Service) -> Metric:
    """Read how often answers fail."""
    if service == "search":
        reason = "Search reports no errors since its last release."
        raise RefusedError(reason)
    return Metric("Errors per minute", 1.2, change=-0.8, good="down")


@ops.widget
async def health(service: Service = "checkout", period: Period = "1h") -> Dashboard:
    """Show a service's health."""
    return Dashboard(
        title="Health",
        filters=["service", "period"],
        summary=["latency"],
        tiles=[latency(service, period), errors(service)],
    )


# -- A design panel ----------------------------------------------------------

brand = Connector("Design brands")

accents = {"northwind": "#1f5fbf"}
radii = {"northwind": 8.0}
proposals: list[dict[str, str | float]] = []


@brand.action
async def save_tokens(brand_id: str, values: dict[str, str | float]) -> Done:
    """Save a brand's tokens."""
    accents[brand_id] = str(values.get("accent", accents[brand_id]))
    radii[brand_id] = float(values.get("radius", radii[brand_id]))
    return Done("Saved.")


@brand.action
async def propose_tokens(brand_id: str, values: dict[str, str | float]) -> Done:
    """Propose tokens to whoever may save them."""
    proposals.append({**values, "brand": brand_id})
    return Done("Proposed.")


@brand.widget
async def brand_panel(brand_id: str) -> DesignPanel:
    """Adjust a brand's tokens."""
    return DesignPanel(
        [
            ColorField("accent", value=accents[brand_id]),
            Slider("radius", label="Corner radius", min=0, max=24, value=radii[brand_id], unit="px"),
        ],
        draft=True,
        on_save=partial(save_tokens, brand_id=brand_id),
        on_propose=partial(propose_tokens, brand_id=brand_id),
    )

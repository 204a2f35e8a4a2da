"""A connector with one of everything that a person can do in a widget, for the tests of the test kit."""

from pathlib import Path

from intarsia import Connector, Done, Grant, RefusedError
from intarsia.widgets import BoardColumn, Button, Card, Checkbox, DesignPanel, Select, Slider, Stack, TaskBoard, Text

SHELVES = {"top": "Top shelf", "low": "Low shelf", "empty": "Nothing here"}


def build_gestures_connector(folder: Path) -> Connector:  # noqa: C901 - six tools, each of a few lines
    """Make a pantry whose things are in memory; every person sees the same."""
    connector = Connector("Pantry", store=folder / "pantry.db")
    shelves: dict[str, list[str]] = {"top": ["Rice", "Rice flour", "Beans"], "low": ["Oil"], "empty": []}
    wall = {"height": 4.0, "lit": 0.0}

    @connector.action(scopes={"pantry:write"})
    async def move(card: str, column: str, index: int) -> Done:
        """Move a thing to another place."""
        for things in shelves.values():
            if card in things:
                things.remove(card)
        shelves[column].insert(index, card)
        return Done(f"Moved {card}.")

    @connector.action(scopes={"pantry:write"})
    async def add(title: str) -> Done:
        """Add a thing."""
        if title == "Cat":
            reason = "Cats do not go on shelves."
            raise RefusedError(reason)
        shelves["top"].append(title)
        return Done(f"Added {title}.")

    @connector.action(scopes={"pantry:write"})
    async def set_wall(values: dict[str, float]) -> Done:
        """Adjust the wall."""
        wall.update(values)
        return Done(f"Height {wall['height']:g}.")

    @connector.action(scopes={"pantry:write"})
    async def light(value: bool) -> Done:  # noqa: FBT001 - the arguments of a tool go by name
        """Switch the light."""
        wall["lit"] = float(value)
        return Done("Lit." if value else "Dark.")

    @connector.widget(scopes={"pantry:read"})
    async def pantry(shelf: str | None = None) -> TaskBoard:
        """Show what is there."""
        columns = [
            BoardColumn(name, SHELVES[name], [Card(thing, thing) for thing in things])
            for name, things in shelves.items()
            if shelf in (None, name)
        ]
        shelf_filter = Select("shelf", options=["top", "low"])
        return TaskBoard(
            title="Pantry", columns=columns, filters=[shelf_filter], on_move=move.bind(), on_add=add.bind()
        )

    @connector.widget(scopes={"pantry:read"})
    async def wall_panel() -> DesignPanel:
        """Adjust the wall."""
        return DesignPanel([Slider("height", min=0, max=9, value=wall["height"])], on_save=set_wall.bind())

    @connector.widget(scopes={"pantry:read"})
    async def switches(grant: Grant) -> Stack:
        """Show the switches, and who stands before them."""
        lamp = Checkbox("lit", label="Light", value=bool(wall["lit"]), on_change=light.bind())
        return Stack(
            [
                Text(f"Hello {grant.subject}"),
                lamp,
                Button("Out", on_click=light.bind(value=False)),
                Button("Out <now>", on_click=light.bind(value=False)),
            ]
        )

    return connector

"""A connector whose widgets hold data of every scope, each marked by a canary that says which."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from intarsia import Connector, Done, Grant
from intarsia.server.tools.tool import TileFunction
from intarsia.widgets import (
    BoardColumn,
    Button,
    Card,
    Dashboard,
    DesignPanel,
    Metric,
    Option,
    Select,
    Slider,
    Sparkline,
    Stack,
    Table,
    TableColumn,
    TaskBoard,
    Text,
)

MARKS = ("shop:money", "shop:people", "shop:plans")
"""The scopes that data are marked with."""
ISSUER = "https://id.example"


def canary(scope: str) -> str:
    """Return the text that stands in everything that needs a scope."""
    return f"canary-{scope.removeprefix('shop:')}-7f3a"


def canary_number(scope: str) -> int:
    """Return the same for where only numbers stand."""
    return 90_210_000 + MARKS.index(scope)


def grants_with(read: str = "shop:read") -> Sequence[Grant]:
    """Return somebody for each set of marks, from none to all."""
    sets = [set(some) for count in range(len(MARKS) + 1) for some in combinations(MARKS, count)]
    return [Grant(f"person-{number}", "chat", {read, *some}, issuer=ISSUER) for number, some in enumerate(sets)]


def build_hidden_data_connector(store: Path) -> Connector:  # noqa: C901 - one widget of each kind
    """Make the connector; each of its widgets holds every canary."""
    shop = Connector("Shop", store=store)

    @shop.action(scopes={"shop:read"})
    async def touch(thing: str) -> Done:
        """Touch a thing, which changes nothing."""
        return Done(f"Touched {thing}.")

    @shop.widget(scopes={"shop:read"})
    async def fields() -> Stack:
        """Show fields."""
        return Stack(
            [
                Button("Touch", on_click=touch.bind(thing="all")),
                *(Text(canary(scope), scopes={scope}) for scope in MARKS),
                *(Stack([Metric(canary(scope), canary_number(scope))], scopes={scope}) for scope in MARKS),
                *(
                    Metric("Sold", 1, history=Sparkline([1, canary_number(scope)], label=canary(scope), scopes={scope}))
                    for scope in MARKS
                ),
            ]
        )

    @shop.widget(scopes={"shop:read"})
    async def rows() -> Table:
        """Show rows and columns."""
        columns = [TableColumn("id", "Id"), *(TableColumn(scope, scope[5:], scopes={scope}) for scope in MARKS)]
        row = {scope: canary(scope) for scope in MARKS}
        own = [{"id": f"row-{canary(scope)}"} for scope in MARKS]
        scopes = {f"row-{canary(scope)}": {scope} for scope in MARKS}
        return Table(
            columns=columns, rows=[{"id": "everybody", **row}, *own], row_key="id", caption="Sales", row_scopes=scopes
        )

    @shop.widget(scopes={"shop:read"})
    async def cards(who: str | None = None) -> TaskBoard:  # noqa: ARG001 - a filter, which changes nothing here
        """Show cards, columns of cards and a filter."""
        own = [Card(f"C-{canary(scope)}", canary(scope), assignee=canary(scope), scopes={scope}) for scope in MARKS]
        lists = [
            BoardColumn(f"c{number}", scope[5:], [Card(f"L-{canary(scope)}", canary(scope))], scopes={scope})
            for number, scope in enumerate(MARKS)
        ]
        people = Select("who", options=[Option(canary(scope), canary(scope), scopes={scope}) for scope in MARKS])
        return TaskBoard(columns=[BoardColumn("all", "All", own), *lists], filters=[people])

    @shop.widget(scopes={"shop:read"})
    async def same_cards(grant: Grant) -> TaskBoard:
        """Show cards of the same ids to everybody, which say something else to each."""
        said = " ".join(canary(scope) for scope in MARKS if scope in grant.scopes)
        return TaskBoard(columns=[BoardColumn("all", "All", [Card(f"C-{number}", said) for number in range(3)])])

    def tile_for(scope: str) -> TileFunction[[]]:
        async def tile() -> Text:
            """Read a tile."""
            return Text(canary(scope))

        tile.__name__ = f"tile_{scope[5:]}"
        return shop.tile(scopes={scope})(tile)

    tiles = [tile_for(scope) for scope in MARKS]

    @shop.widget(scopes={"shop:read"})
    async def overview() -> Dashboard:
        """Show tiles."""
        return Dashboard(title="Overview", tiles=[tile() for tile in tiles])

    @shop.widget(scopes={"shop:read"})
    async def panel() -> DesignPanel:
        """Adjust tokens."""
        sliders = [
            Slider(f"t{number}", label=canary(scope), min=0, max=99_999_999, value=canary_number(scope), scopes={scope})
            for number, scope in enumerate(MARKS)
        ]
        choice = Select("kind", options=[Option(canary(scope), canary(scope), scopes={scope}) for scope in MARKS])
        return DesignPanel([Slider("size", min=0, max=9, value=3), *sliders, choice], title="Look", draft=True)

    return shop

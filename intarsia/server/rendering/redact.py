"""Leaving out what a person did not grant to be shown, before anything is drawn of it.

What is left out reaches no markup, no text form, no hash and no draft; a note with the scopes stands in its place.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any, TypeVar, cast

from intarsia.widgets import (
    BoardColumn,
    Dashboard,
    DesignPanel,
    Grid,
    Metric,
    Option,
    PendingTile,
    Select,
    Stack,
    Table,
    TableColumn,
    TaskBoard,
    Text,
    Tile,
    Widget,
)
from intarsia.widgets.widget import hidden, hidden_items

W = TypeVar("W", bound=Widget)


def redact(widget: Widget, granted: AbstractSet[str]) -> Widget:
    """Return what somebody may see of a widget; the widget itself where that is all of it.

    Args:
        widget: What was read.
        granted: The scopes of who will see it.
    """
    if missing := widget.scopes - granted:
        return _tile_note(widget, missing) if isinstance(widget, Tile) else Text(hidden(missing), tone="muted")
    return _inside(widget, granted)


def hidden_tile(tile: PendingTile, granted: AbstractSet[str]) -> Tile | None:
    """Return what stands in the place of a tile that is not read for somebody; `None` when it may be."""
    if missing := tile.scopes - granted:
        return Tile(
            tile.name,
            title=tile.title,
            content=Text(hidden(missing), tone="muted"),
            refresh_seconds=tile.refresh_seconds,
            width=tile.width,
        )
    return None


def _inside(widget: Widget, granted: AbstractSet[str]) -> Widget:
    match widget:
        case Stack() | Grid() | Tile() | Dashboard():
            return _of_several(widget, granted)
        case TaskBoard():
            columns = [_column(column, granted) for column in widget.columns]
            return _changed(widget, columns=columns, filters=_filters(widget.filters, granted))
        case Table():
            return _table(widget, granted)
        case DesignPanel():
            return _panel(widget, granted)
        case Metric():
            is_hidden = widget.history is not None and bool(widget.history.scopes - granted)
            return widget.model_copy(update={"history": None}) if is_hidden else widget
        case _:
            return _select(widget, granted) if isinstance(widget, Select) else widget


def _of_several(widget: Stack | Grid | Tile | Dashboard, granted: AbstractSet[str]) -> Widget:
    if isinstance(widget, Dashboard):
        tiles = [redact(tile, granted) if isinstance(tile, Tile) else tile for tile in widget.tiles]
        return _changed(widget, tiles=tiles, filters=_filters(widget.filters, granted))
    if isinstance(widget, Tile):
        return widget if widget.content is None else _changed(widget, content=redact(widget.content, granted))
    return _changed(widget, children=[redact(child, granted) for child in widget.children])


def _changed(widget: W, **fields: Any) -> W:
    """Return the widget itself unless something in it was replaced: mostly nothing is."""
    new = {name: value for name, value in fields.items() if not _is_same(value, getattr(widget, name))}
    return widget.model_copy(update=new) if new else widget


def _is_same(new: Any, old: Any) -> bool:
    if isinstance(new, list):
        return all(one is other for one, other in zip(cast("list[object]", new), old, strict=True))
    return new is old


def _tile_note(tile: Tile, missing: AbstractSet[str]) -> Tile:
    return tile.model_copy(update={"content": Text(hidden(missing), tone="muted"), "problem": None})


def _filters(filters: Sequence[Select | str], granted: AbstractSet[str]) -> list[Select | str]:
    return [_filter(item, granted) if isinstance(item, Select) else item for item in filters]


def _filter(select: Select, granted: AbstractSet[str]) -> Select:
    if missing := select.scopes - granted:
        return select.model_copy(update={"options": [], "value": None, "placeholder": hidden(missing)})
    return _select(select, granted)


def _select(select: Select, granted: AbstractSet[str]) -> Select:
    kept = [option for option in select.options if not (isinstance(option, Option) and option.scopes - granted)]
    if len(kept) == len(select.options):
        return select
    values = {option.value if isinstance(option, Option) else option for option in kept}
    return select.model_copy(update={"options": kept, "value": select.value if select.value in values else None})


def _column(column: BoardColumn, granted: AbstractSet[str]) -> BoardColumn:
    if missing := column.scopes - granted:
        return column.model_copy(update={"cards": [], "limit": None, "hidden": (hidden(missing),)})
    lacking = {card.id: missing for card in column.cards if card.scopes and (missing := card.scopes - granted)}
    if not lacking:
        return column
    kept = [card for card in column.cards if card.id not in lacking]
    return column.model_copy(update={"cards": kept, "hidden": hidden_items("card", list(lacking.values()))})


def _table(table: Table, granted: AbstractSet[str]) -> Table:
    columns = [_table_column(column, granted) for column in table.columns]
    secret = {column.key for column in columns if column.hidden}
    lacking = {key: missing for key, scopes in table.row_scopes.items() if (missing := scopes - granted)}
    if not secret and not lacking:
        return table
    kept = [row for row in table.rows if table.key_of(row) not in lacking]
    rows = [{name: value for name, value in row.items() if name not in secret} for row in kept]
    here = {table.key_of(row) for row in table.rows}
    notes = hidden_items("row", [missing for key, missing in lacking.items() if key in here])
    return table.model_copy(update={"columns": columns, "rows": rows, "row_scopes": {}, "hidden": notes})


def _table_column(column: TableColumn, granted: AbstractSet[str]) -> TableColumn:
    missing = column.scopes - granted
    return column.model_copy(update={"hidden": hidden(missing)}) if missing else column


def _panel(panel: DesignPanel, granted: AbstractSet[str]) -> DesignPanel:
    shown = [token for token in panel.tokens if not token.scopes - granted]
    if len(shown) == len(panel.tokens):
        tokens = [_select(token, granted) if isinstance(token, Select) else token for token in shown]
        return _changed(panel, tokens=tokens)
    names = {token.name for token in shown}
    notes = dict.fromkeys(hidden(missing) for token in panel.tokens if (missing := token.scopes - granted))
    unsaved = {name: value for name, value in panel.unsaved.items() if name in names}
    tokens = [_select(token, granted) if isinstance(token, Select) else token for token in shown]
    return panel.model_copy(update={"tokens": tokens, "unsaved": unsaved, "hidden": tuple(notes)})

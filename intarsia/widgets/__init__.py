"""The widgets: data models of what to show. Their templates and styles are in `intarsia.ui_templates`."""

from intarsia.widgets.action import ActionLike, BoundAction, Done
from intarsia.widgets.button import Button
from intarsia.widgets.checkbox import Checkbox
from intarsia.widgets.color_field import ColorField
from intarsia.widgets.dashboard import Dashboard
from intarsia.widgets.design_panel import DesignPanel
from intarsia.widgets.grid import Grid
from intarsia.widgets.heading import Heading
from intarsia.widgets.metric import Metric
from intarsia.widgets.select import Option, Select
from intarsia.widgets.slider import Slider
from intarsia.widgets.sparkline import Sparkline
from intarsia.widgets.stack import Stack
from intarsia.widgets.table import Table, TableColumn
from intarsia.widgets.task_board import BoardColumn, Card, TaskBoard
from intarsia.widgets.text import Text
from intarsia.widgets.tile import PendingTile, Tile
from intarsia.widgets.values import Money
from intarsia.widgets.widget import Id, Widget

WIDGETS: tuple[type[Widget], ...] = (
    Stack,
    Grid,
    Heading,
    Text,
    Metric,
    Sparkline,
    Table,
    Button,
    Select,
    Checkbox,
    Slider,
    ColorField,
    Tile,
    Dashboard,
    TaskBoard,
    DesignPanel,
)
"""Every widget with templates, in the order of the gallery."""

__all__ = [
    "WIDGETS",
    "ActionLike",
    "BoardColumn",
    "BoundAction",
    "Button",
    "Card",
    "Checkbox",
    "ColorField",
    "Dashboard",
    "DesignPanel",
    "Done",
    "Grid",
    "Heading",
    "Id",
    "Metric",
    "Money",
    "Option",
    "PendingTile",
    "Select",
    "Slider",
    "Sparkline",
    "Stack",
    "Table",
    "TableColumn",
    "TaskBoard",
    "Text",
    "Tile",
    "Widget",
]

"""The widgets: data that says what to show. How they look lives in `inlay.ui_templates`."""

from inlay.widgets.action import BoundAction, Done
from inlay.widgets.button import Button
from inlay.widgets.checkbox import Checkbox
from inlay.widgets.color_field import ColorField
from inlay.widgets.dashboard import Dashboard
from inlay.widgets.design_panel import DesignPanel
from inlay.widgets.grid import Grid
from inlay.widgets.heading import Heading
from inlay.widgets.metric import Metric
from inlay.widgets.select import Option, Select
from inlay.widgets.slider import Slider
from inlay.widgets.sparkline import Sparkline
from inlay.widgets.stack import Stack
from inlay.widgets.table import Table, TableColumn
from inlay.widgets.task_board import Card, Column, TaskBoard
from inlay.widgets.text import Text
from inlay.widgets.tile import PendingTile, Tile
from inlay.widgets.widget import Widget

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
"""Every widget that has templates, in the order of the gallery."""

__all__ = [
    "WIDGETS",
    "BoundAction",
    "Button",
    "Card",
    "Checkbox",
    "ColorField",
    "Column",
    "Dashboard",
    "DesignPanel",
    "Done",
    "Grid",
    "Heading",
    "Metric",
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

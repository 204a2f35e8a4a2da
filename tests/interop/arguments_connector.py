"""A connector that says what its functions received, one tool for each kind of declared type."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum, IntEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from intarsia import Connector
from intarsia.widgets import Done, Text


class Level(IntEnum):
    LOW = 1
    HIGH = 3


class Stage(Enum):
    """The stages of an order."""

    OPEN = "open"
    DONE = "done"


class Item(BaseModel):
    """One line of an order."""

    name: str
    qty: Annotated[int, Field(ge=1, title="Quantity (pieces)", description="How many pieces.")]
    note: str | None = None


class Order(BaseModel):
    items: list[Item]
    stage: Stage = Stage.OPEN
    limit: int = 10


class Cat(BaseModel):
    kind: Literal["cat"]
    age: int


class Dog(BaseModel):
    kind: Literal["dog"]
    age: int


@dataclass
class Point:
    x: int
    y: float = 0.5


class Choice(TypedDict, total=False):
    """Typed keys."""

    size: int


class Folder(BaseModel):
    name: str
    folders: "list[Folder]" = []


TYPES: dict[str, tuple[Any, Any]] = {
    "whole": (int, ...),
    "number": (float, ...),
    "flag": (bool, ...),
    "level": (Level, ...),
    "one_or_two": (Literal[1, 2], ...),
    "text": (str, ...),
    "numbers": (list[int], ...),
    "by_name": (dict[str, int], ...),
    "order": (Order, ...),
    "pet": (Cat | Dog, ...),
    "point": (Point, ...),
    "choice": (Choice, ...),
    "folder": (Folder, ...),
    "with_default": (int, 10),
    "optional": (int | None, None),
    "optional_text": (str | None, None),
    "optional_stage": (Stage | None, None),
    "moment": (datetime, ...),
    "day": (date, ...),
    "duration": (timedelta, ...),
}
"""The declared type of the argument `v` and its default, by tool."""


def echo(name: str) -> Callable[..., Any]:
    """Return a function that says what it received, with the declared type of its argument."""
    declared, default = TYPES[name]

    async def told(v: Any) -> Done:
        return Done(repr(v))

    told.__name__ = told.__qualname__ = name
    told.__doc__ = f"Say what was received as {name}."
    told.__annotations__ = {"v": declared, "return": Done}
    if default is not ...:
        told.__defaults__ = (default,)
    return told


def arguments_connector(folder: Path) -> Connector:
    """Build the connector, with its store in a folder."""
    connector = Connector("Echo", store=folder / "echo.db")
    for name in TYPES:
        connector.action(echo(name))

    @connector.action
    async def renamed(v: int = Field(alias="from")) -> Done:
        """Take an argument whose name is a keyword of Python."""
        return Done(repr(v))

    @connector.widget
    async def said(page: int = 1) -> Text:
        """Show the page that was received."""
        return Text(repr(page))

    return connector

"""A heading."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field

from intarsia.widgets.widget import Widget


class Heading(Widget):
    """A heading of the content that follows."""

    text: str = Field(kw_only=False, min_length=1)
    """The heading's text."""
    level: Literal[1, 2, 3] = 1
    """1 for the whole widget, 2 for a section, 3 for a group in a section."""

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {
            "default": cls("Release 2.4"),
            "section": cls("Open work", level=2),
            "group": cls("This week", level=3),
            "text is markup": cls("<b>Bold</b> & <img src=x onerror=alert(1)>"),
        }

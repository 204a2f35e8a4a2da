"""A paragraph of plain text."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field

from intarsia.widgets.widget import Widget

Tone = Literal["plain", "muted", "info", "success", "warning", "danger"]
"""How a text is meant. A tone other than plain and muted is drawn with an icon and never by color alone."""


def note(text: str) -> "Text":
    """Return a line in muted color, as stands where something is left out."""
    return Text(text, tone="muted")


class Text(Widget):
    """One or more plain paragraphs; a blank line parts them."""

    text: str = Field(kw_only=False)
    """What it says."""
    tone: Tone = "plain"
    """How it is meant."""

    @property
    def paragraphs(self) -> list[str]:
        """The text, split at blank lines."""
        return [part.strip() for part in self.text.split("\n\n") if part.strip()]

    @classmethod
    def examples(cls) -> Mapping[str, Self]:
        return {
            "default": cls("Three cards are waiting for a review."),
            "muted": cls("Read a minute ago.", tone="muted"),
            "warning": cls("The disk is nearly full.", tone="warning"),
            "danger": cls("The last backup failed.", tone="danger"),
            "two paragraphs": cls("First.\n\nSecond."),
            "text is markup": cls("<script>alert(1)</script>{{ 7 * 7 }}"),
            "empty": cls(""),
        }

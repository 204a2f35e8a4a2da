"""Plain text."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field

from intarsia.widgets.widget import Widget

Tone = Literal["plain", "muted", "info", "success", "warning", "danger"]
"""The meaning of a text. All tones but plain and muted have an icon: color must not be the only cue (WCAG 1.4.1)."""


def note(text: str) -> "Text":
    """Return a muted text, as shown in place of redacted content."""
    return Text(text, tone="muted")


class Text(Widget):
    """One or more paragraphs of plain text, separated by blank lines. Markup is shown as text."""

    text: str = Field(kw_only=False)
    """The text."""
    tone: Tone = "plain"
    """The meaning of the text; it sets color and icon."""

    @property
    def paragraphs(self) -> list[str]:
        """The paragraphs: the text split at blank lines."""
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

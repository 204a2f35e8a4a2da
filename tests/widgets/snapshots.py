"""What every example of every widget is drawn as. To keep it anew: `python -m tests.widgets.snapshots`.

One file for each widget and form, with a section for each example: `snapshots/select.html`, `snapshots/select.md`.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from intarsia.ui_templates import render_text, render_widget
from intarsia.widgets import WIDGETS, Widget

FOLDER = Path(__file__).with_name("snapshots")
RENEW = "If it is meant, run `python -m tests.widgets.snapshots`, and read the difference before you commit it."

Form = Literal["html", "md"]

_MARK = re.compile(r"^<!-- example: (.+) -->\n", re.MULTILINE)
_BETWEEN = re.compile(r"(?<=>)\s+(?=<)")
_LINES = "div|section|header|h[1-6]|form|fieldset|table|caption|thead|tbody|tr|ol|li|dl|nav|option"
_STARTS_A_LINE = re.compile(rf"(?=<(?:{_LINES})\b)")


def _html(widget: Widget) -> str:
    # How a template breaks its lines is no matter; here lines are broken so that a difference is short to read.
    return _STARTS_A_LINE.sub("\n", _BETWEEN.sub("", render_widget(widget).html)).strip() + "\n"


FORMS: Mapping[Form, Callable[[Widget], str]] = {"html": _html, "md": render_text}


def path_of(widget: type[Widget], form: Form) -> Path:
    """Return where the snapshots of a widget are kept in one form."""
    return FOLDER / f"{widget.kind}.{form}"


def kept(widget: type[Widget], form: Form) -> dict[str, str]:
    """Read what is kept of a widget: example to what it was drawn as."""
    path = path_of(widget, form)
    if not path.is_file():
        return {}
    _before, *pieces = _MARK.split(path.read_text(encoding="utf-8"))
    return {name: drawn.removesuffix("\n") for name, drawn in zip(pieces[::2], pieces[1::2], strict=True)}


def draw(widget: type[Widget], form: Form) -> str:
    """Draw all examples of a widget, as they are kept."""
    return "".join(f"<!-- example: {name} -->\n{FORMS[form](example)}\n" for name, example in widget.examples().items())


def renew() -> None:
    """Keep everything anew, and forget what belongs to no widget."""
    FOLDER.mkdir(exist_ok=True)
    wanted = {path_of(widget, form): draw(widget, form) for widget in WIDGETS for form in FORMS}
    for path in FOLDER.iterdir():
        if path not in wanted:
            path.unlink()
    for path, drawn in wanted.items():
        path.write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    renew()

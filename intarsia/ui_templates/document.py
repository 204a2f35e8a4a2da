"""The View: the one HTML document that every widget of a connector is shown in.

It holds no data, is byte-identical for everybody, and its address carries its hash. The scripts and styles in it are
bundled when the package is built.
"""

import html
import re
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from intarsia.errors import SettingError

_VIEW = Path(__file__).parent / "view"
_BUNDLES = _VIEW / "dist"
_HOLE = re.compile(r"\{\{ (\w+) \}\}")


@dataclass(frozen=True)
class ViewDocument:
    """The View of one connector."""

    html: str
    """The whole document."""
    hash: str
    """12 hexadecimal digits that change whenever the document does."""


@cache
def load_document(title: str) -> ViewDocument:
    """Put the View together from its bundles.

    Args:
        title: The connector's name; hosts and screen readers show it.

    Raises:
        SettingError: The bundles were not built.
    """
    script = _bundle("view.js").replace("</script", "<\\/script")
    holes = {
        "title": html.escape(title),
        "style": _bundle("view.css").replace("</style", "<\\/style"),
        "script": script,
        "script_hash": "sha256-" + b64encode(sha256(script.encode()).digest()).decode(),
    }
    # In one pass, so that a connector called "{{ script }}" is shown by that name.
    document = _HOLE.sub(lambda hole: holes[hole[1]], (_VIEW / "document.html").read_text("utf-8"))
    return ViewDocument(document, sha256(document.encode()).hexdigest()[:12])


def load_style() -> str:
    """Return the style of all widgets, for pages of our own that show one.

    Raises:
        SettingError: The bundles were not built.
    """
    return _bundle("view.css")


def _bundle(name: str) -> str:
    try:
        return (_BUNDLES / name).read_text("utf-8").strip()
    except FileNotFoundError as error:
        message = f"The View's {name} is missing: build it with `make bundle`, or install Intarsia from a wheel."
        raise SettingError(message) from error

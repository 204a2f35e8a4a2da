"""The View: the single HTML document that shows every widget of a connector.

It contains no data, is byte-identical for all users, and its URI contains its hash, so that hosts can cache it. Its
scripts and styles are bundled when the package is built.
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
    """The first 12 hexadecimal digits of the SHA-256 of the document."""


@cache
def load_document(title: str, inline_height: int | None = None) -> ViewDocument:
    """Build the View from its bundles.

    Args:
        title: The connector's name, used as the document's title.
        inline_height: The height in CSS pixels that widgets may take in the conversation. `None` leaves it to the host.

    Raises:
        SettingError: The bundles are missing.
    """
    # Bundles may contain these end tags in strings, where they would end the element.
    script = _bundle("view.js").replace("</script", "<\\/script")
    holes = {
        "title": html.escape(title),
        "attributes": "" if inline_height is None else f' data-inline-height="{inline_height}"',
        "style": _bundle("view.css").replace("</style", "<\\/style"),
        "script": script,
        "script_hash": "sha256-" + b64encode(sha256(script.encode()).digest()).decode(),
    }
    # In one pass, so that a connector named "{{ script }}" keeps its name.
    document = _HOLE.sub(lambda hole: holes[hole[1]], (_VIEW / "document.html").read_text("utf-8"))
    return ViewDocument(document, sha256(document.encode()).hexdigest()[:12])


def load_style() -> str:
    """Return the styles of all widgets, for the server's own pages that show widgets.

    Raises:
        SettingError: The bundles are missing.
    """
    return _bundle("view.css")


def _bundle(name: str) -> str:
    try:
        return (_BUNDLES / name).read_text("utf-8").strip()
    except FileNotFoundError as error:
        message = f"The View's {name} is missing: build it with `make bundle`, or install Intarsia from a wheel."
        raise SettingError(message) from error

"""The test kit: a pytest plugin with an in-memory layer and a browser layer, for connectors and their widgets.

`docs/how-to/test-a-widget.md` shows how it is used. The names here are loaded when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from intarsia.permissions import Grant
    from intarsia.testing.accessibility import assert_accessible, assert_fits_inline
    from intarsia.testing.faults import FAULTS, Fault
    from intarsia.testing.host import Host
    from intarsia.testing.inert_text import assert_inert
    from intarsia.testing.refusals import assert_refused
    from intarsia.testing.tools import Reply, Tools
    from intarsia.testing.view import View, ViewCall
    from intarsia.testing.widget_checks import assert_clean, assert_widget

__all__ = [
    "FAULTS",
    "Fault",
    "Grant",
    "Host",
    "Reply",
    "Tools",
    "View",
    "ViewCall",
    "assert_accessible",
    "assert_clean",
    "assert_fits_inline",
    "assert_inert",
    "assert_refused",
    "assert_widget",
]

_HOMES = {
    "ViewCall": "intarsia.testing.view",
    "FAULTS": "intarsia.testing.faults",
    "Fault": "intarsia.testing.faults",
    "Grant": "intarsia.permissions",
    "Host": "intarsia.testing.host",
    "Reply": "intarsia.testing.tools",
    "Tools": "intarsia.testing.tools",
    "View": "intarsia.testing.view",
    "assert_accessible": "intarsia.testing.accessibility",
    "assert_clean": "intarsia.testing.widget_checks",
    "assert_fits_inline": "intarsia.testing.accessibility",
    "assert_inert": "intarsia.testing.inert_text",
    "assert_refused": "intarsia.testing.refusals",
    "assert_widget": "intarsia.testing.widget_checks",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    message = f"module 'intarsia.testing' has no attribute {name!r}"
    raise AttributeError(message)

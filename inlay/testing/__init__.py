"""The test kit: a pytest plugin with an in-memory layer and a browser layer, for connectors and their widgets.

`docs/how-to/test-a-widget.md` shows how it is used. The names here are loaded when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inlay.permissions import Grant
    from inlay.testing.accessibility import assert_accessible, assert_fits_inline
    from inlay.testing.clean import assert_clean, assert_widget
    from inlay.testing.faults import FAULTS, Fault
    from inlay.testing.host import Host
    from inlay.testing.inert import assert_inert
    from inlay.testing.refusals import assert_refused
    from inlay.testing.tools import Reply, Tools
    from inlay.testing.view import Call, View

__all__ = [
    "FAULTS",
    "Call",
    "Fault",
    "Grant",
    "Host",
    "Reply",
    "Tools",
    "View",
    "assert_accessible",
    "assert_clean",
    "assert_fits_inline",
    "assert_inert",
    "assert_refused",
    "assert_widget",
]

_HOMES = {
    "Call": "inlay.testing.view",
    "FAULTS": "inlay.testing.faults",
    "Fault": "inlay.testing.faults",
    "Grant": "inlay.permissions",
    "Host": "inlay.testing.host",
    "Reply": "inlay.testing.tools",
    "Tools": "inlay.testing.tools",
    "View": "inlay.testing.view",
    "assert_accessible": "inlay.testing.accessibility",
    "assert_clean": "inlay.testing.clean",
    "assert_fits_inline": "inlay.testing.accessibility",
    "assert_inert": "inlay.testing.inert",
    "assert_refused": "inlay.testing.refusals",
    "assert_widget": "inlay.testing.clean",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    message = f"module 'inlay.testing' has no attribute {name!r}"
    raise AttributeError(message)

"""The test kit: a pytest plugin that tests connectors and widgets in memory and in a browser.

`docs/how-to/test-a-widget.md` describes its use. Names are imported on first use.
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

_MODULES = {
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
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    message = f"module 'intarsia.testing' has no attribute {name!r}"
    raise AttributeError(message)

"""Intarsia: interactive connectors. Python functions return widgets; an MCP server shows them in the chat.

Public names load on first use (PEP 562), so that `import intarsia.widgets` imports neither the server nor the MCP SDK.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from intarsia.version import __version__

if TYPE_CHECKING:
    from intarsia.errors import ConflictError, IntarsiaError, RefusedError
    from intarsia.permissions import Grant
    from intarsia.server.attach import attach
    from intarsia.server.auth.authorization_server.accounts.settings import EmbeddedIssuer
    from intarsia.server.auth.resource_server.settings import AdminSignIn, Introspection, Issuer, ResourceServer
    from intarsia.server.connector import Connector
    from intarsia.server.views.idempotency import idempotency_key
    from intarsia.widgets.action import BoundAction, Done

__all__ = [
    "AdminSignIn",
    "BoundAction",
    "ConflictError",
    "Connector",
    "Done",
    "EmbeddedIssuer",
    "Grant",
    "IntarsiaError",
    "Introspection",
    "Issuer",
    "RefusedError",
    "ResourceServer",
    "__version__",
    "attach",
    "idempotency_key",
]

_MODULES = {
    "AdminSignIn": "intarsia.server.auth.resource_server.settings",
    "BoundAction": "intarsia.widgets.action",
    "ConflictError": "intarsia.errors",
    "Connector": "intarsia.server.connector",
    "Done": "intarsia.widgets.action",
    "EmbeddedIssuer": "intarsia.server.auth.authorization_server.accounts.settings",
    "Grant": "intarsia.permissions",
    "IntarsiaError": "intarsia.errors",
    "Introspection": "intarsia.server.auth.resource_server.settings",
    "Issuer": "intarsia.server.auth.resource_server.settings",
    "RefusedError": "intarsia.errors",
    "ResourceServer": "intarsia.server.auth.resource_server.settings",
    "attach": "intarsia.server.attach",
    "idempotency_key": "intarsia.server.views.idempotency",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    message = f"module 'intarsia' has no attribute {name!r}"
    raise AttributeError(message)

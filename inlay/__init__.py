"""Inlay: interactive connectors. Python functions return widgets; an MCP server shows them in the chat.

The names here are loaded when they are first used, so that `import inlay.widgets` loads no server.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inlay.errors import ConflictError, InlayError, RefusedError
    from inlay.permissions import Grant
    from inlay.server.admin.settings import AdminSignIn
    from inlay.server.attach import attach
    from inlay.server.connector import Connector
    from inlay.server.once import idempotency_key
    from inlay.server.sign_in.settings import EmbeddedIssuer
    from inlay.server.tokens.settings import Introspection, Issuer, ResourceServer
    from inlay.widgets.action import BoundAction, Done

__version__ = "0.1.0"
__all__ = [
    "AdminSignIn",
    "BoundAction",
    "ConflictError",
    "Connector",
    "Done",
    "EmbeddedIssuer",
    "Grant",
    "InlayError",
    "Introspection",
    "Issuer",
    "RefusedError",
    "ResourceServer",
    "__version__",
    "attach",
    "idempotency_key",
]

_HOMES = {
    "AdminSignIn": "inlay.server.admin.settings",
    "BoundAction": "inlay.widgets.action",
    "ConflictError": "inlay.errors",
    "Connector": "inlay.server.connector",
    "Done": "inlay.widgets.action",
    "EmbeddedIssuer": "inlay.server.sign_in.settings",
    "Grant": "inlay.permissions",
    "InlayError": "inlay.errors",
    "Introspection": "inlay.server.tokens.settings",
    "Issuer": "inlay.server.tokens.settings",
    "RefusedError": "inlay.errors",
    "ResourceServer": "inlay.server.tokens.settings",
    "attach": "inlay.server.attach",
    "idempotency_key": "inlay.server.once",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    message = f"module 'inlay' has no attribute {name!r}"
    raise AttributeError(message)

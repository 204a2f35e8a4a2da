"""Checks whether the SDK would accept a message, and returns its protocol version.

`view_polling.py` answers calls before the SDK, so it applies the SDK's own checks here. They include names of the SDK
that may change within 2.x; `tests/server/test_mcp_server.py` detects that.
"""

from collections.abc import Mapping
from typing import Any

from mcp.server.streamable_http import check_accept_headers
from mcp.shared.inbound import (
    MCP_PROTOCOL_VERSION_HEADER,
    InboundLadderRejection,
    classify_inbound_request,
    find_duplicated_routing_header,
)
from mcp_types import DEFAULT_NEGOTIATED_VERSION
from mcp_types.methods import validate_client_request
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from pydantic import ValidationError
from starlette.requests import Request
from starlette.types import Scope

EARLIER_VERSIONS = frozenset(HANDSHAKE_PROTOCOL_VERSIONS)
"""The protocol versions in which the SDK adds nothing to a result."""


def version_of(scope: Scope, message: Mapping[str, Any]) -> str | None:
    """Return the protocol version of a call, or `None` if the SDK would reject the call.

    Args:
        scope: The ASGI scope of the request.
        message: The JSON-RPC message.
    """
    request = Request(scope)
    version = request.headers.get(MCP_PROTOCOL_VERSION_HEADER, DEFAULT_NEGOTIATED_VERSION)
    if not all(check_accept_headers(request)):
        return None
    if version not in EARLIER_VERSIONS and not _is_routed(request, message):
        return None
    try:
        validate_client_request(message["method"], version, message["params"])
    except ValidationError:
        return None
    return version


def _is_routed(request: Request, message: Mapping[str, Any]) -> bool:
    """Return whether the routing headers match the body: proxies may have authorized the message by its headers."""
    if find_duplicated_routing_header(request.headers.items()) is not None:
        return False
    verdict = classify_inbound_request(message, headers=dict(request.headers))
    return not isinstance(verdict, InboundLadderRejection)

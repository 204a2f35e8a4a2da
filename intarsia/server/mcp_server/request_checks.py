"""Which messages the SDK would pass on to a tool, and in which version of the protocol.

Asked with the SDK's own functions, for calls that are answered in front of it (`waits.py`). Like the adapter it touches
names of the SDK that may change within 2.x; `tests/server/test_mcp_server.py` watches them.
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
"""In which the SDK has nothing to add to a result."""


def version_of(scope: Scope, message: Mapping[str, Any]) -> str | None:
    """Return the version of a call that the SDK would pass on to its tool; nothing for one that it would refuse."""
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
    """Say whether headers and body agree, by which what stands between may have let the message pass."""
    if find_duplicated_routing_header(request.headers.items()) is not None:
        return False
    verdict = classify_inbound_request(message, headers=dict(request.headers))
    return not isinstance(verdict, InboundLadderRejection)

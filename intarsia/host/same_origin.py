"""Restricts routes to the host page: sandboxes of widgets, other sites and non-browser clients are refused."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from intarsia.server.wire.strict_json import JSON

FRESH = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

Endpoint = Callable[[Request], Awaitable[Response]]


class InvalidFieldsError(Exception):
    """The fields of a request are invalid."""


def for_the_page(endpoint: Endpoint) -> Endpoint:
    """Wrap an endpoint so that only the host page can call it. Sandboxes have the same host name but another origin."""

    async def answer(request: Request) -> Response:
        own = f"http://{request.headers['host']}"
        if (
            request.headers.get("origin") != own
            or request.headers.get("sec-fetch-site", "same-origin") != "same-origin"
        ):
            return refused(403, "Only the host page may send this request.")
        try:
            return await endpoint(request)
        except InvalidFieldsError as error:
            return refused(400, str(error))

    return answer


def refused(status: int, message: str) -> Response:
    """Return an error response with a message."""
    return JSONResponse({"error": message}, status_code=status, headers=FRESH)


def fields_of(request: Request) -> Mapping[str, Any]:
    """Return the JSON fields of a request, which the request limits have parsed."""
    given: object = request.scope.get(JSON)
    return cast("dict[str, Any]", given) if isinstance(given, dict) else {}

"""What the host page alone may ask: no widget's sandbox, no other site, and nobody without a browser's headers."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from intarsia.server.wire.strict_json import JSON

FRESH = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

Endpoint = Callable[[Request], Awaitable[Response]]


class InvalidFieldsError(Exception):
    """A request of the page that makes no sense."""


def for_the_page(endpoint: Endpoint) -> Endpoint:
    """Answer to the host page alone. The sandbox of the widgets has the same host name, and another origin."""

    async def answer(request: Request) -> Response:
        own = f"http://{request.headers['host']}"
        if (
            request.headers.get("origin") != own
            or request.headers.get("sec-fetch-site", "same-origin") != "same-origin"
        ):
            return refused(403, "Only the host page may ask this.")
        try:
            return await endpoint(request)
        except InvalidFieldsError as error:
            return refused(400, str(error))

    return answer


def refused(status: int, message: str) -> Response:
    """Return a refusal in plain words."""
    return JSONResponse({"error": message}, status_code=status, headers=FRESH)


def fields_of(request: Request) -> Mapping[str, Any]:
    """Return what the page sent; the gate has read it."""
    given: object = request.scope.get(JSON)
    return cast("dict[str, Any]", given) if isinstance(given, dict) else {}

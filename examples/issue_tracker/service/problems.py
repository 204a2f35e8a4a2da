"""Error responses of the tracker: a status and a message for users."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response


class Problem(Exception):  # noqa: N818 - it is an answer
    """An error response.

    Args:
        status: The HTTP status.
        message: One plain sentence.
        headers: Further headers, such as `Retry-After`.
        fields: Further fields of the answer, such as what is true now.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None, **fields: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"message": message, **fields}
        self.headers = dict(headers or {})


async def show_problem(_request: Request, error: Exception) -> Response:
    """Return an error response."""
    problem = error if isinstance(error, Problem) else Problem(500, "The tracker failed.")
    return JSONResponse(problem.body, problem.status, problem.headers)

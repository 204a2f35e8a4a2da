"""OAuth error responses. No text contains any part of the request."""

from enum import StrEnum

from starlette.responses import JSONResponse


class Code(StrEnum):
    """The `error` code of a response."""

    ACCESS_DENIED = "access_denied"
    INVALID_CLIENT = "invalid_client"
    INVALID_CLIENT_METADATA = "invalid_client_metadata"
    INVALID_GRANT = "invalid_grant"
    INVALID_REDIRECT_URI = "invalid_redirect_uri"
    INVALID_REQUEST = "invalid_request"
    INVALID_SCOPE = "invalid_scope"
    INVALID_TARGET = "invalid_target"
    TEMPORARILY_UNAVAILABLE = "temporarily_unavailable"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    UNSUPPORTED_RESPONSE_TYPE = "unsupported_response_type"


NOT_STORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class OAuthError(Exception):
    """An OAuth error response (RFC 6749, sections 4.1.2.1 and 5.2; RFC 7591, section 3.2.2).

    Args:
        code: The error code, for programs.
        description: The error description, for people.
        retry_seconds: When to retry, in seconds, if the request was rate limited; otherwise 0.
    """

    def __init__(self, code: Code, description: str, *, retry_seconds: int = 0) -> None:
        super().__init__(description)
        self.code, self.description, self.retry_seconds = code, description, retry_seconds

    def response(self) -> JSONResponse:
        """Return the error as JSON, for endpoints that clients call."""
        headers = dict(NOT_STORED)
        status = 401 if self.code is Code.INVALID_CLIENT else 400
        if self.code is Code.INVALID_CLIENT:
            headers["WWW-Authenticate"] = "Basic"
        if self.retry_seconds:
            status, headers["Retry-After"] = 429, str(self.retry_seconds)
        return JSONResponse({"error": self.code, "error_description": self.description}, status, headers)

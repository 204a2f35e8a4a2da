"""Parses forms and queries, in which a parameter may occur only once."""

from collections import defaultdict
from urllib.parse import parse_qsl

from starlette.requests import Request

from intarsia.server.pages.oauth_errors import Code, OAuthError

MAX_QUERY_LENGTH = 8 * 1024
MAX_FORM_LENGTH = 64 * 1024
_MAX_FIELDS = 200


class Fields:
    """The fields of a form or a query.

    Args:
        text: The encoded fields, `application/x-www-form-urlencoded`.

    Raises:
        OAuthError: The text is malformed, or has too many fields.
    """

    def __init__(self, text: str) -> None:
        self._values: dict[str, list[str]] = defaultdict(list)
        try:
            pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS)
        except ValueError:
            raise OAuthError(Code.INVALID_REQUEST, "The request is malformed.") from None
        for name, value in pairs:
            self._values[name].append(value)

    def one(self, name: str) -> str | None:
        """Return the value of a field; `None` if it is missing or empty.

        Raises:
            OAuthError: The field occurs more than once (RFC 6749, section 3.1).
        """
        values = self._values.get(name, [])
        if len(values) > 1:
            raise OAuthError(Code.INVALID_REQUEST, "A parameter occurs more than once.")
        return (values[0] or None) if values else None

    def required(self, name: str) -> str:
        """Return the value of a field that must not be missing or empty.

        Args:
            name: The name of the field, which appears in the error description.

        Raises:
            OAuthError: The field is missing, is empty, or occurs more than once.
        """
        value = self.one(name)
        if value is None:
            raise OAuthError(Code.INVALID_REQUEST, f"{name} is missing.")
        return value

    def many(self, name: str) -> frozenset[str]:
        """Return all values of a field that may occur several times."""
        return frozenset(self._values.get(name, []))


def read_query(request: Request) -> Fields:
    """Parse the query of a request.

    Raises:
        OAuthError: It is too long or malformed.
    """
    return fields_of(request.url.query)


def fields_of(query: str) -> Fields:
    """Parse a query.

    Raises:
        OAuthError: It is too long or malformed.
    """
    if len(query) > MAX_QUERY_LENGTH:
        raise OAuthError(Code.INVALID_REQUEST, "The request is too long.")
    return Fields(query)


async def read_form(request: Request) -> Fields:
    """Parse the form in the body of a request.

    Raises:
        OAuthError: It is too long or malformed.
    """
    body = await request.body()
    if len(body) > MAX_FORM_LENGTH or not body.isascii():
        raise OAuthError(Code.INVALID_REQUEST, "The form is too long, or not URL-encoded.")
    return Fields(body.decode())

"""Why an access token is rejected. The texts are for the log and never contain any part of the token."""

from enum import Enum


class Reason(Enum):
    """The reason why an access token is rejected."""

    MALFORMED = "it is malformed"
    UNREADABLE = "it cannot be decoded"
    NOT_SIGNED = "it is opaque, and no issuer accepts opaque tokens"
    UNTRUSTED_ISSUER = "its issuer is not trusted"
    UNSUPPORTED_ALGORITHM = "its signature algorithm is not accepted"
    UNSUPPORTED_EXTENSION = "its header requires an unsupported extension"
    EMBEDDED_KEY = "its header contains or references a key"
    UNKNOWN_KEY = "its signing key is not among the issuer's keys"
    INVALID_SIGNATURE = "its signature is invalid"
    WRONG_TYPE = "it is not a bearer access token"
    WRONG_AUDIENCE = "it is for another audience"
    INVALID_TIME = "a time claim is not an integer"
    MISSING_EXPIRY = "it has no expiry"
    EXPIRED = "it has expired"
    LIFETIME_TOO_LONG = "it expires too far in the future"
    NOT_YET_VALID = "it is not valid yet"
    ISSUED_IN_FUTURE = "it was issued in the future"
    KEY_BOUND = "it is bound to a key, and no proof of possession was sent"
    INVALID_SCOPES = "its scopes are not a string or a list of strings"
    INVALID_IDENTIFIER = "its subject or client ID is missing or invalid"
    INVALID_ROLES = "its roles are not a string or a list of strings"
    NOT_ACTIVE = "the issuer reports that it is not active"


class TokenError(Exception):
    """An access token that is rejected.

    Args:
        reason: Why it is rejected.
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason

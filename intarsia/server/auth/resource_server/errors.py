"""Why a token is not taken, in words for the log. Each is ours: none repeats anything of a token."""

from enum import Enum


class Reason(Enum):
    """Why a token is not taken."""

    MALFORMED = "it has not the form of a token"
    UNREADABLE = "it cannot be read"
    NOT_SIGNED = "it is not signed, and no issuer takes such tokens"
    OTHER_ISSUER = "it names an issuer that is not trusted"
    OTHER_ALGORITHM = "its signature is of a kind that is not taken"
    UNKNOWN_EXTENSION = "its header asks for an extension that is not known"
    OFFERS_A_KEY = "its header offers a key of its own"
    UNKNOWN_KEY = "it is signed with a key that the issuer does not show"
    WRONG_SIGNATURE = "its signature is wrong"
    OTHER_KIND = "it is no access token that a bearer may use"
    OTHER_AUDIENCE = "it is for another audience"
    NO_TIME = "a time in it is no whole number"
    NO_EXPIRY = "it does not say when it expires"
    EXPIRED = "it has expired"
    LASTS_TOO_LONG = "it expires too far ahead"
    NOT_YET = "it is not valid yet"
    ISSUED_LATER = "it was issued in the future"
    BOUND = "it is bound to a key, and comes without proof of it"
    NO_SCOPES = "its scopes are no list of texts"
    NO_NAME = "it does not say who it is about"
    NO_ROLES = "its roles are no list of texts"
    NOT_ACTIVE = "the issuer says that it is not active"


class TokenError(Exception):
    """A token that is not taken.

    Args:
        reason: Why.
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason

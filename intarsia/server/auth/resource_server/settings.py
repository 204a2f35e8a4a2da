"""What a developer says about sign-in: where the connector lives, and whose tokens it takes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Protocol, TypeVar
from urllib.parse import SplitResult, urlsplit

from intarsia.errors import SettingError
from intarsia.server.auth.resource_server.client_auth import Method

ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
"""Signatures that only the issuer can make. A key that can both sign and check is never taken."""

MAX_LEEWAY_SECONDS = 60
MAX_KEYS_SECONDS = 300
MAX_LIFETIME_SECONDS = 31 * 24 * 60 * 60

_MIN_SECONDS, _MAX_SECONDS = 60, 24 * 60 * 60
_METHODS = ("client_secret_basic", "client_secret_post")


T = TypeVar("T")

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, kw_only=True)
class Introspection:
    """Asks the issuer about each token (RFC 7662), with an answer that is used for a few seconds.

    With it, opaque tokens are taken, and a token that was revoked stops within 5 seconds.

    Args:
        client_id: Who asks, as registered with the issuer.
        client_secret: The secret of that client.
        endpoint: Where to ask; by default what the issuer's metadata name.
        method: How the client proves itself: in the header, or in the form.
        opaque_tokens: Whether tokens that are not signed are taken; one issuer at most can do this.
        signed_tokens: Whether to ask about signed tokens (JWT) too. `False` is for issuers that only answer about
            opaque ones; then a signed token that was revoked lives until it expires.

    Raises:
        SettingError: Something is empty, it is used for no kind of token, or the endpoint is no HTTPS address.
    """

    client_id: str
    client_secret: str = field(repr=False)
    endpoint: str | None = None
    method: Method = "client_secret_basic"
    opaque_tokens: bool = True
    signed_tokens: bool = True

    def __post_init__(self) -> None:
        if not self.client_id or not self.client_secret:
            message = "Introspection needs the client_id and the client_secret of a client of the issuer."
            raise SettingError(message)
        if not (self.opaque_tokens or self.signed_tokens):
            message = "Introspection must be for opaque_tokens, for signed_tokens, or for both; leave it out otherwise."
            raise SettingError(message)
        if self.endpoint is not None:
            checked_address(self.endpoint, "Introspection's endpoint")


class LocalIntrospection(Protocol):
    """An issuer in this process, which is asked about each of its tokens without HTTP."""

    async def claims_of(self, token: str) -> Mapping[str, Any] | None:
        """Return what a token is worth right now; None when it is worth nothing."""
        ...


@dataclass(frozen=True)
class Issuer:
    """An authorization server whose tokens are taken.

    Args:
        url: Its issuer identifier, exactly as its tokens and its metadata write it.
        audience: What its tokens name as their audience when they are for this connector; by default the
            connector's own address (RFC 8707).
        introspection: Asks the issuer about each token. Without it, only signed tokens (JWT) are taken.
        jwks_uri: Where its public keys are; by default where its metadata say.
        algorithms: Which signatures are taken; all of them are asymmetric.
        roles_claim: Which claim holds the person's roles; dots lead into objects, such as `realm_access.roles`.
        vouches: Says what its opaque tokens are worth, when it is part of this process.

    Raises:
        SettingError: An address is no HTTPS address (HTTP is for this machine alone), or an algorithm is not known.
    """

    url: str
    _: KW_ONLY
    audience: str | None = None
    introspection: Introspection | None = None
    jwks_uri: str | None = None
    algorithms: tuple[str, ...] = ALGORITHMS
    roles_claim: str = "roles"
    vouches: LocalIntrospection | None = field(default=None, repr=False)

    @property
    def takes_opaque(self) -> bool:
        """Whether tokens that are not signed are taken."""
        return self.vouches is not None or (self.introspection is not None and self.introspection.opaque_tokens)

    def __post_init__(self) -> None:
        checked_address(self.url, "The issuer")
        if self.jwks_uri is not None:
            checked_address(self.jwks_uri, "The issuer's jwks_uri")
        if self.audience == "":
            message = f"The issuer {self.url!r} has an empty audience; leave it out to use the connector's address."
            raise SettingError(message)
        object.__setattr__(self, "algorithms", tuple(_several(self.algorithms, "algorithms")))
        unknown = [name for name in self.algorithms if name not in ALGORITHMS]
        if unknown or not self.algorithms:
            message = f"algorithms may hold {', '.join(ALGORITHMS)}; {unknown or 'nothing'} can not be used."
            raise SettingError(message)


@dataclass(frozen=True, kw_only=True)
class AdminSignIn:
    """How admins sign in at `/admin`, at an issuer whose tokens are taken. Give it to `ResourceServer(admin=...)`.

    Who has the role `intarsia:admin` there is an admin.

    Args:
        client_id: The pages, as the issuer knows them, with the redirect address `<public address>/admin/callback`.
        client_secret: The secret of that client; without it the client is public, and PKCE alone protects the code.
        issuer: At which issuer they sign in; it must be said when there are several.
        method: How the client proves itself: in the header, or in the form.
        scopes: What the pages ask for. They need the person's roles alone; most issuers give no token without a scope.
        session_seconds: How long an admin stays signed in, as long as their token is good.

    Raises:
        SettingError: Something is empty, is no scope, or is outside its range.
    """

    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    issuer: str | None = None
    method: Method = "client_secret_basic"
    scopes: Sequence[str] = ("openid",)
    session_seconds: int = 8 * 60 * 60

    def __post_init__(self) -> None:
        if not self.client_id or self.client_secret == "":
            message = (
                "AdminSignIn needs the client_id of a client of the issuer; leave out a client_secret that is empty."
            )
            raise SettingError(message)
        if self.method not in _METHODS:
            message = f"The method of AdminSignIn must be one of {', '.join(_METHODS)}, and is {self.method!r}."
            raise SettingError(message)
        if isinstance(self.scopes, str) or any(not each or not each.isascii() or " " in each for each in self.scopes):
            message = f"The scopes of AdminSignIn must be several names without spaces, and are {self.scopes!r}."
            raise SettingError(message)
        seconds = self.session_seconds
        if isinstance(seconds, bool) or not _MIN_SECONDS <= seconds <= _MAX_SECONDS:
            message = f"session_seconds must be from {_MIN_SECONDS} to {_MAX_SECONDS} seconds, and is {seconds}."
            raise SettingError(message)

    def check_issuer(self, trusted: Sequence[str]) -> str:
        """Return the issuer at which admins sign in.

        Args:
            trusted: The issuers whose tokens are taken.

        Raises:
            SettingError: It is none of them, or nobody said which of several it is.
        """
        if self.issuer is None and len(trusted) > 1:
            message = f"Say at which issuer admins sign in: AdminSignIn(issuer=...), one of {', '.join(trusted)}."
            raise SettingError(message)
        issuer = self.issuer or trusted[0]
        if issuer not in trusted:
            message = f"Admins cannot sign in at {issuer!r}: its tokens are not taken. Choose {' or '.join(trusted)}."
            raise SettingError(message)
        return issuer


@dataclass(frozen=True)
class ResourceServer:
    """Whose access tokens a connector takes. Give it to `connector.app(auth=...)`.

    Args:
        resource: The connector's public address with its path, such as `https://tasks.example.com/mcp`. Tokens must
            name exactly this as their audience.
        issuers: Who may issue tokens; an address alone stands for `Issuer(address)`.
        leeway_seconds: How far the issuer's clock may be ahead, at most 60. An expired token has no leeway.
        lifetime_seconds: How far ahead a token's expiry may be; one that lives longer is refused.
        keys_seconds: How old the issuer's keys may be before they are fetched again, at most 300. A key that the
            issuer withdrew is refused after that.
        admin: How admins sign in at `/admin`, where they turn tools on and off. Without it there is no such page.

    Raises:
        SettingError: The address is not in its plain form, there is no issuer or one twice, two issuers take opaque
            tokens, or a number is outside its range.
    """

    resource: str
    issuers: Sequence[Issuer | str]
    _: KW_ONLY
    leeway_seconds: int = 30
    lifetime_seconds: int = 24 * 60 * 60
    keys_seconds: float = 4
    admin: AdminSignIn | None = None

    def __post_init__(self) -> None:
        checked_address(self.resource, "The resource")
        object.__setattr__(self, "issuers", _checked_issuers(self.issuers))
        _check_range("leeway_seconds", self.leeway_seconds, 0, MAX_LEEWAY_SECONDS)
        _check_range("lifetime_seconds", self.lifetime_seconds, 60, MAX_LIFETIME_SECONDS)
        _check_range("keys_seconds", self.keys_seconds, 1, MAX_KEYS_SECONDS)
        if self.admin is not None:
            self.admin.check_issuer(self.addresses)

    @property
    def host(self) -> str:
        """The name in the connector's public address, without port."""
        name = urlsplit(self.resource).hostname or ""
        return f"[{name}]" if ":" in name else name

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where people sign in."""
        return tuple(issuer.url for issuer in self.trusted())

    def trusted(self) -> tuple[Issuer, ...]:
        """Return the issuers, each with its settings."""
        return tuple(issuer if isinstance(issuer, Issuer) else Issuer(issuer) for issuer in self.issuers)


def checked_address(address: str, what: str) -> str:
    """Return an address that is safe to compare and to connect to.

    Args:
        address: An absolute address.
        what: What it is, for the message.

    Raises:
        SettingError: It is not absolute, not HTTPS, or not written in the plain form in which addresses are compared.
    """
    try:
        parts = urlsplit(address)
        is_plain = _is_plain(address, parts)
    except ValueError:
        is_plain = False
        parts = SplitResult("", "", "", "", "")
    if not is_plain:
        message = (
            f"{what} {address!r} must be an absolute address in its plain form, such as 'https://example.com/mcp': "
            "scheme and host in lower case, no user, no default port, no query, no fragment."
        )
        raise SettingError(message)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        message = f"{what} {address!r} must use https; http is only for this machine's own addresses."
        raise SettingError(message)
    return address


def _is_plain(address: str, parts: SplitResult) -> bool:
    default = {"https": 443, "http": 80}
    is_ascii = address.isascii() and address.isprintable() and " " not in address and "\\" not in address
    is_bare = not (parts.query or parts.fragment or "?" in address or "#" in address or "@" in parts.netloc)
    is_usual = parts.scheme in default and bool(parts.hostname) and parts.port != default[parts.scheme]
    return is_ascii and is_bare and is_usual and address.startswith(f"{parts.scheme}://{parts.netloc.lower()}")


def _checked_issuers(given: Sequence[Issuer | str]) -> tuple[Issuer, ...]:
    issuers = tuple(Issuer(one) if isinstance(one, str) else one for one in _several(given, "issuers"))
    addresses = [issuer.url for issuer in issuers]
    if not issuers or len(set(addresses)) < len(addresses):
        message = "issuers must name at least one issuer, and each of them once."
        raise SettingError(message)
    # To find out who issued an opaque token, it would have to be shown to somebody who did not.
    opaque = [issuer.url for issuer in issuers if issuer.takes_opaque]
    if len(opaque) > 1:
        message = (
            f"Only one issuer can have opaque tokens, because these do not say who issued them: {', '.join(opaque)}. "
            "Give the others Introspection(opaque_tokens=False, ...)."
        )
        raise SettingError(message)
    return issuers


def _several(values: Iterable[T], name: str) -> Iterable[T]:
    if isinstance(values, str):
        message = f"{name} must hold several texts, such as ({values!r},), not one text."
        raise SettingError(message)
    return values


def _check_range(name: str, value: float, least: float, most: float) -> None:
    if isinstance(value, bool) or not least <= value <= most:
        message = f"{name} must be from {least} to {most}, and is {value}."
        raise SettingError(message)

"""Settings of the resource server: the connector's public address, and the issuers whose tokens it accepts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Protocol, TypeVar
from urllib.parse import SplitResult, urlsplit

from intarsia.errors import SettingError
from intarsia.server.auth.resource_server.client_auth import Method

ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
"""Asymmetric algorithms only: with HMAC, everyone who can verify a token can also forge one."""

MCP_PATH = "/mcp"
PROTECTED_RESOURCE = "/.well-known/oauth-protected-resource"

MAX_LEEWAY_SECONDS = 60
MAX_KEYS_SECONDS = 300
MAX_LIFETIME_SECONDS = 31 * 24 * 60 * 60

_MIN_SECONDS, _MAX_SECONDS = 60, 24 * 60 * 60
_METHODS = ("client_secret_basic", "client_secret_post")


T = TypeVar("T")

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, kw_only=True)
class Introspection:
    """Introspection of access tokens at the issuer (RFC 7662). Responses are cached for a few seconds.

    With introspection, opaque tokens are accepted, and a revoked token is rejected within 5 seconds.

    Args:
        client_id: The client that introspects tokens, as registered with the issuer.
        client_secret: The client's secret.
        endpoint: The introspection endpoint; by default the one in the issuer's metadata.
        method: How the client authenticates (RFC 6749, section 2.3.1): in the header or in the form.
        opaque_tokens: Whether to accept opaque tokens; at most one issuer can.
        signed_tokens: Whether to introspect signed tokens (JWT) too. Set it to `False` for issuers that introspect only
            opaque tokens; a revoked signed token is then accepted until it expires.

    Raises:
        SettingError: A value is empty, both kinds of tokens are excluded, or the endpoint is not an HTTPS URL.
    """

    client_id: str
    client_secret: str = field(repr=False)
    endpoint: str | None = None
    method: Method = "client_secret_basic"
    opaque_tokens: bool = True
    signed_tokens: bool = True

    def __post_init__(self) -> None:
        if not self.client_id or not self.client_secret:
            message = "Introspection needs a client_id and a client_secret that are registered with the issuer."
            raise SettingError(message)
        if not (self.opaque_tokens or self.signed_tokens):
            message = "Introspection must be for opaque_tokens, signed_tokens or both; omit it to use neither."
            raise SettingError(message)
        if self.endpoint is not None:
            checked_address(self.endpoint, "Introspection's endpoint")


class LocalIntrospection(Protocol):
    """An issuer that runs in this process, so that its tokens are introspected without HTTP."""

    async def introspect(self, token: str) -> Mapping[str, Any] | None:
        """Return the current claims of a token, or `None` if it is not active."""
        ...


@dataclass(frozen=True)
class Issuer:
    """An authorization server whose access tokens are accepted.

    Args:
        url: The issuer identifier, exactly as in its tokens and its metadata.
        audience: The audience of tokens for this connector; by default the connector's own address (RFC 8707).
        introspection: How tokens are introspected. Without it, only signed tokens (JWT) are accepted.
        jwks_uri: Where the issuer's public keys are; by default the `jwks_uri` of its metadata.
        algorithms: The accepted signature algorithms, all asymmetric.
        roles_claim: The claim that holds the user's roles. A dot descends into an object: `realm_access.roles`.
        local_introspection: Introspects the issuer's opaque tokens if the issuer runs in this process.

    Raises:
        SettingError: A URL is not HTTPS (HTTP is allowed for loopback addresses only), or an algorithm is unknown.
    """

    url: str
    _: KW_ONLY
    audience: str | None = None
    introspection: Introspection | None = None
    jwks_uri: str | None = None
    algorithms: tuple[str, ...] = ALGORITHMS
    roles_claim: str = "roles"
    local_introspection: LocalIntrospection | None = field(default=None, repr=False)

    @property
    def accepts_opaque_tokens(self) -> bool:
        """Whether the issuer's opaque tokens are accepted."""
        if self.local_introspection is not None:
            return True
        return self.introspection is not None and self.introspection.opaque_tokens

    def __post_init__(self) -> None:
        checked_address(self.url, "The issuer")
        if self.jwks_uri is not None:
            checked_address(self.jwks_uri, "The issuer's jwks_uri")
        if self.audience == "":
            message = f"The issuer {self.url!r} has an empty audience; omit it to use the connector's address."
            raise SettingError(message)
        object.__setattr__(self, "algorithms", tuple(_no_string(self.algorithms, "algorithms")))
        unknown = [name for name in self.algorithms if name not in ALGORITHMS]
        if unknown or not self.algorithms:
            message = f"algorithms must be some of {', '.join(ALGORITHMS)}, and not {unknown or 'empty'}."
            raise SettingError(message)


@dataclass(frozen=True, kw_only=True)
class AdminSignIn:
    """The sign-in of admins at an accepted issuer, for the pages at `/admin`. Pass it to `ResourceServer(admin=...)`.

    Users whose token has the role `intarsia:admin` are admins.

    Args:
        client_id: The client that is registered with the issuer, with the redirect URI `<public URL>/admin/callback`.
        client_secret: The client's secret; without it the client is public, and only PKCE protects the code.
        issuer: The issuer where admins sign in; required if more than one is accepted.
        method: How the client authenticates (RFC 6749, section 2.3.1): in the header or in the form.
        scopes: The requested scopes. The pages only need the user's roles, but most issuers require some scope.
        session_seconds: How long an admin stays signed in at most, while the access token is valid.

    Raises:
        SettingError: A value is empty, a scope is invalid, or the time is out of range.
    """

    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    issuer: str | None = None
    method: Method = "client_secret_basic"
    scopes: Sequence[str] = ("openid",)
    session_seconds: int = 8 * 60 * 60

    def __post_init__(self) -> None:
        if not self.client_id or self.client_secret == "":
            message = "AdminSignIn needs the client_id of a client of the issuer; omit client_secret if it is empty."
            raise SettingError(message)
        if self.method not in _METHODS:
            message = f"The method of AdminSignIn must be one of {', '.join(_METHODS)}, not {self.method!r}."
            raise SettingError(message)
        if isinstance(self.scopes, str) or any(not each or not each.isascii() or " " in each for each in self.scopes):
            message = f"The scopes of AdminSignIn must be a list of names without spaces, not {self.scopes!r}."
            raise SettingError(message)
        seconds = self.session_seconds
        if isinstance(seconds, bool) or not _MIN_SECONDS <= seconds <= _MAX_SECONDS:
            message = f"session_seconds must be from {_MIN_SECONDS} to {_MAX_SECONDS} seconds, and is {seconds}."
            raise SettingError(message)

    def check_issuer(self, trusted: Sequence[str]) -> str:
        """Return the issuer where admins sign in.

        Args:
            trusted: The URLs of the accepted issuers.

        Raises:
            SettingError: The issuer is not accepted, or is not set although more than one is accepted.
        """
        if self.issuer is None and len(trusted) > 1:
            message = f"Set the issuer where admins sign in: AdminSignIn(issuer=...), one of {', '.join(trusted)}."
            raise SettingError(message)
        issuer = self.issuer or trusted[0]
        if issuer not in trusted:
            message = f"Admins cannot sign in at {issuer!r}, which is not accepted. Use {' or '.join(trusted)}."
            raise SettingError(message)
        return issuer


@dataclass(frozen=True)
class ResourceServer:
    """A connector whose callers sign in at other issuers. Pass it to `connector.app(auth=...)`.

    Args:
        resource: The connector's public URL with its path, such as `https://tasks.example.com/mcp`. Tokens must have
            exactly this audience (RFC 8707).
        issuers: The accepted issuers; a plain URL stands for `Issuer(url)`.
        leeway_seconds: How far an issuer's clock may be ahead, at most 60. Expiry has no leeway.
        lifetime_seconds: The maximum remaining lifetime of a token; a token that expires later is rejected.
        keys_seconds: How long the issuers' keys are cached, at most 300. After that, a withdrawn key is rejected.
        admin: How admins sign in at `/admin`, where they turn tools on and off. Without it there are no admin pages.

    Raises:
        SettingError: A URL is not in its canonical form, the issuers are empty or repeated, more than one of them has
            opaque tokens, or a number is out of range.
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
        """The host name of the public URL, without the port."""
        name = urlsplit(self.resource).hostname or ""
        return f"[{name}]" if ":" in name else name

    @property
    def addresses(self) -> tuple[str, ...]:
        """The URLs where users sign in."""
        return tuple(issuer.url for issuer in self.trusted())

    @property
    def public_url(self) -> str:
        """Where the pages beside the connector are: its address without `/mcp`."""
        return self.resource.removesuffix("/").removesuffix(MCP_PATH)

    @property
    def metadata_path(self) -> str:
        """Where clients read about the resource (RFC 9728): at the root of the host, with the resource's path."""
        path = urlsplit(self.resource).path
        return PROTECTED_RESOURCE + ("" if path == "/" else path)

    def trusted(self) -> tuple[Issuer, ...]:
        """Return all issuers as `Issuer` objects."""
        return tuple(issuer if isinstance(issuer, Issuer) else Issuer(issuer) for issuer in self.issuers)


def checked_address(address: str, what: str) -> str:
    """Return a URL that is safe to compare and to connect to.

    Args:
        address: An absolute URL.
        what: What it is, for the error message.

    Raises:
        SettingError: The URL is not absolute, is not HTTPS, or is not in its canonical form.
    """
    try:
        parts = urlsplit(address)
        is_canonical = _is_canonical(address, parts)
    except ValueError:
        is_canonical = False
        parts = SplitResult("", "", "", "", "")
    if not is_canonical:
        message = (
            f"{what} {address!r} must be an absolute URL in its canonical form, such as 'https://example.com/mcp': "
            "lowercase scheme and host, no user name, no default port, no query and no fragment."
        )
        raise SettingError(message)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        message = f"{what} {address!r} must use https; http is allowed only for this machine's loopback addresses."
        raise SettingError(message)
    return address


def _is_canonical(address: str, parts: SplitResult) -> bool:
    # URLs are compared as strings, here and in tokens, so each must have exactly one spelling.
    default = {"https": 443, "http": 80}
    is_ascii = address.isascii() and address.isprintable() and " " not in address and "\\" not in address
    is_bare = not (parts.query or parts.fragment or "?" in address or "#" in address or "@" in parts.netloc)
    is_usual = parts.scheme in default and bool(parts.hostname) and parts.port != default[parts.scheme]
    return is_ascii and is_bare and is_usual and address.startswith(f"{parts.scheme}://{parts.netloc.lower()}")


def _checked_issuers(values: Sequence[Issuer | str]) -> tuple[Issuer, ...]:
    issuers = tuple(Issuer(value) if isinstance(value, str) else value for value in _no_string(values, "issuers"))
    addresses = [issuer.url for issuer in issuers]
    if not issuers or len(set(addresses)) < len(addresses):
        message = "issuers must hold at least one issuer, and each issuer only once."
        raise SettingError(message)
    # An opaque token does not name its issuer: finding it would disclose the token to the other issuers.
    opaque = [issuer.url for issuer in issuers if issuer.accepts_opaque_tokens]
    if len(opaque) > 1:
        message = (
            f"Only one issuer can have opaque tokens, because they do not name their issuer: {', '.join(opaque)}. "
            "Give the others Introspection(opaque_tokens=False, ...)."
        )
        raise SettingError(message)
    return issuers


def _no_string(values: Iterable[T], name: str) -> Iterable[T]:
    # A string is an iterable too: `issuers="https://…"` would otherwise be read as a list of characters.
    if isinstance(values, str):
        message = f"{name} must be a sequence of strings, such as ({values!r},), and not a string."
        raise SettingError(message)
    return values


def _check_range(name: str, value: float, minimum: float, maximum: float) -> None:
    if isinstance(value, bool) or not minimum <= value <= maximum:
        message = f"{name} must be from {minimum} to {maximum}, and is {value}."
        raise SettingError(message)

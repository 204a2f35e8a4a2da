"""Redirect URIs: which ones a client may register, and which one a request may use (RFC 8252, RFC 9700)."""

import re
from collections.abc import Collection
from urllib.parse import SplitResult, urlencode, urlsplit

MAX_ADDRESS_LENGTH = 2048

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_NATIVE_SCHEMES = frozenset({"cursor", "vscode", "vscode-insiders"})
"""Editors whose schemes have no dot, though RFC 8252, section 7.1 requires one."""

_PRINTABLE_ASCII = re.compile(r"[\x21-\x7e]+")
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(:[0-9]{1,5})?")
_ENCODED_DELIMITERS = re.compile(r"%(2f|5c|00|0a|0d)", re.IGNORECASE)
_FORBIDDEN = frozenset('\\"<>^`{|}')
"""Characters that are invalid in a URL (RFC 3986), and that browsers interpret differently."""


def is_allowed(address: str) -> bool:
    """Return whether a redirect URI may be registered: https, http on loopback, or a private-use scheme (RFC 8252)."""
    parts = _parse(address)
    if parts is None:
        return False
    if parts.scheme == "https":
        return bool(_HOST.fullmatch(parts.netloc))
    if parts.scheme == "http":
        return bool(_HOST.fullmatch(parts.netloc)) and parts.hostname in _LOOPBACK
    return parts.scheme in _NATIVE_SCHEMES or "." in parts.scheme


def is_registered(address: str, registered: Collection[str]) -> bool:
    """Return whether a redirect URI matches a registered one: exactly, except for a loopback port (RFC 8252, 7.3)."""
    if not is_allowed(address):
        return False
    return any(address == other or _is_same_but_port(address, other) for other in registered if is_allowed(other))


def describe_redirect(address: str) -> str:
    """Return where a redirect URI leads, as shown to users: a host, or an app on their computer."""
    parts = urlsplit(address)
    if parts.scheme == "http":
        return "an app on this computer"
    return parts.netloc if parts.scheme == "https" else f"an app on this computer ({parts.scheme})"


def add_parameters(address: str, **parameters: str | None) -> str:
    """Return a redirect URI with response parameters; parameters that are `None` are left out."""
    query = urlencode({name: value for name, value in parameters.items() if value is not None})
    return f"{address}{'&' if '?' in address else '?'}{query}"


def _parse(address: str) -> SplitResult | None:
    if len(address) > MAX_ADDRESS_LENGTH or not _PRINTABLE_ASCII.fullmatch(address):
        return None
    # A fragment is forbidden (RFC 6749, section 3.1.2): the response parameters would end up behind it.
    if _FORBIDDEN & set(address) or "#" in address:
        return None
    try:
        parts = urlsplit(address)
        _ = parts.port  # raises ValueError for an invalid port
    except ValueError:
        return None
    # A user name hides the real host from readers: `https://example.com@evil.example`.
    is_canonical = address.startswith(f"{parts.scheme}:") and "@" not in parts.netloc
    return parts if parts.scheme and is_canonical and not _ENCODED_DELIMITERS.search(parts.netloc) else None


def _is_same_but_port(address: str, registered: str) -> bool:
    # Native apps listen on a port that the operating system chooses when they start.
    sent, known = urlsplit(address), urlsplit(registered)
    is_loopback = sent.scheme == known.scheme == "http" and sent.hostname in _LOOPBACK
    is_same = sent.hostname == known.hostname and sent.path == known.path and sent.query == known.query
    return is_loopback and is_same and ("?" in address) == ("?" in registered)

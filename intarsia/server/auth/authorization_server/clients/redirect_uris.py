"""Where an app may be answered: addresses that lead to the app, and to nobody else."""

import re
from collections.abc import Collection
from urllib.parse import SplitResult, urlencode, urlsplit

MAX_ADDRESS_LENGTH = 2048

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_NATIVE_SCHEMES = frozenset({"cursor", "vscode", "vscode-insiders"})
"""Editors whose schemes have no dot, as those of apps should (RFC 8252, section 7.1)."""

_PLAIN = re.compile(r"[\x21-\x7e]+")
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(:[0-9]{1,5})?")
_HIDING = re.compile(r"%(2f|5c|00|0a|0d)", re.IGNORECASE)
_NEVER = frozenset('\\"<>^`{|}')
"""Characters that browsers read in their own ways, or that no address has."""


def is_allowed(address: str) -> bool:
    """Say whether an app may be answered at an address: https, this machine, or an app's own scheme (RFC 8252)."""
    parts = _parsed(address)
    if parts is None:
        return False
    if parts.scheme == "https":
        return bool(_HOST.fullmatch(parts.netloc))
    if parts.scheme == "http":
        return bool(_HOST.fullmatch(parts.netloc)) and parts.hostname in _LOOPBACK
    return parts.scheme in _NATIVE_SCHEMES or "." in parts.scheme


def is_registered(address: str, registered: Collection[str]) -> bool:
    """Say whether an address is one of those of an app: exactly, but for the port on this machine (RFC 8252, 7.3)."""
    if not is_allowed(address):
        return False
    return any(address == one or _is_same_but_port(address, one) for one in registered if is_allowed(one))


def shown(address: str) -> str:
    """Return what people read of an address: where they will be sent."""
    parts = urlsplit(address)
    if parts.scheme == "http":
        return "an app on this computer"
    return parts.netloc if parts.scheme == "https" else f"an app on this computer ({parts.scheme})"


def with_answer(address: str, **answer: str | None) -> str:
    """Return an address with what an app is told; parts that are None are left out."""
    told = urlencode({name: value for name, value in answer.items() if value is not None})
    return f"{address}{'&' if '?' in address else '?'}{told}"


def _parsed(address: str) -> SplitResult | None:
    if len(address) > MAX_ADDRESS_LENGTH or not _PLAIN.fullmatch(address) or _NEVER & set(address) or "#" in address:
        return None
    try:
        parts = urlsplit(address)
        _ = parts.port  # a port that is none is found out here
    except ValueError:
        return None
    is_plain = address.startswith(f"{parts.scheme}:") and "@" not in parts.netloc
    return parts if parts.scheme and is_plain and not _HIDING.search(parts.netloc) else None


def _is_same_but_port(address: str, registered: str) -> bool:
    here, there = urlsplit(address), urlsplit(registered)
    is_loopback = here.scheme == there.scheme == "http" and here.hostname in _LOOPBACK
    is_same = here.hostname == there.hostname and here.path == there.path and here.query == there.query
    return is_loopback and is_same and ("?" in address) == ("?" in registered)

"""Handles: what proves to the server that a call came from a View, and whose.

A handle is made with every result of a widget tool, travels in `_meta` alone, and comes back with the View's calls. It
grants nothing: the Grant and its Decision rule as they do without it. What only a View may call asks for one.
"""

import hmac
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64Error
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from secrets import token_bytes
from typing import Any

from sqlalchemy import insert, select

from intarsia.permissions import Grant
from intarsia.server.storage.store import SECRETS, Store
from intarsia.server.wire.messages import ViewHandle, digest_of

LASTS_SECONDS = 12 * 3600
"""For how long a handle is good. Each reading of the widget brings a new one."""

SECRET_BYTES = 32
_ROW = "signing"
_MAC_BYTES = sha256().digest_size
_SHORT_BYTES = 8
_OPENING_BYTES = 24
_MAX_CHARACTERS = 400


class Signer:
    """Signs what goes to a View and comes back, for one connector. It knows its secret while the connector runs.

    Args:
        connector: The short name of the connector; what one signs is nothing to another, even on the same store.
    """

    def __init__(self, connector: str) -> None:
        self._connector = connector
        self._secret: bytes | None = None

    async def load(self, store: Store) -> None:
        """Take the secret from a store, which is made there once: processes that share the store share it."""
        wanted = select(SECRETS.c.value).where(SECRETS.c.name == _ROW)
        async with store.write() as connection:
            row = (await connection.execute(wanted)).first()
            secret: bytes = row.value if row else token_bytes(SECRET_BYTES)
            if row is None:
                values = {"name": _ROW, "value": secret, "at": time.time()}
                await connection.execute(insert(SECRETS).values(values))
        self._secret = secret

    def sign(self, bound: tuple[str, ...], body: bytes) -> str | None:
        """Sign bytes so that they are good only with what they are bound to.

        Args:
            bound: The purpose, and to whom and what it belongs. It is not part of what is sent.
            body: What is sent.

        Returns:
            URL-safe text; nothing before the connector runs.
        """
        if self._secret is None:
            return None
        return urlsafe_b64encode(body + self._mac(self._secret, bound, body)).rstrip(b"=").decode()

    def verify(self, bound: tuple[str, ...], text: object) -> bytes | None:
        """Return what was signed, or nothing if it was not signed here or is bound to something else."""
        sealed = _decoded(text)
        if self._secret is None or sealed is None or len(sealed) <= _MAC_BYTES:
            return None
        body, mac = sealed[:-_MAC_BYTES], sealed[-_MAC_BYTES:]
        return body if hmac.compare_digest(mac, self._mac(self._secret, bound, body)) else None

    def _mac(self, secret: bytes, bound: tuple[str, ...], body: bytes) -> bytes:
        # JSON in ASCII holds no zero byte, so nothing can move from one side of it to the other.
        label = json.dumps([self._connector, *bound]).encode()
        return hmac.digest(secret, label + b"\0" + body, "sha256")


def make_handle(
    signer: Signer, grant: Grant, tool: str, arguments: Mapping[str, Any], opening: bytes = bytes(_OPENING_BYTES)
) -> str | None:
    """Return the handle of a widget that was read for somebody, in a View that was opened so."""
    expires = int(time.time()) + LASTS_SECONDS
    body = expires.to_bytes(8) + opening + _opened(tool, arguments) + _named(tool) + _drawn_for(grant)
    return signer.sign(_bound(grant), body)


def read_handle(signer: Signer, grant: Grant, handle: object) -> ViewHandle | None:
    """Return what a handle proves; `None` unless it was made for this person and client, and still is good."""
    if handle is None:
        return None
    body = signer.verify(_bound(grant), handle)
    if body is not None and int.from_bytes(body[:8]) > time.time():
        at = 8 + _OPENING_BYTES
        return ViewHandle(
            body[8:at], body[at : -2 * _SHORT_BYTES], body[-2 * _SHORT_BYTES : -_SHORT_BYTES], body[-_SHORT_BYTES:]
        )
    return None


def opens(view: ViewHandle, tool: str, arguments: Mapping[str, Any]) -> bool:
    """Say whether a View was opened with just this widget tool and these arguments."""
    return view.widget == _opened(tool, arguments)


def shown_by(view: ViewHandle, tools: Iterable[str]) -> str | None:
    """Return with which of these widget tools a View was opened, with whatever arguments."""
    return next((tool for tool in tools if _named(tool) == view.tool), None)


def is_drawn_for(view: ViewHandle | None, grant: Grant) -> bool:
    """Say whether the widget of a View was rendered for just what this person granted, and not for more or less."""
    return view is not None and view.drawn_for == _drawn_for(grant)


def _opened(tool: str, arguments: Mapping[str, Any]) -> bytes:
    return bytes.fromhex(digest_of(tool, arguments))


@cache
def _named(tool: str) -> bytes:
    return sha256(tool.encode()).digest()[:_SHORT_BYTES]


def _drawn_for(grant: Grant) -> bytes:
    granted = json.dumps([sorted(grant.scopes), sorted(grant.roles)])
    return sha256(granted.encode()).digest()[:_SHORT_BYTES]


def _bound(grant: Grant) -> tuple[str, ...]:
    return "view", grant.person, grant.client


def _decoded(text: object) -> bytes | None:
    if not isinstance(text, str) or len(text) > _MAX_CHARACTERS or not text.isascii():
        return None
    try:
        decoded = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (NotBase64Error, ValueError):
        return None
    # Python overlooks foreign characters and spare bits; only the one spelling that was sent is taken.
    return decoded if urlsafe_b64encode(decoded).rstrip(b"=").decode() == text else None

"""Signed handles, which prove that a call comes from a View of a certain user.

Every response of a widget tool contains a handle in `_meta`, and the View sends it back with its calls. A handle grants
no permissions: scopes, roles and rules are checked as without it. Tools that only Views may call require one.
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
from intarsia.server.storage.store import Store
from intarsia.server.storage.tables import SECRETS
from intarsia.server.wire.messages import ViewHandle, digest_of

LASTS_SECONDS = 12 * 3600
"""How long a handle is valid. Each read of the widget returns a new one."""

SECRET_BYTES = 32
_ROW = "signing"
_MAC_BYTES = sha256().digest_size
_SHORT_BYTES = 8
_OPENING_BYTES = 24
_MAX_CHARACTERS = 400


class Signer:
    """Signs the tokens that a View receives and sends back, with HMAC-SHA256. The secret is loaded at startup.

    Args:
        connector: The short name of the connector. It is part of the signed context, so that connectors on the same
            store do not accept each other's tokens.
    """

    def __init__(self, connector: str) -> None:
        self._connector = connector
        self._secret: bytes | None = None

    async def load(self, store: Store) -> None:
        """Load the secret from a store, or create it there. All processes on the same store use the same secret."""
        wanted = select(SECRETS.c.value).where(SECRETS.c.name == _ROW)
        # A write transaction also for the read: two processes that start at once must not both create a secret.
        async with store.write() as connection:
            row = (await connection.execute(wanted)).first()
            secret: bytes = row.value if row else token_bytes(SECRET_BYTES)
            if row is None:
                values = {"name": _ROW, "value": secret, "at": time.time()}
                await connection.execute(insert(SECRETS).values(values))
        self._secret = secret

    def sign(self, bound: tuple[str, ...], body: bytes) -> str | None:
        """Sign bytes, bound to a context without which the signature cannot be verified.

        Args:
            bound: The context: the purpose, the user and what else must match. It is not part of the token.
            body: The bytes that the token contains.

        Returns:
            The token as URL-safe text, or `None` before `load`.
        """
        if self._secret is None:
            return None
        return urlsafe_b64encode(body + self._mac(self._secret, bound, body)).rstrip(b"=").decode()

    def verify(self, bound: tuple[str, ...], text: object) -> bytes | None:
        """Return the bytes of a token, or `None` if its signature is not valid in this context."""
        sealed = _decoded(text)
        if self._secret is None or sealed is None or len(sealed) <= _MAC_BYTES:
            return None
        body, mac = sealed[:-_MAC_BYTES], sealed[-_MAC_BYTES:]
        return body if hmac.compare_digest(mac, self._mac(self._secret, bound, body)) else None

    def _mac(self, secret: bytes, bound: tuple[str, ...], body: bytes) -> bytes:
        # ASCII JSON contains no zero byte, so no byte can be moved between the context and the body.
        label = json.dumps([self._connector, *bound]).encode()
        return hmac.digest(secret, label + b"\0" + body, "sha256")


def make_handle(
    signer: Signer, grant: Grant, tool: str, arguments: Mapping[str, Any], opening: bytes = bytes(_OPENING_BYTES)
) -> str | None:
    """Return the handle of a View, or `None` if the signer has no secret yet.

    Args:
        signer: Signs the handle.
        grant: The permissions of the user that the widget was rendered for.
        tool: The name of the widget tool.
        arguments: Its arguments.
        opening: How the View was opened; see `ViewOpening.sealed`.
    """
    expires = int(time.time()) + LASTS_SECONDS
    body = expires.to_bytes(8) + opening + _opened(tool, arguments) + _named(tool) + _drawn_for(grant)
    return signer.sign(_bound(grant), body)


def read_handle(signer: Signer, grant: Grant, handle: object) -> ViewHandle | None:
    """Verify a handle and parse it. `None` if it has expired, or was not made for this user and client."""
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
    """Return whether a View was opened with exactly this widget tool and these arguments."""
    return view.widget == _opened(tool, arguments)


def shown_by(view: ViewHandle, tools: Iterable[str]) -> str | None:
    """Return which of these tools a View was opened with, whatever the arguments, or `None`."""
    return next((tool for tool in tools if _named(tool) == view.tool), None)


def is_drawn_for(view: ViewHandle | None, grant: Grant) -> bool:
    """Return whether the widget of a View was rendered for exactly the scopes and roles that a user has now."""
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
    # Python's decoder ignores unknown characters and unused bits. Only the canonical encoding is accepted.
    return decoded if urlsafe_b64encode(decoded).rstrip(b"=").decode() == text else None

"""Keeps the answer to a refresh for the client whose connection broke: readable with the token it sent, and only so.

The cryptography is the library's (Fernet, HKDF of `cryptography`); nothing here is our own.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def seal(text: str, token: str) -> bytes:
    """Encrypt a text under a token that nobody can guess."""
    return _under(token).encrypt(text.encode())


def unseal(sealed: bytes, token: str) -> str | None:
    """Return the text, or None if it was sealed under another token."""
    try:
        return _under(token).decrypt(sealed).decode()
    except InvalidToken:
        return None


def _under(token: str) -> Fernet:
    # The token itself is random: this makes a key of its own from it, for this use alone (RFC 5869).
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"intarsia answer to a refresh").derive(
        token.encode()
    )
    return Fernet(base64.urlsafe_b64encode(derived))

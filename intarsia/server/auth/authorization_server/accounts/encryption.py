"""Encrypts the response to a refresh request, so that only a client that repeats the request can get it again.

The cryptography is that of the library `cryptography`: Fernet and HKDF.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def encrypt(text: str, token: str) -> bytes:
    """Encrypt a text with a key derived from a random token."""
    return _fernet(token).encrypt(text.encode())


def decrypt(encrypted: bytes, token: str) -> str | None:
    """Return the text, or `None` if it was encrypted with another token."""
    try:
        return _fernet(token).decrypt(encrypted).decode()
    except InvalidToken:
        return None


def _fernet(token: str) -> Fernet:
    # The token is random already. HKDF makes a separate key from it, for this purpose only (RFC 5869).
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"intarsia refresh response").derive(token.encode())
    return Fernet(base64.urlsafe_b64encode(derived))

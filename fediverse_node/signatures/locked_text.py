"""A short secret that must be read again later, locked with a key that lies elsewhere.

spec: sp800-38d (AES-256 in GCM). For what a hash will not do; who has the text without the key has nothing.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12


def lock(text: str, key: bytes, *, nonce: bytes, purpose: str) -> str:
    """`text`, locked, in URL-safe base64. `nonce` is 12 random bytes; `purpose` must be the same at unlocking."""
    return urlsafe_b64encode(nonce + AESGCM(key).encrypt(nonce, text.encode(), purpose.encode())).decode()


def unlock(locked: str, key: bytes, *, purpose: str) -> str | None:
    """The text, or None if this is not what was locked with this key for this purpose."""
    try:
        data = urlsafe_b64decode(locked)
        return AESGCM(key).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], purpose.encode()).decode()
    except (InvalidTag, ValueError):
        return None

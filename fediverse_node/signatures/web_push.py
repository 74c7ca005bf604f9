"""Sealing push messages for a browser or app, and telling push services who sends them.

spec: rfc8291#3.4, rfc8188#2, rfc8292#2 - the form `aes128gcm`, and VAPID. The form `aesgcm`, which apps from before the
standard ask for, is draft-ietf-webpush-encryption-04 over draft-ietf-httpbis-encryption-encoding-03.
Messages are one record without padding. Deliberately absent: opening messages, and every other curve.
"""

from __future__ import annotations

import binascii
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

# spec: fips186-5, sp800-186#3.2.1.3 - the order of the base point of P-256: private numbers are below it.
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SALT_BYTES = 16
AUTH_BYTES = 16
_RECORD_BYTES = 4096
# spec: rfc8291#4 - a push service takes 4096 bytes: header, delimiter and tag of the standard form count.
LARGEST_PLAIN_BYTES = 4096 - (SALT_BYTES + 4 + 1 + 65) - 1 - 16
_CURVE = ec.SECP256R1()


@dataclass(frozen=True, slots=True)
class Receiver:
    """Whose messages these are: the app's public key and its secret, as it gave them."""

    public: ec.EllipticCurvePublicKey = field(repr=False)
    auth: bytes = field(repr=False)


def parse_receiver(p256dh: str, auth: str) -> Receiver | None:
    """Keys of a subscription, in base64 of either alphabet; None if they are no point of the curve and 16 bytes."""
    point, secret = _parse_base64(p256dh), _parse_base64(auth)
    if point is None or secret is None or len(point) != 65 or len(secret) != AUTH_BYTES:
        return None
    try:
        return Receiver(ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, point), secret)
    except ValueError:
        return None


def seal_aes128gcm(plain: bytes, receiver: Receiver, *, private: int, salt: bytes) -> bytes:
    """The body of a message. `private` and `salt` (16 bytes) must be random, and are for this message alone."""
    key = ec.derive_private_key(private, _CURVE)
    sender, to = _point(key.public_key()), _point(receiver.public)
    secret = _derive(
        key.exchange(ec.ECDH(), receiver.public), receiver.auth, b"WebPush: info\0" + to + sender, size_bytes=32
    )
    content_key = _derive(secret, salt, b"Content-Encoding: aes128gcm\0", size_bytes=16)
    nonce = _derive(secret, salt, b"Content-Encoding: nonce\0", size_bytes=12)
    header = salt + struct.pack("!LB", _RECORD_BYTES, len(sender)) + sender
    return header + AESGCM(content_key).encrypt(nonce, plain + b"\x02", None)


def seal_aesgcm(plain: bytes, receiver: Receiver, *, private: int, salt: bytes) -> bytes:
    """The body of a message in the older form; the salt and the sender's public key travel in headers."""
    key = ec.derive_private_key(private, _CURVE)
    sender, to = _point(key.public_key()), _point(receiver.public)
    secret = _derive(
        key.exchange(ec.ECDH(), receiver.public), receiver.auth, b"Content-Encoding: auth\0", size_bytes=32
    )
    context = b"P-256\0" + struct.pack("!H", len(to)) + to + struct.pack("!H", len(sender)) + sender
    content_key = _derive(secret, salt, b"Content-Encoding: aesgcm\0" + context, size_bytes=16)
    nonce = _derive(secret, salt, b"Content-Encoding: nonce\0" + context, size_bytes=12)
    return AESGCM(content_key).encrypt(nonce, b"\0\0" + plain, None)


def public_key_of(private: int) -> str:
    """The uncompressed point that belongs to a private number, in URL-safe base64 without padding."""
    return dump_base64(_point(ec.derive_private_key(private, _CURVE).public_key()))


def sign_vapid(private: int, claims: Mapping[str, object]) -> str:
    """A signed token that says these claims.  spec: rfc8292#2, rfc7515#3.1, rfc7518#3.4"""
    parts = ({"typ": "JWT", "alg": "ES256"}, dict(claims))
    signed = b".".join(dump_base64(orjson.dumps(part)).encode() for part in parts)
    # The nonce comes from key and message (rfc6979): a bad generator cannot give the key away.
    algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    r, s = decode_dss_signature(ec.derive_private_key(private, _CURVE).sign(signed, algorithm))
    return f"{signed.decode()}.{dump_base64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def dump_base64(data: bytes) -> str:
    """URL-safe base64 without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def parse_private(text: str) -> int:
    """A private number as it is stored: 32 bytes in URL-safe base64 without padding."""
    return int.from_bytes(urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


def _parse_base64(text: str) -> bytes | None:
    stripped = text.rstrip("=").replace("+", "-").replace("/", "_")
    try:
        return urlsafe_b64decode(stripped + "=" * (-len(stripped) % 4))
    except (binascii.Error, ValueError):
        return None


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def _derive(secret: bytes, salt: bytes, info: bytes, *, size_bytes: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=size_bytes, salt=salt, info=info).derive(secret)

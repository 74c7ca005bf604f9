"""RSA, Ed25519 and ML-DSA-44 keys: their wire forms, signing and verifying bytes.

spec: fep-521a#multikey, rfc9421#3.3.2 (RSASSA-PKCS1-v1_5 with SHA-256), rfc9421#3.3.6 (Ed25519), fips204 (ML-DSA-44,
for integrity proofs alone: no peer reads it in HTTP signatures).
Keys of strangers are data from strangers: sizes and exponents that would be weak, or slow to compute
with, are refused here. Deliberately absent: every other algorithm.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa, padding, rsa

from fediverse_node.base.outcome import Fail
from fediverse_node.signatures.multibase import dump_multibase, dump_multibase_url, parse_multibase
from fediverse_node.signatures.reasons import SignatureFault

KeyAlgorithm = Literal["rsa", "ed25519", "mldsa44"]

RSA_SMALLEST_BITS = 1024
RSA_LARGEST_BITS = 16384
# OpenSSL limits the exponent only from 3072 bits on; below, a huge one makes each check cost milliseconds.
_RSA_EXPONENT_BITS = 33
_PEM_LONGEST = 16384
_ED25519_PREFIX = b"\xed\x01"
_RSA_PREFIX = b"\x85\x24"
_MLDSA44_PREFIX = b"\x90\x24"
_PADDING = padding.PKCS1v15()
_HASH = hashes.SHA256()
_DER = serialization.Encoding.DER
_PEM = serialization.Encoding.PEM
_SPKI = serialization.PublicFormat.SubjectPublicKeyInfo


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that verifies. Two are equal when their encoded forms are; make one with a `parse_*`."""

    algorithm: KeyAlgorithm
    encoded: bytes = field(repr=False)  # DER, SubjectPublicKeyInfo
    _key: rsa.RSAPublicKey | ed25519.Ed25519PublicKey | mldsa.MLDSA44PublicKey = field(repr=False, compare=False)

    @classmethod
    def parse_pem(cls, pem: str) -> PublicKey | Fail:
        """Read `publicKeyPem`, "PUBLIC KEY" or PKCS #1 "RSA PUBLIC KEY" (Mitra sends that one)."""
        if len(pem) > _PEM_LONGEST:
            return Fail(SignatureFault.KEY_TOO_LARGE, f"{len(pem)} characters of PEM")
        try:
            key = serialization.load_pem_public_key(pem.encode())
        except UnsupportedAlgorithm:
            return Fail(SignatureFault.KEY_UNSUPPORTED, "an algorithm or curve unknown here")
        except ValueError:
            return Fail(SignatureFault.KEY_UNREADABLE, "not a public key in PEM")
        return _accepted(key)

    @classmethod
    def parse_multibase(cls, text: str) -> PublicKey | Fail:
        """Read `publicKeyMultibase` of a Multikey: Ed25519 ("z6Mk..."), RSA or ML-DSA-44 ("ukC...")."""
        data = parse_multibase(text)
        if data is None:
            return Fail(SignatureFault.KEY_UNREADABLE, "not multibase in base58btc or base64url")
        try:
            if data.startswith(_ED25519_PREFIX):
                return _accepted(ed25519.Ed25519PublicKey.from_public_bytes(data[2:]))
            if data.startswith(_RSA_PREFIX):
                return _accepted(serialization.load_der_public_key(data[2:]))
            if data.startswith(_MLDSA44_PREFIX):
                return _accepted(mldsa.MLDSA44PublicKey.from_public_bytes(data[2:]))
        except UnsupportedAlgorithm:
            return Fail(SignatureFault.KEY_UNSUPPORTED, "an algorithm or curve unknown here")
        except ValueError:
            return Fail(SignatureFault.KEY_UNREADABLE, "not the key its multicodec prefix announces")
        return Fail(SignatureFault.KEY_UNSUPPORTED, f"multicodec {data[:2].hex()}")

    def pem(self) -> str:
        """SubjectPublicKeyInfo PEM, for `publicKeyPem`."""
        return self._key.public_bytes(_PEM, _SPKI).decode("ascii")

    def multibase(self) -> str:
        """The `publicKeyMultibase` of a Multikey."""
        if isinstance(self._key, rsa.RSAPublicKey):
            return dump_multibase(_RSA_PREFIX + self._key.public_bytes(_DER, serialization.PublicFormat.PKCS1))
        if isinstance(self._key, mldsa.MLDSA44PublicKey):
            return dump_multibase_url(_MLDSA44_PREFIX + self._key.public_bytes_raw())
        return dump_multibase(_ED25519_PREFIX + self._key.public_bytes_raw())

    def is_signed(self, message: bytes, *, signature: bytes) -> bool:
        """Whether the owner of this key signed exactly `message`."""
        try:
            if isinstance(self._key, rsa.RSAPublicKey):
                self._key.verify(signature, message, _PADDING, _HASH)
            else:
                self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A key that signs. Its repr and comparison know only the public half."""

    algorithm: KeyAlgorithm
    _public: PublicKey = field(repr=False)
    _key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | mldsa.MLDSA44PrivateKey = field(repr=False, compare=False)

    @classmethod
    def generate_rsa(cls, bits: int = 2048) -> PrivateKey:
        """A new RSA key; takes 50 ms and often more."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        return cls("rsa", _public_key("rsa", key.public_key()), key)

    @classmethod
    def generate_ed25519(cls) -> PrivateKey:
        """A new Ed25519 key."""
        key = ed25519.Ed25519PrivateKey.generate()
        return cls("ed25519", _public_key("ed25519", key.public_key()), key)

    @classmethod
    def generate_mldsa44(cls) -> PrivateKey:
        """A new ML-DSA-44 key.  spec: fips204"""
        key = mldsa.MLDSA44PrivateKey.generate()
        return cls("mldsa44", _public_key("mldsa44", key.public_key()), key)

    @classmethod
    def from_primes(cls, p: int, q: int) -> PrivateKey:
        """The RSA key of two primes: for simulated worlds, whose keys come from their seed."""
        exponent = 65537
        d = pow(exponent, -1, (p - 1) * (q - 1))
        numbers = rsa.RSAPrivateNumbers(
            p, q, d, d % (p - 1), d % (q - 1), rsa.rsa_crt_iqmp(p, q), rsa.RSAPublicNumbers(exponent, p * q)
        )
        key = numbers.private_key(unsafe_skip_rsa_key_validation=True)
        return cls("rsa", _public_key("rsa", key.public_key()), key)

    @classmethod
    def from_ed25519_seed(cls, seed: bytes) -> PrivateKey:
        """The Ed25519 key of 32 bytes, as `from_primes`."""
        key = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
        return cls("ed25519", _public_key("ed25519", key.public_key()), key)

    @classmethod
    def parse_pem(cls, pem: str) -> PrivateKey | Fail:
        """Read a key that we stored. Not for keys of strangers: the numbers are not validated."""
        try:
            # Validation takes 43 ms a key, and guards against keys that were made to leak; we made these.
            key = serialization.load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
        except (UnsupportedAlgorithm, ValueError, TypeError):
            # TypeError: the key is encrypted and there is no password. The library's own text is left
            # out, so that nothing of a private key can ever reach a log.
            return Fail(SignatureFault.KEY_UNREADABLE, "not a private key in PEM, or encrypted")
        if not isinstance(key, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | mldsa.MLDSA44PrivateKey):
            return Fail(SignatureFault.KEY_UNSUPPORTED, type(key).__name__)
        public = _accepted(key.public_key())
        return public if isinstance(public, Fail) else cls(public.algorithm, public, key)

    def pem(self) -> str:
        """PKCS #8 PEM, not encrypted."""
        return self._key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode(
            "ascii"
        )

    def public(self) -> PublicKey:
        """The half that may be shown."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """The signature of `message`. RSA and ML-DSA take 0.7 ms and release the GIL: do it in a thread."""
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(message, _PADDING, _HASH)
        return self._key.sign(message)


def _public_key(
    algorithm: KeyAlgorithm, key: rsa.RSAPublicKey | ed25519.Ed25519PublicKey | mldsa.MLDSA44PublicKey
) -> PublicKey:
    return PublicKey(algorithm, key.public_bytes(_DER, _SPKI), key)


def _accepted(key: object) -> PublicKey | Fail:
    """Refuse kinds we do not use, RSA keys that can be broken, and RSA keys that cost too much."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        return _public_key("ed25519", key)
    if isinstance(key, mldsa.MLDSA44PublicKey):
        return _public_key("mldsa44", key)
    if not isinstance(key, rsa.RSAPublicKey):
        return Fail(SignatureFault.KEY_UNSUPPORTED, type(key).__name__)
    if key.key_size < RSA_SMALLEST_BITS:
        return Fail(SignatureFault.KEY_TOO_WEAK, f"RSA of {key.key_size} bits")
    exponent = key.public_numbers().e
    if key.key_size > RSA_LARGEST_BITS or exponent.bit_length() > _RSA_EXPONENT_BITS:
        return Fail(SignatureFault.KEY_TOO_LARGE, f"RSA of {key.key_size} bits, exponent of {exponent.bit_length()}")
    return _public_key("rsa", key)

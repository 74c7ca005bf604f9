"""Where new keys come from, as a port: the system's generator, or in a simulated world the world's seed."""

from __future__ import annotations

from typing import Protocol

from fediverse_node.signatures.keys import PrivateKey


class KeySource(Protocol):
    """Makes the keys of new local actors."""

    def new_rsa(self) -> PrivateKey:
        """An RSA key of 2048 bits; may take a while, so it is called in a thread."""
        ...

    def new_ed25519(self) -> PrivateKey:
        """An Ed25519 key."""
        ...

    def new_mldsa44(self) -> PrivateKey | None:
        """An ML-DSA-44 key; None where none are made: its signatures are never twice the same, whatever the seed."""
        ...


class SystemKeys:
    """Keys from the operating system's secure generator."""

    def new_rsa(self) -> PrivateKey:
        return PrivateKey.generate_rsa()

    def new_ed25519(self) -> PrivateKey:
        return PrivateKey.generate_ed25519()

    def new_mldsa44(self) -> PrivateKey | None:
        return PrivateKey.generate_mldsa44()

"""The keys of simulated worlds: given by the seed, and known to everybody who has this program.

Making an RSA key takes longer than a small world lives, and the system's generator knows no seed. So a world draws its
keys from a list of primes that comes with the program, and makes more, slowly, when the list is used up.
"""

from __future__ import annotations

import json
import random
from functools import cache
from importlib.resources import files

from fediverse_node.signatures.keys import PrivateKey

_PRIME_BITS = 1024
_ROUNDS = 12
_SMALL = [n for n in range(3, 2000, 2) if all(n % d for d in range(3, int(n**0.5) + 1, 2))]
_EXPONENT = 65537


class LabKeys:
    """A `KeySource` that gives the same keys in the same order for the same seed. Never for a server of one's own."""

    def __init__(self, seed: int | str) -> None:
        self._random = random.Random(f"{seed}/keys")  # noqa: S311 - repeatable is what is wanted
        self._left = list(range(len(_known())))
        self._random.shuffle(self._left)

    def new_rsa(self) -> PrivateKey:
        """A key of 2048 bits that no other actor of this world has."""
        if self._left:
            return _known_key(self._left.pop())
        return PrivateKey.from_primes(self._prime(), self._prime())

    def new_ed25519(self) -> PrivateKey:
        """A key of 32 bytes of the seed."""
        return PrivateKey.from_ed25519_seed(self._random.randbytes(32))

    def new_mldsa44(self) -> PrivateKey | None:
        """None: no two of its signatures are alike, and a world shall say the same again for the same seed."""
        return None

    def _prime(self) -> int:
        top = 3 << (_PRIME_BITS - 2)  # the product of two such has its full length
        while True:
            candidate = self._random.getrandbits(_PRIME_BITS) | top | 1
            if candidate % _EXPONENT != 1 and all(candidate % small for small in _SMALL) and self._is_prime(candidate):
                return candidate

    def _is_prime(self, number: int) -> bool:
        """Miller and Rabin's test."""
        odd, twos = number - 1, 0
        while odd % 2 == 0:
            odd, twos = odd // 2, twos + 1
        for _ in range(_ROUNDS):
            x = pow(self._random.randrange(2, number - 1), odd, number)
            if x in (1, number - 1):
                continue
            for _ in range(twos - 1):
                x = x * x % number
                if x == number - 1:
                    break
            else:
                return False
        return True


@cache
def _known() -> list[list[str]]:
    text = (files("fediverse_node.lab") / "known_primes.json").read_text()
    pairs: list[list[str]] = json.loads(text)
    return pairs


@cache
def _known_key(number: int) -> PrivateKey:
    p, q = _known()[number]
    return PrivateKey.from_primes(int(p, 16), int(q, 16))

"""Passwords: Argon2id, in threads of their own.  spec: rfc9106#section-4

A hash takes tens of milliseconds and megabytes on purpose, so no more than two are computed at a time, whoever asks.
"""

from __future__ import annotations

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 8
LONGEST = 512
_HASHER = PasswordHasher(time_cost=3, memory_cost=32_768, parallelism=1)
_THREADS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="passwords")
# Compared with where there is no account or no password, so that an answer takes as long as a wrong password's.
_NOBODYS = "$argon2id$v=19$m=32768,t=3,p=1$bm9ib2R5cyBzYWx0IGhlcmU$sX8UKBlPqmWQG3r1vRQfR2f1yWq7nGxRcBWCgbvCZ0k"


def is_acceptable(password: str) -> bool:
    """Whether it is neither too short to resist nor too long to hash."""
    return SHORTEST <= len(password) <= LONGEST


async def hash_password(password: str) -> str:
    """The form to store, which names its own parameters."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _HASHER.hash, _prepared(password))


async def verify_password(stored: str | None, password: str) -> bool:
    """Whether it is the password that `stored` was made of. Without a stored one: False, just as slowly."""
    if len(password) > LONGEST:
        return False
    matches = await asyncio.get_running_loop().run_in_executor(
        _THREADS, _matches, stored or _NOBODYS, _prepared(password)
    )
    return matches and stored is not None


def _matches(stored: str, password: bytes) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def _prepared(password: str) -> bytes:
    # The same letters come in different code points from different keyboards.  spec: rfc8265#section-4.2
    return unicodedata.normalize("NFC", password).encode()

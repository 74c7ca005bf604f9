"""Second factors: asked for at sign-in, set up and taken away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, delete, func, or_, select, update

from fediverse_node.storage.statement import Statement, upsert
from fediverse_node.storage.tables import authenticators, half_sign_ins, recovery_codes
from fediverse_node.storage.unit import Fetch, Insert, Run, Unit

Row = Any
_USER = bindparam("user_id", type_=BigInteger())
_NOW = bindparam("now_ms", type_=BigInteger())
_HASH = bindparam("hash", type_=Text())
_STEP = bindparam("step", type_=BigInteger())

AUTHENTICATOR = Statement(select(authenticators).where(authenticators.c.user_id == _USER))
CODES_LEFT = Statement(
    select(func.count().label("number")).select_from(recovery_codes).where(recovery_codes.c.user_id == _USER)
)
HALF = Statement(select(half_sign_ins).where(half_sign_ins.c.token_hash == _HASH, half_sign_ins.c.expires_ms > _NOW))
_BEGIN = upsert(authenticators, ("user_id", "secret", "created_ms", "confirmed_ms", "last_step"), ("user_id",))
_TAKE_STEP = Statement(
    update(authenticators)
    .where(
        authenticators.c.user_id == _USER,
        or_(authenticators.c.last_step.is_(None), authenticators.c.last_step < _STEP),
    )
    .values(last_step=_STEP)
    .returning(authenticators.c.user_id)
)
_CONFIRM = Statement(update(authenticators).where(authenticators.c.user_id == _USER).values(confirmed_ms=_NOW))
_TAKE_CODE = Statement(
    delete(recovery_codes)
    .where(recovery_codes.c.user_id == _USER, recovery_codes.c.code_hash == _HASH)
    .returning(recovery_codes.c.user_id)
)
_DROP_CODES = Statement(delete(recovery_codes).where(recovery_codes.c.user_id == _USER))
_DROP_AUTHENTICATOR = Statement(delete(authenticators).where(authenticators.c.user_id == _USER))
_DROP_HALF = Statement(delete(half_sign_ins).where(half_sign_ins.c.token_hash == _HASH))
_DROP_OLD_HALVES = Statement(delete(half_sign_ins).where(half_sign_ins.c.expires_ms < _NOW))
_DROP_HALVES_OF = Statement(delete(half_sign_ins).where(half_sign_ins.c.user_id == _USER))


def begin(user_id: int, secret: str, now_ms: int) -> Unit[None]:
    """A secret that counts once a code of it was given. One that counts already is never replaced by this."""
    found = yield Fetch(AUTHENTICATOR, {"user_id": user_id})
    if found and found[0]["confirmed_ms"] is not None:
        return
    row = {"user_id": user_id, "secret": secret, "created_ms": now_ms, "confirmed_ms": None, "last_step": None}
    yield Run(_BEGIN, [row])


def take_step(user_id: int, step: int) -> Unit[bool]:
    """Whether the code of this half minute was not used before; from now on it was."""
    return bool((yield Fetch(_TAKE_STEP, {"user_id": user_id, "step": step})))


def take_recovery_code(user_id: int, code_hash: str) -> Unit[bool]:
    """Whether this is a code on the person's paper; it is struck out."""
    return bool((yield Fetch(_TAKE_CODE, {"user_id": user_id, "hash": code_hash})))


def confirm(user_id: int, code_hashes: Sequence[str], now_ms: int) -> Unit[None]:
    """From now on a code is asked for; these are the codes for when the program is lost."""
    yield Run(_CONFIRM, [{"user_id": user_id, "now_ms": now_ms}])
    yield from replace_recovery_codes(user_id, code_hashes)
    yield Run(_DROP_HALVES_OF, [{"user_id": user_id}])


def replace_recovery_codes(user_id: int, code_hashes: Sequence[str]) -> Unit[None]:
    """A new paper; the old one is worth nothing."""
    yield Run(_DROP_CODES, [{"user_id": user_id}])
    yield Insert(recovery_codes, [{"user_id": user_id, "code_hash": each} for each in code_hashes])


def drop(user_id: int) -> Unit[None]:
    """The password alone is asked for again."""
    yield Run(_DROP_AUTHENTICATOR, [{"user_id": user_id}])
    yield Run(_DROP_CODES, [{"user_id": user_id}])


def insert_half(row: Mapping[str, Any], now_ms: int) -> Unit[None]:
    """Somebody gave the password: all columns of `half_sign_ins`. Those that have ended go."""
    yield Run(_DROP_OLD_HALVES, [{"now_ms": now_ms}])
    yield Insert(half_sign_ins, [row])


def drop_half(token_hash: str) -> Unit[None]:
    """It was made whole."""
    yield Run(_DROP_HALF, [{"hash": token_hash}])

"""The second factor of a sign-in: codes that a program on a phone makes anew each half minute, and codes on paper.

spec: rfc6238 (SHA-1, six digits, 30 seconds, which is all that the common programs read). A code counts once, and one
half minute earlier or later, because clocks differ. Codes on paper are stored as hashes and counted once too.
"""

from __future__ import annotations

import base64
import hmac
import io
from dataclasses import dataclass
from hashlib import sha256

import pyotp
import segno

from fediverse_node.base.clock import Clock
from fediverse_node.base.randomness import Randomness
from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries import second_factors as queries
from fediverse_node.storage.writer import Writer

RECOVERY_CODES = 10
_SECRET_BYTES = 20
_STEP_S = 30
_DIGITS = 6
_DRIFT = (0, -1, 1)
# Without letters and digits that are mistaken for each other on paper.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_CODE_CHARACTERS = 12


@dataclass(frozen=True, slots=True)
class Beginning:
    """What is shown to whoever sets up the program: the secret to type, and a picture of it to point a camera at."""

    secret: str
    picture: str  # SVG


class SecondFactor:
    """Sets up, asks and takes away. One for each process."""

    def __init__(self, *, database: Database, writer: Writer, clock: Clock, randomness: Randomness) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._randomness = randomness

    async def is_wanted(self, user_id: int) -> bool:
        """Whether the password alone does not let this person in."""
        row = await self._database.fetch_one(queries.AUTHENTICATOR, user_id=user_id)
        return row is not None and row["confirmed_ms"] is not None

    async def codes_left(self, user_id: int) -> int:
        """How many codes on paper have not been used."""
        row = await self._database.fetch_one(queries.CODES_LEFT, user_id=user_id)
        return int(row["number"]) if row is not None else 0

    async def begin(self, user_id: int, *, account: str, issuer: str) -> Beginning:
        """A secret for the program; one that was begun and not finished is shown again."""
        row = await self._database.fetch_one(queries.AUTHENTICATOR, user_id=user_id)
        if row is None:
            made, now_ms = self._new_secret(), self._clock.now_ms()
            await self._writer.run(lambda: queries.begin(user_id, made, now_ms))
            row = await self._database.fetch_one(queries.AUTHENTICATOR, user_id=user_id)
        secret = str(row["secret"]) if row is not None else ""
        address = pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)
        return Beginning(secret, _picture(address))

    async def confirm(self, user_id: int, code: str) -> list[str] | None:
        """The program works: from now on it is asked for. Returns the codes for paper, which are nowhere else."""
        row = await self._database.fetch_one(queries.AUTHENTICATOR, user_id=user_id)
        if row is None or row["confirmed_ms"] is not None or not await self._is_of_program(row, code):
            return None
        made, now_ms = self._new_codes(), self._clock.now_ms()
        await self._writer.run(lambda: queries.confirm(user_id, [_hash(each) for each in made], now_ms))
        return made

    async def accepts(self, user_id: int, code: str) -> bool:
        """Whether this is a code of the program or of the paper. It counts no second time."""
        row = await self._database.fetch_one(queries.AUTHENTICATOR, user_id=user_id)
        if row is None or row["confirmed_ms"] is None:
            return False
        if await self._is_of_program(row, code):
            return True
        plain = _plain(code)
        if len(plain) != _CODE_CHARACTERS:
            return False
        return await self._writer.run(lambda: queries.take_recovery_code(user_id, _hash(plain)))

    async def renew_codes(self, user_id: int) -> list[str]:
        """New codes for paper; the old ones are worth nothing."""
        made = self._new_codes()
        await self._writer.run(lambda: queries.replace_recovery_codes(user_id, [_hash(each) for each in made]))
        return made

    async def drop(self, user_id: int) -> None:
        """The password alone is asked for again."""
        await self._writer.run(lambda: queries.drop(user_id))

    async def _is_of_program(self, row: queries.Row, code: str) -> bool:
        plain = _plain(code)
        if len(plain) != _DIGITS or not (plain.isascii() and plain.isdigit()):
            return False
        totp, now = pyotp.TOTP(row["secret"]), self._clock.now_ms() // 1000 // _STEP_S
        # All are compared, so that the time it takes tells nothing.
        steps = [now + drift for drift in _DRIFT if hmac.compare_digest(totp.generate_otp(now + drift), plain)]
        user_id = row["user_id"]
        return bool(steps) and await self._writer.run(lambda: queries.take_step(user_id, steps[0]))

    def _new_secret(self) -> str:
        raw = base64.urlsafe_b64decode(self._randomness.token(_SECRET_BYTES) + "==")
        return base64.b32encode(raw).decode().rstrip("=")

    def _new_codes(self) -> list[str]:
        return [_grouped("".join(map(self._letter, range(_CODE_CHARACTERS)))) for _ in range(RECOVERY_CODES)]

    def _letter(self, _: int) -> str:
        return _ALPHABET[self._randomness.below(len(_ALPHABET))]


def _plain(code: str) -> str:
    """As it was printed, whatever somebody typed between and around."""
    return "".join(char for char in code.lower() if char not in " -\t\u00a0")[:40]


def _grouped(code: str) -> str:
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def _hash(code: str) -> str:
    return sha256(b"recovery:" + _plain(code).encode()).hexdigest()


def _picture(address: str) -> str:
    out = io.BytesIO()
    segno.make(address, error="m").save(
        out,
        kind="svg",
        scale=5,
        border=4,
        xmldecl=False,
        omitsize=True,
        title="The secret, as a picture",
        light="white",
    )
    return out.getvalue().decode()

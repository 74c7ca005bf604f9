"""Local actors come into being: keys, addresses, and a person who signs in."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fediverse_node.base.outcome import Fail, Reason
from fediverse_node.domain.facts import World
from fediverse_node.outbox.passwords import hash_password
from fediverse_node.signatures.key_source import KeySource
from fediverse_node.signatures.keys import PrivateKey
from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries import registration as queries
from fediverse_node.storage.unit import Unit
from fediverse_node.storage.writer import Writer

ACTOR_TYPES = ("Person", "Organization", "Service", "Group")
LINK_LIFETIME_MS = 3 * 86_400 * 1000
_USERNAME = re.compile(r"[A-Za-z0-9_]{1,30}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
# Names that would be taken for the server's own voice, or that paths need.
_RESERVED = frozenset(
    {"admin", "administrator", "root", "actor", "inbox", "support", "help", "security", "abuse", "postmaster"}
)


class RegistrationFault(Reason):
    """Why an account could not be made."""

    BAD_NAME = "a user name has 1 to 30 letters, digits or underscores"
    RESERVED = "this user name is reserved"
    TAKEN = "this user name is taken"
    BAD_EMAIL = "this is not an e-mail address"
    EMAIL_TAKEN = "this e-mail address is used by another account"
    SHORT_PASSWORD = "a password has at least 8 characters"  # noqa: S105 - a sentence
    INVITE_OVER = "this invitation does not hold any more"


@dataclass(frozen=True, slots=True)
class Account:
    """A new person here."""

    user_id: int
    actor_id: int


class Registration:
    """Makes accounts, the instance actor, sign-in links and tokens."""

    def __init__(self, *, database: Database, writer: Writer, world: World, keys: KeySource) -> None:
        self._database = database
        self._writer = writer
        self._world = world
        self._keys = keys

    async def create(
        self,
        username: str,
        email: str,
        *,
        password: str | None = None,
        role: str = "user",
        type_: str = "Person",
        approved: bool = True,
        reserved_allowed: bool = False,
        invite_request: str = "",
        locale: str = "",
        app_id: int | None = None,
        invite_code: str | None = None,
        confirmed: bool = True,
        and_then: Callable[[int], Unit[None]] | None = None,
    ) -> Account | Fail:
        """A person with an actor of their own, of one of `ACTOR_TYPES`. Without a password a link is the way in.

        With an `invite_code` it has to hold still, and has one use less afterwards. `and_then` (user id) belongs to the
        same transaction.
        """
        fault = _fault(username, email, password, reserved_allowed=reserved_allowed)
        if fault is not None:
            return Fail(fault, username if "name" in fault.sentence else "")
        new_keys = await self.new_keys()
        password_hash = await hash_password(password) if password else None
        now_ms = self._world.clock.now_ms()
        actor = self._actor_row(username, type_)
        user = {
            "id": self._world.ids.next(),
            "actor_id": actor["id"],
            "email": email,
            "password_hash": password_hash,
            "role": role,
            "confirmed_ms": now_ms if confirmed else None,
            "approved_ms": now_ms if approved else None,
            "invite_request": invite_request,
            "locale": locale,
            "app_id": app_id,
            "created_ms": now_ms,
        }
        keys = self.key_rows(actor, new_keys)

        def unit() -> Unit[str | None]:
            fault = yield from queries.create_account(actor, user, keys, invite_code)
            if fault is None and and_then is not None:
                yield from and_then(user["id"])
            return fault

        made = await self._writer.run(unit)
        if made is not None:
            about = {"TAKEN": username, "EMAIL_TAKEN": email}
            return Fail(RegistrationFault[made], about.get(made, ""))
        return Account(user["id"], actor["id"])

    async def ensure_instance_actor(self) -> int:
        """The server's own actor, made at the first start."""
        uri = self._world.names.instance_actor
        row = await self._database.fetch_one(queries.ACTOR_ID, uri=uri)
        if row is not None:
            return int(row["id"])
        new_keys = await self.new_keys()
        actor = self._actor_row(self._world.names.host, "Application", uri=uri)
        keys = self.key_rows(actor, new_keys)
        await self._writer.run(lambda: queries.create_actor(actor, keys))
        return int(actor["id"])

    async def renew_keys(self, uri: str) -> bool:
        """New keys under the old ids; whether there is such an actor. A running server signs with the old ones on."""
        row = await self._database.fetch_one(queries.ACTOR_ID, uri=uri)
        if row is None or not self._world.names.is_ours(uri):
            return False
        actor_id = int(row["id"])
        rows = self.key_rows({"id": actor_id, "uri": uri}, await self.new_keys())
        await self._writer.run(lambda: queries.replace_keys(actor_id, rows))
        return True

    async def sign_in_link(self, user_id: int) -> str:
        """An address that signs this person in once."""
        token = self._world.randomness.token()
        row = {
            "token_hash": token_hash(token),
            "user_id": user_id,
            "expires_ms": self._world.clock.now_ms() + LINK_LIFETIME_MS,
        }
        await self._writer.run(lambda: queries.add_sign_in_link(row))
        return f"{self._world.names.base_url}/sign-in/{token}"

    async def token(self, user_id: int, scopes: str) -> str:
        """An access token for a client that a person trusts with their account."""
        token = self._world.randomness.token()
        row = {
            "id": self._world.ids.next(),
            "token_hash": token_hash(token),
            "user_id": user_id,
            "app_id": None,
            "scopes": scopes,
            "created_ms": self._world.clock.now_ms(),
        }
        await self._writer.run(lambda: queries.add_token(row))
        return token

    async def new_keys(self) -> tuple[PrivateKey, ...]:
        """One of each kind that an actor of ours has."""
        mldsa44 = self._keys.new_mldsa44()
        rsa, ed25519 = await asyncio.to_thread(self._keys.new_rsa), self._keys.new_ed25519()
        return (rsa, ed25519) if mldsa44 is None else (rsa, ed25519, mldsa44)

    def _actor_row(self, username: str, type_: str, *, uri: str | None = None) -> dict[str, Any]:
        names = self._world.names
        uri = uri or names.actor(username)
        return {
            "id": self._world.ids.next(),
            "uri": uri,
            "type": type_,
            "local": True,
            "username": username,
            "host": names.host,
            "name": "",
            "url": names.profile_page(username) if type_ != "Application" else names.base_url,
            "inbox": names.inbox(uri),
            "shared_inbox": names.shared_inbox,
            "outbox": names.outbox(uri),
            "followers_uri": names.followers(uri),
            "following_uri": names.following(uri),
            "featured_uri": names.featured(uri),
            "featured_tags_uri": names.featured_tags(uri),
            "created_ms": self._world.clock.now_ms(),
        }

    def key_rows(
        self, actor: Mapping[str, Any], new_keys: Iterable[PrivateKey], number: int | None = None
    ) -> list[dict[str, Any]]:
        """Rows of `keys` for an actor ({id, uri}). `number` tells their ids from those of keys before them."""
        uri, names = actor["uri"], self._world.names
        ids = {"rsa": names.key(uri), "ed25519": names.ed25519_key(uri), "mldsa44": names.mldsa44_key(uri)}
        return [
            {
                "uri": ids[key.algorithm] + (f"-{number}" if number is not None else ""),
                "actor_id": actor["id"],
                "public": key.public().pem() if key.algorithm == "rsa" else key.public().multibase(),
                "private_pem": key.pem(),
                "for_proofs": key.algorithm != "rsa",
                "fetched_ms": self._world.clock.now_ms(),
            }
            for key in new_keys
        ]


def is_email(text: str) -> bool:
    """Whether it is written like an e-mail address."""
    return text.isprintable() and _EMAIL.fullmatch(text) is not None


def token_hash(token: str) -> str:
    """What is stored of a secret: whoever reads the database cannot sign in with it."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _fault(username: str, email: str, password: str | None, *, reserved_allowed: bool) -> RegistrationFault | None:
    if not _USERNAME.fullmatch(username):
        return RegistrationFault.BAD_NAME
    if username.lower() in _RESERVED and not reserved_allowed:
        return RegistrationFault.RESERVED
    if not is_email(email):
        return RegistrationFault.BAD_EMAIL
    if password is not None and len(password) < 8:
        return RegistrationFault.SHORT_PASSWORD
    return None

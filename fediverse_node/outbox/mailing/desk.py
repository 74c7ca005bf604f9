"""Where letters are written, and links in them are spent.

A letter goes into the queue in the same transaction as what it is about. A link works once, for a while, and for the
address it was sent to: whoever has another one by then cannot use it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fediverse_node.base.config import Config
from fediverse_node.base.outcome import Fail, Reason
from fediverse_node.domain.facts import World
from fediverse_node.domain.roles import ROLES, Permission
from fediverse_node.outbox.mailing import letters
from fediverse_node.outbox.registration import is_email, token_hash
from fediverse_node.storage.engine import Database, Row
from fediverse_node.storage.queries import mailing as queries
from fediverse_node.storage.queries import users
from fediverse_node.storage.unit import Unit
from fediverse_node.storage.writer import Writer

_HOUR_MS = 3_600_000
CONFIRM_MS = 72 * _HOUR_MS
RESET_MS = 6 * _HOUR_MS
_NOTICE_MS = 72 * _HOUR_MS
CONFIRM_PATH, RESET_PATH, CHANGE_PATH = "/auth/confirm", "/auth/password/new", "/auth/email/confirm"


class MailRefusal(Reason):
    """Why nothing was done."""

    BAD_EMAIL = "this is not an e-mail address"
    EMAIL_TAKEN = "this e-mail address is used by another account"
    SPENT = "this link does not work any more"


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a link was about, as it is now."""

    user_id: int
    username: str
    is_approved: bool


class MailDesk:
    """Writes letters and spends links. `wake`: a letter waits."""

    def __init__(
        self, *, config: Config, world: World, database: Database, writer: Writer, wake: Callable[[], None]
    ) -> None:
        self._config = config
        self._world = world
        self._database = database
        self._writer = writer
        self._wake = wake

    # Addresses of people who signed up

    def confirmation(self, username: str, email: str) -> Callable[[int], Unit[None]]:
        """(user id) -> what a new account is asked by letter, for the transaction that makes it. Then `posted`."""
        return self._with_link(queries.CONFIRM, email, CONFIRM_MS, letters.confirm_address, username)

    async def confirm_again(self, user_id: int, email: str | None = None) -> Fail | None:
        """Another letter to somebody who has not confirmed, at another address if they say so."""
        row = await self._database.fetch_one(queries.ADDRESSEE, user_id=user_id)
        if row is None:
            return Fail(MailRefusal.SPENT)
        to = row["email"] if email is None else email
        if not is_email(to):
            return Fail(MailRefusal.BAD_EMAIL)
        write = self.confirmation(row["username"], to)

        def unit() -> Unit[bool]:
            if to != row["email"] and not (yield from queries.set_email(user_id, to)):
                return False
            yield from write(user_id)
            return True

        return None if await self._posted(unit) else Fail(MailRefusal.EMAIL_TAKEN)

    async def confirm(self, token: str) -> Person | Fail:
        """The link was used: the address is theirs. Moderators hear of who waits for them."""
        now_ms, hashed = self._world.clock.now_ms(), token_hash(token)
        notices = await self._waits_notices_of(token)

        def unit() -> Unit[Row | None]:
            row = yield from queries.take_link(hashed, queries.CONFIRM, now_ms)
            if row is None or row["link_email"] != row["email"]:
                return None
            yield from queries.confirm(row["user_id"], now_ms)
            for notice in notices:
                yield from queries.put_mail(notice)
            return row

        return _person(await self._posted(unit))

    async def tell_staff(self, user_id: int) -> None:
        """Somebody waits to be let in."""
        row = await self._database.fetch_one(queries.ADDRESSEE, user_id=user_id)
        notices = await self._waits_notices(row) if row is not None else []
        await self._posted(lambda: _put_all(notices))

    # Forgotten passwords

    async def ask_reset(self, email: str) -> None:
        """A letter to whoever has this address; what is done for others takes as long and leads nowhere."""
        token, now_ms = self._world.randomness.token(), self._world.clock.now_ms()
        link = self._link_row(queries.RESET, token, "", RESET_MS)
        number, url = self._world.ids.next(), f"{self._config.base_url}{RESET_PATH}/{token}"

        def unit() -> Unit[None]:
            row = yield from queries.addressee_by_email(email)
            if row is not None and row["disabled_ms"] is not None:
                row = None
            username, to = ("nobody", "") if row is None else (row["username"], row["email"])
            words = letters.reset_password(self._config, username=username, link=url)
            if row is not None:
                yield from queries.add_link({**link, "user_id": row["user_id"], "email": to})
            yield from queries.put_mail(_mail_row(number, to, words, now_ms, RESET_MS))

        await self._posted(unit)

    async def load_link(self, token: str, kind: str) -> Person | None:
        """Whom a link is about that could be used now."""
        now_ms = self._world.clock.now_ms()
        row = await self._database.fetch_one(queries.LINK, token_hash=token_hash(token), now_ms=now_ms)
        if row is None or row["kind"] != kind or (kind != queries.CHANGE and row["link_email"] != row["email"]):
            return None
        found = _person(row)
        return found if isinstance(found, Person) else None

    async def reset(self, token: str, password_hash: str) -> tuple[Person, list[int]] | Fail:
        """The link was used: a new password, and everything that was signed in is out. Also the ids of its tokens."""
        now_ms, hashed, number = self._world.clock.now_ms(), token_hash(token), self._world.ids.next()

        def unit() -> Unit[tuple[Row, list[int]] | None]:
            row = yield from queries.take_link(hashed, queries.RESET, now_ms)
            if row is None or row["link_email"] != row["email"] or row["disabled_ms"] is not None:
                return None
            yield from users.set_password(row["user_id"], password_hash)
            token_ids = yield from queries.put_out(row["user_id"])
            # Whoever read the letter has the address.
            yield from queries.confirm(row["user_id"], now_ms)
            words = letters.password_changed(self._config, username=row["username"])
            yield from queries.put_mail(_mail_row(number, row["email"], words, now_ms, _NOTICE_MS))
            return row, token_ids

        done = await self._posted(unit)
        if done is None:
            return Fail(MailRefusal.SPENT)
        person = _person(done[0])
        return person if isinstance(person, Fail) else (person, done[1])

    # Other addresses

    async def ask_change(self, user_id: int, email: str) -> Fail | None:
        """A letter to the new address with a link, and a notice to the one that it has."""
        row = await self._database.fetch_one(queries.ADDRESSEE, user_id=user_id)
        if row is None or not is_email(email):
            return Fail(MailRefusal.BAD_EMAIL)
        write = self._with_link(queries.CHANGE, email, CONFIRM_MS, letters.confirm_change, row["username"])
        words = letters.address_changes(self._config, username=row["username"], is_done=False)
        notice = self._mail(row["email"], words)

        def unit() -> Unit[bool]:
            if (yield from queries.addressee_by_email(email)) is not None:
                return False
            yield from write(user_id)
            yield from queries.put_mail(notice)
            return True

        return None if await self._posted(unit) else Fail(MailRefusal.EMAIL_TAKEN)

    async def change(self, token: str) -> Person | Fail:
        """The link was used: letters go there from now on, and the old address gets the last one."""
        now_ms, hashed, number = self._world.clock.now_ms(), token_hash(token), self._world.ids.next()

        def unit() -> Unit[Row | Fail | None]:
            row = yield from queries.take_link(hashed, queries.CHANGE, now_ms)
            if row is None:
                return None
            if not (yield from queries.set_email(row["user_id"], row["link_email"])):
                return Fail(MailRefusal.EMAIL_TAKEN)
            yield from queries.confirm(row["user_id"], now_ms)
            words = letters.address_changes(self._config, username=row["username"], is_done=True)
            yield from queries.put_mail(_mail_row(number, row["email"], words, now_ms, _NOTICE_MS))
            return row

        done = await self._posted(unit)
        return done if isinstance(done, Fail) else _person(done)

    # What moderators decide

    async def verdict(self, actor_id: int, *, is_let_in: bool) -> Callable[[], Unit[None]]:
        """What those who sign in as this actor are told, for the transaction of the act. Then `posted`."""
        write = letters.let_in if is_let_in else letters.turned_away
        rows = await self._database.fetch(queries.OF_ACTOR, actor_id=actor_id)
        # To an address that nobody has confirmed nothing is sent but the question.
        mails = [
            self._mail(row["email"], write(self._config, username=row["username"]))
            for row in rows
            if row["confirmed_ms"] is not None
        ]
        return lambda: _put_all(mails)

    def posted(self) -> None:
        """Letters were put into a transaction that is done."""
        self._wake()

    async def _posted(self, unit: Callable[[], Unit[Any]]) -> Any:
        result = await self._writer.run(unit)
        self._wake()
        return result

    def _with_link(
        self, kind: str, email: str, holds_ms: int, words: Callable[..., letters.Words], username: str
    ) -> Callable[[int], Unit[None]]:
        token = self._world.randomness.token()
        path = CONFIRM_PATH if kind == queries.CONFIRM else CHANGE_PATH
        written = words(self._config, username=username, link=f"{self._config.base_url}{path}/{token}")
        link, mail = self._link_row(kind, token, email, holds_ms), self._mail(email, written, holds_ms)

        def unit(user_id: int) -> Unit[None]:
            yield from queries.add_link({**link, "user_id": user_id})
            yield from queries.put_mail(mail)

        return unit

    def _link_row(self, kind: str, token: str, email: str, holds_ms: int) -> dict[str, Any]:
        expires_ms = self._world.clock.now_ms() + holds_ms
        return {"token_hash": token_hash(token), "kind": kind, "email": email, "expires_ms": expires_ms}

    def _mail(self, to: str, words: letters.Words, holds_ms: int = _NOTICE_MS) -> dict[str, Any]:
        return _mail_row(self._world.ids.next(), to, words, self._world.clock.now_ms(), holds_ms)

    async def _waits_notices_of(self, token: str) -> list[dict[str, Any]]:
        now_ms = self._world.clock.now_ms()
        row = await self._database.fetch_one(queries.LINK, token_hash=token_hash(token), now_ms=now_ms)
        return await self._waits_notices(row) if row is not None else []

    async def _waits_notices(self, row: Row) -> list[dict[str, Any]]:
        if row["approved_ms"] is not None:
            return []
        roles = [role.word for role in ROLES if role.may(Permission.MANAGE_USERS)]
        words = letters.somebody_waits(self._config, username=row["username"], reason=row["invite_request"])
        staff = await self._database.fetch(queries.STAFF, roles=roles)
        return [self._mail(person["email"], words) for person in staff]


def _put_all(mails: list[dict[str, Any]]) -> Unit[None]:
    for mail in mails:
        yield from queries.put_mail(mail)


def _mail_row(number: int, to: str, words: letters.Words, now_ms: int, holds_ms: int) -> dict[str, Any]:
    return {
        "id": number,
        "to_address": to,
        "subject": words.subject,
        "plain": words.plain,
        "html": words.html,
        "due_ms": now_ms,
        "created_ms": now_ms,
        "expires_ms": now_ms + holds_ms,
    }


def _person(row: Row | None) -> Person | Fail:
    if row is None:
        return Fail(MailRefusal.SPENT)
    return Person(row["user_id"], row["username"], row["approved_ms"] is not None)

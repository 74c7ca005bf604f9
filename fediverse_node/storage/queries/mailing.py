"""The queue of e-mail, and links in it: each works once, and the newest of a kind alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, delete, func, select, update

from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import actors, mail_links, mails, sessions, tokens, users
from fediverse_node.storage.unit import Fetch, Insert, Run, Unit

Row = Any
CONFIRM, RESET, CHANGE = "confirm", "reset", "change"


def _big(name: str) -> Any:
    return bindparam(name, type_=BigInteger())


def _words(name: str) -> Any:
    return bindparam(name, type_=Text())


_MAIL = _big("mail_id")
_USER = _big("user_id")
NEXT_DUE = Statement(select(func.min(mails.c.due_ms).label("due_ms")))
WAITING = Statement(select(func.count().label("count")).select_from(mails))
_DUE = Statement(select(mails).where(mails.c.due_ms <= _big("now_ms")).order_by(mails.c.due_ms).limit(1))
_LATER = Statement(update(mails).where(mails.c.id == _MAIL).values(due_ms=_big("later_ms")))
_CLAIM = Statement(
    update(mails)
    .where(mails.c.id == _MAIL)
    .values(due_ms=_big("later_ms"), attempts=mails.c.attempts + 1)
)  # fmt: skip
_FINISH = Statement(delete(mails).where(mails.c.id == _MAIL))

_ADDRESSEE = (
    users.c.id.label("user_id"),
    users.c.actor_id,
    users.c.email,
    users.c.confirmed_ms,
    users.c.approved_ms,
    users.c.disabled_ms,
    users.c.app_id,
    users.c.invite_request,
    actors.c.username,
)
_people = users.join(actors, actors.c.id == users.c.actor_id)
LINK = Statement(
    select(mail_links.c.kind, mail_links.c.email.label("link_email"), *_ADDRESSEE)
    .select_from(_people.join(mail_links, mail_links.c.user_id == users.c.id))
    .where(mail_links.c.token_hash == _words("token_hash"), mail_links.c.expires_ms > _big("now_ms"))
)
ADDRESSEE = Statement(select(*_ADDRESSEE).select_from(_people).where(users.c.id == _USER))
OF_ACTOR = Statement(select(*_ADDRESSEE).select_from(_people).where(users.c.actor_id == _big("actor_id")))
_BY_EMAIL = Statement(select(*_ADDRESSEE).select_from(_people).where(func.lower(users.c.email) == _words("email")))
STAFF = Statement(
    select(*_ADDRESSEE)
    .select_from(_people)
    .where(one_of(users.c.role, "roles"), users.c.confirmed_ms.is_not(None), users.c.disabled_ms.is_(None))
    .order_by(users.c.id)
    .limit(50)
)
_TOKENS_OF = Statement(select(tokens.c.id).where(tokens.c.user_id == _USER))
_DROP_LINK = Statement(delete(mail_links).where(mail_links.c.token_hash == _words("token_hash")))
_DROP_KIND = Statement(delete(mail_links).where(mail_links.c.user_id == _USER, mail_links.c.kind == _words("kind")))
_DROP_LINKS = Statement(delete(mail_links).where(mail_links.c.user_id == _USER))
_DROP_OLD = Statement(delete(mail_links).where(mail_links.c.expires_ms < _big("now_ms")))
# Whoever never confirmed has never done anything: nobody else's rows hang on theirs. Their name is free again.
_UNCONFIRMED = Statement(
    delete(actors).where(
        actors.c.local,
        actors.c.id.in_(
            select(users.c.actor_id).where(users.c.confirmed_ms.is_(None), users.c.created_ms < _big("before_ms"))
        ),
        actors.c.id.not_in(select(users.c.actor_id).where(users.c.confirmed_ms.is_not(None))),
    )
)
_CONFIRM = Statement(
    update(users).where(users.c.id == _USER, users.c.confirmed_ms.is_(None)).values(confirmed_ms=_big("now_ms"))
)
_SET_EMAIL = Statement(update(users).where(users.c.id == _USER).values(email=_words("new_email")))
_DROP_SESSIONS = Statement(delete(sessions).where(sessions.c.user_id == _USER))
_DROP_TOKENS = Statement(delete(tokens).where(tokens.c.user_id == _USER))


def put_mail(row: Mapping[str, Any]) -> Unit[None]:
    """A letter waits to be sent: all columns but `attempts`."""
    yield Insert(mails, [row])


def claim(now_ms: int, lease_ms: int) -> Unit[Row | None]:
    """The letter that has waited longest, which nobody else takes for as long as the lease."""
    rows = yield Fetch(_DUE, {"now_ms": now_ms})
    if not rows:
        return None
    yield Run(_CLAIM, [{"mail_id": rows[0]["id"], "later_ms": now_ms + lease_ms}])
    return rows[0]


def put_off(mail_id: int, later_ms: int) -> Unit[None]:
    """Try again later."""
    yield Run(_LATER, [{"mail_id": mail_id, "later_ms": later_ms}])


def finish(mail_id: int) -> Unit[None]:
    """Sent, or given up."""
    yield Run(_FINISH, [{"mail_id": mail_id}])


def add_link(row: Mapping[str, Any]) -> Unit[None]:
    """A link in the place of earlier ones of its kind: all columns of `mail_links`."""
    yield Run(_DROP_KIND, [{"user_id": row["user_id"], "kind": row["kind"]}])
    yield Insert(mail_links, [row])


def addressee_by_email(email: str) -> Unit[Row | None]:
    """Who has this address, written in whatever case."""
    rows = yield Fetch(_BY_EMAIL, {"email": email.lower()})
    return rows[0] if rows else None


def take_link(token_hash: str, kind: str, now_ms: int) -> Unit[Row | None]:
    """What the link is about, which is spent from then on; None when there is none of this kind, or no longer."""
    rows = yield Fetch(LINK, {"token_hash": token_hash, "now_ms": now_ms})
    yield Run(_DROP_OLD, [{"now_ms": now_ms}])
    if not rows or rows[0]["kind"] != kind:
        return None
    yield Run(_DROP_LINK, [{"token_hash": token_hash}])
    return rows[0]


def confirm(user_id: int, now_ms: int) -> Unit[None]:
    """The address is the person's."""
    yield Run(_CONFIRM, [{"user_id": user_id, "now_ms": now_ms}])


def set_email(user_id: int, email: str) -> Unit[bool]:
    """Another address, unless it is somebody's; links that went to the one before are good no more."""
    present = yield from addressee_by_email(email)
    if present is not None and present["user_id"] != user_id:
        return False
    yield Run(_SET_EMAIL, [{"user_id": user_id, "new_email": email}])
    yield Run(_DROP_LINKS, [{"user_id": user_id}])
    return True


def forget_unconfirmed(before_ms: int, now_ms: int) -> Unit[None]:
    """Accounts that were made before and never confirmed, and links that are out of date."""
    yield Run(_UNCONFIRMED, [{"before_ms": before_ms}])
    yield Run(_DROP_OLD, [{"now_ms": now_ms}])


def put_out(user_id: int) -> Unit[list[int]]:
    """All sessions and access tokens of a person end, and every link that is on its way; the ids of the tokens."""
    rows = yield Fetch(_TOKENS_OF, {"user_id": user_id})
    yield Run(_DROP_SESSIONS, [{"user_id": user_id}])
    yield Run(_DROP_TOKENS, [{"user_id": user_id}])
    yield Run(_DROP_LINKS, [{"user_id": user_id}])
    return [int(row["id"]) for row in rows]

"""Where push messages go, one subscription a token; and which are still to be sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Integer, Text, and_, bindparam, delete, exists, func, not_, select, update
from sqlalchemy.sql import ColumnElement, FromClause

from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import (
    actors,
    follows,
    notifications,
    push_messages,
    push_subscriptions,
    tokens,
    users,
)
from fediverse_node.storage.unit import Fetch, Insert, Run, Unit

_TOKEN = bindparam("token_id", type_=BigInteger())
_ID = bindparam("message_id", type_=BigInteger())
_NOW = bindparam("now_ms", type_=BigInteger())
SUBSCRIPTION = Statement(select(push_subscriptions).where(push_subscriptions.c.token_id == _TOKEN))
_DELETE = Statement(delete(push_subscriptions).where(push_subscriptions.c.token_id == _TOKEN))
_UPDATE = Statement(
    update(push_subscriptions)
    .where(push_subscriptions.c.token_id == _TOKEN)
    .values(alerts=bindparam("new_alerts", type_=Text()), policy=bindparam("new_policy", type_=Text()))
)
_DROP = Statement(
    delete(push_subscriptions).where(push_subscriptions.c.id == bindparam("subscription_id", type_=BigInteger()))
)


def _people() -> FromClause:
    """Subscriptions with the token and the person they belong to."""
    return (
        push_subscriptions.join(tokens, tokens.c.id == push_subscriptions.c.token_id)
        .join(users, users.c.id == tokens.c.user_id)
        .join(actors, actors.c.id == users.c.actor_id)
    )


_IN_USE = and_(
    users.c.confirmed_ms.is_not(None),
    users.c.approved_ms.is_not(None),
    users.c.disabled_ms.is_(None),
    actors.c.suspended_ms.is_(None),
    actors.c.deleted_ms.is_(None),
)


def _follows(follower: ColumnElement[Any], followed: ColumnElement[Any]) -> ColumnElement[bool]:
    accepted = select(follows.c.id).where(
        follows.c.follower_id == follower, follows.c.followed_id == followed, follows.c.accepted
    )
    return exists(accepted.correlate_except(follows))


# The subscriptions of those whom these notifications tell. What each wants to hear of is for the caller.
SUBSCRIBED = Statement(
    select(
        notifications.c.id.label("notification_id"),
        notifications.c.type,
        push_subscriptions.c.id.label("subscription_id"),
        push_subscriptions.c.endpoint,
        push_subscriptions.c.alerts,
        push_subscriptions.c.policy,
        tokens.c.scopes,
        _follows(notifications.c.actor_id, notifications.c.from_actor_id).label("is_followed"),
        _follows(notifications.c.from_actor_id, notifications.c.actor_id).label("is_follower"),
    )
    .select_from(_people().join(notifications, notifications.c.actor_id == users.c.actor_id))
    .where(one_of(notifications.c.id, "ids"), _IN_USE)
)
# A message with all that is needed to write it; nothing where the person's account is not in use any more.
MESSAGE = Statement(
    select(
        push_messages.c.notification_id,
        push_messages.c.subscription_id,
        push_messages.c.created_ms,
        push_subscriptions.c.endpoint,
        push_subscriptions.c.p256dh,
        push_subscriptions.c.auth,
        push_subscriptions.c.standard,
        push_subscriptions.c.locked_token,
        push_subscriptions.c.token_id,
        users.c.actor_id,
        users.c.locale,
        users.c.settings,
    )
    .select_from(_people().join(push_messages, push_messages.c.subscription_id == push_subscriptions.c.id))
    .where(push_messages.c.id == _ID, _IN_USE)
)
DUE = Statement(
    select(push_messages.c.id, push_messages.c.host, push_messages.c.attempts)
    .where(push_messages.c.due_ms <= _NOW, not_(one_of(push_messages.c.host, "busy")))
    .order_by(push_messages.c.due_ms)
    .limit(bindparam("most", type_=Integer()))
)
NEXT_DUE = Statement(select(func.min(push_messages.c.due_ms).label("due_ms")))
WAITING = Statement(select(func.count().label("count")).select_from(push_messages))
_CLAIM = Statement(
    update(push_messages)
    .where(push_messages.c.id == _ID, push_messages.c.due_ms <= _NOW)
    .values(due_ms=bindparam("until_ms", type_=BigInteger()), attempts=push_messages.c.attempts + 1)
    .returning(push_messages.c.id)
)
_LATER = Statement(
    update(push_messages).where(push_messages.c.id == _ID).values(due_ms=bindparam("later_ms", type_=BigInteger()))
)
_DONE = Statement(delete(push_messages).where(push_messages.c.id == _ID))
_STILL_THERE = Statement(
    select(push_subscriptions.c.id.label("subscription_id")).where(one_of(push_subscriptions.c.id, "subscription_ids"))
)
_STILL_TOLD = Statement(select(notifications.c.id).where(one_of(notifications.c.id, "notification_ids")))


def put_subscription(row: Mapping[str, Any]) -> Unit[None]:
    """The token's subscription, in the place of one it had: all columns."""
    yield Run(_DELETE, [{"token_id": row["token_id"]}])
    yield Insert(push_subscriptions, [row])


def change_subscription(token_id: int, *, alerts: str, policy: str) -> Unit[None]:
    """What it is told of; the address stays."""
    yield Run(_UPDATE, [{"token_id": token_id, "new_alerts": alerts, "new_policy": policy}])


def delete_subscription(token_id: int) -> Unit[None]:
    """No more push messages."""
    yield Run(_DELETE, [{"token_id": token_id}])


def add_messages(rows: Sequence[Mapping[str, Any]]) -> Unit[int]:
    """Messages to be sent: all columns but `attempts`; how many are new."""
    # In between somebody may have unsubscribed, or what was told have been taken back.
    there = yield Fetch(_STILL_THERE, {"subscription_ids": [row["subscription_id"] for row in rows]})
    told = yield Fetch(_STILL_TOLD, {"notification_ids": [row["notification_id"] for row in rows]})
    subscriptions, known = {row["subscription_id"] for row in there}, {row["id"] for row in told}
    left = [row for row in rows if row["subscription_id"] in subscriptions and row["notification_id"] in known]
    done = (yield Insert(push_messages, left)) if left else []
    return len(done)


def claim(message_id: int, now_ms: int, until_ms: int) -> Unit[bool]:
    """Whether the message is this process's to send; nobody else does until then."""
    rows = yield Fetch(_CLAIM, {"message_id": message_id, "now_ms": now_ms, "until_ms": until_ms})
    return bool(rows)


def put_off(message_id: int, later_ms: int) -> Unit[None]:
    """Try again later."""
    yield Run(_LATER, [{"message_id": message_id, "later_ms": later_ms}])


def finish(message_id: int) -> Unit[None]:
    """Sent, or not to be sent any more."""
    yield Run(_DONE, [{"message_id": message_id}])


def drop_subscription(subscription_id: int) -> Unit[None]:
    """The push service knows it no more; what waits for it goes too."""
    yield Run(_DROP, [{"subscription_id": subscription_id}])

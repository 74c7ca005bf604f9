"""Where push messages go: one subscription a token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, delete, select, update

from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import push_subscriptions
from fediverse_node.storage.unit import Insert, Run, Unit

_TOKEN = bindparam("token_id", type_=BigInteger())
SUBSCRIPTION = Statement(select(push_subscriptions).where(push_subscriptions.c.token_id == _TOKEN))
_DELETE = Statement(delete(push_subscriptions).where(push_subscriptions.c.token_id == _TOKEN))
_UPDATE = Statement(
    update(push_subscriptions)
    .where(push_subscriptions.c.token_id == _TOKEN)
    .values(alerts=bindparam("new_alerts", type_=Text()), policy=bindparam("new_policy", type_=Text()))
)


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

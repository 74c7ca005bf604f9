"""What a report may be about."""

from __future__ import annotations

from sqlalchemy import BigInteger, bindparam, select

from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import objects

# Of some objects those that the actor said.
AUTHORED = Statement(
    select(objects.c.id)
    .where(one_of(objects.c.id, "ids"), objects.c.actor_id == bindparam("actor_id", type_=BigInteger()))
    .order_by(objects.c.id)
)

"""What RSS and Atom readers get of a profile: its own posts, without boosts and answers to others."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, bindparam, or_

from fediverse_node.storage.queries.federation_documents import is_open, select_post
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import objects

FEED_POSTS = Statement(
    select_post()
    .where(
        objects.c.actor_id == bindparam("actor_id", type_=BigInteger()),
        objects.c.announce_of_id.is_(None),
        or_(objects.c.in_reply_to_uri.is_(None), objects.c.in_reply_to_actor_id == objects.c.actor_id),
        is_open(),
    )
    .order_by(objects.c.id.desc())
    .limit(bindparam("limit", type_=Integer()))
)

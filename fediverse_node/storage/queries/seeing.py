"""What an actor of another server may see of ours: asked whenever it fetches something and says who it is."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, Text, and_, bindparam, exists, literal_column, not_, or_, select

from fediverse_node.domain.model import Visibility, visibility_code
from fediverse_node.storage.queries.federation_documents import is_open, select_post
from fediverse_node.storage.queries.statuses import VIEWER, may_see_object
from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import actors, blocks, follows, objects, pins, user_domain_blocks

_HOST = bindparam("viewer_host", type_=Text())
_ACTOR = bindparam("actor_id", type_=BigInteger())
_BEFORE = bindparam("before", type_=BigInteger())
_LIMIT = bindparam("limit", type_=Integer())
_ONE = literal_column("1", Integer())

# Its author keeps away from the viewer, or from the viewer's whole host.
_shunned = or_(
    exists(
        select(_ONE)
        .select_from(blocks)
        .where(blocks.c.actor_id == objects.c.actor_id, blocks.c.target_id == VIEWER)
        .correlate(objects)
    ),
    exists(
        select(_ONE)
        .select_from(user_domain_blocks)
        .where(user_domain_blocks.c.actor_id == objects.c.actor_id, user_domain_blocks.c.host == _HOST)
        .correlate(objects)
    ),
)
_is_here = and_(actors.c.suspended_ms.is_(None), actors.c.deleted_ms.is_(None))
_may_see = and_(_is_here, may_see_object(), not_(_shunned))

VISIBLE = Statement(
    select(objects.c.id)
    .select_from(objects.join(actors, actors.c.id == objects.c.actor_id))
    .where(one_of(objects.c.id, "ids"), _may_see)
)
OUTBOX = Statement(
    select_post()
    .where(objects.c.actor_id == _ACTOR, objects.c.id < _BEFORE, _may_see)
    # What was told to single people is not read in a list of what was said.
    .where(objects.c.visibility < visibility_code(Visibility.DIRECT))
    .order_by(objects.c.id.desc())
    .limit(_LIMIT)
)
OWN_OUTBOX = Statement(
    select_post()
    .where(objects.c.actor_id == _ACTOR, objects.c.id < _BEFORE, _may_see)
    .order_by(objects.c.id.desc())
    .limit(_LIMIT)
)
PINNED = Statement(
    select_post().join(pins, pins.c.object_id == objects.c.id).where(pins.c.actor_id == _ACTOR, _may_see)
    .order_by(pins.c.id.desc())
    .limit(_LIMIT)
)  # fmt: skip
# Of open posts those whose authors do not keep away from the viewer.
NOT_SHUNNED = Statement(
    select(objects.c.id)
    .select_from(objects.join(actors, actors.c.id == objects.c.actor_id))
    .where(one_of(objects.c.id, "ids"), is_open(), not_(_shunned))
)
SHUNS = Statement(
    select(_ONE.label("one"))
    .select_from(blocks)
    .where(blocks.c.actor_id == _ACTOR, blocks.c.target_id == VIEWER)
    .union_all(
        select(_ONE)
        .select_from(user_domain_blocks)
        .where(user_domain_blocks.c.actor_id == _ACTOR, user_domain_blocks.c.host == _HOST)
    )
)
FOLLOWS = Statement(
    select(follows.c.id).where(follows.c.follower_id == VIEWER, follows.c.followed_id == _ACTOR, follows.c.accepted)
)

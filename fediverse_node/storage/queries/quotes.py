"""What client statuses show of quotes: who quotes a post, whom the reader avoids, and how they stand to its author."""

from __future__ import annotations

from sqlalchemy import BigInteger, ColumnElement, Integer, Text, and_, bindparam, literal_column, or_, select, union_all

from fediverse_node.domain.model import Approval
from fediverse_node.storage.queries.statuses import (
    AUTHOR,
    AUTHORS_HOST,
    NOW,
    VIEWER,
    is_present,
    is_unavoided,
    select_entries,
    visible_to_viewer,
)
from fediverse_node.storage.queries.timelines import keyset
from fediverse_node.storage.rows import APPROVAL_CODES
from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import actors, blocks, follows, mutes, objects, quotes, user_domain_blocks

_OBJECT = bindparam("object_id", type_=BigInteger())
_ACCEPTED = literal_column(str(APPROVAL_CODES[Approval.ACCEPTED]), Integer())

# Quotes of one post that were accepted, as far as the viewer may see them; newest first.
LIST = keyset(
    select_entries(quotes.join(objects, objects.c.id == quotes.c.object_id), quotes.c.object_id).where(
        quotes.c.quoted_id == _OBJECT,
        quotes.c.state == _ACCEPTED,
        is_present(),
        visible_to_viewer(),
        is_unavoided(*AUTHOR, hosts=AUTHORS_HOST),
    ),
    quotes.c.object_id,
)
STATES = Statement(
    select(quotes.c.object_id, quotes.c.state, quotes.c.quoted_id).where(one_of(quotes.c.object_id, "ids"))
)
ONE = Statement(select(quotes).where(quotes.c.object_id == _OBJECT))


def _said(word: str) -> ColumnElement[str]:
    return literal_column(f"'{word}'", Text())


# Rows of actor_id, why: those of these authors whom the viewer does not want to see.
AVOIDED = Statement(
    union_all(
        select(blocks.c.target_id.label("actor_id"), _said("blocked_account").label("why")).where(
            blocks.c.actor_id == VIEWER, one_of(blocks.c.target_id, "ids")
        ),
        select(actors.c.id, _said("blocked_domain"))
        .select_from(actors.join(user_domain_blocks, user_domain_blocks.c.host == actors.c.host))
        .where(user_domain_blocks.c.actor_id == VIEWER, one_of(actors.c.id, "ids")),
        select(mutes.c.target_id, _said("muted_account")).where(
            mutes.c.actor_id == VIEWER,
            one_of(mutes.c.target_id, "ids"),
            or_(mutes.c.expires_ms.is_(None), mutes.c.expires_ms > NOW),
        ),
    )
)
# Rows of actor_id, kind: these authors follow the viewer (1), or are followed (0).
RELATIONS = Statement(
    union_all(
        select(follows.c.followed_id.label("actor_id"), literal_column("0", Integer()).label("kind")).where(
            and_(follows.c.follower_id == VIEWER, one_of(follows.c.followed_id, "ids"), follows.c.accepted)
        ),
        select(follows.c.follower_id, literal_column("1", Integer())).where(
            and_(follows.c.followed_id == VIEWER, one_of(follows.c.follower_id, "ids"), follows.c.accepted)
        ),
    )
)
VIEWER_URI = Statement(select(actors.c.uri).where(actors.c.id == VIEWER))

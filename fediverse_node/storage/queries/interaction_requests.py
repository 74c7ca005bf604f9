"""What waits for a person's approval, for apps; and stamps, for other servers."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, Text, bindparam, or_, select

from fediverse_node.domain.model import Approval
from fediverse_node.storage.queries.federation_documents import is_open
from fediverse_node.storage.queries.statuses import VIEWER, is_unblocked
from fediverse_node.storage.queries.timelines import keyset
from fediverse_node.storage.rows import APPROVAL_CODES
from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import actors, interaction_requests, objects, quotes

_ACCEPTED = APPROVAL_CODES[Approval.ACCEPTED]
_STATUS = bindparam("status_id", type_=BigInteger())
_ID = bindparam("id_", type_=BigInteger())
_OWNER = bindparam("owner", type_=Text())

_wanted = (
    select(interaction_requests)
    .select_from(interaction_requests.join(actors, actors.c.id == interaction_requests.c.actor_id))
    .where(
        interaction_requests.c.target_actor_id == VIEWER,
        actors.c.suspended_ms.is_(None),
        actors.c.deleted_ms.is_(None),
    )
)
LIST = keyset(
    _wanted.where(
        interaction_requests.c.state == bindparam("state", type_=Integer()),
        one_of(interaction_requests.c.kind, "kinds"),
        or_(_STATUS == 0, interaction_requests.c.target_id == _STATUS),
        is_unblocked(interaction_requests.c.actor_id),
    ),
    interaction_requests.c.id,
)
ONE = Statement(_wanted.where(interaction_requests.c.id == _ID))

# Stamps of ours, by number: what they are about may be read by anybody, or nothing is told.
STAMP = Statement(
    select(
        interaction_requests.c.kind,
        interaction_requests.c.uri,
        interaction_requests.c.stamp_uri,
        objects.c.uri.label("target_uri"),
        actors.c.uri.label("owner_uri"),
    )
    .select_from(
        interaction_requests.join(objects, objects.c.id == interaction_requests.c.target_id).join(
            actors, actors.c.id == objects.c.actor_id
        )
    )
    .where(
        interaction_requests.c.id == _ID,
        interaction_requests.c.state == _ACCEPTED,
        actors.c.local,
        actors.c.username == _OWNER,
        is_open(),
    )
)
_quoting = objects.alias("quoting")
QUOTE_STAMP = Statement(
    select(
        quotes.c.stamp_uri,
        _quoting.c.uri,
        objects.c.uri.label("target_uri"),
        actors.c.uri.label("owner_uri"),
    )
    .select_from(
        quotes.join(_quoting, _quoting.c.id == quotes.c.object_id)
        .join(objects, objects.c.id == quotes.c.quoted_id)
        .join(actors, actors.c.id == objects.c.actor_id)
    )
    .where(
        quotes.c.object_id == _ID,
        quotes.c.state == _ACCEPTED,
        quotes.c.stamp_uri.is_not(None),
        actors.c.local,
        actors.c.username == _OWNER,
        is_open(),
    )
)

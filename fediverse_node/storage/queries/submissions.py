"""What people's ActivityPub clients submitted: kept under its id, and found again by the client's own key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, delete, literal, or_, select, union_all

from fediverse_node.storage.rows import dump_json
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import blocks, follows, interaction_requests, likes, objects, submissions
from fediverse_node.storage.unit import Insert, Run, Unit

# A client repeats itself within minutes; who looks an activity up later finds what it did.
KEPT_MS = 30 * 86_400_000

_ACTOR = bindparam("actor_id", type_=BigInteger())
_URI = bindparam("uri", type_=Text())

BY_KEY = Statement(
    select(submissions.c.uri, submissions.c.document).where(
        submissions.c.actor_id == _ACTOR, submissions.c.key == bindparam("key", type_=Text())
    )
)
BY_URI = Statement(
    select(submissions.c.document)
    .where(submissions.c.actor_id == _ACTOR, submissions.c.uri == _URI)
    .order_by(submissions.c.id.desc())
    .limit(1)
)
# What a person did that can be undone, by its id: `subject_id` is an object, or an actor.
DONE = Statement(
    union_all(
        select(literal("Like").label("kind"), likes.c.object_id.label("subject_id")).where(
            likes.c.uri == _URI, likes.c.actor_id == _ACTOR
        ),
        select(literal("Announce"), objects.c.announce_of_id).where(
            objects.c.uri == _URI, objects.c.actor_id == _ACTOR, objects.c.announce_of_id.is_not(None)
        ),
        select(literal("Follow"), follows.c.followed_id).where(follows.c.uri == _URI, follows.c.follower_id == _ACTOR),
        select(literal("Block"), blocks.c.target_id).where(blocks.c.uri == _URI, blocks.c.actor_id == _ACTOR),
    )
)
# Who asked this person to be let in with this Follow, or for approval with this activity.
ASKED = Statement(
    union_all(
        select(literal("Follow").label("kind"), follows.c.follower_id.label("subject_id")).where(
            follows.c.uri == _URI, follows.c.followed_id == _ACTOR
        ),
        select(literal("Request"), interaction_requests.c.id).where(
            interaction_requests.c.target_actor_id == _ACTOR,
            or_(interaction_requests.c.uri == _URI, interaction_requests.c.request_uri == _URI),
        ),
    )
)
_OLD = Statement(delete(submissions).where(submissions.c.created_ms < bindparam("before_ms", type_=BigInteger())))


def remember(
    id_: int, actor_id: int, uri: str, document: Mapping[str, Any], *, key: str | None, now_ms: int
) -> Unit[None]:
    """Keep what was submitted."""
    row = {"id": id_, "actor_id": actor_id, "uri": uri, "key": key, "document": dump_json(document)}
    yield Insert(submissions, [{**row, "created_ms": now_ms}])


def forget_submissions(now_ms: int) -> Unit[None]:
    """What is old goes."""
    yield Run(_OLD, [{"before_ms": now_ms - KEPT_MS}])

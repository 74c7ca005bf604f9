"""Actors appear, change and disappear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Text, bindparam, case, delete, or_, select, update

from fediverse_node.domain.effects import ActorKey, ChangeActor, NewErrand, ObjectKey
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.reactions import DISLIKE
from fediverse_node.storage.apply.counting import count_objects
from fediverse_node.storage.apply.errands import insert_errands
from fediverse_node.storage.apply.objects import setting
from fediverse_node.storage.apply.polls import forget_votes_of
from fediverse_node.storage.apply.removal import remove as remove_objects
from fediverse_node.storage.apply.words import review_words
from fediverse_node.storage.events import Applied
from fediverse_node.storage.rows import dump_json
from fediverse_node.storage.statement import Statement, one_of, upsert
from fediverse_node.storage.tables import (
    account_notes,
    account_warnings,
    actors,
    blocks,
    bookmarks,
    conversations,
    errands,
    featured_tags,
    filters,
    followed_tags,
    follows,
    group_bans,
    group_moderators,
    group_posts,
    groups,
    home_entries,
    idempotency_keys,
    interaction_requests,
    keys,
    likes,
    list_members,
    lists,
    markers,
    media,
    mentions,
    mutes,
    notifications,
    objects,
    pins,
    reactions,
    scheduled,
    thread_mutes,
    users,
)
from fediverse_node.storage.unit import Fetch, Run, Unit

_A = bindparam("gone", type_=BigInteger())

# What a remote actor's document says; counters, moderation and our own id stay.
PROFILE_COLUMNS = (
    "uri",
    "type",
    "username",
    "host",
    "name",
    "summary",
    "fields",
    "emojis",
    "url",
    "inbox",
    "shared_inbox",
    "outbox",
    "followers_uri",
    "following_uri",
    "featured_uri",
    "featured_tags_uri",
    "icon_url",
    "icon_description",
    "image_url",
    "image_description",
    "locked",
    "discoverable",
    "indexable",
    "memorial",
    "moved_to_uri",
    "also_known_as",
    "implements",
    "fetched_ms",
)
_UPSERT = upsert(
    actors,
    ("id", "local", "created_ms", *PROFILE_COLUMNS),
    ("uri",),
    {name: name for name in PROFILE_COLUMNS if name != "uri"} | {"version": actors.c.version + 1},
)
_ID_OF = Statement(
    select(actors.c.id, actors.c.local, actors.c.indexable).where(actors.c.uri == bindparam("uri", type_=Text()))
)
_FORGET_KEYS = Statement(delete(keys).where(keys.c.actor_id == _A, keys.c.private_pem.is_(None)))
_INSERT_KEY = upsert(keys, ("uri", "actor_id", "public", "fetched_ms", "for_proofs", "expires_ms"), ("uri",))


class KeyRow(NamedTuple):
    """A key of a remote actor: its id, PEM or multibase, whether it signs documents, and until when it counts."""

    uri: str
    public: str
    for_proofs: bool = False
    expires_ms: int | None = None


def upsert_actor(row: Mapping[str, Any], key_rows: Sequence[KeyRow], now_ms: int) -> Unit[int]:
    """Store a remote actor as its document says, with exactly the keys it lists; returns its id.

    A local actor is never changed by this.
    """
    found = yield Fetch(_ID_OF, {"uri": row["uri"]})
    if found and found[0]["local"]:
        return int(found[0]["id"])
    yield Run(_UPSERT, [row])
    actor_id = int((yield Fetch(_ID_OF, {"uri": row["uri"]}))[0]["id"])
    if found and bool(found[0]["indexable"]) != bool(row["indexable"]):
        yield from review_words(actor_id)
    yield Run(_FORGET_KEYS, [{"gone": actor_id}])
    yield Run(
        _INSERT_KEY,
        [{**key._asdict(), "actor_id": actor_id, "fetched_ms": now_ms} for key in key_rows],
    )
    return actor_id


def change(change_: ChangeActor) -> Unit[None]:
    """Set columns of an actor."""
    values = {k: dump_json(v) if isinstance(v, list | tuple | Mapping) else v for k, v in change_.changes.items()}
    row = {f"new_{name}": value for name, value in values.items()}
    yield Run(setting(actors, tuple(sorted(values))), [{"id_": change_.id, **row}])
    if "indexable" in values:
        yield from review_words(change_.id)


def _less(name: str) -> Any:
    return {name: case((actors.c[name] > 0, actors.c[name] - 1), else_=0), "version": actors.c.version + 1}


# So much is done in one transaction; more than that is left to an errand, for everybody else's sake.
_OBJECTS_AT_ONCE = 200
_LIKES_AT_ONCE = 500
ACTORS_AT_ONCE = 8
_OBJECTS_OF = Statement(
    select(objects.c.id).where(objects.c.actor_id == _A).order_by(objects.c.id).limit(_OBJECTS_AT_ONCE)
)
_LIKES_OF = Statement(
    select(likes.c.id, likes.c.object_id).where(likes.c.actor_id == _A).order_by(likes.c.id).limit(_LIKES_AT_ONCE)
)
_UNLIKE = Statement(delete(likes).where(one_of(likes.c.id, "ids")))
_REACTIONS_OF = Statement(
    select(reactions.c.id, reactions.c.object_id, reactions.c.content)
    .where(reactions.c.actor_id == _A)
    .order_by(reactions.c.id)
    .limit(_LIKES_AT_ONCE)
)
_UNREACT = Statement(delete(reactions).where(one_of(reactions.c.id, "ids")))
_END_ERRAND = Statement(delete(errands).where(errands.c.actor_id == _A, errands.c.kind == "forget"))
_FILES_OF = Statement(select(media.c.path, media.c.preview_path).where(media.c.actor_id == _A))
_PICTURES_OF = Statement(select(actors.c.icon_url, actors.c.image_url).where(actors.c.id == _A, actors.c.local))
# What others see of it, then what only itself saw: of somebody who is gone nothing stays that is not needed.
_STEPS = tuple(
    Statement(clause)
    for clause in (
        update(actors)
        .where(actors.c.id.in_(select(follows.c.followed_id).where(follows.c.follower_id == _A, follows.c.accepted)))
        .values(_less("followers_count")),
        update(actors)
        .where(actors.c.id.in_(select(follows.c.follower_id).where(follows.c.followed_id == _A, follows.c.accepted)))
        .values(_less("following_count")),
        delete(pins).where(pins.c.actor_id == _A),
        delete(follows).where(or_(follows.c.follower_id == _A, follows.c.followed_id == _A)),
        delete(blocks).where(or_(blocks.c.actor_id == _A, blocks.c.target_id == _A)),
        delete(mutes).where(or_(mutes.c.actor_id == _A, mutes.c.target_id == _A)),
        delete(account_notes).where(or_(account_notes.c.actor_id == _A, account_notes.c.target_id == _A)),
        delete(notifications).where(or_(notifications.c.actor_id == _A, notifications.c.from_actor_id == _A)),
        delete(interaction_requests).where(
            or_(interaction_requests.c.actor_id == _A, interaction_requests.c.target_actor_id == _A)
        ),
        delete(group_bans).where(or_(group_bans.c.actor_id == _A, group_bans.c.group_id == _A)),
        delete(group_moderators).where(or_(group_moderators.c.actor_id == _A, group_moderators.c.group_id == _A)),
        # The votes that a group told of stay, as far as what they were for does.
        delete(group_posts).where(group_posts.c.group_id == _A),
        *(
            delete(table).where(table.c.actor_id == _A)
            for table in (
                account_warnings,
                groups,
                bookmarks,
                list_members,
                featured_tags,
                mentions,
                media,
                home_entries,
                conversations,
                lists,
                filters,
                followed_tags,
                thread_mutes,
                markers,
                scheduled,
                idempotency_keys,
                users,  # and with it sessions, tokens, push subscriptions
            )
        ),
        # Its own server still has to sign that it is gone.
        delete(keys).where(keys.c.actor_id == _A, keys.c.private_pem.is_(None)),
    )
)
_MARK_GONE = Statement(
    update(actors)
    .where(actors.c.id == _A, actors.c.deleted_ms.is_(None))
    .values(
        deleted_ms=bindparam("moment_ms", type_=BigInteger()),
        name="",
        summary="",
        fields="[]",
        emojis="[]",
        icon_url=None,
        icon_description="",
        image_url=None,
        image_description="",
        last_status_ms=None,
        followers_count=0,
        following_count=0,
        statuses_count=0,
        version=actors.c.version + 1,
    )
)


def remove(key: ActorKey, facts: Facts, applied: Applied, *, at_once: bool = True) -> Unit[None]:
    """The actor is gone at once: its row stays, marked, so that it cannot return unnoticed, and nobody is shown more.

    All that it said and did goes too: now, if that is little (and `at_once`), else piece by piece by an errand, which
    comes here for each of them.
    """
    for row in (yield Fetch(_PICTURES_OF, {"gone": key.id})):
        applied.orphaned_files += [path for path in (row[0], row[1]) if path]
    now_ms = facts.now_ms()
    yield Run(_MARK_GONE, [{"gone": key.id, "moment_ms": now_ms}])
    if at_once and (yield from _forget_some(key.id, now_ms, applied)):
        yield Run(_END_ERRAND, [{"gone": key.id}])
        return
    yield from insert_errands([NewErrand(facts.world.ids.next(), "forget", key.id)], now_ms, applied)


def _forget_some(actor_id: int, now_ms: int, applied: Applied) -> Unit[bool]:
    """A piece of what an actor left behind; whether that was all."""
    rows = yield Fetch(_OBJECTS_OF, {"gone": actor_id})
    yield from remove_objects([ObjectKey(row["id"]) for row in rows], now_ms, applied)
    if len(rows) == _OBJECTS_AT_ONCE:
        return False
    liked = yield Fetch(_LIKES_OF, {"gone": actor_id})
    if liked:
        yield from count_objects("likes_count", [row["object_id"] for row in liked], -1)
        yield Run(_UNLIKE, [{"ids": [row["id"] for row in liked]}])
    if len(liked) == _LIKES_AT_ONCE:
        return False
    reacted = yield Fetch(_REACTIONS_OF, {"gone": actor_id})
    if reacted:
        shown = [row["object_id"] for row in reacted if row["content"] != DISLIKE]
        yield from count_objects("reactions_count", shown, -1)
        yield Run(_UNREACT, [{"ids": [row["id"] for row in reacted]}])
    if len(reacted) == _LIKES_AT_ONCE:
        return False
    for row in (yield Fetch(_FILES_OF, {"gone": actor_id})):
        applied.orphaned_files += [path for path in (row[0], row[1]) if path]
    yield from forget_votes_of(actor_id)
    for step in _STEPS:
        yield Run(step, [{"gone": actor_id}])
    return True

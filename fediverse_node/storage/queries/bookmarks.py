"""What a person keeps to themselves about an object: bookmarks, and threads they want to hear nothing of."""

from __future__ import annotations

from sqlalchemy import BigInteger, bindparam, delete, update

from fediverse_node.storage.apply.words import keep_words
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import bookmarks, media, thread_mutes
from fediverse_node.storage.unit import Insert, Run, Unit

_ACTOR = bindparam("actor", type_=BigInteger())
_FORGET = Statement(
    delete(bookmarks).where(
        bookmarks.c.actor_id == _ACTOR, bookmarks.c.object_id == bindparam("object", type_=BigInteger())
    )
)
_HEAR = Statement(
    delete(thread_mutes).where(
        thread_mutes.c.actor_id == _ACTOR, thread_mutes.c.thread_id == bindparam("thread", type_=BigInteger())
    )
)
_DETACH = Statement(
    update(media)
    .where(media.c.object_id == bindparam("object", type_=BigInteger()), media.c.actor_id == _ACTOR)
    .values(object_id=None)
)


def bookmark(id_: int, actor_id: int, object_id: int) -> Unit[None]:
    """Keep an object; nothing happens where it is kept already."""
    if (yield Insert(bookmarks, [{"id": id_, "actor_id": actor_id, "object_id": object_id}])):
        yield from keep_words([(actor_id, object_id)])


def unbookmark(actor_id: int, object_id: int) -> Unit[None]:
    """Do not keep it any more."""
    yield Run(_FORGET, [{"actor": actor_id, "object": object_id}])


def mute_thread(actor_id: int, thread_id: int) -> Unit[None]:
    """No notifications of this thread."""
    yield Insert(thread_mutes, [{"actor_id": actor_id, "thread_id": thread_id}])


def unmute_thread(actor_id: int, thread_id: int) -> Unit[None]:
    """Notifications of this thread again."""
    yield Run(_HEAR, [{"actor": actor_id, "thread": thread_id}])


def detach_media(actor_id: int, object_id: int) -> Unit[None]:
    """The files of an object become free uploads again, so that what is deleted can be written anew with them."""
    yield Run(_DETACH, [{"actor": actor_id, "object": object_id}])

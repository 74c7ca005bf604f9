"""Which local readers find an object in their home timeline.

What a reader sees is what the people they follow say, and conversations among people they follow; replies
to strangers stay out, and so does everything that touches somebody they block or mute.
"""

from __future__ import annotations

from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import Actor, Reader


def readers_of(
    author: Actor,
    *,
    object_language: str | None,
    is_reply: bool,
    reply_to_actor_id: int | None,
    mention_ids: tuple[int, ...],
    hashtags: tuple[str, ...],
    public: bool,
    facts: Facts,
) -> tuple[int, ...]:
    """Local actors whose home timeline shows an original object (not an Announce), its author included."""
    touched = {author.id, *mention_ids, *((reply_to_actor_id,) if reply_to_actor_id else ())}
    readers: dict[int, None] = {}
    if author.local:
        readers[author.id] = None
    for reader in facts.audience.get(author.id, ()):
        if _reads_language(reader, object_language) and _wants_original(
            reader.actor_id, author.id, is_reply, reply_to_actor_id, touched, facts
        ):
            readers[reader.actor_id] = None
    if public:
        for hashtag in hashtags:
            for reader_id in facts.hashtag_followers.get(hashtag, ()):
                if (author.id, reader_id) not in facts.blocks and not _avoids(reader_id, touched, facts):
                    readers[reader_id] = None
    return tuple(readers)


def readers_of_announce(
    announcer: Actor, object_author_id: int, object_mention_ids: tuple[int, ...], facts: Facts
) -> tuple[int, ...]:
    """Local actors whose home timeline shows that `announcer` passed something on."""
    touched = {announcer.id, object_author_id, *object_mention_ids}
    readers: dict[int, None] = {}
    if announcer.local:
        readers[announcer.id] = None
    for reader in facts.audience.get(announcer.id, ()):
        if (
            reader.show_announces
            and (reader.actor_id, announcer.id) not in facts.hidden_from_home
            and (object_author_id, reader.actor_id) not in facts.blocks
            and not _avoids(reader.actor_id, touched, facts)
        ):
            readers[reader.actor_id] = None
    return tuple(readers)


def _wants_original(
    reader_id: int,
    author_id: int,
    is_reply: bool,
    reply_to_actor_id: int | None,
    touched: set[int],
    facts: Facts,
) -> bool:
    if (reader_id, author_id) in facts.hidden_from_home or _avoids(reader_id, touched, facts):
        return False
    if not is_reply:
        return True
    if reply_to_actor_id is None:  # the parent is not here: nobody could make sense of the answer
        return False
    return reply_to_actor_id in (author_id, reader_id) or facts.follows_accepted(reader_id, reply_to_actor_id)


def _avoids(reader_id: int, touched: set[int], facts: Facts) -> bool:
    return any((reader_id, other) in facts.blocks or (reader_id, other) in facts.mutes for other in touched)


def _reads_language(reader: Reader, language: str | None) -> bool:
    return not reader.languages or language is None or language.partition("-")[0] in reader.languages

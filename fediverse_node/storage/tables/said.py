"""What was said: objects and everything that hangs on them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, SmallInteger, Table, Text, text

from fediverse_node.storage.tables.columns import (
    Id,
    count_column,
    flag_column,
    id_column,
    metadata,
    ms_column,
    ref_column,
    text_column,
)

objects = Table(
    "objects",
    metadata,
    id_column(),
    Column("uri", Text, nullable=False, unique=True),
    Column("type", Text, nullable=False),  # Note Article Page Question Image Video Audio Event, or Announce
    ref_column("actor_id", "actors"),
    flag_column("local"),
    Column("visibility", SmallInteger, nullable=False),  # domain.model.visibility_code
    text_column("url", nullable=True),
    text_column("content"),  # sanitised HTML
    text_column("source"),  # local: what the person typed
    text_column("summary"),  # content warning or title, plain text
    flag_column("sensitive"),
    text_column("language", nullable=True),
    Column("announce_of_id", Id, ForeignKey("objects.id", ondelete="CASCADE"), nullable=True),
    text_column("in_reply_to_uri", nullable=True),
    Column("in_reply_to_id", Id, ForeignKey("objects.id", ondelete="SET NULL"), nullable=True),
    Column("in_reply_to_actor_id", Id, ForeignKey("actors.id", ondelete="SET NULL"), nullable=True),
    # The thread: the id of its first known object. One number finds the whole conversation.
    Column("thread_id", Id, nullable=True),
    text_column("context_uri", nullable=True),
    # Of others, and for everybody: the Create that brought it
    text_column("activity_uri", nullable=True),
    # {mentions: [{id, uri, username, acct, url}], tags: [name], emojis: [...], quote: uri, to: [...], cc: [...]}
    Column("parts", Text, nullable=False, server_default="{}"),
    Column("attachments", Text, nullable=False, server_default="[]"),
    # What others may do with it: {like, reply, announce, quote: {automatic, manual}, polite, held}, or nothing said
    text_column("policy", nullable=True),
    Column("app_id", Id, ForeignKey("apps.id", ondelete="SET NULL"), nullable=True),
    count_column("replies_count"),
    count_column("likes_count"),
    count_column("announces_count"),
    count_column("quotes_count"),
    count_column("reactions_count"),
    # Who may find it by its words (domain/searching.py); nothing said: as its author is found
    Column("searchable", SmallInteger, nullable=True),
    ms_column("published_ms"),
    ms_column("edited_ms", nullable=True),
    ms_column("updated_ms", nullable=True),  # the newest `updated` seen of a remote object; older ones are not applied
    ms_column("fetched_ms", nullable=True),
    count_column("version"),
    Index("ix_objects_actor_id_id", "actor_id", "id"),
    Index("ix_objects_in_reply_to_id", "in_reply_to_id"),
    Index("ix_objects_thread_id", "thread_id"),
    Index(
        "uq_objects_announce",
        "actor_id",
        "announce_of_id",
        unique=True,
        sqlite_where=text("announce_of_id IS NOT NULL"),
        postgresql_where=text("announce_of_id IS NOT NULL"),
    ),
    Index(
        "ix_objects_announce_of_id",
        "announce_of_id",
        sqlite_where=text("announce_of_id IS NOT NULL"),
        postgresql_where=text("announce_of_id IS NOT NULL"),
    ),
    # Replies that wait for their parent.
    Index(
        "ix_objects_orphans",
        "in_reply_to_uri",
        sqlite_where=text("in_reply_to_id IS NULL AND in_reply_to_uri IS NOT NULL"),
        postgresql_where=text("in_reply_to_id IS NULL AND in_reply_to_uri IS NOT NULL"),
    ),
    Index(
        "ix_objects_public",
        "id",
        "local",
        sqlite_where=text("visibility = 0 AND announce_of_id IS NULL"),
        postgresql_where=text("visibility = 0 AND announce_of_id IS NULL"),
    ),
)

# What was deleted stays known as deleted, so that it cannot come back by a late copy.
tombstones = Table(
    "tombstones",
    metadata,
    Column("uri", Text, primary_key=True),
    ms_column("deleted_ms"),
    text_column("former_type"),
    # Nobody shall learn from its grave that something private existed.
    flag_column("public"),
    text_column("actor_uri"),
    # Those of what never came here: they are forgotten after a while.
    Index(
        "ix_tombstones_unseen",
        "deleted_ms",
        sqlite_where=text("former_type = ''"),
        postgresql_where=text("former_type = ''"),
    ),
)

revisions = Table(
    "revisions",
    metadata,
    id_column(),
    ref_column("object_id", "objects"),
    text_column("content"),
    text_column("source"),
    text_column("summary"),
    flag_column("sensitive"),
    Column("attachments", Text, nullable=False, server_default="[]"),
    Column("parts", Text, nullable=False, server_default="{}"),
    text_column("poll_options", nullable=True),
    ms_column("created_ms"),
    Index("ix_revisions_object_id", "object_id"),
)

mentions = Table(
    "mentions",
    metadata,
    ref_column("object_id", "objects", primary_key=True),
    ref_column("actor_id", "actors", primary_key=True),
    Index("ix_mentions_actor_id", "actor_id", "object_id"),
)

tags = Table("tags", metadata, id_column(), Column("name", Text, nullable=False, unique=True))  # lower case

object_tags = Table(
    "object_tags",
    metadata,
    ref_column("tag_id", "tags", primary_key=True),
    ref_column("object_id", "objects", primary_key=True),
    Index("ix_object_tags_object_id", "object_id"),
)

polls = Table(
    "polls",
    metadata,
    ref_column("object_id", "objects", primary_key=True),
    Column("options", Text, nullable=False),  # ["title", ...]
    Column("counts", Text, nullable=False),  # [int, ...]
    flag_column("multiple"),
    flag_column("hide_totals"),
    Column("voters_count", Integer, nullable=True),
    ms_column("expires_ms", nullable=True),
    ms_column("closed_ms", nullable=True),
    flag_column("notified"),
    ms_column("counts_due_ms", nullable=True),  # when other servers are told of new votes; nothing: they know
    Index(
        "ix_polls_counts_due_ms",
        "counts_due_ms",
        sqlite_where=text("counts_due_ms IS NOT NULL"),
        postgresql_where=text("counts_due_ms IS NOT NULL"),
    ),
    # Those whose end nobody was told of yet.
    Index(
        "ix_polls_untold",
        "expires_ms",
        sqlite_where=text("notified IS 0"),
        postgresql_where=text("notified IS false"),
    ),
)

votes = Table(
    "votes",
    metadata,
    ref_column("object_id", "objects", primary_key=True),
    ref_column("actor_id", "actors", primary_key=True),
    Column("choice", SmallInteger, primary_key=True, autoincrement=False),
    text_column("uri", nullable=True),
    Index("ix_votes_actor_id", "actor_id"),
)

media = Table(
    "media",
    metadata,
    id_column(),
    ref_column("actor_id", "actors"),
    ref_column("object_id", "objects", nullable=True),
    Column("type", Text, nullable=False),  # image gifv video audio unknown
    Column("path", Text, nullable=False),  # below the media folder
    text_column("preview_path", nullable=True),
    Column("media_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("meta", Text, nullable=False, server_default="{}"),  # {original: {...}, small: {...}, focus: {...}}
    text_column("description"),
    text_column("blurhash", nullable=True),
    ms_column("created_ms"),
    Index("ix_media_object_id", "object_id"),
    Index("ix_media_actor_id", "actor_id"),
)

scheduled = Table(
    "scheduled",
    metadata,
    id_column(),
    ref_column("actor_id", "actors"),
    ms_column("due_ms"),
    Column("params", Text, nullable=False),
    Column("app_id", Id, ForeignKey("apps.id", ondelete="SET NULL"), nullable=True),
    Index("ix_scheduled_due_ms", "due_ms"),
    Index("ix_scheduled_actor_id", "actor_id"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    ref_column("actor_id", "actors", primary_key=True),
    Column("key", Text, primary_key=True),
    Column("object_id", Id, nullable=False),
    ms_column("created_ms"),
)

"""Every table, once, for both engines.

Conventions: `id` is a time-ordered 64-bit integer (base/ids.py); `*_ms` is milliseconds since the epoch;
JSON is text written by orjson and read whole, never queried into; `*_uri` is an ActivityPub id, `*_id` a
number of ours. Counters stand beside what they count and equal its recomputation.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite makes a column an alias of the row id only if its type is INTEGER, to the letter.
Id = BigInteger().with_variant(Integer(), "sqlite")


def _id(name: str = "id") -> Column[int]:
    return Column(name, Id, primary_key=True, autoincrement=False)


def _ref(name: str, target: str, *, nullable: bool = False, primary_key: bool = False) -> Column[int]:
    return Column(name, Id, ForeignKey(f"{target}.id", ondelete="CASCADE"), nullable=nullable, primary_key=primary_key)


def _flag(name: str, *, default: bool = False) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=true() if default else false())


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=text("0"))


def _text(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, Text, nullable=nullable, server_default=None if nullable else "")


def _ms(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


actors = Table(
    "actors",
    metadata,
    _id(),
    Column("uri", Text, nullable=False, unique=True),
    Column("type", Text, nullable=False),  # Person Organization Service Group Application
    _flag("local"),
    Column("username", Text, nullable=False),
    Column("host", Text, nullable=False),  # canonical host[:port] of its handle, ours for local actors
    _text("name"),
    _text("summary"),  # sanitised HTML
    Column("fields", Text, nullable=False, server_default="[]"),  # [{name, value, verified_at}]
    Column("emojis", Text, nullable=False, server_default="[]"),
    _text("url", nullable=True),
    _text("inbox"),
    _text("shared_inbox", nullable=True),
    _text("outbox", nullable=True),
    _text("followers_uri", nullable=True),
    _text("following_uri", nullable=True),
    _text("featured_uri", nullable=True),
    _text("featured_tags_uri", nullable=True),
    _text("icon_url", nullable=True),  # remote: their URL; local: path under the media folder
    _text("icon_description"),
    _text("image_url", nullable=True),
    _text("image_description"),
    _flag("locked"),
    Column("discoverable", Boolean, nullable=True),
    _flag("indexable"),
    Column("hide_collections", Boolean, nullable=True),
    _flag("memorial"),
    _text("moved_to_uri", nullable=True),
    Column("also_known_as", Text, nullable=False, server_default="[]"),
    Column("implements", Text, nullable=False, server_default="[]"),
    _count("followers_count"),
    _count("following_count"),
    _count("statuses_count"),
    _ms("last_status_ms", nullable=True),
    _ms("created_ms"),  # when the actor says it began
    _ms("fetched_ms", nullable=True),  # remote: when its document was read last
    _ms("suspended_ms", nullable=True),
    _ms("silenced_ms", nullable=True),
    _ms("deleted_ms", nullable=True),
    _count("version"),  # grows with each change, so that cached renderings know they are old
    Index("ix_actors_username_host", text("lower(username)"), "host"),
    Index("ix_actors_host", "host"),
)

keys = Table(
    "keys",
    metadata,
    Column("uri", Text, primary_key=True),
    _ref("actor_id", "actors"),
    Column("public", Text, nullable=False),  # PEM or multibase
    _text("private_pem", nullable=True),  # local actors only
    _ms("fetched_ms"),
    Index("ix_keys_actor_id", "actor_id"),
)

users = Table(
    "users",
    metadata,
    _id(),
    _ref("actor_id", "actors"),
    Column("email", Text, nullable=False),
    _text("password_hash", nullable=True),
    Column("role", Text, nullable=False, server_default="user"),  # owner admin moderator user
    _ms("confirmed_ms", nullable=True),
    _ms("approved_ms", nullable=True),
    _ms("disabled_ms", nullable=True),
    _text("locale"),
    _text("invite_request"),
    # {default_visibility, default_sensitive, default_language, expand_media, expand_spoilers, quote_policy,
    #  note_source, fields_source}
    Column("settings", Text, nullable=False, server_default="{}"),
    _ms("created_ms"),
    _ms("last_seen_ms", nullable=True),
    Index("uq_users_email", text("lower(email)"), unique=True),
    Index("ix_users_actor_id", "actor_id"),
)

sign_in_links = Table(
    "sign_in_links",
    metadata,
    Column("token_hash", Text, primary_key=True),
    _ref("user_id", "users"),
    _ms("expires_ms"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", Text, primary_key=True),
    _ref("user_id", "users"),
    _ms("created_ms"),
    _ms("expires_ms"),
    _text("user_agent"),
)

apps = Table(
    "apps",
    metadata,
    _id(),
    Column("client_id", Text, nullable=False, unique=True),
    Column("client_secret", Text, nullable=False),
    Column("name", Text, nullable=False),
    _text("website", nullable=True),
    Column("redirect_uris", Text, nullable=False),  # one a line
    Column("scopes", Text, nullable=False),
    _ms("created_ms"),
)

authorization_codes = Table(
    "authorization_codes",
    metadata,
    Column("code_hash", Text, primary_key=True),
    _ref("app_id", "apps"),
    _ref("user_id", "users"),
    Column("redirect_uri", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    _text("code_challenge", nullable=True),
    _ms("expires_ms"),
)

tokens = Table(
    "tokens",
    metadata,
    _id(),
    Column("token_hash", Text, nullable=False, unique=True),
    _ref("app_id", "apps", nullable=True),
    _ref("user_id", "users", nullable=True),  # none: the app itself
    Column("scopes", Text, nullable=False),
    _ms("created_ms"),
    _ms("last_used_ms", nullable=True),
    Index("ix_tokens_user_id", "user_id"),
)

objects = Table(
    "objects",
    metadata,
    _id(),
    Column("uri", Text, nullable=False, unique=True),
    Column("type", Text, nullable=False),  # Note Article Page Question Image Video Audio Event, or Announce
    _ref("actor_id", "actors"),
    _flag("local"),
    Column("visibility", SmallInteger, nullable=False),  # domain.model.visibility_code
    _text("url", nullable=True),
    _text("content"),  # sanitised HTML
    _text("source"),  # local: what the person typed
    _text("summary"),  # content warning or title, plain text
    _flag("sensitive"),
    _text("language", nullable=True),
    Column("announce_of_id", Id, ForeignKey("objects.id", ondelete="CASCADE"), nullable=True),
    _text("in_reply_to_uri", nullable=True),
    Column("in_reply_to_id", Id, ForeignKey("objects.id", ondelete="SET NULL"), nullable=True),
    Column("in_reply_to_actor_id", Id, ForeignKey("actors.id", ondelete="SET NULL"), nullable=True),
    # The thread: the id of its first known object. One number finds the whole conversation.
    Column("thread_id", Id, nullable=True),
    _text("context_uri", nullable=True),
    # {mentions: [{id, uri, username, acct, url}], tags: [name], emojis: [...], quote: uri, to: [...], cc: [...]}
    Column("parts", Text, nullable=False, server_default="{}"),
    Column("attachments", Text, nullable=False, server_default="[]"),
    Column("app_id", Id, ForeignKey("apps.id", ondelete="SET NULL"), nullable=True),
    _count("replies_count"),
    _count("likes_count"),
    _count("announces_count"),
    _ms("published_ms"),
    _ms("edited_ms", nullable=True),
    _ms("updated_ms", nullable=True),  # the newest `updated` seen of a remote object; older ones are not applied
    _ms("fetched_ms", nullable=True),
    _count("version"),
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
    _ms("deleted_ms"),
    _text("former_type"),
    _text("actor_uri"),
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
    _id(),
    _ref("object_id", "objects"),
    _text("content"),
    _text("source"),
    _text("summary"),
    _flag("sensitive"),
    Column("attachments", Text, nullable=False, server_default="[]"),
    Column("parts", Text, nullable=False, server_default="{}"),
    _text("poll_options", nullable=True),
    _ms("created_ms"),
    Index("ix_revisions_object_id", "object_id"),
)

mentions = Table(
    "mentions",
    metadata,
    _ref("object_id", "objects", primary_key=True),
    _ref("actor_id", "actors", primary_key=True),
    Index("ix_mentions_actor_id", "actor_id", "object_id"),
)

tags = Table("tags", metadata, _id(), Column("name", Text, nullable=False, unique=True))  # lower case

object_tags = Table(
    "object_tags",
    metadata,
    _ref("tag_id", "tags", primary_key=True),
    _ref("object_id", "objects", primary_key=True),
    Index("ix_object_tags_object_id", "object_id"),
)

polls = Table(
    "polls",
    metadata,
    _ref("object_id", "objects", primary_key=True),
    Column("options", Text, nullable=False),  # ["title", ...]
    Column("counts", Text, nullable=False),  # [int, ...]
    _flag("multiple"),
    _flag("hide_totals"),
    Column("voters_count", Integer, nullable=True),
    _ms("expires_ms", nullable=True),
    _ms("closed_ms", nullable=True),
    _flag("notified"),
    Index("ix_polls_expires_ms", "expires_ms"),
)

votes = Table(
    "votes",
    metadata,
    _ref("object_id", "objects", primary_key=True),
    _ref("actor_id", "actors", primary_key=True),
    Column("choice", SmallInteger, primary_key=True, autoincrement=False),
    _text("uri", nullable=True),
    Index("ix_votes_actor_id", "actor_id"),
)

media = Table(
    "media",
    metadata,
    _id(),
    _ref("actor_id", "actors"),
    _ref("object_id", "objects", nullable=True),
    Column("type", Text, nullable=False),  # image gifv video audio unknown
    Column("path", Text, nullable=False),  # below the media folder
    _text("preview_path", nullable=True),
    Column("media_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("meta", Text, nullable=False, server_default="{}"),  # {original: {...}, small: {...}, focus: {...}}
    _text("description"),
    _text("blurhash", nullable=True),
    _ms("created_ms"),
    Index("ix_media_object_id", "object_id"),
    Index("ix_media_actor_id", "actor_id"),
)

follows = Table(
    "follows",
    metadata,
    _id(),
    _ref("follower_id", "actors"),
    _ref("followed_id", "actors"),
    Column("uri", Text, nullable=False),  # of the Follow activity
    _flag("accepted"),
    _flag("follower_local"),
    _flag("show_announces", default=True),
    _flag("notify"),
    _text("languages", nullable=True),  # JSON list, or all
    _ms("created_ms"),
    UniqueConstraint("follower_id", "followed_id"),
    Index("ix_follows_followed_id", "followed_id", "id"),
    # A post of someone with a hundred thousand remote followers still finds its local readers at once.
    Index(
        "ix_follows_local",
        "followed_id",
        # To the letter what SQLAlchemy writes in a query: SQLite does not see that both mean the same.
        sqlite_where=text("follower_local = 1"),
        postgresql_where=text("follower_local"),
    ),
    Index("ix_follows_uri", "uri"),
)

blocks = Table(
    "blocks",
    metadata,
    _id(),
    _ref("actor_id", "actors"),
    _ref("target_id", "actors"),
    _text("uri", nullable=True),
    UniqueConstraint("actor_id", "target_id"),
    Index("ix_blocks_target_id", "target_id"),
    Index("ix_blocks_uri", "uri"),
)

mutes = Table(
    "mutes",
    metadata,
    _id(),
    _ref("actor_id", "actors"),
    _ref("target_id", "actors"),
    _flag("notifications", default=True),
    _ms("expires_ms", nullable=True),
    UniqueConstraint("actor_id", "target_id"),
    Index("ix_mutes_target_id", "target_id"),
)

thread_mutes = Table(
    "thread_mutes",
    metadata,
    _ref("actor_id", "actors", primary_key=True),
    Column("thread_id", Id, primary_key=True, autoincrement=False),
    Index("ix_thread_mutes_thread_id", "thread_id"),
)

account_notes = Table(
    "account_notes",
    metadata,
    _ref("actor_id", "actors", primary_key=True),
    _ref("target_id", "actors", primary_key=True),
    _text("note"),
)

likes = Table(
    "likes",
    metadata,
    _id(),
    _ref("actor_id", "actors"),
    _ref("object_id", "objects"),
    Column("uri", Text, nullable=True),
    UniqueConstraint("actor_id", "object_id"),
    Index("ix_likes_object_id", "object_id", "id"),
    Index("ix_likes_uri", "uri"),
)

bookmarks = Table(
    "bookmarks",
    metadata,
    _id(),
    _ref("actor_id", "actors"),
    _ref("object_id", "objects"),
    UniqueConstraint("actor_id", "object_id"),
    Index("ix_bookmarks_object_id", "object_id"),
)

pins = Table(
    "pins",
    metadata,
    _id(),
    _ref("actor_id", "actors"),
    _ref("object_id", "objects"),
    UniqueConstraint("actor_id", "object_id"),
    Index("ix_pins_object_id", "object_id"),
)

home_entries = Table(
    "home_entries",
    metadata,
    _ref("actor_id", "actors", primary_key=True),
    _ref("object_id", "objects", primary_key=True),
    Index("ix_home_entries_object_id", "object_id"),
    sqlite_with_rowid=False,
)

notifications = Table(
    "notifications",
    metadata,
    _id(),
    _ref("actor_id", "actors"),  # whom it tells
    Column("type", Text, nullable=False),
    _ref("from_actor_id", "actors"),
    _ref("object_id", "objects", nullable=True),
    Index("ix_notifications_actor_id_id", "actor_id", "id"),
    Index("ix_notifications_object_id", "object_id"),
    Index("ix_notifications_from_actor_id", "from_actor_id"),
    Index(
        "uq_notifications_once",
        "actor_id",
        "type",
        "from_actor_id",
        text("coalesce(object_id, 0)"),
        unique=True,
        # Whoever reports or edits again is heard again.
        sqlite_where=text("type <> 'report' AND type <> 'update'"),
        postgresql_where=text("type <> 'report' AND type <> 'update'"),
    ),
)

# Private conversations as Mastodon clients list them: one row a person and thread.
conversations = Table(
    "conversations",
    metadata,
    _id(),
    _ref("actor_id", "actors"),
    Column("thread_id", Id, nullable=False),
    Column("participants", Text, nullable=False, server_default="[]"),  # actor ids
    Column("last_object_id", Id, ForeignKey("objects.id", ondelete="SET NULL"), nullable=True),
    _flag("unread"),
    UniqueConstraint("actor_id", "thread_id"),
    Index("ix_conversations_actor_last", "actor_id", "last_object_id"),
    Index("ix_conversations_last_object_id", "last_object_id"),
)

lists = Table(
    "lists",
    metadata,
    _id(),
    _ref("actor_id", "actors"),
    Column("title", Text, nullable=False),
    Column("replies_policy", Text, nullable=False, server_default="list"),
    _flag("exclusive"),
    Index("ix_lists_actor_id", "actor_id"),
)

list_members = Table(
    "list_members",
    metadata,
    _id(),
    _ref("list_id", "lists"),
    _ref("actor_id", "actors"),
    UniqueConstraint("list_id", "actor_id"),
    Index("ix_list_members_actor_id", "actor_id"),
)

filters = Table(
    "filters",
    metadata,
    _id(),
    _ref("actor_id", "actors"),
    Column("title", Text, nullable=False),
    Column("context", Text, nullable=False),  # JSON list
    Column("action", Text, nullable=False, server_default="warn"),
    _ms("expires_ms", nullable=True),
    Index("ix_filters_actor_id", "actor_id"),
)

filter_keywords = Table(
    "filter_keywords",
    metadata,
    _id(),
    _ref("filter_id", "filters"),
    Column("keyword", Text, nullable=False),
    _flag("whole_word", default=True),
    Index("ix_filter_keywords_filter_id", "filter_id"),
)

filter_objects = Table(
    "filter_objects",
    metadata,
    _id(),
    _ref("filter_id", "filters"),
    _ref("object_id", "objects"),
    UniqueConstraint("filter_id", "object_id"),
    Index("ix_filter_objects_object_id", "object_id"),
)

followed_tags = Table(
    "followed_tags",
    metadata,
    _id(),
    _ref("actor_id", "actors"),
    _ref("tag_id", "tags"),
    UniqueConstraint("actor_id", "tag_id"),
    Index("ix_followed_tags_tag_id", "tag_id"),
)

featured_tags = Table(
    "featured_tags",
    metadata,
    _id(),
    _ref("actor_id", "actors"),
    _ref("tag_id", "tags"),
    UniqueConstraint("actor_id", "tag_id"),
)

markers = Table(
    "markers",
    metadata,
    _ref("actor_id", "actors", primary_key=True),
    Column("timeline", Text, primary_key=True),
    Column("last_read_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    _ms("updated_ms"),
)

scheduled = Table(
    "scheduled",
    metadata,
    _id(),
    _ref("actor_id", "actors"),
    _ms("due_ms"),
    Column("params", Text, nullable=False),
    Column("app_id", Id, ForeignKey("apps.id", ondelete="SET NULL"), nullable=True),
    Index("ix_scheduled_due_ms", "due_ms"),
    Index("ix_scheduled_actor_id", "actor_id"),
)

push_subscriptions = Table(
    "push_subscriptions",
    metadata,
    _id(),
    _ref("token_id", "tokens"),
    Column("endpoint", Text, nullable=False),
    Column("p256dh", Text, nullable=False),
    Column("auth", Text, nullable=False),
    _flag("standard"),
    Column("alerts", Text, nullable=False, server_default="{}"),
    Column("policy", Text, nullable=False, server_default="all"),
    UniqueConstraint("token_id"),
)

reports = Table(
    "reports",
    metadata,
    _id(),
    _ref("actor_id", "actors"),
    _ref("target_id", "actors"),
    _text("uri", nullable=True),
    _text("comment"),
    Column("category", Text, nullable=False, server_default="other"),
    Column("object_ids", Text, nullable=False, server_default="[]"),
    Column("rule_ids", Text, nullable=False, server_default="[]"),
    _flag("forwarded"),
    _ms("resolved_ms", nullable=True),
    Index("ix_reports_target_id", "target_id"),
)

custom_emojis = Table(
    "custom_emojis",
    metadata,
    _id(),
    Column("shortcode", Text, nullable=False),
    _text("host"),  # empty: ours
    Column("url", Text, nullable=False),
    _text("static_url"),
    _text("category", nullable=True),
    _flag("visible_in_picker", default=True),
    _text("uri", nullable=True),
    UniqueConstraint("shortcode", "host"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    _ref("actor_id", "actors", primary_key=True),
    Column("key", Text, primary_key=True),
    Column("object_id", Id, nullable=False),
    _ms("created_ms"),
)

# What other hosts told us about themselves, and how it goes with them. Rows age out.
hosts = Table(
    "hosts",
    metadata,
    Column("host", Text, primary_key=True),
    Column("reads_rfc9421", Boolean, nullable=True),
    Column("reads_ed25519", Boolean, nullable=True),
    _text("software", nullable=True),
    _text("software_version", nullable=True),
    _count("failures"),  # deliveries in a row that did not work
    _ms("failing_since_ms", nullable=True),
    _ms("retry_after_ms", nullable=True),
    _ms("seen_ms", nullable=True),
)

domain_blocks = Table(
    "domain_blocks",
    metadata,
    Column("host", Text, primary_key=True),
    Column("severity", Text, nullable=False, server_default="suspend"),
    _text("public_comment"),
    _text("private_comment"),
    _ms("created_ms"),
)

payloads = Table(
    "payloads",
    metadata,
    _id(),
    Column("uri", Text, nullable=False),  # of the activity
    _ref("actor_id", "actors"),  # who signs
    Column("type", Text, nullable=False),
    _ref("object_id", "objects", nullable=True),
    Column("body", LargeBinary, nullable=False),
    Index("ix_payloads_uri", "uri"),
    Index("ix_payloads_object_id", "object_id"),
    Index("ix_payloads_actor_id", "actor_id"),
)

# One row an inbox, written in the transaction of its cause; kept afterwards as the receipt.
deliveries = Table(
    "deliveries",
    metadata,
    _id(),
    _ref("payload_id", "payloads"),
    Column("inbox", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("state", SmallInteger, nullable=False),  # 0 waiting, 1 delivered, 2 given up, 3 refused by the peer
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    _ms("due_ms"),
    _ms("lease_ms", nullable=True),
    _ms("done_ms", nullable=True),
    _text("last_error", nullable=True),
    Index(
        "ix_deliveries_waiting",
        "due_ms",
        sqlite_where=text("state = 0"),
        postgresql_where=text("state = 0"),
    ),
    Index(
        "ix_deliveries_host",
        "host",
        sqlite_where=text("state = 0"),
        postgresql_where=text("state = 0"),
    ),
    Index("ix_deliveries_payload_id", "payload_id"),
)

# What arrived and needs the network before it can be decided. `domain` never reads it.
inbox_staging = Table(
    "inbox_staging",
    metadata,
    _id(),
    Column("method", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("headers", Text, nullable=False),  # JSON [[name, value], ...]
    Column("body", LargeBinary, nullable=False),
    _text("verified_key_id", nullable=True),  # set: the signature held, only facts are missing
    _text("host"),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    _ms("due_ms"),
    _text("last_error", nullable=True),
    Index("ix_inbox_staging_due_ms", "due_ms"),
    Index("ix_inbox_staging_host", "host"),
)

# Documents to fetch later: parents of replies, pinned objects, actors to refresh.
fetches = Table(
    "fetches",
    metadata,
    _id(),
    Column("uri", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),  # object actor featured
    Column("depth", SmallInteger, nullable=False, server_default=text("0")),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    _ms("due_ms"),
    Index("ix_fetches_due_ms", "due_ms"),
)

# Signatures already used, until their time window has passed.
seen_signatures = Table(
    "seen_signatures",
    metadata,
    Column("fingerprint", LargeBinary, primary_key=True),
    _ms("seen_ms"),
    Index("ix_seen_signatures_seen_ms", "seen_ms"),
    sqlite_with_rowid=False,
)

settings = Table(
    "settings",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

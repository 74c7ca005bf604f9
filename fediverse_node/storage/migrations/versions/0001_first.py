"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# The alias of the row id on SQLite, 64 bits everywhere.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _actors()
    _apps()
    _custom_emojis()
    _domain_blocks()
    _fetches()
    _hosts()
    _inbox_staging()
    _seen_signatures()
    _settings()
    _tags()
    _tombstones()
    _account_notes()
    _blocks()
    _featured_tags()
    _filters()
    _followed_tags()
    _follows()
    _idempotency_keys()
    _keys()
    _lists()
    _markers()
    _mutes()
    _objects()
    _reports()
    _scheduled()
    _thread_mutes()
    _users()
    _authorization_codes()
    _bookmarks()
    _conversations()
    _filter_keywords()
    _filter_objects()
    _home_entries()
    _likes()
    _list_members()
    _media()
    _mentions()
    _notifications()
    _object_tags()
    _payloads()
    _pins()
    _polls()
    _revisions()
    _sessions()
    _sign_in_links()
    _tokens()
    _votes()
    _deliveries()
    _push_subscriptions()


def _actors() -> None:
    op.create_table(
        "actors",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("local", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("summary", sa.Text(), server_default="", nullable=False),
        sa.Column("fields", sa.Text(), server_default="[]", nullable=False),
        sa.Column("emojis", sa.Text(), server_default="[]", nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("inbox", sa.Text(), server_default="", nullable=False),
        sa.Column("shared_inbox", sa.Text(), nullable=True),
        sa.Column("outbox", sa.Text(), nullable=True),
        sa.Column("followers_uri", sa.Text(), nullable=True),
        sa.Column("following_uri", sa.Text(), nullable=True),
        sa.Column("featured_uri", sa.Text(), nullable=True),
        sa.Column("featured_tags_uri", sa.Text(), nullable=True),
        sa.Column("icon_url", sa.Text(), nullable=True),
        sa.Column("icon_description", sa.Text(), server_default="", nullable=False),
        sa.Column("image_url", sa.Text(), nullable=True),
        sa.Column("image_description", sa.Text(), server_default="", nullable=False),
        sa.Column("locked", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("discoverable", sa.Boolean(), nullable=True),
        sa.Column("indexable", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("hide_collections", sa.Boolean(), nullable=True),
        sa.Column("memorial", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("moved_to_uri", sa.Text(), nullable=True),
        sa.Column("also_known_as", sa.Text(), server_default="[]", nullable=False),
        sa.Column("implements", sa.Text(), server_default="[]", nullable=False),
        sa.Column("followers_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("following_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("statuses_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_status_ms", sa.BigInteger(), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("fetched_ms", sa.BigInteger(), nullable=True),
        sa.Column("suspended_ms", sa.BigInteger(), nullable=True),
        sa.Column("silenced_ms", sa.BigInteger(), nullable=True),
        sa.Column("deleted_ms", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_actors")),
        sa.UniqueConstraint("uri", name=op.f("uq_actors_uri")),
    )
    op.create_index("ix_actors_host", "actors", ["host"], unique=False)
    op.create_index("ix_actors_username_host", "actors", [sa.literal_column("lower(username)"), "host"], unique=False)


def _apps() -> None:
    op.create_table(
        "apps",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("client_secret", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("website", sa.Text(), nullable=True),
        sa.Column("redirect_uris", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_apps")),
        sa.UniqueConstraint("client_id", name=op.f("uq_apps_client_id")),
    )


def _custom_emojis() -> None:
    op.create_table(
        "custom_emojis",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("shortcode", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), server_default="", nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("static_url", sa.Text(), server_default="", nullable=False),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("visible_in_picker", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("uri", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custom_emojis")),
        sa.UniqueConstraint("shortcode", "host", name=op.f("uq_custom_emojis_shortcode_host")),
    )


def _domain_blocks() -> None:
    op.create_table(
        "domain_blocks",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), server_default="suspend", nullable=False),
        sa.Column("public_comment", sa.Text(), server_default="", nullable=False),
        sa.Column("private_comment", sa.Text(), server_default="", nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_domain_blocks")),
    )


def _fetches() -> None:
    op.create_table(
        "fetches",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), server_default="", nullable=False),
        sa.Column("depth", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fetches")),
        sa.UniqueConstraint("uri", name=op.f("uq_fetches_uri")),
    )
    op.create_index("ix_fetches_due_ms", "fetches", ["due_ms"], unique=False)


def _hosts() -> None:
    op.create_table(
        "hosts",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("reads_rfc9421", sa.Boolean(), nullable=True),
        sa.Column("reads_ed25519", sa.Boolean(), nullable=True),
        sa.Column("software", sa.Text(), nullable=True),
        sa.Column("software_version", sa.Text(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failing_since_ms", sa.BigInteger(), nullable=True),
        sa.Column("retry_after_ms", sa.BigInteger(), nullable=True),
        sa.Column("seen_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_hosts")),
    )


def _inbox_staging() -> None:
    op.create_table(
        "inbox_staging",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("verified_key_id", sa.Text(), nullable=True),
        sa.Column("host", sa.Text(), server_default="", nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_staging")),
    )
    op.create_index("ix_inbox_staging_due_ms", "inbox_staging", ["due_ms"], unique=False)
    op.create_index("ix_inbox_staging_host", "inbox_staging", ["host"], unique=False)


def _seen_signatures() -> None:
    op.create_table(
        "seen_signatures",
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("seen_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_seen_signatures")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_seen_signatures_seen_ms", "seen_signatures", ["seen_ms"], unique=False)


def _settings() -> None:
    op.create_table(
        "settings",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_settings")),
    )


def _tags() -> None:
    op.create_table(
        "tags",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tags")),
        sa.UniqueConstraint("name", name=op.f("uq_tags_name")),
    )


def _tombstones() -> None:
    op.create_table(
        "tombstones",
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("deleted_ms", sa.BigInteger(), nullable=False),
        sa.Column("former_type", sa.Text(), server_default="", nullable=False),
        sa.Column("public", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("actor_uri", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("uri", name=op.f("pk_tombstones")),
    )
    op.create_index(
        "ix_tombstones_unseen",
        "tombstones",
        ["deleted_ms"],
        unique=False,
        sqlite_where=sa.text("former_type = ''"),
        postgresql_where=sa.text("former_type = ''"),
    )


def _account_notes() -> None:
    op.create_table(
        "account_notes",
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("target_id", ID, nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["actors.id"], name=op.f("fk_account_notes_actor_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["target_id"], ["actors.id"], name=op.f("fk_account_notes_target_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("actor_id", "target_id", name=op.f("pk_account_notes")),
    )


def _blocks() -> None:
    op.create_table(
        "blocks",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("target_id", ID, nullable=False),
        sa.Column("uri", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["actors.id"], name=op.f("fk_blocks_actor_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["target_id"], ["actors.id"], name=op.f("fk_blocks_target_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blocks")),
        sa.UniqueConstraint("actor_id", "target_id", name=op.f("uq_blocks_actor_id_target_id")),
    )
    op.create_index("ix_blocks_target_id", "blocks", ["target_id"], unique=False)
    op.create_index("ix_blocks_uri", "blocks", ["uri"], unique=False)


def _featured_tags() -> None:
    op.create_table(
        "featured_tags",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("tag_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["actors.id"], name=op.f("fk_featured_tags_actor_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tags.id"], name=op.f("fk_featured_tags_tag_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_featured_tags")),
        sa.UniqueConstraint("actor_id", "tag_id", name=op.f("uq_featured_tags_actor_id_tag_id")),
    )


def _filters() -> None:
    op.create_table(
        "filters",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("context", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), server_default="warn", nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["actors.id"], name=op.f("fk_filters_actor_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_filters")),
    )
    op.create_index("ix_filters_actor_id", "filters", ["actor_id"], unique=False)


def _followed_tags() -> None:
    op.create_table(
        "followed_tags",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("tag_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["actors.id"], name=op.f("fk_followed_tags_actor_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tags.id"], name=op.f("fk_followed_tags_tag_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_followed_tags")),
        sa.UniqueConstraint("actor_id", "tag_id", name=op.f("uq_followed_tags_actor_id_tag_id")),
    )
    op.create_index("ix_followed_tags_tag_id", "followed_tags", ["tag_id"], unique=False)


def _follows() -> None:
    op.create_table(
        "follows",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("follower_id", ID, nullable=False),
        sa.Column("followed_id", ID, nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("accepted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("follower_local", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("show_announces", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("notify", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("languages", sa.Text(), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["followed_id"], ["actors.id"], name=op.f("fk_follows_followed_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["follower_id"], ["actors.id"], name=op.f("fk_follows_follower_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follows")),
        sa.UniqueConstraint("follower_id", "followed_id", name=op.f("uq_follows_follower_id_followed_id")),
    )
    op.create_index("ix_follows_followed_id", "follows", ["followed_id", "id"], unique=False)
    op.create_index(
        "ix_follows_local",
        "follows",
        ["followed_id"],
        unique=False,
        sqlite_where=sa.text("follower_local = 1"),
        postgresql_where=sa.text("follower_local"),
    )
    op.create_index("ix_follows_uri", "follows", ["uri"], unique=False)


def _idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("object_id", ID, nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["actors.id"], name=op.f("fk_idempotency_keys_actor_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("actor_id", "key", name=op.f("pk_idempotency_keys")),
    )


def _keys() -> None:
    op.create_table(
        "keys",
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("public", sa.Text(), nullable=False),
        sa.Column("private_pem", sa.Text(), nullable=True),
        sa.Column("fetched_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["actors.id"], name=op.f("fk_keys_actor_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("uri", name=op.f("pk_keys")),
    )
    op.create_index("ix_keys_actor_id", "keys", ["actor_id"], unique=False)


def _lists() -> None:
    op.create_table(
        "lists",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("replies_policy", sa.Text(), server_default="list", nullable=False),
        sa.Column("exclusive", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["actors.id"], name=op.f("fk_lists_actor_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lists")),
    )
    op.create_index("ix_lists_actor_id", "lists", ["actor_id"], unique=False)


def _markers() -> None:
    op.create_table(
        "markers",
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("timeline", sa.Text(), nullable=False),
        sa.Column("last_read_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["actors.id"], name=op.f("fk_markers_actor_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("actor_id", "timeline", name=op.f("pk_markers")),
    )


def _mutes() -> None:
    op.create_table(
        "mutes",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("target_id", ID, nullable=False),
        sa.Column("notifications", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["actors.id"], name=op.f("fk_mutes_actor_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["target_id"], ["actors.id"], name=op.f("fk_mutes_target_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mutes")),
        sa.UniqueConstraint("actor_id", "target_id", name=op.f("uq_mutes_actor_id_target_id")),
    )
    op.create_index("ix_mutes_target_id", "mutes", ["target_id"], unique=False)


def _objects() -> None:
    op.create_table(
        "objects",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("local", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("visibility", sa.SmallInteger(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("content", sa.Text(), server_default="", nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column("summary", sa.Text(), server_default="", nullable=False),
        sa.Column("sensitive", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("announce_of_id", ID, nullable=True),
        sa.Column("in_reply_to_uri", sa.Text(), nullable=True),
        sa.Column("in_reply_to_id", ID, nullable=True),
        sa.Column("in_reply_to_actor_id", ID, nullable=True),
        sa.Column("thread_id", ID, nullable=True),
        sa.Column("context_uri", sa.Text(), nullable=True),
        sa.Column("parts", sa.Text(), server_default="{}", nullable=False),
        sa.Column("attachments", sa.Text(), server_default="[]", nullable=False),
        sa.Column("app_id", ID, nullable=True),
        sa.Column("replies_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("likes_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("announces_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("published_ms", sa.BigInteger(), nullable=False),
        sa.Column("edited_ms", sa.BigInteger(), nullable=True),
        sa.Column("updated_ms", sa.BigInteger(), nullable=True),
        sa.Column("fetched_ms", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["actors.id"], name=op.f("fk_objects_actor_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["announce_of_id"], ["objects.id"], name=op.f("fk_objects_announce_of_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_objects_app_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["in_reply_to_actor_id"], ["actors.id"], name=op.f("fk_objects_in_reply_to_actor_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["in_reply_to_id"], ["objects.id"], name=op.f("fk_objects_in_reply_to_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objects")),
        sa.UniqueConstraint("uri", name=op.f("uq_objects_uri")),
    )
    op.create_index("ix_objects_actor_id_id", "objects", ["actor_id", "id"], unique=False)
    op.create_index(
        "ix_objects_announce_of_id",
        "objects",
        ["announce_of_id"],
        unique=False,
        sqlite_where=sa.text("announce_of_id IS NOT NULL"),
        postgresql_where=sa.text("announce_of_id IS NOT NULL"),
    )
    op.create_index("ix_objects_in_reply_to_id", "objects", ["in_reply_to_id"], unique=False)
    op.create_index(
        "ix_objects_orphans",
        "objects",
        ["in_reply_to_uri"],
        unique=False,
        sqlite_where=sa.text("in_reply_to_id IS NULL AND in_reply_to_uri IS NOT NULL"),
        postgresql_where=sa.text("in_reply_to_id IS NULL AND in_reply_to_uri IS NOT NULL"),
    )
    op.create_index(
        "ix_objects_public",
        "objects",
        ["id", "local"],
        unique=False,
        sqlite_where=sa.text("visibility = 0 AND announce_of_id IS NULL"),
        postgresql_where=sa.text("visibility = 0 AND announce_of_id IS NULL"),
    )
    op.create_index("ix_objects_thread_id", "objects", ["thread_id"], unique=False)
    op.create_index(
        "uq_objects_announce",
        "objects",
        ["actor_id", "announce_of_id"],
        unique=True,
        sqlite_where=sa.text("announce_of_id IS NOT NULL"),
        postgresql_where=sa.text("announce_of_id IS NOT NULL"),
    )


def _reports() -> None:
    op.create_table(
        "reports",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("target_id", ID, nullable=False),
        sa.Column("uri", sa.Text(), nullable=True),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.Column("category", sa.Text(), server_default="other", nullable=False),
        sa.Column("object_ids", sa.Text(), server_default="[]", nullable=False),
        sa.Column("rule_ids", sa.Text(), server_default="[]", nullable=False),
        sa.Column("forwarded", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("resolved_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["actors.id"], name=op.f("fk_reports_actor_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["target_id"], ["actors.id"], name=op.f("fk_reports_target_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
    )
    op.create_index("ix_reports_target_id", "reports", ["target_id"], unique=False)


def _scheduled() -> None:
    op.create_table(
        "scheduled",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.Column("params", sa.Text(), nullable=False),
        sa.Column("app_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["actors.id"], name=op.f("fk_scheduled_actor_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_scheduled_app_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scheduled")),
    )
    op.create_index("ix_scheduled_actor_id", "scheduled", ["actor_id"], unique=False)
    op.create_index("ix_scheduled_due_ms", "scheduled", ["due_ms"], unique=False)


def _thread_mutes() -> None:
    op.create_table(
        "thread_mutes",
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("thread_id", ID, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["actors.id"], name=op.f("fk_thread_mutes_actor_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("actor_id", "thread_id", name=op.f("pk_thread_mutes")),
    )
    op.create_index("ix_thread_mutes_thread_id", "thread_mutes", ["thread_id"], unique=False)


def _users() -> None:
    op.create_table(
        "users",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), server_default="user", nullable=False),
        sa.Column("confirmed_ms", sa.BigInteger(), nullable=True),
        sa.Column("approved_ms", sa.BigInteger(), nullable=True),
        sa.Column("disabled_ms", sa.BigInteger(), nullable=True),
        sa.Column("locale", sa.Text(), server_default="", nullable=False),
        sa.Column("invite_request", sa.Text(), server_default="", nullable=False),
        sa.Column("settings", sa.Text(), server_default="{}", nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["actors.id"], name=op.f("fk_users_actor_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_index("ix_users_actor_id", "users", ["actor_id"], unique=False)
    op.create_index("uq_users_email", "users", [sa.literal_column("lower(email)")], unique=True)


def _authorization_codes() -> None:
    op.create_table(
        "authorization_codes",
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("app_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("code_challenge", sa.Text(), nullable=True),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["app_id"], ["apps.id"], name=op.f("fk_authorization_codes_app_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_authorization_codes_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_authorization_codes")),
    )


def _bookmarks() -> None:
    op.create_table(
        "bookmarks",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("object_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["actors.id"], name=op.f("fk_bookmarks_actor_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["object_id"], ["objects.id"], name=op.f("fk_bookmarks_object_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bookmarks")),
        sa.UniqueConstraint("actor_id", "object_id", name=op.f("uq_bookmarks_actor_id_object_id")),
    )
    op.create_index("ix_bookmarks_object_id", "bookmarks", ["object_id"], unique=False)


def _conversations() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("thread_id", ID, nullable=False),
        sa.Column("participants", sa.Text(), server_default="[]", nullable=False),
        sa.Column("last_object_id", ID, nullable=True),
        sa.Column("unread", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["actors.id"], name=op.f("fk_conversations_actor_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["last_object_id"], ["objects.id"], name=op.f("fk_conversations_last_object_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversations")),
        sa.UniqueConstraint("actor_id", "thread_id", name=op.f("uq_conversations_actor_id_thread_id")),
    )
    op.create_index("ix_conversations_actor_last", "conversations", ["actor_id", "last_object_id"], unique=False)
    op.create_index("ix_conversations_last_object_id", "conversations", ["last_object_id"], unique=False)
    op.create_index("ix_conversations_thread_id", "conversations", ["thread_id"], unique=False)


def _filter_keywords() -> None:
    op.create_table(
        "filter_keywords",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("filter_id", ID, nullable=False),
        sa.Column("keyword", sa.Text(), nullable=False),
        sa.Column("whole_word", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.ForeignKeyConstraint(
            ["filter_id"], ["filters.id"], name=op.f("fk_filter_keywords_filter_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_filter_keywords")),
    )
    op.create_index("ix_filter_keywords_filter_id", "filter_keywords", ["filter_id"], unique=False)


def _filter_objects() -> None:
    op.create_table(
        "filter_objects",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("filter_id", ID, nullable=False),
        sa.Column("object_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["filter_id"], ["filters.id"], name=op.f("fk_filter_objects_filter_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["object_id"], ["objects.id"], name=op.f("fk_filter_objects_object_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_filter_objects")),
        sa.UniqueConstraint("filter_id", "object_id", name=op.f("uq_filter_objects_filter_id_object_id")),
    )
    op.create_index("ix_filter_objects_object_id", "filter_objects", ["object_id"], unique=False)


def _home_entries() -> None:
    op.create_table(
        "home_entries",
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("object_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["actors.id"], name=op.f("fk_home_entries_actor_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["object_id"], ["objects.id"], name=op.f("fk_home_entries_object_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("actor_id", "object_id", name=op.f("pk_home_entries")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_home_entries_object_id", "home_entries", ["object_id"], unique=False)


def _likes() -> None:
    op.create_table(
        "likes",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("object_id", ID, nullable=False),
        sa.Column("uri", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["actors.id"], name=op.f("fk_likes_actor_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["object_id"], ["objects.id"], name=op.f("fk_likes_object_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_likes")),
        sa.UniqueConstraint("actor_id", "object_id", name=op.f("uq_likes_actor_id_object_id")),
    )
    op.create_index("ix_likes_object_id", "likes", ["object_id", "id"], unique=False)
    op.create_index("ix_likes_uri", "likes", ["uri"], unique=False)


def _list_members() -> None:
    op.create_table(
        "list_members",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("list_id", ID, nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["actors.id"], name=op.f("fk_list_members_actor_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name=op.f("fk_list_members_list_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_list_members")),
        sa.UniqueConstraint("list_id", "actor_id", name=op.f("uq_list_members_list_id_actor_id")),
    )
    op.create_index("ix_list_members_actor_id", "list_members", ["actor_id"], unique=False)


def _media() -> None:
    op.create_table(
        "media",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("object_id", ID, nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("preview_path", sa.Text(), nullable=True),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("meta", sa.Text(), server_default="{}", nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("blurhash", sa.Text(), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["actors.id"], name=op.f("fk_media_actor_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["object_id"], ["objects.id"], name=op.f("fk_media_object_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media")),
    )
    op.create_index("ix_media_actor_id", "media", ["actor_id"], unique=False)
    op.create_index("ix_media_object_id", "media", ["object_id"], unique=False)


def _mentions() -> None:
    op.create_table(
        "mentions",
        sa.Column("object_id", ID, nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["actors.id"], name=op.f("fk_mentions_actor_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["object_id"], ["objects.id"], name=op.f("fk_mentions_object_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("object_id", "actor_id", name=op.f("pk_mentions")),
    )
    op.create_index("ix_mentions_actor_id", "mentions", ["actor_id", "object_id"], unique=False)


def _notifications() -> None:
    op.create_table(
        "notifications",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("from_actor_id", ID, nullable=False),
        sa.Column("object_id", ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["actors.id"], name=op.f("fk_notifications_actor_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["from_actor_id"], ["actors.id"], name=op.f("fk_notifications_from_actor_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["object_id"], ["objects.id"], name=op.f("fk_notifications_object_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
    )
    op.create_index("ix_notifications_actor_id_id", "notifications", ["actor_id", "id"], unique=False)
    op.create_index("ix_notifications_from_actor_id", "notifications", ["from_actor_id"], unique=False)
    op.create_index("ix_notifications_object_id", "notifications", ["object_id"], unique=False)
    op.create_index(
        "uq_notifications_once",
        "notifications",
        ["actor_id", "type", "from_actor_id", sa.literal_column("coalesce(object_id, 0)")],
        unique=True,
        sqlite_where=sa.text("type <> 'report' AND type <> 'update'"),
        postgresql_where=sa.text("type <> 'report' AND type <> 'update'"),
    )


def _object_tags() -> None:
    op.create_table(
        "object_tags",
        sa.Column("tag_id", ID, nullable=False),
        sa.Column("object_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["object_id"], ["objects.id"], name=op.f("fk_object_tags_object_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tags.id"], name=op.f("fk_object_tags_tag_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tag_id", "object_id", name=op.f("pk_object_tags")),
    )
    op.create_index("ix_object_tags_object_id", "object_tags", ["object_id"], unique=False)


def _payloads() -> None:
    op.create_table(
        "payloads",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("object_id", ID, nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["actors.id"], name=op.f("fk_payloads_actor_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["object_id"], ["objects.id"], name=op.f("fk_payloads_object_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payloads")),
    )
    op.create_index("ix_payloads_actor_id", "payloads", ["actor_id"], unique=False)
    op.create_index("ix_payloads_object_id", "payloads", ["object_id"], unique=False)
    op.create_index("ix_payloads_uri", "payloads", ["uri"], unique=False)


def _pins() -> None:
    op.create_table(
        "pins",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("object_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["actors.id"], name=op.f("fk_pins_actor_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["object_id"], ["objects.id"], name=op.f("fk_pins_object_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pins")),
        sa.UniqueConstraint("actor_id", "object_id", name=op.f("uq_pins_actor_id_object_id")),
    )
    op.create_index("ix_pins_object_id", "pins", ["object_id"], unique=False)


def _polls() -> None:
    op.create_table(
        "polls",
        sa.Column("object_id", ID, nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("multiple", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("hide_totals", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("voters_count", sa.Integer(), nullable=True),
        sa.Column("expires_ms", sa.BigInteger(), nullable=True),
        sa.Column("closed_ms", sa.BigInteger(), nullable=True),
        sa.Column("notified", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["object_id"], ["objects.id"], name=op.f("fk_polls_object_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("object_id", name=op.f("pk_polls")),
    )
    op.create_index(
        "ix_polls_untold",
        "polls",
        ["expires_ms"],
        unique=False,
        sqlite_where=sa.text("notified IS 0"),
        postgresql_where=sa.text("notified IS false"),
    )


def _revisions() -> None:
    op.create_table(
        "revisions",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("object_id", ID, nullable=False),
        sa.Column("content", sa.Text(), server_default="", nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column("summary", sa.Text(), server_default="", nullable=False),
        sa.Column("sensitive", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("attachments", sa.Text(), server_default="[]", nullable=False),
        sa.Column("parts", sa.Text(), server_default="{}", nullable=False),
        sa.Column("poll_options", sa.Text(), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["object_id"], ["objects.id"], name=op.f("fk_revisions_object_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revisions")),
    )
    op.create_index("ix_revisions_object_id", "revisions", ["object_id"], unique=False)


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("user_agent", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sessions")),
    )


def _sign_in_links() -> None:
    op.create_table(
        "sign_in_links",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sign_in_links_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sign_in_links")),
    )


def _tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("app_id", ID, nullable=True),
        sa.Column("user_id", ID, nullable=True),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_used_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_tokens_app_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_tokens_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_tokens_token_hash")),
    )
    op.create_index("ix_tokens_user_id", "tokens", ["user_id"], unique=False)


def _votes() -> None:
    op.create_table(
        "votes",
        sa.Column("object_id", ID, nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("choice", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("uri", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["actors.id"], name=op.f("fk_votes_actor_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["object_id"], ["objects.id"], name=op.f("fk_votes_object_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("object_id", "actor_id", "choice", name=op.f("pk_votes")),
    )
    op.create_index("ix_votes_actor_id", "votes", ["actor_id"], unique=False)


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("payload_id", ID, nullable=False),
        sa.Column("inbox", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.Column("lease_ms", sa.BigInteger(), nullable=True),
        sa.Column("done_ms", sa.BigInteger(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["payload_id"], ["payloads.id"], name=op.f("fk_deliveries_payload_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
    )
    op.create_index(
        "ix_deliveries_host",
        "deliveries",
        ["host"],
        unique=False,
        sqlite_where=sa.text("state = 0"),
        postgresql_where=sa.text("state = 0"),
    )
    op.create_index("ix_deliveries_payload_id", "deliveries", ["payload_id"], unique=False)
    op.create_index(
        "ix_deliveries_waiting",
        "deliveries",
        ["due_ms"],
        unique=False,
        sqlite_where=sa.text("state = 0"),
        postgresql_where=sa.text("state = 0"),
    )


def _push_subscriptions() -> None:
    op.create_table(
        "push_subscriptions",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("token_id", ID, nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("p256dh", sa.Text(), nullable=False),
        sa.Column("auth", sa.Text(), nullable=False),
        sa.Column("standard", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("alerts", sa.Text(), server_default="{}", nullable=False),
        sa.Column("policy", sa.Text(), server_default="all", nullable=False),
        sa.ForeignKeyConstraint(
            ["token_id"], ["tokens.id"], name=op.f("fk_push_subscriptions_token_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_subscriptions")),
        sa.UniqueConstraint("token_id", name=op.f("uq_push_subscriptions_token_id")),
    )
